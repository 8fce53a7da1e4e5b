"""Five classification sets: our small GPTs, pretrained here, beside fastText and TF-IDF with logistic regression.

    OMP_NUM_THREADS=1 python bench_accuracy.py --minutes 65 --adapt 20 [--runs FOLDER] [--only trec6,sst2] [--ablate all]
    python bench_accuracy.py --zh RUN --en RUN [--test trec6=trec_test.jsonl]
    python bench_accuracy.py --forms

Without --minutes and without runs only the two baselines are measured. With --minutes a Chinese and an English GPT of
five million weights are pretrained for so long each (a run that is there already is taken as it is); the English one,
most of whose text is of other kinds, goes on for --adapt minutes with more reviews. They are fine-tuned on each set with
three seeds. The test is the set's development file, or a tenth of the set in whole groups of near-duplicates, or the file
named with --test; nothing of it is in the training data, nor in what the GPTs are pretrained on (`accuracy_data.py`).
--ablate and --forms, by which settings are chosen, never look at the test: they hold out folds of the training data.
A GPT must not be given sets whose test texts it was pretrained on: name the same --test when it is made and when it is used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_data import ADAPTED, SETS, WEIGHTS, split, write_corpora
from accuracy_ngrams import forms
from machine import RESULTS, about, save

from corpusmill.train import PretrainConfig, pretrain, train_tokenizer
from corpusmill.train.data.mix import CorpusShare
from corpusmill.train.evaluate.compare import compare_classifiers
from corpusmill.train.evaluate.crossval import Predict, Predicted, classifier_of, fit_fasttext, fit_tfidf, grouped_folds
from corpusmill.train.evaluate.leakage import near_duplicate_groups
from corpusmill.train.evaluate.metrics import Floats, classification_metrics
from corpusmill.train.finetune.classification import ClassifierConfig, finetune_classifier
from corpusmill.train.finetune.samples import Example

Parts = tuple[list[Example], list[Example], dict[str, Any]]
"""Training and test examples of a set, and what was taken out."""

Fits = Callable[[list[Example], int], dict[str, Predict]]
"""Trains on examples with a seed; gives what predicts, by name."""

SEEDS = (0, 1, 2)
MEASURES = ("accuracy", "f1_macro")
VOCABULARY = 8192

RECIPE: dict[str, Any] = {
    "uncased": True,
    "precision": "bfloat16",
    "max_length": 128,
    "validation_share": 0.05,
    "evaluate_every": 100_000,
}
"""Fine-tuning: the defaults of `corpusmill train finetune classify` but for these. The GPTs were pretrained uncased;
bfloat16, 128 tokens and no evaluation on the way save time; the split that decides how much each model counts needs no
tenth of the texts."""

OWN: dict[str, dict[str, Any]] = {name: {"batch_size": 64, "epochs": 2} for name in ("tnews", "thucnews")}
"""And of the sets of titles, which are many and short: larger batches and fewer passes, to save time."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "best checkpoint": {"choose": "best"},
    "token dropout 0.1": {"token_dropout": 0.1},
    "validation share 0.1": {"validation_share": 0.1},
    "token dropout 0.1, validation share 0.1": {"token_dropout": 0.1, "validation_share": 0.1},
    "pooling both": {"pooling": "both"},
    "lowest two blocks frozen": {"freeze": 2},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "dropout 0.1": {"dropout": 0.1},
    "weight decay 0": {"weight_decay": 0.0},
    "early stopping, patience 2": {"patience": 2},
    "layer decay 0.8": {"layer_decay": 0.8},
    "dropout 0.1, R-Drop 1": {"consistency": 1.0, "dropout": 0.1},
    "language loss 0.1": {"language_loss": 0.1},
}
"""What each option does, one at a time, with the first seed, on a fold of the training examples."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="pretrain each GPT for so long")
    parser.add_argument("--adapt", type=float, help="and the English one for so long again")
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="where they go on, or are already")
    parser.add_argument("--zh", type=Path, help="run folder of a GPT for the Chinese sets")
    parser.add_argument("--en", type=Path, help="run folder of a GPT for the English sets")
    parser.add_argument("--only", help="names of sets, with commas")
    parser.add_argument("--test", action="append", default=[], help="NAME=FILE: an official test set")
    parser.add_argument("--ablate", help="measure options of fine-tuning instead: their names with semicolons, or all")
    parser.add_argument("--forms", action="store_true", help="measure the forms of the n-gram regression instead")
    given = Path(__file__).parents[1].parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CORPUSMILL_TEST_DATA", given)))
    options = parser.parse_args()
    if not (options.data / "classify").is_dir():
        print(f"no data in {options.data}: name the folder with --data", file=sys.stderr)
        return 0
    tests = dict(one.split("=", 1) for one in options.test)
    names = options.only.split(",") if options.only else list(SETS)
    splits = {name: split(options.data / "classify", name, tests.get(name)) for name in SETS}
    bases: dict[str, Path | None] = {"zh": options.zh, "en": options.en}
    for language in sorted({SETS[name].language for name in names}):
        if bases[language] is None and options.minutes:
            corpora = options.runs / f"{language}-text"
            if not (corpora / "about.json").is_file():
                found = write_corpora(options.data, language, splits, corpora)
                (corpora / "about.json").write_text(json.dumps(found), encoding="utf-8")
            base = pretrained(WEIGHTS[language], corpora, options.runs / f"{language}-gpt", options.minutes)
            if language in ADAPTED and options.adapt:
                adapted = options.runs / f"{language}-adapted"
                base = pretrained(ADAPTED[language], corpora, adapted, options.adapt, base)
            bases[language] = base
    for name in names:
        base, recipe = bases[SETS[name].language], {**RECIPE, **OWN.get(name, {})}
        if options.forms:
            keep("accuracy_ngrams", name, None, forms(splits[name][0]))
        elif options.ablate and base is not None:
            wanted = list(ABLATIONS) if options.ablate == "all" else options.ablate.split(";")
            for option in ["the recipe", *wanted]:
                changed = ABLATIONS.get(option, {})
                inside, held = fold_of_training(splits[name][0])
                answers = fit_answers(base, {**recipe, **changed})(inside, SEEDS[0])
                found = {which: scored(answer, held)[1] for which, answer in answers.items()}
                figures = {which: {m: score[m] for m in MEASURES} for which, score in found.items()}
                keep("accuracy_options", name, base, {option: figures})
                said = "  ".join(f"{which} {score['accuracy']:.4f}" for which, score in found.items())
                print(f"{name:13} {option:26} {said}", file=sys.stderr, flush=True)
        else:
            # After each seed, so that a run that is stopped leaves what it has; "each" tells how many seeds there are.
            for found in measured(splits[name], base, recipe):
                keep("accuracy", name, base, found)
    return 0


def keep(kind: str, name: str, base: Path | None, found: dict[str, Any]) -> None:
    """Write what was found on a set; what earlier calls found on others stays."""
    path = RESULTS / f"{kind}.json"
    result = json.loads(path.read_text("utf-8")) if path.is_file() else {"gpts": {}, "sets": {}}
    result["machine"] = about(("fasttext-community", "scikit-learn", "torch"))
    result["recipe"] = {"all": RECIPE, **OWN}
    if base is not None:
        result["gpts"][SETS[name].language] = about_base(base)
    result["sets"][name] = {**result["sets"].get(name, {}), **found}
    save(kind, result)


def pretrained(weights: dict[str, float], corpora: Path, run: Path, minutes: float, base: Path | None = None) -> Path:
    """A GPT of the preset nano with 8,192 tokens, by Muon, its rate down to zero in time; or one that goes on so."""
    shares = tuple(CorpusShare(path=corpora / kind, weight=weight) for kind, weight in weights.items())
    tokenizer = corpora / "tokenizer"
    if not (tokenizer / "report.json").is_file():
        train_tokenizer([share.path for share in shares], tokenizer, vocab_size=VOCABULARY)
    pretrain(
        PretrainConfig(
            corpus=shares,
            output=run,
            tokenizer=None if base else tokenizer,
            base=base,
            preset="nano",
            batch_tokens=2048,
            micro_batch_tokens=2048,
            optimizer="muon",
            learning_rate=2.5e-3,
            final_learning_rate=0.0,
            warmup_steps=50,
            precision="bfloat16",
            max_minutes=minutes,
            evaluate_every=1000,
            train_sample_tokens=0,
            patience=None,
            seed=1 if base else 0,
            cache=corpora / "tokens",
        )
    )
    return run


def about_base(run: Path) -> dict[str, Any]:
    """How a GPT was pretrained, stage by stage."""
    result = run / "result.json"
    if not result.is_file():
        return {"run": run.name}
    found = json.loads(result.read_text("utf-8"))
    named = ("parameters", "steps", "tokens", "epochs", "seconds", "bits_per_byte", "baselines")
    before = json.loads((run / "config.json").read_text("utf-8")).get("base")
    text = run.parent / f"{run.name.split('-')[0]}-text" / "about.json"
    return {
        "run": run.name,
        **{name: found[name] for name in named},
        "text": json.loads(text.read_text("utf-8")) if text.is_file() else None,
        "before": None if before is None else about_base(Path(before)),
    }


def measured(parts: Parts, base: Path | None, recipe: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Scores of each model over the seeds so far, each GPT compared with the baselines on the same test."""
    train, test, counts = parts
    truth = [example.label for example in test]
    fits: list[tuple[Fits, tuple[int, ...]]] = [
        (lambda some, seed: {"fasttext": fit_fasttext()(some, seed)}, SEEDS),
        # Has nothing random: every seed gives the same.
        (lambda some, seed: {"tfidf": fit_tfidf()(some, seed)}, SEEDS[:1]),
    ]
    if base is not None:
        fits.append((fit_answers(base, recipe), SEEDS))
    models: dict[str, dict[str, Any]] = {}
    said: dict[str, list[str]] = {}
    for fit, seeds in fits:
        scores: dict[str, list[dict[str, Any]]] = {}
        began = time.perf_counter()
        for seed in seeds:
            for model, answer in fit(train, seed).items():
                labels, score = scored(answer, test)
                said.setdefault(model, labels)
                scores.setdefault(model, []).append(score)
            for model, some in scores.items():
                models[model] = {measure: over_seeds([s[measure] for s in some]) for measure in MEASURES}
                for measure in MEASURES:
                    models[model][measure]["interval_of_first"] = some[0]["intervals"][measure]
                if model != "fasttext":
                    models[model]["against_fasttext"] = compare_classifiers(truth, said[model], said["fasttext"])
                each = "  ".join(f"{value:.4f}" for value in models[model]["accuracy"]["each"])
                print(f"{model:12} accuracy {each}", file=sys.stderr, flush=True)
            models[next(iter(scores))]["seconds"] = round(time.perf_counter() - began, 1)
            if base is not None and "gpt" not in models:
                continue
            yield {**counts, "date": date.today().isoformat(), "recipe": recipe, "models": models}


