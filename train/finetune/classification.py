"""Fine-tuning a pretrained GPT to classify texts, by one label each or by any number of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from ...curate.errors import InputError
from ..evaluate.baselines import fasttext_classification
from ..evaluate.leakage import near_duplicate_groups, without_leaks
from ..evaluate.metrics import classification_metrics
from ..evaluate.report import evaluation_page
from ..loop.checkpoint import Checkpoints
from ..loop.distributed import World
from ..loop.files import write_whole
from ..loop.loop import train_loop
from ..loop.progress import console
from .classifier import Classifier, Pooling, load_classifier
from .ngrams import NgramWeights
from .samples import Example, guard, read_examples, stratified
from .tuning import (
    FinetuneConfig,
    Planned,
    about_loop,
    batches_of_like_length,
    finish,
    make_task,
    open_finetune_run,
    prepare,
    together,
    warn_truncated,
)

EPOCHS = 3.0

OWN_AGAINST_OVERFITTING = ("choose", "token_dropout", "consistency", "language_loss", "augment")
"""Settings that the report repeats besides those of all fine-tuning."""

FASTER = 2.0
"""The peak rate is so many times what the model's size suggests: labels are few, and so are the steps."""


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
    uncased: bool = False
    """Read texts in one width (NFKC) and without capitals: for a base model that was pretrained on such."""
    ngrams: NonNegativeInt | None = None
    """Longest n-grams, of words or unspaced characters, of a logistic regression that answers beside the GPT and
    reads pieces of spaced words as well; how much each counts is decided on the validation split. 0 asks the GPT alone,
    null goes by its size (`default_ngrams`)."""
    token_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of a training text's tokens left out, others each time."""
    language_loss: float = Field(default=0.0, ge=0)
    """Weight of the language model's loss on the same texts beside the classifier's."""
    consistency: float = Field(default=0.0, ge=0)
    """R-Drop (Wu et al. 2021): each text goes through twice, under other dropout, and this weighs how far the two answers
    are apart. Doubles the time."""
    choose: Literal["last", "best"] = "last"
    """The checkpoint that is kept of a run that came to its end: the `last`, whose learning rate has decayed, or the `best`
    by macro F1 on the validation split. Of ten evaluations on a few hundred texts the best is mostly luck, and often early."""
    patience: PositiveInt | None = None
    """Evaluations without improvement after which training stops, with the best checkpoint; null never stops early."""
    augment: NonNegativeInt = 0
    """Altered copies of each training text (the pipeline's `augment`: swapped synonyms, recombined sentences, noise);
    texts held out are never altered."""
    baseline: bool = True
    """Train fastText on the same examples and report its scores beside."""
    judge: bool = True
    """Score the test set; a search does so with its winner only."""


def finetune_classifier(config: ClassifierConfig) -> dict[str, Any]:
    """Fine-tune a classifier; returns the report that is also written as report.json.

    Training texts that are equal to one another, that carry two labels, or that the test holds (equal or nearly so) are
    removed first and counted. Macro F1 of a stratified validation split is told as training goes, and can decide when to
    stop (`patience`) and which checkpoint is kept (`choose`); the test set is scored once, with that one. Raises
    InputError on data that cannot be used.
    """
    with together(config) as world:
        return world.agree(_finetune(config, world))


