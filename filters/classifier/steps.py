"""Keeping by quality: a trained model's score as a filter, by threshold or by the best share of the corpus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from pydantic import AfterValidator

from ...curate.documents import Documents
from ...curate.errors import CorpusmillError
from ...curate.step import DECISION_SCHEMA, AtLeast, Filter, Global, Threshold
from .metrics import binary_metrics
from .models import POSITIVE, QualityModel, Reals, load_model, prepare_texts
from .result import ClassifierReport
from .training import train_classifier

__all__ = [
    "ClassifierReport",
    "QualityClassifier",
    "QualityTopShare",
    "binary_metrics",
    "prepare_texts",
    "train_classifier",
]


class QualityClassifier(Filter):
    """Keeps documents that a trained model finds likely to be of the wanted kind."""

    name: ClassVar[str] = "quality_classifier"
    version: ClassVar[int] = 2

    model: str
    """Path of a model: what `corpusmill train classifier` writes, or a fastText classifier (.bin or .ftz) whose
    training texts were prepared by `prepare_texts` or nearly so."""
    label: str = POSITIVE
    """Label of the wanted kind, without fastText's `__label__`."""
    min_score: Annotated[Threshold, AtLeast("quality_score")] = 0.5
    """Least probability of that label."""

    def prepare(self) -> None:
        _checked(self.model, self.label)

    def measure(self, docs: Documents) -> Documents:
        odds = _checked(self.model, self.label).log_odds(docs, self.label)
        return docs.with_signals({"quality_score": probability(odds)})


def _check_shares(value: Any) -> Any:
    for language, share in (value if isinstance(value, Mapping) else {"keep_share": value}).items():
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"{language} is {share}; it is a share, above 0 and at most 1, e.g. 0.3")
    return value


class QualityTopShare(Global):
    """Keeps the documents that a trained model scores best, so many that they are a given share of all that reach it.

    A threshold means another share in every corpus; this means the same in all.
    """

    name: ClassVar[str] = "quality_top_share"

    model: str
    """Path of a model, as for `quality_classifier`."""
    label: str = POSITIVE
    """Label of the wanted kind, without fastText's `__label__`."""
    keep_share: Annotated[Threshold, AfterValidator(_check_shares)] = 0.3
    """Share of the documents to keep, rounded to the nearest whole number of them; by language if you like (`null`
    keeps all of a language)."""
    within: Literal["language", "corpus"] = "language"
    """What it is a share of: each language's documents, or all together. Scores of two languages do not compare: of
    all together a model may keep one language and drop the other."""

    def prepare(self) -> None:
        _checked(self.model, self.label)

    def sketch(self, docs: Documents) -> pa.Table:
        # Log-odds in 64 bits: as a probability, all that a model is sure of would be 1 and tie.
        return pa.table({"log_odds": pa.array(_checked(self.model, self.label).log_odds(docs, self.label))})

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        table = sketches.select("id", "language", "script", "log_odds").with_row_index("row")
        shares = self.keep_share if isinstance(self.keep_share, Mapping) else {"default": self.keep_share}
        group = _group_expr(shares, by_language=self.within == "language")
        found = []
        for part in table.with_columns(group.alias("group")).partition_by("group", maintain_order=True):
            share = shares.get(str(part["group"][0]).split(":")[0], shares["default"])
            if share is None:
                continue
            keep = math.floor(share * len(part) + 0.5)
            # Equal scores are parted by a hash of the id: neither by the input's order nor by an alphabet.
            ties = pl.Series("tie", [xxhash.xxh3_64_intdigest(i.encode()) for i in part["id"]], dtype=pl.UInt64)
            ranked = part.with_columns(ties).sort(["log_odds", "tie", "id"], descending=[True, False, False])
            limit = float(probability(ranked["log_odds"][keep - 1 : keep].to_numpy())[0]) if keep else 1.0
            lost = ranked[keep:]
            found.append(
                pl.DataFrame(
                    {
                        "row": lost["row"].cast(pl.Int64),
                        "rule": pl.Series(["keep_share"] * len(lost), dtype=pl.String),
                        "value": probability(lost["log_odds"].to_numpy()),
                        "threshold": pl.Series([limit] * len(lost), dtype=pl.Float64),
                        "kept_row": pl.Series([None] * len(lost), dtype=pl.Int64),
                    },
                    schema=DECISION_SCHEMA,
                )
            )
        return pl.concat(found).sort("row") if found else pl.DataFrame(schema=DECISION_SCHEMA)


def _group_expr(shares: Mapping[str, float | None], *, by_language: bool) -> pl.Expr:
    """Names of the groups that are ranked apart: the key of `shares` that holds, and the language if asked."""
    tagged = pl.concat_str([pl.col("language"), pl.col("script")], separator="-")
    key = pl.lit("default")
    for name in sorted((k for k in shares if k != "default"), key=lambda k: "-" in k):
        hit = ((tagged if "-" in name else pl.col("language")) == name).fill_null(False)
        key = pl.when(hit).then(pl.lit(name)).otherwise(key)
    return pl.concat_str([key, pl.col("language").fill_null("")], separator=":") if by_language else key


def probability(odds: Reals) -> Reals:
    """The logistic function; 0 at -inf."""
    found: Reals = np.exp(-np.logaddexp(0.0, -odds))
    return found


def _checked(model: str, label: str) -> QualityModel:
    found = load_model(model)
    if label not in found.labels:
        raise CorpusmillError(f"the model {model} has no label {label!r}; it has: {', '.join(sorted(found.labels))}")
    return found