def over_seeds(values: list[float]) -> dict[str, Any]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "spread": spread, "each": values}


def fit_answers(base: Path, settings: dict[str, Any]) -> Fits:
    """Our classifier, fine-tuned once: what it answers (`gpt`), and what its GPT and its n-grams answer alone."""

    def fit(train: list[Example], seed: int) -> dict[str, Predict]:
        with tempfile.TemporaryDirectory(prefix="corpusmill-accuracy-") as folder:
            data, run = Path(folder) / "train.jsonl", Path(folder) / "run"
            rows = (json.dumps({"text": e.text, "label": e.label}, ensure_ascii=False) for e in train)
            data.write_text("\n".join(rows) + "\n", "utf-8")
            # The test that fine-tuning asks for is one example of each label, and is not scored.
            own = {"base": base, "train": data, "output": run, "seed": seed, "test_share": 1e-9}
            report = finetune_classifier(ClassifierConfig(**{"baseline": False, "judge": False, **settings, **own}))
            if report["status"] == "interrupted":
                # A signal ends the loop only: what was learnt by then must not be scored as if it were a seed.
                raise SystemExit(75)
            model = classifier_of(run)
        decided = model.weights

        def predicted(chances: Floats) -> Predicted:
            return Predicted([model.labels[i] for i in chances.argmax(axis=1)], chances, tuple(model.labels))

        def by(weights: tuple[float, float]) -> Predict:
            def predict(texts: Sequence[str]) -> Predicted:
                model.weights = weights
                return predicted(model.probabilities(model.encode(texts)[0]))

            return predict

        def by_ngrams(texts: Sequence[str]) -> Predicted:
            counts = [row.counts for row in model.encode(texts)[0] if row.counts is not None]
            assert model.ngrams is not None
            return predicted(model.ngrams.scores(counts).double().softmax(dim=1).numpy())

        return {"gpt": by(decided), "gpt_alone": by((1.0, 0.0)), "ngrams_alone": by_ngrams}

    return fit


def fold_of_training(train: list[Example]) -> tuple[list[Example], list[Example]]:
    """Four fifths of the training examples, and one held out, in whole groups of near-duplicates."""
    names = sorted({example.label for example in train})
    labels = np.array([names.index(example.label) for example in train])
    held = grouped_folds(labels, near_duplicate_groups([example.text for example in train]), 5, seed=7) == 0
    parted = list(zip(train, held, strict=True))
    return [example for example, out in parted if not out], [example for example, out in parted if out]


def scored(predict: Predict, test: list[Example]) -> tuple[list[str], dict[str, Any]]:
    predicted = predict([example.text for example in test])
    truth = [example.label for example in test]
    labels = sorted({*predicted.names, *predicted.labels, *truth})
    return predicted.labels, classification_metrics(
        truth, predicted.labels, labels, predicted.over(labels), resamples=1000
    )


if __name__ == "__main__":
    sys.exit(main())
