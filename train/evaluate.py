"""Figures: bits per byte of a language model, and scores of a classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from .checkpoint import load_model
from .data import Validation, token_cache
from .model import GPT, IGNORE


def bits_per_byte(model: GPT, validation: Validation, device: torch.device) -> dict[str, Any]:
    """Bits per byte of the validation documents: `bits_per_byte`, `by_language`, and `loss` in nats a token.

    The cost of ending each document is counted, its bytes are not (there are none). Rows are scored without overlap,
    so the first tokens of a row have little context and the figure errs on the high side.
    """
    languages = validation.cache.languages
    nats = torch.zeros(len(languages), dtype=torch.float64)
    count = 0
    for batch in validation:
        batch = batch.to(device)
        logits = model.logits(model(batch.tokens, batch.segments)).flatten(0, 1).float()
        losses = F.cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORE, reduction="none")
        real = batch.languages.flatten() >= 0
        nats.index_add_(0, batch.languages.flatten()[real].cpu(), losses[real].double().cpu())
        count += int(real.sum())
    sizes = validation.bytes_by_language()
    by_language = {
        name: float(nats[languages.index(name)]) / math.log(2) / size for name, size in sorted(sizes.items())
    }
    total = float(nats.sum())
    return {
        "bits_per_byte": total / math.log(2) / sum(sizes.values()),
        "by_language": by_language,
        "loss": total / count,
    }


def evaluate_corpus(
    run: str | Path,
    corpus: str | Path,
    *,
    split: str = "validation",
    max_tokens: int | None = None,
    cache: str | Path | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Bits per byte of a run's best checkpoint on a split of a corpus, by language.

    Tokens are cached in `cache`, or for the length of the call only. Raises InputError if run or split is not there.
    """
    import tempfile

    model, tokenizer, _ = load_model(run)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        tokens = token_cache(corpus, split, tokenizer, cache or scratch)
        rows = max(1, 8192 // model.config.context)
        chosen = Validation(tokens, context=model.config.context, rows=rows, max_tokens=max_tokens, seed=seed)
        result = bits_per_byte(model, chosen, device)
        result |= {"documents": len(chosen.documents), "bytes": sum(chosen.bytes_by_language().values())}
        del chosen, tokens  # the memory map must be closed before its folder can go
    return result


def classification_metrics(truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy; precision, recall and F1, macro and by class; the confusion matrix (rows are the truth).

    A class that was never predicted has precision 0. Raises ValueError on lengths that differ or nothing to score.
    """
    if len(truth) != len(predicted) or not truth:
        raise ValueError(
            f"need as many predictions as true labels, at least one: got {len(predicted)} and {len(truth)}"
        )
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    labels = list(labels)
    by_class = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    macro = precision_recall_fscore_support(truth, predicted, labels=labels, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "precision_macro": float(macro[0]),
        "recall_macro": float(macro[1]),
        "f1_macro": float(macro[2]),
        "classes": {
            label: {
                "precision": float(by_class[0][i]),
                "recall": float(by_class[1][i]),
                "f1": float(by_class[2][i]),
                "support": int(by_class[3][i]),
            }
            for i, label in enumerate(labels)
        },
        "labels": labels,
        "confusion_matrix": confusion_matrix(truth, predicted, labels=labels).tolist(),
    }
