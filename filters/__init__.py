"""What a step can do: one family of steps a file."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters instead")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augment import Augment
    from .classifier import QualityClassifier, train_classifier
    from .cleanup import FixFormat
    from .dedup import ExactDedup, MinHashDedup
    from .language import Language
    from .lines import C4Lines
    from .pii import RedactPII
    from .quality import C4Quality, ChineseQuality, FineWebQuality, GopherQuality, GopherRepetition
    from .typos import FixTypos, train_typos

_HOME = {
    "augment": ("Augment",),
    "classifier": ("QualityClassifier", "train_classifier"),
    "cleanup": ("FixFormat",),
    "dedup": ("ExactDedup", "MinHashDedup"),
    "language": ("Language",),
    "lines": ("C4Lines",),
    "pii": ("RedactPII",),
    "quality": ("C4Quality", "ChineseQuality", "FineWebQuality", "GopherQuality", "GopherRepetition"),
    "typos": ("FixTypos", "train_typos"),
}

__all__ = [
    "Augment",
    "C4Lines",
    "C4Quality",
    "ChineseQuality",
    "ExactDedup",
    "FineWebQuality",
    "FixFormat",
    "FixTypos",
    "GopherQuality",
    "GopherRepetition",
    "Language",
    "MinHashDedup",
    "QualityClassifier",
    "RedactPII",
    "train_classifier",
    "train_typos",
]


def __getattr__(name: str) -> Any:
    """Load a step from its module when it is first used."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_steps() -> None:
    """Import every family, so that the registry knows all built-in steps."""
    for module in _HOME:
        import_module(f".{module}", __name__)
