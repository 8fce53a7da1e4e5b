"""Memory that a thread keeps from batch to batch: to have it from the system anew costs as much as many kernels do.

An array of some MB goes back to the system when it is freed, and comes back page by page, each of which is zeroed first.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...curate.documents import MAX_BATCH_BYTES

MOST = 2 * MAX_BATCH_BYTES
"""Elements of an array that is kept: a batch has at most one word a byte. Larger ones, for huge documents, are not kept."""
_SETS = 3
"""Sets of arrays that are kept of a kind: the words of a batch, and those of its text after steps that changed it."""
_APART = 104
"""Elements by which the beginnings of arrays are moved apart: those that begin at the same place in a page fall into the
same few lines of the nearest cache, and a kernel that fills five at once took half as long again."""

_kept = threading.local()


def scratch(name: str, size: int, kind: DTypeLike) -> NDArray[Any]:
    """Room to work in, `size` elements or more, with what the last user of that name left there (zeros at first). It
    must not outlive the call that asks for it."""
    arrays: dict[str, NDArray[Any]] = _kept.__dict__.setdefault("scratch", {})
    found = arrays.get(name)
    if found is None or len(found) < size:
        apart = _APART * (len(arrays) % 16)
        found = np.zeros(max(size, min(MOST, 2 * size, 1 << 20)) + apart, kind)[apart:]
        if size <= MOST:
            arrays[name] = found
    return found


def lasting(size: int, kinds: tuple[DTypeLike, ...]) -> list[NDArray[Any]]:
    """Room for `size` values of each of these types, to keep; what is not written is never backed by memory.

    It is given out again when nothing refers to it any more; a slice of an array refers to the array.
    """
    if size > MOST:
        return [np.empty(size, kind) for kind in kinds]
    sets: list[list[NDArray[Any]]] = _kept.__dict__.setdefault("lasting", {}).setdefault(kinds, [])
    # One reference to an array is its list's, the other the call's.
    free = (arrays for arrays in sets if all(sys.getrefcount(arrays[k]) == 2 for k in range(len(arrays))))
    found = next(free, None)
    if found is None:
        found = [np.empty(MOST + _APART * len(kinds), kind) for kind in kinds]
        if len(sets) < _SETS:
            sets.append(found)
    return [array[_APART * k : _APART * k + size] for k, array in enumerate(found)]
