"""What a model must beat: token frequencies and gzip for language, fastText for classification."""

from __future__ import annotations

import gzip
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.batches import Mix, TokenCache, Validation


def unigram_bits_per_byte(train: TokenCache | Mix, validation: Validation) -> float:
    """Bits per byte of the validation documents under token frequencies counted on train (add-one smoothed).

    Knows the vocabulary but no context: a model near this figure has learned no more than which tokens are common.
    """
    caches = train.caches if isinstance(train, Mix) else [train]
    size = max(int(cache.tokens.max()) for cache in (*caches, *validation.cache.caches)) + 1
    counts = np.ones(size, dtype=np.float64)
    for cache in caches:
        for first in range(0, cache.token_count, 1 << 22):
            counts += np.bincount(cache.tokens[first : first + (1 << 22)], minlength=size)
    cost = -np.log2(counts / counts.sum())
    bits = sum(float(cost[validation.cache.document(int(i))].sum()) for i in validation.documents)
    return bits / sum(validation.bytes_by_language().values())


def gzip_bits_per_byte(texts: Sequence[str]) -> float:
    """Bits per byte of the texts, end to end, under gzip at its best level."""
    data = "\n".join(texts).encode()
    if not data:
        return math.nan
    return 8 * len(gzip.compress(data, compresslevel=9, mtime=0)) / len(data)


def fasttext_classification(
    train: Sequence[tuple[str, str]], test: Sequence[str], *, epochs: int = 25, seed: int = 0
) -> list[str]:
    """Labels for `test` from a fastText classifier trained on (text, label) pairs.

    Bag of words and word bigrams; Chinese is cut into characters. One thread, so that it is repeatable, and a small
    hash table: the default of 2 million buckets takes 800 MB whatever the data.
    """
    import fasttext

    names = sorted({label for _, label in train})
    number = {label: i for i, label in enumerate(names)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        lines = (f"__label__{number[label]} {fasttext_line(text)}" for text, label in train)
        path.write_text("\n".join(lines) + "\n", "utf-8")
        model: Any = fasttext.train_supervised(
            str(path),
            lr=0.5,
            dim=50,
            epoch=epochs,
            wordNgrams=2,
            minCount=1,
            bucket=200_000,
            thread=1,
            seed=seed,
            verbose=0,
        )
    found, _ = model.predict([fasttext_line(text) for text in test])
    return [names[int(labels[0].removeprefix("__label__"))] for labels in found]


def fasttext_line(text: str) -> str:
    """Words in lower case, with each Chinese, Japanese or Korean character a word of its own."""
    spaced = "".join(f" {c} " if "\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" else c for c in text.lower())
    return " ".join(spaced.split())
