"""That no Transform of a recipe changes a dose, a unit, a negation, an article, a case number or a citation.

Every document of the folders legal, medical, zh and en of the development data goes through the Transforms of the packs'
recipes in its language; what is listed above is extracted before and after each step (corpusmill.domain_packs.kept_spans),
and must be equal. What a step cuts out whole is in `removed` and counts as kept; identifiers that redact_pii puts a tag in
place of are no such spans, but a date or a number among them can look like one (86-90 of a telephone), so its losses stand
apart. Prints each loss with the step.

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
from collections.abc import Iterator
from pathlib import Path

from machine import about, save

from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.step import Transform
from corpusmill.domain_packs import recipe_text
from corpusmill.domain_packs.kept_spans import kept_spans, lost_in

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


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
    """The Transforms of a recipe that rewrite text; that take out whole lines say what they took."""
    recipe = parse_recipe(recipe_text(name).replace("path: raw ", 'path: "." '))
    return [s for s in recipe.pipeline.steps if isinstance(s, Transform)]


def main() -> None:
    if not (DATA / "README.md").is_file():
        print(f"skipped: there is no development data at {DATA} (set CORPUSMILL_TEST_DATA)")
        return
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
    held: collections.Counter[str] = collections.Counter()
    gone: dict[str, collections.Counter[str]] = {}
    documents = 0
    for folder, pack in (("legal", "legal"), ("medical", "medical"), ("zh", "general"), ("en", "general")):
        for path in sorted((DATA / folder).iterdir()):
            batch = [t for _, t in zip(range(limit), texts(path), strict=False) if t and len(t) < 300_000]
            if not batch:
                continue
            documents += len(batch)
            han = sum("\u4e00" <= c <= "\u9fff" for t in batch[:20] for c in t[:200])
            language = "zh" if han > 200 else "en"
            steps = transforms(f"{pack}-{language}")
            for text in batch:
                for kind, found in kept_spans(text).items():
                    held[kind] += found.total()
            for step, losses in zip(steps, lost_in(steps, batch, language), strict=True):
                for row, loss in enumerate(losses):
                    for kind, counts in loss.items():
                        gone.setdefault(step.name, collections.Counter())[kind] += counts.total()
                        print(f"{path.name}:{row} {step.name} {kind}: {list(counts.items())[:4]}", flush=True)
    save("kept_spans", {"documents": documents, "spans": held, "lost_by_step": gone, **about(())})


if __name__ == "__main__":
    main()
