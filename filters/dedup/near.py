"""Near duplicates: proposed by MinHash, grouped out of core, and each removed only when the texts themselves prove it.

What is done, in passes over an `Exchange`:

    hash    a unit        exact hashes to where equal ones meet
    match   a partition   exact duplicates; from here on, one document stands for each text
    bands   a unit        a hash of each band of each signature to where equal ones meet
    group   a partition   which documents some equal band ties together
    join    once          union-find over that: clusters of candidates
    fetch   a unit        signature and shingles of every candidate to its cluster's partition
    choose  a partition   who stays, in keep order, each removal verified on the shingles
    settle  a partition   exact duplicates of what was removed follow it; decisions by unit

The result depends on none of the cuts: candidates are pairs that share a band, and the choice goes by the keep order.
"""

from __future__ import annotations

import tempfile
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from ...curate.documents import Documents
from ...curate.exchange import DECISION_COLUMNS, Exchange, as_frame, bin_of, mixed
from ...curate.step import Pass
from .banding import lsh_bands
from .exact import EXACT, exact_columns, matches, normalized, scatter_hashes
from .keeping import AgainstEarlier, keep_order

NEAR = "near_duplicate"

MARGIN = 4.0
"""Candidates are checked when their estimate is less than this many standard errors below the threshold."""

BUCKET_LIMIT = 4096
"""How many kept documents of a bucket, the first in keep order, a document is compared with by estimate. Only buckets
of more templated documents than that, all unlike, lose pairs by it."""

CHUNK_ROWS = 1 << 16


