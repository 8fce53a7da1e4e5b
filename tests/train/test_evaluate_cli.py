"""What `corpusmill train evaluate` takes: references of any shape, several labels a text, texts under any usual name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpusmill.curate.cli.app import app
from corpusmill.curate.errors import InputError


def evaluate(*asked: str | Path) -> tuple[int, str]:
    run = CliRunner().invoke(app, ["train", "evaluate", *map(str, asked)])
    if isinstance(run.exception, InputError):
        raise run.exception
    return run.exit_code, run.output


def test_references_are_numbers_lists_or_lists_in_a_cell(tmp_path: Path) -> None:
    rows = [{"answer": 72, "references": 72}, {"answer": "北京", "references": ["上海", "北京"]}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    (tmp_path / "a.csv").write_text('answer,references\n72,72\n北京,"[""上海"", ""北京""]"\n', "utf-8")
    for name in ("a.jsonl", "a.csv"):
        code, said = evaluate("answers", tmp_path / name)
        assert code == 0
        assert "exact_match  1.0000" in said
    (tmp_path / "b.jsonl").write_text('{"answer": "x", "references": null}\n')
    with pytest.raises(InputError, match=":1: references holds no right answer"):
        evaluate("answers", tmp_path / "b.jsonl")


def test_leaks_are_found_under_the_usual_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,label\n很好的酒店，下次再来,1\n", "utf-8")
    (tmp_path / "b.jsonl").write_text('{"文本": "很好的酒店,下次再来"}\n', "utf-8")
    code, said = evaluate("leaks", tmp_path / "a.csv", tmp_path / "b.jsonl")
    assert code == 1
    assert json.loads(said)["leaked_test"] == 1


def test_crossval_says_how_it_counts_several_labels(tmp_path: Path) -> None:
    rows = [
        {
            "text": f"{i} {'好看 fine film' if i % 2 else '难吃 bad food'} {i * 7}",
            "labels": ["a", "b"] if i % 2 else ["c"],
        }
        for i in range(40)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    code, said = evaluate("crossval", tmp_path / "a.jsonl", "--folds", "2")
    assert code == 0
    assert "each combination of labels counts as one class" in said
