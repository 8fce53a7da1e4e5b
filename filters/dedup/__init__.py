"""Duplicates: exact ones by hash, near ones by MinHash, each removed only in favour of a document that stays."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.dedup instead")

from .banding import lsh_bands, s_curve
from .exact import ExactDedup
from .lines import LineDedup
from .near import MinHashDedup
from .shared import SharedDedup
from .substrings import SubstringDedup

__all__ = ["ExactDedup", "LineDedup", "MinHashDedup", "SharedDedup", "SubstringDedup", "lsh_bands", "s_curve"]
