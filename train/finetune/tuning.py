"""What all fine-tuning shares: the base model made ready, what of it trains and how fast, batches, the task, the report.

The tasks are in `classification`, `instruction` and `preference`; the loop is that of pretraining.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import torch
import xxhash
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from ...curate.errors import InputError
from ..loop.checkpoint import load_model
from ..loop.distributed import World, join
from ..loop.files import full_disk, write_whole
from ..loop.loop import LoopConfig, LoopResult, Task
from ..loop.progress import console, read_metrics, write_curve
from ..loop.runs import open_run
from ..model.attention import Attention
from ..model.gpt import GPT, Block
from ..model.lora import Adapter, save_peft
from ..tokenizer.bpe import Tokenizer

B = TypeVar("B")
Item = TypeVar("Item")
Precision = Literal["auto", "float32", "bfloat16"]

ELSEWHERE = frozenset({"output"})
"""Settings of a run that may change when it goes on."""

AGAINST_OVERFITTING = ("patience", "weight_decay", "dropout", "label_smoothing", "freeze", "layer_decay")
"""Settings that every report repeats; `search` with one of them tells what it did."""


class FinetuneConfig(LoopConfig):
    """What every kind of fine-tuning lets one set."""

    base: Path
    """Run folder or checkpoint of the pretrained model."""
    train: Path
    """Training data: .jsonl, .csv or .parquet."""
    output: Path
    """Run folder. If it holds an interrupted run of the same settings, that run goes on."""
    epochs: PositiveFloat | None = None
    """Passes over the training data, unless max_steps says otherwise; null goes by the task and the model's size."""
    learning_rate: PositiveFloat | None = None
    """Peak learning rate; null goes by the model's size (`default_learning_rate`)."""
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training data held out to decide when to stop."""
    lora_rank: NonNegativeInt = 0
    """Rank of the adapters that train instead of the model (LoRA); 0 trains the model itself."""
    lora_alpha: PositiveFloat | None = None
    """Adapters count alpha / rank times; null is twice the rank."""
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs left out while training."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Share of attention weights, and of what each block adds, left out while training; null is the base model's own."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target spread over all classes (tokens); for preferences, how often labels may be the wrong way round."""
    freeze: NonNegativeInt = 0
    """Lowest blocks whose weights do not train, nor the embedding's then."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Each block's learning rate is this times that of the one above it; 1 gives all the same."""
    accumulate: PositiveInt = 1
    """Parts in which a batch goes through the model one after the other: less memory, the same result."""
    precision: Precision = "auto"
    """Of matrix products: `auto` is bfloat16 on a GPU and float32 elsewhere. Weights stay float32."""
    show: NonNegativeInt = Field(default=0, exclude=True)
    """Training samples to print before training, what is learnt from them in colour."""
    overwrite: bool = Field(default=False, exclude=True)
    """Delete a run that is already in `output` instead of going on with it."""


def default_learning_rate(parameters: int, lora: bool = False) -> float:
    """Peak rate for a model of so many weights: 5e-4 at 4 million, falling with the size to the power of 0.4.

    That is 1.3e-4 at 124 million and 2.5e-5 at 7 billion, near what is usual for either. Adapters bear ten times as much
    (Schulman et al. 2025, "LoRA Without Regret").
    """
    full: float = 5e-4 * min(1.0, 4e6 / parameters) ** 0.4
    return min(5e-3, 10 * full) if lora else full


def default_epochs(epochs: float, parameters: int) -> float:
    """A task's passes for a small model; a model past 300 million weights needs about half and then learns by heart."""
    return epochs if parameters < 300_000_000 else max(1.0, round(epochs / 2))


