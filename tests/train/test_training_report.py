from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import PretrainConfig, PretrainResult, pretrain
from corpusmill.train.loop.progress import read_metrics
from corpusmill.train.loop.throughput import flops_per_token, halves_are_native, peak_flops, peak_of_gpu
from corpusmill.train.model import presets
from corpusmill.train.pretraining.advice import advice
from corpusmill.train.pretraining.report import training_page
from corpusmill.train.svg import Line, chart

Make = Callable[..., PretrainConfig]


def curve(validation: list[float], training: list[float], epochs: float = 1.0, **more: Any) -> list[dict[str, Any]]:
    """Evaluations every 100 steps."""
    pairs = list(zip(validation, training, strict=True))
    return [
        {"step": 100 * i, "epochs": epochs * i / (len(pairs) - 1), "bits_per_byte": v, "train_bits_per_byte": t,
         "gap": v - t, **{k: values[i] for k, values in more.items()}}
        for i, (v, t) in enumerate(pairs)
    ]  # fmt: skip


def kinds(records: list[dict[str, Any]]) -> list[str]:
    return [a.kind for a in advice(records)]


FALLING = [4.0, 2.5, 2.2, 2.1, 2.09]


def test_learning_by_heart_is_named() -> None:
    found = advice(curve([4.0, 2.4, 2.0, 2.1, 2.3], [4.0, 2.3, 1.8, 1.4, 1.0], epochs=8))
    assert [a.kind for a in found] == ["overfitting", "epochs"]
    assert "step 200" in found[0].english
    assert "2.000 to 2.300" in found[0].english
    assert "第 200 步" in found[0].chinese
    assert "8.0 times" in found[1].english


def test_a_healthy_run_gets_no_advice() -> None:
    assert kinds(curve(FALLING, [4.0, 2.5, 2.15, 2.05, 2.04])) == []
    assert kinds([]) == []


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        (curve(FALLING, [4.0, 2.3, 1.9, 1.6, 1.5]), "gap"),
        (curve(FALLING, FALLING, epochs=6), "epochs"),
        (curve([4.0, 3.0, 2.5, 2.1, 1.8], [4.0, 3.0, 2.5, 2.1, 1.8]), "unfinished"),
        (curve(FALLING, FALLING, by_language=[{"zh": v, "en": 1} for v in (4, 2, 2.1, 2.2, 2.3)]), "part got worse"),
        ([{"step": 1, "learning_rate": 1.0, "train_loss": 9.0, "spike": True}], "unstable"),
        ([{"step": 1, "learning_rate": 1.0, "skipped": "not finite"}], "unstable"),
        ([{"step": i, "learning_rate": 1.0, "gradient_norm": 3.0} for i in range(9)], "clipped"),
    ],
)  # fmt: skip
def test_each_trouble_has_its_advice(records: list[dict[str, Any]], kind: str) -> None:
    assert kinds(records) == [kind]


def test_a_worse_validation_that_training_shares_is_no_overfitting() -> None:
    assert kinds(curve([4.0, 2.0, 2.2, 2.4], [4.0, 2.0, 2.2, 2.4])) == []


class Parsed(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.lines = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.lines += tag == "polyline"
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]


def test_the_page_of_a_run(pretrained: PretrainResult) -> None:
    page = (Path(pretrained.run) / "report.html").read_text("utf-8")
    parsed = Parsed(page)
    assert parsed.links == []  # nothing outside the page
    assert "<script" not in page
    # Loss (raw, smoothed, validation); bits per byte (2); two languages (4); rate, norm, speed.
    assert parsed.lines >= 12
    best = next(
        r for r in read_metrics(Path(pretrained.run) / "metrics.jsonl") if r.get("step") == pretrained.best_step
    )
    for words in (
        "Training and validation 训练与验证",
        "The gap 差距",
        "language 语言",
        "gzip",
        "MFU",
        "Settings 设置",
    ):
        assert words in page
    assert pretrained.gap is not None
    assert f"{pretrained.gap:+.3f}" in page
    assert best["step"] == pretrained.best_step


