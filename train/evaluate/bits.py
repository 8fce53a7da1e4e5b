"""Bits per byte of a language model, by language and by domain."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..data.batches import Batch, Validation, token_cache
from ..loop.checkpoint import load_model
from ..model.gpt import GPT, IGNORE
from .metrics import classification_metrics as classification_metrics

if TYPE_CHECKING:
    from ..loop.distributed import World

Losses = Callable[[Batch], Tensor]


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Nats of every target, flat; 0 where it is `IGNORE`."""
    return F.cross_entropy(logits.flatten(0, -2).float(), targets.flatten(), ignore_index=IGNORE, reduction="none")


def bits_per_byte(
    model: GPT,
    validation: Validation,
    device: torch.device,
    *,
    losses: Losses | None = None,
    world: World | None = None,
) -> dict[str, Any]:
    """Bits per byte of the validation documents: `bits_per_byte`, `by_language`, `by_domain`, and `loss` in nats a token.

    The cost of ending each document is counted, its bytes are not (there are none). The first tokens of a chunk of a
    long document have little context, but for `validation`'s overlap, so the figure errs on the high side. `losses`
    gives the nats of every target of a batch (by default from `model`); processes of a `world` share the batches.
    """
    data, chosen = validation.cache, validation.documents
    rank, size = (world.rank, world.size) if world else (0, 1)

    def plain(batch: Batch) -> Tensor:
        batch = batch.to(device)
        return token_losses(model.logits(model(batch.tokens, batch.segments)), batch.targets)

    losses = losses or plain
    nats = torch.zeros(len(chosen), dtype=torch.float64)
    count = torch.zeros(1, dtype=torch.float64)
    for number in range(rank, -(-len(validation) // size) * size, size):
        # Shards of a model meet in every pass: a process whose batches have run out goes through one more, uncounted.
        batch = validation.batch(min(number, len(validation) - 1))
        assert batch.documents is not None
        found = losses(batch).double().cpu()
        if number < len(validation):
            documents = batch.documents.flatten().numpy()
            real = documents >= 0
            nats.index_add_(0, torch.from_numpy(np.searchsorted(chosen, documents[real])), found[real])
            count += batch.target_count
    if world:
        nats, count = world.sum(nats), world.sum(count)
    total = float(nats.sum())

    def by(group: NDArray[np.int64], names: list[str], sizes: dict[str, int]) -> dict[str, float]:
        found = np.bincount(group[chosen], nats.numpy(), len(names))
        return {name: float(found[names.index(name)]) / math.log(2) / n for name, n in sorted(sizes.items())}

    sizes = validation.bytes_by_language()
    return {
        "bits_per_byte": total / math.log(2) / sum(sizes.values()),
        "by_language": by(data.language, data.languages, sizes),
        "by_domain": by(data.domain, data.domains, validation.bytes_by_domain()),
        "loss": total / float(count),
    }


def evaluate_corpus(
    run: str | Path,
    corpus: str | Path,
    *,
    split: str = "validation",
    max_tokens: int | None = None,
    cache: str | Path | None = None,
    seed: int = 0,
    overlap: int = 0,
) -> dict[str, Any]:
    """Bits per byte of a run's best checkpoint on a split of a corpus, by language and by domain.

    Of a document longer than the model's context, each chunk but the first is scored after the last `overlap` tokens of
    the one before (half the context is customary where perplexities are compared). Tokens are cached in `cache`, or for
    the length of the call only. Raises InputError if run or split is not there.
    """
    import tempfile

    model, tokenizer, _ = load_model(run)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        tokens = token_cache(corpus, split, tokenizer, cache or scratch)
        rows = max(1, 8192 // model.config.context)
        chosen = Validation(
            tokens, context=model.config.context, rows=rows, max_tokens=max_tokens, seed=seed, overlap=overlap
        )
        result = bits_per_byte(model, chosen, device)
        result |= {"documents": len(chosen.documents), "bytes": sum(chosen.bytes_by_language().values())}
        del chosen, tokens  # the memory map must be closed before its folder can go
    return result