def _finetune(config: ClassifierConfig, world: World) -> dict[str, Any]:
    run, device = config.output, world.device
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
    base = prepare(config, world, language_model=False)
    open_finetune_run(config, world, "baseline", "judge")
    learnt = [*train, *made]
    place = {label: i for i, label in enumerate(labels)}
    target = torch.stack([_marks(example, place) for example in learnt])
    longest = default_ngrams(base.size) if config.ngrams is None else config.ngrams
    wanted_of_held_out = torch.stack([_marks(example, place) for example in validation])
    fitted = whole = None
    if longest:
        texts = [example.text for example in (*learnt, *validation)]
        fitted = NgramWeights.fit(texts[: len(learnt)], target.numpy(), longest, several=several)
        # How much they count is decided with weights that have not seen the validation split; those that are kept have.
        whole = NgramWeights.fit(texts, torch.cat([target, wanted_of_held_out]).numpy(), longest, several=several)
    classifier = Classifier(
        base.model,
        base.tokenizer,
        labels,
        config.max_length,
        several=several,
        pooling=config.pooling,
        uncased=config.uncased,
        ngrams=fitted,
    )
    if world.first:
        write_whole(run / "labels.json", json.dumps(classifier.about(), ensure_ascii=False, indent=2))
    rows, truncated = classifier.encode([example.text for example in learnt])
    warn_truncated(truncated["texts"], len(rows), "training texts", truncated["tokens"], classifier.max_length)
    for example, row in list(zip(learnt, rows, strict=True))[: config.show]:
        shown = base.tokenizer.decode(row.ids)
        console().print(
            f"[dim]{len(row.ids)} tokens:[/dim] {_plain(shown)} → [bold green]{_plain(example.label)}[/bold green]"
        )
    held_out, _ = classifier.encode([example.text for example in validation])
    target = target.to(device)

    def loss(batch: list[int]) -> Tensor:
        some, wanted = [rows[i] for i in batch], target[batch]
        deep, _, tokens, hidden = classifier.answers(some, config.token_dropout)
        total = _cost(deep, wanted, several, config.label_smoothing)
        if config.language_loss:
            # The loop divides by texts, so a mean over tokens counts once a text.
            total = total + config.language_loss * len(batch) * classifier.language_loss(tokens, hidden)
        if config.consistency:
            again, *_ = classifier.answers(some, config.token_dropout)
            total = (total + _cost(again, wanted, several, config.label_smoothing)) / 2
            total = total + config.consistency * _apart(deep, again, several)
        return total

    def evaluate() -> dict[str, Any]:
        scores = classifier.metrics(validation, held_out)
        accuracy = {"accuracy": scores["accuracy"]} if "accuracy" in scores else {}
        return {"f1_macro": scores["f1_macro"], **accuracy}

    lengths = [len(row.ids) for row in rows]
    task = make_task(
        config,
        world,
        base,
        Planned(lambda epoch: batches_of_like_length(lengths, config.batch_size, config.seed, epoch), lambda b: b),
        loss=loss,
        count=len,
        evaluate=evaluate,
        monitor="f1_macro",
        epochs=EPOCHS,
        slower=1.0 if config.lora_rank else FASTER,
        data=[(example.text, example.label) for example in (*learnt, *validation)],
        head=classifier.tensors if whole is None else classifier.tensors | whole.saved,
    )
    loop = train_loop(task, config, run)
    if not world.first:
        return {}
    if config.choose == "last" and loop.status == "finished":
        score = float(loop.state.evaluation[task.monitor])
        Checkpoints(run, config.keep).mark_best(loop.checkpoint, task.monitor, score)
        loop = replace(loop, best_checkpoint=loop.checkpoint)
        loop.state.best, loop.state.best_step = score, loop.state.step
    best = load_classifier(loop.best_checkpoint, run / "labels.json", device)
    best.ngrams, kept = classifier.ngrams, best.ngrams
    best.weigh(held_out, wanted_of_held_out.to(device))
    best.ngrams = kept
    write_whole(run / "labels.json", json.dumps(best.about(), ensure_ascii=False, indent=2))
    about = about_loop(config, loop, base, task)
    about["against_overfitting"] |= {name: getattr(config, name) for name in OWN_AGAINST_OVERFITTING}
    report: dict[str, Any] = {
        **about,
        "examples": {"train": len(train), "validation": len(validation), "test": len(test)},
        "augmented": len(made),
        "ngrams": 0
        if best.ngrams is None
        else {"known": len(best.ngrams.tensors["keys"]), "weights": list(best.weights)},
        "removed": removed,
        "leakage": leakage,
        "validation_f1_macro": loop.state.best,
        "truncated": {"train": truncated["texts"]},
    }
    if config.judge:
        tests, cut = best.encode([example.text for example in test])
        report["truncated"]["test"] = cut["texts"]
        report["test"] = best.metrics(test, tests)
        # fastText is trained for one label a text.
        if config.baseline and not several:
            pairs = [(example.text, example.label) for example in train]
            found = fasttext_classification(pairs, [example.text for example in test], seed=config.seed)
            report["fasttext"] = classification_metrics([example.label for example in test], found, labels)
        models = {"gpt": report["test"]} | ({"fasttext": report["fasttext"]} if "fasttext" in report else {})
        write_whole(run / "report.html", evaluation_page(run.name, models, report))
    return finish(run, report, task.monitor)


