"""Reader of web archives: WARC (pages as crawled) and WET (their text)."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from .html.page import read_page
from .parts import Part
from .records import MAX_RECORD_BYTES, Bad, Record, bad
from .streams import BlockFile, Blocks, compression
from .text import document

_MAGIC = b"\x1f\x8b\x08"
_PAGES = ("text/html", "application/xhtml+xml")
_DOCUMENTS = ("response", "resource", "conversion", "continuation")
"""Record types that hold something to read. Requests, metadata, warcinfo and revisits (a page seen before) do not."""


def read_warc(part: Part) -> Iterator[Record | Bad]:
    """Responses, resources and conversions. Positions are those of the records in the file: compressed bytes for
    .warc.gz, whose records are gzip members of their own, and bytes of the WARC for others."""
    with part.open() as raw:
        head = raw.read(4)
        raw.seek(0)
        if compression(head) == "gzip":
            yield from _gzip(part, raw)
            return
        file = BlockFile(Blocks(raw, part.start, part.end))
        found, error = 0, ""
        last = 0
        try:
            for at, kind, fields, block, whole in _records(file):
                found, last = found + 1, at
                if file.after_span(at):
                    return
                if not file.before_span(at):
                    yield from _document(part, at, kind, fields, block, whole)
        except OSError as problem:
            error = f"bad WARC: {problem}"
        error = str(file.error) if file.error is not None else error
        if not error and not found and file.tell():
            error = "no WARC record in it"
        if error and not file.before_span(last) and not file.after_span(last):
            yield bad(part.origin, last + 1, f"{error}; nothing can be read from here on")


def _gzip(part: Part, raw: BinaryIO) -> Iterator[Record | Bad]:
    """Each gzip member by itself: a broken one costs its own record, and reading goes on at the next."""
    at = _next_member(raw, part.start or 0) if part.start else 0
    end = part.end if part.end is not None else part.size
    while at is not None and at < end:
        member = _Member(raw, at)
        found, error = 0, ""
        try:
            for _, kind, fields, block, whole in _records(member):
                yield from _document(part, at + found, kind, fields, block, whole)
                found += 1
        except OSError as problem:
            error = f"bad WARC: {problem}"
        member.drain()
        if error or member.error or not found:
            error = member.error or error or "no WARC record in it"
            yield bad(part.origin, at + found, f"{error}; reading goes on at the next record that can be found")
        after = at + 1 if member.error else member.end
        at = after if raw_starts(raw, after) else _next_member(raw, after)


def raw_starts(raw: BinaryIO, at: int) -> bool:
    raw.seek(at)
    return raw.read(3) == _MAGIC


def _next_member(raw: BinaryIO, at: int) -> int | None:
    """Where the next gzip member that holds a WARC record begins, at `at` or after."""
    raw.seek(at)
    window = raw.read(1 << 20)
    while window:
        found = window.find(_MAGIC)
        while found >= 0:
            piece = window[found : found + 4096]
            if len(piece) < 4096:
                raw.seek(at + found)
                piece = raw.read(4096)
            try:
                if zlib.decompressobj(wbits=31).decompress(piece, 5) == b"WARC/":
                    return at + found
            except zlib.error:
                pass
            found = window.find(_MAGIC, found + 1)
        at += max(len(window) - 2, 1)  # a mark may lie across two windows
        raw.seek(at)
        window = raw.read(1 << 20)
        if len(window) <= 2:
            return None
    return None


class _Member(io.RawIOBase):
    """One gzip member as a file. A break reads as the end and is kept in `error`."""

    def __init__(self, raw: BinaryIO, at: int) -> None:
        super().__init__()
        self._raw, self.end = raw, at
        self._machine = zlib.decompressobj(wbits=31)
        self._buffer = b""
        self._at = 0
        self.error = ""
        raw.seek(at)

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, target: Any) -> int:
        while not self._buffer and not self._machine.eof and not self.error:
            piece = self._raw.read(32 << 10)
            self.end += len(piece)
            if not piece:
                self.error = "truncated gzip data: the file ends in the middle"
                break
            try:
                self._buffer = self._machine.decompress(piece)
            except zlib.error as error:
                self.error = f"corrupt gzip data: {error}"
            self.end -= len(self._machine.unused_data)
        n = min(len(target), len(self._buffer))
        target[:n] = self._buffer[:n]
        self._buffer = self._buffer[n:]
        self._at += n
        return n

    def drain(self) -> None:
        """Reads what the WARC parser left, so that `end` is the member's end and a late break is seen."""
        while self.read(1 << 20):
            pass


