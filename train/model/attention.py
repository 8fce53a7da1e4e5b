"""Attention: who sees whom in a batch of packed rows, rotary positions, the cache of keys and values.

`Layout` answers the first for a whole batch, once, so that no layer builds a mask: nothing at all where every row is one
document, boundaries for FlashAttention on a GPU, and a boolean block mask otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .presets import ModelConfig, RopeScaling

MASK_LIMIT = 1 << 31
"""Elements of a block mask above which a micro-batch is refused rather than left to exhaust memory: 2 GiB."""


DENSE_LIMIT = 256
"""Longest row whose attention in bfloat16 on a CPU is made of plain products. torch's own kernel wins on longer ones, but its
backward pass costs 10 ms for 12 x 64 tokens of 4 heads where plain products cost 1.5, and 31 for 8 x 256 where they cost 20."""


class KVCache:
    """Keys and values of the tokens so far, one pair a layer, each (batch, kv_heads, time, head_dim)."""

    def __init__(self, layers: int) -> None:
        self.layers: list[tuple[Tensor, Tensor] | None] = [None] * layers

    def __len__(self) -> int:
        return 0 if self.layers[0] is None else int(self.layers[0][0].shape[2])

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        past = self.layers[layer]
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        self.layers[layer] = (key, value)
        return key, value


class Layout(NamedTuple):
    """Where each token stands and what it sees, for every layer of a batch (batch, time)."""

    positions: Tensor
    """(1 or batch, time): a token's place in its own document."""
    rotary: tuple[Tensor, Tensor]
    """Cosines and signed sines, (1 or batch, 1, time, head_dim); empty for learned positions."""
    mask: Tensor | None
    """(batch, 1, time, time), true where a token may look; None where plain causal attention is right."""
    window_mask: Tensor | None
    """The same for layers with a sliding window."""
    bounds: Tensor | None
    """int32: where each document of the flattened batch begins, and the end; then the masks are None."""


