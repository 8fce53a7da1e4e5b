"""Text classification: fastText and TF-IDF with logistic regression, and beside them our GPT where one is given.

    python bench_classification.py [--base RUN] [--only trec6,sst2] [--test trec6=trec_test.jsonl] [--data FOLDER]

Five public sets, three seeds. The test is a tenth of the set, in whole groups of near-duplicates, or the file named with
--test; what training data and test share, equal or nearly so, is taken out of the training data and counted. Without
that, a score on ChnSentiCorp says how often a shop's reviews are copied.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import about, save

from corpusmill.train.evaluate.compare import compare_classifiers
from corpusmill.train.evaluate.crossval import Fit, fit_fasttext, fit_gpt, fit_tfidf, grouped_folds
from corpusmill.train.evaluate.leakage import near_duplicate_groups, without_leaks
from corpusmill.train.evaluate.metrics import classification_metrics
from corpusmill.train.finetune.samples import Example, guard, read_examples

SETS = {
    "chnsenticorp": "chnsenticorp_train",
    "trec6": "trec6_train",
    "sst2": "sst2_train",
    "tnews": "tnews_train20k",
    "thucnews": "thucnews_dev",
}
SEEDS = (0, 1, 2)
FOLDS = 10
MEASURES = ("accuracy", "f1_macro")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="run folder of a pretrained GPT")
    parser.add_argument("--only", help="names of sets, with commas")
    parser.add_argument("--test", action="append", default=[], help="NAME=FILE: an official test set")
    parser.add_argument("--epochs", type=float, help="epochs of fine-tuning")
    parser.add_argument("--learning-rate", type=float, help="peak learning rate of fine-tuning")
    given = Path(__file__).parents[1].parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CORPUSMILL_TEST_DATA", given)))
    options = parser.parse_args()
    folder = options.data / "classify"
    if not folder.is_dir():
        print(f"no data in {folder}: name the folder with --data", file=sys.stderr)
        return 0
    tests = dict(one.split("=", 1) for one in options.test)
    names = options.only.split(",") if options.only else list(SETS)
    models: dict[str, tuple[Fit, tuple[int, ...]]] = {
        "fasttext": (fit_fasttext(), SEEDS),
        "tfidf": (fit_tfidf(), SEEDS[:1]),  # has nothing random: every seed gives the same
    }
    if options.base:
        settings = {"epochs": options.epochs, "learning_rate": options.learning_rate}
        models["gpt"] = (fit_gpt(options.base, **{k: v for k, v in settings.items() if v is not None}), SEEDS)
    result: dict[str, Any] = {"machine": about(("fasttext-community", "scikit-learn", "torch")), "base": options.base}
    result["sets"] = {name: measured(folder, name, tests.get(name), models) for name in names}
    save("classification" if options.base is None else f"classification_{Path(options.base).name}", result)
    return 0


def measured(
    folder: Path, name: str, test_file: str | None, models: dict[str, tuple[Fit, tuple[int, ...]]]
) -> dict[str, Any]:
    train, test, counts = split(read_examples(folder / f"{SETS[name]}.jsonl.gz", "text", "label"), test_file)
    truth = [example.label for example in test]
    labels = sorted({example.label for example in train} | set(truth))
    found: dict[str, Any] = {**counts, "labels": len(labels), "models": {}}
    said: dict[str, list[str]] = {}
    for model, (fit, seeds) in models.items():
        scores, began = [], time.perf_counter()
        for seed in seeds:
            predicted = fit(train, seed)([example.text for example in test])
            said.setdefault(model, predicted.labels)
            scores.append(
                classification_metrics(truth, predicted.labels, labels, predicted.over(labels), resamples=1000)
            )
        found["models"][model] = {
            measure: {
                "mean": float(np.mean([s[measure] for s in scores])),
                "spread": float(np.std([s[measure] for s in scores], ddof=1)) if len(scores) > 1 else None,
                "interval_of_first": scores[0]["intervals"][measure],
            }
            for measure in MEASURES
        } | {"seeds": len(scores), "seconds": round(time.perf_counter() - began, 1)}
        mean = found["models"][model]["accuracy"]["mean"]
        print(f"{name:13} {model:9} accuracy {mean:.4f}", file=sys.stderr, flush=True)
    for model in list(models)[1:]:
        found["models"][model]["against_fasttext"] = compare_classifiers(truth, said[model], said["fasttext"])
    return found


def split(examples: list[Example], test_file: str | None) -> tuple[list[Example], list[Example], dict[str, Any]]:
    """Training and test examples that share nothing, and how many were taken out."""
    examples, removed = guard(examples, [])
    counts = {"repeated": removed.duplicates, "contradictory": removed.conflicting}
    if test_file is None:
        groups = near_duplicate_groups([example.text for example in examples])
        names = sorted({example.label for example in examples})
        labels = np.array([names.index(example.label) for example in examples])
        held = grouped_folds(labels, groups, FOLDS, seed=0) == 0
        train = [example for example, out in zip(examples, held, strict=True) if not out]
        test = [example for example, out in zip(examples, held, strict=True) if out]
    else:
        train, test = examples, read_examples(test_file, "text", "label")
    train, test, leaks = without_leaks(train, test)
    return train, test, {**counts, "leaked_train": leaks.leaked_train, "train": len(train), "test": len(test)}


if __name__ == "__main__":
    sys.exit(main())
