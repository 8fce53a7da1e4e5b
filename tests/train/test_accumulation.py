from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from corpusmill.train import PretrainConfig, pretrain
from corpusmill.train.data.batches import Batch, Loader
from corpusmill.train.loop.checkpoint import Checkpoints
from corpusmill.train.loop.distributed import World
from corpusmill.train.loop.loop import _gradient
from corpusmill.train.pretraining.pretrain import _model, _task, read_data

Make = Callable[..., PretrainConfig]
ONE, EIGHT = 384, 48
"""Tokens of a micro-batch: the whole batch of 8 rows at once, or row by row."""


@pytest.fixture(autouse=True)
def _uneven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mask most of some rows, so that micro-batches differ in targets and a mean of means would show."""
    draw = Loader.next

    def uneven(self: Loader) -> list[Batch]:
        batches, row = draw(self), 0
        for batch in batches:
            for targets in batch.targets:
                targets[: 15 * (row % 4)] = -100
                row += 1
        return batches

    monkeypatch.setattr(Loader, "next", uneven)


def gradient(config: PretrainConfig) -> tuple[float, torch.Tensor]:
    """Loss and gradient of the first batch, unclipped."""
    data = read_data(config)
    torch.manual_seed(0)
    model = _model(config, data)
    task = _task(config, model, data, World())
    parameters = list(model.parameters())
    loss, norm, count = _gradient(task, parameters, clip=1e9)
    assert (count, norm > 0) == (sum(b.target_count for b in read_data(config).loader.next()), True)
    return loss, torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).double()


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def test_the_gradient_of_eight_micro_batches_is_that_of_one(config: Make, tmp_path: Path) -> None:
    one_loss, one = gradient(config(tmp_path / "one", micro_batch_tokens=ONE))
    eight_loss, eight = gradient(config(tmp_path / "eight", micro_batch_tokens=EIGHT))
    assert eight_loss == pytest.approx(one_loss, rel=1e-6)
    assert relative(eight, one) < 1e-6  # what is left is the order of float32 sums: 2e-7 here


def test_weights_after_some_steps_are_the_same(config: Make, tmp_path: Path) -> None:
    found = []
    for tokens in (ONE, EIGHT):
        run = tmp_path / str(tokens)
        pretrain(config(run, max_steps=4, micro_batch_tokens=tokens, warmup_steps=20))
        latest = Checkpoints(run).latest()
        assert latest is not None
        tensors = load_file(latest / "model.safetensors")
        found.append(torch.cat([tensors[name].flatten() for name in sorted(tensors)]).double())
    assert relative(found[1], found[0]) < 1e-6
