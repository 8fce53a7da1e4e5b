"""Learning from preferences: of two answers to a prompt the better becomes likelier (DPO, Rafailov et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from ...curate.errors import InputError
from ..loop.distributed import World
from ..loop.loop import train_loop
from ..loop.progress import console
from ..model.gpt import GPT, IGNORE
from ..tokenizer.bpe import Tokenizer
from .chat import Encoded, encode_conversation, rows_of, show
from .samples import Message, Preference, read_preferences
from .tuning import (
    FinetuneConfig,
    Planned,
    about_loop,
    batches_of_like_length,
    finish,
    first_value,
    make_task,
    open_finetune_run,
    prepare,
    save_adapter,
    split_off,
    together,
)

EPOCHS = 1.0
SLOWER = 0.1
"""Preferences want a tenth of the rate that answers are learnt at: the loss only asks for a difference, and at full rate
both answers become unlikely."""
CHUNK = 1 << 26
"""Logits at once: 256 MiB of float32."""


class PreferenceConfig(FinetuneConfig):
    """Fine-tune on pairs of answers, a chosen and a rejected one; best from a model that follows instructions already."""

    beta: PositiveFloat = 0.1
    """How strongly the model is held to what it was: larger stays nearer."""
    batch_size: PositiveInt = 16
    """Pairs an optimizer step."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers with their prompt, encoded; only the answers are marked."""

    chosen: Encoded
    rejected: Encoded


def finetune_preferences(config: PreferenceConfig) -> dict[str, Any]:
    """Fine-tune by DPO; returns the report that is also written as report.json.

    The reference is the base model itself: its scores of all answers are computed once, before the first step, so no
    second model is held. A pair of which an answer does not fit the context whole is refused and counted, since a cut
    answer is not the one that was judged. Raises InputError if fewer than two pairs are left.
    """
    with together(config) as world:
        return world.agree(_finetune(config, world))


def _finetune(config: PreferenceConfig, world: World) -> dict[str, Any]:
    run, device = config.output, world.device
    read = read_preferences(config.train)
    preferences = list(dict.fromkeys(read))
    base = prepare(config, world, language_model=True)
    model, tokenizer = base.model, base.tokenizer
    context = model.config.context
    pairs = [encode_pair(tokenizer, preference) for preference in preferences]
    fitting = [pair for pair in pairs if max(len(pair.chosen.ids), len(pair.rejected.ids)) <= context]
    refused = len(pairs) - len(fitting)
    if refused:
        console().print(f"{refused} of {len(pairs)} pairs were refused: longer than {context} tokens", highlight=False)
    if len(fitting) < 2:
        raise InputError(
            f"{len(fitting)} of {len(pairs)} pairs fit the model's {context} tokens; at least two are needed: use shorter "
            "ones, or a model with a longer context"
        )
    show(tokenizer, [answer for pair in fitting[: config.show] for answer in (pair.chosen, pair.rejected)], context + 1)
    open_finetune_run(config, world)
    kept, off = split_off(len(fitting), config.validation_share, config.seed)
    reference = scores_of(model, tokenizer, fitting, config.batch_size, device)

    def margins(batch: list[int]) -> Tensor:
        """How much more the chosen answer gained on the rejected one than under the reference, times beta."""
        found = answer_scores(model, tokenizer, [fitting[i] for i in batch], device)
        gained = found - reference[batch]
        return config.beta * (gained[:, 0] - gained[:, 1])

    def loss(batch: list[int]) -> Tensor:
        margin, wrong = margins(batch), config.label_smoothing if model.training else 0.0
        return -((1 - wrong) * F.logsigmoid(margin) + wrong * F.logsigmoid(-margin)).sum()

    def evaluate() -> dict[str, Any]:
        batches = [off[i : i + config.batch_size] for i in range(0, len(off), config.batch_size)]
        margin = torch.cat([margins(batch) for batch in batches])
        return {
            "preference_loss": float(-F.logsigmoid(margin).mean()),
            "preferred": float((margin > 0).float().mean()),
            "margin": float(margin.mean()),
        }

    lengths = [max(len(fitting[i].chosen.ids), len(fitting[i].rejected.ids)) for i in kept]

    def plan(epoch: int) -> list[list[int]]:
        batches = batches_of_like_length(lengths, config.batch_size, config.seed, epoch)
        return [[kept[i] for i in batch] for batch in batches]

    task = make_task(
        config,
        world,
        base,
        Planned(plan, lambda batch: batch),
        loss=loss,
        count=len,
        evaluate=evaluate,
        monitor="preference_loss",
        epochs=EPOCHS,
        slower=SLOWER,
        data=[(pair.chosen.ids, pair.rejected.ids) for pair in fitting],
    )
    loop = train_loop(task, config, run)
    if not world.first:
        return {}
    adapter = save_adapter(config, base, loop.best_checkpoint)
    report = {
        **about_loop(config, loop, base, task),
        "adapter": None if adapter is None else str(adapter),
        "pairs": {
            "read": len(read),
            "duplicates": len(read) - len(pairs),
            "refused": refused,
            "train": len(kept),
            "validation": len(off),
        },
        "first_preference_loss": first_value(run, "preference_loss"),
        "preference_loss": loop.state.best,
        "last": {name: loop.state.evaluation[name] for name in ("preferred", "margin")},
    }
    return finish(run, report, task.monitor)


def encode_pair(tokenizer: Tokenizer, preference: Preference) -> Pair:
    """Prompt and answer in ChatML; answers that the prompt itself holds are not marked."""

    def encode(answer: str) -> Encoded:
        prompt = encode_conversation(tokenizer, preference.prompt)
        whole = encode_conversation(tokenizer, [*preference.prompt, Message("assistant", answer)])
        before = len(prompt.ids)
        return Encoded(whole.ids, [False] * before + whole.answer[before:])

    return Pair(encode(preference.chosen), encode(preference.rejected))


def answer_scores(model: GPT, tokenizer: Tokenizer, pairs: Sequence[Pair], device: torch.device) -> Tensor:
    """(pairs, 2): the logarithm of the chance of each chosen and of each rejected answer."""
    items = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    longest = max(len(item.ids) for item in items)
    batch = rows_of(items, [[i] for i in range(len(items))], longest, tokenizer.pad).to(device)
    hidden, learnt = model(batch.tokens, batch.segments), batch.targets != IGNORE
    rows = learnt.nonzero()[:, 0]
    states, targets = hidden[learnt], batch.targets[learnt]
    total: Tensor = hidden.new_zeros(len(items), dtype=torch.float32)
    step = max(1, CHUNK // model.head.shape[0])
    for first in range(0, len(rows), step):
        logits = model.logits(states[first : first + step]).float()
        nats = F.cross_entropy(logits, targets[first : first + step], reduction="none")
        total = total.index_add(0, rows[first : first + step], -nats)
    return total.view(2, len(pairs)).T


@torch.no_grad()
def scores_of(model: GPT, tokenizer: Tokenizer, pairs: Sequence[Pair], batch_size: int, device: torch.device) -> Tensor:
    """`answer_scores` of all pairs, without dropout; the model is left in the mode that it was in."""
    before = model.training
    model.eval()
    batches = [pairs[i : i + batch_size] for i in range(0, len(pairs), batch_size)]
    found = torch.cat([answer_scores(model, tokenizer, batch, device) for batch in batches])
    model.train(before)
    return found
