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
from corpusmill.train.loop.checkpoint import Checkpoints, verify
from corpusmill.train.loop.progress import read_metrics

Make = Callable[..., PretrainConfig]
Forked = Callable[[list[dict[str, Any]]], list[list[int]]]


def weights(run: Path) -> dict[str, torch.Tensor]:
    latest = Checkpoints(run).latest()
    assert latest is not None
    return load_file(latest / "model.safetensors")


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(config: Make, forked: Forked, tmp_path: Path) -> None:
    def job(name: str, optimizer: str, kill_after: float | None = None) -> dict[str, Any]:
        given = config(
            tmp_path / name, max_steps=16, checkpoint_every=1, evaluate_every=4, dropout=0.2,
            micro_batch_tokens=96, cache=tmp_path / "tokens", optimizer=optimizer,
        )  # fmt: skip
        return {"config": given, "kill_after": kill_after}

    # At any moment: before the first step, in a step, in the writing of a checkpoint.
    moment = random.Random(7)
    kinds, jobs = ("adamw", "muon"), []
    for kind in kinds:
        kills = [job(f"killed-{kind}", kind, moment.uniform(0.1, 0.9)) for _ in range(5)]
        jobs += [job(kind, kind), *kills, job(f"killed-{kind}", kind)]
    codes = forked(jobs)
    for i, kind in enumerate(kinds):
        mine = codes[7 * i : 7 * i + 7]
        assert mine[0] == mine[-1] == [0]
        assert [-9] in mine[1:-1]
        plain, killed = weights(tmp_path / kind), weights(tmp_path / f"killed-{kind}")
        assert all(torch.equal(plain[name], killed[name]) for name in plain)
        logs = [read_metrics(tmp_path / name / "metrics.jsonl") for name in (f"killed-{kind}", kind)]
        assert [r.get("train_loss") for r in logs[0]] == [r.get("train_loss") for r in logs[1]]
        assert not list((tmp_path / f"killed-{kind}" / "checkpoints").glob(".*"))  # nothing half-written is left


def test_a_full_disk_ends_in_one_sentence_and_harms_nothing(
    config: Make, forked: Forked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"

    def job(steps: int, kilobytes: int | None = None) -> dict[str, Any]:
        given = config(run, max_steps=steps, checkpoint_every=2, evaluate_every=2, keep=9, cache=tmp_path / "tokens")
        # A limit on the size of files stands for the disk: each write beyond it fails as on a full one.
        return {"config": given, "file_limit": None if kilobytes is None else kilobytes << 10}

    # Full from the start, and full in the middle of a checkpoint; then there is room again.
    assert forked([job(2), job(4, 0), job(4, 400), job(4)]) == [[0], [1], [1], [0]]
    told = [line for line in capsys.readouterr().out.splitlines() if "could not be written" in line]
    assert len(told) == 2
    assert all("free some space" in line for line in told)
    assert [path.name for path in Checkpoints(run).all()] == [f"step-0000000{n}" for n in (0, 2, 4)]
    for checkpoint in Checkpoints(run).all():
        verify(checkpoint)
    assert [r["step"] for r in read_metrics(run / "metrics.jsonl") if "train_loss" in r] == [1, 2, 3, 4]
