"""Rule sets: corpusmill, datatrove and plain Python on the same documents, one core, all in one process.

For each rule set and language: documents and MB a second of each side, how many times the others' corpusmill's is, and the
share of documents on which each decides as corpusmill does, with the same thresholds (English: the papers'; Chinese: FineWeb-2's).
`all together` runs every filter on every document, as ours always does; `all, until dropped` is the same but datatrove's
filters do not see what an earlier one has dropped. Time is the processor's, for machines are shared: of ours half is
taken before the others run and half after, five seconds in all, and every run counts. Peak memory is that of a process
with one side alone. `plain_python.py` is the third side, written as the papers read.

    python bench_filters.py [--megabytes 2] [--disagreements FILE]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from documents import real_documents
from machine import about, save
from plain_python import run_plain

from corpusmill.curate.documents import MAX_BATCH_BYTES, MAX_BATCH_ROWS, Documents
from corpusmill.curate.step import Filter, Step, failures
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.quality import (
    C4Quality,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
    bundled_stop_words,
)

ALL, UNTIL_DROPPED = "all together", "all, until dropped"
CHINESE = "cmn_Hani"
"""FineWeb-2's name of the language. Trap: with "zho" datatrove splits Chinese at white space."""
FINEWEB2_NGRAMS = {5: 0.198, 6: 0.182, 7: 0.167, 8: 0.154, 9: 0.14, 10: 0.127}


def our_steps(language: str) -> dict[str, list[Step]]:
    """Our rule sets, with the thresholds that `their_filters` has."""
    zh = language == "zh"
    sets: dict[str, list[Step]] = {
        "gopher_repetition": [
            GopherRepetition(**{f"dup_{n}_gram": {"default": None, "zh": t} for n, t in FINEWEB2_NGRAMS.items()})
            if zh
            else GopherRepetition()
        ],
        "gopher_quality": [GopherQuality(min_alpha_words_ratio={"default": 0.8, "zh": 0.735})],
        "fineweb_quality": [FineWebQuality()],
        "c4": [C4Lines(), C4Quality(min_sentences=5)],
    }
    every = [step for steps in sets.values() for step in steps]
    return {**sets, ALL: every, UNTIL_DROPPED: every}


def their_filters(language: str) -> dict[str, Any]:
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    if language == "en":
        return {
            "gopher_repetition": GopherRepetitionFilter(),
            "gopher_quality": GopherQualityFilter(),
            "fineweb_quality": FineWebQualityFilter(),
            "c4": C4QualityFilter(),
        }
    return {
        "gopher_repetition": GopherRepetitionFilter(
            language=CHINESE,
            dup_line_frac=0.287,
            dup_para_frac=None,
            dup_line_char_frac=None,
            dup_para_char_frac=None,
            top_n_grams=((2, 0.256), (3, 0.201), (4, 0.171)),
            dup_n_grams=tuple(FINEWEB2_NGRAMS.items()),
        ),
        "gopher_quality": GopherQualityFilter(
            language=CHINESE,
            min_avg_word_length=1,
            max_avg_word_length=5,
            max_non_alpha_words_ratio=0.735,
            stop_words=bundled_stop_words()["zh"],
        ),
        "fineweb_quality": FineWebQualityFilter(
            language=CHINESE, line_punct_thr=0.106, short_line_thr=1.0, char_duplicates_ratio=0.1, new_line_ratio=0.178
        ),
        "c4": C4QualityFilter(language=CHINESE),
    }


def batches(texts: list[str], language: str) -> list[Documents]:
    """The documents as both sides have them when their readers are done: here Arrow columns, there Python strings."""
    found, first = [], 0
    while first < len(texts):
        size, last = 0, first
        while last < len(texts) and last - first < MAX_BATCH_ROWS and size < MAX_BATCH_BYTES:
            size += len(texts[last].encode())
            last += 1
        found.append(Documents.from_texts(texts[first:last], language=[language] * (last - first)))
        first = last
    return found


def run_ours(steps: list[Step], documents: list[Documents]) -> dict[int, str]:
    """The rows that break a rule, with the first one: all signals and rules, none remembered from an earlier run."""
    dropped: dict[int, str] = {}
    first = 0
    for batch in documents:
        docs = Documents(batch.table)
        for step in steps:
            if isinstance(step, Filter):
                docs = step.measure(docs)
                for row, rule, *_ in failures(step, docs):
                    dropped.setdefault(first + row, rule.name)
            else:
                docs = step.transform(docs)  # type: ignore[attr-defined]
        first += len(batch)
    return dropped


def run_theirs(filters: list[Any], texts: list[str], until_dropped: bool = False) -> dict[int, str]:
    """The rows that datatrove drops, with its reason; a filter that raises (on a document without words) drops."""
    from datatrove.data import Document

    dropped: dict[int, str] = {}
    for row, text in enumerate(texts):
        document = Document(text=text, id=str(row))
        for filter_ in filters:
            try:
                verdict = filter_.filter(document)
            except ZeroDivisionError:
                verdict = (False, "raised")
            if verdict is not True:
                dropped.setdefault(row, verdict[1] if isinstance(verdict, tuple) else "dropped")
                if until_dropped:
                    break
    return dropped


