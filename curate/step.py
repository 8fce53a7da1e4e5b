"""Steps: what a pipeline is made of. A step is a declaration: a frozen, typed, keyword-only model.

Three kinds and no more. A `Transform` changes text and never drops a document. A `Filter` measures signals and
never changes text; its rules, thresholds over signals, decide. A `Global` needs the whole corpus.

    class MyFilter(Filter):
        '''Drops documents that shout.'''
        name: ClassVar[str] = "my_filter"
        max_upper_ratio: Annotated[Threshold, AtMost("upper_ratio")] = 0.3

        def measure(self, docs: Documents) -> Documents:
            return docs.with_signals({"upper_ratio": [...]})
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from .documents import Documents
from .errors import RunError
from .exchange import DECISION_COLUMNS, Exchange, as_frame

Comparison = Literal[">=", "<=", ">", "<"]


def _check_threshold(value: Any) -> Any:
    if isinstance(value, dict) and "default" not in value:
        raise ValueError(
            "thresholds by language need a 'default' beside "
            f"{', '.join(sorted(value))}: e.g. {{default: 50, zh: 30}} (null switches a rule off)"
        )
    return value


Threshold = Annotated[float | dict[str, float | None] | None, AfterValidator(_check_threshold)]
"""A rule's bound: a number, `None` to switch the rule off (0 is a bound like any other), or numbers by language
(`{"default": 50, "zh": 30, "zh-Hant": 20}`; the most specific key wins, `language-Script` before `language`)."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Ties a threshold field to a signal: a document is kept when `signal <comparison> threshold`."""

    signal: str
    comparison: Comparison


def AtLeast(signal: str) -> Bound:  # noqa: N802 - reads as a type inside Annotated[...]
    return Bound(signal, ">=")


def AtMost(signal: str) -> Bound:  # noqa: N802
    return Bound(signal, "<=")


def Above(signal: str) -> Bound:  # noqa: N802
    return Bound(signal, ">")


