"""Reader of zip archives: each member is read as the file it is."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from lzma import LZMAError

from .members import admit
from .parts import Part, in_memory
from .records import MAX_RECORD_BYTES, Bad, Record, bad

_UTF8 = 0x800
_ENCRYPTED = 0x1


def read_zip(part: Part, read_member: Callable[[Part], Iterator[Record | Bad]]) -> Iterator[Record | Bad]:
    """Members in the archive's order, each by `read_member`; hidden ones and folders are no documents."""
    seen: Counter[str] = Counter()
    try:
        with part.open() as raw, zipfile.ZipFile(raw) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                name = member_name(info)
                found = admit(part, name, info.file_size, seen)
                if found is None:
                    continue
                if isinstance(found, Bad):
                    yield found
                    continue
                origin, format = found
                data = _unpacked(archive, info, origin)
                if isinstance(data, Bad):
                    yield data
                    continue
                yield from read_member(Part(name, origin, format, part.input, in_memory(data), len(data)))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        yield bad(part.origin, 0, f"corrupt archive: {error}")


def member_name(info: zipfile.ZipInfo) -> str:
    """A member's name. Programs that do not mark it as UTF-8 write the system's encoding: UTF-8, or on a Chinese Windows GBK,
    of which zipfile makes the characters of an old IBM PC."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, origin: str) -> bytes | Bad:
    if info.flag_bits & _ENCRYPTED:
        return bad(origin, 0, "encrypted: unpack the archive with its password")
    try:
        with archive.open(info) as file:
            # A bomb may say that it is small: no more than this is unpacked, whatever it says.
            data = file.read(MAX_RECORD_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, NotImplementedError) as error:
        return bad(origin, 0, f"corrupt archive: {error}")
    if len(data) > MAX_RECORD_BYTES:
        return bad(origin, 0, f"larger than {MAX_RECORD_BYTES >> 20} MiB inside an archive; unpack it")
    return data
