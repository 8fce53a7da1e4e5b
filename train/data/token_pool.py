"""Tokenizing in processes of this machine, a piece of a draft an order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from ...curate.errors import RunError
from ...curate.executors.processes import Processes


def tokenize_in_processes(draft: Path, pieces: list[int], workers: int) -> Iterator[int]:
    """Have `workers` processes write the pieces of a draft; yields the number of each as it is done.

    On an error the pieces under way are dropped, those that are done stay.
    """
    with Processes(f"{__name__}:worker", draft, workers) as processes:
        for piece, _ in processes.run(pieces):
            yield piece


def worker(draft: Path) -> Callable[[int], None]:
    """What a process does with an order, the number of a piece."""
    from ..tokenizer.bpe import Tokenizer
    from .corpus import Unit
    from .token_cache import FULL, disk_full, write_piece

    job = json.loads((draft / "job.json").read_text("utf-8"))
    tokenizer = Tokenizer.load(draft / "tokenizer")

    def tokenize(number: int) -> None:
        try:
            write_piece(Path(job["corpus"]), job["split"], Unit(**job["units"][number]), tokenizer, draft, number)
        except OSError as error:
            raise (disk_full(draft) if error.errno in FULL else RunError(f"tokenizing failed: {error}")) from error

    return tokenize
