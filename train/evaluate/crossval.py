"""Stratified k-fold cross-validation whose folds never share a near-duplicate, for anything that can fit and predict."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...curate.errors import InputError
from ..finetune.samples import Example
from .leakage import THRESHOLD, near_duplicate_groups
from .metrics import RESAMPLES, Floats, Ints, classification_metrics

if TYPE_CHECKING:
    from ..finetune.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Predicted:
    """Labels of texts, and the chances of each label if the model has any."""

    labels: list[str]
    probabilities: Floats | None = None
    """(texts, names), rows adding up to 1."""
    names: tuple[str, ...] = ()
    """The label of each column."""

    def over(self, labels: Sequence[str]) -> Floats | None:
        """The chances with a column for each of `labels`; 0 for one that the model has never seen."""
        if self.probabilities is None:
            return None
        wide = np.zeros((len(self.probabilities), len(labels)))
        place = {label: i for i, label in enumerate(labels)}
        wide[:, [place[name] for name in self.names]] = self.probabilities
        return wide


Predict = Callable[[Sequence[str]], Predicted]
Fit = Callable[[Sequence[Example], int], Predict]
"""Trains on examples with a seed; gives what predicts."""

REPORTED = ("accuracy", "f1_macro", "f1_weighted", "auc_macro")


def cross_validate(
    examples: Sequence[Example],
    fit: Fit,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    threshold: float = THRESHOLD,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Scores of models trained on all folds but one, each on the fold it has not seen.

    Texts that are the same (`near_duplicate_groups`, or the given `groups`) lie in one fold. For each figure: its value
    in every fold, mean, spread (standard deviation), and a 95 % interval of the mean that allows for folds sharing
    their training data (Nadeau and Bengio 2003: the variance is multiplied by 1/n + 1/(folds-1)). `pooled` scores all
    held-out predictions of the first repeat together, with bootstrap intervals. `chance` is the accuracy of the most
    common label. Raises InputError when a label has fewer groups than there are folds.
    """
    if folds < 2 or repeats < 1:
        raise InputError(f"cross-validation needs at least 2 folds and 1 repeat, and got {folds} and {repeats}")
    labels = sorted({example.label for example in examples})
    if len(labels) < 2:
        raise InputError(f"cross-validation needs two labels; all {len(examples)} examples are labelled {labels}")
    if groups is None:
        groups = near_duplicate_groups([example.text for example in examples], threshold=threshold)
    known = np.array([labels.index(example.label) for example in examples])
    scarce = [f"{labels[k]} ({n})" for k in range(len(labels)) if (n := len(np.unique(groups[known == k]))) < folds]
    if scarce:
        raise InputError(
            f"{folds} folds need {folds} different texts of every label; too few of: {', '.join(scarce)}. Use fewer folds, "
            "or leave these labels out"
        )
    by_fold: list[dict[str, Any]] = []
    pooled: dict[str, Any] = {}
    for repeat in range(repeats):
        fold_of = grouped_folds(known, groups, folds, seed + repeat)
        said = np.empty(len(examples), dtype=object)
        chances: Floats | None = np.zeros((len(examples), len(labels)))
        for fold in range(folds):
            held = np.flatnonzero(fold_of == fold).tolist()
            predict = fit([examples[i] for i in np.flatnonzero(fold_of != fold).tolist()], seed + repeat * folds + fold)
            found = predict([examples[i].text for i in held])
            wide = found.over(labels)
            truth = [examples[i].label for i in held]
            scores = classification_metrics(truth, found.labels, labels, wide)
            by_fold.append({"repeat": repeat, "fold": fold, "texts": len(held)} | _figures(scores))
            said[held] = found.labels
            if wide is None or chances is None:
                chances = None
            else:
                chances[held] = wide
        if not repeat:
            truth = [example.label for example in examples]
            pooled = classification_metrics(truth, said.tolist(), labels, chances, resamples=resamples, seed=seed)
    named = [name for name in REPORTED if all(one.get(name) is not None for one in by_fold)]
    return {
        "folds": folds,
        "repeats": repeats,
        "examples": len(examples),
        "groups": len(np.unique(groups)),
        "in_groups_of_several": int((np.unique(groups, return_counts=True)[1][_places(groups)] > 1).sum()),
        "chance": float(np.bincount(known).max() / len(known)),
        "scores": {name: over_folds([one[name] for one in by_fold], folds) for name in named},
        "by_fold": by_fold,
        "pooled": pooled,
    }


def _figures(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: scores[name] for name in REPORTED if name in scores}


def _places(groups: NDArray[Any]) -> Ints:
    return np.unique(groups, return_inverse=True)[1]


def over_folds(values: Sequence[float], folds: int) -> dict[str, Any]:
    """Mean, spread and 95 % interval of a figure over the folds of one or more repeats."""
    from scipy.stats import t  # type: ignore[import-untyped]

    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    mean, spread = float(array.mean()), float(array.std(ddof=1))
    reach = float(t.ppf(0.975, n - 1)) * spread * math.sqrt(1 / n + 1 / (folds - 1))
    return {"mean": mean, "spread": spread, "interval": (mean - reach, mean + reach), "values": array.tolist()}


