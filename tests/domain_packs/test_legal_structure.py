"""The numbering of statutes, the parts of judgments and contracts, and what is missing when text was lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs import LegalCompleteness
from corpusmill.domain_packs.legal.numbers import number
from corpusmill.domain_packs.legal.structure import (
    contract_sections,
    cut_off,
    judgment_parts,
    missing_articles,
    missing_parts,
    outline,
)

NUMERALS = ["一", "二", "三", "四", "五", "六", "七"]
STATUTE = (
    "# 某市养犬管理条例\n\n2020年1月1日通过\n\n"
    + "\n".join(f"第{n}条 当事人应当按照约定全面履行合同义务，承担违约责任。" for n in NUMERALS)
    + "\n第八条 本条例自2020年5月1日起施行。"
)
JUDGMENT = """北京市第一中级人民法院
民 事 判 决 书
（2023）京01民终123号
上诉人（原审被告）：甲公司，住所地北京市。
被上诉人（原审原告）：张某，男，1980年出生。
上诉人甲公司因与被上诉人张某买卖合同纠纷一案，不服一审判决，向本院提起上诉。本案现已审理终结。
甲公司上诉请求：撤销一审判决。
本院经审理查明的事实与一审查明的事实一致。
本院认为，依法成立的合同，对当事人具有法律约束力。依照《中华人民共和国民事诉讼法》第一百七十七条规定，判决如下：
驳回上诉，维持原判。
审 判 长  李某
二〇二三年五月六日
书 记 员  周某
"""


def measure(*texts: str) -> dict[str, np.ndarray]:
    return LegalCompleteness().measure(Documents.from_texts(texts)).signals


@pytest.mark.parametrize(
    ("text", "value"), [("二百三十四", 234), ("一〇八", 108), ("12", 12), ("１２", 12), ("十", 10), ("两千零一", 2001)]
)
def test_numbers_are_read_in_every_notation(text: str, value: int) -> None:
    assert number(text) == value


def test_the_outline_of_a_statute() -> None:
    text = (
        "第一编 总则\n第一分编 通则\n第一章 任务\n第一节 范围\n第一条 本法适用于：\n（一）公民；\n（二）法人。\n"
        "第一条之一 另有规定的，从其规定。\n第二章 附则\n第二条 本法自公布之日起施行，第一条除外。"
    )
    found = [(h.level, h.number, h.inserted, h.title) for h in outline(text)]
    assert found == [
        ("part", 1, 0, "总则"),
        ("subpart", 1, 0, "通则"),
        ("chapter", 1, 0, "任务"),
        ("section", 1, 0, "范围"),
        ("article", 1, 0, ""),
        ("item", 1, 0, ""),
        ("item", 2, 0, ""),
        ("article", 1, 1, ""),
        ("chapter", 2, 0, "附则"),
        ("article", 2, 0, ""),
    ]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4], 0),
        ([1, 2, 4, 5], 1),
        ([2, 3, 4], 1),
        ([1, 2, 3, 3, 4], 0),  # 第三条, 第三条之一
        ([1, 2, 3, 1, 2, 3], 0),  # an annex starts anew
        ([1, 2, 3, 1, 3, 4], 1),
        ([12, 13, 14, 15], 0),  # an amendment that goes on counting
        ([12, 13, 15, 16, 17, 18], 1),
        ([264, 67, 52], None),  # a text that quotes
        ([1, 2], None),
        ([], None),
    ],
)
def test_missing_articles(numbers: list[int], missing: int | None) -> None:
    assert missing_articles(numbers) == missing


@pytest.mark.parametrize("lost", range(1, 9))
def test_a_statute_that_lost_any_article_is_flagged(lost: int) -> None:
    lines = STATUTE.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"第{'一二三四五六七八'[lost - 1]}条"))
    found = measure(STATUTE, "\n".join(lines[:at] + lines[at + 1 :]))
    assert list(found["legal_truncated"]) == [0, 1]
    assert list(found["legal_no_end" if lost == 8 else "legal_missing_articles"]) == [0, 1]


def test_articles_of_a_statute_without_line_breaks_are_found() -> None:
    flat = STATUTE.replace("\n\n", "。").replace("\n", "")
    assert list(measure(flat, flat.replace("第四条 ", ""))["legal_missing_articles"]) == [0, 1]


def test_the_parts_of_a_judgment_stand_in_order() -> None:
    parts = judgment_parts(JUDGMENT)
    assert parts is not None
    assert sorted(parts, key=lambda p: parts[p]) == [
        "header",
        "parties",
        "claims",
        "facts",
        "reasoning",
        "ruling",
        "panel",
    ]
    assert missing_parts(JUDGMENT) == 0
    assert missing_parts(STATUTE) is None


@pytest.mark.parametrize(("first", "last"), [(0, 10), (0, 8), (0, 6), (3, 13), (8, 13)])
def test_a_judgment_that_was_cut_is_flagged(first: int, last: int) -> None:
    cut = "\n".join(JUDGMENT.splitlines()[first:last])
    assert list(measure(JUDGMENT, cut)["legal_truncated"]) == [0, 1]


def test_sections_of_contracts_in_every_numbering() -> None:
    for text in (
        "1. Term\nx\n2. Fees\ny\n3. Notices\n",
        "ARTICLE I\nTerm\nARTICLE II\nFees\nARTICLE III\nEnd\n",
        "Section 1. Term\nSection 2. Fees\nSection 3. End\n",
        "一、期限\n二、费用\n三、其他\n",
    ):
        assert [n for _, n in contract_sections(text)] == [1, 2, 3]
    skipped = "".join(f"{n}. The parties agree\ntext\n" for n in (1, 2, 3, 5, 6))
    whole = "".join(f"{n}. The parties agree\ntext\n" for n in range(1, 7))
    assert list(measure(whole, skipped)["legal_missing_sections"]) == [0, 1]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("当事人应当按照约定全面履行合同义务，并且应当承担相应的违约责", True),
        ("The parties shall perform their obligations under the agreement and the other", True),
        ("The parties agree … read more", True),
        ("当事人应当按照约定全面履行合同义务，并且应当承担相应的违约责任。", False),
        ("The parties shall perform their obligations.", False),
        ("某某有限公司\n二〇二〇年五月六日", False),
    ],
)
def test_a_text_that_stops_in_mid_sentence(text: str, cut: bool) -> None:
    assert cut_off(text) is cut


def test_nothing_is_dropped_unless_a_bound_is_set_and_other_texts_are_not_judged() -> None:
    docs = Documents.from_texts([STATUTE, STATUTE.replace("第四条", "附"), "今天天气好。", "", "The weather is fine"])
    free = LegalCompleteness()
    measured = free.measure(docs)
    assert not list(failures(free, measured))
    assert np.isnan(measured.signals["legal_truncated"][2:]).all()
    strict = LegalCompleteness(max_legal_truncated=0)
    assert [row for row, *_ in failures(strict, strict.measure(docs))] == [1]


def test_real_statutes_and_the_same_with_an_article_taken_out(shared_data: Path) -> None:
    with gzip.open(shared_data / "legal/zh_statutes.jsonl.gz", "rt", encoding="utf-8") as f:
        texts = [text for text in (json.loads(line)["text"] for line in f) if len(text) < 12_000][:250]
    whole = flagged = taken = found = 0
    for text in texts:
        heads = [h for h in outline(text) if h.level == "article" and not h.inserted]
        missing = missing_articles(h.number for h in heads)
        if missing is None or len(heads) < 5 or heads[0].number != 1:
            continue
        whole, flagged = whole + 1, flagged + (missing > 0)
        at = len(text) % (len(heads) - 1)
        rest = text[: heads[at].start] + text[heads[at + 1].start :]
        taken, found = (
            taken + 1,
            found + bool(missing_articles(h.number for h in outline(rest) if h.level == "article")),
        )
    assert whole > 200
    assert flagged <= 0.015 * whole
    assert found == taken
