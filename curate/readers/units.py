"""Work units: the files of all inputs, cut and grouped into pieces of about the same size."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import xxhash

from ..errors import InputError
from .encoding import byte_order, encoding_family
from .formats import SEQUENTIAL, file_format, why_refused
from .inputs import File, Input, distinct_origins, filesystem, list_files
from .records import Bad, bad
from .streams import FEED_BYTES, Blocks, Corrupt, compression

UNIT_BYTES = (4 << 20, 64 << 20)
"""Least and most input bytes of a work unit, as they lie on disk, when nothing is asked for: a unit is what a dead worker
loses and what workers share work by, so a small input has small ones; a large one must not end in a million files."""

UNITS = 256
"""Units that an input is cut into between these bounds."""

MAX_PARTS = 8
"""Into how many spans a file is cut that can only be walked from its start. Each walks over what came before, so n
spans cost (n + 1) / 2 times the decompression of one."""

_EDGE_BYTES = 64 << 10


@dataclass(frozen=True)
class Span:
    """A file or a part of one."""

    input: int
    """Index of its input."""
    path: str
    """What fsspec opens."""
    format: str
    source: str
    """The file's name among all inputs; ids are made of it."""
    start: int | None
    """Where the part begins: bytes of the file as stored, or the number of a Parquet row group; None for the whole
    file. Records that begin at or after it and before `end` belong to the span."""
    end: int | None
    file_bytes: int


@dataclass(frozen=True)
class Unit:
    """A piece of work: spans that one worker reads in order."""

    index: int
    spans: tuple[Span, ...]
    n_bytes: int
    """Bytes as stored, for progress."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Unit:
        return cls(data["index"], tuple(Span(**span) for span in data["spans"]), data["n_bytes"])


@dataclass
class Plan:
    """What a run will read."""

    units: list[Unit] = field(default_factory=list)
    refused: list[Bad] = field(default_factory=list)
    """Files that no reader takes, with the reason."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """path -> size, time or entity tag, and a hash of the file's head and tail."""
    n_bytes: int = 0


