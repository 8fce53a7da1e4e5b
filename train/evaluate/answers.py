"""Exact match and token F1 of short answers, in Chinese by character, in English by normalized word.

English is normalized as SQuAD 1.1 does (lower case, no punctuation, no articles); Chinese, as DRCD does, is cut into
characters, with Latin words and numbers kept whole. CMRC 2018's own script scores the longest common run instead of the
common tokens, so its F1 is lower than ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .metrics import RESAMPLES, mean_interval

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ARTICLES = {"a", "an", "the"}


def answer_tokens(text: str) -> list[str]:
    """The tokens by which answers are compared: characters of Chinese, words of the rest.

    Width and case are levelled and punctuation goes, except a point between digits and a sign before one: 3.14 is not
    314, nor is -5 the same as 5. Articles go from texts without Chinese.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = re.sub(r"(?<=\d),(?=\d{3})", "", folded)  # 1,000 is 1000
    kept = []
    for i, c in enumerate(folded):
        before, behind = folded[i - 1 : i], folded[i + 1 : i + 2]
        if _HAN.match(c):
            kept.append(f" {c} ")
        elif c.isalnum() or unicodedata.category(c).startswith("M"):
            kept.append(c)
        elif (c == "." and before.isdigit() and behind.isdigit()) or (
            c in "-\u2212" and behind.isdigit() and not before.isalnum()
        ):
            kept.append("-" if c != "." else c)
        elif c.isspace() or c in "-\u2010\u2011\u2012\u2013\u2014/":
            kept.append(" ")
        # What is left out joins its sides, as in SQuAD: don't is dont, u.s. is us.
    tokens = "".join(kept).split()
    return tokens if _HAN.search(text) else [token for token in tokens if token not in _ARTICLES]


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether the answer has the tokens of one of the references."""
    tokens = answer_tokens(answer)
    return any(tokens == answer_tokens(reference) for reference in references)


def token_f1(answer: str, references: Sequence[str]) -> float:
    """F1 of the tokens shared with the reference that is nearest; an answer that should be empty is 1 if it is."""
    return max((_f1(answer_tokens(answer), answer_tokens(reference)) for reference in references), default=0.0)


def _f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    both = sum((Counter(answer) & Counter(reference)).values())
    return 2 * both / (len(answer) + len(reference))


def answer_metrics(
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Mean exact match and F1 with 95 % intervals, all and by language (that of the first reference).

    Each answer has one or more references, of which the nearest counts. Raises ValueError on lengths that differ, a
    reference that is a bare string, or none.
    """
    if len(answers) != len(references) or not answers:
        raise ValueError(f"need references for each answer, at least one: got {len(references)} for {len(answers)}")
    for row, some in enumerate(references):
        if isinstance(some, str) or not some:
            raise ValueError(f"answer {row} needs a list of references, with one at least, and has {some!r}")
    languages = ["zh" if _HAN.search(some[0]) else "en" for some in references]
    exact = [float(exact_match(a, some)) for a, some in zip(answers, references, strict=True)]
    shared = [token_f1(a, some) for a, some in zip(answers, references, strict=True)]

    def scores(rows: Sequence[int]) -> dict[str, Any]:
        parts = {"exact_match": [exact[i] for i in rows], "f1": [shared[i] for i in rows]}
        return {
            **{name: sum(values) / len(values) for name, values in parts.items()},
            "answers": len(rows),
            "intervals": {n: mean_interval(v, resamples=resamples, seed=seed) for n, v in parts.items()},
        }

    found = scores(range(len(answers)))
    if len(set(languages)) > 1:
        by = {name: [i for i, language in enumerate(languages) if language == name] for name in sorted(set(languages))}
        found["by_language"] = {name: scores(rows) for name, rows in by.items()}
    return found
