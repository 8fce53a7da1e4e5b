"""Which texts are the same: between training and test data before a score, and among examples before they are folded.

Two texts are the same if they are equal but for width, case, spaces and punctuation (`samples.text_key`), or if the
Jaccard similarity of their shingles reaches the threshold. MinHash only proposes pairs; each is verified on the texts.
Shingles are shorter than those of corpus deduplication (`MinHashDedup`): examples are titles and sentences, and in a
sentence of thirty characters one changed character breaks a third of its 8-grams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..finetune.samples import text_key

T = TypeVar("T")
Ints = NDArray[np.int64]

THRESHOLD = 0.8
PROPOSED = 0.65
"""Similarity from which most pairs are proposed. Below the threshold, since a leak missed costs more than a look: at
0.8 then all but one in 10,000 are, and on five public sets at most one pair in four texts is looked at in vain."""
WORDS, CHARACTERS, SLOTS = 3, 4, 128
"""Shingles: words where words are spaced, characters where they are not; slots of a signature."""
MIN_SHINGLES = 6
"""Texts with fewer shingles are compared exactly and no other way: too little is left to be alike by."""
BUCKET_PAIRS = 256
"""Texts of a bucket that each is compared with at most: only templates with more variants, all unlike, lose pairs."""
SHOWN = 20
"""Leaks that a report names."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A test text that is in the training data."""

    test_row: int
    train_row: int
    similarity: float
    """1.0 for texts that are equal after normalisation."""
    test_text: str
    train_text: str


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """What was found between training and test data, and what was done about it."""

    train: int
    """Training examples before anything was removed."""
    test: int
    leaked_test: int
    """Test texts that the training data hold."""
    leaked_train: int
    """Training texts that the test data hold."""
    exact: int
    """Test texts that are equal to a training text, after normalisation; the others of `leaked_test` are nearly so."""
    removed: Literal["train", "test"] | None
    """The side that the leaks were removed from."""
    threshold: float
    leaks: list[Leak] = field(default_factory=list)
    """The first of them, one for each test text, the most alike first."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        """One line for the user."""
        if not self.leaked_test:
            return f"no leak: none of {self.test} test texts is among {self.train} training texts"
        done = {
            "train": f"removed {self.leaked_train} training texts",
            "test": f"removed {self.leaked_test} test texts",
            None: "NOTHING WAS REMOVED, so the scores flatter",
        }[self.removed]
        return (
            f"leak: {self.leaked_test} of {self.test} test texts ({self.leaked_test / self.test:.1%}) are in the training "
            f"data ({self.exact} equal, {self.leaked_test - self.exact} nearly so); {done}"
        )


def without_leaks(
    train: Sequence[T],
    test: Sequence[T],
    *,
    text: Callable[[T], str] = lambda item: item if isinstance(item, str) else item.text,  # type: ignore[attr-defined]
    remove: Literal["train", "test"] | None = "train",
    threshold: float = THRESHOLD,
) -> tuple[list[T], list[T], LeakageReport]:
    """(train, test, report), with every text that both sides hold removed from one of them.

    Remove from `train` before training, so that an official test set stays whole; from `test` when the model is trained
    already. Items are strings, have a `text`, or `text` tells it.
    """
    train_texts, test_texts = [text(item) for item in train], [text(item) for item in test]
    pairs = leaks_between(train_texts, test_texts, threshold=threshold)
    best: dict[int, tuple[float, int]] = {}
    for train_row, test_row, similarity in pairs:
        if test_row not in best or similarity > best[test_row][0]:
            best[test_row] = (similarity, train_row)
    in_train = {train_row for train_row, _, _ in pairs}
    worst = sorted(best.items(), key=lambda found: (-found[1][0], found[0]))[:SHOWN]
    report = LeakageReport(
        train=len(train),
        test=len(test),
        leaked_test=len(best),
        leaked_train=len(in_train),
        exact=sum(similarity == 1.0 for similarity, _ in best.values()),
        removed=remove,
        threshold=threshold,
        leaks=[Leak(t, r, round(s, 4), test_texts[t], train_texts[r]) for t, (s, r) in worst],
    )
    kept_train = [item for row, item in enumerate(train) if remove != "train" or row not in in_train]
    kept_test = [item for row, item in enumerate(test) if remove != "test" or row not in best]
    return kept_train, kept_test, report


def leaks_between(
    train: Sequence[str], test: Sequence[str], *, threshold: float = THRESHOLD
) -> list[tuple[int, int, float]]:
    """(train row, test row, similarity): every row that the other side holds as well is in at least one pair."""
    texts = [*train, *test]
    heads, group = _exact(texts)
    first_test = len(train)
    # One text stands for all equal ones; these are the rows that it stands for on either side.
    of_train: dict[int, list[int]] = {}
    of_test: dict[int, list[int]] = {}
    for row, head in enumerate(group.tolist()):
        (of_train if row < first_test else of_test).setdefault(head, []).append(row)
    pairs: dict[tuple[int, int], float] = {}

    def note(head_train: int, head_test: int, similarity: float) -> None:
        for row in of_train[head_train]:
            pairs[row, of_test[head_test][0]] = similarity
        for row in of_test[head_test]:
            pairs[of_train[head_train][0], row] = similarity

    for head in sorted(of_train.keys() & of_test.keys()):
        note(head, head, 1.0)
    sides = tuple(np.isin(np.arange(len(heads)), list(held)) for held in (of_train, of_test))
    for a, b, similarity in _near([texts[h] for h in heads], threshold, (sides[0], sides[1])):
        for x, y in ((a, b), (b, a)):
            if x in of_train and y in of_test:
                note(x, y, similarity)
    return sorted((row, test_row - first_test, similarity) for (row, test_row), similarity in pairs.items())


def near_duplicate_groups(texts: Sequence[str], *, threshold: float = THRESHOLD) -> Ints:
    """The group of each text, numbered from 0 in order of first appearance; texts that are the same share one.

    Groups are connected components: if a is the same as b and b as c, all three are together, so that no fold can hold
    a text whose near-duplicate is in another fold.
    """
    from ...filters.dedup.clusters import flatten, unite

    heads, group = _exact(texts)
    pairs = list(_near([texts[h] for h in heads], threshold))
    parent = np.arange(len(heads), dtype=np.int64)
    unite(parent, np.array([a for a, _, _ in pairs], np.int64), np.array([b for _, b, _ in pairs], np.int64))
    flatten(parent)
    joined = parent[group]
    _, first, inverse = np.unique(joined, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _exact(texts: Sequence[str]) -> tuple[list[int], Ints]:
    """The first row of each distinct text, and which of these each text is equal to."""
    place: dict[bytes, int] = {}
    heads: list[int] = []
    group = np.empty(len(texts), np.int64)
    for row, text in enumerate(texts):
        key = text_key(text)
        if key not in place:
            place[key] = len(heads)
            heads.append(row)
        group[row] = place[key]
    return heads, group


def _near(
    texts: Sequence[str], threshold: float, sides: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Verified pairs (a, b, similarity), a before b; with `sides`, those alone that have a text on each of the two."""
    from ...filters.dedup.banding import lsh_bands
    from ...filters.dedup.clusters import band_keys
    from ...filters.text.shingles import jaccard, normalize, shingle_sets, signatures

    if not texts:
        return
    buffers = normalize(pa.array(texts, pa.large_string()))
    found, counts = signatures(buffers, slots=SLOTS, words=WORDS, characters=CHARACTERS)
    rows = np.flatnonzero(counts >= MIN_SHINGLES)
    keys = band_keys(found[rows], *lsh_bands(min(PROPOSED, threshold), SLOTS))
    sets = shingle_sets(buffers, words=WORDS, characters=CHARACTERS)
    seen: set[tuple[int, int]] = set()
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        sorted_keys = keys[order, band]
        starts = np.flatnonzero(np.diff(sorted_keys, prepend=sorted_keys[:1] + np.uint64(1)) != 0)
        ends = np.append(starts[1:], len(order))
        for start, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
            members = rows[order[start:end]].tolist()
            for i, a in enumerate(members):
                for b in members[i + 1 : i + 1 + BUCKET_PAIRS]:
                    if (a, b) in seen or (sides is not None and not _across(sides, a, b)):
                        continue
                    seen.add((a, b))
                    similarity = float(jaccard(sets[a], sets[b]))
                    if similarity >= threshold:
                        yield a, b, similarity


def _across(sides: tuple[NDArray[np.bool_], NDArray[np.bool_]], a: int, b: int) -> bool:
    left, right = sides
    return bool((left[a] and right[b]) or (left[b] and right[a]))