def plan_units(inputs: Sequence[Input], unit_bytes: int | None = None) -> Plan:
    """Finds the files of all inputs, in order, and cuts and groups them into units of about `unit_bytes`.

    Without `unit_bytes`, their size follows the whole input's (`UNIT_BYTES`, `UNITS`).

    A file that two inputs name is read once, by the first. The documents of all units, one after the other, are the
    same whatever `unit_bytes` is. Raises InputError with every input that matched nothing.
    """
    if unit_bytes is not None and unit_bytes < 1:
        raise ValueError(f"unit_bytes must be at least 1 and is {unit_bytes}")
    plan = Plan()
    spans: list[tuple[Span, int]] = []
    files = _find(inputs)
    if unit_bytes is None:
        least, most = UNIT_BYTES
        unit_bytes = min(max(sum(f.size for f in files) // UNITS, least), most)
    origins = distinct_origins(files, list(inputs))
    for file in files:
        input, origin = inputs[file.input], origins[file.path]
        format = file_format(file.relative, input)
        if format is None:
            plan.refused.append(bad(origin, 0, why_refused(file.relative), refused=True))
            continue
        try:
            fs, inner = filesystem(file.path)
            with fs.open(inner, "rb") as raw:
                head, tail = _edges(raw, file.size)
                plan.fingerprints[file.path] = _fingerprint(file, head, tail)
                if format == "json":
                    format = _json_or_lines(head)
                cuts = _cuts(raw, head, file, format, input, unit_bytes)
        except OSError as error:
            plan.refused.append(bad(origin, 0, f"cannot be opened: {error.strerror or error}"))
            continue
        for start, end, size in cuts:
            spans.append((Span(file.input, file.path, format, origin, start, end, file.size), size))
    plan.units = list(_group(spans, unit_bytes))
    plan.n_bytes = sum(unit.n_bytes for unit in plan.units)
    return plan


def _find(inputs: Sequence[Input]) -> list[File]:
    problems: list[str] = []
    files: dict[str, File] = {}
    for index, input in enumerate(inputs):
        try:
            found = list_files(index, input.path)
        except (OSError, ValueError, ImportError) as error:
            problems.append(f"input {input.path}: cannot be listed: {error}")
            continue
        if not found:
            problems.append(f"input {input.path}: no file matches; check the path, and quote globs in the shell")
        for file in found:
            files.setdefault(file.path, file)
    if problems:
        raise InputError("\n".join(problems))
    return list(files.values())


def _edges(raw: Any, size: int) -> tuple[bytes, bytes]:
    head = raw.read(_EDGE_BYTES)
    if size <= _EDGE_BYTES:
        return head, b""
    raw.seek(max(_EDGE_BYTES, size - _EDGE_BYTES))
    return head, raw.read(_EDGE_BYTES)


def _fingerprint(file: File, head: bytes, tail: bytes) -> str:
    digest = xxhash.xxh3_128_hexdigest(head + tail)
    return f"{file.size}-{file.stamp}-{digest}"


def _json_or_lines(head: bytes) -> str:
    """Many a .json holds an object a line: `jsonl` if its first line is an object by itself, else `json`."""
    import msgspec

    text = b""
    try:
        for _, block in Blocks(io.BytesIO(head)):
            text += block
    except Corrupt:
        pass
    mark, size = byte_order(text)
    if mark.startswith(("utf-16", "utf-32")):
        text = text.decode(mark, "ignore").lstrip("﻿").encode("utf-8", "ignore")
    else:
        text = text[size:]
    first, newline, rest = text.lstrip().partition(b"\n")
    if not first.startswith(b"{"):
        return "json"
    if not newline:  # one line, or its end is not in sight: an object to be read whole, or a very long first line
        return "json" if first.rstrip().endswith(b"}") else "jsonl"
    try:
        msgspec.json.decode(first.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "json"
    return "jsonl" if not rest.strip() or rest.lstrip().startswith(b"{") else "json"


Cut = tuple[int | None, int | None, int]
"""Start, end and stored size."""


def _cuts(raw: Any, head: bytes, file: File, format: str, input: Input, unit_bytes: int) -> list[Cut]:
    whole: list[Cut] = [(None, None, file.size)]
    if file.size <= unit_bytes:
        return whole
    if format == "parquet":
        return _row_groups(raw, unit_bytes) or whole
    if not _can_cut(raw, head, format, input):
        return whole
    packed = compression(head)
    in_members = packed == "gzip" and format in ("warc", "wet")
    step = unit_bytes
    if (packed is not None or format in SEQUENTIAL) and not in_members:
        step = max(unit_bytes, -(-file.size // MAX_PARTS))
        step = -(-step // FEED_BYTES) * FEED_BYTES
    borders = [*range(0, file.size, step), file.size]
    return [(a, b, b - a) for a, b in itertools.pairwise(borders)] if len(borders) > 2 else whole


def _can_cut(raw: Any, head: bytes, format: str, input: Input) -> bool:
    if format in SEQUENTIAL:
        return True
    if format == "text" and input.text_documents == "file":
        return False
    if format not in ("jsonl", "text", "csv"):
        return False
    text = b""
    try:
        for _, block in Blocks(io.BytesIO(head)):
            text = block
            break
    except Corrupt:
        pass
    wide = ("utf-16", "utf-32")
    if byte_order(text)[0].startswith(wide) or (encoding_family(input.encoding) or "").startswith(wide):
        return False
    return format != "csv" or not _has_quotes(raw)


def _has_quotes(raw: Any) -> bool:
    """Whether a CSV file has any quote, and so perhaps newlines in its fields. Stops at the first."""
    raw.seek(0)
    try:
        return any(b'"' in block for _, block in Blocks(raw))
    except Corrupt:
        return True


def _row_groups(raw: Any, unit_bytes: int) -> list[Cut]:
    """Runs of row groups of about `unit_bytes`; empty if the file has one only, or none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.ParquetFile(raw).metadata
    except (pa.ArrowException, OSError):
        return []
    cuts: list[Cut] = []
    start = size = 0
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        stored = sum(group.column(c).total_compressed_size for c in range(group.num_columns))
        if size and size + stored > unit_bytes:
            cuts.append((start, i, size))
            start, size = i, 0
        size += stored
    cuts.append((start, metadata.num_row_groups, size))
    return cuts if len(cuts) > 1 else []


def _group(spans: list[tuple[Span, int]], unit_bytes: int) -> Iterator[Unit]:
    index = total = 0
    group: list[Span] = []
    for span, size in spans:
        if group and total + size > unit_bytes:
            yield Unit(index, tuple(group), total)
            index, group, total = index + 1, [], 0
        group.append(span)
        total += size
    if group:
        yield Unit(index, tuple(group), total)
