"""Format cleanup: repairs what encodings, web pages and converters broke, and nothing else.

A scan over the UTF-8 bytes of a whole batch (numba, about 1 GB/s) says which repairs a document could need; documents
that need none are never decoded. A repaired document is repaired again until nothing changes, so cleaning is
idempotent by construction: an entity may uncover mojibake, which may uncover a space.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from ..curate.documents import Documents
from ..curate.errors import MissingExtra
from ..curate.step import Transform
from .cleanup_scan import CONTROL, HTML, MOJIBAKE, NFC, PUNCTUATION, SPACE, WIDTH, scan

_MAX_PASSES = 6
"""Two passes reach the fixed point on nearly all text; `&amp;amp;amp;lt;` takes one a level."""


class FixFormat(Transform):
    """Repairs mojibake, HTML remnants, Unicode form, full-width letters, control characters, spaces and punctuation.

    Chinese punctuation （，。；：？！（）“”《》……）, enclosed and Roman numerals (①, Ⅳ), units (㎡), doses and article
    numbers stay as they are: NFKC and ftfy's defaults would rewrite them, so neither is used.
    """

    name: ClassVar[str] = "fix_format"
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
    convert: Literal["t2s", "s2t"] | None = None
    """Traditional to Simplified Chinese (`t2s`) or back (`s2t`) by OpenCC; needs the `opencc` package."""

    def prepare(self) -> None:
        if self.convert is not None:
            _converter(self.convert)

    def transform(self, docs: Documents) -> Documents:
        signs = scan(docs.text)
        wanted = self._wanted_signs()
        counts = np.zeros((len(self.signal_names), len(docs)), dtype=np.float32)
        # Joining and conversion look at every document: their signs are words, not bytes.
        rows = np.flatnonzero((signs & wanted) != 0) if wanted >= 0 else np.arange(len(docs))
        changed: list[int] = []
        texts: list[str] = []
        for row in rows:
            text = docs.text[int(row)].as_py()
            if text is None:
                continue
            fixed, edits = self._fix(text, int(signs[row]))
            if fixed != text:
                changed.append(int(row))
                texts.append(fixed)
                counts[:, row] = edits
        signals = dict(zip(self.signal_names, counts, strict=True))
        if not changed:
            return docs.with_signals(signals)
        mask = np.zeros(len(docs), dtype=bool)
        mask[changed] = True
        array = pc.replace_with_mask(docs.text, pa.array(mask), pa.array(texts, pa.large_string()))
        return docs.with_texts(array).with_signals(signals)

    def _wanted_signs(self) -> int:
        if self.join_lines or self.convert is not None:
            return -1
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

    def _fix(self, text: str, signs: int) -> tuple[str, NDArray[np.float32]]:
        """The repaired text and the edits by kind, in the order of `signal_names`."""
        steps: list[tuple[int, bool, int, Callable[[str], tuple[str, int]]]] = [
            (1, self.html, HTML, _fix_html),
            (2, self.mojibake, MOJIBAKE, _fix_mojibake),
            (3, self.nfc, NFC, _fix_nfc),
            (5, self.control, CONTROL, _fix_control),
            (6, self.spaces, SPACE, lambda t: _fix_spaces(t, self.max_blank_lines)),
            # After the spaces: a paragraph's ideographic indent is removed there, not turned into blanks here.
            (4, self.width, WIDTH, _fix_width),
            (
                7,
                self.max_punctuation is not None,
                PUNCTUATION,
                lambda t: _fix_punctuation(t, self.max_punctuation or 1),
            ),
            (8, self.join_lines, 0, _join_lines),
            (9, self.convert is not None, 0, lambda t: _convert(t, self.convert or "t2s")),
        ]
        edits = np.zeros(len(self.signal_names), dtype=np.float32)
        for _ in range(_MAX_PASSES):
            before = text
            for slot, on, sign, fix in steps:
                if on and (not sign or signs & sign):
                    text, n = fix(text)
                    edits[slot] += n
            if text == before:
                break
            signs = int(scan(pa.array([text], pa.large_string()))[0])
        edits[0] = edits[1:].sum()
        return text, edits


# HTML remnants. Only entities and tags on these lists: prose says "a < b", and code has `List<T>`.
_ENTITIES = (
    "nbsp|amp|lt|gt|quot|apos|ldquo|rdquo|lsquo|rsquo|sbquo|bdquo|laquo|raquo|mdash|ndash|hellip|middot|bull|"
    "copy|reg|trade|times|divide|plusmn|deg|sect|para|ensp|emsp|thinsp|shy|zwnj|zwj|cent|pound|yen|euro|micro|"
    "frac12|frac14|frac34|sup2|sup3|aacute|agrave|acirc|auml|ccedil|eacute|egrave|ecirc|euml|iacute|icirc|"
    "iuml|ntilde|oacute|ocirc|ouml|uacute|ugrave|ucirc|uuml|szlig|Auml|Ouml|Uuml|Eacute|alpha|beta|gamma|"
    "delta|mu|le|ge|ne|larr|rarr|uarr|darr"
)
_BLOCK_TAGS = "br p div li tr h1 h2 h3 h4 h5 h6 ul ol table hr blockquote"
_INLINE_TAGS = "span font b i u s a em strong center sup sub td th tbody thead img small big nobr wbr strike o:p"


@lru_cache(maxsize=1)
def _html_patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    entity = re.compile(r"&(?:" + _ENTITIES + r"|#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5});")
    names = "|".join(sorted((_BLOCK_TAGS + " " + _INLINE_TAGS).split(), key=len, reverse=True))
    attribute = r"""\s+[a-zA-Z][a-zA-Z:\-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)"""
    tag = re.compile(rf"<(/?)({names})((?:{attribute})*)\s*/?>", re.I)
    # A document that shows markup on purpose: a page's source, a manual, code.
    markup = re.compile(r"<(?:!DOCTYPE|html|head|body|script|style|\?xml)\b|```|`<|[\"'“「]</?[a-zA-Z]", re.I)
    return entity, tag, markup


def _fix_html(text: str) -> tuple[str, int]:
    entity, tag, markup = _html_patterns()
    if markup.search(text):
        return text, 0
    n_tags = 0
    if "<" in text:
        present = {(m[1], m[2].lower()) for m in tag.finditer(text)}
        blocks = set(_BLOCK_TAGS.split())

        def cut(match: re.Match[str]) -> str:
            nonlocal n_tags
            name = match[2].lower()
            # `<b>` alone may be a placeholder or a type parameter; with `</b>` in the text it is markup.
            if len(name) == 1 and not match[3] and {("", name), ("/", name)} - present:
                return match[0]
            n_tags += 1
            return "\n" if name in blocks else ""

        if present:
            text = tag.sub(cut, text)
    text, n_entities = entity.subn(_decode_entity, text)
    return text, n_tags + n_entities


def _decode_entity(match: re.Match[str]) -> str:
    decoded = html.unescape(match[0])
    # `&#0;` and surrogates decode to U+FFFD: the entity is then worth more than the replacement.
    return match[0] if "\ufffd" in decoded else decoded


_MAYBE_MOJIBAKE = re.compile(
    "[\x80-\u06ff\u201a\u201e\u2030\u221a\u2500-\u259f\uf8ff](?:(?<=[\x80-\x9f\u00c2\u00c3])|[^\x00-\x7f])"
)


def _fix_mojibake(text: str) -> tuple[str, int]:
    from ftfy import TextFixerConfig, fix_encoding
    from ftfy.badness import is_bad

    if not _MAYBE_MOJIBAKE.search(text):
        return text, 0
    config = TextFixerConfig(
        unescape_html=False,
        fix_character_width=False,
        fix_latin_ligatures=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        normalization=None,
    )
    pieces: list[str] = []
    at = n = 0
    match = _MAYBE_MOJIBAKE.search(text)
    while match:
        # ftfy's own test runs at 2 MB/s on English: only lines that could fail it are asked.
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        line = text[start:end]
        if is_bad(line):
            fixed = fix_encoding(line, config)
            pieces += (text[at:start], fixed)
            at = end
            n += fixed != line
        match = _MAYBE_MOJIBAKE.search(text, end)
    return ("".join(pieces) + text[at:] if n else text), n


def _fix_nfc(text: str) -> tuple[str, int]:
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    fixed = unicodedata.normalize("NFC", text)
    # Composition shortens; a singleton (U+212B to U+00C5) keeps the length. One is the honest floor.
    return fixed, max(1, len(text) - len(fixed))


_WIDTH = re.compile(r"[０-９Ａ-Ｚａ-ｚ]+|\u3000")


def _fix_width(text: str) -> tuple[str, int]:
    return _WIDTH.subn(_half_width, text)


def _half_width(match: re.Match[str]) -> str:
    return " " if match[0] == "\u3000" else "".join(chr(ord(c) - 0xFEE0) for c in match[0])


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_REMOVED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# A joiner matters between letters of the scripts that shape by context and inside emoji: never beside
# Latin, Han, kana or CJK punctuation, or at an end of the text.
_PLAIN = "\x00-\u02ff\u2000-\u200b\u2010-\u206f\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_JOINERS = re.compile(f"(?:(?<=[{_PLAIN}])|^)[\u200c\u200d]+|[\u200c\u200d]+(?=[{_PLAIN}]|$)", re.M)


def _fix_control(text: str) -> tuple[str, int]:
    text, a = _ESCAPES.subn("", text)
    text, b = _LINE_ENDS.subn("\n", text)
    text, c = _REMOVED.subn("", text)
    text, d = _JOINERS.subn("", text)
    e = 0
    if not _RIGHT_TO_LEFT.search(text):
        text, e = _BIDI.subn("", text)
    return text, a + b + c + d + e


_CARRIAGE = re.compile(r"\r\n?")
_TRAILING = re.compile("[ \t\u00a0\u3000]+(?=\n)")
_INDENT = re.compile("^[ \u00a0]*\u3000[ \u00a0\u3000]*", re.M)
# No look-behind for "not at the line's start": a pattern that begins with one is tried at every character, which cost
# half of the whole step's time.
_RUNS = re.compile("[ \u00a0\u3000]{2,}|\u00a0")
_BLANKS = " \t\u00a0\u3000"


def _fix_spaces(text: str, max_blank_lines: int) -> tuple[str, int]:
    a = b = c = d = 0
    if "\r" in text:
        text, a = _CARRIAGE.subn("\n", text)
    if any(f"{blank}\n" in text for blank in _BLANKS):
        text, b = _TRAILING.subn("", text)
    if "\u3000" in text:
        text, c = _INDENT.subn("", text)
    if "  " in text or "\u00a0" in text or "\u3000" in text:
        text, d = _collapse_runs(text)
    text, e = re.subn(f"\n{{{max_blank_lines + 2},}}", "\n" * (max_blank_lines + 1), text)
    stripped = text.rstrip(_BLANKS + "\n").lstrip("\n")
    return stripped, a + b + c + d + e + (stripped != text)


def _collapse_runs(text: str) -> tuple[str, int]:
    pieces: list[str] = []
    at = 0
    for match in _RUNS.finditer(text):
        start, end = match.span()
        if start and text[start - 1] not in "\n\t":
            pieces += (text[at:start], " ")
            at = end
    if not pieces:
        return text, 0
    return "".join(pieces) + text[at:], len(pieces) // 2


@lru_cache(maxsize=4)
def _punctuation_pattern(limit: int) -> re.Pattern[str]:
    return re.compile(rf"([！？!?。，、；～])\1{{{limit},}}")


def _fix_punctuation(text: str, limit: int) -> tuple[str, int]:
    return _punctuation_pattern(limit).subn(lambda m: m[1] * limit, text)


_TERMINAL = re.compile(r"[。！？；：.!?:;…”」』）)\]>|]\s*\Z")
_LIST_START = re.compile(
    r"\s*(?:[-*•·●○■□▪+>#|]|[0-9０-９]{1,3}[.、)）:：]|[（(][0-9一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|第[^\s]{1,6}[条章节編编])"
)


def _join_lines(text: str) -> tuple[str, int]:
    """Joins each block of lines that all but fill one width; a block is joined whole or not at all."""
    blocks = re.split(r"(\n{2,})", text)
    joined = 0
    for i in range(0, len(blocks), 2):
        lines = blocks[i].split("\n")
        if len(lines) < 3 or any(_LIST_START.match(line) or line[:1] in " \t\u3000" for line in lines[1:]):
            continue
        widths = [_columns(line) for line in lines]
        widest = max(widths)
        if not 30 <= widest <= 130 or min(widths[:-1]) < 0.75 * widest:
            continue
        if sum(bool(_TERMINAL.search(line)) for line in lines[:-1]) > 0.5 * (len(lines) - 1):
            continue  # as many sentences as lines: verse, a list, subtitles
        out = lines[0]
        for line in lines[1:]:
            out = _glue(out, line)
        blocks[i] = out
        joined += len(lines) - 1
    return "".join(blocks), joined


def _glue(left: str, right: str) -> str:
    left, right = left.rstrip(), right.lstrip()
    if re.search(r"[a-z]-\Z", left) and right[:1].islower():
        return left[:-1] + right
    if left and right and (_is_wide(left[-1]) or _is_wide(right[0])):
        return left + right
    return f"{left} {right}"


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _columns(line: str) -> int:
    return len(line) if line.isascii() else sum(2 if _is_wide(c) else 1 for c in line)


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
