"""Evaluation sets in a corpus: documents that hold their items, and cutting these out."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.decontaminate instead")

from .steps import Decontaminate, MaskContamination

__all__ = ["Decontaminate", "MaskContamination"]
