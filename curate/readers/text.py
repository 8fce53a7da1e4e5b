"""Readers of JSONL, JSON and plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec

from .encoding import Undecodable, decode_document, decode_line, is_binary
from .html.page import note_encoding, read_page
from .parts import Part, stored_encoding
from .records import MAX_RECORD_BYTES, RAW_BYTES, Bad, Record, bad, dump, own_id
from .streams import Corrupt

_U3000 = "　"


def read_jsonl(part: Part) -> Iterator[Record | Bad]:
    """One JSON object a line. A line that is no object with a text is bad; the others are not touched by it."""
    encoding = part.line_encoding()
    stored = stored_encoding(encoding)
    try:
        for at, line in part.lines(encoding):
            item = read_line(part, at, line, stored)
            if item is not None:
                yield item
    except Corrupt as error:
        yield bad(part.origin, error.position, f"{error}; nothing can be read from here on", error.raw)


def read_line(part: Part, at: int, line: bytes, encoding: str) -> Record | Bad | None:
    """What a line of JSONL holds; None for a blank one."""
    if not line.strip():
        return None
    if encoding == "utf-8":
        with suppress(ValueError, RecursionError):
            return record_of(part, at, msgspec.json.decode(line), line)
    return _slow_line(part, at, line, encoding)


def _slow_line(part: Part, at: int, line: bytes, encoding: str) -> Record | Bad:
    """A line that is not plain JSON in UTF-8: another encoding, what only Python's parser takes, or a mistake."""
    if len(line) > MAX_RECORD_BYTES:
        return bad(part.origin, at, f"the line is longer than {MAX_RECORD_BYTES >> 20} MiB", line)
    try:
        text = decode_line(line, encoding)
    except Undecodable as error:
        return bad(part.origin, at, f"undecodable: {error}", line)
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        # NaN and Infinity, which Python's own writer emits, and characters cut in half (an emoji's "\ud83d" alone).
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            reason = "binary" if is_binary(text) else f"bad JSON: {error}"
            return bad(part.origin, at, reason, line)
    return record_of(part, at, value, line)


def record_of(part: Part, at: int, value: Any, raw: bytes, *, escaped: bool = False) -> Record | Bad:
    """The record that a JSON value holds."""
    if not isinstance(value, dict):
        return bad(part.origin, at, f"not an object but {_kind(value)}", raw)
    key = part.input.id
    id = value.get(key) if key is not None else None
    field = part.input.text
    if field not in value:
        known = ", ".join(map(str, value)) or "none"
        return bad(part.origin, at, f"no field {field!r}; the fields are: {known}", raw, id=own_id(id))
    text = value.pop(field)
    if text is None:
        text = ""
    if not isinstance(text, str):
        return bad(part.origin, at, f"field {field!r} is no text but {_kind(text)}", raw, id=own_id(id))
    if (escaped or b"\\u" in raw) and is_binary(text):  # JSON can hold control characters only as escapes
        return bad(part.origin, at, "binary: the text is mostly control characters", raw, id=own_id(id))
    return Record(text, value, at, part.origin)


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


def read_json(part: Part) -> Iterator[Record | Bad]:
    """A file that is one JSON value: an array of objects, or one object. Positions count the array's items."""
    try:
        data = part.whole("JSON value; turn it into JSONL")
    except Corrupt as error:
        yield from part.refuse(str(error), error.raw)
        return
    try:
        text = decode_document(data, encoding=part.input.encoding).text
    except Undecodable as error:
        yield from part.refuse(str(error), data)
        return
    if not text.strip():
        return
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield from part.refuse(f"bad JSON: {error}", data)
            return
    escaped = "\\u" in text
    for i, item in enumerate(value if isinstance(value, list) else [value]):
        record = record_of(part, i, item, b"", escaped=escaped)
        yield (
            replace(record, raw=(dump({"": item}) or "")[4:-1].encode()[:RAW_BYTES])
            if isinstance(record, Bad)
            else record
        )


