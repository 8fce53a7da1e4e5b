"""Hard line breaks of PDF and typewriter text, joined within paragraphs; words hyphenated at a line's end mended."""

from __future__ import annotations

import re
import unicodedata

_TERMINAL = re.compile(r"[。！？；：.!?:;…”」』）)\]>|]\s*\Z")
_LIST_START = re.compile(
    r"\s*(?:[-*•·●○■□▪+>#|]|[0-9０-９]{1,3}[.、)）:：]|[（(][0-9一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|第[^\s]{1,6}[条章节編编])"
)


def join_lines(text: str) -> tuple[str, int]:
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
