from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpusmill.curate.errors import RunError
from corpusmill.train import ClassifierConfig, InstructConfig, PreferenceConfig, SearchConfig, search_settings
from corpusmill.train.evaluate.crossval import fit_gpt
from corpusmill.train.loop.checkpoint import Checkpoints
from corpusmill.train.loop.progress import read_metrics

ROWS: dict[str, list[dict[str, Any]]] = {
    "classify": [
        {"text": f"{i} {'一份新合同' if i % 2 else 'The court refused'} {i * 7 % 31}", "label": "ab"[i % 2]}
        for i in range(60)
    ],
    "instruct": [
        {"instruction": f"{i} 谁？" if i % 2 else f"{i} who?", "output": f"法院 {i}" if i % 2 else f"The patient {i}"}
        for i in range(60)
    ],
    "prefer": [{"prompt": f"{i} 谁？", "chosen": f"法院 {i}", "rejected": f"医生的建议 {i}"} for i in range(40)],
}

SETTINGS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "classify": (ClassifierConfig, {"batch_size": 8, "accumulate": 3, "baseline": False}),
    "instruct": (InstructConfig, {"batch_tokens": 384, "lora_rank": 4}),
    "prefer": (PreferenceConfig, {"batch_size": 8, "lora_rank": 4}),
}


def weights(run: Path) -> torch.Tensor:
    latest = Checkpoints(run).latest()
    assert latest is not None
    tensors = load_file(latest / "model.safetensors")
    return torch.cat([tensors[name].flatten().double() for name in sorted(tensors)])


@pytest.fixture(scope="module")
def runs(run: Path, forked: Callable[[list[dict[str, Any]]], list[list[int]]], tmp_path_factory: Any) -> Path:
    """Each task in one process, in two, and in two and then, from half-way, in one."""
    folder: Path = tmp_path_factory.mktemp("tuned")
    jobs = []
    for task, (kind, own) in SETTINGS.items():
        data = folder / f"{task}.jsonl"
        data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS[task]), "utf-8")
        for name, ranks, steps in (("one", 1, 8), ("two", 2, 8), ("changed", 2, 4), ("changed", 1, 8)):
            # A level rate, so that the first half does not know how long the whole will be.
            given = {"final_learning_rate": 1.0, "warmup_steps": 2, "evaluate_every": 4, "patience": None} | own
            output = folder / f"{task}-{name}"
            config = kind(base=run, train=data, output=output, max_steps=steps, device="cpu", **given)
            jobs.append({"config": config, "ranks": ranks})
    codes = forked(jobs)
    assert all(code == 0 for job_codes in codes for code in job_codes), codes
    return folder


@pytest.mark.parametrize("task", list(SETTINGS))
@pytest.mark.parametrize("name", ["two", "changed"])
def test_two_processes_equal_one(runs: Path, task: str, name: str) -> None:
    one, other = weights(runs / f"{task}-one"), weights(runs / f"{task}-{name}")
    assert float((one - other).norm() / one.norm()) < 1e-5


@pytest.mark.parametrize("task", list(SETTINGS))
def test_the_first_process_alone_writes(runs: Path, task: str) -> None:
    steps = [r["step"] for r in read_metrics(runs / f"{task}-two" / "metrics.jsonl") if "train_loss" in r]
    assert steps == list(range(1, 9))
    mine, other = (json.loads((runs / f"{task}-{n}" / "report.json").read_text("utf-8")) for n in ("one", "two"))
    assert mine["steps"] == other["steps"] == 8
    if task == "classify":
        assert mine["test"]["confusion_matrix"] == other["test"]["confusion_matrix"]
    else:
        assert (runs / f"{task}-two" / "adapter" / "adapter_model.safetensors").is_file()


def test_what_tries_many_runs_refuses_torchrun(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="a search runs in one process: start it without torchrun"):
        search_settings(SearchConfig(task="classify", output=tmp_path / "s", settings={}, values={"epochs": [1, 2]}))
    with pytest.raises(RunError, match="cross-validation runs in one process"):
        fit_gpt(run)
