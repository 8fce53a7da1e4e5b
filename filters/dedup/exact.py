"""Exact duplicates: texts with the same hash, found partition by partition of the hashes."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from ...curate.documents import Documents
from ...curate.exchange import Exchange, as_frame, bin_of, halves
from ...curate.step import Pass
from .keeping import AgainstEarlier, keep_order

if TYPE_CHECKING:
    from ..text.buffers import TextBuffers

EXACT = "exact_duplicate"

MATCHES = pa.schema([("doc", pa.int64()), ("kept_doc", pa.int64()), ("kept_id", pa.string())])
"""A document whose text another has that is rather kept."""


class ExactDedup(AgainstEarlier):
    """Drops documents whose text is the same as another's, apart from case, white space and invisible characters.

    Texts are compared by a 128-bit hash (xxh3) of `text.shingles.normalize`. It is no NFKC: ① and 1, full-width and
    half-width letters are different.
    """

    name: ClassVar[str] = "exact_dedup"

    def sketch(self, docs: Documents) -> pa.Table:
        return pa.table({**exact_columns(normalized(docs)), **self.keep_sketch(docs)})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        return [
            Pass("hash", units + len(self.earlier), partial(scatter_hashes, self)),
            Pass("match", partitions, self._match),
        ]

    def _match(self, exchange: Exchange, partition: int) -> None:
        found = matches(exchange, partition)
        ones = pa.array(np.ones(len(found)))
        rules = pa.array([EXACT] * len(found), pa.string())
        columns = {"rule": rules, "value": ones, "threshold": ones}
        exchange.decide(partition, pa.table({**{n: found.column(n) for n in MATCHES.names}, **columns}))


def normalized(docs: Documents) -> TextBuffers:
    """The batch's texts as duplicates are compared, made once for all steps."""
    from ..text.shingles import normalize

    return docs.memo("normalized", partial(normalize, docs.text))


def exact_columns(texts: TextBuffers) -> dict[str, pa.Array]:
    """The 128-bit hash of each normalized text, in two columns."""
    view: Any = memoryview(cast(Any, texts.data))
    high, low = halves(xxhash.xxh3_128_digest(view[a:b]) for a, b in pairwise(texts.offsets.tolist()))
    return {"exact_high": high, "exact_low": low}


def scatter_hashes(policy: AgainstEarlier, exchange: Exchange, unit: int) -> None:
    """Send the hashes of a unit's documents to where equal ones meet."""
    start = int(policy.offsets(exchange)[unit])
    earlier = unit >= len(exchange.rows)
    with exchange.scatter("hashes", unit) as out:
        for table in policy.unit_sketches(exchange, unit):
            high = table.column("exact_high")
            columns = {
                "high": high,
                "low": table.column("exact_low"),
                "doc": pc.add(table.column("at"), start),
                **policy.keep_columns(table, earlier=earlier),
            }
            out.add(pa.table(columns), bin_of(high.to_numpy(), exchange.partitions))


def matches(exchange: Exchange, partition: int) -> pa.Table:
    """The exact duplicates of a partition of the hashes, as rows of `MATCHES`. What is earlier always stays."""
    table = exchange.gathered("hashes", partition)
    if table is None:
        return MATCHES.empty_table()
    frame = as_frame(table).filter(pl.struct("high", "low").is_duplicated())
    frame = frame[keep_order(frame, "high", "low")]
    frame = frame.with_columns(
        pl.col("doc").first().over("high", "low").alias("kept_doc"),
        pl.col("id").first().over("high", "low").alias("kept_id"),
    )
    gone = frame.filter((pl.col("doc") != pl.col("kept_doc")) & ~pl.col("earlier"))
    return gone.select(MATCHES.names).to_arrow().cast(MATCHES)