class MinHashDedup(AgainstEarlier):
    """Drops documents that are nearly the same as one that is kept.

    MinHash signatures only propose pairs. A document is dropped when the Jaccard similarity of its own shingles with
    those of a document that stays, counted on their texts, reaches the threshold. So a chain of versions, each like
    the next, does not fall as a whole: what is unlike everything kept is kept. Documents with too few shingles to
    compare are only dropped when they are exact duplicates.

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
    """Slots of a signature: more find pairs with less error and take 2 bytes each for every document."""
    min_shingles: Annotated[int, Field(ge=1)] = 8
    """Documents with fewer shingles are compared exactly and no other way."""
    max_candidates: Annotated[int, Field(ge=1)] = 64
    """How many kept documents, the most similar by estimate first, a document is compared with at most."""

    def sketch(self, docs: Documents) -> pa.Table:
        from ..text.shingles import signatures

        texts = normalized(docs)
        found, counts = signatures(texts, slots=self.num_slots, words=self.word_ngram, characters=self.char_ngram)
        slots = pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1)), self.num_slots)
        own = {"minhash": slots, "shingles": pa.array(counts)}
        return pa.table({**exact_columns(texts), **own, **self.keep_sketch(docs)})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        all_units = units + len(self.earlier)
        return [
            Pass("hash", all_units, partial(scatter_hashes, self)),
            Pass("match", partitions, self._match),
            Pass("bands", all_units, self._bands),
            Pass("group", partitions, self._group),
            Pass("join", 1, self._join),
            Pass("fetch", all_units, self._fetch),
            Pass("choose", partitions, self._choose),
            Pass("settle", partitions, self._settle),
        ]

    def signature_options(self) -> dict[str, Any]:
        return {
            **super().signature_options(),
            "minhash": "one permutation, 16 bits, 1",
            "num_slots": self.num_slots,
            "word_ngram": self.word_ngram,
            "char_ngram": self.char_ngram,
        }

    @cached_property
    def _banding(self) -> tuple[int, int]:
        return lsh_bands(self.threshold, self.num_slots)

    def _match(self, exchange: Exchange, partition: int) -> None:
        found = matches(exchange, partition)
        documents, kept = found.column("doc").to_numpy(), found.column("kept_doc").to_numpy()
        with exchange.scatter("copies", partition, len(exchange.rows)) as out:
            out.add(found.select(["doc"]), exchange.units_of(documents))
        with exchange.scatter("copies-by-kept", partition) as out:
            out.add(found, bin_of(mixed(kept), exchange.partitions))

    def _bands(self, exchange: Exchange, unit: int) -> None:
        from .clusters import band_keys

        copies = exchange.gathered("copies", unit) if unit < len(exchange.rows) else None
        start = self.offsets(exchange)[unit]
        gone = np.zeros(0, np.int64) if copies is None else copies.column("doc").to_numpy()
        with exchange.scatter("bands", unit) as out:
            for table in self.unit_sketches(exchange, unit):
                documents = table.column("at").to_numpy() + start
                compared = table.column("shingles").to_numpy() >= self.min_shingles
                rows = np.flatnonzero(compared & ~np.isin(documents, gone))
                keys = band_keys(_signatures(table)[rows], *self._banding)
                columns = {"key": keys.reshape(-1), "doc": np.repeat(documents[rows], keys.shape[1])}
                out.add(pa.table(columns), bin_of(keys.reshape(-1), exchange.partitions))

    def _group(self, exchange: Exchange, partition: int) -> None:
        from .clusters import groups

        table = exchange.gathered("bands", partition)
        if table is None:
            return
        documents, first = groups(table.column("key").to_numpy(), table.column("doc").to_numpy())
        with exchange.scatter("ties", partition, 1) as out:
            out.add(pa.table({"doc": documents, "first": first}), np.zeros(len(documents)))

    def _join(self, exchange: Exchange, _: int) -> None:
        from .clusters import flatten, unite

        offsets = self.offsets(exchange)
        count = int(offsets[-1])
        cluster = np.arange(count, dtype=np.int32 if count < 1 << 31 else np.int64)
        for _, table in exchange.gather("ties", 0):
            unite(cluster, table.column("doc").to_numpy(), table.column("first").to_numpy())
        grouped = flatten(cluster)
        # The documents of this corpus have the smallest numbers: other clusters lie in earlier ones altogether.
        grouped = np.flatnonzero(grouped & (cluster < exchange.offsets[-1]))
        with exchange.scatter("clusters", 0, len(offsets) - 1) as out:
            for start in range(0, len(grouped), CHUNK_ROWS):
                documents = grouped[start : start + CHUNK_ROWS]
                table = pa.table({"doc": documents, "cluster": cluster[documents].astype(np.int64)})
                out.add(table, np.searchsorted(offsets, documents, side="right") - 1)

    def _fetch(self, exchange: Exchange, unit: int) -> None:
        found = exchange.gathered("clusters", unit)
        if found is None:
            return
        own = unit < len(exchange.rows)
        start = int(self.offsets(exchange)[unit])
        found = found.sort_by("doc")
        wanted = found.column("doc").to_numpy() - start
        sketches = pa.concat_tables(
            t.filter(pa.array(np.isin(t.column("at").to_numpy(), wanted))) for t in self.unit_sketches(exchange, unit)
        )
        columns = {
            "doc": found.column("doc"),
            "cluster": found.column("cluster"),
            "minhash": sketches.column("minhash"),
            **self.keep_columns(sketches, earlier=not own),
        }
        table = pa.table(columns)
        bins = bin_of(mixed(found.column("cluster").to_numpy()), exchange.partitions)
        done = 0
        with exchange.scatter("candidates", unit) as out:
            batches = exchange.texts(unit, wanted) if own else self.earlier[unit - len(exchange.rows)].texts(wanted)
            for texts in batches:
                rows = slice(done, done + len(texts))
                done += len(texts)
                part = table.slice(rows.start, len(texts))
                out.add(part.append_column("shingles", self._shingles(texts.column("text"))), bins[rows])

    def _shingles(self, texts: pa.ChunkedArray) -> pa.LargeListArray:
        """The sorted distinct shingle hashes of each text."""
        from ..text.shingles import normalize, shingle_sets

        sets = shingle_sets(
            normalize(pa.concat_arrays(texts.chunks)), words=self.word_ngram, characters=self.char_ngram
        )
        offsets = np.concatenate([[0], np.cumsum([len(s) for s in sets])])
        values = np.concatenate(sets) if sets else np.zeros(0, np.uint64)
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values))

    def _choose(self, exchange: Exchange, partition: int) -> None:
        from .clusters import band_keys, buckets, choose, place

        tables = [table for _, table in exchange.gather("candidates", partition)]
        if not tables:
            return
        frame = pl.concat([as_frame(t.drop_columns(["minhash", "shingles"])) for t in tables])
        order = keep_order(frame, "cluster")
        frame = frame[order]
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        signatures = np.empty((len(order), self.num_slots), np.uint16)
        sizes = np.empty(len(order), np.int64)
        start = 0
        for table in tables:
            rows = rank[start : start + len(table)]
            signatures[rows] = _signatures(table)
            sizes[rows] = pc.list_value_length(table.column("shingles")).to_numpy()
            start += len(table)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        with _Room(int(offsets[-1]), exchange.memory // 2, exchange) as shingles:
            start = 0
            for table in tables:
                for chunk in table.column("shingles").chunks:
                    rows = rank[start : start + len(chunk)]
                    place(chunk.values.to_numpy(), chunk.offsets.to_numpy(), rows, shingles, offsets[:-1])
                    start += len(chunk)
            del tables
            bands, width = self._banding
            bucket, starts = buckets(band_keys(signatures, bands, width))
            error = (self.threshold * (1 - self.threshold) / self.num_slots) ** 0.5
            kept, value = choose(
                signatures,
                bucket,
                starts,
                shingles,
                offsets,
                frame["earlier"].to_numpy(),
                self.threshold,
                self.threshold - MARGIN * error,
                self.max_candidates,
                BUCKET_LIMIT,
            )
        rows = np.flatnonzero(kept >= 0)
        documents = frame["doc"].to_numpy()
        columns = {
            "doc": documents[rows],
            "value": value[rows],
            "kept_doc": documents[kept[rows]],
            "kept_id": frame["id"].gather(kept[rows]).to_arrow().cast(pa.string()),
        }
        with exchange.scatter("near", partition) as out:
            out.add(pa.table(columns), bin_of(mixed(documents[rows]), exchange.partitions))

    def _settle(self, exchange: Exchange, partition: int) -> None:
        near, copies = exchange.gathered("near", partition), exchange.gathered("copies-by-kept", partition)
        schema = {"doc": pl.Int64, "value": pl.Float64, "kept_doc": pl.Int64, "kept_id": pl.String}
        gone = pl.DataFrame(schema=schema) if near is None else as_frame(near)
        found = gone.with_columns(rule=pl.lit(NEAR), threshold=pl.lit(self.threshold))
        if copies is not None:
            # What equals a near-duplicate is one as well: its own first may not stay.
            both = as_frame(copies).join(gone, left_on="kept_doc", right_on="doc", how="left", suffix="_near")
            followed = pl.col("kept_doc_near").is_not_null()
            found = pl.concat(
                [
                    found,
                    both.select(
                        "doc",
                        pl.col("value").fill_null(1.0),
                        pl.coalesce("kept_doc_near", "kept_doc").alias("kept_doc"),
                        pl.coalesce("kept_id_near", "kept_id").alias("kept_id"),
                        pl.when(followed).then(pl.lit(NEAR)).otherwise(pl.lit(EXACT)).alias("rule"),
                        pl.when(followed).then(self.threshold).otherwise(1.0).alias("threshold"),
                    ),
                ]
            )
        table = found.sort("doc").select(DECISION_COLUMNS.names).to_arrow()
        exchange.decide(partition, table.cast(DECISION_COLUMNS))


def _signatures(table: pa.Table) -> NDArray[np.uint16]:
    """The column `minhash`, (rows, slots)."""
    column = table.column("minhash")
    parts = [c.flatten().to_numpy() for c in column.chunks]
    slots = column.type.list_size
    return np.concatenate([np.zeros(0, np.uint16), *parts]).reshape(-1, slots)


class _Room:
    """Room for so many shingles: in memory if they are few enough, else in an unnamed file that the system may write out."""

    def __init__(self, count: int, memory: int, exchange: Exchange) -> None:
        self._count, self._memory, self._folder = count, memory, exchange.folder
        self._file: Any = None

    def __enter__(self) -> NDArray[np.uint64]:
        if self._count * 8 <= self._memory:
            return np.empty(self._count, np.uint64)
        self._file = tempfile.TemporaryFile(dir=self._folder)
        self._file.truncate(self._count * 8)
        return np.memmap(self._file, np.uint64, "r+", shape=(self._count,))

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
