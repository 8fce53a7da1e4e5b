"""Chinese words: our kernel beside rjieba and jieba (its Markov model off), one core, the same documents.

Prints MB a second of processor time (machines are shared) of each, and the share of jieba's (or, where it is not installed,
rjieba's) words that ours has at the same place; and how long the dictionary takes to load. English words are there for
comparison of the two styles.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
from documents import real_documents
from machine import about, save

from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.dictionary import shipped_trie
from corpusmill.filters.text.word_table import WordTable
from corpusmill.filters.text.words import JIEBA, SPACED, segment


def rate(run: Callable[[], Any], megabytes: float, times: int) -> float:
    best = float("inf")
    for _ in range(times):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return round(megabytes / best, 1)


def cutters() -> dict[str, Callable[[str], list[str]]]:
    """The packages that are installed, as functions from a text to its words."""
    found: dict[str, Callable[[str], list[str]]] = {}
    if importlib.util.find_spec("jieba"):
        jieba = importlib.import_module("jieba")
        jieba.setLogLevel("ERROR")
        found["jieba"] = lambda text: jieba.lcut(text, HMM=False)
    if importlib.util.find_spec("rjieba"):
        rjieba = importlib.import_module("rjieba")
        found["rjieba"] = lambda text: rjieba.cut(text, False)
    return found


def spans(words: list[str]) -> set[tuple[int, int]]:
    """Where words are, counted in characters that are not white space."""
    found, at = set(), 0
    for word in words:
        if not word.isspace():
            found.add((at, at + len(word)))
            at += len(word)
    return found


def main() -> None:
    shipped_trie.cache_clear()
    started = time.process_time()
    WordTable.of(shipped_trie())
    loads = {"first": round(time.process_time() - started, 3)}
    started = time.process_time()
    WordTable.of(shipped_trie())
    loads["kernels_loaded"] = round(time.process_time() - started, 3)
    kind, documents = real_documents(4)
    result: dict[str, Any] = {"documents": kind, "load_seconds": loads, "rows": []}
    for language, style in (("zh", JIEBA), ("en", SPACED)):
        texts = documents[language]
        buffers = TextBuffers.of_strings(texts)
        styles = np.full(len(texts), style, np.int8)
        size = len(buffers.data) / 1e6
        words = segment(buffers, styles)
        row: dict[str, Any] = {
            "language": language,
            "megabytes": round(size, 2),
            "words": len(words),
            "corpusmill_mb_per_s": rate(lambda b=buffers, s=styles: segment(b, s), size, 9),  # type: ignore[misc]
        }
        for name, cut in cutters().items() if language == "zh" else ():
            sample = texts if name == "rjieba" else texts[: len(texts) // 4]
            part = sum(len(t.encode()) for t in sample) / 1e6
            row[f"{name}_mb_per_s"] = rate(
                lambda cut=cut, sample=sample: [cut(t) for t in sample],  # type: ignore[misc]
                part,
                3 if name == "rjieba" else 1,
            )
            theirs = same = 0
            for d, text in enumerate(sample):
                expected = spans(cut(text))
                theirs += len(expected)
                same += len(expected & spans(words.strings(buffers, d)))
            row[f"same_words_as_{name}"] = round(same / theirs, 6)
        result["rows"].append(row)
    save("words", {"about": about(("corpusmill", "jieba", "rjieba", "numba", "numpy")), **result})


if __name__ == "__main__":
    main()
