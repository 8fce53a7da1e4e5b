from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from corpusmill.train.evaluate.metrics import (
    auc_interval,
    calibration,
    classification_metrics,
    intervals,
    mean_interval,
    multilabel_metrics,
)


def made(n: int, k: int, seed: int, skill: float = 1.0) -> tuple[list[str], list[str], list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    labels = [f"类{i}" for i in range(k)]
    truth = random.integers(0, k, n)
    logits = random.normal(size=(n, k)) + skill * np.eye(k)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return [labels[i] for i in truth], [labels[i] for i in probabilities.argmax(1)], labels, probabilities


def test_figures_worked_by_hand() -> None:
    found = classification_metrics(["好", "好", "好", "坏"], ["好", "好", "坏", "坏"], ["好", "坏"])
    assert found["accuracy"] == found["f1_micro"] == 0.75
    assert found["classes"]["好"] == {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3}
    assert found["f1_macro"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["f1_weighted"] == pytest.approx(0.75 * 0.8 + 0.25 * 2 / 3)
    assert found["confusion_matrix"] == [[2, 1], [0, 1]]


def test_auc_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    truth, predicted, labels, probabilities = made(400, 4, seed=0)
    found = classification_metrics(truth, predicted, labels, probabilities)
    assert found["auc_macro"] == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr", labels=labels))
    assert found["log_loss"] == pytest.approx(log_loss(truth, probabilities, labels=labels))
    json.dumps(found, allow_nan=False)


def test_a_class_that_never_occurs_has_no_auc() -> None:
    truth, predicted, labels, probabilities = made(50, 2, seed=1)
    wide = np.concatenate([probabilities, np.zeros((50, 1))], axis=1)
    found = classification_metrics(truth, predicted, [*labels, "other"], wide, resamples=50)
    assert found["auc"]["other"] is None
    assert found["auc_macro"] == pytest.approx((found["auc"]["类0"] + found["auc"]["类1"]) / 2)
    json.dumps(found, allow_nan=False)


def test_calibration_tells_the_honest_from_the_boastful() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1.0, 20_000)
    truth = (random.uniform(size=20_000) > confidence).astype(np.int64)  # label 0 with exactly the chance that is said
    honest = np.stack([confidence, 1 - confidence], axis=1)
    assert calibration(truth, honest)["error"] < 0.02
    boastful = np.tile([0.99, 0.01], (20_000, 1))
    found = calibration(truth, boastful)
    assert found["error"] == pytest.approx(0.99 - (truth == 0).mean())
    assert [point["texts"] for point in found["curve"]] == [20_000]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    # 200 sets of 150 texts from a classifier that is right with chance .8 exactly.
    random = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        right = int((random.uniform(size=150) < 0.8).sum())
        low, high = intervals([[right, 150 - right], [0, 0]], resamples=400, seed=trial)["accuracy"]
        inside += low <= 0.8 <= high
    assert 0.90 <= inside / 200 <= 0.985


def test_intervals_from_the_matrix_agree_with_drawing_texts() -> None:
    truth, predicted, labels, probabilities = made(300, 3, seed=2)
    found = classification_metrics(truth, predicted, labels, probabilities, resamples=2000)
    from sklearn.metrics import f1_score, roc_auc_score

    random = np.random.default_rng(9)
    slow, areas = [], []
    real, said = np.array(truth), np.array(predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(300):
            rows = random.integers(0, 300, 300)
            slow.append(f1_score(real[rows], said[rows], average="macro", labels=labels))
            areas.append(roc_auc_score(real[rows], probabilities[rows], multi_class="ovr", labels=labels))
    for name, values in (("f1_macro", slow), ("auc_macro", areas)):
        assert found["intervals"][name] == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.012)
        assert found["intervals"][name][0] < found[name] < found["intervals"][name][1]


def test_ties_count_half_in_the_interval_of_auc() -> None:
    truth = np.array([[True], [False]] * 50)
    assert auc_interval(truth, np.zeros((100, 1)), resamples=50) == (0.5, 0.5)
    assert auc_interval(truth, truth.astype(np.float64), resamples=50) == (1.0, 1.0)


def test_multilabel() -> None:
    truth = [{"合同", "劳动"}, {"劳动"}, set(), {"contract"}]
    predicted = [{"合同"}, {"劳动"}, set(), {"合同", "contract"}]
    labels = ["合同", "劳动", "contract"]
    scores = np.array([[0.9, 0.4, 0.1], [0.2, 0.8, 0.1], [0.1, 0.1, 0.1], [0.6, 0.2, 0.9]])
    found = multilabel_metrics(truth, predicted, labels, scores, resamples=200)
    assert found["subset_accuracy"] == 0.5
    assert found["hamming_loss"] == pytest.approx(2 / 12)
    assert found["f1_micro"] == pytest.approx(2 * 3 / (4 + 4))
    assert found["f1_macro"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["f1_samples"] == pytest.approx((2 / 3 + 1 + 1 + 2 / 3) / 4)
    assert found["auc"]["contract"] == 1.0
    assert found["intervals"]["f1_micro"][0] < found["f1_micro"] <= found["intervals"]["f1_micro"][1]
    with pytest.raises(ValueError, match="needs a collection"):
        multilabel_metrics(["合同"], [{"合同"}], labels)
    with pytest.raises(ValueError, match=r"not among the labels.*: tort"):
        multilabel_metrics([{"tort"}], [{"合同"}], labels)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="got 0 and 0"):
        classification_metrics([], [], ["a"])
    with pytest.raises(ValueError, match=r"not among the labels.*: c"):
        classification_metrics(["a"], ["c"], ["a", "b"])
    with pytest.raises(ValueError, match="shape"):
        classification_metrics(["a"], ["a"], ["a", "b"], np.ones((2, 2)))
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([])


def test_mean_interval() -> None:
    low, high = mean_interval([1.0] * 80 + [0.0] * 20)
    assert low == pytest.approx(0.72, abs=0.02)
    assert high == pytest.approx(0.88, abs=0.02)
