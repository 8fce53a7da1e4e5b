"""The shape of a GPT, and the presets that set it from one dial."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ...curate.errors import RecipeError
from ...curate.registry import suggestion

HEAD_DIM = 64
"""Served by every attention backend of vLLM, and even, as rotary positions need."""

BASE_WIDTH = 256
"""Width at which learning rates are stated; `initial_std`, `output_scale` and `width_factor` carry them to other widths as
muP does (Yang et al. 2022, table 8), with everything folded into parameters so that the model stays a plain Qwen3."""

LEARNING_RATE = 1.8e-3
"""AdamW's peak at BASE_WIDTH: GPT-3's 6e-4 for width 768 (Brown et al. 2020, table 2.1) times 768 / 256."""


class RopeScaling(BaseModel):
    """How rotary positions were stretched to a longer context than the model was first trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["linear", "llama3"]
    """`linear` slows every frequency; `llama3` only the slow ones (Llama 3.1)."""
    factor: PositiveFloat
    """How much longer the context became."""
    low_frequency: PositiveFloat = 1.0
    """llama3: pairs that turn fewer times than this over the original context are slowed."""
    high_frequency: PositiveFloat = 4.0
    """llama3: pairs that turn more often than this are kept."""
    original_context: PositiveInt = 8192
    """llama3: the context before stretching, in tokens."""


class ModelConfig(BaseModel):
    """Shape of a decoder-only GPT, in Qwen3's arrangement unless `architecture` says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["qwen3", "qwen2", "llama", "gpt2"] = "qwen3"
    """`qwen3`: RMSNorm, rotary positions, QK-norm, SwiGLU, no biases. `llama`: without QK-norm. `qwen2`: without it and
    with biases on queries, keys and values. `gpt2`: LayerNorm, learned positions, GELU, biases throughout."""
    vocab_size: PositiveInt
    """Rows of the embedding: the tokenizer's size rounded up to a multiple of 64."""
    hidden_size: PositiveInt
    """Width of the residual stream."""
    intermediate_size: PositiveInt
    """Width inside the SwiGLU (of GPT-2's two-matrix layer)."""
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
    sliding_window: PositiveInt | None = None
    """Tokens that a token sees, itself included; null sees its whole document."""
    full_attention_layers: tuple[NonNegativeInt, ...] = ()
    """Layers that see the whole document although there is a window."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of attention weights, and of what each block adds, that training leaves out; 0.1 to 0.2 helps where a small
    corpus is read many times."""
    rope_theta: float = 1e6
    """Base of the rotary positions; 1e6 is what readers assume when a config lost the field."""
    rope_scaling: RopeScaling | None = None
    """Stretched positions of a loaded checkpoint."""
    norm_eps: float = 1e-6
    """Added to the mean square inside the norms."""
    tie_embeddings: bool = True
    """Share the input embedding with the output head."""

    @property
    def qk_norm(self) -> bool:
        return self.architecture == "qwen3"

    @property
    def qkv_bias(self) -> bool:
        return self.architecture in ("qwen2", "gpt2")

    @property
    def output_bias(self) -> bool:
        """Biases on what attention and the layer behind it give out."""
        return self.architecture == "gpt2"

    @property
    def positions(self) -> Literal["rotary", "learned"]:
        return "learned" if self.architecture == "gpt2" else "rotary"

    def parameter_count(self) -> int:
        """Weights of a model of this shape, counted without making it."""
        width, inner, kv = self.hidden_size, self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * width * (inner + kv) + (2 * self.head_dim if self.qk_norm else 0)
        attention += (inner + 2 * kv if self.qkv_bias else 0) + (width if self.output_bias else 0)
        norm = (2 if self.architecture == "gpt2" else 1) * width
        gated = self.architecture != "gpt2"
        feed_forward = (3 if gated else 2) * width * self.intermediate_size
        feed_forward += 0 if gated else self.intermediate_size + width
        tables = self.vocab_size * width * (1 if self.tie_embeddings else 2)
        tables += self.context * width if self.positions == "learned" else 0
        return tables + self.layers * (attention + feed_forward + 2 * norm) + norm

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")
        if self.head_dim % 2:
            raise ValueError(f"head_dim ({self.head_dim}) must be even: rotary positions turn pairs")
        if self.architecture == "gpt2" and (
            self.kv_heads != self.heads or self.head_dim * self.heads != self.hidden_size or self.sliding_window
        ):
            raise ValueError("gpt2 has as many kv_heads as heads, heads that fill hidden_size, and no sliding window")
        outside = [i for i in self.full_attention_layers if i >= self.layers]
        if outside:
            raise ValueError(f"full_attention_layers names layers {outside}, and there are {self.layers} (from 0)")
        return self


def initial_std(config: ModelConfig, name: str, fan_in: int) -> float:
    """Standard deviation of a matrix's initial weights.

    Embeddings: 0.02 at any width. Hidden matrices: 0.55 / sqrt(fan_in), which is GPT-2's 0.02 at its width of 768; what
    is added to the residual stream smaller by the root of the number of additions. An untied head: falls with the width.
    """
    if "embed" in name:
        return 0.02
    if name.startswith("lm_head"):
        return 0.02 * BASE_WIDTH / config.hidden_size
    std = 0.55 / math.sqrt(fan_in)
    return std / math.sqrt(2 * config.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else std


def output_scale(config: ModelConfig) -> float:
    """The final norm's initial gain.

    Under tied embeddings muP's factor of 1 / width on the logits cannot be in the matrix, which the input shares; it is
    in the gain before it, and the gain's learning rate falls likewise.
    """
    return BASE_WIDTH / config.hidden_size if config.tie_embeddings else 1.0


def width_factor(config: ModelConfig, name: str, dimensions: int) -> float:
    """What Adam's learning rate at BASE_WIDTH is multiplied by for a parameter of this model.

    Hidden matrices and an untied head learn at 1 / width; embeddings, gains and biases at the same rate at any width.
    """
    hidden = dimensions >= 2 and "embed" not in name
    scaled_gain = name.startswith("model.norm.") and config.tie_embeddings
    return BASE_WIDTH / config.hidden_size if hidden or scaled_gain else 1.0


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
        """Peak learning rate of AdamW at BASE_WIDTH: one for all sizes (see `width_factor`)."""
        return LEARNING_RATE

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
    """The preset of that name, or of a depth: "d20" has 20 layers and is 1,280 wide.

    A depth between two presets takes vocabulary, context and batch from the smaller, and 20 tokens a parameter for a
    budget. Raises RecipeError that lists the valid names.
    """
    presets = load_presets()
    if match := re.fullmatch(r"d([1-9]\d?)", name):
        depth = int(match[1])
        ordered = sorted(presets.values(), key=lambda p: p.depth)
        below = [p for p in ordered if p.depth <= depth][-1:] or ordered[:1]
        size = below[0].model_copy(update={"name": name, "depth": depth})
        tokens = 20 * size.model(size.vocab_size).parameter_count()
        return size.model_copy(update={"train_tokens": tokens, "about": f"{depth} layers"})
    if name not in presets:
        raise RecipeError([f"unknown preset {name!r}{suggestion(name, presets)}"])
    return presets[name]
