from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import corpusmill.train
from corpusmill.curate.errors import CorpusmillError, MissingExtra, RecipeError
from corpusmill.train import cli
from corpusmill.train.cli import PresetName, app

EXPORTED = [
    "GPT",
    "ClassifierConfig",
    "InstructConfig",
    "ModelConfig",
    "Preset",
    "PretrainConfig",
    "PretrainResult",
    "Tokenizer",
    "classification_metrics",
    "classify",
    "evaluate_corpus",
    "export_hf",
    "fasttext_classification",
    "finetune_classifier",
    "finetune_instructions",
    "gzip_bits_per_byte",
    "load_presets",
    "pretrain",
    "sample",
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


@pytest.mark.parametrize("command", [["tokenizer"], ["pretrain"], ["finetune", "classify"], ["finetune", "instruct"]])
def test_help_shows_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"corpusmill train {' '.join(command)} " in result.output


def test_presets_of_the_command_line_are_those_of_the_table() -> None:
    from importlib.resources import files

    import yaml

    table = yaml.safe_load(files("corpusmill.train").joinpath("presets.yaml").read_text("utf-8"))
    assert [name.value for name in PresetName] == list(table)


def test_bad_options_are_all_reported_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    arguments = ["pretrain", str(corpus), "-o", str(tmp_path / "run"), "--steps", "0", "--learning-rate", "-1"]
    with pytest.raises(RecipeError, match=r"--max-steps: (.|\n)*--learning-rate: ") as raised:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert len(raised.value.problems) == 2
    assert not (tmp_path / "run").exists()


def test_from_corpus_to_samples(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusmill.train.presets import load_presets

    small = load_presets()["tiny"].model_copy(update={"name": "nano"})
    monkeypatch.setattr("corpusmill.train.presets.load_presets", lambda: {"nano": small})
    report = json.loads(call("train", "tokenizer", corpus, "-o", tmp_path / "tok", "--vocab-size", 400))
    assert report["bytes_per_token"]["zh"] > 1.5
    run = tmp_path / "run"
    options = ["--tokenizer", tmp_path / "tok", "--steps", 20, "--device", "cpu"]
    result = json.loads(call("train", "pretrain", corpus, "-o", run, *options))
    assert result["bits_per_byte"] < result["first_bits_per_byte"]
    assert json.loads(call("train", "pretrain", corpus, "-o", run, *options))["steps"] == 20
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


def test_errors_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(CorpusmillError, match="no model in"):
        CliRunner().invoke(top(), ["sample", str(tmp_path), "x"], catch_exceptions=False)
