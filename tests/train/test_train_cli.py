from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import corpusmill.train
from corpusmill.curate.errors import CorpusmillError, MissingExtra, RecipeError
from corpusmill.train import cli
from corpusmill.train.cli import app

EXPORTED = [
    "GPT",
    "ClassifierConfig",
    "InstructConfig",
    "ModelConfig",
    "PreferenceConfig",
    "Preset",
    "PretrainConfig",
    "PretrainResult",
    "SearchConfig",
    "Tokenizer",
    "classification_metrics",
    "classify",
    "evaluate_corpus",
    "export_hf",
    "fasttext_classification",
    "finetune_classifier",
    "finetune_instructions",
    "finetune_preferences",
    "gzip_bits_per_byte",
    "import_hf",
    "load_presets",
    "pretrain",
    "sample",
    "search_settings",
    "train_tokenizer",
    "unigram_bits_per_byte",
]


def top() -> typer.Typer:
    """The commands as the main program mounts them."""
    program = typer.Typer()
    program.add_typer(app, name="train")
    program.command("eval")(cli.eval_command)
    program.command("export")(cli.export_command)
    program.command("sample")(cli.sample_command)
    return program


def call(*arguments: object) -> str:
    result = CliRunner().invoke(top(), [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_public_names() -> None:
    assert sorted(corpusmill.train.__all__) == sorted(EXPORTED)
    for name in EXPORTED:
        assert callable(getattr(corpusmill.train, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = corpusmill.train.nonsense


def test_help_and_errors_without_torch() -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'tokenizers', 'safetensors', 'transformers', 'sklearn'): sys.modules[name] = None\n"
        "from typer.testing import CliRunner\n"
        "from corpusmill.train.cli import app\n"
        "help = CliRunner().invoke(app, ['pretrain', '--help'])\n"
        "assert help.exit_code == 0 and 'Examples' in help.output, help.output\n"
        "run = CliRunner().invoke(app, ['pretrain', 'corpus', '-o', 'run'])\n"
        "print(type(run.exception).__name__, run.exception)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(f"MissingExtra {MissingExtra('training', 'train')}")


@pytest.mark.parametrize(
    "command",
    [
        ["tokenizer"],
        ["pretrain"],
        ["trace"],
        ["search"],
        *(["finetune", kind] for kind in ("classify", "instruct", "prefer")),
    ],
)
def test_help_shows_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"corpusmill train {' '.join(command)} " in result.output


def test_bad_options_are_all_reported_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    arguments = ["pretrain", str(corpus), "-o", str(tmp_path / "run"), "--steps", "0", "--learning-rate", "-1"]
    with pytest.raises(RecipeError, match=r"--steps: (.|\n)*--learning-rate: ") as raised:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert len(raised.value.problems) == 2
    assert not (tmp_path / "run").exists()


def test_from_corpus_to_samples(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusmill.train.model.presets import load_presets

    small = load_presets()["tiny"].model_copy(update={"name": "nano"})
    monkeypatch.setattr("corpusmill.train.model.presets.load_presets", lambda: {"nano": small})
    report = json.loads(call("train", "tokenizer", corpus, "-o", tmp_path / "tok", "--vocab-size", 400))
    assert report["bytes_per_token"]["zh"] > 1.5
    run = tmp_path / "run"
    options = ["--tokenizer", tmp_path / "tok", "--steps", 20, "--device", "cpu"]
    result = json.loads(call("train", "pretrain", corpus, "-o", run, *options))
    assert result["bits_per_byte"] < result["first_bits_per_byte"]
    assert json.loads(call("train", "pretrain", corpus, "-o", run, *options))["steps"] == 20
    seen = [json.loads(line) for line in call("train", "trace", run, "--step", 3).splitlines()]
    assert {piece["row"] for piece in seen} == set(range(8))
    assert sum(piece["end"] - piece["begin"] for piece in seen) == steps_tokens(run, 3)
    with pytest.raises(CorpusmillError, match="has no step 21: it has steps 1 to 20"):
        call("train", "trace", run, "--step", 21)
    scores = json.loads(call("eval", run, corpus))
    assert scores["bits_per_byte"] == pytest.approx(result["bits_per_byte"], rel=1e-4)
    assert call("sample", run, "法院", "--max-new-tokens", 5).startswith("法院")
    assert (Path(call("export", run, "-o", tmp_path / "hf").strip()) / "model.safetensors").is_file()
    data = tmp_path / "data.csv"
    data.write_text(
        "text,label\n" + "".join(f"{'法院' if i % 2 else 'river'} {i},{i % 2}\n" for i in range(60)), "utf-8"
    )
    report = json.loads(call("train", "finetune", "classify", data, "--base", run, "-o", tmp_path / "c", "--epochs", 1))
    assert set(report["test"]["classes"]) == {"0", "1"}
    talk = tmp_path / "talk.jsonl"
    talk.write_text("".join(json.dumps({"instruction": f"谁{i}", "output": "法院"}) + "\n" for i in range(10)), "utf-8")
    report = json.loads(call("train", "finetune", "instruct", talk, "--base", run, "-o", tmp_path / "i", "--epochs", 1))
    assert report["conversations"]["train"] == 9


def steps_tokens(run: Path, step: int) -> int:
    from corpusmill.train.loop.progress import read_metrics

    total = {r["step"]: r["tokens"] for r in read_metrics(run / "metrics.jsonl") if "train_loss" in r}
    return int(total[step] - total[step - 1])


def test_a_mix_of_corpora_with_weights(corpus: Path, tokenizer_folder: Path, config: Any, tmp_path: Path) -> None:
    from corpusmill.train import PretrainConfig

    found: list[PretrainConfig] = []

    def stop(given: PretrainConfig) -> None:
        found.append(given)
        raise CorpusmillError("enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpusmill.train.pretrain", stop, raising=False)
        with pytest.raises(CorpusmillError, match="enough"):
            call(
                "train", "pretrain", f"{corpus}=3", corpus, "-o", tmp_path / "r", "--tracker", "wandb", "--patience", 0
            )
    shares = found[0].corpus
    assert isinstance(shares, tuple)
    assert [(share.path, share.weight) for share in shares] == [(corpus, 3.0), (corpus, None)]
    assert (found[0].trackers, found[0].patience) == (["wandb"], None)


@pytest.mark.parametrize("status", ["finished", "interrupted"])
def test_the_exit_code_tells_an_interrupted_run(pretrained: Any, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    from dataclasses import replace

    monkeypatch.setattr("corpusmill.train.pretrain", lambda _: replace(pretrained, status=status), raising=False)
    result = CliRunner().invoke(top(), ["train", "pretrain", "corpus", "-o", "run"])
    assert result.exit_code == {"finished": 0, "interrupted": cli.INTERRUPTED}[status]
    assert json.loads(result.stdout)["status"] == status


def test_errors_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(CorpusmillError, match="no model in"):
        CliRunner().invoke(top(), ["sample", str(tmp_path), "x"], catch_exceptions=False)
