from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from corpusmill.curate.errors import InputError, RunError
from corpusmill.train import PretrainConfig, PretrainResult, pretrain, train_tokenizer
from corpusmill.train.data.batches import Batch, Loader
from corpusmill.train.loop.checkpoint import Checkpoints, find_checkpoint, load_model
from corpusmill.train.loop.progress import read_metrics
from corpusmill.train.pretraining import pretrain as pretraining

Make = Callable[..., PretrainConfig]


def weights(run: Path) -> dict[str, torch.Tensor]:
    latest = Checkpoints(run).latest()
    assert latest is not None
    return load_file(latest / "model.safetensors")


def assert_same_weights(one: Path, two: Path) -> None:
    a, b = weights(one), weights(two)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def undisturbed(config: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("plain") / "run"
    assert pretrain(config(run)).status == "finished"
    return run


def test_learns_more_than_the_baselines(pretrained: PretrainResult) -> None:
    assert pretrained.status == "finished"
    assert pretrained.first_bits_per_byte > pretrained.baselines["unigram"]
    assert pretrained.bits_per_byte < 0.5 * pretrained.baselines["unigram"]
    assert set(pretrained.by_language) == {"zh", "en"}
    low, high = sorted(pretrained.by_language.values())
    assert low < pretrained.bits_per_byte < high
    assert pretrained.tokens == sum(r["tokens_this_step"] for r in steps(Path(pretrained.run)))


def steps(run: Path) -> list[dict[str, float]]:
    records = [r for r in read_metrics(run / "metrics.jsonl") if "train_loss" in r]
    before = 0
    for r in records:
        r["tokens_this_step"], before = r["tokens"] - before, r["tokens"]
    return records


def test_writes_curve_table_and_result(pretrained: PretrainResult) -> None:
    run = Path(pretrained.run)
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    with (run / "loss.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows if r["train_loss"]] == list(range(1, 121))
    assert [int(r["step"]) for r in rows if r["bits_per_byte"]] == [0, 40, 80, 120]
    saved = json.loads((run / "result.json").read_text("utf-8"))
    assert saved["bits_per_byte"] == pretrained.bits_per_byte
    assert find_checkpoint(run) == Path(pretrained.best_checkpoint)


def test_keeps_the_last_checkpoints_and_the_best(config: Make, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(config(run, max_steps=10, checkpoint_every=2, keep=2, evaluate_every=20))
    assert [path.name for path in Checkpoints(run).all()] == ["step-00000008", "step-00000010"]


def test_the_best_checkpoint_outlives_later_ones(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([4.0, 3.0, 3.5, 3.4])
    monkeypatch.setattr(
        pretraining, "bits_per_byte", lambda *_, **__: {"bits_per_byte": next(figures), "by_language": {}, "loss": 0.0}
    )
    run = tmp_path / "run"
    pretrain(config(run, max_steps=6, evaluate_every=2, checkpoint_every=1, keep=1, train_sample_tokens=0))
    assert [path.name for path in Checkpoints(run).all()] == ["step-00000002", "step-00000006"]
    assert find_checkpoint(run).name == "step-00000002"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_command_goes_on_exactly(
    config: Make, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    drawn = 0
    draw = Loader.next

    def stop_in_the_fifth_step(self: Loader) -> list[Batch]:
        nonlocal drawn
        drawn += 1
        if drawn == 5:
            os.kill(os.getpid(), number)
        return draw(self)

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Loader, "next", stop_in_the_fifth_step)
        result = pretrain(config(run))
    assert (result.status, result.steps) == ("interrupted", 5)
    result = pretrain(config(run))
    assert (result.status, result.steps) == ("finished", 12)
    assert_same_weights(run, undisturbed)
    assert [r["step"] for r in steps(run)] == list(range(1, 13))
    mine, other = (read_metrics(r / "metrics.jsonl") for r in (run, undisturbed))
    assert [r.get("train_loss") for r in mine] == [r.get("train_loss") for r in other]


def test_stops_early_and_keeps_the_best(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([4.0, 3.0, 3.5, 3.4, 3.3, 3.2, 3.1])
    monkeypatch.setattr(
        pretraining, "bits_per_byte", lambda *_, **__: {"bits_per_byte": next(figures), "by_language": {}, "loss": 0.0}
    )
    result = pretrain(config(tmp_path / "run", max_steps=50, evaluate_every=2, patience=3, train_sample_tokens=0))
    assert (result.status, result.steps, result.best_step) == ("stopped early", 8, 2)
    assert result.bits_per_byte == 3.0
    assert find_checkpoint(tmp_path / "run").name == "step-00000002"


def test_a_time_budget_ends_the_run(config: Make, tmp_path: Path) -> None:
    result = pretrain(config(tmp_path / "run", max_steps=None, max_minutes=0.01, evaluate_every=1000))
    assert result.status == "finished"
    assert 0.6 <= result.seconds < 20


def test_other_settings_are_refused_and_overwrite_begins_anew(config: Make, undisturbed: Path) -> None:
    before = weights(undisturbed)
    with pytest.raises(RunError, match=r"seed was 0 and is now 1.*overwrite"):
        pretrain(config(undisturbed, seed=1))
    assert all(torch.equal(a, b) for a, b in zip(before.values(), weights(undisturbed).values(), strict=True))


def test_another_tokenizer_or_corpus_is_refused(config: Make, corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(config(run, max_steps=2))
    train_tokenizer(corpus, tmp_path / "other", vocab_size=500)  # the same number of rows once rounded up
    changed = config(run, max_steps=4).model_copy(update={"tokenizer": tmp_path / "other"})
    with pytest.raises(RunError, match="the tokenizer has changed"):
        pretrain(changed)


def test_a_damaged_checkpoint_is_named_and_not_touched(config: Make, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(config(run, max_steps=2))
    latest = Checkpoints(run).latest()
    assert latest is not None
    path = latest / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    for use in (lambda: pretrain(config(run, max_steps=4)), lambda: load_model(latest)):
        with pytest.raises(RunError, match=r"damaged \(model\.safetensors"):
            use()
    assert path.read_bytes() == bytes(data)


def test_a_full_disk_keeps_the_checkpoints_before(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    pretrain(config(run, max_steps=2))
    before = [path.name for path in Checkpoints(run).all()]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("corpusmill.train.loop.checkpoint.save_file", full)
        with pytest.raises(RunError, match="No space left"):
            pretrain(config(run, max_steps=4))
    assert [path.name for path in Checkpoints(run).all()] == before
    assert pretrain(config(run, max_steps=4)).status == "finished"


def test_a_loss_that_is_not_finite_stops_the_run(config: Make, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not finite at step \d+.*lower the learning rate"):
        pretrain(config(tmp_path / "run", learning_rate=1e30, max_steps=20, warmup_steps=0))


def test_a_batch_without_targets_is_refused(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Loader.next

    def masked(self: Loader) -> list[Batch]:
        return [Batch(b.tokens, b.segments, torch.full_like(b.targets, -100), b.languages) for b in draw(self)]

    monkeypatch.setattr(Loader, "next", masked)
    with pytest.raises(RunError, match="has no targets"):
        pretrain(config(tmp_path / "run"))


def test_training_goes_on_from_another_model(
    config: Make, run: Path, pretrained: PretrainResult, tmp_path: Path
) -> None:
    given = config(tmp_path / "run", max_steps=2).model_copy(update={"base": run, "tokenizer": None, "dropout": 0.1})
    result = pretrain(given)
    assert result.first_bits_per_byte == pytest.approx(pretrained.bits_per_byte, rel=1e-5)
    assert load_model(tmp_path / "run")[0].config.dropout == 0.1
    with pytest.raises(InputError, match="keeps the tokenizer"):
        pretrain(config(tmp_path / "other", base=run))


def test_a_mix_ends_where_its_epochs_end(config: Make, corpus: Path, tmp_path: Path) -> None:
    shares = [{"path": corpus, "epochs": 1}]
    given = config(tmp_path / "run", max_steps=1000, evaluate_every=500)
    result = pretrain(PretrainConfig.model_validate(given.model_dump() | {"corpus": shares}))
    assert result.status == "finished"
    assert 0.9 < result.epochs <= 1


def test_the_rate_of_wsd_is_level_and_then_falls(config: Make, tmp_path: Path) -> None:
    pretrain(config(tmp_path / "run", max_steps=10, warmup_steps=2, schedule="wsd", decay=0.4, optimizer="muon"))
    rates = [r["learning_rate"] for r in steps(tmp_path / "run")]
    assert rates[0] < rates[1] < rates[2] == rates[5]
    assert rates[6] > rates[7] > rates[8] > rates[9] > 0.1 * rates[5]


def test_a_corpus_smaller_than_a_batch_is_refused(config: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="add documents, or lower batch_tokens"):
        pretrain(config(tmp_path / "run", batch_tokens=1_000_000))
