"""What each round of `corpusmill recall` decides with: the start from n-grams, fastText models, and thresholds.

A pool is unlabelled: much of it may be of the domain. Three things keep a round from learning that as "not the domain".
The start never trains against the pool, it only compares frequencies. Negatives are taken from below nearly all texts that
are known to be of the domain (spies, Liu et al. 2002, S-EM). And every text is scored by a model that has not seen it:
the pool and the seed are cut in two by their texts' hashes, and each half is scored by the other half's model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ..curate.documents import Documents
from ..curate.files import whole
from .classifier.fasttext_model import PREFIX, multiply_out
from .classifier.models import NEGATIVE, POSITIVE, FastTextModel, Reals
from .domain_grams import log_ratio, sums
from .text.buffers import TextBuffers

GROUPS = ("zh", "other")
"""Chinese and the rest: scores of the two do not compare, so each has its own thresholds."""

BUCKETS = 1 << 18
LONGEST = 2
SHORT = 5
"""Added to a text's number of n-grams, so that three lucky words are not the surest hit."""

MIN_HAN = 0.15
"""Least share of Han characters of a Chinese text; a page of code or names in Latin letters has more than this."""

TRAIN_BYTES = 3072
"""Of a text that a model is trained on: one contract of a hundred pages must not outweigh fifty pages of questions."""

SURE = 1.0
"""Log-odds beyond which a text trains the next round, as positive or as negative; p > 0.73."""

DIMENSIONS, NGRAMS, LEARNING_RATE = 16, 3, 0.5
ENOUGH = 20
"""Fewest spies of a kind whose quantile means something."""


def group_of(docs: Documents) -> NDArray[np.int8]:
    """0 for a Chinese text, 1 for others."""
    text = pl.col("text")
    head = text.str.head(2000)
    share = head.str.count_matches(r"\p{Han}") / head.str.len_chars()
    frame = pl.DataFrame({"text": pl.Series(docs.text).fill_null("")})
    return frame.select((share.fill_nan(0.0) < MIN_HAN).cast(pl.Int8).alias("group"))["group"].to_numpy()


@dataclass(frozen=True)
class Start:
    """Log-ratios by hashed n-gram, for each half and group: what the first scores are made of."""

    weights: NDArray[np.float64]
    """halves x groups x buckets; the weights of a half were counted on that half."""

    def score(self, lines: TextBuffers, groups: NDArray[np.int8], halves: NDArray[np.int8]) -> Reals:
        """The mean log-ratio of each text's n-grams, by the weights of the other half."""
        found = np.full(len(lines), -np.inf)
        for half in range(self.weights.shape[0]):
            for group in range(self.weights.shape[1]):
                rows = np.flatnonzero((halves != half) & (groups == group))
                if len(rows):
                    total, n = sums(part_of(lines, rows), self.weights[half, group], longest=LONGEST, distinct=True)
                    found[rows] = np.where(n > 0, total / (n + SHORT), -np.inf)
        return found

    @classmethod
    def of_counts(cls, domain: Reals, pool: Reals) -> Start:
        """From counts, halves x groups x buckets."""
        weights = np.zeros(domain.shape)
        for at in np.ndindex(domain.shape[:2]):
            weights[at] = log_ratio(domain[at], pool[at])
        return cls(weights)


def part_of(texts: TextBuffers, rows: NDArray[Any]) -> TextBuffers:
    """These texts of a batch."""
    if len(rows) == len(texts):
        return texts
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(texts), [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.data)]
    )
    return TextBuffers.of(array.take(pa.array(rows)).cast(pa.large_string()))


def train_model(
    high: Sequence[str], low: Sequence[str], output: Path, *, seed: int, epochs: int | None = None
) -> FastTextModel:
    """A fastText classifier of prepared lines, written to `output`; the lines in an order of the caller's.

    A token is a character of Chinese or a word of English, so n-grams of 3 tokens are character trigrams here and word
    trigrams there. One thread, so the same lines give the same model.
    """
    import fasttext

    n = len(high) + len(low)
    lines = [f"{PREFIX}{POSITIVE} {line}\n" for line in high] + [f"{PREFIX}{NEGATIVE} {line}\n" for line in low]
    order = np.random.default_rng(seed).permutation(n)
    text = output.with_suffix(".txt")
    with text.open("w", encoding="utf-8") as f:
        f.writelines(lines[i] for i in order)
    model = fasttext.train_supervised(
        input=str(text), lr=LEARNING_RATE, dim=DIMENSIONS, epoch=epochs or passes(n), wordNgrams=NGRAMS, bucket=BUCKETS,
        minCount=1, thread=1, seed=seed, verbose=0,
    )  # fmt: skip
    text.unlink()
    with whole(output) as draft:
        model.save_model(str(draft))
    return FastTextModel(multiply_out(model), output)


def passes(texts: int) -> int:
    """How often fastText goes over so many texts: few, for labels that are partly wrong must not be learnt by heart."""
    return min(25, max(3, 25_000 // max(texts, 1)))


def lowest(spies: Sequence[Reals], share: float) -> float:
    """The score that this share of each kind of spies lies below: the lowest of the kinds with enough of them.

    Kinds apart, because a seed of one genre scores high and would hide the rest of the domain behind it.
    """
    known = [kind for kind in spies if len(kind) >= ENOUGH] or [kind for kind in spies if len(kind)]
    return min(float(np.quantile(kind, share)) for kind in known) if known else np.inf


def drawn(hashes: NDArray[np.uint64], rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """At most so many of `rows`, drawn by lot from their texts' hashes, repeats left out; in the lot's order."""
    mixed = _mix(hashes[rows] ^ np.uint64((seed * 0x9E3779B97F4A7C15 + 1) & (2**64 - 1)))
    _, first = np.unique(mixed, return_index=True)
    return rows[first[:most]]


def uniform(hashes: NDArray[np.uint64], seed: int) -> Reals:
    """A number between 0 and 1 for each text, made of its hash."""
    mixed = _mix(hashes ^ np.uint64((seed * 0xD6E8FEB86659FD93 + 7) & (2**64 - 1)))
    return (mixed.astype(np.float64) + 1) / (2.0**64 + 2)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finalizer."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