def default_ngrams(parameters: int) -> int:
    """3 for a model under 50 million weights, 0 for others, which know words from their pretraining."""
    return 3 if parameters < 50_000_000 else 0


def _marks(example: Example, place: dict[str, int]) -> Tensor:
    """1 at each of the example's labels, 0 elsewhere."""
    marks = torch.zeros(len(place))
    marks[[place[name] for name in _names(example)]] = 1.0
    return marks


def _cost(scores: Tensor, wanted: Tensor, several: bool, smoothing: float) -> Tensor:
    """Cross-entropy summed over the texts."""
    if several:
        soft = wanted * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(scores, soft, reduction="none").mean(dim=1).sum()
    return F.cross_entropy(scores, wanted, label_smoothing=smoothing, reduction="sum")


def _apart(first: Tensor, second: Tensor, several: bool) -> Tensor:
    """Kullback-Leibler divergence of two answers, the mean of both ways, summed over the texts."""
    if several:
        p, q = first.sigmoid(), second.sigmoid()
        return ((p - q) * (first - second)).mean(dim=1).sum() / 2
    p, q = first.log_softmax(dim=1), second.log_softmax(dim=1)
    return ((p.exp() - q.exp()) * (p - q)).sum() / 2


def _splits(
    config: ClassifierConfig,
) -> tuple[list[Example], list[Example], list[Example], dict[str, int], dict[str, Any]]:
    """Training, validation and test examples without duplicates and leaks; what was removed, and the leaks."""
    train, counted = guard(read_examples(config.train, config.text, config.label), [])
    removed = asdict(counted)
    if config.test is not None:
        test = read_examples(config.test, config.text, config.label)
        train, test, found = without_leaks(train, test)
        removed["in_test"] = found.leaked_train
        leakage = found.as_dict()
        kinds = {example.labels is None for example in (*train, *test)}
        if len(kinds) > 1:
            raise InputError(
                f"{config.train} and {config.test} differ: one has a label a text, the other lists of them"
            )
    else:
        train, test = _held_out(train, config.test_share, config.seed)
        train, test, found = without_leaks(train, test)
        removed["in_test"] = found.leaked_train
        leakage = found.as_dict()
    if found.leaked_test:
        console().print(found.sentence(), highlight=False)
    if not train:
        raise InputError(
            f"no training example of {config.train} is left: all are duplicates, contradict, or are in the test"
        )
    train, validation = stratified(train, config.validation_share, config.seed + 1)
    return train, validation, test, removed, leakage


def _held_out(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(rest, test) of one file, stratified by label; near-duplicates stay together, on one side."""
    groups = near_duplicate_groups([example.text for example in examples]).tolist()
    first = dict(reversed(list(zip(groups, examples, strict=True))))
    place = {id(example): group for group, example in first.items()}
    _, off = stratified([first[group] for group in sorted(first)], share, seed)
    chosen = {place[id(example)] for example in off}
    sides: tuple[list[Example], list[Example]] = ([], [])
    for group, example in zip(groups, examples, strict=True):
        sides[group in chosen].append(example)
    return sides


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


def _names(example: Example) -> Sequence[str]:
    return (example.label,) if example.labels is None else example.labels


def _plain(text: str) -> str:
    """Text as rich prints it unchanged."""
    return text.replace("[", "\\[")
