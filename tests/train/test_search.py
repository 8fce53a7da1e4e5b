from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpusmill.curate.errors import InputError, RecipeError, RunError
from corpusmill.train import SearchConfig, search_settings
from corpusmill.train.cli import app
from corpusmill.train.finetune import search as module


def data(path: Path) -> Path:
    rows = [{"text": f"{'一份新合同' if i % 2 else 'The court'} {i}", "label": "ab"[i % 2]} for i in range(60)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_the_better_rate_wins_and_a_stopped_search_goes_on(run: Path, tmp_path: Path) -> None:
    train = data(tmp_path / "t.jsonl")
    arguments = [
        "search", "classify", str(train), "--base", str(run), "-o", str(tmp_path / "s"), "--try",
        "learning_rate=50,3e-3", "--set", "epochs=4", "--set", "warmup_steps=1", "--set", "patience=null", "--device",
        "cpu",
    ]  # fmt: skip

    def call() -> dict[str, Any]:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    found = call()
    assert found["status"] == "finished"
    assert found["best"]["settings"] == {"learning_rate": 3e-3}
    assert found["best"]["report"]["test"]["f1_macro"] > 0.9
    reports = [json.loads((Path(t["run"]) / "report.json").read_text("utf-8")) for t in found["trials"]]
    assert ["test" in report for report in reports] == [False, True]  # only the winner has seen the test
    page = (tmp_path / "s" / "search.html").read_text("utf-8")
    assert page.count("<tr") == 3
    assert "<polyline" in page
    assert "src=" not in page

    whole = json.loads((tmp_path / "s" / "search.json").read_text("utf-8"))
    half = {**whole, "trials": whole["trials"][:1], "best": None, "status": "running"}
    (tmp_path / "s" / "search.json").write_text(json.dumps(half), "utf-8")
    first = Path(whole["trials"][0]["run"]) / "metrics.jsonl"
    stamp = first.stat().st_mtime_ns
    assert call()["best"]["settings"] == found["best"]["settings"]
    assert first.stat().st_mtime_ns == stamp
    with pytest.raises(RunError, match="another settings, values"):
        CliRunner().invoke(app, [*arguments, "--try", "freeze=0,1", "--seed", "1"], catch_exceptions=False)


def test_halving_drops_the_worse_and_trains_the_rest_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[float, float]] = []

    def train(config: Any) -> dict[str, Any]:
        rate, epochs = config.learning_rate, config.epochs
        trained.append((rate, epochs))
        config.output.mkdir(parents=True)
        record = {"step": 1, "answer_loss": rate if epochs < 2 else 1 / rate}
        (config.output / "metrics.jsonl").write_text(json.dumps(record) + "\n")
        return {"status": "finished", "best_step": 1, "steps": 1, "seconds": 1.0, "learning_rate": rate}

    kind = module.TASKS["instruct"][0]
    monkeypatch.setitem(module.TASKS, "instruct", (kind, train, "answer_loss", False))
    config = SearchConfig(
        task="instruct", output=tmp_path / "s", values={"learning_rate": [0.4, 0.1, 0.3, 0.2]},
        settings={"base": "b", "train": "t", "epochs": 4}, halving=2,
    )  # fmt: skip
    found = search_settings(config)
    assert trained == [(0.4, 1), (0.1, 1), (0.3, 1), (0.2, 1), (0.1, 2), (0.2, 2), (0.2, 4)]
    assert found["best"]["settings"] == {"learning_rate": 0.2}
    assert search_settings(config)["trials"] == found["trials"]
    assert len(trained) == 7


def test_mistakes_are_told_before_anything_is_trained(run: Path, tmp_path: Path) -> None:
    train = data(tmp_path / "t.jsonl")
    shared = {"base": run, "train": train}

    def tried(values: dict[str, list[Any]], **more: Any) -> None:
        search_settings(
            SearchConfig(task="classify", output=tmp_path / "s", values=values, settings={**shared, **more}, halving=2)
        )

    with pytest.raises(RecipeError, match="nonsense"):
        tried({"nonsense": [1]})
    with pytest.raises(InputError, match="81 combinations"):
        tried({name: [0.1, 0.2, 0.3] for name in ("dropout", "lora_dropout", "weight_decay", "label_smoothing")})
    with pytest.raises(InputError, match="halving sets"):
        tried({"epochs": [1, 2]})
    assert not (tmp_path / "s").exists()
    with pytest.raises(RecipeError, match="write it as name=value"):
        CliRunner().invoke(
            app, ["search", "classify", "t", "--base", "b", "-o", "s", "--try", "x"], catch_exceptions=False
        )
