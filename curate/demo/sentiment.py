"""The shop reviews as data for a classifier: repeats and contradictions taken out before anything is split."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ..pipeline import Pipeline

Review = tuple[str, str]
"""A text and its label."""


@dataclass(frozen=True, slots=True)
class ReviewData:
    """Reviews for training and testing that share no text, and what was taken out to get there."""

    train: list[Review]
    test: list[Review]
    rows: int
    """Reviews as collected."""
    repeats: int
    """Rows whose text, but for marks, blanks and case, had come before."""
    contradictions: int
    """Distinct texts that were labelled both ways; all their rows are out."""
    near_repeats: int
    """Texts that shared 0.8 of their shingles with another one that stayed."""
    leak: float
    """Share of the test rows of an ordinary random split whose text would have been in its training rows too."""

    def in_test(self) -> Callable[[str], bool]:
        """Tells whether a text is that of a test review, but for marks, blanks and case."""
        keys = {_key(text) for text, _ in self.test}
        return lambda text: _key(text) in keys


def prepare(rows: Iterable[Review], test_share: float = 0.1, limit: int | None = None, seed: int = 0) -> ReviewData:
    """Take out repeats, contradictions and near-repeats, and split what is left by a hash of the text.

    `limit` bounds the reviews that are left, chosen by the same hash, for a short demo.
    """
    from ...filters.dedup import MinHashDedup

    rows = list(rows)
    keys = [_key(text) for text, _ in rows]
    labels: dict[str, set[str]] = {}
    for key, (_, label) in zip(keys, rows, strict=True):
        labels.setdefault(key, set()).add(label)
    contradictions = {key for key, found in labels.items() if len(found) > 1}
    first: dict[str, Review] = {}
    for key, row in zip(keys, rows, strict=True):
        if key and key not in contradictions:
            first.setdefault(key, row)
    table = pa.table({"id": pa.array(list(first), pa.string()), "text": pa.array([t for t, _ in first.values()])})
    kept: list[str] = Pipeline([MinHashDedup(threshold=0.8)]).apply(table).kept["id"].to_pylist()
    chosen = sorted(kept, key=lambda key: _hash(f"{seed}:{key}"))[:limit]
    cut = round(len(chosen) * test_share)
    return ReviewData(
        train=[first[key] for key in chosen[cut:]],
        test=[first[key] for key in chosen[:cut]],
        rows=len(rows),
        repeats=len(rows) - len(labels),
        contradictions=len(contradictions),
        near_repeats=len(first) - len(kept),
        leak=_leak(keys, test_share, seed),
    )


def _leak(keys: Sequence[str], test_share: float, seed: int) -> float:
    order = list(range(len(keys)))
    random.Random(seed).shuffle(order)
    cut = round(len(order) * test_share)
    train = {keys[i] for i in order[cut:]}
    return sum(keys[i] in train for i in order[:cut]) / cut if cut else 0.0


def _key(text: str) -> str:
    # NFKC is safe here: the key is compared and thrown away, the text stays as it is.
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
