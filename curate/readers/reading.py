"""Reading: which reader takes a part, and a unit's documents as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa

from .docx.reader import read_docx
from .inputs import Input, filesystem
from .json_lines import read_columns
from .mail import read_mail
from .parts import Part
from .pdf.reader import read_pdf
from .records import Bad, Batch, Record
from .tables import read_csv, read_parquet
from .tar import read_tar
from .text import read_html, read_json, read_jsonl, read_text
from .units import Span, Unit
from .warc import read_warc
from .xml.reader import read_xml
from .zip_files import read_zip

Reader = Callable[[Part], Iterator[Record | Bad]]

READERS: dict[str, Reader] = {
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "parquet": read_parquet,
    "text": read_text,
    "html": read_html,
    "xml": read_xml,
    "mail": read_mail,
    "pdf": read_pdf,
    "docx": read_docx,
    "warc": read_warc,
    "wet": read_warc,
    "tar": lambda part: read_tar(part, read_part),
    "zip": lambda part: read_zip(part, read_part),
}


def read_part(part: Part) -> Iterator[Record | Bad]:
    """What is in a file, span or archive member, in order."""
    return READERS[part.format](part)


def read_unit(unit: Unit, inputs: Sequence[Input]) -> Iterator[tuple[pa.Table, list[Bad]]]:
    """A unit's documents, in order, as tables of the columns id, text, source and metadata, each with the unreadable
    records found among them.

    `metadata` is the record's other fields as a JSON object, null where there are none. Raises OSError when a file
    cannot be opened or read: what is broken in a file is data, what keeps us from it is not.
    """
    batch: Batch | None = None
    current = -1
    for span in unit.spans:
        if span.input != current or batch is None:
            if batch is not None:
                yield from batch.flush()
            input = inputs[span.input]
            batch, current = Batch(input), span.input
        part = _part(span, inputs[span.input])
        for item in read_columns(part) if part.format == "jsonl" else read_part(part):
            yield from batch.add(item)
    if batch is not None:
        yield from batch.flush()


def _part(span: Span, input: Input) -> Part:
    fs, inner = filesystem(span.path)  # the part holds on to it: some (zip) close their files when they go

    def open() -> BinaryIO:
        return cast(BinaryIO, fs.open(inner, "rb"))

    return Part(
        name=span.path.split("::", 1)[0].rsplit("/", 1)[-1],
        origin=span.source,
        format=span.format,
        input=input,
        open=open,
        size=span.file_bytes,
        start=span.start,
        end=span.end,
    )
