"""Quotation marks, one kind a document: by language and script, and by what the document itself mostly does.

Only straight marks that pair up within a line are turned, and none beside a digit (5'10", 12"): a mark whose side is
not certain stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_MEASURE = re.compile("[0-9][\"']|[\"'][0-9]")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])'(?=[A-Za-z])")
_CURLY_APOSTROPHE = re.compile("(?<=[A-Za-z])\u2019(?=[A-Za-z])")


def fix_quotes(text: str, language: str | None, script: str | None) -> tuple[str, int]:
    """The text with one kind of quotation marks, and how many marks were changed."""
    if language == "zh" or (language is None and len(_HAN.findall(text)) > 0.2 * len(text)):
        return _chinese(text, script)
    if language in (None, "en"):
        return _english(text)
    return text, 0


def _chinese(text: str, script: str | None) -> tuple[str, int]:
    """Straight pairs around Chinese become “ ”, or 「 」 where the document quotes so (Traditional Chinese mostly does)."""
    corners, curly = text.count("「"), text.count("“")
    pair = "「」" if corners > curly or (script == "Hant" and corners == curly) else "“”"
    return _pairs(text, pair, lambda inside: _HAN.search(inside) is not None)


def _english(text: str) -> tuple[str, int]:
    """The document's own majority, curly or straight; nothing where it already has one kind."""
    straight, curly = text.count('"'), text.count("“") + text.count("”")
    n = 0
    if straight and curly > straight:
        text, n = _pairs(text, "“”", lambda inside: True)
    elif curly and straight >= curly:
        text, n = re.sub("[“”]", '"', text), curly
    plain, typeset = len(_APOSTROPHE.findall(text)), len(_CURLY_APOSTROPHE.findall(text))
    if plain and typeset > plain:
        text, m = _APOSTROPHE.subn("\u2019", text)
    elif typeset and plain >= typeset:
        text, m = _CURLY_APOSTROPHE.subn("'", text)
    else:
        m = 0
    return text, n + m


def _pairs(text: str, pair: str, wanted: Callable[[str], bool]) -> tuple[str, int]:
    if '"' not in text:
        return text, 0
    n = 0
    lines = text.split("\n")
    for i, line in enumerate(lines):
        pieces = line.split('"')
        if len(pieces) < 3 or len(pieces) % 2 == 0 or _MEASURE.search(line):
            continue
        inside = pieces[1::2]
        if not all(piece.strip() and piece == piece.strip() and wanted(piece) for piece in inside):
            continue
        out = pieces[0]
        for quoted, after in zip(inside, pieces[2::2], strict=True):
            out += f"{pair[0]}{quoted}{pair[1]}{after}"
        lines[i] = out
        n += 2 * len(inside)
    return "\n".join(lines), n
