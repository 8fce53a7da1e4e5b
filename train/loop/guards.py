"""What stops a run from learning nonsense: batches that are skipped, and losses that jump."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from ...curate.errors import RunError

WINDOW = 64
"""Steps whose losses are remembered; a spike is judged against their median."""

FEWEST = 16
"""Losses that must be known before one can be called a spike."""

LEAST_RISE = 1.1
"""A spike is at least this many times the median: on a flat curve the spread is tiny, and any wobble would be far out."""


def is_spike(loss: float, recent: Sequence[float], threshold: float) -> bool:
    """Whether a loss is out of line: more than `threshold` spreads above the median of the recent ones.

    The spread is 1.4826 times the median distance from the median, a standard deviation for normal noise that one
    earlier spike does not widen. Losses fall over a run, so only what is above the median counts.
    """
    if len(recent) < FEWEST:
        return False
    middle = median(recent)
    spread = 1.4826 * median(abs(value - middle) for value in recent)
    return loss > max(middle + threshold * spread, LEAST_RISE * middle)


def skipped_because(loss: float, norm: float, targets: int) -> str | None:
    """Why a batch must not change the weights, or None."""
    if not targets:
        return "no targets"
    return None if math.isfinite(loss) and math.isfinite(norm) else "not finite"


def check_skipped(reasons: Sequence[str], most: int, step: int) -> None:
    """Raise RunError with advice if the last `most` steps were all skipped; `reasons` are those in a row."""
    if len(reasons) < most:
        return
    if reasons[-1] == "no targets":
        raise RunError(
            f"the batch at step {step} has no targets, like the {len(reasons) - 1} before it: every token in them is "
            "masked; check that the data have answers and that these fit in the context"
        )
    raise RunError(
        f"the loss or its gradient is not finite at step {step}, like in the {len(reasons) - 1} before it: lower the "
        "learning rate or raise warmup_steps; the checkpoints written so far are unharmed"
    )
