"""The packs: that their recipes are found, are right, run as printed, and let good text of their domain through."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import yaml

import corpusmill
from corpusmill.curate.documents import Documents
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.registry import steps
from corpusmill.curate.step import Filter, Transform, failures
from corpusmill.domain_packs import check_pack, packs, recipe_names, recipe_text
from corpusmill.domain_packs.catalogue import PackError

NAMES = [
    f"{pack}-{language}"
    for pack in ("education", "finance", "general", "legal", "medical")
    for language in ("en", "zh")
]

DOCUMENTS = {
    "education-zh": [
        "教学目标：理解勾股定理的内容，会用勾股定理进行简单的计算；经历探索定理的过程，体会数形结合的思想。",
        "1．下列数中是质数的是（　　）\nA．21 B．27 C．29 D．33\n【答案】C\n【解析】29 除了 1 和它本身以外没有别的因数。",
    ],
    "education-en": [
        "Lesson plan: equivalent fractions. Students will be able to recognise and generate equivalent fractions. Begin with "
        "a warm-up activity: fold a strip of paper into halves, quarters and eighths.",
        "1. Which of the following is a prime number?\nA. 21  B. 27  C. 29  D. 33\nAnswer: C\nExplanation: 29 has no "
        "divisors other than 1 and itself.",
    ],
    "finance-zh": [
        "公司2023年实现营业收入128.6亿元，同比增长12.4%；归母净利润15.2亿元，同比增长8.7%。资产负债率下降至46.8%。",
        "央行公告称，为维护银行体系流动性合理充裕，今日开展1000亿元7天期逆回购操作，中标利率1.80%，实现净投放110亿元。",
    ],
    "finance-en": [
        "Net revenue for the quarter was $4.2 billion, up 9% year-over-year. Gross margin expanded 130 basis points to "
        "42.6%, and diluted earnings per share were $1.18, compared with $1.02 a year earlier.",
        "The notes bear interest at 5.25% per annum, payable semiannually, and mature in 2031. They rank equally with all "
        "of the issuer's existing and future senior unsecured debt.",
    ],
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
    with pytest.raises(PackError, match=r"no recipe 'legal_zh'.*did you mean 'legal-zh'.*education-en, .*medical-zh"):
        recipe_text("legal_zh")
    with pytest.raises(PackError, match=r"pack 'legal' has no recipe for 'fr'.*Valid: en, zh"):
        packs()["legal"].recipe_text("fr")


@pytest.mark.parametrize("name", NAMES)
def test_the_training_preset_of_a_pack_exists(name: str) -> None:
    import corpusmill.train.model.presets as presets

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
        ("medical-en", "medical/pubmedqa_train.jsonl.gz", "text", 0.97),
        ("medical-en", "medical/en_patient_qa.jsonl.gz", "text", 0.97),
    ],
)
def test_real_text_of_the_domain_survives(shared_data: Path, name: str, file: str, field: str, least: float) -> None:
    texts = [t for t in _texts(shared_data / file, field) if len(t) < 50_000][:150]
    assert _kept(name, texts) >= least


def _broken(recipe: str, text: str) -> set[str]:
    """The rules of a recipe that a text breaks."""
    docs = Documents.from_texts([text])
    out: set[str] = set()
    for step in parse_recipe(recipe_text(recipe), inputs=["."]).pipeline.steps:
        if isinstance(step, Transform):
            docs = step.transform(docs)
        elif isinstance(step, Filter):
            docs = step.measure(docs)
            out |= {f"{step.name}.{rule.name}" for _, rule, *_ in failures(step, docs)}
    return out


CLAUSES = (
    "You may not copy the service without our prior written consent.",
    "We may terminate this agreement where you breach any of its provisions.",
    "Your personal data is kept for as long as applicable law requires it.",
    "Nobody but the licensor has the right to grant a licence for the software.",
    "Our liability for consequential damages is excluded to the extent permitted by law.",
    "Disputes under these terms and conditions go to arbitration in the county where we have our office.",
)


def test_a_table_that_lost_its_columns_costs_no_terms_of_service() -> None:
    """It says the same on most of its lines."""
    table = [f"cookie {i}: {clause[:30]}\nNo\nYes\nNo" for i, clause in enumerate(CLAUSES * 2)]
    assert not _broken("legal-en", "\n".join((*CLAUSES, *table)))


@pytest.mark.parametrize(
    "answer",
    [
        "You can get an xray now to see whether the bone has united, and only then should the plaster be removed. ",
        "If the child is constipated on this milk you can change to another one, and ask a paediatrician if it goes on. ",
        "These are pimples. Do not break them, let them dry on their own, and wash with clean cold water in the morning. ",
    ],
)
def test_plain_words_of_doctors_are_medical(answer: str) -> None:
    rest = (
        "There is no need to worry about it at all, since things will get better on their own in a few days from now. "
    )
    assert not _broken("medical-en", answer + rest)
    assert _broken("medical-en", rest * 2) == {"medical_signals.min_medical_terms"}


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
    (folder / "pack.yaml").write_text("summary: Tax law.\npreset: nano\nlexicon: [a.txt]\n")
    with pytest.raises(PackError, match=r"lexicon: Extra inputs are not permitted.*Keys: summary, preset, lexicons"):
        packs()
    (folder / "pack.yaml").write_text("summary: Tax law.\npreset: nano\n")
    clash = EntryPoint("legal", "tax_pack", "corpusmill.packs")
    monkeypatch.setattr("corpusmill.domain_packs.catalogue.entry_points", lambda group: [clash])
    with pytest.raises(PackError, match="two packs are called 'legal'"):
        packs()


@pytest.mark.parametrize("name", ["education", "finance"])
def test_our_small_packs_are_whole(name: str) -> None:
    assert check_pack(name) == []


@pytest.mark.parametrize("name", ["general", "legal", "medical"])
def test_nothing_is_wrong_with_our_packs(name: str) -> None:
    assert [f for f in check_pack(name) if f.level == "wrong"] == []


def test_the_steps_of_our_packs_need_no_line_in_the_engine() -> None:
    known = steps()
    for pack in packs().values():
        for step in pack.manifest.steps:
            assert known[step].__module__.startswith(f"corpusmill.domain_packs.{pack.name}.")
    engine = [p for f in ("curate", "filters") for p in (Path(corpusmill.__file__).parent / f).rglob("*.py")]
    assert len(engine) > 50
    assert not [p for p in engine if "finance_" in p.read_text(encoding="utf-8")]


def test_the_seeds_of_a_pack_are_of_its_domain() -> None:
    for name, signal in (("finance", "finance_terms"), ("education", "education_terms")):
        step = steps()[f"{name}_signals"]()
        assert isinstance(step, Filter)
        for other in ("finance", "education"):
            for language in ("zh", "en"):
                texts = [
                    json.loads(line)["text"] for line in packs()[other].read(f"seed-{language}.jsonl").splitlines()
                ]
                median = float(np.median(step.measure(Documents.from_texts(texts)).signals[signal]))
                assert (median > 0.05) == (name == other), (name, other, language, median)
