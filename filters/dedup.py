"""Duplicates: exact ones by hash, near ones by MinHash, each removed only in favour of a document that stays.

Which of several alike documents stays never depends on the order of the input: it is the one from the source that
`source_priority` names first, then the longest, then the one with the smallest id.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from ..curate.documents import Documents
from ..curate.step import DECISION_SCHEMA, Global, Sketches, decisions

if TYPE_CHECKING:
    from datasketch import MinHashLSH

    from .text.buffers import TextBuffers
    from .text.shingles import Hashes

RECALL = 0.98
"""Least chance that a pair just at the threshold becomes a candidate. Candidates are checked, so more bands cost time
and no precision; datasketch's own choice of bands weighs false candidates as much as missed pairs and finds only 40 %."""

MARGIN = 4.0
"""Candidates are checked when their estimate is less than this many standard errors below the threshold."""

BLOCK_DOCUMENTS, BLOCK_BYTES = 1024, 32 << 20
"""How many texts are fetched at once at most: with the cache below, what bounds the memory of `decide`."""

CACHE_BYTES = 256 << 20
"""Shingle sets of kept documents that stay in memory: 8 bytes a shingle."""


class ExactDedup(Global):
    """Drops documents whose text is the same as another's, apart from case, white space and invisible characters.

    Texts are compared by a 128-bit hash (xxh3) of `text.shingles.normalize`. It is no NFKC: ① and 1, full-width and
    half-width letters are different.
    """

    name: ClassVar[str] = "exact_dedup"

    source_priority: list[str] = []
    """Sources whose documents are rather kept, best first; names or patterns such as `statutes/*`."""

    def sketch(self, docs: Documents) -> pa.Table:
        return _exact_columns(_normalized(docs))

    def decide(self, sketches: Sketches) -> pl.DataFrame:
        order = _keep_order(sketches.table, self.source_priority)
        return _exact_decisions(_first_alike(sketches.table, order))


