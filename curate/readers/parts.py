"""What a reader is given: one file, a span of it, or a member of an archive."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .encoding import byte_order, detect_lines, encoding_family
from .inputs import Input
from .records import MAX_RECORD_BYTES, Bad, bad
from .streams import Blocks, Corrupt, lines, read_all, runs

SAMPLE_BYTES = 64 << 10
"""How much of a file's head, middle and end its encoding is told from."""


_WIDE = ("utf-16", "utf-32")


@dataclass(frozen=True)
class Part:
    """A file to read, or the span of it that `start` and `end` bound (see `units.Span`)."""

    name: str
    """Its file name, compression and all; the format was told from it."""
    origin: str
    """Its name among all inputs: what ids and sources are made of."""
    format: str
    input: Input
    open: Callable[[], BinaryIO]
    size: int
    start: int | None = None
    end: int | None = None

    def refuse(self, error: str, raw: bytes = b"", *, position: int = 0, refused: bool = False) -> Iterator[Bad]:
        """The whole file as one bad record, reported by its first span only."""
        if not self.start:
            yield bad(self.origin, position, error, raw, refused=refused)

    def whole(self, instead: str | None = None) -> bytes:
        """All of the file, unpacked. Raises Corrupt where it breaks off and, with `instead` (what it is, and what to do), where
        it is larger than a record may be; without, it comes cut a little above that."""
        with self.open() as raw:
            data, broken = read_all(Blocks(raw), MAX_RECORD_BYTES)
        if broken is not None:
            raise Corrupt(str(broken), 0, data)
        if instead is not None and len(data) > MAX_RECORD_BYTES:
            raise Corrupt(f"larger than {MAX_RECORD_BYTES >> 20} MiB as one {instead}")
        return data

    def sample(self) -> bytes:
        """Whole lines from the file's beginning and, if it is not compressed, from its middle and end."""
        with self.open() as raw:
            blocks = Blocks(raw)
            head = _some(blocks)
            pieces = [head]
            if blocks.kind is None and self.size > 3 * SAMPLE_BYTES:
                for at in (self.size // 2, self.size - SAMPLE_BYTES):
                    raw.seek(at)
                    pieces.append(raw.read(SAMPLE_BYTES).partition(b"\n")[2])
        if self.size > len(head):  # the last line of each may be cut
            pieces = [piece.rpartition(b"\n")[0] or piece for piece in pieces]
        return b"\n".join(pieces)

    def line_encoding(self) -> str:
        """The encoding of a file of lines: the user's word, the byte order mark, or what a sample looks like.

        The same for every span, so that a line never decodes otherwise because the file was cut elsewhere.
        """
        given = self.input.encoding
        if given != "auto":
            name = encoding_family(given) or given
            if name not in ("utf-16", "utf-32"):
                return name
        sample = self.sample()
        mark, _ = byte_order(sample)
        if given != "auto":
            return mark if mark.startswith(name) else f"{name}-le"
        return mark or detect_lines(sample)

    def lines(self, encoding: str) -> Iterator[tuple[int, bytes]]:
        """(position, line) of the lines that this part owns, without byte order mark and carriage return.

        UTF-16 and UTF-32, whose newline is no single byte, are turned into UTF-8 and never cut into spans.
        Raises Corrupt.
        """
        with self.open() as raw:
            if encoding.startswith(_WIDE):
                yield from _wide_lines(raw, encoding)
                return
            for at, line in lines(Blocks(raw, self.start, self.end, skip=True), MAX_RECORD_BYTES):
                yield at, _bare(at, line)

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """(position, whole lines) of the lines that this part owns: many at once, without the last newline and the byte
        order mark. For encodings whose newline is one byte. Raises Corrupt."""
        with self.open() as raw:
            for at, run in runs(Blocks(raw, self.start, self.end, skip=True), MAX_RECORD_BYTES):
                if at == 0 and run.startswith(codecs.BOM_UTF8):
                    first, newline, run = run.partition(b"\n")
                    yield at, first[3:]
                    if not newline:
                        continue
                    at = len(first) + 1
                yield at, run

    def lines_around(self, encoding: str) -> Iterator[tuple[int, bytes, int]]:
        """The lines that this part owns, and as `lines(beyond=True)` those around them: -1 before, 0 own, 1 after."""
        with self.open() as raw:
            if encoding.startswith(_WIDE):
                for at, line in _wide_lines(raw, encoding):
                    yield at, line, 0
                return
            blocks = Blocks(raw, self.start, self.end, skip=True)
            for at, line in lines(blocks, MAX_RECORD_BYTES, beyond=True):
                after = blocks.hi is not None and at >= blocks.hi
                yield at, _bare(at, line), -1 if at < (blocks.lo or 0) else int(after)


def _bare(at: int, line: bytes) -> bytes:
    if at == 0 and line.startswith(codecs.BOM_UTF8):
        line = line[3:]
    return line[:-1] if line.endswith(b"\r") else line


def stored_encoding(encoding: str) -> str:
    """The encoding of what `Part.lines` gives for a file in `encoding`."""
    return "utf-8" if encoding.startswith(_WIDE) else encoding


def _some(blocks: Blocks) -> bytes:
    found = b""
    try:
        for _, block in blocks:
            found += block
            if len(found) >= SAMPLE_BYTES:
                break
    except Corrupt:
        pass
    return found[:SAMPLE_BYTES] if blocks.kind is None else found[: 4 * SAMPLE_BYTES]


def _wide_lines(raw: BinaryIO, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Lines of UTF-16 or UTF-32 as UTF-8; positions count the bytes of the UTF-8. Broken units become bytes that are
    not UTF-8 either, so that their line is refused like any other."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if encoding.startswith("utf-16") else "replace")
    blocks = Blocks(raw)
    rest, at, first = b"", 0, True
    problem: Corrupt | None = None
    try:
        for _, block in blocks:
            text = decoder.decode(block)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            *found, rest = (rest + text.encode("utf-8", "surrogatepass")).split(b"\n")
            for line in found:
                yield at, line[:-1] if line.endswith(b"\r") else line
                at += len(line) + 1
        if decoder.getstate()[0]:
            problem = Corrupt(f"truncated {encoding}: the file ends inside a character")
    except Corrupt as error:
        problem = error
    except UnicodeError:
        problem = Corrupt(f"undecodable: not valid {encoding}")
    if problem is not None:
        raise Corrupt(str(problem), at, rest) from problem
    if rest:
        yield at, rest


def in_memory(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)
