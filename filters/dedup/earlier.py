"""Earlier corpora that a new delivery is compared with, by the signatures that lie beside them.

Only the texts of their candidates are read again, to verify. What they hold stays: it is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...curate.errors import InputError
from ...curate.exchange import Ints
from ...curate.run.job import SIGNATURES, SKETCH_KEY


@dataclass(frozen=True)
class EarlierPart:
    """One signatures file of an earlier corpus: what a unit is to the corpus in the making."""

    path: Path

    @property
    def rows(self) -> int:
        return int(pq.read_metadata(self.path).num_rows)

    def sketches(self) -> Iterator[pa.Table]:
        """Signatures with their row `at`."""
        file = pq.ParquetFile(self.path)
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            yield table.append_column("at", pa.array(np.arange(start, start + len(table))))
            start += len(table)

    def texts(self, wanted: Ints) -> Iterator[pa.Table]:
        """The texts behind these (sorted) rows, `text` and `at`, reading only the row groups that hold one."""
        where = pq.read_table(self.path, columns=["split", "row"]).take(pa.array(wanted))
        splits = np.array(where.column("split").to_pylist())
        rows = where.column("row").to_numpy()
        texts = np.empty(len(wanted), object)
        for split in sorted(set(splits.tolist())):
            mine = np.flatnonzero(splits == split)
            with pq.ParquetFile(self.path.parents[1] / split / self.path.name) as file:
                sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
                starts = np.concatenate([[0], np.cumsum(sizes)])
                group_of = np.searchsorted(starts, rows[mine], side="right") - 1
                for group in np.unique(group_of).tolist():
                    hits = mine[group_of == group]
                    column = file.read_row_group(group, columns=["text"]).column("text")
                    texts[hits] = column.take(pa.array(rows[hits] - starts[group])).to_pylist()
        yield pa.table({"text": pa.array(texts.tolist(), pa.large_string()), "at": pa.array(wanted)})


def earlier_parts(corpora: Sequence[str], sketch: dict[str, Any]) -> list[EarlierPart]:
    """The signature files of these corpora, in order.

    Raises InputError for a corpus that is not finished, has no signatures, or was signed in another way than `sketch`.
    """
    found = []
    for corpus in corpora:
        folder = Path(corpus) / SIGNATURES
        paths = sorted(folder.glob("*.parquet"))
        if not (Path(corpus) / "manifest.json").exists():
            raise InputError(f"{corpus} is not a finished corpus: it has no manifest.json")
        for path in paths:
            signed = json.loads(pq.read_metadata(path).metadata.get(SKETCH_KEY, b"{}"))
            differing = {k: signed[k] for k in signed if sketch.get(k) != signed[k]}
            if differing or not signed:
                options = ", ".join(f"{k}={v}" for k, v in sorted(differing.items()))
                raise InputError(
                    f"{corpus} was signed with {options or 'other options'}; set the same in this step, or make that corpus again"
                )
        if not paths and not _empty(Path(corpus)):
            raise InputError(f"{corpus} has no signatures: make it again with a step exact_dedup or minhash_dedup")
        found += [EarlierPart(p) for p in paths]
    return found


def _empty(corpus: Path) -> bool:
    return not any(
        pq.read_metadata(p).num_rows for s in ("train", "validation") for p in (corpus / s).glob("*.parquet")
    )


def content_of(corpora: Sequence[str]) -> dict[str, str]:
    """What tells whether an earlier corpus has changed: the fingerprint in its manifest, and when it was finished."""
    found = {}
    for corpus in corpora:
        path = Path(corpus) / "manifest.json"
        if not path.exists():
            raise InputError(f"{corpus} is not a finished corpus: it has no manifest.json")
        manifest = json.loads(path.read_bytes())
        found[corpus] = f"{manifest['fingerprint']} {manifest['finished']}"
    return found
