"""Running Transforms and Filters over one batch: who is kept, who is dropped and why, who raised.

The same code serves a table in memory and a run on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from .documents import Documents, Floats, Removed
from .step import Filter, Global, Step, Transform, failures

ROW = "_row"
"""Column with a document's ordinal in its work unit: it keeps the order and ties parts together."""

FAILURE = pa.struct(
    [
        ("step", pa.string()),
        ("rule", pa.string()),
        ("signal", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
    ]
)
"""One broken rule. `value` and `threshold` are null where a decision is not a comparison."""

QUARANTINE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("step", pa.string()),
        ("error", pa.string()),
        ("text", pa.large_string()),
        ("raw", pa.large_binary()),
    ]
)
"""Documents that could not be read or made a step raise. `raw` holds the undecoded bytes of what never became text."""

REMOVED_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("step", pa.string()),
        ("rule", pa.string()),
        ("text", pa.large_string()),
        ("kept_id", pa.string()),
    ]
)
"""Pieces cut out of documents that stayed; `kept_id` is the document in which the same piece stays, if that is why."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A broken rule of one document."""

    step: str
    rule: str
    signal: str | None = None
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that raised: where it stood, which step, what was said."""

    row: int
    id: str
    source: str | None
    step: str
    error: str
    text: str
    removed: tuple[Removed, ...] = ()
    """What had been cut out of the text before."""


@dataclass(slots=True)
class Processed:
    """What became of one batch."""

    kept: list[Documents] = field(default_factory=list)
    dropped: list[tuple[Documents, list[list[Failure]]]] = field(default_factory=list)
    """Batches of dropped documents, each with its documents' broken rules (never empty)."""
    quarantined: list[Quarantined] = field(default_factory=list)
    appended: int = 0
    """Documents that augmentation added."""

    def extend(self, other: Processed) -> None:
        self.kept += other.kept
        self.dropped += other.dropped
        self.quarantined += other.quarantined
        self.appended += other.appended


class StepRaised(Exception):
    """A step raised on a batch; `step` names it, `__cause__` is what it raised."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


def process(docs: Documents, steps: Sequence[tuple[str, Step]]) -> Processed:
    """Run `steps` (label, step) over a batch. A batch that raises is halved until the culprit is alone.

    Every Filter measures every document of the batch, also those that an earlier one has failed, so that all broken
    rules are known and thresholds can be changed later without reading text again.
    """
    if not len(docs):
        return Processed()
    try:
        return _process(docs, steps)
    except StepRaised as raised:
        cause = raised.__cause__
        if len(docs) == 1:
            row = int(docs.table.column(ROW)[0].as_py())
            source = docs.table.column("source")[0].as_py()
            error = f"{type(cause).__name__}: {cause}"
            bad = Quarantined(row, docs.ids[0], source, raised.step, error, docs.texts[0], docs.removed)
            return Processed(quarantined=[bad])
        half = len(docs) // 2
        out = process(docs.take(np.arange(half)), steps)
        out.extend(process(docs.take(np.arange(half, len(docs))), steps))
        return out


def _process(docs: Documents, steps: Sequence[tuple[str, Step]]) -> Processed:
    out = Processed()
    broken: dict[int, list[Failure]] = {}
    for label, step in steps:
        try:
            if isinstance(step, Transform):
                if step.appends and broken:  # only what is kept may have children
                    docs, broken = _set_aside(docs, broken, out)
                before = len(docs)
                docs = step.transform(docs)
                if len(docs) < before or (len(docs) > before and not step.appends):
                    raise RuntimeError(f"turned {before} documents into {len(docs)}; a Transform keeps every row")
                out.appended += len(docs) - before
            elif isinstance(step, Filter):
                text = docs.text
                docs = step.measure(docs)
                if docs.text is not text:
                    raise RuntimeError("changed the text; a Filter only measures")
                for row, rule, value, threshold in failures(step, docs):
                    found = Failure(label, step.reason(docs, row, rule), rule.signal, value, threshold)
                    broken.setdefault(row, []).append(found)
        except Exception as error:
            raise StepRaised(label) from error
    docs, _ = _set_aside(docs, broken, out)
    if len(docs):
        out.kept.append(docs)
    return out


def _set_aside(
    docs: Documents, broken: dict[int, list[Failure]], out: Processed
) -> tuple[Documents, dict[int, list[Failure]]]:
    """Move the documents with broken rules to `out.dropped`; what remains has none."""
    if not broken:
        return docs, {}
    rows = sorted(broken)
    out.dropped.append((docs.take(rows), [broken[r] for r in rows]))
    return docs.take(np.setdiff1d(np.arange(len(docs)), rows)), {}


def labelled(steps: Iterable[Step]) -> list[tuple[str, Step]]:
    """Each step with the name that ledgers use for it: its own, numbered from the second of a kind on."""
    seen: dict[str, int] = {}
    out = []
    for step in steps:
        seen[step.name] = seen.get(step.name, 0) + 1
        out.append((step.name if seen[step.name] == 1 else f"{step.name}_{seen[step.name]}", step))
    return out


@dataclass(frozen=True, slots=True)
class Stage:
    """Per-document steps, and the Globals that decide over what they keep."""

    steps: list[tuple[str, Step]]
    cuts: list[tuple[str, Global]]


def stages(steps: Iterable[Step]) -> list[Stage]:
    """A pipeline in stages: a new one begins where per-document steps follow a Global, for only then is text read again.

    One begins behind a Global that cuts in any case: the Globals that follow, and the split, must see the new texts.
    """
    out = [Stage([], [])]
    for label, step in labelled(steps):
        if isinstance(step, Global):
            out[-1].cuts.append((label, step))
            if step.cuts:
                out.append(Stage([], []))
        else:
            if out[-1].cuts:
                out.append(Stage([], []))
            out[-1].steps.append((label, step))
    return out


def signal_names(steps: Iterable[Step]) -> list[str]:
    """Every signal that these steps may set, in order of first mention."""
    names = (n for s in steps if isinstance(s, (Transform, Filter, Global)) for n in s.signal_names)
    return list(dict.fromkeys(names))


def to_table(docs: Documents, names: Sequence[str]) -> pa.Table:
    """The batch's columns and a `signals` struct of all `names`; null where not measured. No names, no struct."""
    if not names:
        return docs.table
    unmeasured: Floats = np.full(len(docs), np.nan, dtype=np.float32)
    arrays = [pa.array(docs.signals.get(n, unmeasured), pa.float32(), from_pandas=True) for n in names]
    return docs.table.append_column("signals", pa.StructArray.from_arrays(arrays, names=list(names)))


