"""Numbers as Chinese law writes them: 二百三十四, 一〇八, 12, １２."""

from __future__ import annotations

from functools import cache

DIGITS = "〇零○一二三四五六七八九十百千两兩0-9０-９"
"""The inside of a character class, good in Python and in Rust, of what a number of an article or a paragraph is made of."""

_VALUES = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2, "兩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


@cache
def number(text: str) -> int:
    """The value of 二百三十四, 一〇八, 12 or １２. Raises ValueError for anything else."""
    text = text.translate({0xFF10 + i: str(i) for i in range(10)})
    if not any(c in _UNITS for c in text):
        return int("".join(str(_VALUES.get(c, c)) for c in text))
    total, digit = 0, 0
    for c in text:
        if c in _UNITS:
            total += (digit or 1) * _UNITS[c]
            digit = 0
        else:
            digit = _VALUES[c] if c in _VALUES else int(c)
    return total + digit
