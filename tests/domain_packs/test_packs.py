"""The packs: that their recipes are found, are right, run as printed, and let good text of their domain through."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from corpusmill.curate.documents import Documents
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.step import Filter, Transform, failures
from corpusmill.domain_packs import packs, recipe_names, recipe_text
from corpusmill.domain_packs.catalogue import PackError

NAMES = ["general-en", "general-zh", "legal-en", "legal-zh", "medical-en", "medical-zh"]

DOCUMENTS = {
    "general-zh": [
        "昨天下午，市政府召开新闻发布会，介绍了今年城市绿化的进展情况。据介绍，全市新增公园绿地三百公顷，比去年增加了两成。"
        "记者在现场看到，许多市民带着孩子来到新建的湿地公园，在湖边散步、拍照，享受难得的晴天。",
        "春天来了，院子里的桃花开了，蜜蜂在花丛中忙碌。奶奶坐在门口晒太阳，给我们讲她小时候的故事，说那时候的冬天比现在冷得多，"
        "河里的冰可以走人，孩子们整天在冰上玩耍，到了天黑才肯回家吃饭。",
    ],
    "general-en": [
        "The committee met on Tuesday to consider the proposal for a new library. After a long discussion it was decided "
        "that the matter should be referred to the council. Several members said that they had not been given enough "
        "time to read the report. The chair agreed to this. She promised to send the papers two weeks before the meeting "
        "in future. The next meeting will be held in the town hall at the beginning of May.",
    ],
    "legal-zh": [
        "第一条 为了保护民事主体的合法权益，调整民事关系，维护社会和经济秩序，根据宪法，制定本法。\n"
        "第二条 民法调整平等主体的自然人、法人和非法人组织之间的人身关系和财产关系。",
        "当事人一方不履行合同义务的，应当承担继续履行、采取补救措施或者赔偿损失等违约责任。",
    ],
    "legal-en": [
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software, to deal in it "
        "without restriction, provided that the above copyright notice is included in all copies of the software.",
        "Either party may terminate this agreement upon thirty days' written notice to the other party, in the event "
        "that the other party is in breach of any of its obligations hereunder and has failed to cure that breach.",
    ],
    "medical-zh": [
        "患者无发热，无咳嗽，双肺呼吸音清。予阿司匹林100mg口服，每日1次，两周后复查。",
        "高血压是指以体循环动脉血压增高为主要特征，可伴有心、脑、肾等器官损害的临床综合征。",
    ],
    "medical-en": [
        "An acute infection of the small intestine, caused by Vibrio cholerae.",
        "A phenotypic abnormality in which one or both kidneys are displaced from their normal position. "
        "Also called: Ectopic kidney.",
    ],
}


def test_our_packs_have_recipes_in_both_languages() -> None:
    assert recipe_names() == NAMES
    for pack in packs().values():
        assert pack.languages == ("en", "zh")
        assert pack.summary


def test_an_unknown_recipe_lists_the_valid_ones() -> None:
    with pytest.raises(PackError, match=r"no recipe 'legal_zh'.*did you mean 'legal-zh'.*general-en, .*medical-zh"):
        recipe_text("legal_zh")
    with pytest.raises(PackError, match=r"pack 'legal' has no recipe for 'fr'.*Valid: en, zh"):
        packs()["legal"].recipe_text("fr")


@pytest.mark.parametrize("name", NAMES)
def test_the_training_preset_of_a_pack_exists(name: str) -> None:
    import corpusmill.train.presets as presets

    assert packs()[name.rpartition("-")[0]].preset in presets.load_presets()


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_runs_as_printed_on_a_folder_raw(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    other = DOCUMENTS["general-en" if name.endswith("zh") else "general-zh"][0]
    rows = [*DOCUMENTS[name], *DOCUMENTS[name], other, "", "!!!"]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in rows]
    (tmp_path / "raw" / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(recipe_text(name), encoding="utf-8")
    recipe = parse_recipe((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    counts = recipe.run(workers=1, quiet=True).counts
    assert counts["read"] == len(rows)
    # Each document once: the repeat, the other language and the two without words are gone.
    assert counts["train"] + counts["validation"] == len(DOCUMENTS[name])
    assert counts["quarantined"] == 0
    assert (tmp_path / "corpus" / name / "manifest.json").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_of_a_recipe_is_explained(name: str) -> None:
    lines = recipe_text(name).splitlines()
    data = yaml.safe_load(recipe_text(name))
    assert data["name"] == name
    for step in data["steps"]:
        label = step if isinstance(step, str) else next(iter(step))
        at = next(i for i, line in enumerate(lines) if line.startswith(f"  - {label}"))
        block = next(i for i in range(at, -1, -1) if not lines[i].startswith("  - "))
        assert lines[block].startswith("  #") or label == "language", f"{name}: {label} has no comment above it"


def _kept(name: str, texts: list[str]) -> float:
    """Share of the texts that pass the recipe's Transforms and Filters."""
    recipe = parse_recipe(recipe_text(name).replace("path: raw ", 'path: "." '))
    docs = Documents.from_texts(texts)
    for step in recipe.pipeline.steps:
        if isinstance(step, Transform):
            docs = step.transform(docs)
        elif isinstance(step, Filter):
            docs = step.measure(docs)
            gone = {row for row, *_ in failures(step, docs)}
            docs = docs.take([row for row in range(len(docs)) if row not in gone])
    return len(docs) / len(texts)


def _texts(path: Path, field: str = "text") -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            yield json.loads(line)[field]


@pytest.mark.parametrize(
    ("name", "file", "field", "least"),
    [
        ("legal-zh", "legal/zh_statutes.jsonl.gz", "text", 0.99),
        ("legal-zh", "legal/lecard_cases.jsonl.gz", "text", 0.97),
        ("legal-en", "legal/en_contracts.jsonl.gz", "text", 0.97),
        ("medical-en", "medical/pubmedqa_train.jsonl.gz", "long_answer", 0.99),
        ("medical-en", "medical/en_patient_qa.jsonl.gz", "text", 0.97),
    ],
)
def test_real_text_of_the_domain_survives(shared_data: Path, name: str, file: str, field: str, least: float) -> None:
    texts = [t for t in _texts(shared_data / file, field) if len(t) < 50_000][:150]
    assert _kept(name, texts) >= least


def test_another_package_can_offer_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tax_pack"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "recipe-zh.yaml").write_text("name: tax-zh\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("tax", "tax_pack", "corpusmill.packs")
    monkeypatch.setattr("corpusmill.domain_packs.catalogue.entry_points", lambda group: [point])
    with pytest.raises(PackError, match=r"pack 'tax' \(tax_pack\) needs a pack.yaml"):
        packs()
    (folder / "pack.yaml").write_text("summary: Tax law.\npreset: nano\n")
    assert recipe_text("tax-zh") == "name: tax-zh\n"
    assert "tax-zh" in recipe_names()
    clash = EntryPoint("legal", "tax_pack", "corpusmill.packs")
    monkeypatch.setattr("corpusmill.domain_packs.catalogue.entry_points", lambda group: [clash])
    with pytest.raises(PackError, match="two packs are called 'legal'"):
        packs()
