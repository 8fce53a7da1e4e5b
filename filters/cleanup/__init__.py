"""Format: broken characters, spaces, remnants of HTML, line breaks; each repair in a file of its own."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.cleanup instead")

from .steps import FixFormat

__all__ = ["FixFormat"]
