"""Format cleanup: repairs what encodings, web pages and converters broke, and nothing else.

A scan over the UTF-8 bytes of a whole batch says which repairs a document could need; documents that need none are
never copied. What is decided character by character is repaired by a second compiled pass, the rest in Python, on the
few documents that show signs of it. A repaired document is looked at again until nothing changes, so cleaning is
idempotent by construction: an entity may uncover mojibake, which may uncover a space.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from ...curate.documents import Documents
from ...curate.errors import MissingExtra
from ...curate.step import Transform
from .lines import join_lines
from .markup import fix_html
from .mojibake import fix_mojibake
from .quotes import fix_quotes
from .scan import CONTROL, HTML, MOJIBAKE, NFC, PUNCTUATION, SPACE, WIDTH, scan

_MAX_PASSES = 8
"""Two passes reach the fixed point on nearly all text; `&amp;amp;amp;lt;` takes one a level."""

_NO_LIMIT = 1 << 40


class FixFormat(Transform):
    """Repairs mojibake, HTML remnants, Unicode form, full-width letters, control characters, spaces and punctuation.

    Chinese punctuation （，。；：？！（）“”《》……）, enclosed and Roman numerals (①, Ⅳ), units (㎡), doses and article
    numbers stay as they are: NFKC and ftfy's defaults would rewrite them, so neither is used.
    """

    name: ClassVar[str] = "fix_format"
    version: ClassVar[int] = 3
    signal_names: ClassVar[tuple[str, ...]] = (
        "format_edits",
        "format_html",
        "format_mojibake",
        "format_nfc",
        "format_width",
        "format_control",
        "format_space",
        "format_punctuation",
        "format_joined",
        "format_converted",
        "format_quotes",
    )

    html: bool = True
    """Decode entities (`&nbsp;`, `&#8212;`) and remove left-over tags (`<br>`); documents about markup are left alone."""
    mojibake: bool = True
    """Undo text that was decoded with the wrong encoding (`ä¸­æ–‡`, `donâ€™t`), line by line, by ftfy."""
    nfc: bool = True
    """Compose characters (Unicode NFC)."""
    width: bool = True
    """Full-width letters and digits (Ａ, １) and ideographic spaces to half width; no other character."""
    control: bool = True
    """Remove control, zero-width and byte-order characters; joiners stay where a script or an emoji needs them."""
    spaces: bool = True
    """`\\n` line ends, no trailing blanks, one space for many inside a line; a line's indent stays."""
    max_blank_lines: int = Field(default=2, ge=1)
    """Runs of blank lines are cut to this many (with `spaces`)."""
    max_punctuation: int | None = Field(default=3, ge=1)
    """Runs of one of ！？!?。，、；～ are cut to this many; null leaves them. Dots, dashes and …… are never cut."""
    join_lines: bool = False
    """Join the hard line breaks of PDF and typewriter text within paragraphs, mending hyphenated words."""
    quotes: bool = False
    """One kind of quotation marks a document: “ ” (or 「 」 where it quotes so) in Chinese, its own majority in English."""
    convert: Literal["t2s", "s2t"] | None = None
    """Traditional to Simplified Chinese (`t2s`) or back (`s2t`) by OpenCC; needs the `opencc` package."""

    def prepare(self) -> None:
        if self.convert is not None:
            _converter(self.convert)

    def transform(self, docs: Documents) -> Documents:
        wanted, every = self._wanted(), self.join_lines or self.quotes or self.convert is not None
        signs = scan(docs.text)
        # Joining, quotes and conversion look at every document: their signs are words, not bytes.
        rows = np.arange(len(docs)) if every else np.flatnonzero(signs & wanted)
        counts = np.zeros((len(self.signal_names), len(docs)), dtype=np.float32)
        changed = np.zeros(len(docs), dtype=bool)
        text: pa.LargeStringArray = docs.text
        for _ in range(_MAX_PASSES):
            if not len(rows):
                break
            before = text.take(pa.array(rows))
            after = self._repair(before, signs[rows], docs, rows, counts)
            differs = pc.fill_null(pc.not_equal(before, after), False).to_numpy(zero_copy_only=False)
            rows = rows[differs]
            if not len(rows):
                break
            mask = np.zeros(len(docs), dtype=bool)
            mask[rows] = True
            changed |= mask
            after = after.filter(pa.array(differs))
            text = pc.replace_with_mask(text, pa.array(mask), after)
            signs[rows] = scan(after)
            if not every:
                rows = rows[(signs[rows] & wanted) != 0]
        counts[0] = counts[1:].sum(axis=0)
        counts[:, ~changed] = 0
        signals = dict(zip(self.signal_names, counts, strict=True))
        return docs.with_texts(text).with_signals(signals) if changed.any() else docs.with_signals(signals)

    def _wanted(self) -> int:
        flags = {
            HTML: self.html,
            MOJIBAKE: self.mojibake,
            NFC: self.nfc,
            WIDTH: self.width,
            CONTROL: self.control,
            SPACE: self.spaces,
            PUNCTUATION: self.max_punctuation is not None,
        }
        return sum(flag for flag, on in flags.items() if on)

    def _repair(
        self,
        texts: pa.LargeStringArray,
        signs: NDArray[np.int32],
        docs: Documents,
        rows: NDArray[np.int64],
        counts: NDArray[np.float32],
    ) -> pa.LargeStringArray:
        """One pass over some texts (the documents `rows`), its edits added to `counts`."""
        wanted = self._wanted()
        whole: tuple[tuple[int, int, Callable[[str], tuple[str, int]]], ...] = (
            (HTML, 1, fix_html),
            (MOJIBAKE, 2, fix_mojibake),
            (NFC, 3, _fix_nfc),
        )
        for sign, slot, fix in whole:
            texts = _each(texts, np.flatnonzero(signs & wanted & sign), fix, rows, counts[slot])
        if wanted & (CONTROL | SPACE | WIDTH | PUNCTUATION):
            # numba costs half a second to import, so only those who clean pay for it.
            from .tidy import tidy

            limit = self.max_punctuation or _NO_LIMIT
            tidied, edits = tidy(texts, wanted, self.max_blank_lines, limit)
            texts = pc.if_else(pc.is_valid(texts), tidied, None) if texts.null_count else tidied
            for slot, column in ((5, 0), (6, 1), (4, 2), (7, 3)):
                counts[slot, rows] += edits[:, column]
        if self.join_lines:
            texts = _each(texts, np.arange(len(rows)), join_lines, rows, counts[8])
        if self.convert is not None:
            name = self.convert
            texts = _each(texts, np.arange(len(rows)), lambda t: _convert(t, name), rows, counts[9])
        if self.quotes:
            kinds = iter([(docs.languages[row], docs.scripts[row]) for row in rows])
            texts = _each(texts, np.arange(len(rows)), lambda t: fix_quotes(t, *next(kinds)), rows, counts[10])
        return texts


