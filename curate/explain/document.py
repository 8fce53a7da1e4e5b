"""What became of one document: where it is, the rules that it broke, and for a duplicate the pair beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import CorpusmillError
from ..run.job import OUTPUTS, SIGNATURES, parts
from .history import corpora

CONTEXT_CHARS = 300
MOST_FALLEN = 10
"""Documents listed that fell to a kept one."""

PLACES = ("train", "validation", "ledger")


@dataclass(frozen=True)
class Pair:
    """A dropped duplicate and the document that was kept in its place."""

    dropped: dict[str, Any]
    """Its row of the ledger."""
    kept: dict[str, Any] | None
    """The kept one's row; None when it is in none of the corpora that can be seen."""
    where: str
    """Where the kept one is, in words."""
    others: int
    """How many other documents fell to the same one, here."""
    chain: tuple[str, ...] = ()
    """What became of the kept one since, in sentences, if it was dropped itself."""

    @property
    def texts(self) -> tuple[str, str] | None:
        """The dropped text and the kept one, if both are stored."""
        kept = self.kept["text"] if self.kept else None
        return (self.dropped["text"], kept) if self.dropped["text"] and kept else None

    @property
    def missing(self) -> str:
        """Why the texts cannot be shown beside each other."""
        if self.dropped["text"] and self.kept is not None:
            return f"the text of {self.kept['id']} was not stored (keep_dropped_text is false)"
        if self.dropped["text"]:
            return f"the text of {self.dropped['kept_id']} is not in these corpora, so the two cannot be shown side by side"
        return "the ledger holds no text of it (the run had keep_dropped_text: false), so the two cannot be shown side by side"


@dataclass(frozen=True)
class Explanation:
    """All that a finished corpus knows of an id."""

    corpus: Path
    id: str
    found: list[tuple[str, dict[str, Any]]]
    """(train, validation, ledger or quarantine; the row there)."""
    pair: Pair | None = None
    fallen: list[dict[str, Any]] = field(default_factory=list)
    """Ledger rows (without texts) of documents that were dropped in favour of this one, the most similar first."""
    removed: list[dict[str, Any]] = field(default_factory=list)
    """Pieces that were cut out of it."""


def explain(corpus: Path, id: str) -> Explanation:
    """Look a document up in a finished corpus. Raises CorpusmillError for an id that it does not hold."""
    kinds = [kind for kind in OUTPUTS if kind not in ("removed", SIGNATURES)]
    found = [(kind, row) for kind in kinds for row in _rows(corpus, kind, id)]
    if not found:
        raise CorpusmillError(f"no document {id!r} in {corpus}; ids are in the column id of its Parquet files")
    dropped = next((row for kind, row in found if kind == "ledger" and row["kept_id"]), None)
    return Explanation(
        corpus,
        id,
        found,
        pair=_pair(corpus, dropped) if dropped else None,
        fallen=_fallen(corpus, id),
        removed=_rows(corpus, "removed", id),
    )


def lines(told: Explanation) -> Iterator[str]:
    """The explanation in lines, without the texts of a pair."""
    for kind, row in told.found:
        yield f"{told.id} (source {row['source']}) is in {kind}"
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
        if row.get("kept_id") and told.pair is not None:
            yield from ("  " + line for line in about(told.pair))
        elif row["text"]:
            yield f"  text: {row['text'][:CONTEXT_CHARS]}"
    if told.fallen:
        yield f"kept in place of {len(told.fallen):,} other documents; those most like it:"
        for row in told.fallen[:MOST_FALLEN]:
            yield f"  {row['id']} (source {row['source']}): {row['step']}.{row['rule']} {row['value']:.6g}"
    for row in told.removed:
        stays = f" (it stays in {row['kept_id']})" if row["kept_id"] else ""
        yield f"  removed by {row['step']}.{row['rule']}{stays}: {row['text'][:CONTEXT_CHARS]}"


def about(pair: Pair) -> Iterator[str]:
    """What is known of a pair besides the texts."""
    row = pair.dropped
    if row["value"] is not None and row["threshold"] is not None:
        yield f"similarity {row['value']:.4f}, threshold {row['threshold']:g} ({row['step']}.{row['rule']})"
    others = {0: "no other document", 1: "1 other document"}.get(pair.others, f"{pair.others:,} other documents")
    yield f"kept instead: {row['kept_id']}, {pair.where}; {others} fell to it too (cluster {row['cluster']})"
    yield from pair.chain


def _rows(corpus: Path, kind: str, id: str) -> list[dict[str, Any]]:
    paths = parts(corpus, kind)
    return pl.scan_parquet(list(paths)).filter(pl.col("id") == id).collect().to_dicts() if paths else []


def _pair(corpus: Path, dropped: dict[str, Any]) -> Pair:
    same = pl.scan_parquet(list(parts(corpus, "ledger"))).filter(pl.col("cluster") == dropped["cluster"])
    others = int(same.select(pl.len()).collect().item()) - 1
    folder, kind, kept = _find(corpus, dropped)
    first, chain = kept, []
    seen = {(corpus, dropped["id"])}
    where = _where(corpus, folder, kind)
    if folder is None and dropped["step"].startswith("shared_dedup"):
        where = f"in the run {dropped['kept_id'].partition(':')[0]} of the team's index"
    while kept is not None and folder is not None and kind == "ledger" and (folder, kept["id"]) not in seen:
        seen.add((folder, kept["id"]))
        by = f"{kept['step']}.{kept['rule']}"
        if not kept["kept_id"]:
            chain.append(f"{kept['id']} was dropped itself by {by}: nothing stands for the two")
            break
        at, kind, following = _find(folder, kept)
        chain.append(f"{kept['id']} itself fell to {kept['kept_id']} ({by}), {_where(corpus, at, kind)}")
        folder, kept = at or folder, following
    return Pair(dropped, first, where, others, tuple(chain))


def _find(corpus: Path, dropped: dict[str, Any]) -> tuple[Path | None, str, dict[str, Any] | None]:
    """(corpus, kind of output, row) of what a dropped document of `corpus` fell to, there or in an earlier corpus."""
    folders = corpora(corpus, strict=False)
    own = [(corpus, kind) for kind in PLACES]
    # An earlier corpus's ledger comes last: only what it keeps was compared, unless it was made again since.
    kept = [(folder, kind) for folder in folders[1:] for kind in PLACES[:2]]
    for folder, kind in (*own, *kept, *((folder, "ledger") for folder in folders[1:])):
        if (folder, dropped["kept_id"]) == (corpus, dropped["id"]):
            continue
        for row in _rows(folder, kind, dropped["kept_id"]):
            return folder, kind, row
    return None, "", None


def _where(corpus: Path, folder: Path | None, kind: str) -> str:
    if folder is None:
        return "in none of the corpora that can be seen from here"
    if kind == "ledger":
        return "in the ledger too" if folder == corpus else f"in the ledger of {folder}"
    return f"in {kind}" if folder == corpus else f"in {kind} of the earlier corpus {folder}"


def _fallen(corpus: Path, id: str) -> list[dict[str, Any]]:
    paths = parts(corpus, "ledger")
    if not paths:
        return []
    found = pl.scan_parquet(list(paths)).filter(pl.col("kept_id") == id).select("id", "source", "step", "rule", "value")
    return found.sort("value", "id", descending=[True, False], nulls_last=True).collect().to_dicts()
