"""Cutting overlapping stretches out of texts, at the bounds of sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.documents import Documents, Removed
from ..text.buffers import TextBuffers
from ..text.chars import BREAKS, CLOSERS, SENTENCE_ENDS
from ..text.folded import Tokens
from ..text.overlap import OverlapIndex, Overlaps
from ..text.words import words_of

REACH = 300
"""Characters within which a sentence must begin or end; text without such marks is cut at words."""

Span = tuple[int, int, int, int]
"""Document, first byte, byte after the last (in the document), set."""


@cache
def _bound() -> re.Pattern[str]:
    """Where a sentence or line is over. Latin marks do not end one before a Latin character: 3.5, a.com?q."""
    breaks = re.escape(BREAKS)
    wide = re.escape("".join(c for c in SENTENCE_ENDS if not c.isascii()))
    closers = re.escape(CLOSERS)
    return re.compile(rf"[{wide}]+[{closers}]*|[.!?]+[{closers}]*(?![!-~])|[{breaks}]+")


def spans_to_cut(docs: Documents, index: OverlapIndex, found: Overlaps, bounds: NDArray[np.float64]) -> list[Span]:
    """The stretches of each document, in order and apart, that an item has which is covered to the document's
    bound; that any has where the bound is off (-1)."""
    bound = bounds[found.rows]
    cut = (bound < 0) | (found.enough & (found.coverage >= bound))
    wanted = cut[found.pairs]
    hits, pairs = found.pair_hits[wanted], found.pairs[wanted]
    # The set that a stretch is put down to is that of the item covered best.
    order = np.lexsort((-found.coverage[pairs], found.hits[hits, 1], found.hits[hits, 0]))
    hits, sets = hits[order], index.sets[found.passages[pairs[order]]]
    rows = found.hits[hits]
    spans: list[Span] = []
    for document, group in groupby(zip(rows.tolist(), sets.tolist(), strict=True), key=lambda pair: pair[0][0]):
        spans += _document_spans(docs, document, [(r[1], r[1] + r[2], s) for r, s in group])
    return spans


def _document_spans(docs: Documents, document: int, runs: Sequence[tuple[int, int, int]]) -> list[Span]:
    """Runs of tokens (first, end, set; by first) of one document as bytes, widened to sentences and merged."""
    text = docs.texts[document]
    tokens = Tokens.of(TextBuffers.of_strings([text]))
    joined: list[list[int]] = []
    for first, end, which in runs:
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([first, end, which])
    data = text.encode()
    merged: list[list[int]] = []
    for first, end, which in joined:
        a = _sentence_start(text, len(data[: tokens.starts[first]].decode()))
        b = _sentence_end(text, len(data[: tokens.ends[end - 1]].decode()))
        start = int(tokens.starts[first]) if a is None else len(text[:a].encode())
        stop = int(tokens.ends[end - 1]) if b is None else len(text[:b].encode())
        if a is None or b is None:
            start, stop = _whole_words(docs, document, start, stop)
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop, which])
    return [(document, start, stop, which) for start, stop, which in merged]


def _sentence_start(text: str, at: int) -> int | None:
    """Where the sentence that holds character `at` begins; None if too far off."""
    low = max(0, at - REACH)
    # One more character, so that a Latin mark at the end sees what is behind it.
    found = [m.end() for m in _bound().finditer(text, low, at + 1) if m.end() <= at]
    if found:
        start = found[-1]
        while start < at and text[start] in " \t\u3000":
            start += 1
        return start
    return 0 if low == 0 else None


def _sentence_end(text: str, at: int) -> int | None:
    """Where the sentence ends whose last word ends before character `at`, blanks behind it included."""
    match = _bound().search(text, at, min(len(text), at + REACH))
    if match is None:
        return len(text) if len(text) <= at + REACH else None
    if match[0][0] in BREAKS:
        return match.start()
    end = match.end()
    while end < len(text) and text[end] in " \t\u3000":
        end += 1
    return end


def _whole_words(docs: Documents, document: int, start: int, stop: int) -> tuple[int, int]:
    """The span with the words at its edges in full, as the document's own segmentation has them."""
    from ..text.words import buffers_of

    words = words_of(docs)
    base = int(buffers_of(docs).offsets[document])
    mine = slice(int(words.rows[document]), int(words.rows[document + 1]))
    starts, ends = words.starts[mine] - base, words.ends[mine] - base
    first = int(np.searchsorted(ends, start, side="right"))
    last = int(np.searchsorted(starts, stop, side="left")) - 1
    if first < len(starts):
        start = min(start, int(starts[first]))
    if last >= 0:
        stop = max(stop, int(ends[last]))
    return start, stop


def cut_spans(docs: Documents, spans: Sequence[Span], step: str, rules: Sequence[str]) -> Documents:
    """The documents without the spans, each recorded by its set's rule, and how much of each document went."""
    pieces = np.zeros(len(docs))
    ratio = np.zeros(len(docs))
    if not spans:
        return docs.with_signals({"masked_pieces": pieces, "masked_ratio": ratio})
    texts: list[Any] = list(docs.texts)
    removed: list[Removed] = []
    for document, group in groupby(spans, key=lambda span: span[0]):
        data, kept, at = texts[document].encode(), [], 0
        for _, start, stop, which in group:
            removed.append(Removed(document, step, rules[which], data[start:stop].decode()))
            pieces[document] += 1
            ratio[document] += len(removed[-1].text) / len(texts[document])
            # A line of which nothing is left goes with its end.
            if data[start - 1 : start] in (b"", b"\n") and data[stop : stop + 1] == b"\n":
                stop += 1
            kept.append(data[at:start])
            at = stop
        texts[document] = b"".join([*kept, data[at:]]).decode()
    return docs.with_texts(texts, removed).with_signals({"masked_pieces": pieces, "masked_ratio": ratio})
