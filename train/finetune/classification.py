"""Fine-tuning a pretrained GPT to classify texts, by one label each or by any number of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from ...curate.errors import InputError
from ..evaluate.baselines import fasttext_classification
from ..evaluate.leakage import without_leaks
from ..evaluate.metrics import classification_metrics, multilabel_metrics
from ..loop.checkpoint import load_model
from ..loop.files import write_whole
from ..loop.loop import train_loop
from ..loop.progress import console
from ..loop.runs import open_run
from ..model.gpt import GPT
from ..tokenizer.bpe import Tokenizer
from .samples import Example, guard, read_examples, stratified
from .tuning import (
    ELSEWHERE,
    FinetuneConfig,
    Planned,
    about_loop,
    batches_of_like_length,
    finish,
    make_task,
    prepare,
    warn_truncated,
)

Floats = NDArray[np.float64]
Pooling = Literal["mean", "last", "both"]

EPOCHS = 5.0


class ClassifierConfig(FinetuneConfig):
    """Fine-tune a classifier on texts with labels."""

    test: Path | None = None
    """Test data of the same shape; null holds out `test_share` of the training data."""
    test_share: float = Field(default=0.1, gt=0, lt=1)
    """Share held out for the test when no test data are named."""
    text: str | None = None
    """Field with the text; null tries the usual names."""
    label: str | None = None
    """Field with the label, or with a list of labels; null tries the usual names."""
    batch_size: PositiveInt = 32
    """Examples an optimizer step."""
    max_length: PositiveInt | None = None
    """Tokens kept of a text, from its beginning; null keeps what the model's context holds."""
    pooling: Pooling = "mean"
    """Where the head reads: the `mean` of a text's states, the `last` one, or `both`."""
    augment: NonNegativeInt = 0
    """Altered copies of each training text (the pipeline's `augment`: swapped synonyms, recombined sentences, noise);
    texts held out are never altered."""
    baseline: bool = True
    """Train fastText on the same examples and report its scores beside."""
    judge: bool = True
    """Score the test set; a search does so with its winner only."""


class Classifier:
    """A GPT and a linear head on a text's hidden states.

    Their mean by default: a small model that saw little text has not learnt to carry a whole review to its end.
    """

    def __init__(
        self,
        model: GPT,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        max_length: int | None = None,
        *,
        several: bool = False,
        pooling: Pooling = "mean",
    ) -> None:
        self.model, self.tokenizer, self.labels = model, tokenizer, list(labels)
        self.several, self.pooling = several, pooling
        self.max_length = min(max_length or model.config.context, model.config.context)
        width = model.config.hidden_size * (2 if pooling == "both" else 1)
        self.head = nn.Linear(width, len(self.labels))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.head.to(next(model.parameters()).device)

    def encode(self, texts: Sequence[str]) -> tuple[list[list[int]], dict[str, int]]:
        """Ids of each text between two <|endoftext|>; how many texts were cut, and what they lost."""
        room = max(1, self.max_length - 2)
        end = self.tokenizer.end_of_text
        ids = self.tokenizer.encode_batch(texts)
        lost = [len(i) - room for i in ids if len(i) > room]
        return [[end, *i[:room], end] for i in ids], {"texts": len(lost), "tokens": sum(lost)}

    def scores(self, rows: Sequence[list[int]]) -> Tensor:
        """Scores (rows, labels). Padding is on the right, where causal attention never looks."""
        device = self.head.weight.device
        longest = max(map(len, rows))
        tokens = torch.tensor([r + [self.tokenizer.pad] * (longest - len(r)) for r in rows], device=device)
        lengths = torch.tensor([len(r) for r in rows], device=device)
        hidden = self.model(tokens)
        pooled = []
        if self.pooling != "last":
            inside = (torch.arange(longest, device=device) < lengths[:, None])[..., None]
            pooled.append((hidden * inside).sum(dim=1) / lengths[:, None])
        if self.pooling != "mean":
            pooled.append(hidden[torch.arange(len(rows), device=device), lengths - 1])
        return self.head(torch.cat(pooled, dim=1))  # type: ignore[no-any-return]

    @torch.no_grad()
    def probabilities(self, rows: Sequence[list[int]], batch_size: int = 64) -> Floats:
        """(rows, labels): chances that add up to 1, or, where texts have several labels, each label's own."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = np.zeros((len(rows), len(self.labels)))
        for first in range(0, len(order), batch_size):
            some = order[first : first + batch_size]
            scores = self.scores([rows[i] for i in some]).double()
            found[some] = (scores.sigmoid() if self.several else scores.softmax(dim=1)).cpu().numpy()
        return found

    def predict(self, rows: Sequence[list[int]], batch_size: int = 64) -> list[str]:
        """The likeliest label of each row."""
        return [self.labels[i] for i in self.probabilities(rows, batch_size).argmax(axis=1)]

    def predict_sets(self, rows: Sequence[list[int]], batch_size: int = 64) -> list[list[str]]:
        """The labels of each row that are likelier than not."""
        return [self._above(chances) for chances in self.probabilities(rows, batch_size)]

    def metrics(self, examples: Sequence[Example], rows: Sequence[list[int]]) -> dict[str, Any]:
        """Scores against the examples' labels."""
        chances = self.probabilities(rows)
        if self.several:
            truth = [example.labels or () for example in examples]
            return multilabel_metrics(truth, [self._above(c) for c in chances], self.labels, chances)
        found = [self.labels[i] for i in chances.argmax(axis=1)]
        return classification_metrics([example.label for example in examples], found, self.labels, chances)

    def _above(self, chances: Floats) -> list[str]:
        return [label for label, chance in zip(self.labels, chances, strict=True) if chance > 0.5]


