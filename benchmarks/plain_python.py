"""The rule sets in plain Python, a document at a time: how anyone would write them who knows the papers.

Words are a regular expression's for English and jieba's (its Markov model off) for Chinese, cut once a document and
shared by all rule sets. Thresholds are those of the steps that are measured beside it, so only the signals are written anew.
"""

from __future__ import annotations

import importlib
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache

from corpusmill.curate.step import Filter, Step
from corpusmill.filters.lines import POLICY_PHRASES, C4Lines
from corpusmill.filters.quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition, bundled_stop_words

WORD = re.compile(r"\w+(?:[.'’]\w+)*|[^\w\s]")
ENDS = ".!?。！？…；"
CLOSERS = "\"'”’」』）)]】》"
BULLETS = "-•·●○■□▶◦⁃‣・▪–"
SENTENCE_END = re.compile(r"[。！？]+|[.!?]+(?!\w)")
CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")

Signals = dict[str, float]


@cache
def _chinese() -> Callable[[str], list[str]]:
    jieba = importlib.import_module("jieba")
    jieba.setLogLevel("ERROR")
    return lambda text: [word for word in jieba.lcut(text, HMM=False) if not word.isspace()]


def cut(text: str, language: str) -> list[str]:
    return _chinese()(text) if language == "zh" else WORD.findall(text)


def real_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def ends_well(line: str) -> bool:
    return line.rstrip(CLOSERS).endswith(tuple(ENDS)) or (len(line) > 30 and any(mark in line for mark in "。！？"))


def repeated(items: list[str]) -> tuple[int, int]:
    """How many items occurred before, and how many characters they have."""
    seen: set[str] = set()
    count = chars = 0
    for item in items:
        if item in seen:
            count += 1
            chars += len(item)
        seen.add(item)
    return count, chars


def gopher_repetition(text: str, tokens: list[str], language: str) -> Signals:
    lines = real_lines(text)
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    dup_lines, dup_line_chars = repeated(lines)
    dup_paras, dup_para_chars = repeated(paragraphs)
    size = max(len(text), 1)
    found = {
        "dup_line_frac": dup_lines / max(len(lines), 1),
        "dup_para_frac": dup_paras / max(len(paragraphs), 1),
        "dup_line_char_frac": dup_line_chars / size,
        "dup_para_char_frac": dup_para_chars / size,
    }
    for n in (2, 3, 4):
        grams = Counter(" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
        gram, count = grams.most_common(1)[0] if grams else ("", 0)
        found[f"top_{n}_gram"] = len(gram) * count / size
    for n in range(5, 11):
        seen: set[str] = set()
        i = chars = 0
        while i <= len(tokens) - n:
            gram = "".join(tokens[i : i + n])
            if gram in seen:
                chars += len(gram)
                i += n
            else:
                seen.add(gram)
                i += 1
        found[f"dup_{n}_gram"] = chars / size
    return found


def gopher_quality(text: str, tokens: list[str], language: str) -> Signals:
    lines = real_lines(text)
    words = [token for token in tokens if any(char.isalnum() for char in token)]
    symbols = max(text.count("#"), len(re.findall(r"\.{3,}|…+", text)))
    return {
        "words": len(words),
        "avg_word_length": sum(map(len, words)) / max(len(words), 1),
        "symbol_word_ratio": symbols / max(len(tokens), 1),
        "bullet_lines_ratio": sum(line[0] in BULLETS for line in lines) / max(len(lines), 1),
        "ellipsis_lines_ratio": sum(line.endswith(("...", "…")) for line in lines) / max(len(lines), 1),
        "alpha_words_ratio": sum(any(char.isalpha() for char in token) for token in tokens) / max(len(tokens), 1),
        "stop_words": len(set(bundled_stop_words()[language]).intersection(tokens)),
    }


def fineweb_quality(text: str, tokens: list[str], language: str) -> Signals:
    lines = real_lines(text)
    return {
        "line_punct_ratio": sum(map(ends_well, lines)) / max(len(lines), 1),
        "short_line_ratio": sum(len(line) <= 30 for line in lines) / max(len(lines), 1),
        "char_dup_ratio": repeated(lines)[1] / max(len(text.replace("\n", "")), 1),
        "new_line_ratio": text.count("\n") / max(len(tokens), 1),
    }


def c4_lines(text: str, language: str) -> str:
    kept = []
    for line in real_lines(text):
        lower = line.lower()
        words = cut(line, language) if language == "zh" else line.split()
        if (
            (ends_well(line) and not line.endswith("..."))
            and sum(any(char.isalnum() for char in word) for word in words) >= 3
            and "javascript" not in lower
            and not any(phrase in lower for phrase in POLICY_PHRASES)
        ):
            kept.append(CITATION.sub("", line))
    return "\n".join(kept)


def c4_quality(text: str, tokens: list[str], language: str) -> Signals:
    return {
        "sentences": sum(max(len(SENTENCE_END.findall(line)), 1) for line in real_lines(text)),
        "lorem_ipsum": text.lower().count("lorem ipsum"),
        "curly_brackets": text.count("{") + text.count("}"),
    }


SIGNALS: dict[type[Filter], Callable[[str, list[str], str], Signals]] = {
    GopherRepetition: gopher_repetition,
    GopherQuality: gopher_quality,
    FineWebQuality: fineweb_quality,
    C4Quality: c4_quality,
}


def run_plain(steps: list[Step], texts: list[str], language: str) -> dict[int, str]:
    """The rows that break a rule of these steps, with the first one."""
    dropped: dict[int, str] = {}
    rules = {id(step): step.rules() for step in steps if isinstance(step, Filter)}
    for row, text in enumerate(texts):
        tokens: list[str] | None = None
        for step in steps:
            if isinstance(step, C4Lines):
                text = c4_lines(text, language)
                continue
            assert isinstance(step, Filter)
            if tokens is None and not isinstance(step, C4Quality):
                tokens = cut(text, language)
            found = SIGNALS[type(step)](text, tokens or [], language)
            for rule in rules[id(step)]:
                value, limit = found.get(rule.signal, math.nan), rule.threshold_for(language, None)
                if value < limit if rule.comparison == ">=" else value > limit:
                    dropped.setdefault(row, rule.name)
    return dropped
