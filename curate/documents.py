"""What a document is: the columns of a batch, and the batch that steps pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

Floats = NDArray[np.float32]
T = TypeVar("T")

AUGMENTATION = pa.struct([("op", pa.string()), ("version", pa.int32()), ("seed", pa.int64()), ("n_edits", pa.int32())])
"""How an augmented document was made; null for the documents that were read."""

CORE_FIELDS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.large_string(),
    "source": pa.string(),
    "language": pa.string(),
    "script": pa.string(),
    "language_score": pa.float32(),
    "parent_id": pa.string(),
    "augmentation": AUGMENTATION,
}
"""The columns that corpusmill owns. An input column of the same name is carried as `input_<name>`
(`id` and `text` excepted: those are the document's own)."""

MAX_BATCH_ROWS = 4096
MAX_BATCH_BYTES = 2 << 20
"""Bounds of a batch: enough rows to pay for a step's fixed costs, few enough bytes to bound a worker's memory."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A piece of text that a Transform or a cutting Global took out of a document that stays."""

    row: int
    step: str
    rule: str
    text: str
    kept_id: str | None = None
    """The document in which the same piece stays, if that was the reason."""


class Documents:
    """A batch of documents: an Arrow table, the signals measured on it, and the text cut out of it.

    Batches are values: every method returns a new one. Columns are those of `CORE_FIELDS` plus any that the
    input carried; steps leave columns that they do not know alone. `signals` maps a signal's name to float32
    values, one a document, NaN where it was not measured.
    """

    __slots__ = ("_memo", "removed", "signals", "table")

    def __init__(
        self,
        table: pa.Table,
        signals: Mapping[str, Floats] | None = None,
        removed: Sequence[Removed] = (),
        memo: dict[str, Any] | None = None,
    ) -> None:
        self.table = table
        self.signals: dict[str, Floats] = dict(signals or {})
        self.removed: tuple[Removed, ...] = tuple(removed)
        self._memo: dict[str, Any] = {} if memo is None else memo

    @classmethod
    def from_texts(cls, texts: Sequence[str], **columns: Sequence[Any]) -> Documents:
        """A batch from Python strings, with ids `0, 1, ...` unless given; for tests and small work in memory."""
        data: dict[str, Any] = {"id": [str(i) for i in range(len(texts))], "text": list(texts), **columns}
        return cls(with_core_columns(pa.table({k: pa.array(v, CORE_FIELDS.get(k)) for k, v in data.items()})))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def text(self) -> pa.LargeStringArray:
        """The texts as one contiguous Arrow array (offsets and UTF-8 data), for kernels."""
        return self.memo("text", lambda: _one_chunk(self.table.column("text")))

    @property
    def texts(self) -> list[str]:
        """The texts as Python strings, made once a batch."""
        return self.memo("texts", lambda: self.text.to_pylist())

    @property
    def ids(self) -> list[str]:
        return self.memo("ids", lambda: self.table.column("id").to_pylist())

    @property
    def languages(self) -> list[str | None]:
        """ISO 639-1 codes as the language step set them, null before it ran."""
        return self.memo("languages", lambda: self.table.column("language").to_pylist())

    @property
    def scripts(self) -> list[str | None]:
        """ISO 15924 codes (`Hans`, `Hant`, `Latn`, ...) as the language step set them, null before it ran."""
        return self.memo("scripts", lambda: self.table.column("script").to_pylist())

    def memo(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returns, computed once for this batch's text and shared by the steps that follow.

        A new text starts with an empty memory, so a segmentation kept here can never be stale.
        """
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]  # type: ignore[no-any-return]

    def with_texts(self, texts: Sequence[str | None] | pa.Array, removed: Iterable[Removed] = ()) -> Documents:
        """The same documents with other texts (one a row, in order); returns self if nothing changed."""
        array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
        if len(array) != len(self):
            raise ValueError(f"with_texts needs {len(self)} texts, one a document, and got {len(array)}")
        removed = tuple(removed)
        if not removed and array.equals(self.text):
            return self
        index = self.table.schema.get_field_index("text")
        table = self.table.set_column(index, "text", array.cast(pa.large_string()))
        return Documents(table, self.signals, (*self.removed, *removed))

    def with_signals(self, values: Mapping[str, Any]) -> Documents:
        """The same documents with these signals added or replaced (array-likes of one number a document)."""
        arrays = {name: np.ascontiguousarray(v, dtype=np.float32) for name, v in values.items()}
        for name, v in arrays.items():
            if v.shape != (len(self),):
                raise ValueError(f"signal {name} needs {len(self)} values, one a document, and got shape {v.shape}")
        return Documents(self.table, {**self.signals, **arrays}, self.removed, self._memo)

    def with_columns(self, columns: Mapping[str, Sequence[Any] | pa.Array]) -> Documents:
        """The same documents with these columns (other than `text`) added or replaced."""
        table = self.table
        for name, values in columns.items():
            if name == "text":
                raise ValueError("use with_texts to change the text")
            array = values if isinstance(values, pa.Array) else pa.array(values, CORE_FIELDS.get(name))
            at = table.schema.get_field_index(name)
            table = table.append_column(name, array) if at < 0 else table.set_column(at, name, array)
        memo = {k: v for k, v in self._memo.items() if k not in ("ids", "languages", "scripts")}
        return Documents(table, self.signals, self.removed, memo)

    def take(self, rows: Sequence[int] | NDArray[Any]) -> Documents:
        """The documents at these positions, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        signals = {name: values[rows] for name, values in self.signals.items()}
        at = {int(old): new for new, old in enumerate(rows)}
        removed = [Removed(at[r.row], r.step, r.rule, r.text, r.kept_id) for r in self.removed if r.row in at]
        return Documents(self.table.take(pa.array(rows)), signals, removed)

    def followed_by(self, more: Documents) -> Documents:
        """These documents and then `more`, which must have the same columns; signals absent on one side are NaN."""
        n, m = len(self), len(more)
        signals = {
            name: np.concatenate([self.signals.get(name, _nan(n)), more.signals.get(name, _nan(m))])
            for name in sorted({*self.signals, *more.signals})
        }
        removed = [*self.removed, *(Removed(r.row + n, r.step, r.rule, r.text, r.kept_id) for r in more.removed)]
        return Documents(pa.concat_tables([self.table, more.table.select(self.table.column_names)]), signals, removed)


def with_core_columns(table: pa.Table) -> pa.Table:
    """`table` with every column of `CORE_FIELDS` present and of its type; missing ones are null.

    Raises ValueError when `text` is missing. Without `id`, ids are hashes of the row number. A null text is an empty one.
    """
    if "text" not in table.column_names:
        raise ValueError(f"no column 'text'; the columns are: {', '.join(table.column_names)}")
    if "id" not in table.column_names:
        table = table.append_column("id", pa.array([position_id("", i) for i in range(table.num_rows)], pa.string()))
    columns: dict[str, Any] = {}
    for name, dtype in CORE_FIELDS.items():
        columns[name] = table.column(name).cast(dtype) if name in table.column_names else pa.nulls(len(table), dtype)
    columns["text"] = pc.fill_null(columns["text"], "")
    columns.update({name: table.column(name) for name in table.column_names if name not in CORE_FIELDS})
    return pa.table(columns)


def position_id(source: str, position: int) -> str:
    """The id of a document that has none of its own: 128 bits of its source and position, in hex."""
    return xxhash.xxh3_128_hexdigest(f"{source}\x00{position}".encode())


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _nan(n: int) -> Floats:
    return np.full(n, np.nan, dtype=np.float32)
