"""Files of a run that are written whole or not at all, and what is said when the disk is full."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...curate.errors import RunError
from ...curate.files import whole

_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_WORDS = re.compile(r"os error \d|space left|file too large|quota exceeded|write failed|unexpected pos", re.IGNORECASE)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or as it was before."""
    with whole(path) as draft:
        draft.write_text(text, "utf-8")


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turn what libraries raise when a file cannot be written into one sentence about `path`."""
    try:
        yield
    except Exception as error:
        # Libraries written in Rust and C++ report a full disk as errors of their own, by words alone.
        if getattr(error, "errno", None) not in _CODES and not _WORDS.search(str(error)):
            raise
        raise RunError(
            f"{path} could not be written ({error}): free some space and run the same command again; "
            "it goes on from the last whole checkpoint"
        ) from error
