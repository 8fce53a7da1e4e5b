"""Loading fastText models, for language identification and for quality."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ..curate.errors import CorpusmillError


def load_fasttext(path: Path) -> Any:
    """The fastText model at `path`, loaded once a process.

    Raises CorpusmillError when there is no such file or it is not a fastText model.
    """
    if not path.is_file():
        raise CorpusmillError(f"there is no fastText model at {path}; give the path of a .bin or .ftz file")
    # By size and time of change too: a model that was trained again is another model.
    about = path.stat()
    return _load(str(path.resolve()), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4)
def _load(path: str, size: int, changed: int) -> Any:
    import fasttext

    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise CorpusmillError(f"{path} is not a fastText model that can be read: {error}") from error
