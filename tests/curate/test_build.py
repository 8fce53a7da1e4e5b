"""From files to a corpus, what it holds of its domain, a GPT and a page."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpusmill.curate.build import build
from corpusmill.curate.build.build import with_inputs
from corpusmill.curate.cli.app import app
from corpusmill.curate.errors import InputError
from corpusmill.curate.recipe import load_recipe
from corpusmill.domain_packs.catalogue import PackError, recipe_names, recipe_text

ZH = (
    "原告王某{n}诉被告李某{n}民间借贷纠纷一案，本院受理后依法公开开庭审理。依照《中华人民共和国民法典》第六百七十五条的规定，"
    "判决被告于本判决生效之日起十日内偿还原告借款本金{n}000元，案件受理费由被告负担。如不服本判决，可以向上一级人民法院提起上诉。"
    "联系电话1381234{n:04d}。"
)
EN = (
    "This Agreement number {n} is governed by the laws of the State of Delaware. The Licensee shall indemnify the Licensor "
    "against any claim, liability or damages that arise from a breach of warranty, and the parties consent to arbitration "
    "in county {n}. See 42 U.S.C. § 1983. Write to counsel{n}@hartwell-law.com about the matter of clause {n}."
)


def pile(folder: Path) -> dict[str, Path]:
    paths = {"zh": folder / "zh" / "judgments", "en": folder / "en" / "contracts"}
    for language, text in (("zh", ZH), ("en", EN)):
        paths[language].mkdir(parents=True)
        for n in range(12):
            (paths[language] / f"{n}.txt").write_text(text.format(n=n), encoding="utf-8")
    return {language: path.parent for language, path in paths.items()}


@pytest.mark.parametrize(
    ("language", "kind", "signal", "secret", "term"),
    [
        ("zh", "judgments", "legal_articles", "mobile_cn", "判决"),
        ("en", "contracts", "legal_statutes", "email", "breach"),
    ],
)
def test_a_pile_becomes_a_corpus_and_a_page(
    tmp_path: Path, language: str, kind: str, signal: str, secret: str, term: str
) -> None:
    raw = pile(tmp_path)[language]
    found = build(f"legal-{language}", [raw], tmp_path / "out", workers=1, quiet=True)
    kept = found.counts["train"] + found.counts["validation"]
    assert found.counts["read"] == 12
    assert kept >= 1
    assert [(k["kind"], k["language"], k["documents"]) for k in found.domain["kinds"]] == [(kind, language, kept)]
    means = {s["signal"]: s["mean"] for s in found.domain["signals"]}
    assert means[signal] >= 1
    assert found.domain["privacy"][secret] == kept
    lexicons = {n: c for n, c in found.domain["lexicons"].items() if language in n and "Hant" not in n}
    assert all(0 < c["found"] < c["terms"] for c in lexicons.values())
    assert not any(term in c["absent"] for c in lexicons.values())
    page = found.page.read_text("utf-8")
    assert json.loads((tmp_path / "out/domain.json").read_text("utf-8")) == found.domain
    assert all(said in page for said in ("redact_pii", kind, signal, "corpus/report.html"))
    assert load_recipe(tmp_path / "out/recipe.yaml").output == tmp_path / "out/corpus"


@pytest.mark.slow
def test_the_command_trains_and_says_how_well(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    raw = pile(tmp_path)["zh"]
    asked = ["build", "general-zh", str(raw), "-o", str(tmp_path / "out"), "--workers", "1", "--train", "nano"]
    run = CliRunner().invoke(app, [*asked, "--validation", "0"])
    assert isinstance(run.exception, InputError)
    assert "no document for validation" in str(run.exception)
    assert not (tmp_path / "out/index.html").exists()
    draw = random.Random(0)
    words = re.findall(
        "..",
        "法院市民学校医生邻居记者讨论反对支持研究忘记宣布交通发展下雨原因春天城市历史孩子作业今天昨天我们他们重要方便问题",
    )
    words += list("的了在和是不")
    for n in range(60):
        said = "".join("".join(draw.choices(words, k=6)) + draw.choice("，，。") for _ in range(24))
        (raw / f"judgments/news{n}.txt").write_text(f"{said}。", "utf-8")
    run = CliRunner().invoke(app, [*asked, "--validation", "0.4", "--minutes", "0.01", "--overwrite"])
    assert run.exception is None, run.output
    assert "bits per byte of validation documents" in run.output
    page = (tmp_path / "out/index.html").read_text("utf-8")
    assert "unigram" in page
    assert "model/report.html" in page


def test_what_cannot_be_built_is_said_before_anything_is_read(tmp_path: Path) -> None:
    raw = pile(tmp_path)["zh"]
    with pytest.raises(PackError, match="did you mean 'legal-zh'"):
        build("legal", [raw], tmp_path / "out")
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="no preset 'nanoo'"):
        build("legal-zh", [raw], tmp_path / "out", train="nanoo")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_takes_other_inputs(name: str, tmp_path: Path) -> None:
    (tmp_path / "法 律.txt").write_text("x", "utf-8")
    text = with_inputs(recipe_text(name), [{"path": str(tmp_path / "法 律.txt")}], tmp_path / "o", 0.25)
    (tmp_path / "r.yaml").write_text(text, "utf-8")
    recipe = load_recipe(tmp_path / "r.yaml")
    assert [i.path for i in recipe.inputs] == [str(tmp_path / "法 律.txt")]
    assert recipe.pipeline.validation == 0.25
    with pytest.raises(InputError, match="not laid out"):
        with_inputs("steps: [exact_dedup]\n", [{"path": "x"}], tmp_path)
