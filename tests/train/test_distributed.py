from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpusmill.train import PretrainConfig
from corpusmill.train.loop.checkpoint import Checkpoints
from corpusmill.train.loop.progress import read_metrics

Make = Callable[..., PretrainConfig]


def vector(run: Path) -> torch.Tensor:
    """All weights of a run's last checkpoint in one row."""
    latest = Checkpoints(run).latest()
    assert latest is not None
    tensors = load_file(latest / "model.safetensors")
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)]).double()


def difference(one: Path, two: Path) -> float:
    a, b = vector(one), vector(two)
    return float((a - b).norm() / b.norm())


@pytest.fixture(scope="module")
def runs(config: Make, forked: Callable[[list[dict[str, Any]]], list[list[int]]], tmp_path_factory: Any) -> Path:
    """Runs of one process and two, and runs that changed between the two at half-time."""
    folder: Path = tmp_path_factory.mktemp("worlds")

    def job(name: str, ranks: int, steps: int = 6, **fields: object) -> dict[str, Any]:
        # A level rate, so that the first half does not know how long the whole will be.
        given = {"evaluate_every": 3, "micro_batch_tokens": 96, "cache": folder / "tokens", "final_learning_rate": 1.0}
        return {"config": config(folder / name, max_steps=steps, **given | fields), "ranks": ranks}

    jobs = [job("one", 1), job("two", 2), job("sharded", 2, parallel="fsdp")]
    jobs += [job("two-then-one", 2, steps=3), job("two-then-one", 1)]
    jobs += [job("sharded-then-one", 2, steps=3, parallel="fsdp"), job("sharded-then-one", 1)]
    jobs += [job("one-then-sharded", 1, steps=3), job("one-then-sharded", 2, parallel="fsdp")]
    jobs += [job("muon", 1, optimizer="muon"), job("muon-sharded", 2, optimizer="muon", parallel="fsdp")]
    codes = forked(jobs)
    assert all(code == 0 for job_codes in codes for code in job_codes), codes
    return folder


@pytest.mark.parametrize("name", ["two", "sharded"])
def test_two_processes_equal_one(runs: Path, name: str) -> None:
    assert difference(runs / name, runs / "one") < 1e-5
    mine, other = (
        [(r["step"], r.get("train_loss"), r.get("bits_per_byte")) for r in read_metrics(runs / n / "metrics.jsonl")]
        for n in (name, "one")
    )
    assert [r[0] for r in mine] == [r[0] for r in other]
    for (_, loss, bits), (_, other_loss, other_bits) in zip(mine, other, strict=True):
        assert loss == (other_loss if other_loss is None else pytest.approx(other_loss, rel=1e-5))
        assert bits == (other_bits if other_bits is None else pytest.approx(other_bits, rel=1e-5))


def test_muon_on_shards_equals_muon_on_whole_matrices(runs: Path) -> None:
    assert difference(runs / "muon-sharded", runs / "muon") < 1e-5
    assert difference(runs / "muon", runs / "one") > 1e-3


@pytest.mark.parametrize("name", ["two-then-one", "sharded-then-one", "one-then-sharded"])
def test_a_checkpoint_goes_on_in_another_number_of_processes(runs: Path, name: str) -> None:
    assert difference(runs / name, runs / "one") < 1e-5
    assert [p.name for p in Checkpoints(runs / name).all()] == [p.name for p in Checkpoints(runs / "one").all()]


def test_only_the_first_process_writes(runs: Path) -> None:
    steps = [r["step"] for r in read_metrics(runs / "two" / "metrics.jsonl") if "train_loss" in r]
    assert steps == list(range(1, 7))
    latest = Checkpoints(runs / "two").latest()
    assert latest is not None
    random = torch.load(latest / "training.pt", weights_only=True)["random"]
    assert len(random) == 2  # each process's own, for dropout
    assert not torch.equal(random[0]["torch"], random[1]["torch"])


def test_torchrun_trains_from_the_command_line(
    corpus: Path, tokenizer_folder: Path, config: Make, tmp_path: Path
) -> None:
    command = ["train", "pretrain", corpus, "-o", tmp_path / "run", "--tokenizer", tokenizer_folder, "--device", "cpu"]
    command += ["--steps", 3, "--context", 32, "--batch-tokens", 128, "--micro-batch-tokens", 64]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "corpusmill", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 3  # printed once
    assert done.stderr.count("to beat") == 1


def test_more_processes_than_gpus_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusmill.curate.errors import RunError
    from corpusmill.train.loop.distributed import join

    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "3")
    with pytest.raises(RunError, match=r"process 4 of this machine has no GPU.*--nproc-per-node"), join("cuda"):
        pass
