"""Personal data: what it looks like, who it names, and what is written in its place."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.privacy instead")

from .steps import RedactPII

__all__ = ["RedactPII"]
