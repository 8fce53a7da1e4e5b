from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.errors import InputError
from corpusmill.train.evaluate.crossval import (
    Predict,
    Predicted,
    cross_validate,
    fit_fasttext,
    fit_gpt,
    fit_tfidf,
    grouped_folds,
    over_folds,
)
from corpusmill.train.evaluate.leakage import near_duplicate_groups
from corpusmill.train.finetune.samples import Example, text_key

WORDS = {"好": ["满意", "舒服", "excellent", "clean"], "坏": ["失望", "脏乱", "awful", "noisy"]}


def reviews(n: int, seed: int) -> list[Example]:
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        label = "好" if i % 2 else "坏"
        filler = [f"w{rng.randrange(4000)}" for _ in range(9)]
        rows.append(Example(" ".join([*filler, rng.choice(WORDS[label])]), label))
    return rows


def shuffled(examples: list[Example], seed: int) -> list[Example]:
    labels = [example.label for example in examples]
    random.Random(seed).shuffle(labels)
    return [Example(example.text, label) for example, label in zip(examples, labels, strict=True)]


def remember(train: Sequence[Example], seed: int) -> Predict:
    """Knows by heart what it has seen (by the first words), and guesses the rest: scores what leaks between folds."""
    seen = {" ".join(example.text.split()[:5]): example.label for example in train}
    rng = random.Random(seed)
    names = sorted({example.label for example in train})

    def predict(texts: Sequence[str]) -> Predicted:
        return Predicted([seen.get(" ".join(t.split()[:5])) or rng.choice(names) for t in texts])

    return predict


@pytest.mark.parametrize("fit", [fit_fasttext(epochs=15), fit_tfidf()], ids=["fasttext", "tfidf"])
def test_what_can_be_learnt_is_and_shuffled_labels_stay_at_chance(fit: object) -> None:
    examples = reviews(300, seed=1)
    found = cross_validate(examples, fit, folds=2, resamples=100)  # type: ignore[arg-type]
    assert found["scores"]["accuracy"]["mean"] > 0.85
    chance = cross_validate(shuffled(examples, 7), fit, folds=2, resamples=100)  # type: ignore[arg-type]
    assert abs(chance["scores"]["accuracy"]["mean"] - 0.5) < 0.11
    assert chance["chance"] == 0.5


def test_planted_near_duplicates_never_straddle_folds() -> None:
    rng = random.Random(0)
    texts = [" ".join(f"w{rng.randrange(9000)}" for _ in range(30)) for _ in range(100)]
    first = [Example(text, rng.choice("ab")) for text in texts]
    # Each text a second time with its end changed, and the same label, which nothing else tells.
    again = [Example(f"{' '.join(e.text.split()[:-1])} changed", e.label) for e in first]
    examples = [*first, *again]
    found = cross_validate(examples, remember, folds=5, resamples=100)
    assert found["groups"] == 100
    assert found["in_groups_of_several"] == 200
    assert abs(found["pooled"]["accuracy"] - 0.5) < 0.13
    blind = cross_validate(examples, remember, folds=5, groups=np.arange(200), resamples=100)
    assert blind["pooled"]["accuracy"] > 0.8


def test_folds_are_stratified_and_hold_groups_together() -> None:
    random = np.random.default_rng(0)
    labels = random.choice(3, 900, p=[0.7, 0.25, 0.05])
    groups = np.arange(900)
    for start in range(0, 300, 10):
        groups[start : start + int(random.integers(2, 10))] = start
    folds = grouped_folds(labels, groups, 5, seed=0)
    assert all(len(set(folds[groups == g])) == 1 for g in np.unique(groups))
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 3, (label, counts)
    assert np.array_equal(folds, grouped_folds(labels, groups, 5, seed=0))
    assert not np.array_equal(folds, grouped_folds(labels, groups, 5, seed=1))


def test_figures_over_folds() -> None:
    found = over_folds([0.8, 0.9, 0.85, 0.75, 0.95], 5)
    assert found["mean"] == pytest.approx(0.85)
    assert found["spread"] == pytest.approx(0.0790569)
    # t(4) = 2.776; the correction makes it 1.5 times as wide as if folds were independent.
    assert found["interval"][1] - 0.85 == pytest.approx(2.776 * 0.0790569 * (1 / 5 + 1 / 4) ** 0.5, rel=1e-3)


def test_repeats_and_the_report() -> None:
    found = cross_validate(reviews(60, seed=3), fit_tfidf(), folds=3, repeats=2, resamples=100)
    assert len(found["by_fold"]) == 6
    assert set(found["scores"]) == {"accuracy", "f1_macro", "f1_weighted", "auc_macro"}
    assert sum(map(sum, found["pooled"]["confusion_matrix"])) == 60
    assert found["pooled"]["calibration"]["curve"]
    low, high = found["pooled"]["intervals"]["accuracy"]
    assert low <= found["pooled"]["accuracy"] <= high
    json.dumps(found, allow_nan=False)


def test_a_label_with_too_few_texts_is_refused() -> None:
    rare = [Example("少见的一句话在这里", "c"), Example("少见的一句话在这里！", "c"), Example("另一句不同的话", "c")]
    with pytest.raises(InputError, match=r"too few of: c \(2\)"):
        cross_validate([*reviews(30, seed=1), *rare], fit_tfidf(), folds=3)
    with pytest.raises(InputError, match="needs two labels"):
        cross_validate([Example("a", "x")] * 5, fit_tfidf())
    with pytest.raises(InputError, match="at least 2 folds"):
        cross_validate(reviews(30, seed=1), fit_tfidf(), folds=1)


def test_our_gpt_is_cross_validated(run: Path) -> None:
    examples = reviews(60, seed=4)
    found = cross_validate(examples, fit_gpt(run, max_steps=2, device="cpu"), folds=2, resamples=50)
    assert found["pooled"]["auc_macro"] is not None
    assert found["by_fold"][0]["texts"] == 30


def test_groups_are_those_of_the_guard() -> None:
    examples = reviews(40, seed=5)
    twice = [*examples, *(Example(e.text.upper() + "！", e.label) for e in examples)]
    groups = near_duplicate_groups([e.text for e in twice])
    assert len(set(groups.tolist())) == len({text_key(e.text) for e in examples})
