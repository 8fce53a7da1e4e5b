"""English typos: words that no dictionary and not the user's own text knows, one edit from a far more frequent word.

Only lower-case words of five letters or more, neither an inflection nor a compound of known words, with one candidate
that is far more frequent than any other, are touched.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ..protect import protected_mask
from .calibrate import MIN_SENTENCES, Measured
from .edit import Edit
from .errors import one_edit

STRONG = 3
"""A word that the user's text has so often is the user's word."""
MAX_SENTENCES = 6000

_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’\-][A-Za-z]+)*")
_PLAIN_WORD = re.compile(r"(?<![A-Za-z0-9'’\-_./@#&$\\])[a-z]{5,30}(?![A-Za-z0-9'’\-_/@\\]|\.[A-Za-z])")
_MIN_FREQUENCY = 200_000
_RUNNER_UP = 20
_OWN_RUNNER_UP = 5
_STRICT_LENGTH = 6
_LONG = 8

LENIENT, MIDDLE, STRICT = 0, 1, 2
"""How edits are chosen. `STRICT` asks the dictionary alone: six letters or more, a frequent word, far more frequent than
any other candidate. The others ask the user's own counts, `LENIENT` also for words at two edits. A small vocabulary
lets too much pass: training takes the first that keeps the bars."""


def english_suspects(text: str, vocabulary: dict[str, int], strictness: int = STRICT) -> list[Edit]:
    """Words that look misspelt and what they should be."""
    known = _speller(1).words
    found: list[Edit] = []
    repeated: Counter[str] = Counter()
    for match in _PLAIN_WORD.finditer(text):
        word = match[0]
        if word in known or vocabulary.get(word, 0) >= STRONG:
            continue
        repeated[word] += 1
        best = _correction(word, vocabulary, strictness)
        if best is not None:
            found.append(Edit(match.start(), match.end(), best))
    # A word that its author writes three times is the author's word.
    return [e for e in found if repeated[text[e.start : e.end]] < STRONG]


def _correction(word: str, vocabulary: dict[str, int], strictness: int) -> str | None:
    """The one known word that it may be."""
    near = _candidates(word)
    if strictness == STRICT:
        if len(word) < _STRICT_LENGTH or not near or near[0][1] < _MIN_FREQUENCY:
            return None
        return near[0][0] if len(near) == 1 or near[0][1] >= _RUNNER_UP * near[1][1] else None
    if not near and strictness == LENIENT:
        near = _far_candidates(word)
    own = sorted(((vocabulary.get(term, 0), term) for term, _ in near), reverse=True)
    if not own or own[0][0] < STRONG:
        return None
    if strictness == MIDDLE and dict(near)[own[0][1]] < _MIN_FREQUENCY:
        return None
    return own[0][1] if len(own) == 1 or own[0][0] >= _OWN_RUNNER_UP * (own[1][0] + 1) else None


@lru_cache(maxsize=200_000)
def _candidates(word: str) -> tuple[tuple[str, int], ...]:
    """Dictionary words at one edit, most frequent first; none for a word that is made of known ones."""
    return () if _is_derived(word) else _looked_up(word, 1)


@lru_cache(maxsize=200_000)
def _far_candidates(word: str) -> tuple[tuple[str, int], ...]:
    """Dictionary words at two edits with the same first letter, for words of eight letters or more."""
    if len(word) < _LONG or _is_derived(word):
        return ()
    return tuple((term, n) for term, n in _looked_up(word, 2) if term[0] == word[0])


def _looked_up(word: str, distance: int) -> tuple[tuple[str, int], ...]:
    from symspellpy import Verbosity

    found = sorted(_speller(distance).lookup(word, Verbosity.ALL, distance), key=lambda s: (-s.count, s.term))
    return tuple((s.term, s.count) for s in found if s.distance and s.term.isascii() and s.term.isalpha())


_SUFFIXES = (
    "s",
    "es",
    "d",
    "ed",
    "r",
    "er",
    "rs",
    "ers",
    "ing",
    "ings",
    "ly",
    "ness",
    "less",
    "able",
    "like",
    "ee",
    "ees",
)
# fmt: off
_PREFIXES = frozenset((
    "a", "an", "ante", "anti", "auto", "bi", "bio", "cardio", "co", "counter", "de", "dis", "en", "ex", "extra",
    "fore", "hyper", "hypo", "immuno", "inter", "intra", "macro", "micro", "mis", "mono", "multi", "neo", "neuro",
    "non", "out", "over", "para", "peri", "poly", "post", "pre", "pseudo", "re", "retro", "semi", "sub", "super",
    "tele", "therm", "trans", "tri", "ultra", "un", "under",
))
# fmt: on
_PART_FREQUENCY = 1_000_000


def _is_derived(word: str) -> bool:
    """Whether the word is an inflection or compound of words that the dictionary has (uploader, unwasted, skillset)."""
    known = _speller(1).words
    if any(word.endswith(s) and word[: -len(s)] in known for s in _SUFFIXES):
        return True
    if any(word[:i] in _PREFIXES and word[i:] in known for i in range(1, len(word))):
        return True
    return any(
        known.get(word[:i], 0) >= _PART_FREQUENCY and known.get(word[i:], 0) >= _PART_FREQUENCY
        for i in range(3, len(word) - 2)
    )


@lru_cache(maxsize=2)
def _speller(distance: int) -> Any:
    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=distance, prefix_length=7)
    # The package's own loader (82,765 words, MIT) takes a path; a second at one edit, three at two.
    speller.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)
    return speller


def words_of(text: str) -> Iterator[str]:
    """The words of a text, in lower case."""
    return (m[0].lower() for m in _LATIN_WORD.finditer(text))


def edits_english(text: str, vocabulary: dict[str, int], strictness: int) -> list[Edit]:
    """The edits that all guards let pass. What a word becomes must stand in the user's text."""
    found = [e for e in english_suspects(text, vocabulary, strictness) if vocabulary.get(e.text, 0) >= STRONG]
    if not found:
        return []
    mask = protected_mask(text)
    return [e for e in found if not any(mask[e.start : e.end])]