def _records(file: Any) -> Iterator[tuple[int, str, dict[str, str], bytes, bool]]:
    """(position, type, headers, block, whether the block is as long as it says) of each record."""
    from fastwarc.warc import ArchiveIterator

    for record in ArchiveIterator(file, parse_http=False):
        headers = {str(k).lower(): str(v) for k, v in record.headers.items()}
        kind = headers.get("warc-type", "").lower()
        if kind not in _DOCUMENTS:
            yield record.stream_pos, kind, headers, b"", True
            continue
        # fastwarc gives a shortened record without a word where the file ends in it.
        length = record.content_length
        block = record.reader.read(min(length, MAX_RECORD_BYTES + 1)) if length else b""
        yield record.stream_pos, kind, headers, block, len(block) == length


def _document(
    part: Part, at: int, kind: str, headers: dict[str, str], block: bytes, whole: bool
) -> Iterator[Record | Bad]:
    if kind not in _DOCUMENTS:
        return
    fields: dict[str, Any] = {}
    for field, header in (("url", "warc-target-uri"), ("date", "warc-date"), ("record_id", "warc-record-id")):
        if header in headers:
            fields[field] = headers[header].strip("<>")
    if len(block) > MAX_RECORD_BYTES:
        yield bad(part.origin, at, f"the record is larger than {MAX_RECORD_BYTES >> 20} MiB", block)
        return
    if not whole:
        yield bad(part.origin, at, "truncated: the file ends inside this record", block)
        return
    if kind == "continuation":
        yield bad(part.origin, at, "a record in segments, which are not joined", block, refused=True)
        return
    content_type, charset = _media_type(headers.get("content-type", ""))
    if content_type == "application/http":
        try:
            status, content_type, charset, block = _http(block)
        except OSError as error:
            yield bad(part.origin, at, f"bad HTTP response: {error}", block)
            return
        if status is not None and status != 200:
            yield bad(part.origin, at, f"HTTP status {status}", refused=True)
            return
    if content_type == "" and block[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        content_type = "text/html"
    if content_type in _PAGES:
        yield read_page(
            block, part.origin, at,
            extractor=part.input.html, encoding=part.input.encoding, declared=charset, fields=fields,
        )  # fmt: skip
    elif content_type == "text/plain":
        yield document(part, at, block, charset, **fields)
    else:
        what = f"content type {content_type}" if content_type else "a record without a content type"
        yield bad(part.origin, at, f"{what} is not text", refused=True)


def _media_type(value: str) -> tuple[str, str | None]:
    """(type, charset) of a Content-Type header."""
    kind, *parameters = value.split(";")
    charset = None
    for parameter in parameters:
        name, _, given = parameter.partition("=")
        if name.strip().lower() == "charset" and given.strip():
            charset = given.strip().strip("\"'")
    return kind.strip().lower(), charset


def _http(block: bytes) -> tuple[int | None, str, str | None, bytes]:
    """(status, content type, charset, payload) of an HTTP response, its transfer and content encodings undone.

    The response is parsed as a record of its own: a payload that does not decode would end the archive's iterator.
    Raises OSError.
    """
    from fastwarc.warc import WarcRecord

    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(block)
    record = WarcRecord.from_bytes(head + block + b"\r\n\r\n")
    record.freeze()
    record.parse_http(auto_decode="all", quirks_mode=True)
    http = record.http_headers
    if http is None or record.reader is None:
        raise OSError("it has no HTTP headers")
    content_type, charset = "", None
    for name, value in http.items():
        if name.lower() == "content-type":
            content_type, charset = _media_type(value)
    return http.status_code, content_type, charset, record.reader.read()
