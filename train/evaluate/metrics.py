"""How good predictions are: classes, several labels a text, chances and their calibration; each with its interval.

Everything returned is plain data for JSON. A figure that cannot be computed (an AUC of a class that never occurs) is
None, never NaN, which JSON has no word for.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...filters.classifier.metrics import area_under_roc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10
"""Bins of a reliability curve, of equal width."""
RESAMPLES = 2000
CHUNK = 1 << 22
"""Weights that are held at once while resampling."""


def classification_metrics(
    truth: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    probabilities: Floats | None = None,
    *,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Accuracy; precision, recall and F1 (macro, micro, weighted, by class); the confusion matrix (rows are the truth).

    With `probabilities` (texts, labels) also AUC of each class against the rest and their mean, log loss, and
    calibration; with `resamples` also 95 % intervals of the main figures. A class that was never predicted has
    precision 0. Raises ValueError on lengths that differ, a label that is not in `labels`, or nothing to score.
    """
    if len(truth) != len(predicted) or not truth:
        raise ValueError(
            f"need as many predictions as true labels, at least one: got {len(predicted)} and {len(truth)}"
        )
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    labels = list(labels)
    known = indices(truth, labels)
    indices(predicted, labels)
    by_class = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    found: dict[str, Any] = {"accuracy": float(accuracy_score(truth, predicted))}
    for average in ("macro", "micro", "weighted"):
        scores = precision_recall_fscore_support(truth, predicted, labels=labels, average=average, zero_division=0)
        found |= {f"{name}_{average}": float(scores[i]) for i, name in enumerate(("precision", "recall", "f1"))}
    matrix = confusion_matrix(truth, predicted, labels=labels)
    found |= {
        "classes": {
            label: {
                "precision": float(by_class[0][i]),
                "recall": float(by_class[1][i]),
                "f1": float(by_class[2][i]),
                "support": int(by_class[3][i]),
            }
            for i, label in enumerate(labels)
        },
        "labels": labels,
        "confusion_matrix": matrix.tolist(),
    }
    if probabilities is not None:
        found |= _of_probabilities(known, probabilities, labels)
    if resamples:
        found["intervals"] = intervals(matrix, resamples=resamples, seed=seed)
        if probabilities is not None and found["auc_macro"] is not None:
            one_hot = np.eye(len(labels), dtype=np.bool_)[known]
            found["intervals"]["auc_macro"] = auc_interval(one_hot, probabilities, resamples=resamples, seed=seed)
    return found


def indices(names: Sequence[str], labels: Sequence[str]) -> Ints:
    """The place of each name among the labels. Raises ValueError with those that are not among them."""
    place = {label: i for i, label in enumerate(labels)}
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise ValueError(f"not among the labels ({', '.join(labels)}): {', '.join(map(str, unknown))}")
    return np.array([place[name] for name in names], dtype=np.int64)


def _of_probabilities(truth: Ints, probabilities: Floats, labels: Sequence[str]) -> dict[str, Any]:
    if probabilities.shape != (len(truth), len(labels)):
        raise ValueError(
            f"need probabilities of shape {(len(truth), len(labels))}, one a text and label, and got "
            f"{probabilities.shape}"
        )
    areas = {label: _known(area_under_roc(truth == i, probabilities[:, i])) for i, label in enumerate(labels)}
    own = probabilities[np.arange(len(truth)), truth]
    return {
        "auc": areas,
        "auc_macro": _mean(areas.values()),
        "log_loss": float(-np.log(np.clip(own, 1e-15, 1)).mean()),
        "calibration": calibration(truth, probabilities),
    }


