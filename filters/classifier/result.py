"""What training a classifier gave: how good it is on texts that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .metrics import Bin
from .models import Kind


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Every text scored by a model that was trained without its fold."""

    folds: int
    auc: list[float]
    """Of each fold."""
    auc_mean: float
    auc_spread: float
    """Standard deviation over the folds."""


@dataclass(frozen=True, slots=True)
class ClassifierReport:
    """What a trained classifier is worth, measured at probability 0.5 on texts that it was not trained on: the held-out
    share, or, cross-validated, every text in its turn."""

    model: str
    kind: Kind
    train_positive: int
    train_negative: int
    held_out_positive: int
    held_out_negative: int
    repeated: int
    """Texts left out because an equal one (once prepared) was there already."""
    contradictory: int
    """Texts left out because they were given as positive and as negative."""
    empty: int
    """Texts left out because they have no token."""
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    """Chance that a positive text scores higher than a negative one."""
    average_precision: float
    auc_by_language: dict[str, float]
    """For languages with at least 10 judged texts of each kind."""
    calibration: list[Bin]
    calibration_error: float
    """Mean distance between a score and the share of positives among texts of such a score."""
    cross_validation: CrossValidation | None
    settings: dict[str, Any]
    weights: dict[str, float] = field(default_factory=dict)
    """Kinds `signals` and `both`: the weight of each feature, in standard deviations; the largest first."""
