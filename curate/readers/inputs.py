"""Inputs: what to read and how, and the files that a path names."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Format = Literal["auto", "jsonl", "parquet", "csv", "text", "html", "xml", "pdf", "docx", "mail", "warc", "wet"]

_MAGIC = frozenset("*?[")


class Input(BaseModel):
    """Files to read, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = Field(min_length=1)
    """A file, a folder (read with all below it, hidden files excepted) or a glob (`raw/**/*.jsonl.gz`); any fsspec URL."""
    format: Format = "auto"
    """What the files hold; `auto` tells it from each file's name. Archives (.tar, .zip) are opened whatever is set here."""
    text: str = "text"
    """The field or column of the text."""
    id: str | None = "id"
    """The field of the document's own id; where it is absent or empty, and with None, an id is made of the file's
    name and the position in it."""
    source: str | None = None
    """The name recorded as the source; by default the file's path below the folder or the glob's fixed part. Where
    it is set, that path goes to the metadata as `file`."""
    encoding: str = "auto"
    """The encoding of the files; `auto` takes UTF-8, then what the file declares, then what its bytes look like."""
    html: Literal["auto", "fast", "trafilatura"] = "auto"
    """What finds the text of a page: our own extraction (`fast`), trafilatura, or `auto`: the fast one, and trafilatura
    for the pages where the fast one is in doubt."""
    text_documents: Literal["file", "paragraph", "line"] = "file"
    """What is one document in plain text: the file, a run of lines between blank ones, or a line."""
    columns: list[str] | None = None
    """The other fields to keep in the metadata; None keeps all."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Between the columns of CSV; by default a comma, and a tab in .tsv and .tab files."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        from .encoding import encoding_family

        if value != "auto" and encoding_family(value) is None:
            raise ValueError(f"unknown encoding {value!r}: say auto, or a name such as utf-8, gb18030, big5, utf-16")
        return value


@dataclass(frozen=True)
class File:
    """A file that an input names."""

    input: int
    path: str
    """What fsspec opens, on any worker: absolute for a local file."""
    relative: str
    """Below the folder or the glob's fixed part, with forward slashes: the same on every machine."""
    size: int
    stamp: str
    """Its entity tag or time of change."""


def filesystem(path: str) -> tuple[Any, str]:
    """The fsspec file system of a path or URL, and the path in it."""
    import fsspec

    fs, inner = fsspec.core.url_to_fs(path)
    return fs, inner


def list_files(index: int, path: str) -> list[File]:
    """The files that an input's path names, by name. Empty when there is none."""
    fs, inner = filesystem(path)
    if fs.isfile(inner):  # before globs: a file's own name may hold brackets
        base, found = posixpath.dirname(inner), {inner: fs.info(inner)}
    elif fs.isdir(inner):
        base, found = inner, fs.find(inner, detail=True)
    elif _MAGIC & set(inner):
        base = _fixed_part(inner)
        found = {k: v for k, v in fs.glob(inner, detail=True).items() if v["type"] == "file"}
    else:
        return []
    hidden_asked = "/." in inner.removeprefix(base)
    files = []
    for name, info in found.items():
        relative = posixpath.relpath(name, base) if base else name.lstrip("/")
        if not hidden_asked and _is_hidden(relative) and name != inner:
            continue
        files.append(File(index, _url(fs, path, name), relative, int(info.get("size") or 0), _stamp(info)))
    return sorted(files, key=lambda file: file.relative)


def _fixed_part(pattern: str) -> str:
    parts = []
    for part in pattern.split("/"):
        if _MAGIC & set(part):
            break
        parts.append(part)
    return "/".join(parts)


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in relative.split("/"))


def _url(fs: Any, asked: str, name: str) -> str:
    """What opens the file again: a plain path if it is local, else a URL with what the asked one was chained to."""
    import fsspec.implementations.local

    chain = asked.split("::", 1)[1] if "::" in asked else ""
    if not chain and isinstance(fs, fsspec.implementations.local.LocalFileSystem):
        return name
    url = str(fs.unstrip_protocol(name))
    return f"{url}::{chain}" if chain else url


def _stamp(info: dict[str, Any]) -> str:
    for key in ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created"):
        if info.get(key):
            return str(info[key])
    return ""


def distinct_origins(files: Iterable[File], inputs: list[Input]) -> dict[str, str]:
    """path -> the file's name among all inputs, which no two files share (ids are made of it).

    It is the relative path, below the source's name where one is set. Files of two inputs that would share it get as
    many of their parent folders in front as it takes.
    """
    names: dict[str, str] = {}
    groups: dict[str, list[File]] = {}
    for file in files:
        source = inputs[file.input].source
        groups.setdefault(f"{source}/{file.relative}" if source else file.relative, []).append(file)
    for name, group in groups.items():
        depth = 0
        candidates = {file.path: name for file in group}
        while len(set(candidates.values())) < len(group):
            depth += 1
            candidates = {file.path: _tail(file, depth, inputs[file.input].source) for file in group}
        names.update(candidates)
    return names


def _tail(file: File, depth: int, source: str | None) -> str:
    n = file.relative.count("/") + 1 + depth
    tail = "/".join(file.path.split("/")[-n:])
    return f"{source}/{tail}" if source else tail
