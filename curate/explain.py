"""What became of one document."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from .errors import CorpusmillError
from .job import OUTPUTS, SIGNATURES, parts

CONTEXT_CHARS = 300


def explain(output: Path, id: str) -> Iterator[str]:
    """Lines that say where a document is and, if it was dropped, by which rules; a duplicate beside the one kept."""
    found = [(kind, row) for kind in OUTPUTS if kind not in ("removed", SIGNATURES) for row in _rows(output, kind, id)]
    if not found:
        raise CorpusmillError(f"no document {id!r} in {output}; ids are in the column id of its Parquet files")
    for kind, row in found:
        yield f"{id} (source {row['source']}) is in {kind}"
        if kind == "ledger":
            for f in row["failed"]:
                compared = "" if f["value"] is None else f": {f['signal'] or 'value'} {f['value']:.6g}"
                limit = "" if f["threshold"] is None else f", limit {f['threshold']:g}"
                yield f"  {f['step']}.{f['rule']}{compared}{limit}"
        if kind == "quarantine":
            yield f"  {row['step']}: {row['error']}"
        for name, value in (row.get("signals") or {}).items():
            if value is not None:
                yield f"  {name} = {value:.6g}"
        kept = row.get("kept_id")
        if kept:
            yield from _beside(output, row, kept)
        elif row["text"]:
            yield f"  text: {row['text'][:CONTEXT_CHARS]}"
    for row in _rows(output, "removed", id):
        yield f"  removed by {row['step']}.{row['rule']}: {row['text'][:CONTEXT_CHARS]}"


def _rows(output: Path, kind: str, id: str) -> list[dict[str, Any]]:
    paths = [str(p) for p in parts(output, kind)]
    return pl.scan_parquet(paths).filter(pl.col("id") == id).collect().to_dicts() if paths else []


def _beside(output: Path, row: dict[str, Any], kept_id: str) -> Iterator[str]:
    """The dropped text and the kept one, where they differ."""
    kept = next((r for kind in ("train", "validation", "ledger") for r in _rows(output, kind, kept_id)), None)
    if kept is None or not row["text"] or not kept["text"]:
        yield f"  kept instead: {kept_id}"
        return
    yield f"  kept instead: {kept_id}; - is only in the dropped text, + only in the kept one"
    yield from (
        "  " + line
        for line in difflib.unified_diff(row["text"].splitlines(), kept["text"].splitlines(), lineterm="", n=1)
    )