def finetune_classifier(config: ClassifierConfig) -> dict[str, Any]:
    """Fine-tune a classifier; returns the report that is also written as report.json.

    Training texts that are equal to one another, that carry two labels, or that the test holds (equal or nearly so) are
    removed first and counted. Training stops on macro F1 of a stratified validation split; the test set is scored once,
    with the best checkpoint. Raises InputError on data that cannot be used.
    """
    run, device = config.output, config.torch_device()
    train, validation, test, removed, leakage = _splits(config)
    several = train[0].labels is not None
    labels = sorted({name for example in train for name in _names(example)})
    unknown = sorted({name for example in test for name in _names(example)} - set(labels))
    if unknown:
        raise InputError(f"the test data have labels that no training example has: {', '.join(unknown)}")
    if len(labels) < 2 or not validation or not test:
        raise InputError(
            f"a classifier needs two labels with several examples each; after removing duplicates, {len(train)} training, "
            f"{len(validation)} validation and {len(test)} test examples are left, labelled {', '.join(labels)}"
        )
    made = augmented(train, config.augment, config.seed)
    base = prepare(config, language_model=False)
    open_run(config, run, overwrite=config.overwrite, checked_elsewhere=ELSEWHERE | {"baseline", "judge"})
    classifier = Classifier(
        base.model, base.tokenizer, labels, config.max_length, several=several, pooling=config.pooling
    )
    about = {"labels": labels, "max_length": classifier.max_length, "several": several, "pooling": config.pooling}
    write_whole(run / "labels.json", json.dumps(about, ensure_ascii=False, indent=2))
    learnt = [*train, *made]
    rows, truncated = classifier.encode([example.text for example in learnt])
    warn_truncated(truncated["texts"], len(rows), "training texts", truncated["tokens"], classifier.max_length)
    for example, row in list(zip(learnt, rows, strict=True))[: config.show]:
        shown = base.tokenizer.decode(row)
        console().print(
            f"[dim]{len(row)} tokens:[/dim] {_plain(shown)} → [bold green]{_plain(example.label)}[/bold green]"
        )
    held_out, _ = classifier.encode([example.text for example in validation])
    place = {label: i for i, label in enumerate(labels)}
    target = torch.zeros(len(learnt), len(labels), device=device)
    for i, example in enumerate(learnt):
        target[i, [place[name] for name in _names(example)]] = 1.0

    def loss(batch: list[int]) -> Tensor:
        scores, wanted = classifier.scores([rows[i] for i in batch]), target[batch]
        smoothing = config.label_smoothing
        if several:
            soft = wanted * (1 - smoothing) + smoothing / 2
            return F.binary_cross_entropy_with_logits(scores, soft, reduction="none").mean(dim=1).sum()
        return F.cross_entropy(scores, wanted, label_smoothing=smoothing, reduction="sum")

    def evaluate() -> dict[str, Any]:
        scores = classifier.metrics(validation, held_out)
        accuracy = {"accuracy": scores["accuracy"]} if "accuracy" in scores else {}
        return {"f1_macro": scores["f1_macro"], **accuracy}

    lengths = [len(row) for row in rows]
    task = make_task(
        config,
        base,
        Planned(lambda epoch: batches_of_like_length(lengths, config.batch_size, config.seed, epoch), lambda b: b),
        loss=loss,
        count=len,
        evaluate=evaluate,
        monitor="f1_macro",
        epochs=EPOCHS,
        data=[(example.text, example.label) for example in (*learnt, *validation)],
        head={f"classifier.{name}": parameter for name, parameter in classifier.head.named_parameters()},
    )
    loop = train_loop(task, config, run)
    report: dict[str, Any] = {
        **about_loop(config, loop, base, task),
        "examples": {"train": len(train), "validation": len(validation), "test": len(test)},
        "augmented": len(made),
        "removed": removed,
        "leakage": leakage,
        "validation_f1_macro": loop.state.best,
        "truncated": {"train": truncated["texts"]},
    }
    if config.judge:
        best = load_classifier(loop.best_checkpoint, run / "labels.json", device)
        tests, cut = best.encode([example.text for example in test])
        report["truncated"]["test"] = cut["texts"]
        report["test"] = best.metrics(test, tests)
        # fastText is trained for one label a text.
        if config.baseline and not several:
            pairs = [(example.text, example.label) for example in train]
            found = fasttext_classification(pairs, [example.text for example in test], seed=config.seed)
            report["fasttext"] = classification_metrics([example.label for example in test], found, labels)
    return finish(run, report, task.monitor)


