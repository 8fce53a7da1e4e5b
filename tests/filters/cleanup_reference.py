"""What filters/cleanup/tidy.py does, in regular expressions: slow, and plain enough to be read as the rule."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_REMOVED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# A joiner matters between letters of the scripts that shape by context and inside emoji: never beside Latin, Han,
# kana or CJK punctuation, or at an end of a line.
_PLAIN = "\x00-\u02ff\u2000-\u200b\u2010-\u206f\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_JOINERS = re.compile(f"(?:(?<=[{_PLAIN}])|^)[\u200c\u200d]+|[\u200c\u200d]+(?=[{_PLAIN}]|$)", re.M)
_BLANKS = " \t\u00a0\u3000"


def control(text: str) -> str:
    text = _REMOVED.sub("", _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)))
    text = _JOINERS.sub("", text)
    return text if _RIGHT_TO_LEFT.search(text) else _BIDI.sub("", text)


def spaces(text: str, max_blank_lines: int) -> str:
    text = re.sub(f"[{_BLANKS}]+$", "", text, flags=re.M)
    lines = []
    for line in text.split("\n"):
        content = line.lstrip(_BLANKS)
        indent = line[: len(line) - len(content)]
        lines.append(("" if "\u3000" in indent else indent) + re.sub("[ \u00a0\u3000]{2,}|\u00a0", " ", content))
    text = re.sub(f"\n{{{max_blank_lines + 2},}}", "\n" * (max_blank_lines + 1), "\n".join(lines))
    return text.strip("\n")


def width(text: str) -> str:
    return re.sub("[０-９Ａ-Ｚａ-ｚ\u3000]", lambda m: " " if m[0] == "\u3000" else chr(ord(m[0]) - 0xFEE0), text)


def punctuation(text: str, limit: int) -> str:
    return re.sub(rf"([！？!?。，、；～])\1{{{limit},}}", lambda m: m[1] * limit, text)


def tidy(text: str, max_blank_lines: int = 2, max_punctuation: int = 3) -> str:
    """Once more until nothing changes."""
    text = re.sub(r"\r\n?", "\n", text)
    while True:
        after = punctuation(width(spaces(control(text), max_blank_lines)), max_punctuation)
        if after == text:
            return text
        text = after
