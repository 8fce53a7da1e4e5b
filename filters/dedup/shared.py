"""Near-duplicates of what a team's earlier runs keep, found in an index that all of them share on a Redis server.

    ask       a unit   what is in the index is asked for documents alike, and verified on their shingles
    register  once     under a lock: asks again what others have registered since, registers what is kept, commits

A run's documents count for others from its commit on, which gives it the next number; a run sees the runs with smaller
numbers. So of two runs at once one is first, and neither loses a document to something that is not there in the end.
Committed once, a run that is made again of the same documents gets the same answer, whatever came after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import AfterValidator, Field

from ...curate.documents import Documents
from ...curate.exchange import DECISION_COLUMNS, Exchange
from ...curate.step import Global, Pass
from .banding import lsh_bands
from .exact import EXACT, exact_columns, normalized
from .near import NEAR

if TYPE_CHECKING:
    from .redis_index import Match, SharedIndex, Wanted

CHUNK = 256
"""Documents asked for, or registered, at a time: few round trips to the server, and little memory at either end."""

ASKED = pa.schema(
    [
        ("at", pa.int64()),
        ("id", pa.string()),
        ("exact", pa.binary(16)),
        ("minhash", pa.binary()),
        ("shingles", pa.binary()),
        ("seen", pa.int64()),
        ("kept_id", pa.string()),
        ("value", pa.float64()),
    ]
)
"""What `ask` leaves of each document: 16-bit signature (empty: too short to compare), packed shingles, the last run that
was seen, and what it is like, if anything."""


def _check_server(server: str) -> str:
    from urllib.parse import urlsplit

    if not server.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("give the address of a Redis server, such as redis://host:6379/0")
    address = urlsplit(server)
    if address.password or "password=" in address.query:
        raise ValueError(
            "recipes and manifests are read by others: leave the password out and set CORPUSMILL_REDIS_PASSWORD instead"
        )
    return server


class SharedDedup(Global):
    """Drops documents that are nearly the same as one that an earlier run of the team keeps, by a shared Redis index.

    The index holds signatures (by datasketch's LSH storage) and shingles of what the runs registered in it have kept.
    LSH only proposes: a document is dropped when the Jaccard similarity of its shingles with those of a registered one
    reaches the threshold. What is dropped has `RUN:ID` as the document that is kept. What this step leaves is registered
    under the name `run`, so it belongs behind all other steps; duplicates within the run are `minhash_dedup`'s matter.

    Which of two runs keeps a text that both have depends on which registers first. Within a run the result depends on
    neither order nor workers, and making a run again of the same documents gives the same again. A run made again of
    other documents takes the place of what it had registered.
    """

    name: ClassVar[str] = "shared_dedup"

    run: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
    """Name of this run in the index: letters, numerals, `_`, `.` and `-`. No two corpora of a team have the same."""
    server: Annotated[str, AfterValidator(_check_server)] = "redis://localhost:6379/0"
    """The Redis server: `redis://host:port/database`, `rediss://` for TLS, `unix://path`. Its password is taken from the
    environment variable CORPUSMILL_REDIS_PASSWORD."""
    index: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")] = "corpusmill"
    """Name of the index on that server; there may be several."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Least Jaccard similarity of the shingles of near-duplicates; the same for all runs of an index."""
    word_ngram: Annotated[int, Field(ge=1, le=32)] = 5
    """Words in a shingle, where words are spaced."""
    char_ngram: Annotated[int, Field(ge=1, le=32)] = 8
    """Characters in a shingle, where they are not (Chinese, Japanese, Thai ...)."""
    num_slots: Annotated[int, Field(ge=16, le=1024)] = 128
    """Slots of a signature, 2 bytes each."""
    min_shingles: Annotated[int, Field(ge=1)] = 8
    """Documents with fewer shingles are compared exactly and no other way."""
    max_candidates: Annotated[int, Field(ge=1)] = 64
    """How many registered documents, those of earlier runs first, a document is compared with at most."""

    def index_options(self) -> dict[str, Any]:
        """What all runs of an index must agree on."""
        bands, width = lsh_bands(self.threshold, self.num_slots)
        return {
            "minhash": "one permutation, 16 bits, 1",
            "threshold": self.threshold,
            "num_slots": self.num_slots,
            "word_ngram": self.word_ngram,
            "char_ngram": self.char_ngram,
            "min_shingles": self.min_shingles,
            "bands": bands,
            "width": width,
        }

    def prepare(self) -> None:
        with self._opened():
            pass

    def sketch(self, docs: Documents) -> pa.Table:
        from ..text.shingles import signatures

        texts = normalized(docs)
        found, counts = signatures(texts, slots=self.num_slots, words=self.word_ngram, characters=self.char_ngram)
        rows = [s.tobytes() if n >= self.min_shingles else b"" for s, n in zip(found, counts.tolist(), strict=True)]
        return pa.table({**exact_columns(texts), "minhash": pa.array(rows, pa.binary())})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        return [Pass("ask", units, self._ask), Pass("register", 1, self._register)]

    @contextmanager
    def _opened(self) -> Iterator[SharedIndex]:
        from .redis_index import SharedIndex, answering

        with answering(self.server):
            index = SharedIndex(self.server, self.index, self.index_options(), self.max_candidates)
            try:
                yield index
            finally:
                index.close()

    def _ask(self, exchange: Exchange, unit: int) -> None:
        sketches = list(exchange.sketches(unit))
        if not sketches:
            return
        sketch = pa.concat_tables(sketches)
        done = 0
        with self._opened() as index, exchange.scatter("asked", unit, 1) as out:
            # Made before under this name, it must not see what came after it.
            before = index.committed(self.run)
            seen = before.number - 1 if before else index.last()
            for texts in exchange.texts(unit, sketch.column("at").to_numpy()):
                packed = self._packed(texts.column("text"))
                for start in range(0, len(texts), CHUNK):
                    rows = sketch.slice(done + start, min(CHUNK, len(texts) - start))
                    table = _table(rows, packed[start : start + CHUNK], seen)
                    found = index.ask(_wanted(table), seen, self.run)
                    out.add(_answered(table, found, seen), np.zeros(len(table)))
                done += len(texts)

    def _packed(self, texts: pa.ChunkedArray) -> list[bytes]:
        from ..text.shingles import normalize, shingle_sets
        from .redis_index import pack

        buffers = normalize(pa.concat_arrays(texts.chunks))
        return [pack(s) for s in shingle_sets(buffers, words=self.word_ngram, characters=self.char_ngram)]

    def _register(self, exchange: Exchange, task: int) -> None:
        content = 0
        for _, table in exchange.gather("asked", 0):
            content = sum(map(_content, table["id"].to_pylist(), table["exact"].to_pylist()), content) % (1 << 128)
        decided = []
        with self._opened() as index, index.registering(self.run, f"{content:032x}") as registration:
            for unit, table in exchange.gather("asked", 0):
                for chunk in _chunks(table):
                    registration.renew()
                    chunk = self._asked_again(index, chunk, registration.sees)
                    registration.add(_wanted(chunk.filter(pc.is_null(chunk.column("kept_id")))))
                    decided.append(_decisions(self, chunk, int(exchange.offsets[unit])))
        exchange.decide(task, pa.concat_tables([DECISION_COLUMNS.empty_table(), *decided]))

    def _asked_again(self, index: SharedIndex, chunk: pa.Table, sees: int) -> pa.Table:
        """The same documents, as of run number `sees`: asked again are those with no match before, as earlier runs go
        first, and those whose match has gone, as its run was made again."""
        numbers = index.numbers(sees, self.run)
        found: list[Match | None] = [
            None if kept is None else (kept, value)
            for kept, value in zip(chunk["kept_id"].to_pylist(), chunk["value"].to_pylist(), strict=True)
        ]
        stale = [
            i
            for i, (match, seen) in enumerate(zip(found, chunk["seen"].to_pylist(), strict=True))
            if (seen < sees if match is None else numbers.get(match[0].partition(":")[0].encode(), sees + 1) > seen)
        ]
        if not stale:
            return chunk
        for i, match in zip(stale, index.ask(_wanted(chunk.take(stale)), sees, self.run), strict=True):
            found[i] = match
        return _answered(chunk, found, sees)


def _table(sketch: pa.Table, packed: Sequence[bytes], seen: int) -> pa.Table:
    high, low = sketch.column("exact_high").to_pylist(), sketch.column("exact_low").to_pylist()
    n = len(sketch)
    columns = {
        "at": sketch.column("at"),
        "id": sketch.column("id"),
        "exact": pa.array([(h << 64 | x).to_bytes(16, "big") for h, x in zip(high, low, strict=True)], pa.binary(16)),
        "minhash": sketch.column("minhash"),
        "shingles": pa.array(packed, pa.binary()),
        "seen": pa.array([seen] * n, pa.int64()),
        "kept_id": pa.nulls(n, pa.string()),
        "value": pa.nulls(n, pa.float64()),
    }
    return pa.table(columns, schema=ASKED)


def _wanted(table: pa.Table) -> list[Wanted]:
    from .redis_index import Wanted

    columns = (table.column(name).to_pylist() for name in ("id", "exact", "minhash", "shingles"))
    return [Wanted(*row) for row in zip(*columns, strict=True)]


def _answered(table: pa.Table, found: Sequence[Match | None], seen: int) -> pa.Table:
    columns = {
        **{name: table.column(name) for name in ("at", "id", "exact", "minhash", "shingles")},
        "seen": pa.array([seen] * len(table), pa.int64()),
        "kept_id": pa.array([m and m[0] for m in found], pa.string()),
        "value": pa.array([m and m[1] for m in found], pa.float64()),
    }
    return pa.table(columns, schema=ASKED)


def _chunks(table: pa.Table) -> Iterator[pa.Table]:
    bounds = [*range(0, len(table), CHUNK), len(table)]
    for start, end in pairwise(bounds):
        yield table.slice(start, end - start)


def _content(id: str, exact: bytes) -> int:
    """Adds up, over a run's documents, to what tells whether they are the same as before, in whatever order."""
    return xxhash.xxh3_128_intdigest(id.encode() + b"\x00" + exact)


def _decisions(step: SharedDedup, chunk: pa.Table, offset: int) -> pa.Table:
    rows = [r for r in chunk.select(["at", "minhash", "kept_id", "value"]).to_pylist() if r["kept_id"] is not None]
    return pa.table(
        {
            "doc": [r["at"] + offset for r in rows],
            "rule": [NEAR if r["minhash"] else EXACT for r in rows],
            "value": [r["value"] for r in rows],
            "threshold": [step.threshold if r["minhash"] else 1.0 for r in rows],
            "kept_doc": [-1] * len(rows),
            "kept_id": [r["kept_id"] for r in rows],
        },
        schema=DECISION_COLUMNS,
    )
