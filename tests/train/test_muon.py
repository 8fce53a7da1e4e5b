from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from corpusmill.train import GPT, ModelConfig, PretrainConfig
from corpusmill.train.loop.checkpoint import Checkpoints
from corpusmill.train.loop.muon import Muon, orthogonalize
from corpusmill.train.loop.optim import build_optimizer, set_learning_rate

CONFIG = ModelConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, layers=2, heads=2, kv_heads=1, head_dim=16, context=32
)


def batch(seed: int) -> Tensor:
    # A cycle that a model can learn: each token follows from the one before.
    starts = torch.randint(0, 64, (8, 1), generator=torch.Generator().manual_seed(seed))
    return (starts + 7 * torch.arange(33)) % 64


def steps(model: GPT, optimizer: torch.optim.Optimizer, first: int, last: int) -> float:
    loss = torch.tensor(0.0)
    for step in range(first, last):
        set_learning_rate(optimizer, 1.0 if step < 20 else 0.5)
        tokens = batch(step)
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(model(tokens[:, :-1]), tokens[:, 1:]) / tokens[:, 1:].numel()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("shape", [(24, 24), (40, 16), (16, 40)])
def test_orthogonalize_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    found = orthogonalize(torch.randn(3, *shape))
    values = torch.linalg.svdvals(found)
    assert values.max() < 1.3
    # What is very small to begin with (a square random matrix has such directions) is not all the way up in five steps.
    assert (values > 0.6).float().mean() > 0.95
    # Same singular vectors: against U V^T from the decomposition itself.
    matrix = torch.randn(1, *shape)
    u, _, vh = torch.linalg.svd(matrix[0], full_matrices=False)
    exact = u @ vh
    assert torch.cosine_similarity(orthogonalize(matrix)[0].flatten(), exact.flatten(), dim=0) > 0.97


def test_a_step_is_torchs_muon() -> None:
    torch.manual_seed(0)
    weight = torch.randn(48, 32)
    mine, theirs = nn.Parameter(weight.clone()), nn.Parameter(weight.clone())
    optimizer = Muon(
        [{"params": [mine], "muon": True, "momentum": 0.9, "weight_decay": 0.5}], lr=0.1, weight_decay=0.5, fused=True
    )
    # torch's buffer sums gradients where ours averages them; the direction is all that is left of either.
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.5, momentum=0.9, adjust_lr_fn="original")
    for _ in range(3):
        gradient = torch.randn(48, 32)
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimizer.step()
        reference.step()
    moved = (mine - weight).detach()
    assert moved.norm() > 1
    # torch iterates in bfloat16.
    assert ((mine - theirs).norm() / moved.norm()).item() < 0.02


def test_only_hidden_matrices_go_to_muon() -> None:
    model = GPT(CONFIG.model_copy(update={"tie_embeddings": False}))
    optimizer = build_optimizer(model, "muon", learning_rate=1e-3)
    names = {p: name for name, p in model.named_parameters()}
    by_muon = {names[p] for g in optimizer.param_groups if g["muon"] for p in g["params"]}
    assert len(by_muon) == 2 * 7
    assert all(name.startswith("model.layers.") and name.endswith("proj.weight") for name in by_muon)
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(names)
    for group in optimizer.param_groups:
        for p in group["params"]:
            decay = group["peak"] * group["weight_decay"]
            assert decay == pytest.approx(1e-3 * 0.1 if p.dim() >= 2 else 0.0)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_resume_is_bit_exact(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = GPT(CONFIG)
    optimizer = build_optimizer(model, kind, learning_rate=3e-3)  # type: ignore[arg-type]
    steps(model, optimizer, 0, 5)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    other = copy.deepcopy(model)
    steps(model, optimizer, 5, 10)
    again = build_optimizer(other, kind, learning_rate=3e-3)  # type: ignore[arg-type]
    again.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    steps(other, again, 5, 10)
    for (name, a), b in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_muon_needs_fewer_steps() -> None:
    losses = {}
    for kind in ("adamw", "muon"):
        torch.manual_seed(0)
        model = GPT(CONFIG)
        optimizer = build_optimizer(model, kind, learning_rate=2e-3)  # type: ignore[arg-type]
        losses[kind] = steps(model, optimizer, 0, 20)
    assert losses["muon"] < losses["adamw"] < 4.0
    assert losses["muon"] < 3.0


def test_sharded_matrices_move_as_whole_ones(
    config: Callable[..., PretrainConfig], forked: Callable[[list[dict[str, Any]]], list[list[int]]], tmp_path: Path
) -> None:
    fields = {
        "max_steps": 4,
        "evaluate_every": 4,
        "micro_batch_tokens": 96,
        "optimizer": "muon",
        "cache": tmp_path / "t",
    }
    jobs = [
        {"config": config(tmp_path / "one", **fields)},
        {"config": config(tmp_path / "shards", **fields, parallel="fsdp"), "ranks": 2},
    ]
    assert forked(jobs) == [[0], [0, 0]]
    one, shards = (
        load_file(Checkpoints(tmp_path / name).all()[-1] / "model.safetensors") for name in ("one", "shards")
    )
    for name, tensor in one.items():
        assert (shards[name] - tensor).norm() / tensor.norm() < 1e-4, name