def _each(
    texts: pa.LargeStringArray,
    chosen: NDArray[np.int64],
    fix: Callable[[str], tuple[str, int]],
    rows: NDArray[np.int64],
    counts: NDArray[np.float32],
) -> pa.LargeStringArray:
    """`fix` on some of the texts, in Python."""
    mask = np.zeros(len(texts), dtype=bool)
    made: list[str] = []
    for i in chosen:
        text = texts[int(i)].as_py() or ""
        fixed, n = fix(text)
        if fixed != text:
            mask[i] = True
            made.append(fixed)
            counts[rows[i]] += n
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(made, pa.large_string())) if made else texts


def _fix_nfc(text: str) -> tuple[str, int]:
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    fixed = unicodedata.normalize("NFC", text)
    # Composition shortens; a singleton (U+212B to U+00C5) keeps the length. One is the honest floor.
    return fixed, max(1, len(text) - len(fixed))


@lru_cache(maxsize=2)
def _converter(name: str) -> Any:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingExtra(f"fix_format with convert: {name}", "convert") from error
    return OpenCC(name)


def _convert(text: str, name: str) -> tuple[str, int]:
    if text.isascii():
        return text, 0
    fixed: str = _converter(name).convert(text)
    if fixed == text:
        return text, 0
    return fixed, max(1, sum(a != b for a, b in zip(text, fixed, strict=False)))