def test_the_gap_is_between_validation_and_training_documents(pretrained: PretrainResult) -> None:
    scored = [r for r in read_metrics(Path(pretrained.run) / "metrics.jsonl") if "gap" in r]
    assert len(scored) == 4
    for r in scored:
        assert r["gap"] == pytest.approx(r["bits_per_byte"] - r["train_bits_per_byte"])
        assert set(r["train_by_language"]) == set(r["by_language"]) == {"zh", "en"}


def test_what_happened_is_marked_and_names_are_escaped() -> None:
    records = [
        {"step": 1, "learning_rate": 0.1, "train_loss": 3.0, "epochs": 0.5},
        {"step": 2, "learning_rate": 0.1, "skipped": "not finite", "epochs": 1.1},
        {"step": 3, "learning_rate": 0.1, "train_loss": 8.0, "spike": True, "epochs": 1.6},
        {"step": 1, "rolled_back_from": 3},
    ]
    page = training_page("<run>", records, {}, {})
    assert "&lt;run&gt;" in page
    for words in ("epoch 1", "skipped at step 2: not finite", "spike at step 3", "back from step 3"):
        assert words in page


def test_charts_keep_spikes_and_bear_what_is_missing() -> None:
    flat = [(float(x), 1.0) for x in range(10_000)]
    flat[7_777] = (7_777.0, 9.0)
    svg = chart([Line("loss", flat)], up="nats")
    points = re.search(r"polyline points='([^']*)'", svg)
    assert points is not None
    places = [tuple(map(float, p.split(","))) for p in points[1].split()]
    assert len(places) < 1300
    assert min(y for _, y in places) < 60  # the spike's top
    assert chart([Line("none", [(1.0, float("nan"))])], up="nats") == "<p class=muted>–</p>"
    assert "polyline" in chart([Line("one", [(1.0, 2.0)])], up="nats")


def test_operations_and_peaks() -> None:
    shape = presets.load_presets()["tiny"].model(512)
    matrices = 64 * 64 * 4 + 3 * 64 * 256 + 64 * 512  # attention with as many key heads, SwiGLU, head
    assert flops_per_token(shape) == 6 * matrices + 12 * 1 * 64 * 48
    assert peak_of_gpu("NVIDIA H100 80GB HBM3") == peak_of_gpu("NVIDIA H200") == 989e12
    assert peak_of_gpu("NVIDIA H100 PCIe") == 756e12
    assert peak_of_gpu("NVIDIA RTX A4000") is None
    found = peak_flops(torch.device("cpu"))
    assert found is not None
    assert 1e8 < found < 1e14


@pytest.mark.parametrize(("tracker", "module"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")])
def test_a_tracker_that_is_not_installed(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracker: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=f"pip install {tracker}, or leave out the tracker"):
        pretrain(config(tmp_path / "run", trackers=[tracker], max_steps=1))


def test_trackers_hear_what_the_log_hears(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, dict[str, float]]] = []

    class Run:
        def log(self, figures: dict[str, float], step: int) -> None:
            heard.append((step, figures))

        def finish(self) -> None:
            heard.append((-1, {}))

    wandb = ModuleType("wandb")
    wandb.init = lambda **_: Run()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    run = tmp_path / "run"
    pretrain(config(run, trackers=["wandb"], max_steps=2, evaluate_every=2))
    assert [step for step, _ in heard] == [r["step"] for r in read_metrics(run / "metrics.jsonl")] + [-1]
    last = heard[-2][1]
    assert last["bits_per_byte"] == json.loads((run / "result.json").read_text("utf-8"))["bits_per_byte"]
    assert "by_language/zh" in last


def test_tensorboard_files(config: Make, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    pretrain(config(tmp_path / "run", trackers=["tensorboard"], max_steps=2))
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_wandb_offline(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    pretrain(config(tmp_path / "run", trackers=["wandb"], max_steps=2))
    assert list((tmp_path / "run" / "wandb").glob("offline-run-*"))


def test_processors_that_multiply_halves_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "avx2": True}, raising=False)
    assert halves_are_native()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, "avx2": True})
    assert not halves_are_native()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not halves_are_native()
