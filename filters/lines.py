"""C4's rules for lines: a Transform that takes out what is not prose and records every piece."""

from __future__ import annotations

from collections import deque
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..curate.documents import Documents, Removed
from ..curate.step import Threshold, Transform

if TYPE_CHECKING:
    from .text.phrases import Phrases

POLICY_PHRASES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
    "隐私政策",
    "隱私政策",
    "隐私权政策",
    "隱私權政策",
    "使用条款",
    "使用條款",
    "使用cookie",
    "使用 cookie",
    "cookie政策",
    "cookie 政策",
)
"""Phrases of a site's notices to its visitors. English: C4's (Raffel et al. 2020, code); Chinese: ours."""


class C4Lines(Transform):
    """Removes the lines that C4 removes (Raffel et al. 2020, section 2.2, and its code), in Chinese by Chinese marks.

    White space around a line that stays goes, and of the blank lines between two such lines one stays. The first rule
    that a line breaks, in the order of the fields, is the one recorded; a document may end up empty. Not for statutes,
    judgments or clinical notes: their headings and lists have no full stops.
    """

    name: ClassVar[str] = "c4_lines"
    version: ClassVar[int] = 2

    max_word_length: int | None = 1000
    """Removes lines with a longer stretch of characters without white space; CJK and Thai characters, which are not
    spaced, start it afresh. None switches the rule off."""
    terminal_punct: bool = True
    """Removes lines that do not end in . ? ! or a closing quotation mark (Chinese: 。？！；…… ” 」 』), and those that
    end in three dots. A Chinese line of more than 30 characters stays when it holds 。 ！ or ？ anywhere."""
    min_words_per_line: Threshold = 3
    """Removes lines with fewer words: between white space, or by segmentation where words are not spaced."""
    javascript: bool = True
    """Removes lines that mention JavaScript."""
    policy: bool = True
    """Removes lines that mention a privacy or cookie policy or terms of use."""
    citations: bool = True
    """Takes marks such as [1], [edit] and [citation needed] out of the lines that stay; [2015] stays: 国发[2015]5号."""

    signal_names: ClassVar[tuple[str, ...]] = ("c4_removed_ratio",)

    def transform(self, docs: Documents) -> Documents:
        from .text import c4
        from .text.carry import LineCuts, carry_words, known_words
        from .text.words import SPACED, buffers_of, styles_of, words_of

        texts, styles = buffers_of(docs), styles_of(docs)
        bounds = for_each_document(self.min_words_per_line, docs)
        counted = bool(((styles != SPACED) & (bounds > 0)).any())
        javascript = ("javascript",) if self.javascript else ()
        cut = c4.cut_lines(
            texts,
            styles,
            words_of(docs) if counted else None,
            bounds,
            self.max_word_length,
            self.terminal_punct,
            self.citations,
            _phrases(javascript),
            _phrases((*javascript, *POLICY_PHRASES) if self.policy else javascript),
        )
        names = {
            c4.WORD_LENGTH: "max_word_length",
            c4.NO_END: "terminal_punct",
            c4.FEW_WORDS: "min_words_per_line",
            c4.JAVASCRIPT: "javascript",
            c4.POLICY: "policy",
            c4.CITATION: "citations",
        }
        pieces = pieces_of(texts.data, cut.starts, cut.ends)
        removed = removals(cut.rows.tolist(), self.name, [names[reason] for reason in cut.reasons.tolist()], pieces)
        # In characters; blank lines and the white space around lines count for neither.
        gone = np.bincount(cut.rows, [len(piece) for piece in pieces], minlength=len(docs))
        total = gone + pc.utf8_length(cut.texts).to_numpy()
        ratio = np.divide(gone, total, out=np.zeros(len(docs)), where=total > 0)
        after = docs.with_texts(cut.texts, removed)
        if after is not docs and (words := known_words(docs)) is not None:
            lines, marks = cut.reasons != c4.CITATION, cut.reasons == c4.CITATION
            changed = np.zeros(len(docs), bool)
            changed[cut.rows[marks]] = True
            left = LineCuts(words, cut.rows[lines], cut.starts[lines], cut.ends[lines], changed)
            after = carry_words(after, left)
        return after.with_signals({"c4_removed_ratio": ratio})


def pieces_of(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[str]:
    """The texts of some byte spans of `data`, which follow one another."""
    if not len(starts):
        return []
    # As documents of one array, every second of which is what lies between two spans.
    offsets = np.empty(2 * len(starts), np.int64)
    offsets[::2], offsets[1::2] = starts, ends
    spans = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    wanted = spans.take(pa.array(np.arange(0, len(offsets) - 1, 2)))
    found: list[str] = wanted.cast(pa.large_string()).to_pylist()
    return found


def removals(rows: list[int], step: str, rules: list[str], texts: list[str]) -> list[Removed]:
    """`Removed(row, step, rule, text)` for each, column by column: a frozen dataclass sets its fields one by one in
    Python, which takes a batch of web pages as long as finding its lines."""
    made = list(map(object.__new__, repeat(Removed, len(rows))))
    columns = {"row": rows, "step": repeat(step), "rule": rules, "text": texts, "kept_id": repeat(None)}
    for field, values in columns.items():
        deque(map(vars(Removed)[field].__set__, made, values), maxlen=0)
    return made


@cache
def _phrases(phrases: tuple[str, ...]) -> Phrases:
    from .text.phrases import Phrases

    return Phrases.of(phrases)


def for_each_document(threshold: Threshold, docs: Documents) -> NDArray[np.float64]:
    """The bound that holds for each document by its language and script; -1 where the rule is off."""
    from .assume import assume_language

    if not isinstance(threshold, dict):
        return np.full(len(docs), -1.0 if threshold is None else threshold)
    known = assume_language(docs)
    bounds = []
    for language, script in zip(known.languages, known.scripts, strict=True):
        bound = threshold["default"]
        for key in (language, f"{language}-{script}"):
            if key in threshold:
                bound = threshold[key]
        bounds.append(-1.0 if bound is None else float(bound))
    return np.array(bounds)
