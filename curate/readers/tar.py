"""Reader of tar archives: each member is read as the file it is."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Callable, Iterator

from .members import admit
from .parts import Part, in_memory
from .records import Bad, Record, bad
from .streams import BlockFile, Blocks


def read_tar(part: Part, read_member: Callable[[Part], Iterator[Record | Bad]]) -> Iterator[Record | Bad]:
    """Members in the archive's order, each by `read_member`; hidden ones, links and folders are no documents.

    A member belongs to the span in which its header begins.
    """
    seen: Counter[str] = Counter()
    with part.open() as raw:
        file = BlockFile(Blocks(raw, part.start, part.end))
        at = 0
        try:
            with tarfile.open(fileobj=file, mode="r|", errorlevel=1) as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    at = member.offset
                    if file.after_span(at):
                        return
                    found = admit(part, member.name, member.size, seen)
                    if found is None or file.before_span(at):
                        continue
                    if isinstance(found, Bad):
                        yield found
                        continue
                    origin, format = found
                    name = member.name.removeprefix("./")
                    stream = archive.extractfile(member)
                    data = stream.read() if stream is not None else b""
                    if len(data) < member.size:
                        raise tarfile.ReadError(f"the archive ends inside {name}")
                    yield from read_member(Part(name, origin, format, part.input, in_memory(data), len(data)))
        except (tarfile.TarError, OSError, EOFError) as error:
            if file.error is None and not file.before_span(at) and not file.after_span(at):
                yield bad(part.origin, at, f"corrupt archive: {error}; nothing can be read from here on")
        if file.error is not None and not file.before_span(at) and not file.after_span(at):
            yield bad(part.origin, at, f"{file.error}; nothing can be read from here on")
