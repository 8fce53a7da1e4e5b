"""Muon: momentum whose every update is made orthogonal, for matrices; AdamW for all else, in one optimizer.

Jordan et al. 2024. torch 2.13 has a Muon of its own. Ours differs where it mattered: one optimizer object with AdamW (one
state to save and resume), matrices of a shape in one batch of products, any dimension sharded by FSDP2 gathered first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Jordan's quintic: steepest at zero, so that five steps bring singular values from 0.002 up to about 0.7 to 1.2."""


class Muon(torch.optim.AdamW):
    """AdamW, but groups with `muon` true (2-D parameters only) take orthogonalized Nesterov momentum instead.

    Such a group's rate is the spectral norm of an update to a square matrix. One with more rows than columns gets
    sqrt(rows / columns) of it, which keeps the size of what it adds to activations the same at any shape and width, so
    the best rate does not depend on the width (Yang, Simon and Bernstein 2023).
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        # AdamW's own step must see its own groups only.
        self.param_groups = [group for group in groups if not group.get("muon")]
        try:
            if self.param_groups:
                super().step()
        finally:
            self.param_groups = groups
        for group in groups:
            if group.get("muon"):
                self._muon(group)
        return loss

    def _muon(self, group: dict[str, Any]) -> None:
        shapes: dict[tuple[torch.Size, torch.device], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                # AdamW's loader looks for `step` in every state.
                state["step"] = torch.tensor(0.0)
                state["momentum"] = torch.zeros_like(parameter)
            state["step"] += 1
            momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
            update = parameter.grad.lerp(momentum, group["momentum"])
            shapes[parameter.shape, parameter.device].append((parameter, whole(update)))
        for (shape, _), found in shapes.items():
            updates = orthogonalize(torch.stack([update for _, update in found]))
            scale = max(1.0, shape[0] / shape[1]) ** 0.5
            for (parameter, _), update in zip(found, updates.unbind(), strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(sharded(update.to(parameter.dtype), parameter), alpha=-group["lr"] * scale)


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Matrices (number, rows, columns) with singular vectors kept and singular values brought near 1 (Newton-Schulz).

    On a GPU in bfloat16, which is enough: what is exact about an update is lost in its noise.
    """
    x = matrices.bfloat16() if matrices.device.type == "cuda" else matrices.float()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def whole(tensor: Tensor) -> Tensor:
    """A tensor that FSDP2 sharded, gathered from all ranks; any other as it is."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather()


def sharded(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor cut as `like` is cut; as it is where `like` is whole."""
    if not hasattr(like, "full_tensor"):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    # src_data_rank=None: every rank computed the same tensor, so each keeps its part and nothing is sent.
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)
