"""The optimizers, what each parameter's learning rate is, and the schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ..model.gpt import GPT
from ..model.presets import width_factor
from .muon import Muon

MUON_LEARNING_RATE = 0.02
"""Muon's peak rate at any width (Jordan et al. 2024)."""

MUON_MOMENTUM = 0.95


def adamw(
    parameters: Iterable[Tensor], *, learning_rate: float, weight_decay: float, betas: tuple[float, float]
) -> torch.optim.AdamW:
    """AdamW that decays matrices only: decaying norms' gains or biases pulls them off the scale they stand for."""
    trained = [p for p in parameters if p.requires_grad]
    matrices = [p for p in trained if p.dim() >= 2]
    vectors = [p for p in trained if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "peak": learning_rate},
        {"params": vectors, "weight_decay": 0.0, "peak": learning_rate},
    ]
    # The foreach and plain versions pay for a dozen passes over memory a step; fused pays for one.
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, betas=betas, fused=True)


def build_optimizer(
    model: GPT,
    kind: Literal["adamw", "muon"] = "adamw",
    *,
    learning_rate: float,
    weight_decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    muon_learning_rate: float = MUON_LEARNING_RATE,
    extra: Mapping[str, Tensor] | None = None,
) -> torch.optim.AdamW:
    """The optimizer of a pretraining; each group carries its `peak` rate for `set_learning_rate`.

    `learning_rate` is AdamW's at width 256; hidden matrices of other widths get it times 256 / width, by the rules of
    `presets.width_factor`. `muon` moves the hidden matrices by Muon at `muon_learning_rate`, the same at any width, and
    the rest by AdamW. Weight decay takes `learning_rate * weight_decay` of a matrix a step at the peak, under either
    kind and at any width. `extra` are tensors trained beside the model's (a head).
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    for name, parameter in [*named, *(extra or {}).items()]:
        matrix = parameter.dim() >= 2
        hidden = matrix and name.startswith("model.layers.")
        muon = kind == "muon" and hidden
        factor = width_factor(model.config, name, parameter.dim())
        peak = muon_learning_rate if muon else learning_rate * factor
        decay = weight_decay * learning_rate / peak if matrix else 0.0
        key = (hidden, peak, decay)
        group = groups.setdefault(key, {"params": [], "muon": muon, "lr": peak, "peak": peak, "weight_decay": decay})
        group["params"].append(parameter)
        if muon:
            group["momentum"] = MUON_MOMENTUM
    # Hidden matrices first: theirs is the rate that `set_learning_rate` reports.
    ordered = [group for _, group in sorted(groups.items(), key=lambda item: not item[0][0])]
    optimizer = Muon if kind == "muon" else torch.optim.AdamW
    return optimizer(ordered, lr=learning_rate, betas=betas, fused=True)


def cosine(step: int, fraction: float, *, warmup: int, floor: float) -> float:
    """Factor on the peak learning rate: linear over the first `warmup` steps, then a cosine from 1 to `floor`.

    `fraction` is the share of the budget used, from 0 to 1.
    """
    return _rise(step, warmup) * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, fraction))))


def warmup_stable_decay(step: int, fraction: float, *, warmup: int, floor: float, decay: float = 0.2) -> float:
    """Factor on the peak learning rate: linear rise, then 1, and over the last `decay` of the budget down to `floor`.

    The fall is linear (Hu et al. 2024; Hägele et al. 2024 find 20 % of the steps enough). A checkpoint of the level
    stretch can be trained on with a larger budget, which a cosine's cannot.
    """
    left = (1.0 - min(1.0, fraction)) / decay if decay > 0 else 1.0
    return _rise(step, warmup) * (floor + (1.0 - floor) * min(1.0, left))


def _rise(step: int, warmup: int) -> float:
    return min(1.0, (step + 1) / (warmup + 1))


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set each group to its peak times `factor`; returns the first group's rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    return float(optimizer.param_groups[0]["lr"])
