"""Is one model better than another, or was it luck? Both judged on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import RESAMPLES, Floats, indices, interval, matrix_scores

COMPARED = ("accuracy", "f1_macro")


def mcnemar(truth: Sequence[str], first: Sequence[str], second: Sequence[str]) -> dict[str, Any]:
    """McNemar's exact test: only texts that one of two models gets right can tell them apart.

    `p` is the two-sided chance of a split at least this uneven if both were equally good (binomial, no approximation).
    """
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    _same_length(truth, first, second)
    right = [np.array([a == b for a, b in zip(truth, said, strict=True)], dtype=np.bool_) for said in (first, second)]
    one, other = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    return {
        "both_right": int((right[0] & right[1]).sum()),
        "only_first_right": one,
        "only_second_right": other,
        "both_wrong": int((~right[0] & ~right[1]).sum()),
        "p": float(binomtest(one, one + other).pvalue) if one + other else 1.0,
    }


def compare_classifiers(
    truth: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    *,
    resamples: int = 5 * RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """McNemar's test, and the difference (first minus second) of accuracy and macro F1 by paired bootstrap.

    Both models are scored on the same drawn texts each time. `p` is twice the share of draws in which the difference
    is not on its side of zero.
    """
    _same_length(truth, first, second)
    labels = sorted({*truth, *first, *second})
    k = len(labels)
    rows = np.stack([indices(names, labels) for names in (truth, first, second)])
    # Texts of the same truth and the same two answers are alike: draw how many of each kind, not which.
    kinds, counts = np.unique(rows, axis=1, return_counts=True)
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = np.concatenate([counts[None], random.multinomial(len(truth), counts / len(truth), size=resamples)])
    scores = []
    for which in (1, 2):
        cells = np.zeros((len(drawn), k * k), np.int64)
        np.add.at(cells.T, kinds[0] * k + kinds[which], drawn.T)
        scores.append(matrix_scores(cells.reshape(-1, k, k)))
    found: dict[str, Any] = {"texts": len(truth), "mcnemar": mcnemar(truth, first, second)}
    for name in COMPARED:
        found[name] = _difference(scores[0][name], scores[1][name], confidence)
    return found


def compare_means(
    first: Sequence[float],
    second: Sequence[float],
    *,
    resamples: int = 5 * RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """The difference of two models' mean scores on the same items (exact match, F1, nats, pass@k) by paired bootstrap."""
    _same_length(first, second)
    pairs = np.array([first, second], dtype=np.float64)
    random = np.random.Generator(np.random.PCG64(seed))
    n = pairs.shape[1]
    means = [pairs.mean(axis=1), *(pairs[:, random.integers(0, n, n)].mean(axis=1) for _ in range(resamples))]
    both = np.stack(means, axis=1)
    return {"items": n, **_difference(both[0], both[1], confidence)}


def _difference(first: Floats, second: Floats, confidence: float) -> dict[str, Any]:
    """From scores whose first is that of the texts as they are and whose others are those of draws."""
    differences: NDArray[np.float64] = first[1:] - second[1:]
    draws = len(differences)
    # One more than counted, so that no p is 0: so few draws cannot prove that.
    share = (min(int((differences <= 0).sum()), int((differences >= 0).sum())) + 1) / (draws + 1)
    return {
        "first": float(first[0]),
        "second": float(second[0]),
        "difference": float(first[0] - second[0]),
        "interval": interval(differences, confidence),
        "p": min(1.0, 2 * share),
    }


def _same_length(*columns: Sequence[Any]) -> None:
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(f"both models must be scored on the same items, one at least: got {lengths}")