def grouped_folds(labels: Ints, groups: NDArray[Any], folds: int, seed: int) -> Ints:
    """The fold of each example: no group in two folds, each label as evenly spread as the groups allow.

    Large groups are dealt first, each to the fold that lacks most of what it holds; single texts then fill the gaps.
    """
    random = np.random.Generator(np.random.PCG64([seed, folds]))
    k = int(labels.max()) + 1
    wanted = np.bincount(labels, minlength=k) / folds
    have = np.zeros((folds, k))
    fold_of = np.full(len(labels), -1, dtype=np.int64)
    place = _places(groups)
    order = np.argsort(place, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    shuffled = [members[i] for i in random.permutation(len(members))]
    for rows in sorted(shuffled, key=len, reverse=True):  # sorting is stable: groups of one size stay shuffled
        held = np.bincount(labels[rows], minlength=k)
        lacking = ((wanted - have) * held / np.maximum(wanted, 1e-9)).sum(axis=1)
        best = np.flatnonzero(lacking >= lacking.max() - 1e-9)
        fold = int(best[np.argmin(have[best].sum(axis=1))])
        fold_of[rows] = fold
        have[fold] += held
    return fold_of


def fit_fasttext(*, epochs: int = 25) -> Fit:
    """fastText as `baselines.fasttext_classification` sets it up."""
    from .baselines import fasttext_classification

    def fit(train: Sequence[Example], seed: int) -> Predict:
        pairs = [(example.text, example.label) for example in train]
        return lambda texts: Predicted(fasttext_classification(pairs, list(texts), epochs=epochs, seed=seed))

    return fit


def fit_tfidf(*, strength: float = 10.0) -> Fit:
    """TF-IDF of words and word pairs, of Chinese one to three characters, and logistic regression.

    `strength` is scikit-learn's C, the inverse of the regularization.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from .baselines import fasttext_line

    def fit(train: Sequence[Example], seed: int) -> Predict:
        # One pattern for both: fasttext_line has cut Chinese into characters, and there three of them make a word.
        chinese = sum("\u4e00" <= c <= "\u9fff" for example in train[:1000] for c in example.text[:200])
        letters = sum(c.isalpha() for example in train[:1000] for c in example.text[:200])
        longest = 3 if 2 * chinese > letters else 2
        vectors = TfidfVectorizer(
            preprocessor=fasttext_line,
            tokenizer=str.split,
            token_pattern=None,
            ngram_range=(1, longest),
            sublinear_tf=True,
            # What occurs once teaches little: without it training is two to seven times as fast, and no worse. A few
            # texts need every word they have.
            min_df=2 if len(train) >= 1000 else 1,
        )
        model = make_pipeline(vectors, LogisticRegression(C=strength, max_iter=300, random_state=seed))
        model.fit([example.text for example in train], [example.label for example in train])
        names = tuple(map(str, model.classes_))

        def predict(texts: Sequence[str]) -> Predicted:
            chances = model.predict_proba(list(texts))
            return Predicted([names[i] for i in chances.argmax(axis=1)], chances, names)

        return predict

    return fit


def fit_gpt(base: str | Path, **settings: Any) -> Fit:
    """Our GPT, fine-tuned as `train finetune classify` does it; `settings` are fields of `ClassifierConfig`.

    A tenth of the training examples decides when to stop; one of each label is set aside as the test that fine-tuning
    asks for, which is not scored. Runs are kept in temporary folders.
    """
    import json

    from ..finetune.classification import ClassifierConfig, finetune_classifier
    from ..loop.distributed import refuse_torchrun

    refuse_torchrun("cross-validation")

    def fit(train: Sequence[Example], seed: int) -> Predict:
        with tempfile.TemporaryDirectory(prefix="corpusmill-fold-") as folder:
            data, run = Path(folder) / "train.jsonl", Path(folder) / "run"
            rows = (json.dumps({"text": e.text, "label": e.label}, ensure_ascii=False) for e in train)
            data.write_text("\n".join(rows) + "\n", "utf-8")
            own = {"base": base, "train": data, "output": run, "seed": seed}
            finetune_classifier(
                ClassifierConfig(**{"test_share": 1e-9, "baseline": False, "judge": False, **settings, **own})
            )
            return predict_gpt(run, str(settings.get("device", "auto")))

    return fit


def predict_gpt(run: str | Path, device: str = "auto") -> Predict:
    """What a fine-tuned classifier's best checkpoint predicts."""
    model = classifier_of(run, device)

    def predict(texts: Sequence[str]) -> Predicted:
        chances = model.probabilities(model.encode(texts)[0])
        return Predicted([model.labels[i] for i in chances.argmax(axis=1)], chances, tuple(model.labels))

    return predict


def classifier_of(run: str | Path, device: str = "auto") -> Classifier:
    """A fine-tuned classifier's best checkpoint."""
    import torch

    from ..finetune.classifier import load_classifier

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return load_classifier(Path(run), Path(run) / "labels.json", torch.device(device))
