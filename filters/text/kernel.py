"""`@kernel`: a compiled function without the interpreter's lock, kept on disk, recompiled when what it does has changed.

numba's own `cache=True` looks at the file a function stands in: it misses a change in a function or constant that comes
from another file, and compiles anew after every change of a comment. Here the name of a cached kernel holds a digest of
its bytecode and of all that it refers to, so neither happens, and versions that run side by side do not clash.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from numba import njit
from numba.core import caching

# numba's own classes have no types.
_FunctionCache: Any = caching.FunctionCache
_IndexDataCacheFile: Any = caching.IndexDataCacheFile

_said = False


def kernel(function: Callable[..., Any]) -> Any:
    """Compiles `function` with numba at its first call, or loads what an earlier process compiled."""
    compiled: Any = njit(nogil=True)(function)
    compiled._cache = _KernelCache(function)
    return compiled


def part(function: Callable[..., Any]) -> Any:
    """A kernel for other kernels to call, which makes no array and assigns no slice.

    So numba need not count references in it. In a `kernel` it does, at every call and for every array that is passed,
    and LLVM can seldom prove it needless: half the time of cutting words went into it.
    """
    options: dict[str, Any] = {"nogil": True, "_nrt": False}  # numba's type stubs do not know the second
    compiled: Any = njit(**options)(function)
    compiled._cache = _KernelCache(function)
    return compiled


def digest(function: Callable[..., Any]) -> str:
    """What decides the machine code of a kernel: its bytecode, and that of every kernel and constant it refers to."""
    found = hashlib.sha256()
    _update(found, function, set())
    return found.hexdigest()[:16]


def _update(found: Any, function: Callable[..., Any], seen: set[int]) -> None:
    if id(function) in seen:
        return
    seen.add(id(function))
    _update_code(found, function.__code__)
    for name in function.__code__.co_names:
        value: Any = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            found.update(repr(value.targetoptions.get("_nrt")).encode())
            _update(found, value.py_func, seen)
        elif hasattr(value, "_defn"):  # an intrinsic
            _update_code(found, value._defn.__code__)
        elif value is not None and not isinstance(value, ModuleType):
            found.update(repr(value).encode())


def _update_code(found: Any, code: CodeType) -> None:
    found.update(code.co_code)
    found.update(" ".join(code.co_names).encode())
    for const in code.co_consts:
        if isinstance(const, CodeType):
            _update_code(found, const)
        elif not isinstance(const, str):  # documentation: kernels compute with numbers and bytes
            found.update(repr(const).encode())


def _say_once() -> None:
    global _said
    if not _said:
        _said = True
        # A warning, so that it is seen where nobody has set up logging; half a minute of silence looks like a hang.
        logging.getLogger("corpusmill").warning("compiling text kernels, once for this version, about 30 s")


class _KernelCache(_FunctionCache):  # type: ignore[misc]
    """numba's cache, in the places that numba chooses, under names of our own."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        super().__init__(function)

    @cached_property
    def _file(self) -> Any:
        # Not before the first call: only then are all names defined that the function refers to.
        function, stamp = self._function, digest(self._function)
        name = (
            f"{Path(function.__code__.co_filename).stem}.{function.__qualname__}.{sys.implementation.cache_tag}.{stamp}"
        )
        return _IndexDataCacheFile(cache_path=self._cache_path, filename_base=name, source_stamp=stamp)

    @property
    def _cache_file(self) -> Any:
        return self._file

    @_cache_file.setter
    def _cache_file(self, value: Any) -> None:
        """What the base class sets when it is made, named after the file alone: not used."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super().load_overload(sig, target_context)
        if found is None:
            _say_once()
        return found
