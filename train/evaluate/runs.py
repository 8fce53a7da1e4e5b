"""A fine-tuned classifier scored on test data, after what its training data hold was taken out of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...curate.errors import InputError
from ..finetune.samples import Example, read_examples
from .compare import compare_classifiers
from .crossval import classifier_of
from .leakage import THRESHOLD, without_leaks
from .metrics import RESAMPLES, classification_metrics, multilabel_metrics


def evaluate_classifier(
    run: str | Path,
    data: str | Path,
    *,
    against: str | Path | None = None,
    train: str | Path | None = None,
    keep_leaks: bool = False,
    text: str | None = None,
    label: str | None = None,
    threshold: float = THRESHOLD,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """`models` (all metrics of each, with intervals), `leakage`, and `comparison` if there are two.

    Test texts that the training data of any of the runs hold are removed and named; `train` says where these are if
    the runs' own config.json does not. Raises InputError on labels that a model does not know, or if no text is left.
    """
    test = read_examples(data, text, label)
    runs = [Path(run)] + ([Path(against)] if against is not None else [])
    examples = _trained_on(runs, train, text, label)
    _, kept, report = without_leaks(examples, test, remove=None if keep_leaks else "test", threshold=threshold)
    if not kept:
        raise InputError(f"all {len(test)} test texts are in the training data: nothing is left to score")
    models: dict[str, Any] = {}
    said = []
    for one in runs:
        model = classifier_of(one)
        if model.several != (kept[0].labels is not None):
            raise InputError(f"{one} and {data} differ: one has a label a text, the other lists of them")
        sets = [example.labels if example.labels is not None else (example.label,) for example in kept]
        unknown = sorted({name for names in sets for name in names} - set(model.labels))
        if unknown:
            raise InputError(f"{one} does not know these labels of {data}: {', '.join(unknown)}")
        rows, _ = model.encode([example.text for example in kept])
        chances = model.probabilities(rows)
        if model.several:
            found = model.predict_sets(rows)
            models[str(one)] = multilabel_metrics(sets, found, model.labels, chances, resamples=resamples)
            said.append([" + ".join(sorted(names)) for names in found])
        else:
            best = [model.labels[i] for i in chances.argmax(axis=1)]
            truth = [example.label for example in kept]
            models[str(one)] = classification_metrics(truth, best, model.labels, chances, resamples=resamples)
            said.append(best)
    result = {"models": models, "texts": len(kept), "leakage": report.as_dict(), "leakage_said": report.sentence()}
    if len(said) == 2:
        result["comparison"] = compare_classifiers([example.label for example in kept], *said)
    return result


def _trained_on(runs: list[Path], train: str | Path | None, text: str | None, label: str | None) -> list[Example]:
    """All training examples of the runs. Raises InputError where they cannot be found: no guess goes unsaid."""
    if train is not None:
        return read_examples(train, text, label)
    found: list[Example] = []
    for run in runs:
        config = run / "config.json"
        about = json.loads(config.read_text("utf-8")) if config.is_file() else {}
        path = Path(about.get("train", ""))
        if not path.is_file():
            raise InputError(
                f"the training data of {run} are not where it was trained ({path}): say where they are with --train"
            )
        found += read_examples(path, about.get("text", text), about.get("label", label))
    return found
