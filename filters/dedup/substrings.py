"""Exact repeated substrings: what stands twice in a corpus, byte for byte, for 50 words or 100 characters and more.

Suffix arrays (Lee et al. 2022) want the corpus in memory several times over. Here fingerprints say which windows of that
length may stand twice, only those are hashed and meet their equals, and every repeat is read again and compared. In
passes over an `Exchange`; the anchors of a document's windows (`repeats`) are its sketch:

    count    a unit        each anchor to where equal ones meet
    repeated a partition   anchors that stand twice; to the units that have them
    windows  a unit        hashes of the windows with such an anchor to where equal ones meet
    match    a partition   for each window that another one equals: the first of them in keep order; to its unit
    ask      a unit        runs of such windows, put together, to the unit of the document that has them first
    fetch    a unit        the bytes that stand there, back to the unit that asked
    cut      a unit        compared with the document's own; the pieces, by unit
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from ...curate.documents import Documents
from ...curate.exchange import CUT_COLUMNS, Exchange, as_frame, bin_of
from ...curate.step import Pass
from .keeping import KeepPolicy, keep_order
from .lines import among, flat, rows_of

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

RUN = ("doc", "first", "windows", "kept_doc", "kept_first")
"""Columns of a run of windows: its document, its first window's first token, how many windows, and where they stay."""


