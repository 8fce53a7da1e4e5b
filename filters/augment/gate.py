"""The gate of augmentation: a character n-gram model that says how much more surprising an altered text is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

AROUND = 20
"""Characters read on either side of a swapped word: the model's order and a few more."""


class Gate:
    """Bounds the perplexity (a character) of what was altered, as a ratio to what it was made from."""

    def __init__(self, model: str, most: float) -> None:
        from ..ngram_model import load_ngram  # compiled: only who has a model pays for numba

        self._model = load_ngram(Path(model))
        self._most = most

    def passes(self, before: str, after: str, slack: int = 1) -> bool:
        """Whether the whole text stays within the bound to the power of `slack`."""
        return self.ratio(before, after) <= self._most**slack

    def fits(self, text: str, at: int, old: str, new: str) -> bool:
        """Whether `new` for `old` at this place keeps what is around it within the bound."""
        left, right = text[max(0, at - AROUND) : at], text[at + len(old) : at + len(old) + AROUND]
        return self.ratio(left + old + right, left + new + right) <= self._most

    def ratio(self, before: str, after: str) -> float:
        """Perplexity a character of `after` over that of `before`."""
        texts = pa.array([before, after], pa.large_string())
        bits, _, symbols = self._model.bits(texts, 1 << 20)
        a, b = (float(n) / max(1, int(s)) for n, s in zip(bits, symbols, strict=True))
        return float(2.0 ** (b - a))
