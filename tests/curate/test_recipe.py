"""Recipes: all mistakes at once, each with its line and the valid choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusmill.curate import RecipeError, load_recipe
from corpusmill.curate.recipe import parse_recipe

GOOD = """
name: 测试
inputs:
  - path: {raw}/*.jsonl
    id: null
output: {raw}/out
steps:
  - fix_format
  - language: {{keep: [zh, en]}}
  - gopher_quality: {{min_words: {{default: 50, zh: 30}}, max_words: null}}
validation: 0.1
"""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text('{"text": "一段文字。"}\n{"text": "A text."}\n', encoding="utf-8")
    return tmp_path


def problems(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, where="r.yaml")
    return caught.value.problems


def test_a_good_recipe_runs(raw: Path) -> None:
    (raw / "r.yaml").write_text(GOOD.format(raw=raw), encoding="utf-8")
    recipe = load_recipe(raw / "r.yaml")
    assert [s.name for s in recipe.pipeline.steps] == ["fix_format", "language", "gopher_quality"]
    assert recipe.inputs[0].id is None
    result = recipe.run(workers=1, quiet=True)
    assert result.counts["read"] == 2
    assert {f[0] for f in result.funnel} >= {"read", "gopher_quality"}


def test_three_mistakes_are_reported_together_with_lines(raw: Path) -> None:
    text = f"""name: x
inputs:
  - path: {raw}/*.jsonl
steps:
  - fix_fromat
  - language: {{keep: [zh], min_scor: 0.5}}
  - gopher_quality: {{min_words: many}}
"""
    found = problems(text)
    assert len(found) == 3
    assert found[0].startswith("r.yaml:5: unknown step 'fix_fromat'; did you mean 'fix_format'? Valid: ")
    assert "gopher_quality" in found[0]
    assert found[1].startswith("r.yaml:6: unknown option 'language.min_scor'; did you mean 'min_score'? Valid: ")
    assert found[2].startswith("r.yaml:7: gopher_quality.min_words is 'many'")


def test_missing_files_and_unknown_keys(raw: Path) -> None:
    found = problems(f"inputs:\n  - path: {raw}/no-such-*.jsonl\nsteps:\n  - fix_format\nvalidaton: 0.1\n")
    assert len(found) == 2
    assert "r.yaml:2: no file matches the input" in found[0]
    assert found[1].startswith("r.yaml:5: unknown key 'validaton'; did you mean 'validation'? Valid: ")


def test_a_missing_model_is_found_before_the_run(raw: Path) -> None:
    found = problems(f"inputs: [{raw}/*.jsonl]\nsteps:\n  - quality_classifier: {{model: {raw}/none.bin}}\n")
    assert len(found) == 1
    assert "none.bin" in found[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [", "not valid YAML"),
        ("[]", "a recipe is a mapping"),
        ("steps: []\ninputs: [x]", "at least one step"),
        ("steps: [fix_format]", "inputs must be a list"),
        ("steps: [fix_format]\nsteps: [fix_format]\ninputs: []", "steps is given twice"),
        ("steps: [{fix_format: {}, language: {}}]\ninputs: []", "a step is a name"),
        ("steps: [fix_format]\nvalidation: 2\ninputs: []", "r:2: validation is 2"),
        ("steps: [{language: {keep: [klingon]}}]\ninputs: []", "klingon"),
        ("steps: [{gopher_quality: {min_words: {zh: 3}}}]\ninputs: []", "need a 'default'"),
    ],
)
def test_each_mistake_has_its_sentence(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match="r") as caught:
        parse_recipe(text, where="r")
    assert any(said in p for p in caught.value.problems), caught.value.problems


def test_a_missing_recipe_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="corpusmill init"):
        load_recipe(tmp_path / "none.yaml")
