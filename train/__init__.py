"""From a Parquet corpus to a tokenizer, a GPT, a fine-tuned one and its export.

Names load on first use, so that `import corpusmill.train` and its command line work without torch.
"""

if "." not in __name__:
    raise ImportError("import corpusmill.train instead")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..curate.errors import MissingExtra

if TYPE_CHECKING:
    from .baselines import fasttext_classification, gzip_bits_per_byte, unigram_bits_per_byte
    from .classification import ClassifierConfig, classify, finetune_classifier
    from .evaluate import evaluate_corpus
    from .export import export_hf
    from .importing import import_hf
    from .instruction import InstructConfig, finetune_instructions
    from .metrics import classification_metrics
    from .model import GPT
    from .preference import PreferenceConfig, finetune_preferences
    from .presets import ModelConfig, Preset, load_presets
    from .pretraining import PretrainConfig, PretrainResult, pretrain
    from .sampling import sample
    from .search import SearchConfig, search_settings
    from .tokenizer import Tokenizer, train_tokenizer

_HOME = {
    "GPT": "model",
    "ClassifierConfig": "classification",
    "InstructConfig": "instruction",
    "ModelConfig": "presets",
    "PreferenceConfig": "preference",
    "Preset": "presets",
    "PretrainConfig": "pretraining",
    "PretrainResult": "pretraining",
    "SearchConfig": "search",
    "Tokenizer": "tokenizer",
    "classification_metrics": "metrics",
    "classify": "classification",
    "evaluate_corpus": "evaluate",
    "export_hf": "export",
    "fasttext_classification": "baselines",
    "finetune_classifier": "classification",
    "finetune_instructions": "instruction",
    "finetune_preferences": "preference",
    "gzip_bits_per_byte": "baselines",
    "import_hf": "importing",
    "load_presets": "presets",
    "pretrain": "pretraining",
    "sample": "sampling",
    "search_settings": "search",
    "train_tokenizer": "tokenizer",
    "unigram_bits_per_byte": "baselines",
}

__all__ = [
    "GPT",
    "ClassifierConfig",
    "InstructConfig",
    "ModelConfig",
    "PreferenceConfig",
    "Preset",
    "PretrainConfig",
    "PretrainResult",
    "SearchConfig",
    "Tokenizer",
    "classification_metrics",
    "classify",
    "evaluate_corpus",
    "export_hf",
    "fasttext_classification",
    "finetune_classifier",
    "finetune_instructions",
    "finetune_preferences",
    "gzip_bits_per_byte",
    "import_hf",
    "load_presets",
    "pretrain",
    "sample",
    "search_settings",
    "train_tokenizer",
    "unigram_bits_per_byte",
]

NEEDED = ("torch", "tokenizers", "safetensors", "sklearn", "matplotlib", "transformers")
"""What the extra `train` installs; the absence of any of them is reported as that extra missing."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in NEEDED:
            raise MissingExtra("training", "train") from error
        raise
    globals()[name] = value
    return value