class RotaryTable:
    """Cosines and sines of every position, computed once a device and grown when a longer row comes."""

    def __init__(self, config: ModelConfig) -> None:
        self.dim = config.head_dim
        self.frequencies = rotary_frequencies(config.head_dim, config.rope_theta, config.rope_scaling)
        self.tables: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def __call__(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Tables of at least `length` rows, each (positions, head_dim)."""
        found = self.tables.get(device)
        if found is None or len(found[0]) < length:
            length = 1 << (length - 1).bit_length()  # in few steps, and never a context of 131,072 for rows of 1,024
            angles = torch.arange(length, dtype=torch.float32, device="cpu")[:, None] * self.frequencies
            sines = angles.sin()
            # The sign is in the table, so that a rotation is a roll, two products and a sum: see `rotate`.
            found = torch.cat([angles.cos()] * 2, dim=-1).to(device), torch.cat([-sines, sines], dim=-1).to(device)
            self.tables[device] = found
        return found


def rotary_frequencies(dim: int, theta: float, scaling: RopeScaling | None) -> Tensor:
    """Radians a position for each pair of a head, (dim / 2,)."""
    # On the CPU also where the model is first laid out on no device at all ("meta").
    frequencies = theta ** (-torch.arange(0, dim, 2, dtype=torch.float32, device="cpu") / dim)
    if scaling is None:
        return frequencies
    if scaling.kind == "linear":
        return frequencies / scaling.factor
    # Llama 3.1: slow pairs are stretched by the factor, fast ones kept, and those between are mixed.
    turns = scaling.original_context * frequencies / (2 * torch.pi)
    share = ((turns - scaling.low_frequency) / (scaling.high_frequency - scaling.low_frequency)).clamp(0, 1)
    return frequencies / scaling.factor * (1 - share) + frequencies * share


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions in Qwen3's and Llama's layout: the first half of a head pairs with the second."""
    cos, signed_sin = rotary
    return (x * cos + x.roll(x.shape[-1] // 2, dims=-1) * signed_sin).to(x.dtype)


def positions_in_segments(segments: Tensor) -> Tensor:
    """0, 1, 2, ... within each run of equal segment numbers."""
    index = torch.arange(segments.shape[1], device=segments.device).expand_as(segments)
    return index - torch.where(_starts(segments), index, 0).cummax(dim=1).values


def block_mask(segments: Tensor) -> Tensor:
    """(batch, 1, time, time): true where a token may look, which is back, within its own segment."""
    rows, time = segments.shape
    if rows * time * time > MASK_LIMIT:
        raise ValueError(
            f"a block mask for {rows} rows of {time} tokens needs {rows * time * time >> 30} GiB: "
            "lower micro_batch_tokens"
        )
    return torch.tril(segments[:, :, None] == segments[:, None, :])[:, None]


def band(time: int, window: int, device: torch.device) -> Tensor:
    """(time, time): true where a token looks back at most `window` tokens, itself among them."""
    return torch.ones(time, time, dtype=torch.bool, device=device).tril().triu(1 - window)


def boundaries(segments: Tensor) -> Tensor:
    """Where each document begins in the flattened batch, and the batch's end, int32; a row always begins one."""
    starts = _starts(segments).flatten().nonzero().flatten()
    return torch.cat([starts, starts.new_tensor([segments.numel()])]).to(torch.int32)


def _starts(segments: Tensor) -> Tensor:
    starts = torch.ones_like(segments, dtype=torch.bool)
    starts[:, 1:] = segments[:, 1:] != segments[:, :-1]
    return starts


def make_layout(config: ModelConfig, table: RotaryTable, tokens: Tensor, segments: Tensor | None, past: int) -> Layout:
    """The layout of a batch of token ids (batch, time) whose rows continue `past` tokens in a cache."""
    time, device = tokens.shape[1], tokens.device
    if config.positions == "learned" and past + time > config.context:
        raise ValueError(f"{past + time} tokens in a row, and the model has learned {config.context} positions")
    window = config.sliding_window if config.sliding_window is not None and config.sliding_window < time else None
    alone = False
    mask = window_mask = bounds = None
    # Padding (-1) at a row's end is seen by nobody, so such a row is one document still.
    if segments is None or bool(((segments == segments[:, :1]) | (segments < 0)).all()):
        alone = True
        positions = torch.arange(past, past + time, device=device)[None]
        if window is not None:
            window_mask = band(time, window, device)[None, None]
    else:
        positions = positions_in_segments(segments)
        if varlen_attention(device, config.dropout) is not None:
            bounds = boundaries(segments)
        else:
            mask = window_mask = block_mask(segments)
            if window is not None:
                window_mask = mask & band(time, window, device)
    if config.positions == "learned":
        rotary = (tokens.new_empty(0), tokens.new_empty(0))
    else:
        cos, sin = table(past + time, device)
        if alone:
            rotary = cos[past : past + time][None, None], sin[past : past + time][None, None]
        else:
            rotary = cos[positions][:, None], sin[positions][:, None]
    return Layout(positions, rotary, mask, window_mask, bounds)


def varlen_attention(device: torch.device, dropout: float) -> Callable[..., Tensor] | None:
    """torch's FlashAttention over documents of any length, where it can run: a GPU, bfloat16, no dropout."""
    # It has no dropout of its own; with one, the block mask serves.
    if device.type != "cuda" or dropout or not torch.is_autocast_enabled("cuda"):
        return None
    return _varlen() if torch.cuda.get_device_capability(device)[0] >= 8 else None


@cache
def _varlen() -> Callable[..., Tensor] | None:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return cast("Callable[..., Tensor]", varlen_attn)


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        # In float32 whatever autocast made of x, as Qwen3 does; torch's fused norm wants one type for both besides.
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps).to(x.dtype)


class Attention(nn.Module):
    """Causal attention of grouped queries; with QK-norm and biases where the architecture has them."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.window = None if layer in config.full_attention_layers else config.sliding_window
        self.layer, self.dropout, self.rotary = layer, config.dropout, config.positions == "rotary"
        width, inner, kv = config.hidden_size, config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.q_proj = nn.Linear(width, inner, bias=config.qkv_bias)
        self.k_proj = nn.Linear(width, kv, bias=config.qkv_bias)
        self.v_proj = nn.Linear(width, kv, bias=config.qkv_bias)
        self.o_proj = nn.Linear(inner, width, bias=config.output_bias)
        self.q_norm = RMSNorm(config.head_dim, config.norm_eps) if config.qk_norm else None
        self.k_norm = RMSNorm(config.head_dim, config.norm_eps) if config.qk_norm else None

    def forward(self, x: Tensor, layout: Layout, cache: KVCache | None) -> Tensor:
        rows, time, _ = x.shape
        q = self.q_proj(x).view(rows, time, self.heads, self.head_dim)
        k = self.k_proj(x).view(rows, time, self.kv_heads, self.head_dim)
        v = self.v_proj(x).view(rows, time, self.kv_heads, self.head_dim).transpose(1, 2)
        # Qwen3's order: project, normalise each head, rotate. Rotating first would not load elsewhere.
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = q.transpose(1, 2), k.transpose(1, 2)
        if self.rotary:
            q, k = rotate(q, layout.rotary), rotate(k, layout.rotary)
        causal = time > 1
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
            if time == 1 and self.window is not None:
                k, v = k[:, :, -self.window :], v[:, :, -self.window :]
        if self.kv_heads != self.heads:
            # Faster than enable_gqa on CPU (18 ms against 24 for 8 x 256 tokens, torch 2.13), and older varlen_attn
            # knows no groups.
            k = k.repeat_interleave(self.heads // self.kv_heads, dim=1)
            v = v.repeat_interleave(self.heads // self.kv_heads, dim=1)
        if layout.bounds is not None:
            y = attend_varlen(q, k, v, layout.bounds, self.window)
        else:
            mask = layout.mask if self.window is None else layout.window_mask
            dropout = self.dropout if self.training else 0.0
            if causal and cache is None and time <= DENSE_LIMIT and v.is_cpu and v.dtype == torch.bfloat16:
                y = attend_dense(q, k, v, mask, dropout)
            else:
                y = F.scaled_dot_product_attention(
                    q, k, v, attn_mask=mask, is_causal=mask is None and causal, dropout_p=dropout
                )
        return cast(Tensor, self.o_proj(y.transpose(1, 2).reshape(rows, time, self.heads * self.head_dim)))


def attend_dense(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Attention by plain products, the softmax in float32; tensors (batch, heads, time, dim), no mask is causal."""
    if mask is None:
        mask = band(q.shape[2], q.shape[2], q.device)
    scores = torch.where(mask, q @ k.transpose(-1, -2), -1e9)  # -inf would be none where a row sees nobody
    shares = torch.softmax(scores.float() * q.shape[-1] ** -0.5, dim=-1).to(v.dtype)
    return F.dropout(shares, dropout) @ v


def attend_varlen(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, window: int | None, kernel: Callable[..., Any] | None = None
) -> Tensor:
    """Attention within the documents that `bounds` cut from the flattened batch; tensors (batch, heads, time, dim)."""
    rows, heads, time, dim = q.shape
    kernel = kernel or _varlen()
    if kernel is None:
        raise AssertionError("a layout with bounds was made where varlen attention is not")
    # QK-norm and rotation may have left float32 behind; FlashAttention takes halves only.
    flat = [x.transpose(1, 2).reshape(rows * time, heads, dim).to(v.dtype) for x in (q, k, v)]
    # FlashAttention counts the tokens looked back on, the token itself not among them.
    back = (-1 if window is None else window - 1, 0)
    y: Tensor = kernel(*flat, bounds, bounds, time, time, window_size=back)
    return y.view(rows, time, heads, dim).transpose(1, 2)
