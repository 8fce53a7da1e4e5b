"""References to Chinese law as spans: every form, what is none, and real text that was read by a person."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.domain_packs import LegalSignals
from corpusmill.domain_packs.legal.citations import citations


def spans(text: str) -> list[tuple[str, str]]:
    return [(text[c.start : c.end], c.kind) for c in citations(text)]


CASES = [
    "（2023）京01民终123号",
    "(2023)京01民终123号",
    "〔2023〕京01民终123号",
    "[2023]京01民终123号",
    "【2023】京01民终123号",
    "（２０２３）京０１民终１２３号",
    "（2023） 京 01 民终 123 号",
    "（2016）最高法民再98号",
    "（2019）最高法知民终第147号之一",
    "(2013)郑执一字第324-3号",
    "（2007）朝民初字第18230号",
    "（二〇〇七）朝民初字第一八二三〇号",
    "（2018）粤03民终1234-1240号",
    "（2016）豫1726刑初16号、290号",
    "（2014）长民三（民）初字第2041号",
    "(86)民上字第11号",
    "108年度重訴字第123號",
]


@pytest.mark.parametrize("case", CASES)
def test_every_form_of_a_case_number_is_one_span(case: str) -> None:
    assert spans(f"不服北京市海淀区人民法院{case}民事判决，提起上诉") == [(case, "case_number")]


@pytest.mark.parametrize(
    ("before", "number"),
    [
        ("根据", "国发〔2020〕5号"),
        ("根据国务院办公厅", "国办发[2010]5号"),
        ("（", "法释〔2015〕16号"),
        ("按照", "银保监发（2018）5号"),
        ("和", "法〔2018〕1号"),
        ("作出", "京政复字[2016]822号"),
        ("根据国土资源部", "国土资函[2005]385号"),
        ("工业和信息化部《通知》（", "工信部信管函〔2021〕28号"),
        ("福州市价格认证中心", "榕价认扣（2016）415号"),
        ("于2015年9月25日", "武政复决字(2015)第171号"),
        ("泌阳县公安局", "（泌）公（刑）鉴（法）字﹝2015﹞709号"),
        ("出具", "中大法鉴中心[2015]病鉴字第B9424号"),
        ("证据有", "(2017)浙杭钱证内字第493号"),
        ("", "法发【1996】30号"),
        ("國務院", "國發〔2020〕5號"),
    ],
)
def test_a_document_number_begins_with_the_code_of_its_office(before: str, number: str) -> None:
    assert (number, "document_number") in spans(f"{before}{number}文件的规定")


@pytest.mark.parametrize(
    ("article", "law"),
    [
        ("《中华人民共和国刑法》第二百六十四条", "中华人民共和国刑法"),
        ("刑法第一百二十条之一第二款第（三）项", "刑法"),
        ("《民法典》第577条至第580条", "民法典"),
        ("本条例第二十一条第一款第（一）、（四）项", "本条例"),
        ("本解释第七条第二款第三项至第六项", "本解释"),
        ("中华人民共和国民事诉讼法第一百七十七条第一款第一项", "中华人民共和国民事诉讼法"),
        ("刑法第342、264条", "刑法"),
        ("刑法修正案（十一）第一条", "刑法修正案（十一）"),
        ("专利法实施细则第 56 条第 1 款", "专利法实施细则"),
        ("《全民所有制工业企业法》的第三十五条", "全民所有制工业企业法"),
        ("消保法第55条", "消保法"),
        ("民法第一百八十四條第一項前段", "民法"),
        (
            "《最高人民法院关于适用〈民法典〉婚姻家庭编的解释（一）》第三条",
            "最高人民法院关于适用〈民法典〉婚姻家庭编的解释（一）",
        ),
    ],
)
def test_an_article_carries_its_law_its_paragraphs_and_its_items(article: str, law: str) -> None:
    text = f"本院认为，依照{article}的规定，应予支持。"
    found = citations(text)
    assert [(text[c.start : c.end], c.kind, c.law) for c in found] == [(article, "article", law)]


def test_articles_in_a_row_share_the_law_that_is_named_once() -> None:
    found = citations("依照《中华人民共和国刑法》第二百六十四条、第六十七条第三款、第五十二条之规定")
    assert [c.law for c in found] == ["中华人民共和国刑法"] * 3
    assert citations("见第三条。另见第五条")[-1].law is None


def test_the_number_inside_the_name_of_a_law_is_found_too() -> None:
    found = spans("依照《关于适用〈民法典〉的解释（一）》（法释〔2020〕22号）第三条第一款")
    assert [kind for _, kind in found] == ["article", "document_number"]
    assert found[1][0] == "法释〔2020〕22号"


def test_an_article_is_told_from_a_reference_to_it() -> None:
    text = "第一条 为了规范市场，制定本法。\n第二条 中华人民共和国境内，适用本法。\n第三条 违反第二条规定的，依法处罚。"
    assert spans(text) == [("第一条", "heading"), ("第二条", "heading"), ("第三条", "heading"), ("第二条", "article")]
    assert spans("属于贪污。第三百八十三条　对犯贪污罪的，依法处罚")[-1] == ("第三百八十三条", "heading")


@pytest.mark.parametrize(
    "text",
    [
        "这是本市第三条地铁线路",
        "（2021）5号楼发生火灾",
        "住在和平路12号",
        "他是23号球员",
        "第三届会议2016年举行",
        "违法条件",
        "2020年9号线",
    ],
)
def test_what_only_looks_like_a_reference_is_none(text: str) -> None:
    assert spans(text) == []


def test_orders_begin_with_who_gave_them() -> None:
    assert spans("2011年4月22日 中华人民共和国国务院令第596号公布") == [("中华人民共和国国务院令第596号", "order")]
    assert spans("根据国家税务总局公告2016年第36号")[0] == ("国家税务总局公告2016年第36号", "order")


def test_signals_count_references_by_kind() -> None:
    text = "依照《刑法》第二十条、第二十一条，（2023）京01民终123号判决和法释〔2020〕22号、国务院令第95号。"
    signals = LegalSignals().measure(Documents.from_texts([text, "今天天气好。", ""])).signals
    assert list(signals["legal_articles"]) == [2, 0, 0]
    assert list(signals["legal_case_numbers"]) == [1, 0, 0]
    assert list(signals["legal_document_numbers"]) == [2, 0, 0]


def test_precision_and_recall_on_text_that_a_person_read(shared_data: Path) -> None:
    checked = Path(__file__).parents[2] / "benchmarks" / "citations_checked.tsv"
    with checked.open(encoding="utf-8") as lines:
        gold = [*csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t")]
    right = wrong = missed = 0
    for file in sorted({row[0] for row in gold}):
        with gzip.open(shared_data / file, "rt", encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        for _, row, field, at, start, end, kind in (r for r in gold if r[0] == file):
            text = rows[int(row)][field]
            # A window is enough, and ten times as fast as the whole of a code.
            low, high = max(0, int(at) - 300), int(at) + 300
            found = next((c for c in citations(text[low:high]) if c.start + low <= int(at) < c.end + low), None)
            got = (found.start + low, found.end + low, found.kind) if found else None
            want = None if kind == "none" else (int(start), int(end), kind)
            right += got == want and want is not None
            wrong += got not in (want, None)
            missed += want not in (got, None)
    assert right > 850
    assert right / (right + wrong) >= 0.98
    assert right / (right + missed) >= 0.98
