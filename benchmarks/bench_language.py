"""Language identification: accuracy of each backend on labelled text, and documents a second of one core's time.

Time is the processor's and not the clock's, for machines are shared. Needs the development data (CORPUSMILL_TEST_DATA,
else ../shared/data) and OpenCC; fetches lid.176. Sets are the same for all backends; langdetect, two hundred times
slower, reads one text in twenty of each.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from itertools import islice
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from machine import about, save
from opencc import OpenCC

from corpusmill.curate.documents import MAX_BATCH_ROWS, Documents
from corpusmill.curate.fetch import fetch
from corpusmill.filters import Language
from corpusmill.filters.language import CLAIMED, EVEN, iso_codes

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
DOCUMENT_BYTES = 1400
SLOW_STEP = 20
ONE_LANGUAGE = {"nb": "no", "nn": "no"}
"""Labels of the test sets that every backend answers by another code."""

Labelled = list[tuple[str, str]]
"""Texts with what `said` must return for them."""


def rows(name: str) -> list[dict[str, str]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def sets() -> dict[str, Labelled]:
    """The test sets; a label is a language, or a language and script."""
    found: dict[str, Labelled] = {}
    for name in ("sentences75", "word_pairs75"):
        every = [(r["text"], ONE_LANGUAGE.get(r["lang"], r["lang"])) for r in rows(f"langid/{name}")]
        found[f"{name}, {len({code for _, code in every if code in CLAIMED})} claimed languages"] = [
            item for item in every if item[1] in CLAIMED
        ]
        for code in ("zh", "en", "ja", "ko", "no", "yo"):
            found[f"{name}, {code}"] = [item for item in every if item[1] == code]
        found[f"{name}, all"] = every
    udhr = [
        (r["text"], iso_codes().get(r["lang"], r["lang"]), r["code"] == r["lang"]) for r in rows("langid/udhr_even")
    ]
    # Varieties and other scripts (a creole under French, Vietnamese in Han characters) have codes of their own.
    found["udhr_even, claimed languages"] = [
        (text, language) for text, language, itself in udhr if itself and language in CLAIMED
    ]
    converters = [OpenCC("t2s"), OpenCC("s2t")]
    for name, script in (("wiki_hans", "Hans"), ("wiki_hant", "Hant")):
        paragraphs = [r["text"] for r in rows(f"zh/{name}")]
        sentences = [s for text in paragraphs for s in re.findall(r"[^。！？\n]+[。！？]?", text) if len(s) >= 8]
        found[f"{name}, paragraphs"] = [(text, f"zh-{script}") for text in paragraphs]
        found[f"{name}, sentences"] = [(text, f"zh-{script}") for text in sentences]
        shown = [text for text in sentences if any(converter.convert(text) != text for converter in converters)]
        found[f"{name}, sentences that OpenCC would change"] = [(text, f"zh-{script}") for text in shown]
    return found


def measured(step: Language, texts: list[str]) -> list[tuple[str, str, bool]]:
    """Language, script and whether the text shows neither Chinese script, so that the common one is named."""
    out: list[tuple[str, str, bool]] = []
    for at in range(0, len(texts), MAX_BATCH_ROWS):
        docs = step.measure(Documents.from_texts(texts[at : at + MAX_BATCH_ROWS]))
        even = docs.signals["script_score"] == EVEN
        out += [(str(a), str(b), bool(c)) for a, b, c in zip(docs.languages, docs.scripts, even, strict=True)]
    return out


def accuracy(step: Language, items: Labelled) -> dict[str, Any]:
    found = measured(step, [text for text, _ in items])
    right = even = 0
    for (language, script, either), (_, label) in zip(found, items, strict=True):
        hit = label in (language, f"{language}-{script}")
        right += hit
        even += hit and either
    result: dict[str, Any] = {"texts": len(items), "accuracy": round(right / len(items), 4)}
    if items[0][1].startswith("zh-"):
        result["written_alike"] = round(even / len(items), 4)
    return result


def speed(step: Language) -> dict[str, int]:
    """Documents of about 1.4 KB a second, the best of fifteen rounds: columns and signals are in the time."""
    out = {}
    for language, names in (("zh", ("zh/news_docs", "zh/wiki_hans")), ("en", ("web/c4_docs",))):
        data = "\n".join(r["text"] for name in names for r in rows(name)).encode()
        pieces = [data[a : a + DOCUMENT_BYTES].decode(errors="ignore") for a in range(0, len(data), DOCUMENT_BYTES)]
        count = 100 if step.backend == "langdetect" else MAX_BATCH_ROWS
        texts = list(islice((piece for _ in range(100) for piece in pieces), count))
        best = float("inf")
        for _ in range(1 if step.backend == "langdetect" else 15):
            docs = Documents.from_texts(texts)
            started = time.process_time()
            step.measure(docs)
            best = min(best, time.process_time() - started)
        out[language] = round(count / best)
    return out


def main() -> None:
    if not (DATA / "README.md").exists():
        print("skipped: no development data (set CORPUSMILL_TEST_DATA to its folder)")
        return
    fetch("lid.176", quiet=True)
    steps = {
        "eld": Language(keep=["zh", "en"]),
        "lid.176": Language(backend="fasttext", model="lid.176"),
        "langdetect": Language(backend="langdetect"),
    }
    tests = sets()
    result: dict[str, Any] = {}
    for name, step in steps.items():
        stride = SLOW_STEP if name == "langdetect" else 1
        measured(step, ["你好，世界", "Hello, world"])  # models and kernels
        result[name] = {title: accuracy(step, items[::stride]) for title, items in tests.items()}
        result[name]["documents_per_s"] = speed(step)
    print(table(result))
    save(
        "language",
        {"about": about(("corpusmill", "eldc", "fasttext-community", "langdetect", "numba", "opencc")), **result},
    )


def table(result: dict[str, Any]) -> str:
    lines = ["| | " + " | ".join(f"`{name}`" for name in result) + " |", "|---" * (len(result) + 1) + "|"]
    for title in next(iter(result.values())):
        if title == "documents_per_s":
            cells = [f"{found[title]['zh']:,} / {found[title]['en']:,}" for found in result.values()]
            lines.append(f"| documents a CPU second, zh / en | {' | '.join(cells)} |")
            continue
        cells = []
        for found in result.values():
            cell = f"{found[title]['accuracy']:.4f}"
            if found[title].get("written_alike"):
                cell += f" ({found[title]['written_alike']:.4f} by custom)"
            cells.append(cell)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
