"""What a trained model thinks of each text: its cost in nats, document by document, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..loop.checkpoint import WEIGHTS, find_checkpoint, load_model
from ..model.gpt import GPT, IGNORE
from ..tokenizer.bpe import Tokenizer

BATCH_TOKENS = 4096
"""Tokens a forward pass: with a vocabulary of 16,384 their logits are 268 MB."""


class Scorer:
    """A model and its tokenizer, ready to score texts."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, device: torch.device) -> None:
        self.model, self.tokenizer, self.device = model.to(device).eval(), tokenizer, device

    @torch.inference_mode()
    def score(
        self, texts: Sequence[str], whole: Sequence[bool] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Nats that each text costs, and over how many tokens, both of shape (texts,).

        A text is cut into rows of `context` tokens as for training and evaluation: each begins with the token that the
        row before predicted last, so its first tokens see little context and the figure errs on the high side. The cost
        of ending is counted where `whole` says so (everywhere without it): a piece of a longer document does not end.

        Two runs with the same batches give the same figures; other batches may change them in the seventh digit.
        """
        context, end = self.model.config.context, self.tokenizer.end_of_text
        nats, counts = np.zeros(len(texts)), np.zeros(len(texts), np.int64)
        rows: list[tuple[int, list[int]]] = []
        for text, ids in enumerate(self.tokenizer.encode_batch(texts)):
            stream = [end, *ids, end] if whole is None or whole[text] else [end, *ids]
            counts[text] = len(stream) - 1
            rows += [(text, stream[at : at + context + 1]) for at in range(0, len(stream) - 1, context)]
        rows.sort(key=lambda row: -len(row[1]))  # rows of like length together: less padding
        first = 0
        while first < len(rows):
            width = len(rows[first][1]) - 1
            batch = rows[first : first + max(1, BATCH_TOKENS // width)]
            first += len(batch)
            tokens = torch.full((len(batch), width), end)
            targets = torch.full((len(batch), width), IGNORE)
            for i, (_, ids) in enumerate(batch):
                tokens[i, : len(ids) - 1] = torch.tensor(ids[:-1])
                targets[i, : len(ids) - 1] = torch.tensor(ids[1:])
            tokens, targets = tokens.to(self.device), targets.to(self.device)
            logits = self.model.logits(self.model(tokens)).flatten(0, 1).float()
            losses = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORE, reduction="none")
            sums = losses.view(len(batch), width).double().sum(dim=1).cpu().numpy()
            np.add.at(nats, [text for text, _ in batch], sums)
        return nats, counts


def load_scorer(path: str | Path, device: str = "auto") -> Scorer:
    """The scorer of a run's best checkpoint or of a checkpoint, loaded once a process.

    `device` is `auto` (a GPU where there is one), or a name that torch knows. Raises InputError if there is no model.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return _load(weights_of(path).parent, weights_of(path).stat().st_mtime_ns, device)


def weights_of(path: str | Path) -> Path:
    """The file with the weights that `load_scorer` reads."""
    return find_checkpoint(path) / WEIGHTS


@lru_cache(maxsize=2)
def _load(folder: Path, changed: int, device: str) -> Scorer:
    model, tokenizer, _ = load_model(folder)
    return Scorer(model, tokenizer, torch.device(device))
