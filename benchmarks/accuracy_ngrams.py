"""What each part of the n-gram regression is worth, on folds of a set's training examples: how its form was chosen."""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import patch

import numpy as np

from corpusmill.train.evaluate.crossval import grouped_folds
from corpusmill.train.evaluate.leakage import near_duplicate_groups
from corpusmill.train.finetune import ngrams
from corpusmill.train.finetune.ngrams import NgramWeights
from corpusmill.train.finetune.samples import Example

FOLDS = 5
MEASURED = 2
"""Folds that are predicted, each from the four others: two tell enough, and spare more than half of the time."""

FORMS: dict[str, dict[str, Any]] = {
    "words": {"PIECES": (1, 0), "_unevenness": lambda held, numbers: np.ones(len(numbers))},
    "words, pieces": {"_unevenness": lambda held, numbers: np.ones(len(numbers))},
    "words, unevenness": {"PIECES": (1, 0)},
    "words, pieces, unevenness": {},
}
"""What is left out of the regression: pieces of words, and the factor on rarity."""


def forms(train: list[Example], longest: int = 3) -> dict[str, dict[str, float]]:
    """Accuracy and log loss (nats) of each form; no test example is asked for."""
    texts = [example.text for example in train]
    names = sorted({example.label for example in train})
    labels = np.array([names.index(example.label) for example in train])
    fold_of = grouped_folds(labels, near_duplicate_groups(texts), FOLDS, seed=7)
    found: dict[str, dict[str, float]] = {}
    for form, left_out in FORMS.items():
        right: list[np.ndarray] = []
        lost: list[np.ndarray] = []
        began = time.perf_counter()
        with patch.multiple(ngrams, **left_out) if left_out else patch.object(ngrams, "PIECES", ngrams.PIECES):
            for fold in range(MEASURED):
                inside, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
                marks = np.eye(len(names), dtype=np.float32)[labels[inside]]
                model = NgramWeights.fit([texts[i] for i in inside], marks, longest, several=False)
                chances = model.scores(model.count([texts[i] for i in held])).log_softmax(dim=1).numpy()
                right.append(chances.argmax(axis=1) == labels[held])
                lost.append(-chances[np.arange(len(held)), labels[held]])
        found[form] = {
            "accuracy": float(np.concatenate(right).mean()),
            "log_loss": float(np.concatenate(lost).mean()),
            "seconds": round(time.perf_counter() - began, 1),
        }
    return found