class Planned(Generic[Item, B]):
    """Batches by a plan: `plan(epoch)` lists each batch's items, `make` builds one of them, or of a part of them.

    State is (epoch, position).
    """

    parts = 1
    """Micro-batches in which a batch comes, at most."""

    def __init__(self, plan: Callable[[int], list[list[Item]]], make: Callable[[list[Item]], B]) -> None:
        self.plan, self.make = plan, make
        self.load_state({"epoch": 0, "position": 0})

    @property
    def epochs(self) -> float:
        return self.epoch + self.position / len(self.batches)

    def next(self) -> list[B]:
        if self.position == len(self.batches):
            self.load_state({"epoch": self.epoch + 1, "position": 0})
        self.position += 1
        items = self.batches[self.position - 1]
        size = -(-len(items) // self.parts)
        return [self.make(items[first : first + size]) for first in range(0, len(items), size)]

    def state(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state(self, state: dict[str, int]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        self.batches = self.plan(self.epoch)


def batches_of_like_length(lengths: Sequence[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """An epoch's batches: texts of like length share one, within pools large enough to stay random."""
    random = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = random.permutation(len(lengths)).tolist()
    batches = []
    pool = 16 * size
    for first in range(0, len(order), pool):
        some = sorted(order[first : first + pool], key=lambda i: lengths[i])
        batches += [some[i : i + size] for i in range(0, len(some), size)]
    return [batches[i] for i in random.permutation(len(batches))]


@dataclass
class Base:
    """The pretrained model, ready to be tuned: what is frozen is frozen, adapters are on it."""

    model: GPT
    tokenizer: Tokenizer
    adapter: Adapter | None
    size: int
    """Weights of the model, adapters not among them."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What its checkpoints hold beside the model's weights."""
        return {} if self.adapter is None else self.adapter.tensors()


@contextmanager
def together(config: FinetuneConfig) -> Iterator[World]:
    """The processes that torchrun started, or this one alone."""
    with join(config.device) as world, full_disk(config.output):
        yield world


def open_finetune_run(config: FinetuneConfig, world: World, *own: str) -> None:
    """`open_run`, by the first process."""
    with world.first_alone():
        if world.first:
            open_run(config, config.output, overwrite=config.overwrite, checked_elsewhere=ELSEWHERE | set(own))


def prepare(config: FinetuneConfig, world: World, *, language_model: bool) -> Base:
    """Load and ready the base model. Raises InputError if it is a classifier and a language model is wanted."""
    model, tokenizer, extra = load_model(config.base)
    if extra and language_model:
        raise InputError(f"{config.base} is a classifier: this needs a language model")
    layers = model.config.layers
    if config.freeze > layers:
        raise InputError(f"freeze is {config.freeze}, and {config.base} has {layers} layers")
    size = model.parameter_count()
    if config.dropout is not None:
        model.config = model.config.model_copy(update={"dropout": config.dropout})
        for module in model.modules():
            if isinstance(module, Attention | Block):
                module.dropout = config.dropout
    model = model.to(world.device)
    torch.manual_seed(config.seed)
    adapter = Adapter(model, config.lora_rank, config.lora_alpha, config.lora_dropout) if config.lora_rank else None
    trained = dict(model.named_parameters()) if adapter is None else adapter.parameters()
    for name, parameter in trained.items():
        parameter.requires_grad_(not config.freeze or depth_of(name, layers) > config.freeze)
    return Base(model, tokenizer, adapter, size)


def depth_of(name: str, layers: int) -> int:
    """How high a weight stands: 0 for embeddings, 1 for the lowest block, layers + 1 for the last norm and heads."""
    parts = name.split(".")
    if "layers" in parts:
        return int(parts[parts.index("layers") + 1]) + 1
    return 0 if any(part.startswith("embed") for part in parts) else layers + 1


def build_finetune_optimizer(
    base: Base, config: FinetuneConfig, extra: Mapping[str, Tensor], slower: float = 1.0
) -> torch.optim.AdamW:
    """AdamW on what trains, matrices decaying, each block at its rate; the topmost group comes first.

    `slower` is a task's factor on the rate that the size suggests; a rate that was set is taken as it is.
    """
    layers = base.model.config.layers
    named: dict[str, Tensor] = {**dict(base.model.named_parameters()), **extra}
    if base.adapter is not None:
        named |= base.adapter.parameters()
    peak = config.learning_rate or slower * default_learning_rate(base.size, base.adapter is not None)
    groups: dict[tuple[int, bool], list[Tensor]] = {}
    for name, parameter in named.items():
        if parameter.requires_grad:
            depth = depth_of(name, layers) if config.layer_decay < 1 else layers + 1
            groups.setdefault((layers + 1 - depth, parameter.dim() < 2), []).append(parameter)
    if not groups:
        raise InputError(f"freeze {config.freeze} leaves nothing to train: name a smaller number")
    made = []
    for (below, vectors), parameters in sorted(groups.items(), key=lambda item: item[0]):
        rate = peak * config.layer_decay**below
        decay = 0.0 if vectors else config.weight_decay
        made.append({"params": parameters, "weight_decay": decay, "lr": rate, "peak": rate})
    return torch.optim.AdamW(made, lr=peak, betas=(0.9, 0.99), fused=True)


def make_task(
    config: FinetuneConfig,
    world: World,
    base: Base,
    source: Planned[Any, B],
    *,
    loss: Callable[[B], Tensor],
    count: Callable[[B], int],
    evaluate: Callable[[], dict[str, Any]],
    monitor: str,
    epochs: float,
    slower: float = 1.0,
    data: Sequence[object],
    head: Mapping[str, Tensor] | None = None,
) -> Task[B]:
    """The loop's task; `epochs` is for a small model, where the settings say nothing. `head` is saved beside the model,
    and trains if it needs a gradient."""
    steps_an_epoch = len(source.batches)
    passes = config.epochs or default_epochs(epochs, base.size)
    device = world.device
    half = config.precision == "bfloat16" or (config.precision == "auto" and device.type == "cuda")
    # A part for each process, each time round.
    source.parts = -(-config.accumulate // world.size) * world.size
    if not world.first:
        # From here on chance means dropout, which must differ among processes.
        torch.manual_seed(config.seed + 1_000_003 * world.rank)

    def cast_loss(batch: B) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return loss(batch)

    def cast_evaluate() -> dict[str, Any]:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return evaluate()

    return Task(
        model=base.model,
        tokenizer=base.tokenizer,
        optimizer=build_finetune_optimizer(base, config, head or {}, slower),
        source=source,
        loss=cast_loss,
        count=count,
        evaluate=cast_evaluate,
        monitor=monitor,
        higher_is_better=not monitor.endswith("loss"),
        max_steps=config.max_steps or max(1, round(passes * steps_an_epoch)),
        evaluate_every=config.evaluate_every or max(1, steps_an_epoch // 2),
        extra={**base.tensors, **(head or {})} or None,
        world=world,
        exchange=world.mean_gradients,
        fingerprints={
            "tokenizer": base.tokenizer.fingerprint(),
            "training data": xxhash.xxh3_128_hexdigest(json.dumps(data, ensure_ascii=False).encode()),
        },
    )


def split_off(count: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """(rows to train on, rows held out) of `count`; at least one on either side."""
    order = np.random.Generator(np.random.PCG64([seed, count])).permutation(count).tolist()
    cut = min(count - 1, max(1, round(share * count)))
    return sorted(order[cut:]), sorted(order[:cut])


def about_loop(config: FinetuneConfig, loop: LoopResult, base: Base, task: Task[Any]) -> dict[str, Any]:
    """What every report begins with."""
    first = task.optimizer.param_groups[0]
    return {
        "status": loop.status,
        "steps": loop.state.step,
        "seconds": loop.state.seconds,
        "best_step": loop.state.best_step,
        "best_checkpoint": str(loop.best_checkpoint),
        "learning_rate": first["peak"],
        "parameters": base.size,
        "lora": None if base.adapter is None else base.adapter.about(),
        "trained_parameters": sum(p.numel() for group in task.optimizer.param_groups for p in group["params"]),
        "against_overfitting": {name: getattr(config, name) for name in AGAINST_OVERFITTING},
    }


def first_value(run: Path, name: str) -> float:
    """A figure at the first evaluation, before anything was learnt."""
    return next(float(r[name]) for r in read_metrics(run / "metrics.jsonl") if name in r)


def save_adapter(config: FinetuneConfig, base: Base, checkpoint: Path) -> Path | None:
    """The best checkpoint's adapter as a PEFT folder, `adapter`; null without one, or where PEFT has no such format."""
    if base.adapter is None:
        return None
    kind = base.model.config.architecture
    if kind == "gpt2":
        console().print("no PEFT folder for GPT-2, whose matrices it keeps otherwise: `corpusmill export` merges")
        return None
    from safetensors.torch import load_file

    tensors = load_file(checkpoint / "model.safetensors")
    return save_peft(tensors, config.output / "adapter", base.adapter.about(), str(config.base), kind)


def warn_truncated(truncated: int, of: int, what: str, tokens: int, limit: int) -> None:
    """Say how much was cut, if any was."""
    if truncated:
        console().print(
            f"{truncated} of {of} {what} are longer than {limit} tokens: {tokens} tokens were cut off", highlight=False
        )


def finish(run: Path, report: dict[str, Any], monitor: str) -> dict[str, Any]:
    """Write report.json and the curve; returns the report."""
    write_curve(run, monitor)
    write_whole(run / "report.json", json.dumps(report, ensure_ascii=False, indent=2))
    return report
