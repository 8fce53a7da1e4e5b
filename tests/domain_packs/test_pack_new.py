"""`corpusmill pack new`: what it writes runs at once, can be installed, and is told what it lacks."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpusmill.curate import registry, step
from corpusmill.curate.cli.app import app
from corpusmill.curate.recipe import load_recipe
from corpusmill.domain_packs import check_pack, find_pack, new_pack, packs, recipe_text
from corpusmill.domain_packs.catalogue import PackError


def test_the_recipes_of_a_new_pack_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["pack", "new", "tax_law", "--folder", "tax"])
    assert done.exit_code == 0, done.output
    assert "corpusmill plan tax/tax_law_pack/recipe-zh.yaml" in done.output
    planned = CliRunner().invoke(app, ["plan", "tax/tax_law_pack/recipe-zh.yaml"])
    assert planned.exit_code == 0, planned.output
    for language in ("zh", "en"):
        counts = load_recipe(f"tax/tax_law_pack/recipe-{language}.yaml").run(workers=1, quiet=True).counts
        assert (counts["read"], counts["train"] + counts["validation"]) == (4, 2), language


def test_a_new_pack_lacks_only_its_installation(tmp_path: Path) -> None:
    root, steps = new_pack("tax_law", tmp_path / "with space" / "tax")
    assert any("pip install -e" in step for step in steps)
    pack = find_pack(root)
    assert (pack.name, pack.languages, len(pack.terms())) == ("tax_law", ("en", "zh"), 6)
    assert [f.about for f in check_pack(root) if f.level == "wrong"] == ["steps"]


def test_once_installed_it_is_known_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, _ = new_pack("rivers", tmp_path / "rivers")
    points = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    monkeypatch.syspath_prepend(str(root))
    named = [EntryPoint(name, value, "corpusmill.packs") for name, value in points["corpusmill.packs"].items()]
    monkeypatch.setattr("corpusmill.domain_packs.catalogue.entry_points", lambda group: named)
    mine = dict(step.registered)
    monkeypatch.setattr(step, "registered", mine)
    monkeypatch.setattr(registry, "registered", mine)
    __import__(points["corpusmill.steps"]["rivers"])
    assert "name: rivers-zh" in recipe_text("rivers-zh")
    assert packs()["rivers"].manifest.steps == ["rivers_signals"]
    assert [f for f in check_pack("rivers") if f.level == "wrong"] == []


@pytest.mark.parametrize("name", ["Tax", "9tax", "tax-law", "class", ""])
def test_a_name_must_be_a_python_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no name for a pack"):
        new_pack(name, tmp_path / "x")


def test_a_taken_name_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is a pack 'finance' already"):
        new_pack("finance", tmp_path / "x")
    (tmp_path / "mine.txt").touch()
    with pytest.raises(PackError, match="holds something already"):
        new_pack("tax", tmp_path)


def test_the_checker_says_what_is_wrong_and_what_is_missing(tmp_path: Path) -> None:
    root, _ = new_pack("tax", tmp_path / "tax")
    inner = root / "tax_pack"
    (inner / "terms-en.txt").write_text("no source\ntwice\ntwice\n", encoding="utf-8")
    (inner / "terms-zh.txt").unlink()
    (inner / "seed-en.jsonl").write_text("not json\n", encoding="utf-8")
    recipe = (inner / "recipe-en.yaml").read_text(encoding="utf-8")
    (inner / "recipe-en.yaml").write_text(recipe.replace("- fix_format", "- fix_formta"), encoding="utf-8")
    zh = (inner / "recipe-zh.yaml").read_text(encoding="utf-8").splitlines()
    at = zh.index("  - redact_pii")
    (inner / "recipe-zh.yaml").write_text("\n".join(zh[: at - 1] + zh[at:]) + "\n", encoding="utf-8")
    (inner / "pack.yaml").write_text(
        (inner / "pack.yaml").read_text(encoding="utf-8").replace("nano", "giant"), encoding="utf-8"
    )
    (inner / "README.zh-CN.md").unlink()
    found = {(f.level, f.about): f.message for f in check_pack(root)}
    assert "pack.yaml names it" in found["wrong", "terms-zh.txt"]
    assert "did you mean 'fix_format'" in found["wrong", "recipe-en.yaml"]
    assert "JSONL" in found["wrong", "seed-en.jsonl"]
    assert "'giant'" in found["wrong", "pack.yaml"]
    assert "redact_pii" in found["missing", "recipe-zh.yaml"]
    assert ("missing", "README.zh-CN.md") in found
    listed = [f.message for f in check_pack(root) if f.about == "terms-en.txt"]
    assert any("where the terms are from" in m for m in listed)
    assert any("more than once, e.g. twice" in m for m in listed)
    done = CliRunner().invoke(app, ["pack", "check", str(root)])
    assert done.exit_code == 1
    assert "fix_formta" in done.output


def test_packs_are_listed_and_shown() -> None:
    listed = CliRunner().invoke(app, ["pack", "list"]).output
    assert all(name in listed for name in packs())
    shown = CliRunner().invoke(app, ["pack", "show", "finance"]).output
    assert "stock_promotion" in shown
    assert "finqa" in shown
    with pytest.raises(PackError, match=r"no pack 'finanse'.*did you mean 'finance'"):
        find_pack("finanse")
