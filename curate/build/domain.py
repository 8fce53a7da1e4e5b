"""What a corpus holds of its domain: documents by kind, the pack's signals, what privacy replaced, which terms occur."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ...domain_packs.catalogue import Pack
from ...domain_packs.lexicon import patterns, terms_of
from ..run.job import parts

PRIVACY = "pii_"
ABSENT = 20
"""Terms named that never occur: the first of each list."""


def domain_report(corpus: str | Path, pack: Pack) -> dict[str, Any]:
    """A finished corpus's documents, told by the pack's signals and lexicons.

    `kinds`: documents and bytes by language and by the first folder (or the file) of their source. `signals`: of each of
    the pack's own signals the mean and the share of documents above zero, of those that have it. `privacy`: what was
    replaced, by type. `lexicons`: how many of a list's terms occur, in a word's own bounds where words are spaced.
    """
    files = [path for split in ("train", "validation") for path in parts(Path(corpus), split)]
    lists = {name: tuple(terms_of(pack.read(name))) for name in pack.lexicons()}
    seen: dict[str, set[str]] = {name: set() for name in lists}
    kinds: list[pl.DataFrame] = []
    sums: list[pl.DataFrame] = []
    for path in files:
        table = pl.read_parquet(path, columns=["text", "source", "language", "signals"])
        kind = pl.col("source").fill_null("").str.split("/").list.first().alias("kind")
        size = pl.col("text").str.len_bytes().sum().alias("bytes")
        kinds.append(table.group_by(kind, pl.col("language").fill_null("")).agg(pl.len().alias("documents"), size))
        own = [name for name in table["signals"].struct.fields if _wanted(name, pack)]
        values = table["signals"].struct.unnest().select(own)
        sums += [
            pl.DataFrame({
                "signal": [name], "documents": [int(values[name].count())], "sum": [float(values[name].sum())],
                "above": [int((values[name] > 0).sum())],
            })
            for name in own
        ]  # fmt: skip
        for name, terms in lists.items():
            for pattern in patterns(terms):
                seen[name] |= {_plain(t) for t in table["text"].str.extract_all(pattern).explode().unique() if t}
    return {
        "pack": pack.name,
        "kinds": _summed(kinds, ["kind", "language"], ["documents", "bytes"]),
        "signals": [
            {
                "signal": row["signal"],
                "documents": row["documents"],
                "mean": row["sum"] / row["documents"],
                "above_zero": row["above"] / row["documents"],
            }
            for row in _summed(sums, ["signal"], ["documents", "sum", "above"])
            if row["documents"] and not row["signal"].startswith(PRIVACY)
        ],
        "privacy": {
            row["signal"].removeprefix(PRIVACY): round(row["sum"])
            for row in _summed(sums, ["signal"], ["documents", "sum", "above"])
            if row["signal"].startswith(PRIVACY) and row["sum"]
        },
        "lexicons": {name: _occur(terms, seen[name]) for name, terms in lists.items()},
    }


def _wanted(signal: str, pack: Pack) -> bool:
    return signal.startswith((f"{pack.name}_", "domain_", PRIVACY))


def _summed(frames: list[pl.DataFrame], by: list[str], what: list[str]) -> list[dict[str, Any]]:
    if not frames:
        return []
    return pl.concat(frames).group_by(by).agg(pl.col(what).sum()).sort(by).to_dicts()


def _plain(term: str) -> str:
    return " ".join(term.split()).casefold() if term.isascii() else term


def _occur(terms: tuple[str, ...], seen: set[str]) -> dict[str, Any]:
    absent = [term for term in terms if _plain(term) not in seen]
    return {"terms": len(terms), "found": len(terms) - len(absent), "absent": absent[:ABSENT]}
