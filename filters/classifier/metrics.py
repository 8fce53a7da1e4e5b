"""How well scores tell wanted texts from unwanted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]

BINS = 10
"""Bins of the calibration table, of equal width."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts whose score lies in [low, high) (the last bin: [low, high])."""

    low: float
    high: float
    texts: int
    mean_score: float | None
    positive_share: float | None
    """What the mean score promises, if the scores are probabilities; None without texts."""


def binary_metrics(truth: Truth, scores: Scores, threshold: float = 0.5) -> dict[str, float]:
    """Accuracy, precision, recall and F1 at `threshold`, area under the ROC curve (ties count half) and average
    precision."""
    said = scores >= threshold
    hits = int((said & truth).sum())
    precision = hits / int(said.sum()) if said.any() else 0.0
    recall = hits / int(truth.sum()) if truth.any() else 0.0
    return {
        "accuracy": float((said == truth).mean()) if len(truth) else 0.0,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if hits else 0.0,
        "auc": area_under_roc(truth, scores),
        "average_precision": average_precision(truth, scores),
    }


def area_under_roc(truth: Truth, scores: Scores) -> float:
    """Chance that a positive scores higher than a negative, ties counted half; NaN unless there are both."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]
    wins = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def average_precision(truth: Truth, scores: Scores) -> float:
    """Precision averaged over the positives, at each one's own score; NaN without positives."""
    if not truth.any():
        return float("nan")
    _, recall, precision = precision_recall(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_recall(truth: Truth, scores: Scores) -> tuple[Scores, Scores, Scores]:
    """(thresholds, recall, precision) at every score that occurs, from the highest down."""
    thresholds, hits, said = _sweep(truth, scores)
    precision: Scores = hits / said
    recall: Scores = hits / max(1, int(truth.sum()))
    return thresholds, recall, precision


def roc(truth: Truth, scores: Scores) -> tuple[Scores, Scores]:
    """(false positive rate, true positive rate), from (0, 0) on, a point for every score that occurs."""
    _, hits, said = _sweep(truth, scores)
    false = (said - hits) / max(1, int((~truth).sum()))
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], hits / max(1, int(truth.sum()))])


def _sweep(truth: Truth, scores: Scores) -> tuple[Scores, Scores, Scores]:
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    last = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True)) if len(scores) else np.zeros(0, np.int64)
    hits = np.cumsum(truth[order])[last].astype(np.float64)
    return sorted_scores[last], hits, (last + 1).astype(np.float64)


def calibration(truth: Truth, scores: Scores) -> list[Bin]:
    """Scores in [0, 1] against the share of positives, in `BINS` bins."""
    at = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    bins = []
    for k in range(BINS):
        inside = at == k
        n = int(inside.sum())
        mean = float(scores[inside].mean()) if n else None
        bins.append(Bin(k / BINS, (k + 1) / BINS, n, mean, float(truth[inside].mean()) if n else None))
    return bins


def calibration_error(bins: list[Bin]) -> float:
    """Mean distance of score and share of positives, weighted by texts (expected calibration error)."""
    total = sum(b.texts for b in bins)
    off = sum(b.texts * abs((b.mean_score or 0.0) - (b.positive_share or 0.0)) for b in bins)
    return off / total if total else float("nan")


def at_thresholds(truth: Truth, scores: Scores) -> list[dict[str, Any]]:
    """What keeping by a threshold would do: share kept, precision and recall at 0.1, 0.2 ... 0.9."""
    rows = []
    for threshold in np.arange(1, BINS) / BINS:
        found = binary_metrics(truth, scores, float(threshold))
        kept = float((scores >= threshold).mean()) if len(scores) else 0.0
        rows.append({"threshold": float(threshold), "kept": kept, **{k: found[k] for k in ("precision", "recall")}})
    return rows