def from_table(table: pa.Table) -> Documents:
    """The inverse of `to_table`."""
    if "signals" not in table.column_names:
        return Documents(table)
    struct = table.column("signals").combine_chunks()
    names = [struct.type.field(i).name for i in range(struct.type.num_fields)]
    values = {n: struct.field(n).to_numpy(zero_copy_only=False).astype(np.float32) for n in names}
    return Documents(table.drop_columns(["signals"]), {n: v for n, v in values.items() if not np.isnan(v).all()})


def ledger_table(
    docs: Documents,
    reasons: Sequence[Sequence[Failure]],
    names: Sequence[str],
    kept_ids: Sequence[str | None] | None = None,
) -> pa.Table:
    """Ledger rows: the dropped documents with the first broken rule in columns, and all of them in `failed`."""
    first = [r[0] for r in reasons]
    ours = {
        "step": pa.array([f.step for f in first], pa.string()),
        "rule": pa.array([f.rule for f in first], pa.string()),
        "signal": pa.array([f.signal for f in first], pa.string()),
        "value": pa.array([f.value for f in first], pa.float64()),
        "threshold": pa.array([f.threshold for f in first], pa.float64()),
        "kept_id": pa.array(kept_ids or [None] * len(docs), pa.string()),
        "cluster": pa.array([_cluster(i) for i in kept_ids or [None] * len(docs)], pa.int64()),
        "failed": pa.array(
            [
                [
                    {"step": f.step, "rule": f.rule, "signal": f.signal, "value": f.value, "threshold": f.threshold}
                    for f in r
                ]
                for r in reasons
            ],
            pa.list_(FAILURE),
        ),
    }
    whole = to_table(docs, names)
    head = {"id": whole.column("id"), "source": whole.column("source"), **ours}
    return pa.table({**head, **{n: whole.column(n) for n in whole.column_names if n not in head}})


def _cluster(kept_id: str | None) -> int | None:
    """The number of a cluster: the same for all documents that one document was kept in place of."""
    return None if kept_id is None else xxhash.xxh3_64_intdigest(kept_id.encode()) >> 1


def removed_table(docs: Documents) -> pa.Table:
    """The pieces cut out of these documents."""
    ids = docs.ids
    return _removed([(ids[r.row], r) for r in docs.removed])


