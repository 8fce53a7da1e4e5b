"""That no Transform of a recipe changes a dose, a unit, a negation, an article, a case number or a citation.

Every document of the folders legal, medical, zh and en of the development data goes through the Transforms of the packs'
recipes in its language; what is listed above is extracted before and after, widths folded (fix_format makes １００ｍｇ
100mg, which is the same dose), and must be equal. Prints each kind's number and every difference.

    python benchmarks/bench_kept_spans.py [LIMIT]     documents of each file; all by default
"""

from __future__ import annotations

import collections
import csv
import gzip
import html
import json
import os
import re
import sys
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from machine import about, save

from corpusmill.curate.documents import Documents
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.step import Transform
from corpusmill.domain_packs import recipe_text
from corpusmill.domain_packs.legal.citations import citations

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

KINDS = {
    "dose": re.compile(
        r"\d+(?:[.,]\d+)?(?:\s?[-–~～/×x]\s?\d+(?:\.\d+)?)?\s?(?:mg|[µμ]g|mcg|ug|kg|g|mL|ml|dL|L|IU|U|mEq|mmol|[µμ]mol|mmHg|cm|mm|Gy|bpm|%|℃|"
        r"毫克|微克|公斤|千克|克|毫升|升|单位|毫米|片|粒|丸|支|袋|次|钱|两|分|升|斤|枚)(?![A-Za-z])"
    ),
    "negation": re.compile(
        r"[不未无無没沒否非勿莫毋]|\b(?:no|not|never|none|without|denies|denied|negative|cannot|nor|absent|unless|except)\b|n['’]t\b",
        re.I,
    ),
    "citation": re.compile(
        r"\d+\s+U\.?\s?S\.?\s?C\.?\s*§*\s*\d+\w*|§+\s?\d[\w.\-]*|\d+\s+(?:U\.S\.|F\.\d?d?|S\.\s?Ct\.)\s+\d+|"
        r"(?:Section|Article|Clause)\s+[\dIVXLC]+[\d.()a-z]*"
    ),
    "range": re.compile(
        r"(?:(?<![A-Za-z_])[<>≤≥±]\s?\d+(?:\.\d+)?|(?<![\d.\-])\d{1,3}(?:\.\d+)?\s?[-–~～]\s?\d{1,3}(?:\.\d+)?(?![\d.\-]))"
    ),
    "code": re.compile(r"\b[A-TV-Z]\d[0-9AB]\.\d{1,4}\b|\bHP:\d{7}\b"),
}
_FOLD = {0x3000: " ", 0xA0: " ", **{c: unicodedata.normalize("NFKC", chr(c)) for c in range(0xFF01, 0xFF5F)}}


def extracted(text: str) -> dict[str, collections.Counter[str]]:
    """What must stay, by kind, white space and widths folded."""
    text = text.translate(_FOLD)
    found = {kind: collections.Counter(re.sub(r"\s", "", m) for m in p.findall(text)) for kind, p in KINDS.items()}
    for c in citations(text):
        found.setdefault(c.kind, collections.Counter())[re.sub(r"\s", "", text[c.start : c.end])] += 1
    return found


def texts(path: Path) -> Iterator[str]:
    """The documents of one file of the development data."""
    name = path.name
    if name.endswith(".jsonl.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as f:
            for row in map(json.loads, f):
                yield "\n".join(
                    v
                    for k, v in row.items()
                    if isinstance(v, str) and k in ("text", "dialogue", "answer", "long_answer")
                )
    elif name.endswith(".csv.gz"):
        with gzip.open(path, "rt", encoding="gb18030", errors="replace") as f:
            yield from ("\n".join(row[1:]) for row in csv.reader(f))
    elif name.endswith(".tar.gz") and "pages" not in name:  # pages go through the extractor, no Transform
        with tarfile.open(path) as tar:
            for member in tar:
                if (file := tar.extractfile(member)) is not None:
                    coding = "gb18030" if "gb18030" in name else "utf-8"
                    text = file.read().decode(coding, "replace")
                    yield html.unescape(re.sub(r"<[^>]{0,400}>", " ", text)) if "xml" in name else text
    elif name.endswith(".txt.gz"):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as f:
            text = f.read()
        yield from (text[i : i + 20_000] for i in range(0, len(text), 20_000))


def transforms(name: str) -> list[Transform]:
    """The Transforms of a recipe that rewrite text; those that take out whole lines are left out, for they say so."""
    recipe = parse_recipe(recipe_text(name).replace("path: raw ", 'path: "." '))
    return [s for s in recipe.pipeline.steps if isinstance(s, Transform) and s.name != "c4_lines"]


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
    kept: collections.Counter[str] = collections.Counter()
    changed = kept.copy()
    documents = 0
    for folder, packs in (("legal", ["legal"]), ("medical", ["medical"]), ("zh", ["general"]), ("en", ["general"])):
        for path in sorted((DATA / folder).iterdir()):
            batch = [t for _, t in zip(range(limit), texts(path), strict=False) if t and len(t) < 300_000]
            if not batch:
                continue
            documents += len(batch)
            han = sum("\u4e00" <= c <= "\u9fff" for t in batch[:20] for c in t[:200])
            language = "zh" if han > 200 else "en"
            docs = Documents.from_texts(batch, language=[language] * len(batch))
            steps = [step for pack in packs for step in transforms(f"{pack}-{language}")]
            for step in steps:
                docs = step.transform(docs)
            for before, after in zip(batch, docs.texts, strict=True):
                if before == after:
                    for kind, found in extracted(before).items():
                        kept[kind] += found.total()
                    continue
                was, now = extracted(before), extracted(after)
                for kind, found in was.items():
                    lost, new = (
                        found - now.get(kind, collections.Counter()),
                        now.get(kind, collections.Counter()) - found,
                    )
                    kept[kind] += found.total() - lost.total()
                    changed[kind] += lost.total()
                    if lost or new:
                        print(f"{path.name} {kind}: {list(lost.items())[:4]} -> {list(new.items())[:4]}", flush=True)
    print(f"{documents} documents; kept {dict(kept)}; changed {dict(changed)}")
    save("kept_spans", {"documents": documents, "kept": kept, "changed": changed, **about(())})


if __name__ == "__main__":
    main()
