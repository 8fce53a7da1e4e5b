"""How much memory whole-corpus work may use, and into how many parts that cuts it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..errors import RecipeError
from ..readers import Unit

BASE = 300 << 20
"""What a process holds before it has any data: the interpreter, Arrow, polars, compiled kernels."""

LEAST = 64 << 20
DEFAULT_TASK_MEMORY = 1 << 30

PACKED = {".gz": 4, ".zst": 4, ".xz": 5, ".bz2": 5, ".parquet": 3, ".zip": 4}
"""How many bytes of text a stored byte is, about, by the end of a file's name."""

WORKING = 4
"""Bytes that deciding over duplicates holds at once, for each byte of short documents; longer ones need less."""


def task_memory(memory: str | int | None, workers: int) -> int:
    """Bytes of data that one of `workers` tasks at a time may hold when all processes together keep to `memory`.

    Raises RecipeError for a size that is not one, or too small for so many workers.
    """
    if memory is None:
        return max(LEAST, min(2 * DEFAULT_TASK_MEMORY, _free() // 2 // workers - BASE))
    total = parse_size(memory)
    # The parent and its workers; with one worker there is only the parent.
    processes = workers + 1 if workers > 1 else 1
    data = (total - processes * BASE) // workers
    if data < LEAST:
        needed = processes * BASE + workers * LEAST
        raise RecipeError(
            [f"memory={memory} is too little for {workers} workers: give at least {needed >> 20}MB, or fewer workers"]
        )
    return data


def parse_size(size: str | int) -> int:
    """`"2GB"`, `"512 MiB"` or a number of bytes, in bytes."""
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([kmgt]?)(i?)b?\s*", size, re.IGNORECASE)
    if found is None:
        raise RecipeError([f"{size!r} is not an amount of memory; write it as 2GB or 512MB"])
    return int(float(found[1]) * (1024 if found[3] else 1000) ** ("kmgt".find(found[2].lower()) + 1 if found[2] else 0))


def partitions(units: Sequence[Unit], memory: int) -> int:
    """Into how many parts to cut whole-corpus work over these units, so that each fits in `memory`."""
    size = sum(_factor(unit) * unit.n_bytes for unit in units)
    return min(4096, max(-(-size * WORKING // memory), min(len(units), 16)))


def _factor(unit: Unit) -> int:
    return max((PACKED.get(os.path.splitext(s.path)[1].lower(), 1) for s in unit.spans), default=1)


def _free() -> int:
    """Memory that is free on this machine, or in this container."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        with open("/proc/meminfo") as f:
            found = next((line for line in f if line.startswith("MemAvailable")), None)
        if found:
            free = int(found.split()[1]) << 10
        with open("/sys/fs/cgroup/memory.max") as limit, open("/sys/fs/cgroup/memory.current") as used:
            free = min(free, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):
        pass
    return free