class MinHashDedup(Global):
    """Drops documents that are nearly the same as one that is kept.

    MinHash signatures only propose pairs (datasketch's LSH index). A document is dropped when the Jaccard similarity of
    its own shingles with those of a document that stays, counted on their texts, reaches the threshold. So a chain of
    versions, each like the next, does not fall as a whole: what is unlike everything kept is kept. Documents with too
    few shingles to compare are only dropped when they are exact duplicates.

    With the defaults, about one changed word in 45 in English, or one character in 72 in Chinese (about 45 words),
    brings two texts to 0.8.
    """

    name: ClassVar[str] = "minhash_dedup"

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Least Jaccard similarity of the shingles of near-duplicates."""
    word_ngram: Annotated[int, Field(ge=1, le=32)] = 5
    """Words in a shingle, where words are spaced."""
    char_ngram: Annotated[int, Field(ge=1, le=32)] = 8
    """Characters in a shingle, where they are not (Chinese, Japanese, Thai ...). Eight Chinese characters are about
    five words. Unrelated statutes share up to 0.026 of them (99.9 % of pairs; of 5-grams 0.067, of 3-grams 0.148), and
    the shorter the shingle, the more templated documents look alike."""
    num_slots: Annotated[int, Field(ge=16, le=1024)] = 128
    """Slots of a signature: more find pairs with less error and take 4 bytes each for every document."""
    min_shingles: Annotated[int, Field(ge=1)] = 8
    """Documents with fewer shingles are compared exactly and no other way."""
    max_candidates: Annotated[int, Field(ge=1)] = 64
    """How many kept documents, the most similar by estimate first, a document is compared with at most."""
    source_priority: list[str] = []
    """Sources whose documents are rather kept, best first; names or patterns such as `statutes/*`."""

    def sketch(self, docs: Documents) -> pa.Table:
        from .text.shingles import signatures

        normalized = _normalized(docs)
        found, counts = signatures(normalized, slots=self.num_slots, words=self.word_ngram, characters=self.char_ngram)
        table = _exact_columns(normalized)
        slots = pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1)), self.num_slots)
        return table.append_column("minhash", slots).append_column("shingles", pa.array(counts))

    def decide(self, sketches: Sketches) -> pl.DataFrame:
        table = sketches.table
        order = _keep_order(table, self.source_priority)
        first = _first_alike(table, order)
        signatures = np.ascontiguousarray(table["minhash"].to_numpy())
        counts = table["shingles"].to_numpy()
        near = order[(first[order] == order) & (counts[order] >= self.min_shingles)]
        found = _NearDuplicates(self, sketches, signatures).search(near)

        rows = []
        for row in np.flatnonzero(first != np.arange(len(first))).tolist():
            # What equals a near-duplicate is one as well: its own first may not stay.
            if (kept := found.get(first[row])) is not None:
                found[row] = kept
        for row, (kept_row, value) in found.items():
            rows.append((row, "near_duplicate", value, self.threshold, kept_row, kept_row))
        near_frame = pl.DataFrame(rows, schema=DECISION_SCHEMA, orient="row")
        exact = _exact_decisions(first).filter(~pl.col("row").is_in(near_frame["row"].implode()))
        return pl.concat([exact, near_frame]).sort("row")


class _NearDuplicates:
    """Goes through documents in the order in which they are rather kept, and keeps what is unlike all kept so far."""

    def __init__(self, step: MinHashDedup, sketches: Sketches, signatures: NDArray[np.uint32]) -> None:
        from datasketch import MinHashLSH

        self.step = step
        self.sketches = sketches
        self.signatures = signatures
        self.lengths = sketches.table["length"].to_numpy()
        bands, self.width = lsh_bands(step.threshold, step.num_slots)
        self.index: MinHashLSH = MinHashLSH(num_perm=step.num_slots, params=(bands, self.width))
        error = (step.threshold * (1 - step.threshold) / step.num_slots) ** 0.5
        self.least_estimate = step.threshold - MARGIN * error
        self.shingles: OrderedDict[int, Hashes] = OrderedDict()
        self.cached = 0
        self.rank = np.zeros(len(signatures), np.int64)

    def search(self, rows: NDArray[np.int64]) -> dict[int, tuple[int, float]]:
        """Near-duplicates among `rows` (in keep order): row -> (the row kept in its place, their similarity)."""
        from .text.shingles import jaccard

        self.rank[rows] = np.arange(len(rows))
        found: dict[int, tuple[int, float]] = {}
        for block in self._blocks(self._sharing_a_band(rows)):
            kept: list[int] = []
            for row, earlier in block.items():
                mine = self.shingles[row]
                # The block's own, which the index did not know when the block was cut, are few: no need of an index.
                for candidate in self._best(row, [*earlier, *kept]):
                    value = float(jaccard(mine, self.shingles[candidate]))
                    if value >= self.step.threshold:
                        found[row] = (candidate, value)
                        break
                else:
                    kept.append(row)
            for row in kept:
                self.index.insert(row, _Signature(self.signatures[row]), check_duplication=False)
            self._trim()
        return found

    def _sharing_a_band(self, rows: NDArray[np.int64]) -> list[int]:
        """The rows that agree with another one in some band. The rest have no candidates and need no index."""
        shared = np.zeros(len(rows), bool)
        for start, end in self.index.hashranges:
            band = np.ascontiguousarray(self.signatures[rows, start:end])
            _, which, counts = np.unique(
                band.view(np.dtype((np.void, band.dtype.itemsize * band.shape[1]))).ravel(),
                return_inverse=True,
                return_counts=True,
            )
            shared |= counts[which] > 1
        return rows[shared].tolist()  # type: ignore[no-any-return]

    def _best(self, row: int, proposed: Sequence[int]) -> list[int]:
        """Those of `proposed` that are worth a look, by falling estimate, then in keep order."""
        from .text.shingles import estimates

        if not proposed:
            return []
        rows = np.array(proposed, np.int64)
        values = estimates(self.signatures, row, rows, self.width)
        good = np.flatnonzero(values >= self.least_estimate)
        best = np.lexsort((self.rank[rows[good]], -values[good]))[: self.step.max_candidates]
        return rows[good[best]].tolist()  # type: ignore[no-any-return]

    def _blocks(self, rows: Sequence[int]) -> Iterator[dict[int, list[int]]]:
        """Rows in order with their candidates from earlier blocks, cut so that few enough texts are needed at a time.

        When a block comes out, the shingles of its rows and of all those candidates are in memory.
        """
        block: dict[int, list[int]] = {}
        needed: dict[int, None] = {}
        size = 0
        for row in rows:
            earlier = self._best(row, self.index.query(_Signature(self.signatures[row])))
            more = self._bytes_missing((row, *earlier), needed)
            if block and (len(block) >= BLOCK_DOCUMENTS or size + more > BLOCK_BYTES):
                self._load(needed)
                yield block
                # What the block kept is in the index now: the row that did not fit may have more candidates.
                block, needed = {}, {}
                earlier = self._best(row, self.index.query(_Signature(self.signatures[row])))
                size, more = 0, self._bytes_missing((row, *earlier), needed)
            block[row] = earlier
            needed.update(dict.fromkeys((row, *earlier)))
            size += more
        if block:
            self._load(needed)
            yield block

    def _bytes_missing(self, rows: Sequence[int], needed: Mapping[int, None]) -> int:
        return sum(int(self.lengths[r]) for r in rows if r not in needed and r not in self.shingles)

    def _load(self, rows: Mapping[int, None]) -> None:
        """Makes the shingles of `rows` be in memory, fetching the texts that are missing at once."""
        from .text.shingles import normalize, shingle_sets

        missing = sorted(row for row in rows if row not in self.shingles)
        for row in rows:
            if row in self.shingles:
                self.shingles.move_to_end(row)
        for start in range(0, len(missing), BLOCK_DOCUMENTS):
            part = missing[start : start + BLOCK_DOCUMENTS]
            texts = normalize(pa.array(self.sketches.texts(part), pa.large_string()))
            sets = shingle_sets(texts, words=self.step.word_ngram, characters=self.step.char_ngram)
            for row, hashes in zip(part, sets, strict=True):
                self.shingles[row] = hashes
                self.cached += hashes.nbytes

    def _trim(self) -> None:
        """Forgets the shingle sets that were not needed for the longest time."""
        while self.cached > CACHE_BYTES:
            _, hashes = self.shingles.popitem(last=False)
            self.cached -= hashes.nbytes


class _Signature:
    """What datasketch's index asks of a sketch. Its own classes would mark ours as made by its permutations."""

    __slots__ = ("hashvalues",)

    def __init__(self, hashvalues: NDArray[np.uint32]) -> None:
        self.hashvalues = hashvalues

    def __len__(self) -> int:
        return len(self.hashvalues)


