"""datatrove both ways: its filters and formatters as steps of ours, our steps as steps of its pipelines.

datatrove (extra `cluster`) is imported when a step is prepared, not with this module.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, PlainSerializer

from .documents import CORE_FIELDS, Documents
from .errors import CorpusmillError, MissingExtra, RecipeError
from .stage import ROW
from .step import Filter, Global, Rule, Step, Transform

if TYPE_CHECKING:
    from .datatrove_step import OurStep
    from .pipeline import Pipeline

_PATH = re.compile(r"[\w.]+:[\w.]+")
_LANGUAGE = {"language": "language", "script": "language_script", "language_score": "language_score"}
"""Our columns and what datatrove calls them in a document's metadata."""


def _check_block(value: Any) -> Any:
    if isinstance(value, str):
        if not _PATH.fullmatch(value):
            raise ValueError(
                f"{value!r} is no import path; say module:Class, e.g. datatrove.pipeline.filters:GopherQualityFilter"
            )
    elif not callable(getattr(value, "filter", None)) and not callable(getattr(value, "format", None)):
        raise ValueError(f"{value!r} is neither an import path (module:Class) nor a datatrove filter or formatter")
    return value


def _simple(value: Any) -> Any:
    """An attribute as JSON, the same in every process: what cannot be told so is named by its type."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        return [_simple(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_simple(v) for v in value), key=repr)
    if isinstance(value, Mapping):
        return {str(k): _simple(v) for k, v in value.items()}
    if isinstance(value, re.Pattern):
        return value.pattern
    code = getattr(value, "__code__", None)
    if code is not None:
        consts = [repr(c) for c in code.co_consts if isinstance(c, (str, int, float, tuple, type(None)))]
        return [f"{value.__module__}.{value.__qualname__}", code.co_code.hex(), list(code.co_names), consts]
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _describe(value: Any) -> Any:
    """What a manifest keeps of a block that was given as an object: its class and settings."""
    if isinstance(value, str):
        return value
    kept = {k: _simple(v) for k, v in sorted(vars(value).items()) if k not in ("stats", "exclusion_writer")}
    return {"class": f"{type(value).__module__}:{type(value).__qualname__}", **kept}


Block = Annotated[Any, AfterValidator(_check_block), PlainSerializer(_describe)]


@lru_cache(maxsize=32)
def _made(path: str, options: str) -> Any:
    """The block that a path and options name, made once a process."""
    if path.startswith("datatrove.") and importlib.util.find_spec("datatrove") is None:
        raise MissingExtra(path, "cluster")
    module, name = path.split(":")
    try:
        made = import_module(module)
        for part in name.split("."):
            made = getattr(made, part)
    except (ImportError, AttributeError) as error:
        raise RecipeError([f"{path} cannot be imported: {error}"]) from error
    try:
        block = made(**json.loads(options))  # type: ignore[operator]
    except (TypeError, ImportError) as error:
        raise RecipeError([f"{path} cannot be made with options {options}: {error}"]) from error
    return block


def _block(given: Any, options: Mapping[str, Any]) -> Any:
    return _made(given, json.dumps(options, sort_keys=True)) if isinstance(given, str) else given


def _kind_of(given: Any) -> str:
    """`GopherQualityFilter` -> `gopher_quality_filter`."""
    name = given.rsplit(":", 1)[1].rsplit(".", 1)[-1] if isinstance(given, str) else type(given).__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class DatatroveFilter(Filter):
    """Keeps what a datatrove filter keeps; the reason that it gives is the rule in the ledger.

    A filter that also edits the text (C4's) is refused when it does; `datatrove_formatter` takes its edits, before.
    """

    name: ClassVar[str] = "datatrove_filter"

    filter: Block
    """A datatrove filter, or the import path of its class: `datatrove.pipeline.filters:GopherQualityFilter`."""
    options: dict[str, Any] = {}
    """Arguments for the class, where `filter` is a path."""
    label: str | None = None
    """Name of its signal (`<label>_kept`, 1 or 0); by default of its class. Give one where a class is used twice."""
    signals: list[str] = []
    """Numbers that the filter leaves in a document's metadata, to be stored as signals of the same name."""

    @property
    def _kept(self) -> str:
        return f"{self.label or _kind_of(self.filter)}_kept"

    @property
    def signal_names(self) -> tuple[str, ...]:
        return (self._kept, *self.signals)

    def rules(self) -> list[Rule]:
        return [Rule("dropped", self._kept, ">=", 1.0)]

    def prepare(self) -> None:
        block = _block(self.filter, self.options)
        if not callable(getattr(block, "filter_batch", None)):
            raise RecipeError([f"{_kind_of(self.filter)} is not a datatrove filter (it has no filter_batch)"])
        for value in vars(block).values():
            if isinstance(
                getattr(value, "__self__", value), (np.random.Generator, np.random.RandomState, random.Random)
            ):
                raise RecipeError(
                    [
                        f"{_kind_of(self.filter)} draws by lot, in the order in which documents come: the corpus would "
                        "depend on the number of workers"
                    ]
                )

    def measure(self, docs: Documents) -> Documents:
        verdicts, given = self._verdicts(docs)
        found = {self._kept: np.array([kept for kept, _ in verdicts], dtype=np.float32)}
        for name in self.signals:
            found[name] = np.array([_number(d.metadata.get(name)) for d in given], dtype=np.float32)
        return _with_languages(docs, given).with_signals(found)

    def reason(self, docs: Documents, row: int, rule: Rule) -> str:
        return self._verdicts(docs)[0][row][1] or rule.name

    def _verdicts(self, docs: Documents) -> tuple[list[tuple[bool, str | None]], list[Any]]:
        """(kept, reason) of each document, and the documents as the filter left them; asked for once a batch."""
        return docs.memo(f"datatrove_filter:{id(self)}", lambda: self._ask(docs))

    def _ask(self, docs: Documents) -> tuple[list[tuple[bool, str | None]], list[Any]]:
        block = _block(self.filter, self.options)
        given = to_datatrove(docs)
        size = max(1, int(getattr(block, "batch_size", 1)))
        verdicts = []
        for start in range(0, len(given), size):
            part = given[start : start + size]
            answers = list(block.filter_batch(part))
            if len(answers) != len(part):
                raise CorpusmillError(f"{_kind_of(self.filter)} gave {len(answers)} answers for {len(part)} documents")
            verdicts += [_verdict(answer) for answer in answers]
        for document, text, (kept, _) in zip(given, docs.texts, verdicts, strict=True):
            if kept and document.text != text:
                raise CorpusmillError(
                    f"{_kind_of(self.filter)} edits the text; put a datatrove_formatter with the same path and options "
                    "before this step to take its edits"
                )
        return verdicts, given


class DatatroveFormatter(Transform):
    """Changes text as a datatrove formatter does.

    It takes a datatrove filter that edits text as well (C4's), and then only the edits: what the filter would drop stays
    as it was, for a `datatrove_filter` of the same class to drop.
    """

    name: ClassVar[str] = "datatrove_formatter"

    formatter: Block
    """A datatrove formatter, or the import path of its class: `datatrove.pipeline.formatters:SymbolLinesFormatter`."""
    options: dict[str, Any] = {}
    """Arguments for the class, where `formatter` is a path."""

    def prepare(self) -> None:
        block = _block(self.formatter, self.options)
        if not callable(getattr(block, "format", None)) and not callable(getattr(block, "filter", None)):
            raise RecipeError([f"{_kind_of(self.formatter)} is neither a datatrove formatter nor a filter"])

    def transform(self, docs: Documents) -> Documents:
        block = _block(self.formatter, self.options)
        if callable(getattr(block, "format", None)):
            return docs.with_texts([block.format(text) for text in docs.texts])
        texts = []
        for document, text in zip(to_datatrove(docs), docs.texts, strict=True):
            kept, _ = _verdict(block.filter(document))
            texts.append(document.text if kept else text)
        return docs.with_texts(texts)


def as_datatrove(
    step: Step | Pipeline | Sequence[Step], *, exclusion_writer: Any = None, batch_size: int = 1000
) -> OurStep:
    """A step of ours, or several in order, as a step of a datatrove pipeline.

    Documents that are kept go on with their new text, the signals in `metadata["signals"]`, and `language`,
    `language_script` and `language_score` where a step found them. Dropped ones, and those that made a step raise, go to
    `exclusion_writer` (a datatrove writer) with `filter_reason` (`step.rule`) and `failed` (every broken rule).

    Args:
        step: a Transform, a Filter, or a pipeline or list of such.
        exclusion_writer: where the dropped ones go; without one they are only counted.
        batch_size: documents at a time; their order is kept.

    Raises:
        RecipeError: a step is Global: it needs the whole corpus, and datatrove's steps see one task's share.
        MissingExtra: datatrove is not installed.
    """
    from .pipeline import Pipeline

    steps = [step] if isinstance(step, Step) else list(step.steps if isinstance(step, Pipeline) else step)
    whole = [s.name for s in steps if isinstance(s, Global)]
    if whole:
        raise RecipeError(
            [
                f"{', '.join(whole)} needs the whole corpus, and a step of datatrove's sees one task's share of it; run "
                "it with corpusmill (executor='ray' or 'slurm' uses datatrove's executors)"
            ]
        )
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    if importlib.util.find_spec("datatrove") is None:
        raise MissingExtra("as_datatrove", "cluster")
    from .datatrove_step import OurStep

    return OurStep(steps, exclusion_writer, batch_size)


def to_datatrove(docs: Documents) -> list[Any]:
    """The batch as datatrove's documents: columns and signals in `metadata`, a column `media` as media.

    In a run on disk the input's fields are one JSON column, `metadata`; they are parted here.
    """
    from datatrove.data import Document, Media

    table = docs.table
    own = {"id", "text", "media", ROW}
    names = [n for n in table.column_names if n not in own and n not in CORE_FIELDS]
    columns: dict[str, list[Any]] = {n: table.column(n).to_pylist() for n in names}
    fields = None
    if "metadata" in columns and pa.types.is_large_string(table.schema.field("metadata").type):
        fields = columns.pop("metadata")
    columns["source"] = table.column("source").to_pylist()
    columns |= {theirs: table.column(ours).to_pylist() for ours, theirs in _LANGUAGE.items()}
    media = table.column("media").to_pylist() if "media" in table.column_names else [None] * len(docs)
    signals = {name: values.tolist() for name, values in docs.signals.items()}
    out = []
    for row, (id_, text) in enumerate(zip(docs.ids, docs.texts, strict=True)):
        about: dict[str, Any] = json.loads(fields[row]) if fields is not None and fields[row] else {}
        about |= {name: values[row] for name, values in columns.items() if values[row] is not None}
        if signals:
            about["signals"] = {name: values[row] for name, values in signals.items()}
        found = [Media(**{k: v for k, v in m.items() if v is not None}) for m in media[row] or []]
        out.append(Document(text=text, id=id_, media=found, metadata=about))
    return out


def _verdict(answer: Any) -> tuple[bool, str | None]:
    if isinstance(answer, tuple):
        return bool(answer[0]), None if answer[1] is None else str(answer[1])
    return bool(answer), None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float, np.number)) else float("nan")


def _with_languages(docs: Documents, given: Sequence[Any]) -> Documents:
    """The documents with the languages that a filter put into their metadata."""
    from .datatrove_step import two_letter_code

    code: Callable[[Any], Any] = two_letter_code
    columns: dict[str, list[Any]] = {}
    for ours, theirs in _LANGUAGE.items():
        old = docs.table.column(ours).to_pylist()
        new = [d.metadata.get(theirs) for d in given]
        if new != old:
            columns[ours] = [code(v) for v in new] if ours == "language" else new
    return docs.with_columns(columns) if columns else docs
