"""C4's line rules as one kernel: which lines go, for which rule, and the text that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .chars import CLOSER, HAN, HANGUL, KANA, LINE_END, SPACE, UNSPACED, char_table, decode
from .kernel import kernel, part
from .line_scan import first_mark, last_mark, line_close, scan_line
from .lines import SHORT_LINE
from .phrases import Phrases, find_phrase, next_place
from .room import scratch
from .words import ONLY_SYMBOLS, SPACED, Segmentation

WORD_LENGTH, NO_END, FEW_WORDS, JAVASCRIPT, POLICY, CITATION = 1, 2, 3, 4, 5, 6
"""Why a piece was cut."""


@dataclass(frozen=True, slots=True)
class LineCut:
    """What `cut_lines` did: the texts that stay, and for each piece cut out its document, reason and byte span."""

    texts: pa.LargeStringArray
    rows: NDArray[np.int64]
    reasons: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@part
def _citation(data: Any, i: Any, hi: Any) -> Any:
    """The length of [12], [], [edit] or [citation needed] at byte `i` (a left bracket), or 0.

    Four digits are a year and no mark: 国发[2015]5号 is the number of a document.
    """
    j = i + 1
    while j < hi and 48 <= data[j] <= 57:
        j += 1
    if j < hi and data[j] == 0x5D:
        return j + 1 - i if j - i <= 4 else 0
    if j != i + 1:
        return 0
    for mark in (b"[edit]", b"[citation needed]"):
        n = len(mark)
        if i + n <= hi:
            k = 1
            while k < n and data[i + k] == mark[k]:
                k += 1
            if k == n:
                return n
    return 0


@part
def _whole_line_end(last: Any, core: Any, dots: Any, chinese: bool, table: Any) -> Any:
    """Whether a line is complete by its last character, and by the last before closing quotes and brackets."""
    if last == 0x2E and dots >= 3:
        return False  # cut short with ...
    if last == 0x22 or last == 0x27 or last == 0x201D or last == 0x2019 or last == 0x300D or last == 0x300F:
        return True
    if core == 0x2026 or core == 0x22EF or core == 0xFF1B:
        return chinese  # …… and ； close a line in Chinese; … in English stands for ... and means that more is missing
    # Brackets may close a Chinese line after its full stop; C4 has no such lines in English.
    return (last == core or core >= 0x80) and table[core] & LINE_END != 0


@part
def _close_without_citations(data: Any, a: Any, b: Any, table: Any) -> Any:
    """What the line [a, b) ends with once its citations are gone: the last character, the last one before closing
    quotes and brackets, and the full stops at the end."""
    last: Any = 0
    core: Any = 0
    dots = 0
    run = False
    while a < b:
        if data[a] == 0x5B:
            n = _citation(data, a, b)
            if n:
                a += n
                continue
        cp, size = decode(data, a)
        f = table[cp]
        a += size
        if f & SPACE:
            run = False
            continue
        last = cp
        # White space between full stops parts them.
        dots = dots + 1 if cp == 0x2E and run else (1 if cp == 0x2E else 0)
        run = True
        if not f & CLOSER:
            core = cp
    return last, core, dots


@part
def _runs(data: Any, a: Any, b: Any, enough: Any, table: Any) -> Any:
    """How many stretches without white space the line [a, b) has; counted up to `enough` of them."""
    runs = 0
    inside = False
    while a < b and runs < enough:
        cp, size = decode(data, a)
        a += size
        if table[cp] & SPACE:
            inside = False
        elif not inside:
            inside = True
            runs += 1
    return runs


@part
def _longest_run(data: Any, a: Any, b: Any, table: Any) -> Any:
    """Characters of the longest stretch without white space; what is not spaced is no word: it counts afresh."""
    run = 0
    longest = 0
    while a < b:
        cp, size = decode(data, a)
        f = table[cp]
        a += size
        if f & SPACE:
            run = 0
        else:
            run = 1 if f & (HAN | KANA | HANGUL | UNSPACED) else run + 1
            longest = max(longest, run)
    return longest


@part
def _marks(data: Any, a: Any, b: Any, table: Any) -> Any:
    """How many characters of the line are not white space."""
    n = 0
    while a < b:
        cp, size = decode(data, a)
        a += size
        if not table[cp] & SPACE:
            n += 1
    return n


@part
def _holds(
    data: Any,
    a: Any,
    b: Any,
    table: Any,
    phrases: Any,
    offsets: Any,
    heads: Any,
    shortest: Any,
    shifts: Any,
    gate: Any,
) -> bool:
    i = next_place(data, a, b, shortest, shifts, gate)
    while i < b:
        if find_phrase(data, i, a, b, table, phrases, offsets, heads, False):
            return True
        i = next_place(data, i + 1, b, shortest, shifts, gate)
    return False


@kernel
def _cut_lines(
    data: Any,
    offsets: Any,
    table: Any,
    spaced_documents: Any,
    word_starts: Any,
    word_flags: Any,
    word_rows: Any,
    min_words: Any,
    max_word_length: float,
    need_end: bool,
    citations: bool,
    javascript: Any,
    javascript_offsets: Any,
    javascript_heads: Any,
    javascript_shortest: Any,
    javascript_shifts: Any,
    javascript_gate: Any,
    either: Any,
    either_offsets: Any,
    either_heads: Any,
    either_shortest: Any,
    either_shifts: Any,
    either_gate: Any,
    out: Any,
    out_offsets: Any,
    cut_rows: Any,
    cut_reasons: Any,
    cut_starts: Any,
    cut_ends: Any,
) -> Any:
    cuts = 0
    o = 0
    for d in range(len(offsets) - 1):
        lo = offsets[d]
        end = offsets[d + 1]
        i = lo
        start_of_text = o
        blank = False
        spaced = spaced_documents[d]
        w = word_rows[d]
        while i < end:
            # The line without the white space around it is [a, b); `i` is where the next one starts.
            a = first_mark(data, i, end, table)
            stop, i, _, _, holds_end, bracket = scan_line(data, a, end)
            if a == stop:
                blank = True
                continue
            b, _ = last_mark(data, a, stop, table)
            words = 0
            if spaced:
                words = _runs(data, a, b, min_words[d], table)
            else:
                while w < word_rows[d + 1] and word_starts[w] < b:
                    if not word_flags[w] & ONLY_SYMBOLS:
                        words += 1
                    w += 1
            reason = 0
            bracket = bracket and citations
            if bracket:
                last, core, dots = _close_without_citations(data, a, b, table)
            else:
                last, _, core, _, dots = line_close(data, a, b, table)
            if 0 <= max_word_length < b - a and _longest_run(data, a, b, table) > max_word_length:
                reason = WORD_LENGTH
            elif (
                need_end
                # A whole paragraph on one line that breaks off in its last sentence is prose still: a seventh of a
                # sample of Chinese Wikipedia is such paragraphs.
                and not (not spaced and holds_end and _marks(data, a, b, table) > SHORT_LINE)
                and not _whole_line_end(last, core, dots, not spaced, table)
            ):
                reason = NO_END
            elif words < min_words[d]:
                reason = FEW_WORDS
            else:
                # Few lines hold either: one look for both.
                if _holds(
                    data, a, b, table, either, either_offsets, either_heads, either_shortest, either_shifts, either_gate
                ):
                    script = _holds(
                        data, a, b, table, javascript, javascript_offsets, javascript_heads, javascript_shortest,
                        javascript_shifts, javascript_gate,
                    )  # fmt: skip
                    reason = JAVASCRIPT if script else POLICY
            if reason:
                cut_rows[cuts] = d
                cut_reasons[cuts] = reason
                cut_starts[cuts] = a
                cut_ends[cuts] = b
                cuts += 1
                continue
            if o > start_of_text:
                out[o] = 10
                o += 1
                if blank:
                    out[o] = 10
                    o += 1
            blank = False
            j = a
            if not bracket:
                out[o : o + b - a] = data[a:b]
                o += b - a
                j = b
            while j < b:
                if data[j] == 0x5B:
                    n = _citation(data, j, b)
                    if n:
                        cut_rows[cuts] = d
                        cut_reasons[cuts] = CITATION
                        cut_starts[cuts] = j
                        cut_ends[cuts] = j + n
                        cuts += 1
                        j += n
                        continue
                out[o] = data[j]
                o += 1
                j += 1
        out_offsets[d + 1] = o
    return cuts


def cut_lines(
    texts: TextBuffers,
    styles: NDArray[np.int8],
    words: Segmentation | None,
    min_words: NDArray[np.float64],
    max_word_length: float | None,
    need_end: bool,
    citations: bool,
    javascript: Phrases,
    either: Phrases,
) -> LineCut:
    """Removes the lines that break a rule; `min_words` is one bound a document, -1 where there is none. `either` has the
    phrases of `javascript` and those of policies.

    `words` counts the words of documents that are not spaced; it may be None where there are none of those, or no
    bound: cutting words is most of the cost.
    """
    nothing: tuple[NDArray[Any], ...] = (
        np.zeros(0, np.int64),
        np.zeros(0, np.uint8),
        np.zeros(len(texts) + 1, np.int64),
    )
    starts, flags, rows = (words.starts, words.flags, words.rows) if words is not None else map(readonly, nothing)
    size = int(texts.offsets[-1] - texts.offsets[0])
    # A piece cut out is at least a byte and its line end, or a citation of two bytes; blank lines that stay take the
    # place of line ends that were there: the output never outgrows the input.
    out = scratch("text of lines that stay", size + 1, np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    room = size // 2 + len(texts) + 1
    found = tuple(scratch(f"lines cut {k}", room, np.int64) for k in range(4))
    cuts = _cut_lines(
        texts.data,
        texts.offsets,
        char_table(),
        readonly(styles == SPACED),
        starts,
        flags,
        rows,
        readonly(min_words),
        -1.0 if max_word_length is None else float(max_word_length),
        need_end,
        citations,
        javascript.data,
        javascript.offsets,
        javascript.heads,
        javascript.shortest,
        javascript.shifts,
        javascript.gate,
        either.data,
        either.offsets,
        either.heads,
        either.shortest,
        either.shifts,
        either.gate,
        out,
        out_offsets,
        *found,
    )
    kept = pa.LargeStringArray.from_buffers(
        len(texts), pa.py_buffer(out_offsets), pa.py_buffer(out[: int(out_offsets[-1])].copy())
    )
    return LineCut(kept, *(a[:cuts].copy() for a in found))
