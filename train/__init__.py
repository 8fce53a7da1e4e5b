"""From a Parquet corpus to a tokenizer, a GPT, a fine-tuned one and its export.

Names load on first use, so that `import corpusmill.train` and its command line work without torch.
"""

if "." not in __name__:
    raise ImportError("import corpusmill.train instead")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..curate.errors import MissingExtra

if TYPE_CHECKING:
    from .evaluate.baselines import fasttext_classification, gzip_bits_per_byte, unigram_bits_per_byte
    from .evaluate.bits import evaluate_corpus
    from .evaluate.metrics import classification_metrics
    from .finetune.classification import ClassifierConfig, finetune_classifier
    from .finetune.classifier import classify
    from .finetune.instruction import InstructConfig, finetune_instructions
    from .finetune.preference import PreferenceConfig, finetune_preferences
    from .finetune.search import SearchConfig, search_settings
    from .model.export import export_hf
    from .model.gpt import GPT
    from .model.importing import import_hf
    from .model.presets import ModelConfig, Preset, load_presets
    from .model.sampling import sample
    from .pretraining.pretrain import PretrainConfig, PretrainResult, pretrain
    from .tokenizer.bpe import Tokenizer
    from .tokenizer.training import train_tokenizer

_HOME = {
    "GPT": "model.gpt",
    "ClassifierConfig": "finetune.classification",
    "InstructConfig": "finetune.instruction",
    "ModelConfig": "model.presets",
    "PreferenceConfig": "finetune.preference",
    "Preset": "model.presets",
    "PretrainConfig": "pretraining.pretrain",
    "PretrainResult": "pretraining.pretrain",
    "SearchConfig": "finetune.search",
    "Tokenizer": "tokenizer.bpe",
    "classification_metrics": "evaluate.metrics",
    "classify": "finetune.classifier",
    "evaluate_corpus": "evaluate.bits",
    "export_hf": "model.export",
    "fasttext_classification": "evaluate.baselines",
    "finetune_classifier": "finetune.classification",
    "finetune_instructions": "finetune.instruction",
    "finetune_preferences": "finetune.preference",
    "gzip_bits_per_byte": "evaluate.baselines",
    "import_hf": "model.importing",
    "load_presets": "model.presets",
    "pretrain": "pretraining.pretrain",
    "sample": "model.sampling",
    "search_settings": "finetune.search",
    "train_tokenizer": "tokenizer.training",
    "unigram_bits_per_byte": "evaluate.baselines",
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
