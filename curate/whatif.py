"""Other thresholds without reading a text again: the funnel anew from stored signals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import ValidationError

from .errors import RecipeError
from .registry import step_class, suggestion
from .run.job import parts
from .step import Bound, Filter, Rule, Step

SAMPLES = 3
"""Documents shown for each side that they change to."""


@dataclass(frozen=True)
class RuleCount:
    """One rule under the new thresholds."""

    step: str
    rule: str
    threshold: Any
    fails: int
    """Documents that break it, whatever else they break."""
    alone: int
    """Documents that break it and no other rule: what it alone drops."""


@dataclass(frozen=True)
class WhatIf:
    """A corpus under other thresholds."""

    funnel: list[tuple[str, int, int]]
    """(step, documents dropped in the run, documents that would be dropped)."""
    rules: list[RuleCount]
    kept_before: int
    kept_after: int
    saved: pl.DataFrame
    """Samples of documents that would be kept now: id, source, the rule that dropped them, text."""
    lost: pl.DataFrame
    """Samples of documents that would be dropped now."""


def what_if(output: Path, manifest: dict[str, Any], changes: Sequence[str]) -> WhatIf:
    """Decide anew with changed thresholds (`gopher_quality.min_words=30`, `c4_quality.min_sentences.zh=null`).

    Documents that a Global dropped stay dropped, and documents that come back were never compared for duplicates:
    a run tells. Steps behind a Global have no signals for documents that never came there; those pass.

    Raises RecipeError when a change names no threshold of the run.
    """
    steps = _steps(manifest, changes)
    rules = [(label, rule) for label, step in steps if isinstance(step, Filter) for rule in step.rules()]
    frame = _documents(output, {r.signal for _, r in rules})
    labels = [s["label"] for s in manifest["steps"]]
    frame = frame.with_columns(
        *(rule.fails_expr().alias(f"rule{i}") for i, (_, rule) in enumerate(rules)),
        # What no threshold decides stays as it was: empty texts, duplicates, augmented children in validation.
        pl.when(pl.col("step").is_in([label for label, s in steps if isinstance(s, Filter)]))
        .then(None)
        .otherwise(pl.col("step"))
        .alias("fixed"),
    )
    after = _first_step(labels, rules)
    frame = frame.with_columns(after.alias("after"))
    flags = [pl.col(f"rule{i}") for i in range(len(rules))]
    broken = pl.sum_horizontal(flags) if flags else pl.lit(0)
    sums = frame.lazy().select(
        *(f.sum().alias(f"fails{i}") for i, f in enumerate(flags)),
        *((f & (broken == 1)).sum().alias(f"alone{i}") for i, f in enumerate(flags)),
        pl.col("step").is_null().sum().alias("kept_before"),
        pl.col("after").is_null().sum().alias("kept_after"),
    )
    counts = sums.collect().row(0, named=True)
    was, now = (dict(frame.group_by(c).len().iter_rows()) for c in ("step", "after"))
    return WhatIf(
        funnel=[(label, was.get(label, 0), now.get(label, 0)) for label in ["read", *labels, "split"]],
        rules=[
            RuleCount(label, r.name, r.threshold, counts[f"fails{i}"], counts[f"alone{i}"])
            for i, (label, r) in enumerate(rules)
        ],
        kept_before=counts["kept_before"],
        kept_after=counts["kept_after"],
        saved=_samples(output, frame.filter(pl.col("step").is_not_null() & pl.col("after").is_null())),
        lost=_samples(output, frame.filter(pl.col("step").is_null() & pl.col("after").is_not_null())),
    )


def _steps(manifest: dict[str, Any], changes: Sequence[str]) -> list[tuple[str, Step]]:
    """The run's steps by label, with the changes applied."""
    options = {
        s["label"]: {k: v for k, v in s.items() if k not in ("label", "name", "version")} for s in manifest["steps"]
    }
    classes = {s["label"]: step_class(s["name"]) for s in manifest["steps"]}
    problems = []
    for change in changes:
        path, sign, value = change.partition("=")
        label, _, rest = path.partition(".")
        field, _, language = rest.partition(".")
        if not sign or not field:
            problems.append(f"{change!r} is not STEP.RULE=VALUE, e.g. gopher_quality.min_words=30")
        elif label not in options:
            problems.append(f"the run has no step {label!r}{suggestion(label, options)}")
        elif field not in (known := _thresholds(classes[label])):
            other = (
                suggestion(field, known) if known else ": what it does takes the texts, so run again with another value"
            )
            problems.append(f"{label} has no threshold {field!r}{other}")
        else:
            new = yaml.safe_load(value)
            if language:
                old = options[label][field]
                new = {**(old if isinstance(old, dict) else {"default": old}), language: new}
            options[label][field] = new
    out: list[tuple[str, Step]] = []
    for label, cls in classes.items():
        try:
            out.append((label, cls.model_validate(options[label])))
        except ValidationError as error:
            problems += [f"{label}.{'.'.join(str(p) for p in e['loc'][:1])}: {e['msg']}" for e in error.errors()]
    if problems:
        raise RecipeError(problems)
    return out


