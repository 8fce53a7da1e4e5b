"""Five classification sets: our small GPTs, pretrained here, beside fastText and TF-IDF with logistic regression.

    OMP_NUM_THREADS=1 python bench_accuracy.py --minutes 38 --adapt 20 [--runs FOLDER] [--only trec6,sst2] [--ablate]
    python bench_accuracy.py --zh RUN --en RUN [--test trec6=trec_test.jsonl]

Without --minutes and without runs only the two baselines are measured. With --minutes a Chinese and an English GPT of
five million weights are pretrained for so long each (a run that is there already is taken as it is); the English one,
most of whose text is of other kinds, goes on for --adapt minutes with more reviews. They are fine-tuned on each set with
three seeds. The test is the set's development file, or a tenth of the set in whole groups of near-duplicates, or the file
named with --test; nothing of it is in the training data, nor in what the GPTs are pretrained on (`accuracy_data.py`).
A GPT must not be given sets whose test texts it was pretrained on: name the same --test when it is made and when it is used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_data import ADAPTED, SETS, WEIGHTS, split, write_corpora
from machine import RESULTS, about, save

from corpusmill.train import PretrainConfig, pretrain, train_tokenizer
from corpusmill.train.data.mix import CorpusShare
from corpusmill.train.evaluate.compare import compare_classifiers
from corpusmill.train.evaluate.crossval import Fit, fit_fasttext, fit_gpt, fit_tfidf
from corpusmill.train.evaluate.metrics import classification_metrics
from corpusmill.train.finetune.samples import Example

Parts = tuple[list[Example], list[Example], dict[str, Any]]
"""Training and test examples of a set, and what was taken out."""

SEEDS = (0, 1, 2)
MEASURES = ("accuracy", "f1_macro")
VOCABULARY = 8192

RECIPE: dict[str, Any] = {"uncased": True, "precision": "bfloat16", "max_length": 128, "token_dropout": 0.1}
"""Fine-tuning: the defaults of `corpusmill train finetune classify` but for these. The GPTs were pretrained uncased;
bfloat16 and 128 tokens save time."""

OWN: dict[str, dict[str, Any]] = {name: {"batch_size": 64, "epochs": 2} for name in ("tnews", "thucnews")}
"""And of the sets of titles, which are many and short: larger batches and fewer passes, to save time."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "GPT alone": {"ngrams": 0},
    "best checkpoint": {"choose": "best"},
    "no token dropout": {"token_dropout": 0.0},
    "pooling both": {"pooling": "both"},
    "lowest two blocks frozen": {"freeze": 2},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.1, R-Drop 1": {"consistency": 1.0, "dropout": 0.1},
    "language loss 0.1": {"language_loss": 0.1},
}
"""What each option does, one at a time, with the first seed."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="pretrain each GPT for so long")
    parser.add_argument("--adapt", type=float, help="and the English one for so long again")
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="where they go on, or are already")
    parser.add_argument("--zh", type=Path, help="run folder of a GPT for the Chinese sets")
    parser.add_argument("--en", type=Path, help="run folder of a GPT for the English sets")
    parser.add_argument("--only", help="names of sets, with commas")
    parser.add_argument("--test", action="append", default=[], help="NAME=FILE: an official test set")
    parser.add_argument("--ablate", help="measure options of fine-tuning instead: their names with commas, or all")
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
        if options.ablate and base is not None:
            wanted = list(ABLATIONS) if options.ablate == "all" else options.ablate.split(",")
            for option in ["the recipe", *wanted]:
                changed = ABLATIONS.get(option, {})
                _, score = scored(fit_gpt(base, **{**recipe, **changed}), *splits[name][:2], SEEDS[0])
                keep("accuracy_ablation", name, base, {option: {measure: score[measure] for measure in MEASURES}})
                print(f"{name:13} {option:24} accuracy {score['accuracy']:.4f}", file=sys.stderr, flush=True)
        else:
            keep("accuracy", name, base, measured(splits[name], base, recipe))
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


def measured(parts: Parts, base: Path | None, recipe: dict[str, Any]) -> dict[str, Any]:
    """Scores of each model over the seeds, each GPT compared with the baselines on the same test."""
    train, test, counts = parts
    truth = [example.label for example in test]
    models: dict[str, tuple[Fit, tuple[int, ...]]] = {
        "fasttext": (fit_fasttext(), SEEDS),
        "tfidf": (fit_tfidf(), SEEDS[:1]),  # has nothing random: every seed gives the same
    }
    if base is not None:
        models["gpt"] = (fit_gpt(base, **recipe), SEEDS)
    found: dict[str, Any] = {**counts, "models": {}}
    said: dict[str, list[str]] = {}
    for model, (fit, seeds) in models.items():
        scores, began = [], time.perf_counter()
        for seed in seeds:
            labels, score = scored(fit, train, test, seed)
            said.setdefault(model, labels)
            scores.append(score)
        found["models"][model] = {
            measure: {
                "mean": float(np.mean([s[measure] for s in scores])),
                "spread": float(np.std([s[measure] for s in scores], ddof=1)) if len(scores) > 1 else None,
                "each": [s[measure] for s in scores],
                "interval_of_first": scores[0]["intervals"][measure],
            }
            for measure in MEASURES
        } | {"seconds": round(time.perf_counter() - began, 1)}
        mean = found["models"][model]["accuracy"]["mean"]
        print(f"{model:9} accuracy {mean:.4f}", file=sys.stderr, flush=True)
    for model in list(models)[1:]:
        found["models"][model]["against_fasttext"] = compare_classifiers(truth, said[model], said["fasttext"])
    return found


def scored(fit: Fit, train: list[Example], test: list[Example], seed: int) -> tuple[list[str], dict[str, Any]]:
    predicted = fit(train, seed)([example.text for example in test])
    truth = [example.label for example in test]
    labels = sorted({example.label for example in train} | set(truth))
    return predicted.labels, classification_metrics(
        truth, predicted.labels, labels, predicted.over(labels), resamples=1000
    )


if __name__ == "__main__":
    sys.exit(main())
