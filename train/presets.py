"""The shape of a GPT, and the presets that set it from one dial."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from ..curate.errors import RecipeError
from ..curate.registry import suggestion

HEAD_DIM = 64
"""Served by every attention backend of vLLM, and even, as rotary positions need."""

BASE_WIDTH, BASE_LEARNING_RATE = 768, 6e-4
"""GPT-3's learning rate for its 125 M model (Brown et al. 2020, table 2.1); other widths scale it by 1 / width, as
muP says Adam wants (Yang et al. 2022)."""


class ModelConfig(BaseModel):
    """Shape of a decoder-only GPT in Qwen3's arrangement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: PositiveInt
    """Rows of the embedding: the tokenizer's size rounded up to a multiple of 64."""
    hidden_size: PositiveInt
    """Width of the residual stream."""
    intermediate_size: PositiveInt
    """Width inside the SwiGLU."""
    layers: PositiveInt
    """Blocks of attention and SwiGLU."""
    heads: PositiveInt
    """Query heads."""
    kv_heads: PositiveInt
    """Key and value heads, each shared by heads / kv_heads query heads."""
    head_dim: PositiveInt = HEAD_DIM
    """Width of a head; must be even."""
    context: PositiveInt = 1024
    """Longest sequence the model is trained on, in tokens."""
    rope_theta: float = 1e6
    """Base of the rotary positions; 1e6 is what readers assume when a config lost the field."""
    norm_eps: float = 1e-6
    """Added to the mean square inside RMSNorm."""
    tie_embeddings: bool = True
    """Share the input embedding with the output head."""

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")
        if self.head_dim % 2:
            raise ValueError(f"head_dim ({self.head_dim}) must be even: rotary positions turn pairs")
        return self


class Preset(BaseModel):
    """A size of model with the batch and budget that suit it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    depth: int = Field(ge=1)
    """The dial: layers, and heads of 64 across the width."""
    vocab_size: PositiveInt
    """Size to train a tokenizer to."""
    context: PositiveInt
    """Tokens a row."""
    batch_tokens: PositiveInt
    """Tokens an optimizer step."""
    micro_batch_tokens: PositiveInt
    """Tokens that go through the model at once; the rest of the batch is accumulated."""
    train_tokens: PositiveInt
    """Default budget."""
    validation_tokens: PositiveInt
    """At most this much is scored at each evaluation."""
    about: str
    """For whom it is."""

    @property
    def width(self) -> int:
        return HEAD_DIM * self.depth

    @property
    def learning_rate(self) -> float:
        """Peak learning rate of AdamW."""
        return BASE_LEARNING_RATE * BASE_WIDTH / self.width

    def model(self, vocab_size: int, context: int | None = None) -> ModelConfig:
        """The shape for a tokenizer of `vocab_size` tokens."""
        kv_heads = max(n for n in range(1, self.depth + 1) if self.depth % n == 0 and n <= max(2, self.depth // 3))
        return ModelConfig(
            vocab_size=round_up(vocab_size, 64),
            hidden_size=self.width,
            # 8/3 of the width gives SwiGLU's three matrices the size of GPT-2's two; 256 is the block of K-quants.
            intermediate_size=round_up(8 * self.width // 3, 256),
            layers=self.depth,
            heads=self.depth,
            kv_heads=kv_heads,
            context=context or self.context,
        )


def round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


@cache
def load_presets() -> dict[str, Preset]:
    """The presets of presets.yaml by name, smallest first."""
    table = yaml.safe_load(files(__package__).joinpath("presets.yaml").read_text("utf-8"))
    return {name: Preset(name=name, **fields) for name, fields in table.items()}


def preset(name: str) -> Preset:
    """The preset of that name. Raises RecipeError that lists the valid ones."""
    presets = load_presets()
    if name not in presets:
        raise RecipeError([f"unknown preset {name!r}{suggestion(name, presets)}"])
    return presets[name]
