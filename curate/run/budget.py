"""How many bad documents a run bears before it stops."""

from __future__ import annotations

import polars as pl

from ..errors import RunError
from .job import Job

BUDGET_AFTER = 1000
"""Documents read before a high share of bad ones can stop a run early."""


def check_bad_share(job: Job, bad: int, documents: int) -> None:
    """Raises RunError when the share of bad documents is above the job's limit.

    Whole files and archive members that are no text (`refused`) are not documents gone bad: callers leave them out.
    """
    if documents and bad / documents > job.max_bad_share:
        raise RunError(
            f"{bad:,} of {documents:,} documents could not be read or made a step raise ({bad / documents:.1%}, the "
            f"limit is {job.max_bad_share:.1%}). The commonest reasons:\n{common_errors(job)}\n"
            "Mend the input or the step, or raise max_bad_share; finished work is kept and the same command goes on "
            "from there"
        )


def common_errors(job: Job, most: int = 3) -> str:
    """The commonest quarantine reasons so far, a line each."""
    paths = sorted(job.work.glob("map-*/*.quarantine.parquet"))
    if not paths:
        return ""
    found = pl.scan_parquet([str(p) for p in paths]).group_by("step", error_kind()).len("documents")
    top = found.sort("documents", "step", "error", descending=[True, False, False]).head(most).collect()
    return "\n".join(f"  {n:,} x {step}: {error}" for step, error, n in top.iter_rows())


def error_kind() -> pl.Expr:
    """An error's text without its numbers, so that like errors count together."""
    return pl.col("error").str.slice(0, 160).str.replace_all(r"\d+", "N")
