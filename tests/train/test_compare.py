from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from corpusmill.train.evaluate.compare import compare_classifiers, compare_means, mcnemar


def made(n: int, first: float, second: float, seed: int) -> tuple[list[str], list[str], list[str]]:
    random = np.random.default_rng(seed)
    truth = random.choice(["好", "坏", "neutral"], n)

    def answers(skill: float) -> list[str]:
        return [str(t) if random.random() < skill else str(random.choice(["好", "坏", "neutral"])) for t in truth]

    return [str(t) for t in truth], answers(first), answers(second)


def test_mcnemar_worked_by_hand() -> None:
    truth = ["a"] * 20
    first = ["a"] * 15 + ["b"] * 5
    second = ["a"] * 5 + ["b"] * 10 + ["a"] * 2 + ["b"] * 3
    found = mcnemar(truth, first, second)
    assert found["p"] == pytest.approx(2 * sum((1, 12, 66)) / 2**12)
    assert [found[k] for k in ("both_right", "only_first_right", "only_second_right", "both_wrong")] == [5, 10, 2, 3]
    assert mcnemar(truth, first, first)["p"] == 1.0


def test_a_better_model_is_told_from_an_equal_one() -> None:
    truth, good, bad = made(800, 0.8, 0.65, seed=0)
    found = compare_classifiers(truth, good, bad)
    assert found["f1_macro"]["p"] < 0.01 > found["mcnemar"]["p"]
    assert found["f1_macro"]["interval"][0] > 0
    assert found["f1_macro"]["first"] == pytest.approx(f1_score(truth, good, average="macro"))
    assert found["accuracy"]["difference"] == pytest.approx(
        np.mean(np.array(good) == truth) - np.mean(np.array(bad) == truth)
    )
    turned = compare_classifiers(truth, bad, good)
    assert turned["accuracy"]["difference"] == pytest.approx(-found["accuracy"]["difference"])
    assert turned["accuracy"]["interval"][1] < 0


def test_equal_models_are_called_different_as_rarely_as_promised() -> None:
    wrong = [0, 0]
    for seed in range(150):
        truth, first, second = made(200, 0.7, 0.7, seed)
        found = compare_classifiers(truth, first, second, resamples=400)
        wrong[0] += found["mcnemar"]["p"] < 0.05
        wrong[1] += found["accuracy"]["p"] < 0.05
    assert wrong[0] <= 14  # 7.5 expected; the exact test is on the safe side
    assert 1 <= wrong[1] <= 18


def test_means() -> None:
    random = np.random.default_rng(0)
    base = random.uniform(size=200)
    better = base + 0.05 + random.normal(size=200) * 0.02
    found = compare_means(better.tolist(), base.tolist(), resamples=1000)
    assert found["difference"] == pytest.approx(0.05, abs=0.005)
    assert found["interval"][0] > 0.045
    assert found["p"] < 0.01
    # Unpaired, the spread of the items themselves would hide this.
    shuffled = random.permutation(base)
    assert compare_means((shuffled + 0.05).tolist(), base.tolist(), resamples=1000)["interval"][0] < 0
    assert compare_means([1.0, 2.0], [1.0, 2.0], resamples=100)["p"] == 1.0


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same items"):
        compare_classifiers(["a"], ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="same items"):
        compare_means([], [])
