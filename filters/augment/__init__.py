"""More text from little: synonyms, recombination, noise, other entities."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.augment instead")

from .steps import Augment

__all__ = ["Augment"]
