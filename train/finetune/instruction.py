"""Fine-tuning on instructions and conversations: loss on the answers, several conversations packed in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor

from ...curate.errors import InputError
from ..data.batches import Batch
from ..loop.distributed import World
from ..loop.loop import train_loop
from ..loop.progress import console
from ..model.gpt import GPT, IGNORE
from .chat import Encoded, encode_conversations, pack, rows_of, show
from .samples import Message, read_conversations, text_key
from .tuning import (
    FinetuneConfig,
    Planned,
    about_loop,
    finish,
    first_value,
    make_task,
    open_finetune_run,
    prepare,
    save_adapter,
    split_off,
    together,
    warn_truncated,
)

EPOCHS = 3.0


class InstructConfig(FinetuneConfig):
    """Fine-tune on conversations, with loss on the answers only."""

    batch_tokens: PositiveInt | None = None
    """Tokens an optimizer step, padding included; null is 4096, and 16384 from 30 million weights on."""


def finetune_instructions(config: InstructConfig) -> dict[str, Any]:
    """Fine-tune on conversations in ChatML; returns the report that is also written as report.json.

    Loss falls on the assistant's words and the mark that ends its turn, nowhere else. A conversation cut so short that
    no answer is left is refused, one that is merely cut is kept; both are counted. Raises InputError if none is left.
    """
    with together(config) as world:
        return world.agree(_finetune(config, world))


def _finetune(config: InstructConfig, world: World) -> dict[str, Any]:
    run, device = config.output, world.device
    conversations = read_conversations(config.train)
    unique = _unique(conversations)
    base = prepare(config, world, language_model=True)
    model, tokenizer = base.model, base.tokenizer
    context = model.config.context
    encoded, counts = encode_conversations(tokenizer, unique, context)
    if counts["refused"]:
        console().print(
            f"{counts['refused']} conversations were refused: no answer fits in {context} tokens", highlight=False
        )
    if len(encoded) < 2:
        raise InputError(
            f"{len(encoded)} of {len(unique)} conversations have an answer within the model's {context} tokens; at least "
            "two are needed: use shorter ones, or a model with a longer context"
        )
    warn_truncated(counts["truncated"], len(encoded), "conversations", counts["tokens_cut"], context)
    show(tokenizer, encoded[: config.show], context)
    open_finetune_run(config, world)
    kept, off = split_off(len(encoded), config.validation_share, config.seed)
    train, held_out = [encoded[i] for i in kept], [encoded[i] for i in off]
    batch_tokens = config.batch_tokens or (4096 if base.size < 30_000_000 else 16384)
    rows_a_batch = max(1, batch_tokens // context)

    def batches(items: list[Encoded], order: Sequence[int]) -> list[list[list[int]]]:
        packed = pack([len(items[i].ids) for i in order], context)
        rows = [[order[i] for i in row] for row in packed]
        return [rows[i : i + rows_a_batch] for i in range(0, len(rows), rows_a_batch)]

    def plan(epoch: int) -> list[list[list[int]]]:
        random = np.random.Generator(np.random.PCG64([config.seed, epoch]))
        return batches(train, random.permutation(len(train)).tolist())

    def make(rows: list[list[int]]) -> Batch:
        return rows_of(train, rows, context, tokenizer.pad)

    def loss(batch: Batch) -> Tensor:
        smoothing = config.label_smoothing if model.training else 0.0
        return answer_loss(model, batch.to(device), smoothing)

    judged = [rows_of(held_out, rows, context, tokenizer.pad) for rows in batches(held_out, range(len(held_out)))]

    def evaluate() -> dict[str, Any]:
        total = sum(float(loss(batch)) for batch in judged)
        return {"answer_loss": total / sum(batch.target_count for batch in judged)}

    task = make_task(
        config,
        world,
        base,
        Planned(plan, make),
        loss=loss,
        count=lambda b: b.target_count,
        evaluate=evaluate,
        monitor="answer_loss",
        epochs=EPOCHS,
        data=[str(item.ids) for item in encoded],
    )
    loop = train_loop(task, config, run)
    if not world.first:
        return {}
    adapter = save_adapter(config, base, loop.best_checkpoint)
    report = {
        **about_loop(config, loop, base, task),
        "adapter": None if adapter is None else str(adapter),
        "conversations": {
            "read": len(conversations),
            "duplicates": len(conversations) - len(unique),
            **counts,
            "train": len(train),
            "validation": len(held_out),
        },
        "first_answer_loss": first_value(run, "answer_loss"),
        "answer_loss": loop.state.best,
    }
    return finish(run, report, task.monitor)


def answer_loss(model: GPT, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """Nats summed over a packed batch's targets, `smoothing` of each target spread over the whole vocabulary."""
    hidden = model(batch.tokens, batch.segments)
    if not smoothing:
        return model.loss(hidden, batch.targets)
    learnt = batch.targets != IGNORE  # only answers need logits
    logits = model.logits(hidden[learnt]).float()
    return F.cross_entropy(logits, batch.targets[learnt], label_smoothing=smoothing, reduction="sum")


def _unique(conversations: Sequence[list[Message]]) -> list[list[Message]]:
    """The first of each set of conversations that are equal after normalisation, so that none is in both splits."""
    first: dict[bytes, list[Message]] = {}
    for conversation in conversations:
        first.setdefault(text_key("\0".join(m.content for m in conversation)), conversation)
    return list(first.values())
