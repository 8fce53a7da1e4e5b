"""Hard line breaks of PDF and typewriter text, joined within paragraphs; words hyphenated at a line's end mended."""

from __future__ import annotations

import re
import unicodedata

TERMINAL = re.compile(r"[。！？；：.!?:;…”」』）)\]>|]\s*\Z")
LIST_START = re.compile(
    r"\s*(?:[-*•·●○■□▪+>#|]|[0-9０-９]{1,3}[.、)）](?![0-9])|[（(][0-9一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、"
    r"|第[^\s]{1,6}[条章节编编])"
)
"""What begins an item; a decimal or a time that a line happens to begin with (`0.55米`, `20:30`) does not."""


def join_lines(text: str) -> tuple[str, int]:
    """Joins each block of lines that all but fill one width; a block is joined whole or not at all."""
    blocks = re.split(r"(\n{2,})", text)
    joined = 0
    for i in range(0, len(blocks), 2):
        lines = blocks[i].split("\n")
        if len(lines) < 3 or any(line[:1] in " \t\u3000" for line in lines[1:]):
            continue
        widths = [_columns(line) for line in lines]
        widest = max(widths)
        if not 30 <= widest <= 130 or min(widths[:-1]) < 0.75 * widest:
            continue
        if sum(bool(TERMINAL.search(line)) for line in lines[:-1]) > 0.5 * (len(lines) - 1):
            continue  # as many sentences as lines: verse, a list, subtitles
        items = [i for i, line in enumerate(lines) if i and LIST_START.match(line)]
        # One line among many that begins like an item but goes on from a full line without a stop is no item.
        if len(items) > max(1, 0.1 * len(lines)) or any(
            TERMINAL.search(lines[i - 1]) or widths[i - 1] < 0.9 * widest for i in items
        ):
            continue
        wide = sum(map(is_wide, lines[0])) > 0.5 * len(lines[0])
        out = lines[0]
        for line in lines[1:]:
            out = glue(out, line, wide)
        blocks[i] = out
        joined += len(lines) - 1
    return "".join(blocks), joined


def glue(left: str, right: str, wide: bool) -> str:
    """Two lines of a paragraph as one; `wide` says that it is mostly Chinese."""
    left, right = left.rstrip(), right.lstrip()
    if re.search(r"[a-z]-\Z", left) and right[:1].islower():
        return left[:-1] + right
    if left and right and (is_wide(left[-1]) or is_wide(right[0])):
        return left + right
    # In Chinese two numbers hardly ever stand side by side: it is one that was broken.
    if wide and left[-1:].isdigit() and right[:1].isdigit():
        return left + right
    return f"{left} {right}"


def is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _columns(line: str) -> int:
    return len(line) if line.isascii() else sum(2 if is_wide(c) else 1 for c in line)
