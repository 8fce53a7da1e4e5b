"""Fine-tuning a pretrained GPT: to classify texts, or to follow instructions. Both on the loop of pretraining."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
import xxhash
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from ..curate.errors import InputError
from .baselines import fasttext_classification
from .chat import Encoded, encode_conversations, pack, rows_of
from .checkpoint import load_model
from .data import Batch
from .distributed import World
from .evaluate import classification_metrics
from .loop import LoopConfig, LoopResult, Task, train_loop
from .model import GPT
from .optim import adamw
from .progress import console, read_metrics, write_curve
from .runs import open_run
from .samples import Message, guard, read_conversations, read_examples, stratified, text_key
from .tokenizer import Tokenizer

B = TypeVar("B")


class FinetuneConfig(LoopConfig):
    """What both kinds of fine-tuning let one set."""

    base: Path
    """Run folder or checkpoint of the pretrained model."""
    train: Path
    """Training data: .jsonl, .csv or .parquet."""
    output: Path
    """Run folder. If it holds an interrupted run of the same settings, that run goes on."""
    epochs: PositiveFloat = 5.0
    """Passes over the training data, unless max_steps says otherwise."""
    learning_rate: PositiveFloat = 5e-4
    """Peak learning rate."""
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training data held out to decide when to stop."""
    overwrite: bool = Field(default=False, exclude=True)
    """Delete a run that is already in `output` instead of going on with it."""


class ClassifierConfig(FinetuneConfig):
    """Fine-tune a classifier on texts with labels."""

    test: Path | None = None
    """Test data of the same shape; null holds out `test_share` of the training data."""
    test_share: float = Field(default=0.1, gt=0, lt=1)
    """Share held out for the test when no test data are named."""
    text: str = "text"
    """Field with the text."""
    label: str = "label"
    """Field with the label."""
    batch_size: PositiveInt = 32
    """Examples an optimizer step."""
    max_length: PositiveInt | None = None
    """Tokens kept of a text, from its beginning; null keeps what the model's context holds."""
    baseline: bool = True
    """Train fastText on the same examples and report its scores beside."""


class InstructConfig(FinetuneConfig):
    """Fine-tune on conversations, with loss on the answers only."""

    epochs: PositiveFloat = 3.0
    """Passes over the training data, unless max_steps says otherwise."""
    batch_tokens: PositiveInt = 4096
    """Tokens an optimizer step, padding included."""


