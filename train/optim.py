"""The optimizer and its learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor


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


def cosine(step: int, fraction: float, *, warmup: int, floor: float) -> float:
    """Factor on the peak learning rate: linear over the first `warmup` steps, then a cosine from 1 to `floor`.

    `fraction` is the share of the budget used, from 0 to 1.
    """
    rise = min(1.0, (step + 1) / (warmup + 1))
    return rise * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, fraction))))


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set each group to its peak times `factor`; returns the first group's rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    return float(optimizer.param_groups[0]["lr"])
