"""The rows of a data file, each with the line it began on: JSONL, a JSON list, CSV, TSV or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...curate.errors import InputError
from ...curate.readers.encoding import Undecodable, decode_document

FIELD_LIMIT = 1 << 30
"""Characters of a CSV cell; Python's own limit, 131,072, is less than a long judgment."""
TABLES = {"csv": ",", "tsv": "\t"}
KNOWN = "not .jsonl, .json, .csv, .tsv or .parquet (.gz and .zst are fine): convert it to one of these"


def read_rows(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`file:line`, row) of a .jsonl, .json (a list of objects), .csv, .tsv or .parquet file; all but the last also .gz, .zst.

    Tables need a header and may be in any encoding, Excel's GB18030 included; JSON is UTF-8. Raises InputError on another
    ending, a line that is not a JSON object, or a line of a table that has more cells than its header.
    """
    import fsspec

    path = str(path)
    ending = path.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[-1].lower()
    if "://" not in path and not Path(path).is_file():
        raise InputError(f"no file {path}")
    if ending == "parquet":
        yield from _parquet(path)
        return
    if ending not in ("jsonl", "ndjson", "json", *TABLES):
        raise InputError(f"{path} is {KNOWN}")
    if ending in TABLES:
        with fsspec.open(path, "rb", compression="infer") as file:
            yield from _table(path, file.read(), TABLES[ending])
        return
    try:
        with fsspec.open(path, "rt", encoding="utf-8-sig", newline="", compression="infer") as file:
            if ending != "json":
                yield from _lines(path, file)
                return
            whole = file.read()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8, as JSON must be ({error.reason}): convert it") from error
    if whole.lstrip().startswith("["):
        yield from _list(path, whole)
    else:
        yield from _lines(path, whole.split("\n"))


def _parquet(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import fsspec
    import pyarrow.parquet as pq

    with fsspec.open(path, "rb") as raw, pq.ParquetFile(raw) as file:
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                number += 1
                yield f"{path}: row {number}", row


def _lines(path: str, lines: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number} is not JSON ({error.msg}): one object a line is wanted") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number} is not a JSON object: one object a line is wanted")
        yield f"{path}:{number}", row


def _list(path: str, whole: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = json.loads(whole)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno} is not JSON ({error.msg}): a list of objects is wanted") from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"{path}: item {number} is not a JSON object: a list of objects is wanted")
        yield f"{path}: item {number}", row


def _table(path: str, data: bytes, delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = decode_document(data).text.removeprefix("\ufeff")
    except Undecodable as error:
        raise InputError(f"{path}: {error}; save it as UTF-8") from error
    header = text.split("\n", 1)[0]
    if delimiter not in header:  # Excel writes semicolons where the comma is the decimal point
        delimiter = next((other for other in ("\t", ";") if other in header), delimiter)
    csv.field_size_limit(max(FIELD_LIMIT, csv.field_size_limit()))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if None in row:
                raise InputError(
                    f"{path}:{reader.line_num} has more cells than the header: a text with {delimiter!r} in it must stand in "
                    'double quotes, "like, this"'
                )
            yield f"{path}:{reader.line_num}", row
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num} is not CSV ({error})") from error
