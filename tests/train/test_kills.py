"""Runs that are killed, run out of disk, or find damaged checkpoints."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpusmill.train import PretrainConfig
from corpusmill.train.checkpoint import Checkpoints, verify
from corpusmill.train.progress import read_metrics

Make = Callable[..., PretrainConfig]
Forked = Callable[[list[dict[str, Any]]], list[list[int]]]


def weights(run: Path) -> dict[str, torch.Tensor]:
    latest = Checkpoints(run).latest()
    assert latest is not None
    return load_file(latest / "model.safetensors")


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(
    config: Make, forked: Forked, tmp_path: Path, optimizer: str
) -> None:
    def job(name: str, kill_after: float | None = None) -> dict[str, Any]:
        given = config(
            tmp_path / name, max_steps=16, checkpoint_every=1, evaluate_every=4, dropout=0.2,
            micro_batch_tokens=96, cache=tmp_path / "tokens", optimizer=optimizer,
        )  # fmt: skip
        return {"config": given, "kill_after": kill_after}

    # At any moment: before the first step, in a step, in the writing of a checkpoint.
    moment = random.Random(7)
    kills = [job("killed", moment.uniform(0.1, 0.9)) for _ in range(6)]
    codes = forked([job("plain"), *kills, job("killed")])
    assert codes[0] == codes[-1] == [0]
    assert [-9] in codes[1:-1]
    plain, killed = weights(tmp_path / "plain"), weights(tmp_path / "killed")
    assert all(torch.equal(plain[name], killed[name]) for name in plain)
    mine, other = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("killed", "plain"))
    assert [r.get("train_loss") for r in mine] == [r.get("train_loss") for r in other]
    assert not list((tmp_path / "killed" / "checkpoints").glob(".*"))  # nothing half-written is left


@pytest.mark.parametrize("kilobytes", [0, 400])
def test_a_full_disk_ends_in_one_sentence_and_harms_nothing(
    config: Make, forked: Forked, tmp_path: Path, capsys: pytest.CaptureFixture[str], kilobytes: int
) -> None:
    run = tmp_path / "run"
    short, long = (config(run, max_steps=n, checkpoint_every=2, cache=tmp_path / "tokens") for n in (2, 4))
    # A limit on the size of files stands for the disk: each write beyond it fails as on a full one.
    assert forked([{"config": short}]) == [[0]]
    before = [path.name for path in Checkpoints(run).all()]
    assert forked([{"config": long, "file_limit": kilobytes << 10}]) == [[1]]
    told = [line for line in capsys.readouterr().out.splitlines() if "could not be written" in line]
    assert len(told) == 1
    assert "free some space" in told[0]
    found = Checkpoints(run).all()
    assert [path.name for path in found] == before
    for checkpoint in found:
        verify(checkpoint)
    assert read_metrics(run / "metrics.jsonl")
    assert forked([{"config": long}]) == [[0]]
