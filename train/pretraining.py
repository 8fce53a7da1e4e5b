"""Pretraining: a GPT from a Parquet corpus."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from .baselines import gzip_bits_per_byte, unigram_bits_per_byte
from .data import Batch, Loader, TokenCache, Validation, token_cache
from .evaluate import bits_per_byte
from .loop import LoopConfig, LoopResult, Task, train_loop
from .model import GPT
from .optim import adamw
from .presets import Preset, preset
from .progress import console, read_metrics, write_curve
from .runs import open_run
from .tokenizer import Tokenizer, train_tokenizer


class PretrainConfig(LoopConfig):
    """What to pretrain, on what, for how long. Fields left null follow the preset."""

    corpus: Path
    """Folder that holds train/*.parquet and validation/*.parquet."""
    output: Path
    """Run folder. If it holds an interrupted run of the same settings, that run goes on."""
    tokenizer: Path | None = None
    """Folder of a trained tokenizer; null trains one of the preset's size into the run folder."""
    preset: str = "nano"
    """Size of the model: nano, micro, small, base."""
    context: PositiveInt | None = None
    """Tokens a row."""
    batch_tokens: PositiveInt | None = None
    """Tokens an optimizer step."""
    micro_batch_tokens: PositiveInt | None = None
    """Tokens through the model at once; bounds memory, changes no result."""
    learning_rate: PositiveFloat | None = None
    """Peak learning rate."""
    beta2: float = Field(default=0.95, gt=0, lt=1)
    """AdamW's memory of squared gradients; beta1 is 0.9."""
    max_tokens: PositiveInt | None = None
    """Stop after this many tokens; without any budget, the preset's, or 4 epochs if that is less (more repetition is
    worth little: Muennighoff et al. 2023)."""
    validation_tokens: PositiveInt | None = None
    """At most this much of the validation split is scored at each evaluation, whole documents, always the same."""
    precision: str = Field(default="auto", pattern="^(auto|float32|bfloat16)$")
    """Of matrix products; `auto` is bfloat16 on a GPU and float32 elsewhere. Weights stay float32."""
    compile: bool = False
    """Run the model through torch.compile: slower to start, faster on a GPU."""
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
    best_step: int
    best_checkpoint: str
    baselines: dict[str, float]
    """`unigram` and `gzip` bits per byte of the same validation documents."""
    bytes_per_token: dict[str, float]


def pretrain(config: PretrainConfig) -> PretrainResult:
    """Pretrain a GPT into `config.output`: checkpoints/, tokenizer/, metrics.jsonl, loss.csv, loss.png, result.json.

    Raises InputError on a corpus that is empty or smaller than a batch, RunError on a run folder that belongs to other
    settings, another corpus or tokenizer, a damaged checkpoint, or a loss that is not finite.
    """
    size, run, device = preset(config.preset), config.output, config.torch_device()
    # A corpus or tokenizer that merely moved is the same one; the fingerprints in the checkpoint tell.
    open_run(config, run, overwrite=config.overwrite, checked_elsewhere={"output", "corpus", "tokenizer"})
    tokenizer = _tokenizer(config, size)
    context = config.context or size.context
    micro_tokens = config.micro_batch_tokens or size.micro_batch_tokens
    tokens = config.cache or run / "tokens"
    train = token_cache(config.corpus, "train", tokenizer, tokens)
    held_out = token_cache(config.corpus, "validation", tokenizer, tokens)
    loader = Loader(
        train,
        context=context,
        batch_tokens=config.batch_tokens or size.batch_tokens,
        micro_batch_tokens=micro_tokens,
        seed=config.seed,
    )
    validation = Validation(
        held_out,
        context=context,
        rows=max(1, micro_tokens // context),
        max_tokens=config.validation_tokens or size.validation_tokens,
        seed=config.seed,
    )
    baselines = {
        "unigram": unigram_bits_per_byte(train, validation),
        "gzip": gzip_bits_per_byte(
            [tokenizer.decode(held_out.document(int(i)).tolist()) for i in validation.documents]
        ),
    }
    torch.manual_seed(config.seed)
    model = GPT(size.model(len(tokenizer), context)).to(device)
    console().print(
        f"{config.preset}: {model.parameter_count():,} parameters, {train.token_count:,} training tokens in "
        f"{len(train):,} documents; to beat, in bits per byte: "
        f"unigram {baselines['unigram']:.3f}, gzip {baselines['gzip']:.3f}",
        highlight=False,
        soft_wrap=True,
    )
    task = _task(config, size, model, tokenizer, loader, validation, train)
    result = _result(train_loop(task, config, run), config, task, train, held_out, baselines)
    write_curve(run, task.monitor, baselines)
    (run / "result.json").write_text(json.dumps(asdict(result), ensure_ascii=False, indent=2), "utf-8")
    return result


def _task(
    config: PretrainConfig,
    size: Preset,
    model: GPT,
    tokenizer: Tokenizer,
    loader: Loader,
    validation: Validation,
    train: TokenCache,
) -> Task[Batch]:
    device = config.torch_device()
    half = config.precision == "bfloat16" or (config.precision == "auto" and device.type == "cuda")
    forward: Any = torch.compile(model) if config.compile else model

    def loss(batch: Batch) -> Tensor:
        batch = batch.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return model.loss(forward(batch.tokens, batch.segments), batch.targets)

    def evaluate() -> dict[str, Any]:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return bits_per_byte(model, validation, device)

    max_tokens = config.max_tokens
    if max_tokens is None and config.max_steps is None and config.max_minutes is None:
        max_tokens = min(size.train_tokens, 4 * train.token_count)
    rate = config.learning_rate or size.learning_rate
    return Task(
        model=model,
        tokenizer=tokenizer,
        optimizer=adamw(
            model.parameters(), learning_rate=rate, weight_decay=config.weight_decay, betas=(0.9, config.beta2)
        ),
        source=loader,
        loss=loss,
        count=lambda batch: batch.target_count,
        evaluate=evaluate,
        monitor="bits_per_byte",
        evaluate_every=config.evaluate_every or 100,
        max_steps=config.max_steps,
        max_tokens=max_tokens,
        fingerprints={"tokenizer": tokenizer.fingerprint(), "corpus": str(train.about["corpus"])},
    )


def _tokenizer(config: PretrainConfig, size: Preset) -> Tokenizer:
    if config.tokenizer is not None:
        return Tokenizer.load(config.tokenizer)
    own = config.output / "tokenizer"
    # report.json is written last, so its presence means that the tokenizer is whole.
    if (own / "report.json").is_file():
        return Tokenizer.load(own)
    return train_tokenizer(config.corpus, own, vocab_size=size.vocab_size)


def _result(
    loop: LoopResult,
    config: PretrainConfig,
    task: Task[Batch],
    train: TokenCache,
    held_out: TokenCache,
    baselines: dict[str, float],
) -> PretrainResult:
    scored = [r for r in read_metrics(config.output / "metrics.jsonl") if task.monitor in r]
    best = min(scored, key=lambda r: float(r[task.monitor]))
    per_token = {}
    for i, language in enumerate(held_out.languages):
        rows = held_out.language == i
        count = int((held_out.offsets[1:] - held_out.offsets[:-1] - 1)[rows].sum())
        per_token[language] = float(held_out.sizes[rows].sum()) / max(1, count)
    return PretrainResult(
        run=str(config.output),
        status=loop.status,
        parameters=task.model.parameter_count(),
        steps=loop.state.step,
        tokens=loop.state.tokens,
        epochs=loop.state.tokens / train.token_count,
        seconds=loop.state.seconds,
        tokens_per_second=loop.tokens_per_second,
        bits_per_byte=float(best[task.monitor]),
        by_language={k: float(v) for k, v in best["by_language"].items()},
        first_bits_per_byte=float(scored[0][task.monitor]),
        best_step=int(best["step"]),
        best_checkpoint=str(loop.best_checkpoint),
        baselines=baselines,
        bytes_per_token=per_token,
    )
