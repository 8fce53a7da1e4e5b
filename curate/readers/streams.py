"""The bytes of a file, decompressed, and the part of them that a span owns.

A plain file is cut by byte offsets. A compressed one cannot be entered in the middle, so it is cut by *compressed*
offsets: every reader decompresses from the start, feeding the same pieces of `FEED_BYTES`, and a span owns what comes
out of its pieces. So a plan needs no pass over the file, at the price of decompressing (at some 300 MB/s) what came
before; `units` bounds that price by cutting a compressed file into few parts.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import zstandard

FEED_BYTES = 64 << 10
"""How much is decompressed at a time. Spans of compressed files begin and end at its multiples."""

READ_BYTES = 1 << 20

LOOK_BACK = 4097
"""Bytes before a span that its reader sees: enough to tell whether the line before it was blank."""

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
)


class Corrupt(Exception):
    """The bytes end or break in the middle; `position` and `raw` say where and what of the record was read."""

    def __init__(self, message: str, position: int = 0, raw: bytes = b"") -> None:
        super().__init__(message)
        self.position, self.raw = position, raw


def compression(head: bytes) -> str | None:
    """What compresses the bytes that begin so: their own mark, not the file's name, which is often wrong."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return None


def _decompressor(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=31)
    if kind == "zstd":
        return zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor()


_ERRORS = (zlib.error, zstandard.ZstdError, OSError, EOFError, lzma.LZMAError, ValueError)


class Blocks:
    """Iterates over (offset, block) of a file's decompressed bytes; blocks never cross the span's borders.

    `lo` and `hi` are the decompressed offsets of the span's borders, None until the iteration reaches them. With
    `skip`, a plain file is entered `LOOK_BACK` bytes before the span. Raises Corrupt.
    """

    def __init__(self, raw: BinaryIO, start: int | None = None, end: int | None = None, *, skip: bool = False) -> None:
        self.raw, self.start, self.end = raw, start or 0, end
        head = _read(raw, 6)
        self.kind = compression(head)
        self._at = 0
        if self.kind is None and skip and self.start > LOOK_BACK:
            self._at = self.start - LOOK_BACK
            head = b""
            raw.seek(self._at)
        self._pending = head
        self.lo: int | None = None
        self.hi: int | None = None
        self.offset = self._at

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._plain() if self.kind is None else self._decompressed(self.kind)

    def _feed(self, step: int) -> Iterator[bytes]:
        """Pieces of the file cut at multiples of `step` and at the span's borders, which are noted on the way."""
        while True:
            if self._at == self.start:
                self.lo = self.offset
            if self._at == self.end:
                self.hi = self.offset
            size = step - self._at % step
            for border in (self.start, self.end):
                if border is not None and self._at < border:
                    size = min(size, border - self._at)
            piece = self._pending[:size]
            self._pending = self._pending[size:]
            if len(piece) < size:
                piece += _read(self.raw, size - len(piece))
            if not piece:
                return
            self._at += len(piece)
            yield piece

    def _plain(self) -> Iterator[tuple[int, bytes]]:
        for piece in self._feed(READ_BYTES):
            self.offset += len(piece)
            yield self.offset - len(piece), piece

    def _decompressed(self, kind: str) -> Iterator[tuple[int, bytes]]:
        machine = _decompressor(kind)
        clean_end = False
        for piece in self._feed(FEED_BYTES):
            while piece:
                if clean_end:  # another member follows, or padding with zeros
                    piece = piece.lstrip(b"\x00")
                    if not piece:
                        break
                    machine, clean_end = _decompressor(kind), False
                before = machine.copy() if kind == "gzip" else None
                try:
                    out = machine.decompress(piece)
                except _ERRORS as error:
                    for small in _salvage(before, piece):
                        self.offset += len(small)
                        yield self.offset - len(small), small
                    raise Corrupt(f"corrupt {kind} data: {error}") from error
                if out:
                    self.offset += len(out)
                    yield self.offset - len(out), out
                clean_end = machine.eof
                piece = machine.unused_data if clean_end else b""
        if not clean_end:
            raise Corrupt(f"truncated {kind} data: the file ends in the middle")


def _salvage(machine: Any, piece: bytes) -> Iterator[bytes]:
    """What can still be had of a piece that does not decompress as a whole (gzip only: others cannot be copied)."""
    if machine is None:
        return
    for step in (256, 1):  # near the break, byte by byte
        for i in range(0, len(piece), step):
            before = machine.copy()
            try:
                out = machine.decompress(piece[i : i + step])
            except _ERRORS:
                machine, piece = before, piece[i : i + step]
                break
            if out:
                yield out
        else:
            return


