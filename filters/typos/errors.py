"""Errors of known answers, put into clean text: what a typo model is trained and measured on."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping

from .candidates import LIKENESS, LISTED, NEAR_SOUND, SHAPE, SOUND, Candidates

Injector = Callable[[str], str]
"""Gives a text back with an error in it, or the same text where it found no place for one."""

_KINDS = (SOUND, SHAPE, NEAR_SOUND, LISTED)
_SHARES = (75, 16, 6, 3)
"""About how real errors in Chinese legal, official and medical text divide by kind."""
_LIKER = 3.0
"""How much more often characters of one sound are taken for one another when they look alike as well."""
_SECOND = 0.35
_BESIDE = 0.6
_ANY = 0.15


def chinese_errors(table: Candidates, frequency: Mapping[str, int], rng: random.Random) -> Injector:
    """Replaces a character by one that it is confused with; in three texts of ten a second one, half of them beside it.

    Frequent wrong characters come more often, as an input method offers them first; so do those that look most alike.
    """
    wrong: dict[str, dict[int, list[str]]] = defaultdict(lambda: {kind: [] for kind in _KINDS})
    weights: dict[str, dict[int, list[float]]] = defaultdict(lambda: {kind: [] for kind in _KINDS})
    for a in range(len(table.starts) - 1):
        first, last = table.starts[a], table.starts[a + 1]
        for b, kinds in zip(table.chars[first:last].tolist(), table.kinds[first:last].tolist(), strict=True):
            kind = next(k for k in (SOUND, NEAR_SOUND, SHAPE, LISTED) if kinds & k)
            wrong[chr(b)][kind].append(chr(a))
            alike = (kinds >> LIKENESS) / 15
            likely = math.exp(-4 * (1 - alike)) if kind == SHAPE else 1 + _LIKER * alike
            weights[chr(b)][kind].append(likely * (frequency.get(chr(a), 0) + 0.3) ** 0.5)

    def inject(text: str) -> str:
        places = [i for i, c in enumerate(text) if c in wrong]
        out = list(text)
        if not places:
            return text
        chosen = [rng.choice(places)]
        if rng.random() < _SECOND:
            beside = rng.random() < _BESIDE and chosen[0] + 1 < len(text) and text[chosen[0] + 1] in wrong
            chosen.append(chosen[0] + 1 if beside else rng.choice(places))
        for i in chosen:
            kind = rng.choices(_KINDS, _SHARES)[0]
            options = wrong[text[i]][kind]
            if options:
                if rng.random() < _ANY:
                    out[i] = rng.choice(options)
                else:
                    out[i] = rng.choices(options, weights[text[i]][kind])[0]
        return "".join(out)

    return inject


def one_edit(word: str, rng: random.Random) -> str:
    """A word with one letter dropped, doubled, swapped or replaced, never the first."""
    i = rng.randrange(1, len(word))
    kind = rng.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1 :]
    if kind == 1:
        return word[:i] + word[i] + word[i:]
    if kind == 2 and i + 1 < len(word):
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[i + 1 :]
