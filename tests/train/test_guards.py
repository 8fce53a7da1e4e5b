from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from corpusmill.curate.errors import RunError
from corpusmill.train import PretrainConfig, pretrain
from corpusmill.train.data.batches import Batch, Loader
from corpusmill.train.loop.checkpoint import Checkpoints
from corpusmill.train.loop.guards import check_skipped, is_spike
from corpusmill.train.loop.progress import read_metrics
from corpusmill.train.pretraining import pretrain as pretraining

Make = Callable[..., PretrainConfig]


def test_a_spike_is_far_above_the_recent_losses() -> None:
    noise = random.Random(0)
    recent = [3.0 + noise.gauss(0, 0.05) for _ in range(64)]
    assert is_spike(3.8, recent, 8.0)
    assert not is_spike(3.2, recent, 8.0)  # within the noise
    assert not is_spike(1.0, recent, 8.0)  # falling is what losses should do
    assert not is_spike(9.0, recent[:10], 8.0)  # too little is known yet
    assert not is_spike(3.001, [3.0] * 64, 8.0)  # no spread, but hardly a rise
    assert is_spike(3.8, [*recent, 40.0, 50.0], 8.0)  # earlier spikes do not raise the bar


def test_skipped_batches_in_a_row_end_with_advice() -> None:
    check_skipped(["not finite"] * 2, 3, 9)
    with pytest.raises(RunError, match=r"not finite at step 9.*lower the learning rate"):
        check_skipped(["no targets", "not finite", "not finite"], 3, 9)
    with pytest.raises(RunError, match=r"no targets.*masked"):
        check_skipped(["no targets"] * 3, 3, 9)


def spoil(monkeypatch: pytest.MonkeyPatch, wanted: set[int], how: Callable[[Batch], Batch]) -> list[int]:
    """Change the batches of these numbers, counted from 1 as they are drawn; returns the numbers drawn so far."""
    draw, drawn = Loader.next, []

    def next_(self: Loader) -> list[Batch]:
        batches = draw(self)
        drawn.append(len(drawn) + 1)
        return [how(batch) for batch in batches] if drawn[-1] in wanted else batches

    monkeypatch.setattr(Loader, "next", next_)
    return drawn


def masked(batch: Batch) -> Batch:
    batch.targets.fill_(-100)
    return batch


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Makes the loss of these batches, counted as they are drawn, NaN."""
    wanted: set[int] = set()
    drawn = spoil(monkeypatch, set(), lambda batch: batch)
    forward = pretraining.Objective.forward

    def spoilt(self: pretraining.Objective, batch: Batch, each: bool = False) -> torch.Tensor:
        found = forward(self, batch, each)
        return found * float("nan") if not each and drawn[-1] in wanted else found

    monkeypatch.setattr(pretraining.Objective, "forward", spoilt)
    return wanted


def test_a_gradient_that_is_not_finite_is_skipped_and_counted(config: Make, tmp_path: Path, poisoned: set[int]) -> None:
    poisoned |= {2, 3, 5}
    result = pretrain(config(tmp_path / "run", max_steps=6, max_skipped=3))
    assert (result.status, result.steps, result.skipped) == ("finished", 6, 3)
    records = [r for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if "learning_rate" in r]
    assert [r["step"] for r in records if r.get("skipped") == "not finite"] == [2, 3, 5]
    assert result.bits_per_byte < result.first_bits_per_byte  # nothing of it reached the weights


def test_too_many_of_them_in_a_row_stop_the_run(config: Make, tmp_path: Path, poisoned: set[int]) -> None:
    poisoned |= {4, 5, 6}
    with pytest.raises(RunError, match=r"not finite at step 6, like in the 2 before"):
        pretrain(config(tmp_path / "run", max_steps=12, max_skipped=3, checkpoint_every=1))
    poisoned.clear()
    assert pretrain(config(tmp_path / "run", max_steps=12, checkpoint_every=1)).status == "finished"


def test_a_masked_batch_is_skipped_and_counted(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, {2}, masked)
    result = pretrain(config(tmp_path / "run", max_steps=4))
    assert (result.status, result.steps, result.skipped) == ("finished", 4, 1)


def test_a_spike_goes_back_to_the_checkpoint_and_on_with_other_data(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisy(batch: Batch) -> Batch:
        random = torch.Generator().manual_seed(0)
        batch.targets.copy_(torch.randint(0, 500, batch.targets.shape, generator=random))
        return batch

    run = tmp_path / "run"
    drawn = spoil(monkeypatch, {55}, noisy)
    given = config(run, max_steps=60, checkpoint_every=25, evaluate_every=60, on_spike="rollback", warmup_steps=20)
    result = pretrain(given)
    assert (result.status, result.steps, result.spikes) == ("finished", 60, 1)
    assert len(drawn) == 65  # five steps were lost, and their data are not seen again
    records = read_metrics(run / "metrics.jsonl")
    assert [(r["step"], r["rolled_back_from"]) for r in records if "rolled_back_from" in r] == [(50, 55)]
    trained = [r for r in records if "train_loss" in r]
    assert [r["step"] for r in trained] == list(range(1, 61))
    assert [r["batch"] for r in trained] == [*range(1, 51), *range(56, 66)]
    assert Checkpoints(run).latest() is not None


def test_spikes_are_only_reported_by_default(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("corpusmill.train.loop.loop.is_spike", lambda loss, recent, threshold: len(recent) == 3)
    result = pretrain(config(tmp_path / "run", max_steps=6, checkpoint_every=1))
    assert (result.steps, result.spikes) == (6, 1)
    assert "step 4: the loss jumped" in capsys.readouterr().err