def missing() -> str | None:
    """Why datatrove's side cannot run, or None."""
    gone = [name for name in ("datatrove", "spacy", "jieba", "regex") if importlib.util.find_spec(name) is None]
    if not gone:
        return None
    return (
        f"not installed: {', '.join(gone)}; datatrove cuts words with spaCy and jieba. "
        "Only our own side is measured. Install them with: pip install 'corpusmill[bench]'"
    )


def seconds(run: Callable[[], Any], at_least: float) -> tuple[float, int, Any]:
    """Processor time of one run after another until they took so long in all: (seconds, runs, what the last returned)."""
    started, runs = time.process_time(), 0
    while True:
        result = run()
        runs += 1
        taken = time.process_time() - started
        if taken >= at_least:
            return taken, runs, result


OURS_SECONDS = 5.0
"""Half before the others and half after: what the machine does meanwhile falls on all sides."""


def measure(megabytes: float, disagreements: Path | None) -> dict[str, Any]:
    without = missing()
    if without:
        print(without, file=sys.stderr)
    kind, documents = real_documents(megabytes)
    rows, differ = [], []
    for language, texts in documents.items():
        size = sum(len(t.encode()) for t in texts) / 1e6
        theirs = {} if without else their_filters(language)
        for name, steps in our_steps(language).items():
            run_ours(steps, batches(texts[:50], language))  # compilation and tables
            ours = partial(run_ours, steps, batches(texts, language))
            before, runs, dropped = seconds(ours, OURS_SECONDS / 2)
            others: dict[str, Callable[[], dict[int, str]]] = {}
            if theirs:
                rivals = [theirs[name]] if name in theirs else list(theirs.values())
                run_theirs(rivals, texts[:2])  # its tokenizer loads
                others["datatrove"] = partial(run_theirs, rivals, texts, name == UNTIL_DROPPED)
            if name != UNTIL_DROPPED and (language != "zh" or not without):  # jieba is datatrove's too
                run_plain(steps, texts[:2], language)
                others["plain_python"] = partial(run_plain, steps, texts, language)
            found = {side: seconds(run, 0.0) for side, run in others.items()}
            after, more, _ = seconds(ours, OURS_SECONDS / 2)
            took = (before + after) / (runs + more)
            row: dict[str, Any] = {
                "rules": name,
                "language": language,
                "documents": len(texts),
                "megabytes": round(size, 2),
                "corpusmill": {**rates(len(texts), size, took), "runs": runs + more, "kept": len(texts) - len(dropped)},
            }
            for side, (taken, times, verdicts) in found.items():
                alike = sum((i in dropped) == (i in verdicts) for i in range(len(texts))) / len(texts)
                row[side] = {
                    **rates(len(texts), size, taken / times),
                    "kept": len(texts) - len(verdicts),
                    "same_decision": round(alike, 4),
                    "corpusmill_times_as_fast": round(taken / times / took, 1),
                }
                differ += [
                    {
                        "rules": name,
                        "language": language,
                        "ours": dropped.get(i),
                        side: verdicts.get(i),
                        "text": t,
                    }
                    for i, t in enumerate(texts)
                    if (i in dropped) != (i in verdicts) and name in theirs and side == "datatrove"
                ]
            print(json.dumps(row, ensure_ascii=False), file=sys.stderr, flush=True)
            rows.append(row)
    if disagreements:
        disagreements.write_text("".join(json.dumps(d, ensure_ascii=False) + "\n" for d in differ), encoding="utf-8")
    return {"documents": kind, "rows": rows, "datatrove": without or "beside ours, in the same process"}


def rates(documents: int, megabytes: float, taken: float) -> dict[str, float]:
    return {"docs_per_s": round(documents / taken, 1), "mb_per_s": round(megabytes / taken, 3)}


def peak_memory(side: str, megabytes: float) -> float:
    """Peak memory in MB of a process in which one side alone judges the documents."""
    command = [sys.executable, __file__, "--side", side, "--megabytes", str(megabytes)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def one_side(side: str, megabytes: float) -> None:
    for language, texts in real_documents(megabytes)[1].items():
        if side == "corpusmill":
            run_ours(our_steps(language)[ALL], batches(texts, language))
        elif side == "plain_python":
            run_plain(our_steps(language)[ALL], texts, language)
        else:
            run_theirs(list(their_filters(language).values()), texts)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    # Not getrusage: a child begins with its parent's peak there.
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=1.5, help="text of each language, in MB")
    parser.add_argument("--disagreements", type=Path, help="write the documents that are judged differently here")
    parser.add_argument("--side", choices=["corpusmill", "plain_python", "datatrove"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        one_side(options.side, options.megabytes)
        return
    result = measure(options.megabytes, options.disagreements)
    small = min(options.megabytes, 1.0)
    result["peak_memory_mb"] = {
        side: round(peak_memory(side, small))
        for side in ("corpusmill", *(() if missing() else ("plain_python", "datatrove")))
    }
    packages = ("corpusmill", "datatrove", "spacy", "jieba", "numba", "numpy", "polars")
    save("filters", {"about": about(packages), **result})


if __name__ == "__main__":
    main()
