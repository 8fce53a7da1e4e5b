"""Rule sets: corpusmill and datatrove on the same documents, one core, both in this run.

Prints documents a second for each rule set and language, their ratio, and how often both decide alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from documents import demo_documents
from machine import about, save

from corpusmill.curate.documents import MAX_BATCH_ROWS, Documents
from corpusmill.curate.step import Filter, failures
from corpusmill.filters import FineWebQuality, GopherQuality, GopherRepetition

OURS: dict[str, Callable[[], Filter]] = {
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "fineweb_quality": FineWebQuality,
}


def theirs(name: str, language: str) -> Any:
    """datatrove's filter with the thresholds that its own Chinese recipe uses, or its defaults for English."""
    from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    code = "zho" if language == "zh" else "eng"
    if name == "gopher_quality":
        more = (
            {}
            if language == "en"
            else {"min_avg_word_length": 1, "max_avg_word_length": 5, "stop_words": ["的", "了", "和", "是", "在"]}
        )
        return GopherQualityFilter(language=code, **more)
    if name == "gopher_repetition":
        return GopherRepetitionFilter(language=code)
    return FineWebQualityFilter(language=code)


def main() -> None:
    from datatrove.data import Document

    documents = demo_documents(3.0)
    rows = []
    for language, texts in documents.items():
        sample = texts[: max(20, len(texts) // 10)]  # datatrove's share: seconds, not minutes
        for name, make in OURS.items():
            step, filter_ = make(), theirs(name, language)
            run_ours(step, texts[:50], language)  # compilation and tables
            filter_.filter(Document(text=sample[0], id="0"))
            started = time.perf_counter()
            dropped = run_ours(step, texts, language)
            ours = len(texts) / (time.perf_counter() - started)
            started = time.perf_counter()
            verdicts = [filter_.filter(Document(text=t, id=str(i))) for i, t in enumerate(sample)]
            rival = len(sample) / (time.perf_counter() - started)
            alike = sum((v is True) == (i not in dropped) for i, v in enumerate(verdicts)) / len(sample)
            row = {
                "rules": name,
                "language": language,
                "corpusmill_docs_per_s": round(ours),
                "datatrove_docs_per_s": round(rival, 1),
                "ratio": round(ours / rival, 1),
            }
            if language == "en":  # in Chinese the thresholds differ by design
                row["same_decision"] = round(alike, 4)
            rows.append(row)
    save("filters", {"about": about(("corpusmill", "datatrove", "numba", "numpy", "rjieba")), "rows": rows})


def run_ours(step: Filter, texts: list[str], language: str) -> set[int]:
    """Rows that break a rule; signals and rules are both in the time."""
    dropped: set[int] = set()
    for start in range(0, len(texts), MAX_BATCH_ROWS):
        part = texts[start : start + MAX_BATCH_ROWS]
        docs = Documents.from_texts(part, language=[language] * len(part))
        dropped |= {start + row for row, *_ in failures(step, step.measure(docs))}
    return dropped


if __name__ == "__main__":
    main()
