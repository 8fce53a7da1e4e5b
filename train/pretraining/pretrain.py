"""Pretraining: a GPT from a Parquet corpus."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from ...curate.errors import InputError
from ..data.batches import Batch, Loader, Validation
from ..data.mix import CorpusShare, Mix, open_mix
from ..evaluate.baselines import gzip_bits_per_byte, unigram_bits_per_byte
from ..evaluate.bits import bits_per_byte, token_losses
from ..loop.checkpoint import find_checkpoint, load_model
from ..loop.distributed import Parallel, World, join, spread
from ..loop.files import full_disk, write_whole
from ..loop.loop import LoopConfig, LoopResult, Task, train_loop
from ..loop.optim import MUON_LEARNING_RATE, build_optimizer
from ..loop.progress import console, read_metrics, write_curve
from ..loop.runs import open_run
from ..loop.throughput import flops_per_token, halves_are_native
from ..model.gpt import GPT
from ..model.presets import Preset, preset
from ..tokenizer.bpe import Tokenizer
from ..tokenizer.training import train_tokenizer
from .report import write_training_report


class PretrainConfig(LoopConfig):
    """What to pretrain, on what, for how long. Fields left null follow the preset."""

    corpus: Path | tuple[CorpusShare, ...]
    """Folder that holds train/*.parquet and validation/*.parquet; or several, with their shares of the tokens."""
    temperature: PositiveFloat = 1.0
    """Of a mix whose weights are not given: at 1 corpora count by size, higher ones favour the small."""
    output: Path
    """Run folder. If it holds an interrupted run of the same settings, that run goes on."""
    tokenizer: Path | None = None
    """Folder of a trained tokenizer; null trains one of the preset's size into the run folder."""
    base: Path | None = None
    """Run folder or checkpoint whose model goes on with this corpus, by its own tokenizer; null begins anew."""
    preset: str = "nano"
    """Size of the model, one of presets.yaml: nano, micro, small, base ..."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Share of activations left out while training; 0.1 to 0.2 helps where a small corpus is read many times."""
    context: PositiveInt | None = None
    """Tokens a row."""
    batch_tokens: PositiveInt | None = None
    """Tokens an optimizer step."""
    micro_batch_tokens: PositiveInt | None = None
    """Tokens through the model at once; bounds memory, changes no result."""
    learning_rate: PositiveFloat | None = None
    """Peak learning rate."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon` moves the hidden matrices by Muon, the rest by AdamW."""
    muon_learning_rate: PositiveFloat = MUON_LEARNING_RATE
    """Peak learning rate of Muon's matrices."""
    beta2: float = Field(default=0.95, gt=0, lt=1)
    """AdamW's memory of squared gradients; beta1 is 0.9."""
    z_loss: float = Field(default=0.0, ge=0)
    """Weight of the squared log of the softmax's sum, which keeps logits small; 1e-4 is usual in long runs."""
    max_tokens: PositiveInt | None = None
    """Stop after this many tokens; without any budget, the preset's, or 4 epochs if that is less (more repetition is
    worth little: Muennighoff et al. 2023)."""
    validation_tokens: PositiveInt | None = None
    """At most this much of the validation split is scored at each evaluation, whole documents, always the same."""
    train_sample_tokens: NonNegativeInt | None = None
    """As much of the training split is scored beside it, so that the gap between the two shows what was learnt by heart;
    null takes a quarter of what is scored of validation, 0 none."""
    precision: str = Field(default="auto", pattern="^(auto|float32|bfloat16)$")
    """Of matrix products; `auto` is bfloat16 on a GPU and float32 elsewhere. Weights stay float32."""
    recompute: bool = False
    """Activation checkpointing: a third more work for much less memory."""
    compile: bool = False
    """Run the model through torch.compile: slower to start, faster on a GPU."""
    parallel: Parallel = "ddp"
    """Under torchrun: `ddp` keeps a copy of the model in each process, `fsdp` a shard, for models that one GPU cannot hold."""
    cache: Path | None = None
    """Where tokenized splits are kept; null keeps them in the run folder."""
    overwrite: bool = Field(default=False, exclude=True)
    """Delete a run that is already in `output` instead of going on with it."""


@dataclass(frozen=True)
class PretrainResult:
    """How a pretraining ended; also written as result.json."""

    run: str
    status: str
    """`finished`, `stopped early` or `interrupted`."""
    parameters: int
    steps: int
    tokens: int
    epochs: float
    seconds: float
    tokens_per_second: float
    bits_per_byte: float
    """Of the best checkpoint on the validation documents."""
    by_language: dict[str, float]
    """The same figure for each language."""
    first_bits_per_byte: float
    """Before the first step."""
    gap: float | None
    """Of the best checkpoint: how much higher than on a sample of the training documents."""
    best_step: int
    best_checkpoint: str
    skipped: int
    """Batches that were skipped: no targets, or no finite gradient."""
    spikes: int
    """Steps whose loss was far above those before."""
    baselines: dict[str, float]
    """`unigram` and `gzip` bits per byte of the same validation documents."""
    bytes_per_token: dict[str, float]


class Objective(nn.Module):
    """The model and its loss as one module: what torch's wrappers and its compiler must see as a whole."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, each: bool = False) -> Tensor:
        """The loss summed over the batch's targets, or with `each` the nats of every target."""
        hidden = self.model(batch.tokens, batch.segments)
        if each:
            return token_losses(self.model.logits(hidden), batch.targets)
        return self.model.loss(hidden, batch.targets)


@dataclass(frozen=True)
class PretrainData:
    """What a run reads: packed training batches, validation documents, and a fixed sample of the training ones."""

    tokenizer: Tokenizer
    train: Mix
    held_out: Mix
    loader: Loader
    validation: Validation
    train_sample: Validation | None


def pretrain(config: PretrainConfig) -> PretrainResult:
    """Pretrain a GPT into `config.output`: checkpoints/, tokenizer/, metrics.jsonl, report.html, result.json.

    Under torchrun the processes share the work; the result is that of one process. Raises InputError on a corpus that is
    empty or smaller than a batch, RunError on a run folder that belongs to other settings, another corpus or tokenizer,
    a damaged checkpoint, a full disk, or losses that stay not finite.
    """
    run = config.output
    with join(config.device) as world, full_disk(run):
        with world.first_alone():
            if world.first:
                # A corpus or tokenizer that merely moved is the same one; the fingerprints in the checkpoint tell.
                open_run(config, run, overwrite=config.overwrite, checked_elsewhere={"output", "corpus", "tokenizer"})
            data = read_data(config, world)
        baselines = world.agree(_baselines(data) if world.first else {})
        torch.manual_seed(config.seed)
        model = _model(config, data).to(world.device)
        if world.first:
            console().print(
                f"{config.base or config.preset}: {model.parameter_count():,} parameters, {data.train.token_count:,} training tokens "
                f"in {len(data.train):,} documents; to beat, in bits per byte: "
                f"unigram {baselines['unigram']:.3f}, gzip {baselines['gzip']:.3f}",
                highlight=False,
                soft_wrap=True,
            )
            if config.precision == "auto" and world.device.type == "cpu" and halves_are_native():
                console().print(
                    "this processor multiplies bfloat16 directly: --precision bfloat16 is faster (docs/models.md)"
                )
        task = _task(config, model, data, world)
        # From here on chance means dropout, which must differ among processes.
        torch.manual_seed(config.seed + 1_000_003 * world.rank)
        loop = train_loop(task, config, run)
        result = _result(loop, config, task, data, baselines)
        if world.first:
            write_curve(run, task.monitor, baselines)
            write_whole(run / "result.json", json.dumps(asdict(result), ensure_ascii=False, indent=2))
            write_training_report(run)
    return result


def read_data(config: PretrainConfig, world: World | None = None) -> PretrainData:
    """The data of a run, tokenized if they are not yet. Raises InputError on a corpus that is empty or too small."""
    size, world = preset(config.preset), world or World()
    tokenizer = _tokenizer(config, size)
    context = config.context or size.context
    batch_tokens = config.batch_tokens or size.batch_tokens
    micro_tokens = config.micro_batch_tokens or size.micro_batch_tokens
    cache = config.cache or config.output / "tokens"
    shares = [CorpusShare(path=config.corpus)] if isinstance(config.corpus, Path) else config.corpus
    train = open_mix(shares, "train", tokenizer, cache, temperature=config.temperature)
    held_out = open_mix([CorpusShare(path=share.path) for share in shares], "validation", tokenizer, cache)

    def judged(tokens: Mix, most: int) -> Validation:
        return Validation(
            tokens, context=context, rows=max(1, micro_tokens // context), max_tokens=most, seed=config.seed
        )

    most = config.validation_tokens or size.validation_tokens
    validation = judged(held_out, most)
    sampled = config.train_sample_tokens
    if sampled is None:
        sampled = min(most, held_out.token_count) // 4
    return PretrainData(
        tokenizer,
        train,
        held_out,
        Loader(
            train,
            context=context,
            batch_tokens=batch_tokens,
            # So small that every process gets one.
            micro_batch_tokens=max(context, min(micro_tokens, batch_tokens // world.size)),
            seed=config.seed,
        ),
        validation,
        judged(train, sampled) if sampled else None,
    )


def _baselines(data: PretrainData) -> dict[str, float]:
    texts = [data.tokenizer.decode(data.held_out.document(int(i)).tolist()) for i in data.validation.documents]
    return {
        "unigram": unigram_bits_per_byte(data.train, data.validation),
        "gzip": gzip_bits_per_byte(texts),
    }


def _task(config: PretrainConfig, model: GPT, data: PretrainData, world: World) -> Task[Batch]:
    size, device = preset(config.preset), world.device
    half = config.precision == "bfloat16" or (config.precision == "auto" and device.type == "cuda")
    objective = Objective(model)
    if config.compile:
        objective.compile()
    spread_out = spread(objective, model.model.layers, world, config.parallel)

    def loss(batch: Batch) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            nats: Tensor = spread_out.module(batch.to(device))
            return nats

    def evaluate() -> dict[str, Any]:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            found = bits_per_byte(model, data.validation, device, losses=each, world=world)
            if data.train_sample is not None:
                sample = bits_per_byte(model, data.train_sample, device, losses=each, world=world)
                found |= {f"train_{name}": value for name, value in sample.items() if name != "loss"}
                found["gap"] = found["bits_per_byte"] - found["train_bits_per_byte"]
        return found

    def each(batch: Batch) -> Tensor:
        # Not through DDP's wrapper, which would expect a backward pass; fsdp has changed the module itself.
        nats: Tensor = objective(batch, each=True)
        return nats

    max_tokens = config.max_tokens
    if max_tokens is None and config.max_steps is None and config.max_minutes is None:
        max_tokens = min(size.train_tokens, 4 * data.train.token_count)
    limit = data.train.token_limit
    if limit is not None:
        # Where the epochs that a mix allows run out; less a batch, since the last one may not fill.
        limit = max(1, limit - data.loader.batch_rows * data.loader.context)
        max_tokens = limit if max_tokens is None else min(max_tokens, limit)
    return Task(
        model=model,
        tokenizer=data.tokenizer,
        optimizer=build_optimizer(
            model,
            config.optimizer,
            learning_rate=config.learning_rate or size.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, config.beta2),
            muon_learning_rate=config.muon_learning_rate,
        ),
        source=data.loader,
        loss=loss,
        count=lambda batch: batch.target_count,
        evaluate=evaluate,
        monitor="bits_per_byte",
        evaluate_every=config.evaluate_every or 100,
        max_steps=config.max_steps,
        max_tokens=max_tokens,
        fingerprints={"tokenizer": data.tokenizer.fingerprint(), "corpus": data.train.fingerprint},
        world=world,
        last_micro_batch=spread_out.last,
        flops_per_token=flops_per_token(model.config),
    )


def _model(config: PretrainConfig, data: PretrainData) -> GPT:
    if config.base is None:
        shape = preset(config.preset).model(len(data.tokenizer), data.loader.context)
        model = GPT(shape.model_copy(update={"dropout": config.dropout or 0.0}))
    else:
        loaded, _, _ = load_model(config.base)
        changed = {} if config.dropout is None else {"dropout": config.dropout}
        model = GPT(loaded.config.model_copy(update=changed))
        model.load_state_dict(loaded.state_dict())
    model.recompute, model.z_loss = config.recompute, config.z_loss
    return model


def _tokenizer(config: PretrainConfig, size: Preset) -> Tokenizer:
    if config.base is not None:
        if config.tokenizer is not None:
            raise InputError(
                "give a base or a tokenizer: a model that goes on keeps the tokenizer that it was made with"
            )
        return Tokenizer.load(find_checkpoint(config.base))
    if config.tokenizer is not None:
        return Tokenizer.load(config.tokenizer)
    own = config.output / "tokenizer"
    # report.json is written last, so its presence means that the tokenizer is whole.
    if (own / "report.json").is_file():
        return Tokenizer.load(own)
    corpora = config.corpus if isinstance(config.corpus, Path) else [share.path for share in config.corpus]
    return train_tokenizer(corpora, own, vocab_size=size.vocab_size)


def _result(
    loop: LoopResult, config: PretrainConfig, task: Task[Batch], data: PretrainData, baselines: dict[str, float]
) -> PretrainResult:
    held_out = data.held_out
    scored = [r for r in read_metrics(config.output / "metrics.jsonl") if task.monitor in r]
    best = min(scored, key=lambda r: float(r[task.monitor]))
    per_token = {}
    for i, language in enumerate(held_out.languages):
        rows = held_out.language == i
        count = int((held_out.lengths - 1)[rows].sum())
        per_token[language] = float(held_out.sizes[rows].sum()) / max(1, count)
    return PretrainResult(
        run=str(config.output),
        status=loop.status,
        parameters=task.model.parameter_count(),
        steps=loop.state.step,
        tokens=loop.state.tokens,
        epochs=data.loader.epochs,
        seconds=loop.state.seconds,
        tokens_per_second=loop.tokens_per_second,
        bits_per_byte=float(best[task.monitor]),
        by_language={k: float(v) for k, v in best["by_language"].items()},
        first_bits_per_byte=float(scored[0][task.monitor]),
        gap=None if best.get("gap") is None else float(best["gap"]),
        best_step=int(best["step"]),
        best_checkpoint=str(loop.best_checkpoint),
        skipped=loop.state.skipped,
        spikes=loop.state.spikes,
        baselines=baselines,
        bytes_per_token=per_token,
    )
