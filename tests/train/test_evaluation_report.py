from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpusmill.curate.errors import InputError
from corpusmill.train import ClassifierConfig, finetune_classifier
from corpusmill.train.cli_evaluate import app
from corpusmill.train.evaluate.runs import evaluate_classifier

WORDS = {"好": ["满意", "excellent"], "坏": ["失望", "awful"]}


def rows(n: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    found = []
    for i in range(n):
        label = "好" if i % 2 else "坏"
        filler = [f"w{rng.randrange(4000)}" for _ in range(9)]
        found.append({"text": " ".join([*filler, rng.choice(WORDS[label])]), "label": label})
    return found


def jsonl(path: Path, some: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some), "utf-8")
    return path


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


class Tags(HTMLParser):
    """Checks that every tag that opens closes, and collects what is linked."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "line", "polyline"):
            self.open.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass  # <circle ... />: nothing to close

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(path: Path) -> str:
    page = path.read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.links == tags.open == []
    return page


@pytest.fixture(scope="module")
def classifiers(run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Two classifiers, one hardly trained, and test data of which some are in the training data."""
    folder = tmp_path_factory.mktemp("evaluated")
    train = rows(120, seed=1)
    test = [*rows(40, seed=2), {**train[0], "text": train[0]["text"].upper() + "。"}, train[7]]
    data = jsonl(folder / "train.jsonl", train)
    for name, steps in (("good", 60), ("bad", 1)):
        finetune_classifier(
            ClassifierConfig(
                base=run,
                train=data,
                output=folder / name,
                max_steps=steps,
                learning_rate=3e-3,
                baseline=False,
                device="cpu",
            )
        )
    return folder / "good", folder / "bad", jsonl(folder / "test.jsonl", test)


def test_a_classifier_is_scored_without_its_leaks(classifiers: tuple[Path, Path, Path], tmp_path: Path) -> None:
    good, bad, test = classifiers
    result = evaluate_classifier(good, test, against=bad, resamples=200)
    assert result["leakage"]["leaked_test"] == 2
    assert result["texts"] == 40
    assert set(result["comparison"]) == {"texts", "mcnemar", "accuracy", "f1_macro"}
    scores = result["models"][str(good)]
    assert scores["intervals"]["accuracy"][0] <= scores["accuracy"] <= scores["intervals"]["accuracy"][1]
    assert evaluate_classifier(good, test, keep_leaks=True, resamples=10)["texts"] == 42

    said = invoke("classifier", good, test, "--against", bad, "-o", tmp_path / "scores")
    assert "leak: 2 of 42 test texts" in said
    assert re.search(r"f1_macro +[01]\.\d{4} \[", said)
    page = checked(tmp_path / "scores" / "report.html")
    for part in ("McNemar", "Confusion", "Reliability", "2 of 42", "<svg", "好"):
        assert part in page
    assert json.loads((tmp_path / "scores" / "result.json").read_text("utf-8"))["texts"] == 40


def test_training_data_that_are_gone_are_asked_for(classifiers: tuple[Path, Path, Path], tmp_path: Path) -> None:
    good, _, test = classifiers
    train = good.parent / "train.jsonl"
    moved = train.rename(tmp_path / "elsewhere.jsonl")
    try:
        with pytest.raises(InputError, match="say where they are with --train"):
            evaluate_classifier(good, test)
        assert evaluate_classifier(good, test, train=moved, resamples=10)["leakage"]["leaked_test"] == 2
        with pytest.raises(InputError, match="nothing is left"):
            evaluate_classifier(good, moved, train=moved)
        other = jsonl(tmp_path / "other.jsonl", [{"text": "一般", "label": "neutral"}])
        with pytest.raises(InputError, match=r"does not know these labels.*neutral"):
            evaluate_classifier(good, other, train=moved)
    finally:
        moved.rename(train)


def test_cross_validation_from_the_command_line(tmp_path: Path) -> None:
    data = jsonl(tmp_path / "data.jsonl", rows(60, seed=4))
    said = invoke("crossval", data, "-m", "tfidf", "--folds", 3, "-o", tmp_path / "cv")
    assert re.search(r"accuracy +[01]\.\d{4} \[", said)
    page = checked(tmp_path / "cv" / "report.html")
    assert "3 folds, 60 texts in 60 groups" in page
    assert page.count("<circle") > 9


def test_answers_and_leaks_from_the_command_line(tmp_path: Path) -> None:
    answered = [{"answer": "北京。", "references": ["北京"]}, {"answer": "the moon", "references": "the sun"}]
    said = invoke("answers", jsonl(tmp_path / "answers.jsonl", answered))
    assert re.search(r"exact_match +0\.5000", said)
    train = jsonl(tmp_path / "train.jsonl", rows(20, seed=1))
    clean = jsonl(tmp_path / "clean.jsonl", rows(5, seed=9))
    assert json.loads(invoke("leaks", train, clean))["leaked_test"] == 0
    found = CliRunner().invoke(app, ["leaks", str(train), str(train)])
    assert found.exit_code == 1
    assert json.loads(found.output)["leaked_test"] == 20


def test_code_from_the_command_line(tmp_path: Path) -> None:
    problem = {"task_id": 1, "text": "Double it.", "test_list": ["assert double(2) == 4"]}
    answers = [
        {"task_id": 1, "completion": "def double(x): return 2 * x"},
        {"task_id": 1, "completion": "double = abs"},
    ]
    said = invoke(
        "code",
        jsonl(tmp_path / "p.jsonl", [problem]),
        jsonl(tmp_path / "a.jsonl", answers),
        "-k",
        1,
        "-o",
        tmp_path / "code",
    )
    assert re.search(r"pass@1 +0\.5000", said)
    assert "how programs ended" in checked(tmp_path / "code" / "report.html")