def _thresholds(cls: type[Step]) -> list[str]:
    return [n for n, info in cls.model_fields.items() if any(isinstance(m, Bound) for m in info.metadata)]


def _documents(output: Path, signals: set[str]) -> pl.DataFrame:
    """Every document that has signals: what decided over it in the run, its language and the signals asked for."""
    frames = []
    for kind in ("train", "validation", "ledger"):
        paths = [str(p) for p in parts(output, kind)]
        if not paths:
            continue
        scan = pl.scan_parquet(paths)
        stored = scan.collect_schema().get("signals")
        names = {f.name for f in stored.fields} if isinstance(stored, pl.Struct) else set()
        frames.append(
            scan.select(
                "id",
                "source",
                "language",
                "script",
                (pl.col("step") if kind == "ledger" else pl.lit(None, dtype=pl.String)).alias("step"),
                (pl.col("rule") if kind == "ledger" else pl.lit(None, dtype=pl.String)).alias("rule"),
                *(
                    (pl.col("signals").struct.field(n).fill_null(float("nan")) if n in names else pl.lit(float("nan")))
                    .cast(pl.Float32)
                    .alias(n)
                    for n in sorted(signals)
                ),
            )
        )
    return pl.concat(frames).collect()


def _first_step(labels: Sequence[str], rules: Sequence[tuple[str, Rule]]) -> pl.Expr:
    """The step that drops a document under the new rules; null when none does."""
    decided = pl.when(pl.col("fixed") == "read").then(pl.lit("read"))
    for label in labels:
        mine = [pl.col(f"rule{i}") for i, (owner, _) in enumerate(rules) if owner == label]
        hit = pl.any_horizontal(mine) if mine else pl.col("fixed") == label
        decided = decided.when(hit.fill_null(False)).then(pl.lit(label))  # type: ignore[assignment]
    return decided.when(pl.col("fixed") == "split").then(pl.lit("split")).otherwise(None)


def _samples(output: Path, changed: pl.DataFrame) -> pl.DataFrame:
    """A few of the documents that change sides, from all over the corpus, with their texts."""
    chosen = (
        changed.select("id", "source", "step", "rule", "after")
        .gather_every(max(1, len(changed) // SAMPLES))
        .head(SAMPLES)
    )
    paths: Iterable[Path] = (p for kind in ("train", "validation", "ledger") for p in parts(output, kind))
    texts = pl.concat(
        [pl.scan_parquet(p).select("id", "text").filter(pl.col("id").is_in(chosen["id"].implode())) for p in paths]
    ).collect()
    return chosen.join(texts, on="id", how="left", maintain_order="left")