class SubstringDedup(KeepPolicy):
    """Finds what documents repeat word for word, of one another and of themselves, and reports or cuts it.

    A repeat is at least `min_words` words, or `min_characters` characters of scripts that do not space words, or a
    mixture that adds up, the same byte for byte with all white space and punctuation between; every one is found. It
    stays in the document that the keep policy rather keeps, and where it stands first there. The others lose it,
    without breaking a word (a Chinese one by the dictionary); whatever they lose stays somewhere, though a long passage
    may stay in pieces, here and there, if it is itself made of repeats.

    Statutes quote each other and contracts share their clauses: look at what is reported before you cut.
    """

    name: ClassVar[str] = "substring_dedup"
    cuts: ClassVar[bool] = True
    signal_names: ClassVar[tuple[str, ...]] = ("repeated_share",)

    action: Literal["tag", "cut"] = "tag"
    """`tag` only reports: the signal `repeated_share` (of a document's characters), and a row for each piece among
    what was removed, with the rule `repeated_found`, though the piece is still in its document. `cut` cuts."""
    min_words: Annotated[int, Field(ge=10, le=10_000)] = 50
    """Least length of a repeat in words, that is, stretches without white space."""
    min_characters: Annotated[int, Field(ge=10, le=10_000)] = 100
    """Least length of a repeat in characters, of scripts that do not space words (Chinese, Japanese, Thai ...)."""

    def sketch(self, docs: Documents) -> pa.Table:
        from .repeats import anchors

        rows, hashes = anchors(_buffers(docs.text), self.min_words, self.min_characters)
        offsets = np.searchsorted(rows, np.arange(len(docs) + 1))
        found = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(hashes, pa.uint64()))
        return pa.table({"anchors": found, **self.keep_sketch(docs)})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        return [
            Pass("count", units, self._count),
            Pass("repeated", partitions, self._repeated),
            Pass("windows", units, self._windows),
            Pass("match", partitions, self._match),
            Pass("ask", units, self._ask),
            Pass("fetch", units, self._fetch),
            Pass("cut", units, self._cut),
        ]

    def _count(self, exchange: Exchange, unit: int) -> None:
        with exchange.scatter("anchors", unit) as out:
            for table in exchange.sketches(unit):
                hashes = flat(table.column("anchors"))
                out.add(pa.table({"hash": hashes}), bin_of(hashes, exchange.partitions))

    def _repeated(self, exchange: Exchange, partition: int) -> None:
        found = [(unit, t.column("hash").to_numpy()) for unit, t in exchange.gather("anchors", partition)]
        if not found:
            return
        hashes, many = np.unique(np.concatenate([h for _, h in found]), return_counts=True)
        twice = hashes[many > 1]
        with exchange.scatter("repeated", partition, len(exchange.rows)) as out:
            for unit, mine in found:
                mine = np.unique(mine[among(mine, twice)])
                out.add(pa.table({"hash": mine}), np.full(len(mine), unit))

    def _windows(self, exchange: Exchange, unit: int) -> None:
        from .repeats import windows

        table = exchange.gathered("repeated", unit)
        if table is None:
            return
        wanted = np.sort(table.column("hash").to_numpy())
        start = int(exchange.offsets[unit])
        found = [_with_anchors(table, wanted) for table in exchange.sketches(unit)]
        sketches = pa.concat_tables(found)
        done = 0
        with exchange.scatter("windows", unit) as out, exchange.scatter("holders", unit) as holders:
            for texts in exchange.texts(unit, sketches.column("at").to_numpy()):
                mine = sketches.slice(done, len(texts))
                done += len(texts)
                runs, firsts, counts, anchors, hashes = windows(
                    _buffers(_text(texts)), self.min_words, self.min_characters, wanted
                )
                documents = mine.column("at").to_numpy()[runs] + start
                bins = bin_of(anchors, exchange.partitions)
                ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
                lists = pa.LargeListArray.from_arrays(pa.array(ends), pa.array(hashes, pa.uint64()))
                out.add(pa.table({"doc": documents, "first": firsts, "hashes": lists}), bins)
                # Each partition learns once who its documents are.
                pairs = np.unique(np.stack([runs, bins]), axis=1)
                holder = mine.take(pa.array(pairs[0]))
                columns = {"doc": holder.column("at").to_numpy() + start, **self.keep_columns(holder)}
                holders.add(pa.table(columns), pairs[1])

    def _match(self, exchange: Exchange, partition: int) -> None:
        tables = [t for _, t in exchange.gather("windows", partition)]
        holders = exchange.gathered("holders", partition)
        if holders is None:
            return
        frame = as_frame(holders)
        best = frame["doc"].to_numpy()[keep_order(frame)]
        by_number = np.argsort(best)
        runs = pa.concat_tables(tables).combine_chunks()
        documents, firsts = runs.column("doc").to_numpy(), runs.column("first").to_numpy()
        rank = by_number[np.searchsorted(best, documents, sorter=by_number)]
        # Windows in keep order, and within a document in their own: of equal ones the first stays.
        order = np.lexsort([firsts, rank])
        lists = runs.column("hashes").take(pa.array(order))
        hashes = flat(lists)
        counts = pc.list_value_length(lists).to_numpy()
        owner = np.repeat(order, counts)
        place = np.arange(len(hashes)) - np.repeat(np.cumsum(counts) - counts, counts) + firsts[owner]
        owner = documents[owner]
        by_hash = np.argsort(hashes, kind="stable")
        new = np.ones(len(hashes), bool)
        new[1:] = hashes[by_hash[1:]] != hashes[by_hash[:-1]]
        first = by_hash[np.maximum.accumulate(np.where(new, np.arange(len(hashes)), 0))]
        again, kept = by_hash[~new], first[~new]
        found = _joined(owner[again], place[again], np.ones(len(again), np.int64), owner[kept], place[kept])
        with exchange.scatter("repeats", partition, len(exchange.rows)) as out:
            out.add(found, exchange.units_of(found.column("doc").to_numpy()))

    def _ask(self, exchange: Exchange, unit: int) -> None:
        table = exchange.gathered("repeats", unit)
        if table is not None:
            found = _joined(*(table.column(name).to_numpy() for name in RUN))
            with exchange.scatter("requests", unit, len(exchange.rows)) as out:
                out.add(found, exchange.units_of(found.column("kept_doc").to_numpy()))

    def _fetch(self, exchange: Exchange, unit: int) -> None:
        from .repeats import bounds

        table = exchange.gathered("requests", unit)
        if table is None:
            return
        table = table.sort_by([("kept_doc", "ascending"), ("doc", "ascending"), ("first", "ascending")])
        numbers = table.column("kept_doc").to_numpy() - exchange.offsets[unit]
        wanted = np.unique(numbers)
        ids = pa.concat_tables(
            t.select(["id"]).filter(pa.array(np.isin(t.column("at").to_numpy(), wanted)))
            for t in exchange.sketches(unit)
        ).column("id")
        with exchange.scatter("fetched", unit, len(exchange.rows)) as out:
            for texts in exchange.texts(unit, wanted):
                runs, rows = _runs_in(texts, table, numbers)
                given = rows, runs.column("kept_first").to_numpy(), runs.column("windows").to_numpy()
                chosen = _text(texts)
                starts, ends, _ = bounds(_buffers(chosen), self.min_words, self.min_characters, *given)
                places = np.searchsorted(wanted, texts.column("at").to_numpy())
                more = {"kept_id": ids.take(pa.array(places[rows])), "bytes": _cut_bytes(chosen, rows, starts, ends)}
                columns = {name: runs.column(name) for name in RUN}
                out.add(pa.table({**columns, **more}), exchange.units_of(runs.column("doc").to_numpy()))

    def _cut(self, exchange: Exchange, unit: int) -> None:
        table = exchange.gathered("fetched", unit)
        found: list[dict[str, Any]] = []
        if table is not None:
            table = table.sort_by([("doc", "ascending"), ("first", "ascending"), ("kept_doc", "ascending")])
            numbers = table.column("doc").to_numpy() - exchange.offsets[unit]
            for texts in exchange.texts(unit, np.unique(numbers)):
                runs, rows = _runs_in(texts, table, numbers)
                found += self._pieces(_text(texts), texts.column("at").to_numpy() + exchange.offsets[unit], rows, runs)
        exchange.cut(unit, pa.Table.from_pylist(found, CUT_COLUMNS))

    def _pieces(self, texts: pa.LargeStringArray, documents: Ints, rows: Ints, runs: pa.Table) -> list[dict[str, Any]]:
        """The pieces of these texts that stand elsewhere, by runs of windows in the order of the texts."""
        from .pieces import settled
        from .repeats import apart, bounds

        buffers, length = _buffers(texts), (self.min_words, self.min_characters)
        firsts, counts = runs.column("first").to_numpy(), runs.column("windows").to_numpy()
        starts, ends, _ = bounds(buffers, *length, rows, firsts, counts)
        # Hashes proposed; the bytes prove.
        equal = pc.equal(runs.column("bytes").combine_chunks(), _cut_bytes(texts, rows, starts, ends))
        kept_docs, kept_ids = runs.column("kept_doc").to_numpy(), runs.column("kept_id").to_pylist()
        shifts = np.where(kept_docs == documents[rows], firsts - runs.column("kept_first").to_numpy(), firsts + counts)
        proven = np.flatnonzero(equal.to_numpy(zero_copy_only=False))
        # In the same document a piece must not overlap what it repeats.
        inside = proven[kept_docs[proven] == documents[rows[proven]]]
        other = np.setdiff1d(proven, inside)
        which, first, many = apart(buffers, *length, rows[inside], firsts[inside], counts[inside], shifts[inside])
        run = np.concatenate([other, inside[which]])
        first, many = np.concatenate([firsts[other], first]), np.concatenate([counts[other], many])
        order = np.lexsort([first, rows[run]])
        run, first, many = run[order], first[order], many[order]
        starts, ends, last = bounds(buffers, *length, rows[run], first, many)
        out: list[dict[str, Any]] = []
        rule = "repeated_substring" if self.action == "cut" else "repeated_found"
        for a, b in _overlapping(rows[run], first, last):
            row = int(rows[run[a]])
            longest = a + int(np.argmax(ends[a:b] - starts[a:b]))
            start, end = settled(buffers.document(row), int(starts[a]), int(ends[a:b].max()))
            if end > start:
                columns = {"doc": int(documents[row]), "start": start, "end": end, "rule": rule}
                out.append({**columns, "kept_id": kept_ids[run[longest]], "cut": self.action == "cut"})
        return out


