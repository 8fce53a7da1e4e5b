"""Boilerplate: lines and paragraphs that many documents of a corpus share, cut out of all but those that keep them.

In passes over an `Exchange`; the hashes of a document's lines are its sketch:

    count   a unit        each hash to where equal ones meet
    common  a partition   hashes that enough documents have; to the units that have them
    claim   a unit        for each, the documents of the unit that would rather keep the line
    choose  a partition   who keeps it; to the units that have it
    cut     a unit        the spans, of the documents that do not keep it
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from ...curate.documents import Documents
from ...curate.exchange import CUT_COLUMNS, Exchange, as_frame, bin_of
from ...curate.step import Pass
from .keeping import KeepPolicy, keep_order

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]


class LineDedup(KeepPolicy):
    """Cuts lines or paragraphs that many documents share, such as copyright notices, log-in prompts and cookie banners.

    After CCNet (Wenzek et al. 2020, section 3.2), which drops every line but the first of its kind; here a line must be
    shared by many documents and long enough to say something, so that 第一条, `Article 1`, 答： and verses stay, and
    headings, list items, numbered clauses and table rows are never cut. A line that is cut is cut wherever it stands in
    the document; repeats within one document do not count as shared.

    Lines are compared without case, white space and invisible characters, by a 64-bit hash: of ten billion different
    lines, a given one is taken for another with a chance of one in two billion.
    """

    name: ClassVar[str] = "line_dedup"
    cuts: ClassVar[bool] = True
    signal_names: ClassVar[tuple[str, ...]] = ("shared_lines_share",)

    unit: Literal["line", "paragraph"] = "line"
    """What is compared: lines, or runs of lines between blank ones."""
    min_documents: Annotated[int, Field(ge=2)] = 10
    """In how many documents a line must stand to be boilerplate; 2 is CCNet's rule."""
    min_words: Annotated[int, Field(ge=1)] = 12
    """Least words of two letters or more of a line in scripts that space them; in mixed lines both measures add up."""
    min_characters: Annotated[int, Field(ge=1)] = 24
    """Least characters of a line in scripts without spaces (Chinese, Japanese, Thai ...)."""
    keep: Annotated[int, Field(ge=0)] = 1
    """How many documents keep the line, best first by the keep policy; 0 cuts it everywhere, so that it is only left in
    what the run lists as removed."""
    fold_digits: bool = False
    """Whether lines that differ in digits alone are the same, as CCNet has it. That catches `Page 3 of 9`, and makes
    罚款五百元 safe but 500 元 and 800 元 equal: not for law and medicine."""

    def sketch(self, docs: Documents) -> pa.Table:
        rows, _, _, hashes = self._spans(docs.text)
        rows, hashes = _distinct(rows, hashes)
        offsets = np.searchsorted(rows, np.arange(len(docs) + 1))
        lines = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(hashes, pa.uint64()))
        return pa.table({"lines": lines, **self.keep_sketch(docs)})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        found = [Pass("count", units, self._count), Pass("common", partitions, self._common)]
        if self.keep:
            found += [Pass("claim", units, self._claim), Pass("choose", partitions, self._choose)]
        return [*found, Pass("cut", units, self._cut)]

    def _spans(self, texts: pa.LargeStringArray) -> tuple[Ints, Ints, Ints, Hashes]:
        from ..text.buffers import TextBuffers
        from .line_spans import line_spans

        return line_spans(
            TextBuffers.of(texts),
            paragraphs=self.unit == "paragraph",
            words=self.min_words,
            characters=self.min_characters,
            fold_digits=self.fold_digits,
        )

    def _count(self, exchange: Exchange, unit: int) -> None:
        with exchange.scatter("lines", unit) as out:
            for table in exchange.sketches(unit):
                hashes = flat(table.column("lines"))
                out.add(pa.table({"hash": hashes}), bin_of(hashes, exchange.partitions))

    def _common(self, exchange: Exchange, partition: int) -> None:
        found = [(unit, t.column("hash").to_numpy()) for unit, t in exchange.gather("lines", partition)]
        if not found:
            return
        hashes, many = np.unique(np.concatenate([h for _, h in found]), return_counts=True)
        common = hashes[many >= self.min_documents]
        with exchange.scatter("common", partition, len(exchange.rows)) as out:
            for unit, mine in found:
                mine = np.unique(mine)
                mine = mine[among(mine, common)]
                out.add(pa.table({"hash": mine}), np.full(len(mine), unit))

    def _claim(self, exchange: Exchange, unit: int) -> None:
        common = self._common_of(exchange, unit)
        if not len(common):
            return
        best: pl.DataFrame | None = None
        for table in exchange.sketches(unit):
            rows, hashes = rows_of(table.column("lines"), common)
            if not len(rows):
                continue
            mine = table.take(pa.array(rows))
            document = pa.array(mine.column("at").to_numpy() + exchange.offsets[unit])
            frame = as_frame(pa.table({"hash": hashes, "doc": document, **self.keep_columns(mine)}))
            best = self._best(frame if best is None else pl.concat([best, frame]))
        if best is not None:
            with exchange.scatter("claims", unit) as out:
                out.add(best.to_arrow(), bin_of(best["hash"].to_numpy(), exchange.partitions))

    def _best(self, claims: pl.DataFrame) -> pl.DataFrame:
        """The claims, by hash, of the documents that keep it rather than others: `keep` for each hash."""
        return claims[keep_order(claims, "hash")].group_by("hash", maintain_order=True).head(self.keep)

    def _choose(self, exchange: Exchange, partition: int) -> None:
        claims = exchange.gathered("claims", partition)
        if claims is None:
            return
        best = self._best(as_frame(claims).with_columns(pl.col("id").cast(pl.String))).select("hash", "doc", "id")
        with exchange.scatter("kept", partition, len(exchange.rows)) as out:
            for unit, table in exchange.gather("claims", partition):
                theirs = best.filter(among(best["hash"].to_numpy(), np.unique(table.column("hash").to_numpy())))
                out.add(theirs.to_arrow(), np.full(len(theirs), unit))

    def _common_of(self, exchange: Exchange, unit: int) -> Hashes:
        table = exchange.gathered("common", unit)
        return np.zeros(0, np.uint64) if table is None else np.sort(table.column("hash").to_numpy())

    def _cut(self, exchange: Exchange, unit: int) -> None:
        common = self._common_of(exchange, unit)
        kept = exchange.gathered("kept", unit) if self.keep else None
        first: dict[int, str] = {}
        stays: set[tuple[int, int]] = set()
        if kept is not None:
            # Best first: a hash's rows stand in keep order.
            for h, doc, id in zip(*(kept.column(n).to_pylist() for n in ("hash", "doc", "id")), strict=True):
                first.setdefault(h, id)
                stays.add((h, doc))
        start = int(exchange.offsets[unit])
        spans: list[pa.Table] = []
        if len(common):
            holders = [
                t.column("at").to_numpy()[rows_of(t.column("lines"), common)[0]] for t in exchange.sketches(unit)
            ]
            for texts in exchange.texts(unit, np.unique(np.concatenate(holders))):
                at = texts.column("at").to_numpy()
                found, starts, ends, hashes = self._spans(pa.concat_arrays(texts.column("text").chunks))
                documents = at[found] + start
                cut = among(hashes, common)
                if stays:
                    pairs = zip(hashes[cut].tolist(), documents[cut].tolist(), strict=True)
                    cut[np.flatnonzero(cut)] = [pair not in stays for pair in pairs]
                n = int(cut.sum())
                columns = {
                    "doc": documents[cut],
                    "start": starts[cut],
                    "end": ends[cut],
                    "rule": pa.array([f"shared_{self.unit}"] * n, pa.string()),
                    "kept_id": pa.array([first.get(h) for h in hashes[cut].tolist()], pa.string()),
                    "cut": pa.array(np.ones(n, bool)),
                }
                spans.append(pa.table(columns))
        exchange.cut(unit, pa.concat_tables([CUT_COLUMNS.empty_table(), *(s.cast(CUT_COLUMNS) for s in spans)]))


def _distinct(rows: Ints, hashes: Hashes) -> tuple[Ints, Hashes]:
    """Each hash of a row once, by row and hash."""
    order = np.lexsort([hashes, rows])
    rows, hashes = rows[order], hashes[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
    return rows[new], hashes[new]


def flat(lists: pa.ChunkedArray) -> Hashes:
    """The hashes of all lists, one after the other."""
    return np.concatenate([np.zeros(0, np.uint64), *(c.flatten().to_numpy() for c in lists.chunks)])


def rows_of(lists: pa.ChunkedArray, wanted: Hashes) -> tuple[Ints, Hashes]:
    """(row, hash) for every wanted hash of every list."""
    hashes = flat(lists)
    rows = np.repeat(np.arange(len(lists)), pc.list_value_length(lists).to_numpy())
    found = among(hashes, wanted)
    return rows[found], hashes[found]


def among(hashes: Hashes, wanted: Hashes) -> NDArray[np.bool_]:
    """Which hashes are among the `wanted`, which are sorted and distinct."""
    if not len(wanted):
        return np.zeros(len(hashes), bool)
    found: Any = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    same: NDArray[np.bool_] = wanted[found] == hashes
    return same