def _read(raw: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes unless the file ends: a remote file may give fewer at a time."""
    data = raw.read(size)
    while data and len(data) < size:
        more = raw.read(size - len(data))
        if not more:
            break
        data += more
    return data or b""


def lines(blocks: Blocks, limit: int, *, beyond: bool = False) -> Iterator[tuple[int, bytes]]:
    """(offset, line without its newline) of the lines that begin in the span.

    With `beyond`, the lines before the span that were seen (the first may lack its beginning) and all lines after it
    too. A line longer than `limit` bytes is given cut, but longer than the limit. Raises Corrupt if the break is in a
    line that begins in the span; in the spans before and after, the lines just end.
    """
    for at, run in runs(blocks, limit, beyond=beyond):
        for line in run.split(b"\n"):
            yield at, line
            at += len(line) + 1


def runs(blocks: Blocks, limit: int, *, beyond: bool = False) -> Iterator[tuple[int, bytes]]:
    """The lines that `lines` gives, as many at once as a block holds: (offset of the first, lines without the last
    newline)."""
    tail = b""  # of what comes before the span
    parts: list[bytes] = []  # of the open line
    at = size = 0  # where it begins, how long it is so far
    opened = False
    try:
        for offset, block in blocks:
            if blocks.lo is None:
                tail = (tail + block)[-LOOK_BACK:]
                at = offset + len(block) - len(tail)
                continue
            if not opened:
                opened = True
                at = offset - len(tail)
                # The line that goes on into the span, and those before it, begin outside of it.
                while (end := tail.find(b"\n")) >= 0:
                    if beyond:
                        yield at, tail[:end]
                    at, tail = at + end + 1, tail[end + 1 :]
                parts, size = [tail], len(tail)
            first, last = block.find(b"\n"), block.rfind(b"\n")
            if first >= 0:
                parts.append(block[:first])
                size += first
                if beyond or _owned(blocks, at):
                    yield at, b"".join(parts)
                at += size + 1
                if last > first:
                    if beyond or _owned(blocks, at):
                        yield at, block[first + 1 : last]
                    at += last - first
                parts, size = [], 0
                block = block[last + 1 :]
            if size <= limit:
                parts.append(block)
            size += len(block)
            if not beyond and blocks.hi is not None and at >= blocks.hi:
                return
    except Corrupt as error:
        if not opened:  # it broke before anything came out of the span
            newline = tail.rfind(b"\n") + 1
            at, parts = at + newline, [tail[newline:]]
        if _owned(blocks, at):
            raise Corrupt(str(error), at, b"".join(parts)) from error
        return
    if opened and size and (beyond or _owned(blocks, at)):
        yield at, b"".join(parts)


def _owned(blocks: Blocks, offset: int) -> bool:
    return blocks.lo is not None and offset >= blocks.lo and (blocks.hi is None or offset < blocks.hi)


class BlockFile(io.RawIOBase):
    """Blocks as a file that is read from the start to the end. A break reads as the end and is kept in `error`."""

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self.blocks = blocks
        self.error: Corrupt | None = None
        self._iterator = iter(blocks)
        self._buffer = memoryview(b"")
        self._at = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, target: Any) -> int:
        while not self._buffer:
            try:
                self._buffer = memoryview(next(self._iterator)[1])
            except StopIteration:
                return 0
            except Corrupt as error:
                self.error = error
                self._iterator = iter(())
                return 0
        n = min(len(target), len(self._buffer))
        target[:n] = self._buffer[:n]
        self._buffer = self._buffer[n:]
        self._at += n
        return n

    def before_span(self, offset: int) -> bool:
        return self.blocks.lo is None or offset < self.blocks.lo

    def after_span(self, offset: int) -> bool:
        return self.blocks.hi is not None and offset >= self.blocks.hi


def read_all(blocks: Blocks, limit: int) -> tuple[bytes, Corrupt | None]:
    """All bytes, at most `limit` plus one block, and the break that ended them early, if any."""
    parts: list[bytes] = []
    size = 0
    try:
        for _, block in blocks:
            parts.append(block)
            size += len(block)
            if size > limit:
                break
    except Corrupt as error:
        return b"".join(parts), error
    return b"".join(parts), None