def Below(signal: str) -> Bound:  # noqa: N802
    return Bound(signal, "<")


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition to keep a document: `signal comparison threshold`. NaN (not measured) passes."""

    name: str
    signal: str
    comparison: Comparison
    threshold: float | dict[str, float | None] | None

    def threshold_for(self, language: str | None, script: str | None) -> float:
        """The threshold that holds for a document in this language and script; NaN where the rule is off."""
        found = self.threshold
        if isinstance(found, dict):
            keys = (f"{language}-{script}", language or "")
            found = next((found[key] for key in keys if key in found), found["default"])
        return math.nan if found is None else float(found)

    def threshold_expr(self) -> pl.Expr:
        """The threshold that holds for each row, by its `language` and `script` columns; null where it is off."""
        if not isinstance(self.threshold, dict):
            return pl.lit(self.threshold, dtype=pl.Float64)
        tagged = pl.concat_str([pl.col("language"), pl.col("script")], separator="-")
        expr = pl.lit(self.threshold["default"], dtype=pl.Float64)
        for key in sorted((k for k in self.threshold if k != "default"), key=lambda k: "-" in k):
            hit = (tagged if "-" in key else pl.col("language")) == key
            expr = pl.when(hit.fill_null(False)).then(pl.lit(self.threshold[key], dtype=pl.Float64)).otherwise(expr)
        return expr

    def fails_expr(self) -> pl.Expr:
        """True for the rows that break the rule."""
        # Compared in float32, the type signals are stored in: .7 stored and .7 asked for must be equal.
        value, limit = pl.col(self.signal), self.threshold_expr().cast(pl.Float32)
        fails = {">=": value < limit, "<=": value > limit, ">": value <= limit, "<": value >= limit}[self.comparison]
        return fails.fill_null(False) & value.is_not_nan()


registered: dict[str, type[Step]] = {}
"""The steps defined so far, by name; `registry.steps` loads all there are."""


class Step(BaseModel, ABC):
    """Base of all steps. Fields are options; a field's docstring is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    name: ClassVar[str]
    """The name in recipes and ledgers: snake_case, unique in the registry."""
    version: ClassVar[int] = 1
    """Goes up whenever the same input would give another output; kept in manifests and in augmented documents."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            known = registered.setdefault(cls.name, cls)
            if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ValueError(
                    f"two steps are called {cls.name}: {known.__module__} and {cls.__module__}; rename one"
                )
            registered[cls.name] = cls

    def prepare(self) -> None:
        """Load models and tables now; called once in each worker before the first batch, and by `plan`.

        Raises CorpusmillError with what to do when something needed is missing.
        """

    def describe(self) -> dict[str, Any]:
        """Name, version and every option: what a manifest keeps."""
        return {"name": self.name, "version": self.version, **self.model_dump(mode="json")}

    def fingerprint(self) -> dict[str, Any]:
        """What decides its output: `describe`, the content of the files that options name, secrets as hashes."""
        more: dict[str, str] = {}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if isinstance(value, SecretStr):
                more[field] = hashlib.sha256(value.get_secret_value().encode()).hexdigest()
            elif isinstance(value, (str, Path)) and Path(value).is_file():
                with Path(value).open("rb") as f:
                    more[field] = hashlib.file_digest(f, "sha256").hexdigest()
        return {**self.describe(), "content": more}


class Transform(Step):
    """Changes text, document by document; never drops one. What it cuts out, it records.

    A document's result must not depend on the others in its batch: batches are cut differently after a failure.
    """

    signal_names: ClassVar[tuple[str, ...]] = ()
    """Signals that it sets (counts of edits by kind, for instance)."""
    appends: ClassVar[bool] = False
    """True for a step that may append documents (augmentation); it sees only documents that are still kept."""

    @abstractmethod
    def transform(self, docs: Documents) -> Documents:
        """The documents with their new texts; same rows, same order (augmentation alone may append rows)."""


class Filter(Step):
    """Measures signals and judges them by rules; never changes text.

    A document's signals must not depend on the others in its batch.
    """

    @abstractmethod
    def measure(self, docs: Documents) -> Documents:
        """The documents with this filter's signals (and, for the language step, its columns) set."""

    def rules(self) -> list[Rule]:
        """One rule for each threshold field that is not off, in the order of the fields."""
        found = []
        for field, info in type(self).model_fields.items():
            for mark in info.metadata:
                threshold = getattr(self, field)
                if isinstance(mark, Bound) and threshold is not None:
                    found.append(Rule(field, mark.signal, mark.comparison, threshold))
        return found

    def reason(self, docs: Documents, row: int, rule: Rule) -> str:
        """What the ledger calls a broken rule of a document: the rule's name, unless the filter can say more."""
        return rule.name

    @property
    def signal_names(self) -> tuple[str, ...]:
        """Signals that it sets, stored with each document, whether or not a rule reads them."""
        marks = (m.signal for info in type(self).model_fields.values() for m in info.metadata if isinstance(m, Bound))
        return tuple(dict.fromkeys(marks))


DECISION_SCHEMA: dict[str, Any] = {
    "row": pl.Int64,
    "rule": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "kept_row": pl.Int64,
}
"""Columns of what `Global.decide` returns, one row for each document to drop: its row in the sketches, the rule, the
measured value and threshold, and the row of the document that is kept in its place (null: none)."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A part of a Global's decision: independent tasks, which may run anywhere once the pass before has ended."""

    name: str
    tasks: int
    run: Callable[[Exchange, int], None]
    """Does the task of this number. Killed half-way, it runs again."""


