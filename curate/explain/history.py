"""Which document stands for each one that was removed as a duplicate, over a corpus and all earlier ones it names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import InputError
from ..run.job import parts

KEPT = "kept"
DROPPED = "dropped"
ELSEWHERE = "elsewhere"

_MOST_HOPS = 64
"""Runs that dropped one another's documents in a circle (made anew, against what they were made for) end here."""


def removed_to_kept(corpus: str | Path) -> pl.DataFrame:
    """The document that stands for each removed duplicate of a corpus and of all earlier corpora that it names.

    A chain is followed to its end: where a document fell to another that a later step or run dropped for a third one,
    the third is given. A row a removed document, in columns

        corpus, id                  the removed document
        kept_corpus, kept_id        what stands for it
        state                       `kept`: it is in that corpus; `dropped`: it fell to another rule itself, and nothing
                                    is in its place; `elsewhere`: it is in none of these corpora (a shared index's)
        hops                        length of the chain
        step, rule, value, fell_to  what removed it, the similarity, and the document that it was compared with

    Ids are unique within a corpus only. One that is in several means the corpus's own document, unless that is the
    removed one itself, and then the one that the first corpus in `against` keeps.

    Raises InputError for a corpus that is not finished, or one that names an earlier corpus that is not there.
    """
    folders = corpora(Path(corpus))
    number = {folder: i for i, folder in enumerate(folders)}
    removed = pl.concat([_removed(folder, i) for i, folder in enumerate(folders)]).with_row_index("row")
    wanted = removed.select(pl.col("kept_id").unique())
    places = pl.concat([_places(folder, i, wanted) for i, folder in enumerate(folders)])
    order = [
        {"corpus": i, "at": number[found], "rank": rank}
        for i, folder in enumerate(folders)
        for rank, found in enumerate(corpora(folder))
    ]
    reach = pl.DataFrame(order, schema={"corpus": pl.Int64, "at": pl.Int64, "rank": pl.Int64})
    found = (
        removed.select("row", "corpus", "id", "kept_id")
        .join(places, on="kept_id")
        .join(reach, on=["corpus", "at"])
        .filter(~((pl.col("at") == pl.col("corpus")) & (pl.col("kept_id") == pl.col("id"))))
        .sort("row", pl.col("at") != pl.col("corpus"), pl.col("state") != KEPT, "rank")
        .unique("row", keep="first")
        .select("row", "at", "state")
    )
    fell = removed.join(found, on="row", how="left").with_columns(
        pl.col("state").fill_null(ELSEWHERE), hops=pl.lit(1), fell_to=pl.col("kept_id")
    )
    names = pl.DataFrame({"at": range(len(folders)), "name": [str(f) for f in folders]})
    return (
        _followed(fell)
        .join(names.rename({"name": "kept_corpus"}), on="at", how="left")
        .join(names.rename({"at": "corpus", "name": "folder"}), on="corpus")
        .sort("row")
        .select(
            pl.col("folder").alias("corpus"),
            *("id", "kept_corpus", "kept_id", "state", "hops", "step", "rule", "value", "fell_to"),
        )
    )


def corpora(corpus: Path, *, strict: bool = True) -> list[Path]:
    """A corpus and all earlier ones that it was compared with, and those that they were: each once, nearest first.

    Raises InputError for one that is not there; without `strict` those are left out.
    """
    found = [corpus]
    for folder in found:
        for name in _against(folder):
            earlier = _located(name, folder)
            if earlier is None and strict:
                raise InputError(
                    f"{folder} was made against {name}, which is no finished corpus (any more); run this where it is, or put it back"
                )
            if earlier is not None and all(earlier.resolve() != f.resolve() for f in found):
                found.append(earlier)
    return found


def _against(corpus: Path) -> Sequence[str]:
    path = corpus / "manifest.json"
    if not path.exists():
        raise InputError(f"{corpus} is not a finished corpus: it has no manifest.json")
    steps: list[dict[str, Any]] = json.loads(path.read_bytes())["steps"]
    return list(dict.fromkeys(name for step in steps for name in step.get("against") or ()))


def _located(name: str, corpus: Path) -> Path | None:
    """Where a corpus named in a recipe is now: as seen from here, else from a folder above the corpus that names it."""
    bases = (Path(), *corpus.resolve().parents)
    return next((base / name for base in bases if (base / name / "manifest.json").exists()), None)


def _removed(corpus: Path, number: int) -> pl.DataFrame:
    columns = ["id", "step", "rule", "value", "kept_id"]
    schema = {"id": pl.String, "step": pl.String, "rule": pl.String, "value": pl.Float64, "kept_id": pl.String}
    paths = parts(corpus, "ledger")
    if not paths:
        found = pl.DataFrame(schema=schema)
    else:
        found = pl.scan_parquet(list(paths)).select(columns).filter(pl.col("kept_id").is_not_null()).collect()
    return found.with_columns(corpus=pl.lit(number, pl.Int64))


def _places(corpus: Path, number: int, wanted: pl.DataFrame) -> pl.DataFrame:
    """Where these ids (`kept_id`) are in a corpus: only they are held, of however many there are."""
    found = [pl.DataFrame(schema={"kept_id": pl.String, "state": pl.String})]
    for kind, state in (("train", KEPT), ("validation", KEPT), ("ledger", DROPPED)):
        paths = parts(corpus, kind)
        if paths:
            scan = pl.scan_parquet(list(paths)).select(pl.col("id").alias("kept_id"))
            here = scan.join(wanted.lazy(), on="kept_id", how="semi").collect(engine="streaming")
            found.append(here.with_columns(state=pl.lit(state)))
    return pl.concat(found).with_columns(at=pl.lit(number, pl.Int64))


def _followed(fell: pl.DataFrame) -> pl.DataFrame:
    """Chains to their ends: as long as what a document fell to fell to another one, that other one."""
    steps = fell.select(
        pl.col("corpus").alias("at"),
        pl.col("id").alias("kept_id"),
        pl.col("at").alias("next_at"),
        pl.col("kept_id").alias("next_id"),
        pl.col("state").alias("next_state"),
    )
    for _ in range(_MOST_HOPS):
        further = (pl.col("state") == DROPPED) & pl.col("next_id").is_not_null()
        on = fell.join(steps, on=["at", "kept_id"], how="left").with_columns(further=further)
        if not on["further"].any():
            break
        moved = [("at", "next_at"), ("kept_id", "next_id"), ("state", "next_state")]
        fell = on.with_columns(
            *(pl.when("further").then(new).otherwise(old).alias(old) for old, new in moved),
            hops=pl.col("hops") + pl.col("further").cast(pl.Int32),
        ).select(fell.columns)
    return fell