class Planned(Generic[B]):
    """Batches by a plan: `plan(epoch)` lists each batch's items, `make` builds one. State is (epoch, position)."""

    def __init__(self, plan: Callable[[int], list[list[int]]], make: Callable[[list[int]], B]) -> None:
        self.plan, self.make = plan, make
        self.load_state({"epoch": 0, "position": 0})

    @property
    def epochs(self) -> float:
        return self.epoch + self.position / len(self.batches)

    def next(self) -> list[B]:
        if self.position == len(self.batches):
            self.load_state({"epoch": self.epoch + 1, "position": 0})
        self.position += 1
        return [self.make(self.batches[self.position - 1])]

    def state(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state(self, state: dict[str, int]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        self.batches = self.plan(self.epoch)


class Classifier:
    """A GPT and a linear head on the mean of a text's hidden states.

    The mean, not the last state: a small model that saw little text has not learnt to carry a whole review to its end.
    """

    def __init__(self, model: GPT, tokenizer: Tokenizer, labels: Sequence[str], max_length: int | None = None) -> None:
        self.model, self.tokenizer, self.labels = model, tokenizer, list(labels)
        self.max_length = min(max_length or model.config.context, model.config.context)
        self.head = nn.Linear(model.config.hidden_size, len(self.labels))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.head.to(next(model.parameters()).device)

    def encode(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Ids of each text between two <|endoftext|>, and how many texts were cut."""
        room = max(1, self.max_length - 2)
        end = self.tokenizer.end_of_text
        ids = self.tokenizer.encode_batch(texts)
        return [[end, *i[:room], end] for i in ids], sum(len(i) > room for i in ids)

    def scores(self, rows: Sequence[list[int]]) -> Tensor:
        """Scores (rows, labels). Padding is on the right, where causal attention never looks."""
        device = self.head.weight.device
        longest = max(map(len, rows))
        tokens = torch.tensor([r + [self.tokenizer.pad] * (longest - len(r)) for r in rows], device=device)
        lengths = torch.tensor([len(r) for r in rows], device=device)
        inside = (torch.arange(longest, device=device) < lengths[:, None])[..., None]
        mean = (self.model(tokens) * inside).sum(dim=1) / lengths[:, None]
        return self.head(mean)  # type: ignore[no-any-return]

    @torch.no_grad()
    def predict(self, rows: Sequence[list[int]], batch_size: int = 64) -> list[str]:
        """The likeliest label of each row."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = [""] * len(rows)
        for first in range(0, len(order), batch_size):
            some = order[first : first + batch_size]
            for i, best in zip(some, self.scores([rows[i] for i in some]).argmax(dim=1).tolist(), strict=True):
                found[i] = self.labels[best]
        return found


def finetune_classifier(config: ClassifierConfig) -> dict[str, Any]:
    """Fine-tune a classifier; returns the report that is also written as report.json.

    Training texts that are equal to a test text, to one another, or that carry two labels are removed first (by
    normalised text) and counted. Training stops on macro F1 of a stratified validation split; the test set is scored
    once, with the best checkpoint. Raises InputError on data that cannot be used.
    """
    run, device = config.output, config.torch_device()
    train = read_examples(config.train, config.text, config.label)
    if config.test is not None:
        test = read_examples(config.test, config.text, config.label)
        train, leaks = guard(train, test)
    else:
        train, leaks = guard(train, [])
        train, test = stratified(train, config.test_share, config.seed)
    train, validation = stratified(train, config.validation_share, config.seed + 1)
    labels = sorted({example.label for example in train})
    unknown = sorted({example.label for example in test} - set(labels))
    if unknown:
        raise InputError(f"the test data have labels that no training example has: {', '.join(unknown)}")
    if len(labels) < 2 or not validation or not test:
        raise InputError(
            f"a classifier needs two labels with several examples each; after removing duplicates, {len(train)} training, "
            f"{len(validation)} validation and {len(test)} test examples are left, labelled {', '.join(labels)}"
        )
    model, tokenizer, _ = load_model(config.base)
    open_run(config, run, overwrite=config.overwrite, checked_elsewhere={"output", "baseline"})
    torch.manual_seed(config.seed)
    classifier = Classifier(model.to(device), tokenizer, labels, config.max_length)
    about = {"labels": labels, "max_length": classifier.max_length}
    (run / "labels.json").write_text(json.dumps(about, ensure_ascii=False, indent=2), "utf-8")
    rows, truncated = classifier.encode([example.text for example in train])
    held_out, _ = classifier.encode([example.text for example in validation])
    target = [labels.index(example.label) for example in train]

    def plan(epoch: int) -> list[list[int]]:
        random = np.random.Generator(np.random.PCG64([config.seed, epoch]))
        order = random.permutation(len(rows)).tolist()
        batches = []
        # Texts of like length share a batch, within pools large enough to stay random: less padding to compute.
        pool = 16 * config.batch_size
        for first in range(0, len(order), pool):
            some = sorted(order[first : first + pool], key=lambda i: len(rows[i]))
            batches += [some[i : i + config.batch_size] for i in range(0, len(some), config.batch_size)]
        return [batches[i] for i in random.permutation(len(batches))]

    def loss(batch: list[int]) -> Tensor:
        scores = classifier.scores([rows[i] for i in batch])
        return F.cross_entropy(scores, torch.tensor([target[i] for i in batch], device=device), reduction="sum")

    def evaluate() -> dict[str, Any]:
        scores = classification_metrics([e.label for e in validation], classifier.predict(held_out), labels)
        return {"f1_macro": scores["f1_macro"], "accuracy": scores["accuracy"]}

    extra: dict[str, Tensor] = {
        f"classifier.{name}": parameter for name, parameter in classifier.head.named_parameters()
    }
    source = Planned(plan, lambda batch: batch)
    task = _task(
        config,
        model,
        tokenizer,
        source,
        loss,
        len,
        evaluate,
        "f1_macro",
        extra,
        [(example.text, example.label) for example in (*train, *validation)],
    )
    loop = train_loop(task, config, run)
    best = load_classifier(loop.best_checkpoint, run / "labels.json", device)
    tests, truncated_test = best.encode([example.text for example in test])
    truth = [example.label for example in test]
    report: dict[str, Any] = {
        **_about(loop),
        "examples": {"train": len(train), "validation": len(validation), "test": len(test)},
        "removed": asdict(leaks),
        "truncated": {"train": truncated, "test": truncated_test},
        "validation_f1_macro": loop.state.best,
        "test": classification_metrics(truth, best.predict(tests), labels),
    }
    if config.baseline:
        pairs = [(example.text, example.label) for example in train]
        found = fasttext_classification(pairs, [example.text for example in test], seed=config.seed)
        report["fasttext"] = classification_metrics(truth, found, labels)
    return _finish(run, report, task.monitor)


def load_classifier(checkpoint: Path, labels: Path, device: torch.device) -> Classifier:
    """The classifier of a checkpoint. Raises InputError if the checkpoint is not a classifier's."""
    model, tokenizer, extra = load_model(checkpoint)
    if "classifier.weight" not in extra or not labels.is_file():
        raise InputError(f"{checkpoint} is not a classifier: make one with `corpusmill train finetune classify`")
    about = json.loads(labels.read_text("utf-8"))
    classifier = Classifier(model.to(device), tokenizer, about["labels"], about["max_length"])
    classifier.head.load_state_dict({name.removeprefix("classifier."): tensor for name, tensor in extra.items()})
    return classifier


def classify(run: str | Path, texts: Sequence[str]) -> list[str]:
    """Labels of texts by a fine-tuned classifier's best checkpoint."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    classifier = load_classifier(Path(run), Path(run) / "labels.json", device)
    return classifier.predict(classifier.encode(texts)[0]) if texts else []


def finetune_instructions(config: InstructConfig) -> dict[str, Any]:
    """Fine-tune on conversations in ChatML; returns the report that is also written as report.json.

    Loss falls on the assistant's words and the mark that ends its turn, nowhere else. A conversation cut so short that
    no answer is left is refused, one that is merely cut is kept; both are counted. Raises InputError if none is left.
    """
    run, device = config.output, config.torch_device()
    conversations = read_conversations(config.train)
    unique = _unique(conversations)
    model, tokenizer, extra = load_model(config.base)
    if extra:
        raise InputError(f"{config.base} is a classifier: instructions need a language model")
    context = model.config.context
    encoded, counts = encode_conversations(tokenizer, unique, context)
    if len(encoded) < 2:
        raise InputError(
            f"{len(encoded)} of {len(unique)} conversations have an answer within the model's {context} tokens; at least "
            "two are needed: use shorter ones, or a model with a longer context"
        )
    open_run(config, run, overwrite=config.overwrite, checked_elsewhere={"output"})
    order = np.random.Generator(np.random.PCG64([config.seed, len(encoded)])).permutation(len(encoded)).tolist()
    cut = min(len(encoded) - 1, max(1, round(config.validation_share * len(encoded))))
    held_out, train = [encoded[i] for i in sorted(order[:cut])], [encoded[i] for i in sorted(order[cut:])]
    torch.manual_seed(config.seed)
    model = model.to(device)
    rows_a_batch = max(1, config.batch_tokens // context)

    def batches(items: list[Encoded], order: Sequence[int]) -> list[list[list[int]]]:
        packed = pack([len(items[i].ids) for i in order], context)
        rows = [[order[i] for i in row] for row in packed]
        return [rows[i : i + rows_a_batch] for i in range(0, len(rows), rows_a_batch)]

    plans: dict[int, list[list[list[int]]]] = {}

    def plan(epoch: int) -> list[list[int]]:
        random = np.random.Generator(np.random.PCG64([config.seed, epoch]))
        plans.clear()
        plans[epoch] = batches(train, random.permutation(len(train)).tolist())
        return [[epoch, i] for i in range(len(plans[epoch]))]

    def make(item: list[int]) -> Batch:
        return rows_of(train, plans[item[0]][item[1]], context, tokenizer.pad)

    def loss(batch: Batch) -> Tensor:
        batch = batch.to(device)
        return model.loss(model(batch.tokens, batch.segments), batch.targets)

    judged = [rows_of(held_out, rows, context, tokenizer.pad) for rows in batches(held_out, range(len(held_out)))]

    def evaluate() -> dict[str, Any]:
        total = sum(float(loss(batch)) for batch in judged)
        return {"answer_loss": total / sum(batch.target_count for batch in judged)}

    task = _task(
        config,
        model,
        tokenizer,
        Planned(plan, make),
        loss,
        lambda b: b.target_count,
        evaluate,
        "answer_loss",
        None,
        [str(item.ids) for item in encoded],
    )
    loop = train_loop(task, config, run)
    report = {
        **_about(loop),
        "conversations": {
            "read": len(conversations),
            "duplicates": len(conversations) - len(unique),
            **counts,
            "train": len(train),
            "validation": len(held_out),
        },
        "first_answer_loss": _first(run, "answer_loss"),
        "answer_loss": loop.state.best,
    }
    if counts["refused"]:
        console().print(
            f"{counts['refused']} conversations were refused: no answer fits in {context} tokens", highlight=False
        )
    return _finish(run, report, task.monitor)


def _task(
    config: FinetuneConfig,
    model: GPT,
    tokenizer: Tokenizer,
    source: Planned[B],
    loss: Callable[[B], Tensor],
    count: Callable[[B], int],
    evaluate: Callable[[], dict[str, Any]],
    monitor: str,
    extra: dict[str, Tensor] | None,
    data: Sequence[object],
) -> Task[B]:
    steps_an_epoch = len(source.batches)
    return Task(
        model=model,
        tokenizer=tokenizer,
        optimizer=adamw(
            [*model.parameters(), *(extra or {}).values()],
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.99),
        ),
        source=source,
        loss=loss,
        count=count,
        evaluate=evaluate,
        monitor=monitor,
        higher_is_better=monitor == "f1_macro",
        max_steps=config.max_steps or max(1, round(config.epochs * steps_an_epoch)),
        evaluate_every=config.evaluate_every or max(1, steps_an_epoch // 2),
        extra=extra,
        world=World(device=config.torch_device()),
        fingerprints={
            "tokenizer": tokenizer.fingerprint(),
            "training data": xxhash.xxh3_128_hexdigest(json.dumps(data, ensure_ascii=False).encode()),
        },
    )


def _unique(conversations: Sequence[list[Message]]) -> list[list[Message]]:
    """The first of each set of conversations that are equal after normalisation, so that none is in both splits."""
    first: dict[bytes, list[Message]] = {}
    for conversation in conversations:
        first.setdefault(text_key("\0".join(m.content for m in conversation)), conversation)
    return list(first.values())


def _about(loop: LoopResult) -> dict[str, Any]:
    return {
        "status": loop.status,
        "steps": loop.state.step,
        "seconds": loop.state.seconds,
        "best_step": loop.state.best_step,
        "best_checkpoint": str(loop.best_checkpoint),
    }


def _first(run: Path, name: str) -> float:
    return next(float(r[name]) for r in read_metrics(run / "metrics.jsonl") if name in r)


def _finish(run: Path, report: dict[str, Any], monitor: str) -> dict[str, Any]:
    write_curve(run, monitor)
    (run / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    return report
