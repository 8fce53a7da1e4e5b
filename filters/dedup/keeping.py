"""Which of several alike documents stays: never a matter of the input's order.

First what an earlier corpus already holds, then the source that `source_priority` names first, then the higher signal
`prefer`, then the longer text, then the smaller id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ...curate.documents import Documents
from ...curate.exchange import Exchange, Ints
from ...curate.step import Global
from .earlier import EarlierPart, content_of, earlier_parts

KEEP = ("earlier", "priority", "quality", "length", "id")
"""The columns that decide, in their order."""

_DESCENDING = [True, False, True, True, False]


class KeepPolicy(Global):
    """The options of Globals that keep one of several documents."""

    source_priority: list[str] = []
    """Sources whose documents are rather kept, best first; names or patterns such as `statutes/*`."""
    prefer: str | None = None
    """Signal whose higher values are rather kept, such as `quality`; null looks at length next."""

    def keep_sketch(self, docs: Documents) -> dict[str, Any]:
        """What the policy must know of each document besides what every sketch has."""
        if self.prefer is None:
            return {}
        if self.prefer not in docs.signals:
            known = ", ".join(sorted(docs.signals)) or "none"
            raise ValueError(f"{self.name}: no step before it measures the signal {self.prefer!r}; measured: {known}")
        return {"quality": pa.array(docs.signals[self.prefer])}

    def keep_columns(self, sketch: pa.Table, *, earlier: bool = False) -> dict[str, Any]:
        """The columns of `KEEP` for rows of a sketch."""
        n = len(sketch)
        known = "quality" in sketch.column_names
        quality = sketch.column("quality").to_numpy().astype(np.float32) if known else np.zeros(n, np.float32)
        return {
            "earlier": pa.array(np.full(n, earlier)),
            "priority": pa.array(
                self._priorities(sketch.column("source").to_pylist()) if not earlier else [0] * n, pa.int16()
            ),
            "quality": pa.array(np.nan_to_num(quality, nan=-np.inf)),
            "length": sketch.column("length"),
            "id": sketch.column("id"),
        }

    def _priorities(self, sources: Sequence[str | None]) -> list[int]:
        if not self.source_priority:
            return [0] * len(sources)
        patterns = self.source_priority
        ranks = {
            s: next((i for i, p in enumerate(patterns) if fnmatchcase(s or "", p)), len(patterns)) for s in set(sources)
        }
        return [ranks[s] for s in sources]


class AgainstEarlier(KeepPolicy):
    """A KeepPolicy that keeps one of several whole documents, those of earlier corpora first."""

    against: list[str] = []
    """Folders of earlier corpora. What they hold stays and is not read again, candidates' texts excepted; documents
    that repeat it are dropped. The corpora must have been signed with the same options (their `signatures/`)."""
    sign: bool = True
    """Whether signatures are kept beside the corpus, for later runs `against` it: some 200 bytes a document."""

    @cached_property
    def earlier(self) -> list[EarlierPart]:
        return earlier_parts(self.against, self.signature_options())

    def signature_options(self) -> dict[str, Any]:
        """What decides whether two signatures can be compared."""
        return {"exact": "xxh3-128 of normalize 1"}

    def signed_with(self) -> dict[str, Any] | None:
        return self.signature_options() if self.sign else None

    def fingerprint(self) -> dict[str, Any]:
        found = super().fingerprint()
        return {**found, "against": content_of(self.against)} if self.against else found

    def prepare(self) -> None:
        earlier_parts(self.against, self.signature_options())

    def offsets(self, exchange: Exchange) -> Ints:
        """Numbers of the first documents of all units, those of earlier corpora last; at the end, how many there are."""
        rows = np.array([part.rows for part in self.earlier], np.int64)
        return np.concatenate([exchange.offsets, exchange.offsets[-1] + np.cumsum(rows)])

    def unit_sketches(self, exchange: Exchange, unit: int) -> Iterator[pa.Table]:
        """The sketches of a unit of this corpus or, beyond its last, of a part of an earlier one."""
        own = len(exchange.rows)
        return exchange.sketches(unit) if unit < own else self.earlier[unit - own].sketches()


def keep_order(table: pl.DataFrame, *by: str) -> NDArray[np.int64]:
    """Row numbers sorted by the columns `by` and then by the keep policy: the first of equals is the one to keep."""
    indexed = table.select(*by, *KEEP).with_row_index("row")
    ordered = indexed.sort(*by, *KEEP, descending=[*([False] * len(by)), *_DESCENDING])
    return ordered["row"].cast(pl.Int64).to_numpy()