def removed_before(found: Sequence[Quarantined]) -> pa.Table:
    """The pieces cut out of documents before a step raised on them."""
    return _removed([(q.id, r) for q in found for r in q.removed])


def _removed(pieces: Sequence[tuple[str, Removed]]) -> pa.Table:
    rows = [{"id": i, "step": r.step, "rule": r.rule, "text": r.text, "kept_id": r.kept_id} for i, r in pieces]
    return pa.Table.from_pylist(rows, REMOVED_SCHEMA)


def quarantine_table(found: Sequence[Quarantined]) -> pa.Table:
    """Quarantine rows, with the `_row` column."""
    columns = {
        "id": [q.id for q in found],
        "source": [q.source for q in found],
        "position": [None] * len(found),
        "step": [q.step for q in found],
        "error": [q.error for q in found],
        "text": [q.text for q in found],
        "raw": [None] * len(found),
    }
    table = pa.table({k: pa.array(v, QUARANTINE_SCHEMA.field(k).type) for k, v in columns.items()})
    return table.append_column(ROW, pa.array([q.row for q in found], pa.int64()))


EMPTY = Failure("read", "empty_text", None, 0.0, 1.0)
"""Why a document without text is dropped before any step sees it."""


def drop_empty(docs: Documents) -> tuple[Documents, Documents]:
    """(documents with text, documents with none but white space)."""
    column = docs.text
    lengths = pl.Series(column).str.len_bytes().to_numpy()
    starts = (lengths.cumsum(dtype=np.int64) - lengths)[lengths > 0]
    _, _, data = column.buffers()
    first = np.zeros(len(docs), np.uint8)
    if len(starts):
        offset = np.frombuffer(column.buffers()[1], np.int64)[column.offset]
        first[lengths > 0] = np.frombuffer(data, np.uint8)[offset + starts]
    # Most texts begin with a letter: no white space begins with these bytes.
    unsure = np.flatnonzero((first <= 0x20) | ((first > 0x7E) & (first < 0xC3)) | ((first > 0xE0) & (first < 0xE4)))
    stripped = pl.Series(column.take(pa.array(unsure))).str.strip_chars().str.len_bytes().to_numpy()
    empty = unsure[stripped == 0]
    if not len(empty):
        return docs, docs.take([])
    return docs.take(np.setdiff1d(np.arange(len(docs)), empty)), docs.take(empty)


def sketch_table(docs: Documents) -> pa.Table:
    """What every Global, and the split, may know of a batch."""
    lengths = pl.Series(docs.text).str.len_bytes()
    common = {n: docs.table.column(n) for n in ("id", "source", "language", "script", "parent_id")}
    return pa.table({**common, "length": pa.array(lengths.to_numpy(), pa.int64())})


def families(docs: Documents, seed: int) -> NDArray[np.uint64]:
    """A hash of each document's family, which is its parent and all that was made from it."""
    names = pc.coalesce(docs.table.column("parent_id"), docs.table.column("id"))
    hashes = map(xxhash.xxh3_64_intdigest, as_bytes(names), repeat(seed))
    return np.fromiter(hashes, np.uint64, len(docs))


def as_bytes(strings: pa.ChunkedArray) -> list[bytes]:
    """Strings as what hashes take."""
    found: list[bytes] = strings.cast(pa.binary()).to_pylist()
    return found


def own_sketch(step: Global, docs: Documents) -> pa.Table:
    """What a Global itself wants to know of a batch, one row a document."""
    own = step.sketch(docs)
    if own.num_rows != len(docs):
        raise RuntimeError(f"{step.name}.sketch returned {own.num_rows} rows for {len(docs)} documents")
    return own


def beside(common: pa.Table, own: pa.Table) -> pa.Table:
    """A sketch as a Global sees it: the columns that all share, then its own."""
    for name in own.column_names:
        common = common.append_column(name, own.column(name))
    return common


Say = Callable[[int, int], None]
"""Called with (documents, bytes) as work goes on."""

__all__ = [
    "EMPTY",
    "FAILURE",
    "QUARANTINE_SCHEMA",
    "REMOVED_SCHEMA",
    "ROW",
    "Failure",
    "Processed",
    "Quarantined",
    "Say",
    "Stage",
    "as_bytes",
    "beside",
    "drop_empty",
    "families",
    "from_table",
    "labelled",
    "ledger_table",
    "own_sketch",
    "process",
    "quarantine_table",
    "removed_before",
    "removed_table",
    "signal_names",
    "sketch_table",
    "stages",
    "to_table",
]
