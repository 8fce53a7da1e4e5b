"""Typing errors in Chinese and English: candidates, language models, calibration, and when to refuse."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.typos instead")

from .model import train_typos
from .steps import FixTypos

__all__ = ["FixTypos", "train_typos"]