def sentences_english(text: str) -> Iterator[str]:
    """Sentences of 8 to 400 characters."""
    for piece in re.split(r"(?<=[.!?])\s+|\n+", text):
        if 8 <= len(piece.strip()) <= 400:
            yield piece.strip()


Fold = tuple[Sequence[str], dict[str, int]]
"""Sentences, and the vocabulary of texts that they are not from."""


def calibrate_english(
    folds: Sequence[Fold], seed: int, *, min_precision: float, max_clean_words: float
) -> tuple[int, Measured]:
    """The least strict way that keeps both bars by the ends of their intervals (else the strictest), and how it does."""
    for strictness in (LENIENT, MIDDLE, STRICT):
        measured = measure_english(folds, random.Random(seed), strictness)
        if measured.precision_low >= min_precision and measured.clean_changed_high <= max_clean_words:
            break
    return strictness, measured


def measure_english(folds: Sequence[Fold], rng: random.Random, strictness: int) -> Measured:
    """Precision, recall and harm on clean sentences, each as it was and with one misspelt word put in.

    The shares of clean text are of words, not of sentences.
    """
    seen = right = edits = injected = words = changed = 0
    for held_out, vocabulary in folds:
        sample = list(held_out)
        rng.shuffle(sample)
        inject = _injector(rng, vocabulary)
        for sentence in sample[: MAX_SENTENCES - seen]:
            found = edits_english(sentence, vocabulary, strictness)
            words += sum(1 for _ in words_of(sentence))
            changed += len(found)
            edits += len(found)
            broken = inject(sentence)
            if broken is not None:
                injected += 1
                text, undo = broken
                hits = [e == undo for e in edits_english(text, vocabulary, strictness)]
                right += sum(hits)
                edits += len(hits)
        seen = min(seen + len(sample), MAX_SENTENCES)
    if seen < MIN_SENTENCES or not injected:
        return Measured(sentences=seen)
    return Measured.counted(seen, right=right, edits=edits, errors=injected, changed=changed, clean=words)


def _injector(rng: random.Random, vocabulary: dict[str, int]) -> Callable[[str], tuple[str, Edit] | None]:
    def inject(sentence: str) -> tuple[str, Edit] | None:
        mask = protected_mask(sentence)
        places = [m for m in _PLAIN_WORD.finditer(sentence) if not any(mask[m.start() : m.end()])]
        if not places:
            return None
        match = rng.choice(places)
        broken = one_edit(match[0], rng)
        if broken == match[0] or broken in vocabulary or broken in _speller(1).words:
            return None
        start = match.start()
        return sentence[:start] + broken + sentence[match.end() :], Edit(start, start + len(broken), match[0])

    return inject
