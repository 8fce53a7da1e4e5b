"""HTML to text: ours, resiliparse and trafilatura on the same pages in one run, quality and pages a second.

Word-level F1 (precision, recall) is the overlap of the words of the text and of the gold text, as multisets, averaged
over pages; a Chinese character is a word. Trafilatura's own pages have no gold text but strings that must and must not
be there: F1 over those, as its evaluation counts. Pages are cut into two halves by the hash of their host: the bounds
were set on `development`; of `held out` no page was looked at, only its scores.

Needs the development data (CORPUSMILL_TEST_DATA). Arguments: the share of pages to take (default 1).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from machine import about, save

from corpusmill.curate.readers.encoding import declared_in_html, decode_document
from corpusmill.curate.readers.html.page import page_text

LANGUAGES = {"Chinese": "zh", "English": "en", "Russian": "ru", "Greek": "el", "Polish": "pl"}
WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+")


@dataclass
class Page:
    set: str
    half: str
    html: str
    gold: str = ""
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()


def pages(folder: Path) -> list[Page]:
    found = []
    for name in ("daniel", "article_benchmark", "trafilatura"):
        with gzip.open(folder / f"{name}_truth.jsonl.gz", "rt", encoding="utf-8") as lines:
            truth = {row["id"].removesuffix(".html"): row for row in map(json.loads, lines)}
        with tarfile.open(folder / f"{name}_pages.tar.gz") as archive:
            for member in archive:
                row = truth.get(member.name.rsplit("/", 1)[-1].removesuffix(".html"))
                file = archive.extractfile(member)
                if row is None or file is None:
                    continue
                raw = file.read()
                label = declared_in_html(raw)
                html = decode_document(raw, [label] if label else []).text
                if name == "daniel":
                    gold = re.sub("</?p>", "\n", row["text"])
                    host, page = row["id"].split("_")[1], Page(f"news {LANGUAGES[row['lang']]}", "", html, gold)
                elif name == "article_benchmark":
                    host, page = urlsplit(row["url"]).netloc, Page("articles en", "", html, row["text"])
                else:
                    host = row["host"]
                    must, must_not = tuple(row["must_have"]), tuple(row["must_not_have"])
                    page = Page("trafilatura's", "", html, must=must, must_not=must_not)
                odd = int(hashlib.md5(host.encode(), usedforsecurity=False).hexdigest(), 16) % 2
                page.half = "held out" if odd else "development"
                found.append(page)
    return found


def scores(pages: list[Page], texts: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """set -> half -> precision, recall, f1, pages."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for name in sorted({page.set for page in pages}):
        for half in ("development", "held out", "all"):
            chosen = [(p, t) for p, t in zip(pages, texts, strict=True) if p.set == name and half in (p.half, "all")]
            if chosen:
                found = _strings(chosen) if chosen[0][0].must else _words(chosen)
                rounded = {k: round(v, 4) for k, v in zip(("precision", "recall", "f1"), found, strict=True)}
                result.setdefault(name, {})[half] = {**rounded, "pages": len(chosen)}
    return result


def _words(chosen: list[tuple[Page, str]]) -> tuple[float, float, float]:
    sums = [0.0, 0.0, 0.0]
    for page, text in chosen:
        gold, found = Counter(WORD.findall(page.gold.lower())), Counter(WORD.findall(text.lower()))
        both = (gold & found).total()
        sums[0] += both / max(1, found.total())
        sums[1] += both / max(1, gold.total())
        sums[2] += 2 * both / max(1, gold.total() + found.total())
    return sums[0] / len(chosen), sums[1] / len(chosen), sums[2] / len(chosen)


def _strings(chosen: list[tuple[Page, str]]) -> tuple[float, float, float]:
    right = sum(s in text for page, text in chosen for s in page.must)
    wrong = sum(s in text for page, text in chosen for s in page.must_not)
    wanted = sum(len(page.must) for page, _ in chosen)
    precision, recall = right / max(1, right + wrong), right / max(1, wanted)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def resiliparse(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return str(extract_plain_text(html, main_content=True, alt_texts=False))


def extractors() -> dict[str, Callable[[str], str]]:
    return {
        "ours (auto)": lambda html: page_text(html, "auto")[1],
        "ours (fast)": lambda html: page_text(html, "fast")[1],
        "resiliparse": resiliparse,
        "trafilatura": lambda html: page_text(html, "trafilatura")[1],
    }


def main() -> None:
    folder = os.environ.get("CORPUSMILL_TEST_DATA")
    if not folder:
        sys.exit("set CORPUSMILL_TEST_DATA to the folder of the development data")
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    chosen = [p for i, p in enumerate(pages(Path(folder) / "web")) if (i * share) % 1 < share]
    result: dict[str, Any] = {
        **about(("lxml", "resiliparse", "trafilatura")),
        "pages": len(chosen),
        "mean kilobytes": round(sum(len(p.html.encode()) for p in chosen) / len(chosen) / 1000, 1),
        "extractors": {},
    }
    functions = extractors()
    texts: dict[str, list[str]] = {name: [] for name in functions}
    seconds = dict.fromkeys(functions, 0.0)
    for extract in functions.values():
        extract(chosen[0].html)
    # Page by page in turn, so that a neighbour's load on the machine weighs on all of them alike.
    for page in chosen:
        for name, extract in functions.items():
            start = time.process_time()
            texts[name].append(extract(page.html))
            seconds[name] += time.process_time() - start
    for name in functions:
        result["extractors"][name] = {
            "pages a second": round(len(chosen) / seconds[name], 1),
            **scores(chosen, texts[name]),
        }
    ours, slow, fast = (seconds[name] for name in ("ours (auto)", "trafilatura", "resiliparse"))
    result["times the speed of trafilatura"] = round(slow / ours, 1)
    result["share of the speed of resiliparse"] = round(fast / ours, 2)
    save("html", result)


if __name__ == "__main__":
    main()
