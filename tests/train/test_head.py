from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from corpusmill.train.model.head import IGNORE, head_loss


@pytest.fixture
def data() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    targets = torch.randint(0, 50, (37,))
    targets[::5] = IGNORE
    return torch.randn(37, 16, requires_grad=True), torch.randn(50, 16, requires_grad=True), targets


@pytest.mark.parametrize("chunk", [1, 50 * 8, 1 << 20])
@pytest.mark.parametrize("z_loss", [0.0, 0.01])
def test_loss_and_gradients_are_cross_entropys(data: tuple[Tensor, Tensor, Tensor], chunk: int, z_loss: float) -> None:
    hidden, weight, targets = data
    logits = hidden @ weight.T
    expected = F.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="sum")
    expected = expected + z_loss * logits.logsumexp(1).square()[targets != IGNORE].sum()
    found = head_loss(hidden, weight, targets, z_loss=z_loss, chunk=chunk)
    torch.testing.assert_close(found, expected)
    for mine, theirs in zip(
        torch.autograd.grad(found / 7, [hidden, weight]),
        torch.autograd.grad(expected / 7, [hidden, weight]),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(head_loss(hidden, weight, targets, z_loss=z_loss, chunk=chunk), expected)


def test_a_frozen_head_gets_no_gradient_and_the_rest_does(data: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = data
    frozen = weight.detach()
    head_loss(hidden, frozen, targets).backward()
    assert hidden.grad is not None
    assert hidden.grad.abs().sum() > 0
    assert frozen.grad is None


def test_under_autocast_the_sum_stays_float32(data: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = data
    exact = head_loss(hidden, weight, targets)
    with torch.autocast("cpu", torch.bfloat16):
        found = head_loss(hidden, weight, targets, chunk=400)
    assert found.dtype == torch.float32
    assert found.item() != exact.item()
    assert abs(found.item() / exact.item() - 1) < 0.01
    gradient = torch.autograd.grad(found, weight)[0]
    exact_gradient = torch.autograd.grad(exact, weight)[0]
    assert (gradient - exact_gradient).norm() / exact_gradient.norm() < 0.02


def test_all_masked_costs_nothing_and_moves_nothing(data: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = data
    loss = head_loss(hidden, weight, torch.full_like(targets, IGNORE), z_loss=0.1)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, weight)[0].abs().max() == 0