class Global(Step):
    """Needs the whole corpus. `sketch` runs in parallel, batch by batch; then what it sketched is decided over.

    The simple way is `decide`, once, in memory, over all sketches. What must hold for any size of corpus overrides
    `passes` instead: parallel tasks that hand rows on through an `Exchange`; the last of them calls its `decide`.
    Neither may depend on how the corpus was cut, or in what order it came.
    """

    cuts: ClassVar[bool] = False
    """True for a Global that cuts pieces out of texts instead of dropping documents: its last pass calls
    `Exchange.cut`, and what follows it sees the texts that are left."""
    signal_names: ClassVar[tuple[str, ...]] = ()
    """For one that cuts, at most one: the share of a document's characters in the pieces that it found."""

    @abstractmethod
    def sketch(self, docs: Documents) -> pa.Table:
        """What the decision must know of each document, one row a document, as small as can be."""

    def signed_with(self) -> dict[str, Any] | None:
        """The options that decide its sketches, if those are to be kept beside the corpus for later runs; else None."""
        return None

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """The documents to drop, in the columns of `DECISION_SCHEMA`.

        `sketches` has one row a document, in input order: `id`, `source`, `language`, `script`, `parent_id`, `length`
        (bytes of text), and the columns of the step's own `sketch`.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither decide nor passes")

    def passes(self, units: int, partitions: int) -> list[Pass]:
        """The parts of the decision, in order, for so many work units and partitions."""
        return [Pass("decide", 1, self._decide_at_once)]

    def _decide_at_once(self, exchange: Exchange, task: int) -> None:
        tables = []
        for unit in range(len(exchange.rows)):
            for table in exchange.sketches(unit):
                document = pc.add(table.column("at"), int(exchange.offsets[unit]))
                tables.append(table.append_column("doc", document))
        if not tables:
            exchange.decide(task, DECISION_COLUMNS.empty_table())
            return
        frame = as_frame(pa.concat_tables(tables))
        found = self.decide(frame.drop("doc", "at")).select(*DECISION_SCHEMA)
        rows, kept = found["row"], found["kept_row"]
        if rows.n_unique() != len(rows) or (len(rows) and not rows.is_between(0, len(frame) - 1).all()):
            raise RunError(
                f"step {self.name} decided over a document twice, or over one that does not exist: a bug in that step"
            )
        if kept.drop_nulls().is_in(rows.implode()).any():
            raise RunError(
                f"step {self.name} dropped a document in favour of one that it drops as well: a bug in that step"
            )
        documents = frame["doc"]
        out = found.with_columns(
            doc=documents.gather(rows),
            kept_doc=documents.gather(kept).fill_null(-1),
            kept_id=frame["id"].gather(kept),
        )
        exchange.decide(task, out.select(DECISION_COLUMNS.names).to_arrow().cast(DECISION_COLUMNS))


def failures(filter_: Filter, docs: Documents) -> Iterator[tuple[int, Rule, float, float]]:
    """Every broken rule of every document: (row, rule, value, threshold), by rule and then by row."""
    rules = filter_.rules()
    if not rules or not len(docs):
        return
    missing = sorted({r.signal for r in rules} - set(docs.signals))
    if missing:
        raise ValueError(f"step {filter_.name} has rules on signals that nothing measured: {', '.join(missing)}")
    # In numpy and not by `fails_expr`: for the thirty rules of a pipeline polars takes a tenth of the kernels' time.
    kinds: dict[tuple[str | None, str | None], int] = {}
    kind_of_row = np.array(
        [kinds.setdefault(kind, len(kinds)) for kind in zip(docs.languages, docs.scripts, strict=True)], dtype=np.intp
    )
    fails = {">=": np.less, "<=": np.greater, ">": np.less_equal, "<": np.greater_equal}
    for rule in rules:
        # NaN is a rule that is off, or a value that was not measured: neither compares as true.
        limits = np.array([rule.threshold_for(*kind) for kind in kinds], dtype=np.float64)
        values = docs.signals[rule.signal]
        rows = np.flatnonzero(fails[rule.comparison](values, limits.astype(np.float32)[kind_of_row]))
        found = zip(rows.tolist(), values[rows].tolist(), limits[kind_of_row[rows]].tolist(), strict=True)
        for row, value, limit in found:
            yield row, rule, value, limit