def _splits(
    config: ClassifierConfig,
) -> tuple[list[Example], list[Example], list[Example], dict[str, int], dict[str, Any] | None]:
    """Training, validation and test examples without duplicates and leaks; what was removed, and the leaks."""
    train, counted = guard(read_examples(config.train, config.text, config.label), [])
    removed = asdict(counted)
    leakage = None
    if config.test is not None:
        test = read_examples(config.test, config.text, config.label)
        train, test, found = without_leaks(train, test)
        removed["in_test"] = found.leaked_train
        leakage = found.as_dict()
        if found.leaked_test:
            console().print(found.sentence(), highlight=False)
        kinds = {example.labels is None for example in (*train, *test)}
        if len(kinds) > 1:
            raise InputError(
                f"{config.train} and {config.test} differ: one has a label a text, the other lists of them"
            )
    else:
        train, test = stratified(train, config.test_share, config.seed)
    if not train:
        raise InputError(
            f"no training example of {config.train} is left: all are duplicates, contradict, or are in the test"
        )
    train, validation = stratified(train, config.validation_share, config.seed + 1)
    return train, validation, test, removed, leakage


def augmented(examples: Sequence[Example], copies: int, seed: int) -> list[Example]:
    """At most `copies` altered children of each example, under its label; fewer where no operation finds a place."""
    if not copies:
        return []
    from ...filters.augment.steps import OPS, Augment

    step = Augment(seed=seed)
    step.prepare()
    known = {example.text for example in examples}
    made = []
    # `entity` needs a list of names that only its user has.
    ops = [op for op in OPS if op != "entity"]
    for i, example in enumerate(examples):
        draw = random.Random(f"{seed} {i}")
        for op in draw.choices(ops, k=copies):
            text, edits = step.alter(example.text, op, draw)
            if edits and text not in known:
                known.add(text)
                made.append(Example(text, example.label, example.labels))
    return made


def load_classifier(checkpoint: Path, labels: Path, device: torch.device) -> Classifier:
    """The classifier of a checkpoint. Raises InputError if the checkpoint is not a classifier's."""
    model, tokenizer, extra = load_model(checkpoint)
    if "classifier.weight" not in extra or not labels.is_file():
        raise InputError(f"{checkpoint} is not a classifier: make one with `corpusmill train finetune classify`")
    about = json.loads(labels.read_text("utf-8"))
    names, limit = about.pop("labels"), about.pop("max_length")
    classifier = Classifier(model.to(device), tokenizer, names, limit, **about)
    classifier.head.load_state_dict({name.removeprefix("classifier."): tensor for name, tensor in extra.items()})
    return classifier


def classify(run: str | Path, texts: Sequence[str]) -> list[Any]:
    """Labels of texts by a fine-tuned classifier's best checkpoint: one each, or a list where texts have several."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    classifier = load_classifier(Path(run), Path(run) / "labels.json", device)
    if not texts:
        return []
    rows = classifier.encode(texts)[0]
    return classifier.predict_sets(rows) if classifier.several else classifier.predict(rows)


def _names(example: Example) -> Sequence[str]:
    return (example.label,) if example.labels is None else example.labels


def _plain(text: str) -> str:
    """Text as rich prints it unchanged."""
    return text.replace("[", "\\[")
