"""Members of archives: which of them are documents, and by which reader."""

from __future__ import annotations

from collections import Counter

from .formats import ARCHIVES, file_format, why_refused
from .parts import Part
from .records import MAX_RECORD_BYTES, Bad, bad


def admit(part: Part, member: str, size: int, seen: Counter[str]) -> tuple[str, str] | Bad | None:
    """(the member's name among all inputs, its format); why it is not read; None for hidden ones, which are no documents.

    `seen` counts the names so far: one that comes twice gets a number, or two documents would share an id.
    """
    if any(p.startswith(".") and p.strip(".") for p in member.split("/")):
        return None
    seen[member] += 1
    number = f"#{seen[member]}" if seen[member] > 1 else ""
    name = member.removeprefix("./")
    origin = f"{part.origin}/{name}{number}"
    format = file_format(name, part.input)
    if format is None or format in ARCHIVES:
        reason = why_refused(name) if format is None else "an archive in an archive; unpack it"
        return bad(origin, 0, reason, refused=True)
    if size > MAX_RECORD_BYTES:
        return bad(origin, 0, f"larger than {MAX_RECORD_BYTES >> 20} MiB inside an archive; unpack it")
    return origin, format
