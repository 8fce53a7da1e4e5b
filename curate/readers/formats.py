"""Which reader takes a file, by its name; and why none does, with what to do."""

from __future__ import annotations

from .inputs import Input

_PACKED = (".gz", ".zst", ".zstd", ".bz2", ".xz")

_BY_ENDING = {
    "jsonl": "jsonl ndjson jsonlines",
    "json": "json",
    "parquet": "parquet pq",
    "csv": "csv tsv tab",
    "text": "txt text md markdown rst",
    "html": "html htm xhtml shtml",
    "xml": "xml nxml",
    "mail": "eml mbox mbx",
    "pdf": "pdf",
    "docx": "docx docm dotx",
    "warc": "warc",
    "wet": "wet",
    "tar": "tar tgz tbz2 txz tzst",
    "zip": "zip",
}
_ENDINGS = {ending: format for format, endings in _BY_ENDING.items() for ending in endings.split()}

_REASONS = {
    "doc": "old Word files are not read; save them as .docx",
    "msg": "Outlook's .msg files are not read; save them as .eml",
    "pst": "Outlook's archives are not read; export them as .mbox",
    "wat": "WAT files hold links and headers and no text; read the WET or WARC files of the same crawl",
    "7z": "7z archives are not read; unpack it, or pack it as .zip or .tar.gz",
    "rar": "rar archives are not read; unpack it, or pack it as .zip or .tar.gz",
    "xls": "spreadsheets are not read; save them as CSV in UTF-8",
    "xlsx": "spreadsheets are not read; save them as CSV in UTF-8",
    "arrow": "Arrow files are not read; write them as Parquet",
    "feather": "Arrow files are not read; write them as Parquet",
}

ARCHIVES = frozenset({"tar", "zip"})

SEQUENTIAL = frozenset({"tar", "warc", "wet"})
"""Formats in which a record can only be found by walking from the start."""


def file_format(name: str, input: Input) -> str | None:
    """The format to read a file by: that of its name, or the input's own (archives excepted); None: no reader."""
    found = _ENDINGS.get(ending(name))
    if found in ARCHIVES or input.format == "auto":
        return found
    return input.format


def why_refused(name: str) -> str:
    """A sentence on why a file has no reader, and what to do."""
    last = ending(name)
    if last in _REASONS:
        return f"no reader: {_REASONS[last]}"
    what = f"for files that end in .{last}" if last else "for files without an ending"
    return f"no reader {what}; set format to jsonl, parquet, csv, text, html, xml, pdf, docx, mail, warc or wet if it is one of them"


def ending(name: str) -> str:
    """`a/b.warc.wet.gz` -> `wet`: the last ending that is not a compression's; empty if there is none."""
    name = name.rsplit("/", 1)[-1].lower()
    for packed in _PACKED:
        if name.endswith(packed):
            name = name[: -len(packed)]
            break
    stem, dot, last = name.rpartition(".")
    return last if dot and stem else ""
