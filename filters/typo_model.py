"""What a user's own clean text says about its typos: attested contexts, a vocabulary, and the fixer's own precision.

Chinese: a character is a suspect only if no trigram that covers it was seen in training and it stands in no dictionary
word; it is replaced only by a confusable character that makes seen trigrams and a dictionary word. English: only
lower-case words of six letters or more that neither the dictionary nor the corpus knows, with one candidate at one
edit that is far more frequent than any other. Both guards were measured before on statutes (precision .985 at 0.4 % of
clean sentences changed) and on 12,000 English words (0.1 % of clean words changed at 52 % recall).

A model measures itself on errors injected into text it did not see. It is only as good as that text is like yours.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from ..curate.errors import InputError
from .confusions import confusions, sounds
from .protect import protected_mask

FORMAT = 1
HELD_OUT = 20
"""One text in this many is kept out of training to measure on."""
MIN_SENTENCES = 200
"""Fewer held-out sentences than this measure nothing."""
MAX_SENTENCES = 4000

_MIN_COUNT = 2  # a trigram seen once may be a typo itself
_STRONG = 3
_MARGIN = np.log(4.0)
_FUNCTION = frozenset(
    "的地得了着过是有在再从由向对为被把将让使给和与或则也都就还又才已曾先后前上下中内外里间时日月年人省市县区国可能会要应该须需"
    "各每某本此这那其所之者而因故如若当等至到自凭依按据以于及且但仍即它他她我你您并便很更最太只仅另同跟比像如何谁哪么吗呢吧啊"
)
"""Chinese words of one character. They stand between any two others, so an unseen context says nothing about them:
without this, half of all edits on clean general text were such as 但 to 当 and 仍 to 人."""


class Edit(NamedTuple):
    """Characters `start` to `end` of a text should read `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How the fixer did on held-out sentences, half of them with one injected error."""

    sentences: int = 0
    precision: float = 0.0
    """Right edits among all edits, those on clean sentences included."""
    recall: float = 0.0
    clean_changed: float = 1.0
    """Share of the sentences without an injected error that were edited."""
    unattested: float = 0.0
    """95th percentile, over held-out sentences with an error, of the share of unseen trigrams: text beyond it is
    taken for another domain."""


@dataclass(frozen=True, slots=True)
class TypoModel:
    """Chinese trigrams (sorted keys and counts), English words with counts, and what was measured by language."""

    trigrams: NDArray[np.uint64]
    counts: NDArray[np.uint16]
    words: dict[str, int]
    measured: dict[str, Measured] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """One compressed .npz file."""
        meta = {"format": FORMAT, "measured": {k: asdict(v) for k, v in self.measured.items()}}
        words = "\n".join(f"{w}\t{n}" for w, n in sorted(self.words.items()))
        with open(path, "wb") as file:
            np.savez_compressed(
                file,
                trigrams=self.trigrams,
                counts=self.counts,
                words=np.frombuffer(words.encode(), np.uint8),
                meta=np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8),
            )

    @classmethod
    def load(cls, path: str | Path) -> TypoModel:
        """Raises InputError when the file is missing or is no typo model."""
        try:
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(data["meta"].tobytes())
                words = data["words"].tobytes().decode()
                trigrams, counts = data["trigrams"], data["counts"]
        except FileNotFoundError as error:
            raise InputError(f"no typo model at {path}; train one with train_typos") from error
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{path} is not a typo model ({error}); train one with train_typos") from error
        if meta["format"] != FORMAT:
            raise InputError(f"{path} is a typo model of format {meta['format']}, not {FORMAT}; train it again")
        pairs = (line.split("\t") for line in words.splitlines())
        measured = {k: Measured(**v) for k, v in meta["measured"].items()}
        return cls(trigrams, counts, {w: int(n) for w, n in pairs}, measured)

    def count(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How often each trigram was seen (0, or at least 2)."""
        if not len(self.trigrams):
            return np.zeros(len(keys), np.int64)
        at = np.searchsorted(self.trigrams, keys)
        at[at == len(self.trigrams)] = 0
        return np.where(self.trigrams[at] == keys, self.counts[at], 0).astype(np.int64)

    def unattested(self, text: str) -> float:
        """The share of the text's Chinese trigrams that were never seen."""
        codes = _codes(text)
        keys = _keys(codes)
        han = _is_han(codes[1:-1])
        return float((self.count(keys)[han] == 0).mean()) if han.any() else 0.0

    def edits_zh(self, text: str, extra: str | None = None) -> list[Edit]:
        """The edits that all guards let pass; `extra` is a user's confusion file."""
        table = _candidate_codes(extra)
        codes = _codes(text)  # two line ends, the text, two line ends
        seen = self.count(_keys(codes))
        # Character i of the text is codes[i + 2], in the trigrams i, i + 1 and i + 2.
        unseen = (seen[:-2] == 0) & (seen[1:-1] == 0) & (seen[2:] == 0) & _is_han(codes[2:-2])
        places = [i for i in np.flatnonzero(unseen).tolist() if int(codes[i + 2]) in table and text[i] not in _FUNCTION]
        if not places:
            return []
        options = [table[int(codes[i + 2])] for i in places]
        owner = np.repeat(np.arange(len(places)), [len(o) for o in options])
        new = np.concatenate(options).astype(np.uint64)
        at = np.asarray(places)[owner]
        c = codes.astype(np.uint64)
        l2, l1, r1, r2 = c[at], c[at + 1], c[at + 3], c[at + 4]
        s16, s32 = np.uint64(16), np.uint64(32)
        hits = self.count(
            np.concatenate([l2 << s32 | l1 << s16 | new, l1 << s32 | new << s16 | r1, new << s32 | r1 << s16 | r2])
        ).reshape(3, -1)
        good = ((hits > 0).sum(axis=0) >= 2) & (hits.max(axis=0) >= _STRONG)
        scores = np.where(good, np.log1p(hits).sum(axis=0), 0.0)
        edits: list[Edit] = []
        mask: bytearray | None = None
        last = -3
        for k in np.unique(owner[good]).tolist():
            mine = np.flatnonzero(owner == k)
            order = mine[np.argsort(scores[mine], kind="stable")]
            best = order[-1]
            if len(order) > 1 and scores[order[-2]] > 0 and scores[best] - scores[order[-2]] < _MARGIN:
                continue
            i, char = places[k], chr(int(new[best]))
            if i - last < 3 or _in_word(text, i, text[i]) or not _in_word(text, i, char):
                continue
            if mask is None:
                mask = protected_mask(text)
            if not mask[i]:
                edits.append(Edit(i, i + 1, char))
                last = i
        return edits

    def edits_en(self, text: str) -> list[Edit]:
        """The edits that all guards let pass."""
        found = [e for e in english_suspects(text, self.words) if self.words.get(e.text, 0) >= _STRONG]
        if not found:
            return []
        mask = protected_mask(text)
        return [e for e in found if not any(mask[e.start : e.end])]


def train_typos(
    texts: Iterable[tuple[str, str]],
    output: str | Path | None = None,
    *,
    seed: int = 0,
    confusion_file: str | None = None,
) -> TypoModel:
    """Trains a model on clean `(text, language)` pairs (`zh` or `en`; others are skipped), measures and saves it.

    20 M Chinese characters take under a minute. Remove duplicates first: a copy of a held-out text in the training
    part makes the measured precision too good.
    """
    trigrams, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    words: Counter[str] = Counter()
    held: dict[str, list[str]] = {"zh": [], "en": []}
    chunk: list[NDArray[np.uint64]] = []
    size = 0
    for text, language in texts:
        if language not in held:
            continue
        kept_out = held[language]
        if xxhash.xxh3_64_intdigest(text.encode()) % HELD_OUT == 0 and len(kept_out) < MAX_SENTENCES:
            kept_out.extend(sentences(text))
        elif language == "en":
            words.update(m[0].lower() for m in _LATIN_WORD.finditer(text))
        else:
            codes = _codes(text)
            chunk.append(_keys(codes)[_is_han(codes[1:-1])])
            size += len(chunk[-1])
            if size > 4_000_000:
                trigrams, counts = _merged(trigrams, counts, chunk)
                chunk, size = [], 0
    trigrams, counts = _merged(trigrams, counts, chunk)
    often = counts >= _MIN_COUNT
    model = TypoModel(
        trigrams[often],
        np.minimum(counts[often], 65535).astype(np.uint16),
        {word: n for word, n in words.items() if n >= _MIN_COUNT},
    )
    rng = random.Random(seed)
    measured = {}
    if held["zh"]:
        measured["zh"] = measure(held["zh"], lambda t: model.edits_zh(t, confusion_file), _injector_zh(rng), rng, model)
    if held["en"]:
        measured["en"] = measure(held["en"], model.edits_en, _injector_en(rng, model.words), rng, None)
    model = TypoModel(model.trigrams, model.counts, model.words, measured)
    if output is not None:
        model.save(output)
    return model


def measure(
    held_out: Sequence[str],
    fix: Callable[[str], list[Edit]],
    inject: Callable[[str], tuple[str, Edit] | None],
    rng: random.Random,
    model: TypoModel | None,
) -> Measured:
    """Precision, recall and harm of `fix` on clean sentences, every second one with an error put in by `inject`."""
    sample = list(held_out)
    rng.shuffle(sample)
    sample = sample[:MAX_SENTENCES]
    right = wrong = injected = clean = changed = 0
    unseen: list[float] = []
    for n, sentence in enumerate(sample):
        broken = inject(sentence) if n % 2 else None
        if broken is None:
            clean += 1
            edits = fix(sentence)
            wrong += len(edits)
            changed += bool(edits)
        else:
            injected += 1
            text, undo = broken
            hits = [e == undo for e in fix(text)]
            right += sum(hits)
            wrong += len(hits) - sum(hits)
            if model is not None:
                unseen.append(model.unattested(text))
    if clean + injected < MIN_SENTENCES or not injected or not clean:
        return Measured(sentences=clean + injected)
    return Measured(
        clean + injected,
        right / (right + wrong) if right + wrong else 0.0,
        right / injected,
        changed / clean,
        float(np.quantile(unseen, 0.95)) if unseen else 0.0,
    )


def sentences(text: str) -> Iterator[str]:
    """Sentences of 8 to 400 characters, by the full stops of both languages."""
    for piece in re.split(r"(?<=[。！？；])|(?<=[.!?])\s+|\n+", text):
        if 8 <= len(piece.strip()) <= 400:
            yield piece.strip()


def _injector_zh(rng: random.Random) -> Callable[[str], tuple[str, Edit] | None]:
    table = sounds()
    allowed = confusions()

    def inject(sentence: str) -> tuple[str, Edit] | None:
        mask = protected_mask(sentence)
        places = [i for i, c in enumerate(sentence) if not mask[i] and c in allowed and table.get(c)]
        if not places:
            return None
        i = rng.choice(places)
        options = [c for c in table[sentence[i]] if c in allowed]
        if not options:
            return None
        return sentence[:i] + rng.choice(options) + sentence[i + 1 :], Edit(i, i + 1, sentence[i])

    return inject


def _injector_en(rng: random.Random, vocabulary: dict[str, int]) -> Callable[[str], tuple[str, Edit] | None]:
    def inject(sentence: str) -> tuple[str, Edit] | None:
        mask = protected_mask(sentence)
        places = [m for m in _PLAIN_WORD.finditer(sentence) if not any(mask[m.start() : m.end()])]
        if not places:
            return None
        match = rng.choice(places)
        broken = one_edit(match[0], rng)
        if broken == match[0] or broken in vocabulary or broken in _speller().words:
            return None
        start = match.start()
        return sentence[:start] + broken + sentence[match.end() :], Edit(start, start + len(broken), match[0])

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


_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’\-][A-Za-z]+)*")
_PLAIN_WORD = re.compile(r"(?<![A-Za-z0-9'’\-_./@#&$\\])[a-z]{6,30}(?![A-Za-z0-9'’\-_/@\\]|\.[A-Za-z])")
_MIN_FREQUENCY = 200_000
_RUNNER_UP = 20


def english_suspects(text: str, vocabulary: dict[str, int]) -> list[Edit]:
    """Words that look misspelt and what they should be, by dictionary and frequency alone."""
    speller = _speller()
    known = speller.words
    found: list[Edit] = []
    repeated: Counter[str] = Counter()
    for match in _PLAIN_WORD.finditer(text):
        word = match[0]
        if word in known or vocabulary.get(word, 0) >= _STRONG:
            continue
        repeated[word] += 1
        best = _correction(word)
        if best is not None:
            found.append(Edit(match.start(), match.end(), best))
    # A word that its author writes three times is the author's word.
    return [e for e in found if repeated[text[e.start : e.end]] < _STRONG]


@lru_cache(maxsize=200_000)
def _correction(word: str) -> str | None:
    from symspellpy import Verbosity

    found = sorted(_speller().lookup(word, Verbosity.ALL, 1), key=lambda s: -s.count)
    if not found or found[0].distance != 1 or found[0].count < _MIN_FREQUENCY:
        return None
    if len(found) > 1 and found[0].count < _RUNNER_UP * found[1].count:
        return None
    best: str = found[0].term
    return best if best.isascii() and best.isalpha() and not _is_derived(word) else None


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
_PREFIXES = ("un", "re", "non", "over", "under", "out", "mis", "pre", "co", "sub", "inter", "multi", "anti", "semi")
_PART_FREQUENCY = 1_000_000


def _is_derived(word: str) -> bool:
    """Whether the word is an inflection or compound of words that the dictionary has (uploader, unwasted, skillset)."""
    known = _speller().words
    if any(word.endswith(s) and word[: -len(s)] in known for s in _SUFFIXES):
        return True
    if any(word.startswith(p) and word[len(p) :] in known for p in _PREFIXES):
        return True
    return any(
        known.get(word[:i], 0) >= _PART_FREQUENCY and known.get(word[i:], 0) >= _PART_FREQUENCY
        for i in range(3, len(word) - 2)
    )


@lru_cache(maxsize=1)
def _speller() -> Any:
    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
    # The package's own loader (82,765 words, MIT) takes a path; about one second.
    speller.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)
    return speller


def _codes(text: str) -> NDArray[np.uint32]:
    """Code points with digits and Latin letters each folded to one, between two line ends on either side."""
    codes = np.frombuffer(f"\n\n{text}\n\n".encode("utf-32-le"), np.uint32).copy()
    codes[codes > 0xFFFF] = 0xFFFF
    codes[(codes >= 0x30) & (codes <= 0x39)] = 0x30
    codes[((codes | 0x20) >= 0x61) & ((codes | 0x20) <= 0x7A)] = 0x61
    codes[(codes == 0x20) | (codes == 0x09) | (codes == 0x3000) | (codes == 0x0D)] = 0x0A
    return codes


def _keys(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Three code points of 16 bits each in one number; two fewer than there are codes."""
    c = codes.astype(np.uint64)
    return c[:-2] << np.uint64(32) | c[1:-1] << np.uint64(16) | c[2:]


def _is_han(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (codes >= 0x4E00) & (codes <= 0x9FFF)


def _merged(
    keys: NDArray[np.uint64], counts: NDArray[np.int64], chunk: list[NDArray[np.uint64]]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    if not chunk:
        return keys, counts
    new, new_counts = np.unique(np.concatenate(chunk), return_counts=True)
    both, inverse = np.unique(np.concatenate([keys, new]), return_inverse=True)
    total = np.zeros(len(both), np.int64)
    np.add.at(total, inverse, np.concatenate([counts, new_counts.astype(np.int64)]))
    return both, total


@lru_cache(maxsize=4)
def _candidate_codes(extra: str | None) -> dict[int, NDArray[np.uint32]]:
    return {ord(c): np.array([ord(o) for o in others], np.uint32) for c, others in confusions(extra).items() if others}


def _in_word(text: str, i: int, char: str) -> bool:
    """Whether `char` at place `i` would be part of a dictionary word of two to four characters."""
    from .text.dictionary import dictionary

    words = dictionary()
    changed = text[max(0, i - 3) : i] + char + text[i + 1 : i + 4]
    at = min(i, 3)
    for n in (2, 3, 4):
        for start in range(max(0, at - n + 1), at + 1):
            word = changed[start : start + n]
            if len(word) == n and words.has(word):
                return True
    return False
