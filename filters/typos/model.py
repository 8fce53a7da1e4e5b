"""A typo model: what the user's own clean text says about its typos, how well that works, and one file to keep it in.

It measures itself on errors put into text that it did not see, and is only as good as that text is like yours.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from ...curate.errors import InputError
from .calibrate import Logistic, Measured
from .english import MAX_SENTENCES, STRICT, STRONG, Fold, calibrate_english, sentences_english, words_of
from .errors import one_edit

if TYPE_CHECKING:  # compiled: only what has Chinese in it pays for numba
    from .chinese import ChineseModel
    from .counts import Counter, Counts

__all__ = ["FORMAT", "Measured", "TypoModel", "one_edit", "train_typos"]

FORMAT = 4
_PARTS = 10
"""One text in this many is kept out at a time, to measure on."""
_MAX_SENTENCES = 16_000
_MAX_FOLDS = 5
_LENGTHS = range(6, 301)


@dataclass(frozen=True)
class TypoModel:
    """Chinese runs with what decides over them, English words with counts, and what was measured by language."""

    chinese: ChineseModel | None = None
    words: dict[str, int] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    """What it would change in the Chinese text that it was given as clean, surest first; empty once loaded."""
    strictness: int = STRICT
    """How English edits are chosen."""

    def save(self, path: str | Path) -> None:
        """One .npz file of numbers and JSON: reading it runs no code."""
        meta: dict[str, Any] = {"format": FORMAT, "measured": {k: asdict(v) for k, v in self.measured.items()}}
        meta["strictness"] = self.strictness
        arrays = {"words": _bytes("\n".join(f"{w}\t{n}" for w, n in sorted(self.words.items())))}
        if self.chinese is not None:
            zh = self.chinese
            meta["chinese"] = {
                "total": zh.counts.total,
                "domain": zh.domain,
                "threshold": zh.threshold if math.isfinite(zh.threshold) else None,
                "classifier": zh.classifier.pack() if zh.classifier is not None else None,
            }
            arrays["entries"] = zh.counts.entries
        arrays["meta"] = _bytes(json.dumps(meta, sort_keys=True))
        path = Path(path)
        draft = path.with_name(f".{path.name}.draft")
        with draft.open("wb") as file:
            np.savez(file, **arrays)
        draft.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> TypoModel:
        """Raises InputError when the file is missing or is no typo model."""
        try:
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(data["meta"].tobytes())
                words = data["words"].tobytes().decode()
                entries = data["entries"] if "entries" in data.files else None
            if meta["format"] != FORMAT:
                raise InputError(f"{path} is a typo model of format {meta['format']}, not {FORMAT}; train it again")
            measured = {k: Measured(**v) for k, v in meta["measured"].items()}
            chinese = None
            if entries is not None:
                from .chinese import ChineseModel
                from .counts import Counts

                kept = meta["chinese"]
                chinese = ChineseModel(
                    Counts.of_entries(entries, kept["total"]),
                    Logistic.unpack(kept["classifier"]) if kept["classifier"] is not None else None,
                    math.inf if kept["threshold"] is None else kept["threshold"],
                    kept["domain"],
                )
        except FileNotFoundError as error:
            raise InputError(f"no typo model at {path}; train one with train_typos") from error
        except (OSError, KeyError, TypeError, ValueError, EOFError) as error:
            raise InputError(f"{path} is not a typo model ({error}); train one with train_typos") from error
        pairs = (line.split("\t") for line in words.splitlines())
        return cls(chinese, {w: int(n) for w, n in pairs}, measured, strictness=meta["strictness"])


def _bytes(text: str) -> Any:
    return np.frombuffer(text.encode(), np.uint8)


def train_typos(
    texts: Iterable[tuple[str, str]],
    output: str | Path | None = None,
    *,
    min_precision: float = 0.97,
    max_clean_changed: float = 0.002,
    max_clean_words: float = 0.001,
    seed: int = 0,
) -> TypoModel:
    """Trains a model on clean `(text, language)` pairs (`zh` or `en`; others are skipped), measures and saves it.

    For Chinese, the threshold for an edit is the lowest at which both bars hold by the ends of their 95 % intervals, on
    held-out sentences with errors put in; for English, the least strict of three ways is taken. All texts are kept in memory; 6 M Chinese characters take half a minute, most
    of it for the held-out parts. The order of the texts does not matter. Remove near-duplicates first: a copy of a
    held-out text in the training part makes the measured precision too good (whole sentences that occur twice are
    taken care of).
    """
    kept: dict[str, list[str]] = {"zh": [], "en": []}
    for text, language in texts:
        if language in kept:
            kept[language].append(text)
    measured: dict[str, Measured] = {}
    chinese = None
    changes: tuple[str, ...] = ()
    if kept["zh"]:
        from .chinese import ChineseModel, calibrate

        rng = random.Random(seed)
        found = calibrate(_folds(kept["zh"]), rng, min_precision=min_precision, max_clean_changed=max_clean_changed)
        chinese = ChineseModel(_count(kept["zh"]).counts(), found.classifier, found.threshold, found.domain)
        measured["zh"], changes = found.measured, found.changes
    words: dict[str, int] = {}
    strictness = STRICT
    if kept["en"]:
        strictness, measured["en"] = calibrate_english(
            list(_folds_english(kept["en"])), seed, min_precision=min_precision, max_clean_words=max_clean_words
        )
        words = _vocabulary(kept["en"])
    model = TypoModel(chinese, words, measured, changes, strictness)
    if output is not None:
        model.save(output)
    return model


def _part(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) % _PARTS


def _count(texts: Iterable[str]) -> Counter:
    from .chinese import sentences
    from .counts import Counter

    counter = Counter()
    for text in texts:
        counter.add(sentences(text))
    return counter


def _folds(texts: Sequence[str]) -> Iterator[tuple[Counts, list[str]]]:
    """Counts of nine tenths of the texts, and sentences of the tenth that are not in them; as many times as it takes
    to have enough sentences, a large corpus once."""
    from .chinese import sentences

    parts = [_part(text) for text in texts]
    found = 0
    for fold in range(_MAX_FOLDS):
        counter = _count(text for text, part in zip(texts, parts, strict=True) if part != fold)
        held = dict.fromkeys(
            s for text, part in zip(texts, parts, strict=True) if part == fold for s in sentences(text)
        )
        sample = sorted(s for s in held if len(s) in _LENGTHS and not counter.has(s) and _is_chinese(s))
        sample.sort(key=lambda s: xxhash.xxh3_64_intdigest(s.encode("utf-8", "surrogatepass")))
        sample = sample[: _MAX_SENTENCES - found]
        found += len(sample)
        if sample:
            yield counter.counts(), sample
        if found >= _MAX_SENTENCES:
            return


def _folds_english(texts: Sequence[str]) -> Iterator[Fold]:
    """The same in English: as many tenths as it takes. A tenth of half a million characters has 460 sentences, too few to
    show by the ends of intervals what any but the strictest way is worth."""
    parts = [_part(text) for text in texts]
    found = 0
    for fold in range(_PARTS):
        held = sorted(
            {s for text, part in zip(texts, parts, strict=True) if part == fold for s in sentences_english(text)}
        )
        found += len(held)
        if held:
            yield held, _vocabulary(text for text, part in zip(texts, parts, strict=True) if part != fold)
        if found >= MAX_SENTENCES:
            return


def _is_chinese(sentence: str) -> bool:
    return sum("一" <= c <= "鿿" for c in sentence) * 2 > len(sentence)


def _vocabulary(texts: Iterable[str]) -> dict[str, int]:
    tally = Tally(word for text in texts for word in words_of(text))
    return {word: n for word, n in tally.items() if n >= min(2, STRONG)}
