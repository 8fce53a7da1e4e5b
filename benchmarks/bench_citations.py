"""References to Chinese, US and EU law: precision and recall of spans on hand-checked sets, and characters a second.

citations_checked.tsv names characters (条 or 号) of the development data, drawn by hash from statutes, fragments of
judgments, exam questions, consultations and news, and the span that each belongs to, as a person read it. The first 400
shaped the rules; those after them were drawn in three further rounds and corrected the rules after each was scored.
A span counts only if its start, its end and its kind are right.

western_citations_checked.tsv does the same for US and EU law in bills, contracts and terms of service; scored once before
they were mended, the rules had 275 of its 290 spans right. eyecite, where it is installed, runs over the same texts.

    python benchmarks/bench_citations.py            needs the development data (CORPUSMILL_TEST_DATA, else ../shared/data)
"""

from __future__ import annotations

import collections
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

from bench_kept_spans import texts
from machine import about, save

from corpusmill.domain_packs.legal.citations import citations
from corpusmill.domain_packs.legal.western_citations import references

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
CHECKED = Path(__file__).with_name("citations_checked.tsv")


def checked() -> dict[str, list[tuple[int, str, int, int, int, str]]]:
    """By file: (row, field, character, start, end, kind), kind `none` for a character that belongs to no reference."""
    found: dict[str, list[tuple[int, str, int, int, int, str]]] = {}
    for line in CHECKED.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            file, row, field, at, start, end, kind = line.split("\t")
            found.setdefault(file, []).append((int(row), field, int(at), int(start), int(end), kind))
    return found


WESTERN = Path(__file__).with_name("western_citations_checked.tsv")


def western() -> dict[str, Any]:
    """Precision and recall on US and EU law; how many spans eyecite touches, and how fast either is."""
    files: dict[str, list[str]] = {}
    right = wrong = missed = touched = 0
    read: dict[tuple[str, int], str] = {}
    spans: list[tuple[str, int, int, int, int, str]] = []
    for line in WESTERN.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            file, row, at, start, end, kind = line.split("\t")
            files.setdefault(file, [] if file in files else list(texts(DATA / file)))
            read[file, int(row)] = files[file][int(row)]
            spans.append((file, int(row), int(at), int(start), int(end), kind))
    begun = time.process_time()
    found = {key: references(text) for key, text in read.items()}
    seconds = time.process_time() - begun
    for file, row, at, start, end, kind in spans:
        got = next(
            ((r.start, r.end, r.kind) for r in found[file, row] if r.start <= at < r.end or at <= r.start < at + 12),
            None,
        )
        if got == (None if kind == "none" else (start, end, kind)):
            right += kind != "none"
            continue
        wrong += got is not None
        missed += kind != "none"
        print(f"wrong: {read[file, row][max(0, start - 12) : end + 12]!r}: {kind}, got {got}")
    characters = sum(map(len, read.values())) / 1e6
    result: dict[str, Any] = {
        "spans": right + missed,
        "precision": round(right / (right + wrong), 4),
        "recall": round(right / (right + missed), 4),
        "million_characters_a_second": round(characters / seconds, 2),
    }
    try:
        from eyecite import get_citations
    except ImportError:
        return result
    begun = time.process_time()
    theirs = {key: [c.span() for c in get_citations(text)] for key, text in read.items()}
    seconds = time.process_time() - begun
    for file, row, _, start, end, kind in spans:
        touched += kind != "none" and any(a < end and start < b for a, b in theirs[file, row])
    result["eyecite"] = {"recall_of_any_overlap": round(touched / result["spans"], 4), "million_characters_a_second": round(characters / seconds, 3)}  # fmt: skip
    return result


def main() -> None:
    right: collections.Counter[str] = collections.Counter()
    wrong, missed = right.copy(), right.copy()
    characters, seconds = 0, 0.0
    for file, spans in checked().items():
        with gzip.open(DATA / file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        for row, field, at, start, end, kind in spans:
            text = rows[row][field]
            begun = time.process_time()
            found = citations(text)
            seconds += time.process_time() - begun
            characters += len(text)
            got = next(((c.start, c.end, c.kind) for c in found if c.start <= at < c.end), None)
            if got == (None if kind == "none" else (start, end, kind)):
                right[kind] += kind != "none"
                continue
            if got:
                wrong[got[2]] += 1
            if kind != "none":
                missed[kind] += 1
            print(f"wrong: {text[max(0, start - 12) : end + 12]!r}: {kind}, got {got and text[got[0] : got[1]]!r}")
    result = {}
    for kind in [*sorted({*right, *wrong, *missed} - {"none"}), "all"]:
        r, w, m = ((c.total() if kind == "all" else c[kind]) for c in (right, wrong, missed))
        result[kind] = {"spans": r + m, "precision": round(r / (r + w), 4), "recall": round(r / (r + m), 4)}
        print(f"{kind:16} {result[kind]}")
    print(f"{characters / seconds / 1e6:.1f} million characters a second")
    found_western = western()
    print("US, EU", found_western)
    save(
        "citations",
        {
            "spans": result,
            "western": found_western,
            "million_characters_a_second": round(characters / seconds / 1e6, 2),
            **about(()),
        },
    )


if __name__ == "__main__":
    main()
