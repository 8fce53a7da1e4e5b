"""References to Chinese law: precision and recall of spans on a hand-checked set, and characters a second.

citations_checked.tsv names characters (条 or 号) of the development data, drawn by hash from statutes, fragments of
judgments, exam questions, consultations and news, and the span that each belongs to, as a person read it. The first 400
shaped the rules; those after them were drawn in three further rounds and corrected the rules after each was scored.
A span counts only if its start, its end and its kind are right.

    python benchmarks/bench_citations.py            needs the development data (CORPUSMILL_TEST_DATA, else ../shared/data)
"""

from __future__ import annotations

import collections
import gzip
import json
import os
import time
from pathlib import Path

from machine import about, save

from corpusmill.domain_packs.legal.citations import citations

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
    save(
        "citations", {"spans": result, "million_characters_a_second": round(characters / seconds / 1e6, 2), **about(())}
    )


if __name__ == "__main__":
    main()
