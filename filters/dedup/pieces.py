"""How a piece is cut out of a text: no Chinese word broken, and no white space left over."""

from __future__ import annotations

import re

_RUN = "[一-龥A-Za-z0-9+#&._%-]"
"""What the dictionary cuts into words (`text.zh_words`)."""
_BEFORE, _BEHIND = re.compile(f"{_RUN}*\\Z"), re.compile(f"{_RUN}*")
_HAN = re.compile("[一-龥]")
_REACH = 256
"""Bytes that are looked at on either side of a bound: words do not depend on what is further away."""


def settled(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The piece [start, end) as it can be cut; empty where nothing is left of it.

    A bound inside a Chinese word moves to the word's end, or to its beginning, so that only whole words go. Of the white
    space before and behind the piece, one goes as well, the one with fewer line ends; at the ends of the text both go.
    """
    first, last = _word(text, start)[1], _word(text, end)[0]
    if first >= last:
        return start, start
    left, right = first, last
    while left > 0 and (more := _blank_before(text, left)):
        left -= more
    while right < len(text) and (more := _blank_at(text, right)):
        right += more
    if left == 0 or right == len(text):
        return left, right
    if left < first and right > last:
        lines_before = len(text[left:first].decode().splitlines())
        lines_behind = len(text[last:right].decode().splitlines())
        return (left, last) if lines_behind > lines_before else (first, right)
    return first, last


def _word(text: bytes, at: int) -> tuple[int, int]:
    """The bounds of the Chinese word that byte `at` is inside of; (at, at) where it is in none."""
    from ..text.zh_words import cut_text

    if at <= 0 or at >= len(text):
        return at, at
    before = text[_character(text, max(0, at - _REACH)) : at].decode()
    behind = text[at : _character(text, min(len(text), at + _REACH))].decode()
    head, tail = _found(_BEFORE, before), _found(_BEHIND, behind)
    if not head or not tail or not (_HAN.match(head[-1]) or _HAN.match(tail[0])):
        return at, at
    run, place, here = head + tail, 0, len(head)
    for word in cut_text(run):
        if place < here < place + len(word):
            return at - len(run[place:here].encode()), at + len(run[here : place + len(word)].encode())
        place += len(word)
    return at, at


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found is not None
    return found[0]


def _character(text: bytes, at: int) -> int:
    """The first byte of the character that byte `at` is part of."""
    while 0 < at < len(text) and text[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _blank_before(text: bytes, at: int) -> int:
    """Bytes of the white space character that ends before byte `at`; 0 for another character."""
    start = _character(text, at - 1)
    return at - start if text[start:at].decode().isspace() else 0


def _blank_at(text: bytes, at: int) -> int:
    end = at + 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    return end - at if text[at:end].decode().isspace() else 0