def lsh_bands(threshold: float, slots: int) -> tuple[int, int]:
    """(bands, slots in a band): the widest bands that find a pair at the threshold with a chance of `RECALL`."""
    for width in range(slots, 1, -1):
        bands = slots // width
        if 1 - (1 - threshold**width) ** bands >= RECALL:
            return bands, width
    return slots, 1


def _normalized(docs: Documents) -> TextBuffers:
    from .text.shingles import normalize

    return docs.memo("normalized", lambda: normalize(docs.text))


def _exact_columns(texts: TextBuffers) -> pa.Table:
    """The 128-bit hash of each normalized text, in two columns."""
    view: Any = memoryview(cast(Any, texts.data))
    hashes = [xxhash.xxh3_128_intdigest(view[a:b]) for a, b in pairwise(texts.offsets.tolist())]
    return pa.table(
        {
            "exact_high": pa.array([h >> 64 for h in hashes], pa.uint64()),
            "exact_low": pa.array([h & 0xFFFFFFFFFFFFFFFF for h in hashes], pa.uint64()),
        }
    )


def _keep_order(table: pl.DataFrame, source_priority: Sequence[str]) -> NDArray[np.int64]:
    """Rows, those that are rather kept first: by source, then the longest, then by id."""
    ranks = {
        source: next((i for i, p in enumerate(source_priority) if fnmatchcase(source or "", p)), len(source_priority))
        for source in table["source"].unique().to_list()
    }
    rank = table["source"].replace_strict(ranks, return_dtype=pl.Int64) if len(table) else table["length"]
    keys = table.select("id", "length").with_columns(rank.alias("rank")).with_row_index("row")
    ordered = keys.sort("rank", "length", "id", descending=[False, True, False])
    return ordered["row"].cast(pl.Int64).to_numpy()


def _first_alike(table: pl.DataFrame, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row, the first row in keep order with the same exact hash: itself when it is the one to keep."""
    first = (
        table.select("exact_high", "exact_low")
        .with_columns(pl.Series("row", np.arange(len(table))))[order]
        .with_columns(pl.col("row").first().over("exact_high", "exact_low").alias("first"))
    )
    found = np.empty(len(table), np.int64)
    found[order] = first["first"].to_numpy()
    return found


def _exact_decisions(first: NDArray[np.int64]) -> pl.DataFrame:
    rows = np.flatnonzero(first != np.arange(len(first)))
    if not len(rows):
        return decisions([])
    return pl.DataFrame(
        {
            "row": rows,
            "rule": ["exact_duplicate"] * len(rows),
            "value": np.ones(len(rows)),
            "threshold": np.ones(len(rows)),
            "kept_row": first[rows],
            "cluster": first[rows],
        },
        schema=DECISION_SCHEMA,
    )
