"""No Transform of a pack's recipe changes a dose, a unit, a negation, an article, a case number or a citation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.step import Transform
from corpusmill.domain_packs import recipe_text
from corpusmill.domain_packs.kept_spans import kept_spans, lost, lost_in

ZH = [
    "予阿司匹林１００ｍｇ口服，每日3次，无发热，未见出血；血压＜140/90 mmHg，疗程3-5天。诊断E11.9，国药准字H20013154。",
    "依照《中华人民共和国刑法》第二百六十四条、第六十七条第三款，（2023）京01民终123号判决和国发〔2020〕5号通知，不得违反。",
    "据《暂行办法》（东环罚告字[2015]137号）第3条，该公司未办理手续，被责令停产，市民表示这不是第一次了，希望有关部门尽快处理。",
    "已建居民住宅楼未配套设立专用烟道的，鼓励居民安装净化设施。全年共接报警电话2291374次，其中有效警情不足一半。",
]
EN = [
    "The patient denies chest pain and has no fever. Give 0.5\u00a0mg/kg every 8 hours; SpO2 > 95 %, for 3-5 days. Isn't allergic.",
    "See 347 U.S. 483 (1954), 42 U.S.C. § 1983, Regulation (EU) 2016/679 and Section 13(d) of the Exchange Act; never waive it.",
    "California Bus. & Prof. Code Sec. 16600 and 17200; Colo. Rev. Stat. Section 24-34-401 and Rev. Proc. 2004-12.",
    "Doctor: Any surgery, or joint replacements?\nPatient: Unless they did it while I was asleep, no.",
]


def transforms(name: str) -> list[Transform]:
    steps = parse_recipe(recipe_text(name).replace("path: raw ", 'path: "." ')).pipeline.steps
    return [step for step in steps if isinstance(step, Transform)]


def check(name: str, texts: list[str]) -> dict[str, int]:
    """How much of each kind each step of the recipe lost."""
    steps = transforms(name)
    found: dict[str, int] = {}
    for step, losses in zip(steps, lost_in(steps, texts, name[-2:]), strict=True):
        for loss in losses:
            for kind, counts in loss.items():
                found[f"{step.name} {kind}"] = found.get(f"{step.name} {kind}", 0) + counts.total()
    return found


@pytest.mark.parametrize("recipe", ["legal-zh", "medical-zh", "general-zh", "legal-en", "medical-en", "general-en"])
def test_own_texts(recipe: str) -> None:
    assert check(recipe, ZH if recipe.endswith("zh") else EN) == {}


def test_the_check_sees_a_change() -> None:
    changed = [
        ("予阿司匹林100mg", "予阿司匹林10mg", "dose"),
        ("患者无发热", "患者发热", "negation"),
        ("She does not smoke", "She does smoke", "negation"),
        ("根据国发〔2020〕5号", "根据国发〔2020〕6号", "document_number"),
        ("依照刑法第五条", "依照刑法第六条", "article"),
        ("42 U.S.C. § 1983", "42 U.S.C. § 1985", "statute"),
        ("for 3-5 days", "for 3-6 days", "range"),
    ]
    for before, after, kind in changed:
        assert list(lost([before], Documents.from_texts([after]))[0]) == [kind], before
    # What means the same is no change, and what was cut out whole is in `removed`.
    assert kept_spans("１００ｍｇ，doesn’t") == kept_spans("100 mg，doesn't")


@pytest.mark.parametrize(
    ("file", "recipe"),
    [
        ("legal/zh_statutes", "legal-zh"),
        ("legal/lawbench_zh", "legal-zh"),
        ("medical/pubmedqa_train", "medical-en"),
        ("medical/en_patient_qa", "medical-en"),
        ("zh/news_docs", "general-zh"),
        ("zh/wiki_hant", "general-zh"),
    ],
)
def test_a_sample_of_real_texts(shared_data: Path, file: str, recipe: str) -> None:
    with gzip.open(shared_data / f"{file}.jsonl.gz", "rt", encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for _, line in zip(range(40), f, strict=False)]
    assert check(recipe, [text[:20_000] for text in texts]) == {}