def _buffers(texts: pa.LargeStringArray) -> Any:
    from ..text.buffers import TextBuffers

    return TextBuffers.of(texts)


def _text(texts: pa.Table) -> pa.LargeStringArray:
    """The texts of a table in one piece."""
    return pa.concat_arrays(texts.column("text").chunks)


def _with_anchors(sketches: pa.Table, wanted: Hashes) -> pa.Table:
    """The documents that have some of these anchors, without their anchors."""
    rows, _ = rows_of(sketches.column("anchors"), wanted)
    return sketches.drop_columns(["anchors"]).take(pa.array(np.unique(rows)))


def _runs_in(texts: pa.Table, runs: pa.Table, numbers: Ints) -> tuple[pa.Table, Ints]:
    """Of runs sorted by the numbers of their documents, those in these texts, and the text of each."""
    at = texts.column("at").to_numpy()
    first, last = np.searchsorted(numbers, at[0]), np.searchsorted(numbers, at[-1], side="right")
    return runs.slice(first, last - first), np.searchsorted(at, numbers[first:last]).astype(np.int64)


def _cut_bytes(texts: pa.LargeStringArray, rows: Ints, starts: Ints, ends: Ints) -> pa.LargeBinaryArray:
    buffers = _buffers(texts)
    offsets = buffers.offsets[rows]
    spans = zip((offsets + starts).tolist(), (offsets + ends).tolist(), strict=True)
    return pa.array([buffers.data[a:b].tobytes() for a, b in spans], pa.large_binary())


def _joined(documents: Ints, firsts: Ints, windows: Ints, kept_documents: Ints, kept_firsts: Ints) -> pa.Table:
    """Runs of windows, those put together that go on where another ends, in both documents."""
    order = np.lexsort([firsts, documents])
    columns = [c[order] for c in (documents, firsts, windows, kept_documents, kept_firsts)]
    documents, firsts, windows, kept_documents, kept_firsts = columns
    new = np.ones(len(order), bool)
    new[1:] = (documents[1:] != documents[:-1]) | (kept_documents[1:] != kept_documents[:-1])
    new[1:] |= firsts[1:] != firsts[:-1] + windows[:-1]
    new[1:] |= kept_firsts[1:] != kept_firsts[:-1] + windows[:-1]
    begin = np.flatnonzero(new)
    total = np.add.reduceat(windows, begin) if len(begin) else windows
    found = (documents[begin], firsts[begin], total, kept_documents[begin], kept_firsts[begin])
    return pa.table(dict(zip(RUN, found, strict=True)))


def _overlapping(rows: Ints, firsts: Ints, lasts: Ints) -> list[tuple[int, int]]:
    """Stretches [a, b) of runs of one text that overlap or touch; `firsts` and `lasts` are their tokens, in order."""
    out: list[tuple[int, int]] = []
    reach = -1
    for k, (row, first, last) in enumerate(zip(rows.tolist(), firsts.tolist(), lasts.tolist(), strict=True)):
        if out and rows[out[-1][0]] == row and first <= reach + 1:
            out[-1] = out[-1][0], k + 1
            reach = max(reach, last)
        else:
            out.append((k, k + 1))
            reach = last
    return out
