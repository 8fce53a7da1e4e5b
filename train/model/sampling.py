"""Text from a trained model, a token at a time, with a cache of keys and values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...curate.errors import InputError
from ..loop.checkpoint import load_model
from ..tokenizer.bpe import Tokenizer
from .gpt import GPT, KVCache


@dataclass(frozen=True, slots=True)
class Sample:
    """What the model wrote."""

    text: str
    """The continuation, without the prompt."""
    tokens: list[int]
    stopped: str
    """`end` (the model ended its text), `length` (max_new_tokens), or `context` (the model's context is full)."""


def sample(
    run: str | Path,
    prompt: str = "",
    *,
    max_new_tokens: int = 200,
    temperature: float = 0.8,
    top_p: float = 0.95,
    top_k: int | None = 50,
    seed: int = 0,
    chat: bool = False,
) -> Sample:
    """Continue a prompt with a run's best checkpoint; with `chat`, answer it as a user's message.

    Raises InputError if there is no model, an option is out of bounds, or the prompt fills the context.
    """
    model, tokenizer, _ = load_model(run)
    ids = chat_prompt(tokenizer, prompt) if chat else [tokenizer.end_of_text, *tokenizer.encode(prompt)]
    tokens, stopped = generate(
        model,
        ids,
        stop=(tokenizer.end_of_text, tokenizer.im_end),
        allowed=len(tokenizer),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        seed=seed,
    )
    return Sample(tokenizer.decode(tokens), tokens, stopped)


def chat_prompt(tokenizer: Tokenizer, message: str) -> list[int]:
    """The ids of a user's message in the chat template, up to where the assistant begins."""
    user = tokenizer.encode(f"user\n{message.strip()}")
    newline, begin = tokenizer.encode("\n"), tokenizer.encode("assistant\n")
    return [tokenizer.im_start, *user, tokenizer.im_end, *newline, tokenizer.im_start, *begin]


@torch.inference_mode()
def generate(
    model: GPT,
    prompt: list[int],
    *,
    stop: tuple[int, ...],
    allowed: int | None = None,
    max_new_tokens: int = 200,
    temperature: float = 0.8,
    top_p: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> tuple[list[int], str]:
    """Continue token ids; returns the new ones and why they ended (see `Sample.stopped`).

    Temperature 0 takes the likeliest token each time. Ids from `allowed` on (rows of the embedding that no token
    uses) are never drawn.
    """
    if temperature < 0 or not 0 < top_p <= 1 or (top_k is not None and top_k < 1) or max_new_tokens < 1:
        raise InputError(
            "sampling needs temperature >= 0, 0 < top_p <= 1, top_k >= 1 and max_new_tokens >= 1; got "
            f"temperature={temperature}, top_p={top_p}, top_k={top_k}, max_new_tokens={max_new_tokens}"
        )
    context = model.config.context
    if len(prompt) >= context:
        raise InputError(f"the prompt has {len(prompt)} tokens and the model reads at most {context - 1}: shorten it")
    device = next(model.parameters()).device
    random = torch.Generator(device=device).manual_seed(seed)
    cache = KVCache(model.config.layers)
    tokens: list[int] = []
    step = torch.tensor([prompt], device=device)
    while True:
        scores = model.logits(model(step, cache=cache)[:, -1])[0].float()
        if allowed is not None:
            scores[allowed:] = -torch.inf
        token = choose(scores, temperature, top_p, top_k, random)
        if token in stop:
            return tokens, "end"
        tokens.append(token)
        if len(tokens) == max_new_tokens:
            return tokens, "length"
        if len(prompt) + len(tokens) >= context:
            return tokens, "context"
        step = torch.tensor([[token]], device=device)


def choose(scores: Tensor, temperature: float, top_p: float, top_k: int | None, random: torch.Generator) -> int:
    """One token id drawn from scores (vocab_size,)."""
    if temperature == 0:
        return int(scores.argmax())
    values, ids = torch.sort(scores / temperature, descending=True, stable=True)
    if top_k is not None:
        values, ids = values[:top_k], ids[:top_k]
    chances = torch.softmax(values, dim=-1)
    # The likeliest tokens whose chances together reach top_p; the one that crosses the line is in.
    chances = torch.where(chances.cumsum(0) - chances < top_p, chances, 0.0)
    return int(ids[torch.multinomial(chances, 1, generator=random)])