def calibration(truth: Ints, probabilities: Floats, bins: int = BINS) -> dict[str, Any]:
    """Expected calibration error of the likeliest label (Guo et al. 2017, eq. 3), and the reliability curve behind it.

    A curve's point: texts whose confidence lies in (low, high], their mean confidence, the share that was right.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    at = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    curve, error = [], 0.0
    for k in range(bins):
        inside = at == k
        n = int(inside.sum())
        if n:
            said, was = float(confidence[inside].mean()), float(right[inside].mean())
            error += n / len(truth) * abs(said - was)
            curve.append({"low": k / bins, "high": (k + 1) / bins, "texts": n, "confidence": said, "accuracy": was})
    return {
        "error": error,
        "curve": curve,
        "mean_confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
    }


def multilabel_metrics(
    truth: Sequence[Collection[str]],
    predicted: Sequence[Collection[str]],
    labels: Sequence[str],
    probabilities: Floats | None = None,
    *,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """For texts with any number of labels: subset accuracy (all labels right), Hamming loss, precision, recall and F1
    (macro, micro, weighted, by sample, by label); with `probabilities` (texts, labels) AUC of each label.

    A text without labels that was given none counts as right by sample. Raises ValueError as `classification_metrics`.
    """
    if len(truth) != len(predicted) or not truth:
        raise ValueError(
            f"need as many predictions as true sets of labels, at least one: got {len(predicted)} and {len(truth)}"
        )
    from sklearn.metrics import accuracy_score, hamming_loss, precision_recall_fscore_support

    labels = list(labels)
    real, said = _one_hot(truth, labels), _one_hot(predicted, labels)
    found: dict[str, Any] = {
        "subset_accuracy": float(accuracy_score(real, said)),
        "hamming_loss": float(hamming_loss(real, said)),
    }
    for average in ("macro", "micro", "weighted", "samples"):
        # By sample, nothing said where nothing was to say is right; a label that never occurs has no merit.
        empty = 1 if average == "samples" else 0
        scores = precision_recall_fscore_support(real, said, average=average, zero_division=empty)
        found |= {f"{name}_{average}": float(scores[i]) for i, name in enumerate(("precision", "recall", "f1"))}
    by_label = precision_recall_fscore_support(real, said, zero_division=0)
    names = ("precision", "recall", "f1")
    found["classes"] = {
        label: {**{name: float(by_label[k][i]) for k, name in enumerate(names)}, "support": int(by_label[3][i])}
        for i, label in enumerate(labels)
    }
    found["labels"] = labels
    if probabilities is not None:
        areas = {
            label: _known(area_under_roc(real[:, i].astype(np.bool_), probabilities[:, i]))
            for i, label in enumerate(labels)
        }
        found |= {"auc": areas, "auc_macro": _mean(areas.values())}
    if resamples:
        found["intervals"] = _multilabel_intervals(real, said, resamples, seed)
    return found


def _one_hot(sets: Sequence[Collection[str]], labels: Sequence[str]) -> Ints:
    place = {label: i for i, label in enumerate(labels)}
    rows = np.zeros((len(sets), len(labels)), np.int64)
    for row, names in enumerate(sets):
        if isinstance(names, str):
            raise ValueError(f"text {row} needs a collection of labels, not the string {names!r}")
        for name in names:
            if name not in place:
                raise ValueError(f"not among the labels ({', '.join(labels)}): {name}")
            rows[row, place[name]] = 1
    return rows


def intervals(
    matrix: Any, *, resamples: int = RESAMPLES, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of accuracy and the three F1 from a confusion matrix.

    Drawing texts anew is drawing cells of the matrix anew: one multinomial draw a resample, whatever the number of texts.
    """
    cells = np.asarray(matrix, dtype=np.int64)
    n = int(cells.sum())
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = random.multinomial(n, cells.ravel() / n, size=resamples).reshape(resamples, *cells.shape)
    return {name: interval(values, confidence) for name, values in matrix_scores(drawn).items()}


def matrix_scores(matrices: Ints) -> dict[str, Floats]:
    """Accuracy and macro, micro and weighted F1 of confusion matrices (..., labels, labels)."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1).astype(np.float64)
    support, said = matrices.sum(-1), matrices.sum(-2)
    total = support.sum(-1)
    f1 = 2 * hits / np.maximum(support + said, 1)
    accuracy = hits.sum(-1) / total
    return {
        "accuracy": accuracy,
        "f1_macro": f1.mean(-1),
        "f1_micro": accuracy,  # the same, where every text has one label and is given one
        "f1_weighted": (f1 * support).sum(-1) / total,
    }


def _multilabel_intervals(real: Ints, said: Ints, resamples: int, seed: int) -> dict[str, tuple[float, float]]:
    right = (real == said).all(axis=1).astype(np.float64)
    columns = np.concatenate([real & said, real, said], axis=1).astype(np.float64)
    k = real.shape[1]
    found: dict[str, list[Floats]] = {"subset_accuracy": [], "f1_macro": [], "f1_micro": []}
    for weights in _weights(len(real), resamples, seed):
        sums = weights @ columns
        hits, both = sums[:, :k], sums[:, k : 2 * k] + sums[:, 2 * k :]
        found["subset_accuracy"].append(weights @ right / len(real))
        found["f1_macro"].append((2 * hits / np.maximum(both, 1)).mean(1))
        found["f1_micro"].append(2 * hits.sum(1) / np.maximum(both.sum(1), 1))
    return {name: interval(np.concatenate(values)) for name, values in found.items()}


def auc_interval(
    truth: NDArray[np.bool_],
    scores: Floats,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean AUC over columns of `truth` and `scores` (texts, labels).

    Each column is sorted once; a resample only changes how much each text weighs.
    """
    n = len(truth)
    columns = []
    for i in range(truth.shape[1]):
        if 0 < truth[:, i].sum() < n:
            order = np.argsort(scores[:, i], kind="stable")
            first = np.flatnonzero(np.diff(scores[order, i], prepend=np.nan) != 0)  # where each distinct score begins
            columns.append((order, first, truth[order, i]))
    found = []
    for weights in _weights(n, resamples, seed):
        areas = np.full((len(weights), len(columns)), np.nan)
        for c, (order, first, positive) in enumerate(columns):
            sorted_weights = weights[:, order]
            won = np.add.reduceat(sorted_weights * positive, first, axis=1)
            lost = np.add.reduceat(sorted_weights * ~positive, first, axis=1)
            wins = (won * (np.cumsum(lost, axis=1) - lost / 2)).sum(1)
            with np.errstate(invalid="ignore", divide="ignore"):
                areas[:, c] = wins / (won.sum(1) * lost.sum(1))
        drawn = ~np.isnan(areas)
        found.append(np.where(drawn, areas, 0).sum(1) / np.maximum(drawn.sum(1), 1))
    return interval(np.concatenate(found), confidence)


def mean_interval(
    values: Sequence[float] | Floats, *, resamples: int = RESAMPLES, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean, of exact matches say."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("need at least one value")
    means = [weights @ array / len(array) for weights in _weights(len(array), resamples, seed)]
    return interval(np.concatenate(means), confidence)


def interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """The middle `confidence` of the values."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _weights(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each of n texts is drawn, (resamples, n), in chunks that fit into memory."""
    random = np.random.Generator(np.random.PCG64(seed))
    size = max(1, CHUNK // n)
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        drawn = random.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mean(values: Collection[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
