"""What a step can do: one family of steps a file or folder."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters instead")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augment import Augment
    from .chinese import ChineseQuality, ChineseSpam
    from .classifier import QualityClassifier, QualityTopShare, train_classifier
    from .cleanup import FixFormat
    from .decontaminate import Decontaminate, MaskContamination
    from .dedup import ExactDedup, LineDedup, MinHashDedup, SharedDedup, SubstringDedup
    from .fineweb2 import FineWeb2
    from .language import Language
    from .lines import C4Lines
    from .ngram_model import train_ngram
    from .perplexity import Perplexity
    from .privacy import RedactPII
    from .quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition
    from .refinedweb import RefinedWebLines, RefinedWebQuality
    from .typos import FixTypos, train_typos

_HOME = {
    "augment": ("Augment",),
    "chinese": ("ChineseQuality", "ChineseSpam"),
    "classifier": ("QualityClassifier", "QualityTopShare", "train_classifier"),
    "cleanup": ("FixFormat",),
    "decontaminate": ("Decontaminate", "MaskContamination"),
    "dedup": ("ExactDedup", "LineDedup", "MinHashDedup", "SharedDedup", "SubstringDedup"),
    "fineweb2": ("FineWeb2",),
    "language": ("Language",),
    "lines": ("C4Lines",),
    "ngram_model": ("train_ngram",),
    "perplexity": ("Perplexity",),
    "privacy": ("RedactPII",),
    "quality": ("C4Quality", "FineWebQuality", "GopherQuality", "GopherRepetition"),
    "refinedweb": ("RefinedWebLines", "RefinedWebQuality"),
    "typos": ("FixTypos", "train_typos"),
}

__all__ = [
    "Augment",
    "C4Lines",
    "C4Quality",
    "ChineseQuality",
    "ChineseSpam",
    "Decontaminate",
    "ExactDedup",
    "FineWeb2",
    "FineWebQuality",
    "FixFormat",
    "FixTypos",
    "GopherQuality",
    "GopherRepetition",
    "Language",
    "LineDedup",
    "MaskContamination",
    "MinHashDedup",
    "Perplexity",
    "QualityClassifier",
    "QualityTopShare",
    "RedactPII",
    "RefinedWebLines",
    "RefinedWebQuality",
    "SharedDedup",
    "SubstringDedup",
    "train_classifier",
    "train_ngram",
    "train_typos",
]


def __getattr__(name: str) -> Any:
    """Load a step from its module when it is first used."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_steps() -> None:
    """Import every family of steps, so that the registry knows all built-in ones."""
    for module, names in _HOME.items():
        if any(name[0].isupper() for name in names):
            import_module(f".{module}", __name__)