def read_text(part: Part) -> Iterator[Record | Bad]:
    """Plain text: the file, its paragraphs or its lines are documents, as the input's `text_documents` says."""
    if part.input.text_documents == "file":
        yield from _whole(part)
        return
    encoding = part.line_encoding()
    stored = stored_encoding(encoding)
    try:
        if part.input.text_documents == "line":
            for at, line in part.lines(encoding):
                if line.strip():
                    yield _piece(part, at, line, stored)
        else:
            yield from _paragraphs(part, encoding, stored)
    except Corrupt as error:
        yield bad(part.origin, error.position, f"{error}; nothing can be read from here on", error.raw)


def _whole(part: Part) -> Iterator[Record | Bad]:
    try:
        data = part.whole("document; set text_documents to paragraph or line")
    except Corrupt as error:
        yield from part.refuse(str(error), error.raw)
        return
    yield document(part, 0, data)


def document(part: Part, position: int, data: bytes, declared: str | None = None, **fields: Any) -> Record | Bad:
    """A whole plain text as one document."""
    try:
        decoded = decode_document(data, [declared] if declared else [], part.input.encoding)
    except Undecodable as error:
        return bad(part.origin, position, str(error), data)
    if is_binary(decoded.text):
        return bad(part.origin, position, "binary: the text is mostly control characters", data)
    note_encoding(fields, decoded.encoding, decoded.n_broken)
    text = decoded.text.removeprefix("﻿")
    return Record(text.replace("\r\n", "\n"), fields, position, part.origin)


def _piece(part: Part, at: int, raw: bytes, encoding: str) -> Record | Bad:
    if len(raw) > MAX_RECORD_BYTES:
        return bad(part.origin, at, f"the piece is longer than {MAX_RECORD_BYTES >> 20} MiB", raw)
    try:
        text = decode_line(raw, encoding)
    except Undecodable as error:
        return bad(part.origin, at, f"undecodable: {error}", raw)
    if is_binary(text):
        return bad(part.origin, at, "binary: the text is mostly control characters", raw)
    return Record(text, {"encoding": encoding} if encoding != "utf-8" else {}, at, part.origin)


def _paragraphs(part: Part, encoding: str, stored: str) -> Iterator[Record | Bad]:
    """Runs of lines that are not blank; a paragraph belongs to the span in which it begins.

    The span's first lines may go on a paragraph of the span before: then the line before them is not blank.
    """
    wide = _wide_blank(stored)
    paragraph: list[bytes] = []
    began = size = 0
    after_blank = True
    broken: Corrupt | None = None
    try:
        for at, line, where in part.lines_around(encoding):
            blank = _is_blank(line, wide)
            if blank:
                if paragraph:
                    yield _piece(part, began, b"\n".join(paragraph), stored)
                    paragraph = []
            elif paragraph:
                if size <= MAX_RECORD_BYTES:
                    paragraph.append(line)
                    size += len(line) + 1
            elif after_blank and where == 0:
                paragraph, began, size = [line], at, len(line)
            after_blank = blank
            if where > 0 and not paragraph:
                return
    except Corrupt as error:
        broken = error
    if paragraph:
        yield _piece(part, began, b"\n".join(paragraph), stored)
    if broken is not None:
        raise broken


def _wide_blank(encoding: str) -> bytes:
    """The ideographic space, with which Chinese typists fill blank lines."""
    try:
        return _U3000.encode({"big5": "big5hkscs"}.get(encoding, encoding))
    except (LookupError, UnicodeEncodeError):
        return b""


def _is_blank(line: bytes, wide: bytes) -> bool:
    end = line[-4096:]  # all that the reader of the next span can see of it
    return not end.strip() or (bool(wide) and not end.replace(wide, b"").strip())


def read_html(part: Part) -> Iterator[Record | Bad]:
    """An HTML file."""
    try:
        data = part.whole()
    except Corrupt as error:
        yield from part.refuse(str(error), error.raw)
        return
    yield read_page(data, part.origin, 0, extractor=part.input.html, encoding=part.input.encoding)
