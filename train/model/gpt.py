"""The model: a decoder-only GPT whose state dict is a Hugging Face Qwen3 checkpoint as it stands.

RMSNorm, rotary positions, grouped-query attention with QK-norm, SwiGLU, no biases. Module names follow Qwen3's so
that export is a save, not a conversion. Llama, Qwen2 and GPT-2 are the same model with parts left out or exchanged
(`ModelConfig.architecture`). Everything else is kept as plain as nanoGPT.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import Attention, KVCache, Layout, RMSNorm, RotaryTable, block_mask, make_layout, positions_in_segments
from .head import IGNORE, head_loss
from .presets import ModelConfig, initial_std, output_scale

__all__ = ["GPT", "IGNORE", "KVCache", "block_mask", "positions_in_segments"]


class FeedForward(nn.Module):
    """SwiGLU; for GPT-2 two matrices with GELU between."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        gated, bias = config.architecture != "gpt2", config.output_bias
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(width, inner, bias=bias) if gated else None
        self.up_proj = nn.Linear(width, inner, bias=bias)
        self.down_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up_proj(x)
        inner = F.gelu(up, approximate="tanh") if self.gate_proj is None else F.silu(self.gate_proj(x)) * up
        return cast(Tensor, self.down_proj(inner))


def _norm(config: ModelConfig) -> nn.Module:
    if config.architecture == "gpt2":
        return nn.LayerNorm(config.hidden_size, config.norm_eps)
    return RMSNorm(config.hidden_size, config.norm_eps)


class Block(nn.Module):
    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = _norm(config)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = _norm(config)
        self.mlp = FeedForward(config)
        self.dropout = config.dropout

    def forward(self, x: Tensor, layout: Layout, cache: KVCache | None) -> Tensor:
        x = x + self._drop(self.self_attn(self.input_layernorm(x), layout, cache))
        return x + self._drop(self.mlp(self.post_attention_layernorm(x)))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class Decoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        if config.positions == "learned":
            self.embed_positions = nn.Embedding(config.context, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = _norm(config)


class GPT(nn.Module):
    """`hidden = gpt(tokens, segments)`, then `gpt.logits(hidden)` or `gpt.loss(hidden, targets)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        # With tied embeddings there is no second matrix at all, so none can be saved, merged or decayed by mistake.
        self.lm_head = None if config.tie_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.recompute = False
        """Activation checkpointing: keep each block's input only and compute the block again on the way back; a third
        more work for memory that no longer grows with the layers' insides."""
        self.z_loss = 0.0
        """Weight of the z-loss that training adds (see `head_loss`); 1e-4 is usual."""
        self._rotary = RotaryTable(config)
        self._initialize()

    def _initialize(self) -> None:
        """Normal weights whose size follows the width (see `presets.initial_std`), zero biases, norms of one."""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=initial_std(self.config, name, parameter.shape[1]))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        nn.init.constant_(cast(Tensor, self.model.norm.weight), output_scale(self.config))

    def forward(self, tokens: Tensor, segments: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """Hidden states (batch, time, width) of token ids (batch, time).

        `segments`, of the same shape, numbers the document of each token (-1 pads a row's end): a token sees only
        earlier tokens of its own document, and positions start again at 0 in each. With a `cache`, `tokens` follow the
        ones it holds: any number into an empty cache, then one at a time.
        """
        past = 0 if cache is None else len(cache)
        if past and tokens.shape[1] > 1:
            raise ValueError("a filled cache takes one token at a time")
        layout = self._layout(tokens, segments, past)
        x = self.model.embed_tokens(tokens)
        if self.config.positions == "learned":
            x = x + self.model.embed_positions(layout.positions)
        if self.config.dropout:
            x = F.dropout(x, self.config.dropout, self.training)
        for block in self.model.layers:
            if self.recompute and self.training:
                x = checkpoint(block, x, layout, cache, use_reentrant=False)
            else:
                x = block(x, layout, cache)
        return cast(Tensor, self.model.norm(x))

    # Looks at the data (is every row one document?), which a compiled graph cannot; what follows it is one graph.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _layout(self, tokens: Tensor, segments: Tensor | None, past: int) -> Layout:
        return make_layout(self.config, self._rotary, tokens, segments, past)

    @property
    def head(self) -> Tensor:
        """The output matrix (vocabulary, width)."""
        return self.model.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary, (..., vocab_size)."""
        return F.linear(hidden, self.head)

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats summed over the targets that are not `IGNORE`; while training, with the z-loss."""
        z_loss = self.z_loss if self.training else 0.0
        return head_loss(hidden.flatten(0, -2), self.head, targets.flatten(), z_loss=z_loss)

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())
