"""Spans that no step may rewrite."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.errors import InputError
from corpusmill.filters.protect import load_terms, protected_mask, protected_runs, protected_spans, term_pattern


def protected(text: str, piece: str) -> bool:
    mask = protected_mask(text)
    start = text.index(piece)
    return all(mask[start : start + len(piece)])


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("被告人的行为不构成正当防卫", "不"),
        ("患者无发热、否认高血压病史", "无"),
        ("患者无发热、否认高血压病史", "否"),
        ("依照刑法第二百三十四条第二款的规定", "第二百三十四条第二款"),
        ("依照第一百三十三条之一处罚", "第一百三十三条之一"),
        ("（2007）朝民初字第18230号判决书", "（2007）朝民初字第18230号"),
        ("根据法释〔2020〕26号的规定", "法释〔2020〕26号"),
        ("口服阿莫西林500mg每日三次", "500mg"),
        ("体温38.5℃，血压120/80mmHg", "38.5℃"),
        ("赔偿人民币三万五千元整", "三万五千元"),
        ("于2021年3月5日签订", "2021年3月5日"),
        ("违反《中华人民共和国合同法》的", "《中华人民共和国合同法》"),
        ("所谓“善意取得”制度", "“善意取得”"),
        ("应当承担责任", "应当"),
        ("详见https://court.example.cn/a?b=1。", "https://court.example.cn/a?b=1"),
        ("The patient denies chest pain", "denies"),
        ("He did not sign and can't pay", "not"),
        ("He did not sign and can't pay", "n't"),
        ("take 250 mg twice daily", "250 mg"),
        ("under 42 U.S.C. § 1983 relief", "42 U.S.C. § 1983"),
        ("as held in Roe v. Wade that", "Roe v. Wade"),
        ("pursuant to Section 12(a) of the Act", "Section 12(a)"),
        ("signed on January 5, 2020 in Ohio", "January 5, 2020"),
        ("tested positive for COVID-19 today", "COVID-19"),
        ('the term "fair use" means', '"fair use"'),
        ("The tenant shall pay", "shall"),
    ],
)
def test_protects(text: str, piece: str) -> None:
    assert protected(text, piece)


@pytest.mark.parametrize("text", ["天气晴朗，孩子们在公园玩耍", "the children played happily near the river"])
def test_leaves_plain_words_free(text: str) -> None:
    assert sum(protected_mask(text)) == 0


def test_kinds_tell_why() -> None:
    assert {s.kind for s in protected_spans("不得超过100mg，见第5条")} >= {"negation", "number", "reference"}


def test_terms_of_the_domain(tmp_path) -> None:
    path = tmp_path / "terms.txt"
    path.write_text("# drugs\n阿莫西林\naspirin\n", "utf-8")
    terms = load_terms(str(path))
    assert terms is not None
    assert protected_runs("服用阿莫西林片", terms) == ["阿莫西林"]
    assert protected_spans("服用阿莫西林片", terms)[0].kind == "term"
    assert protected_runs("take aspirin now", terms) == ["aspirin"]
    assert protected_runs("aspirins", terms) == []
    assert term_pattern([]) is None


def test_missing_terms_file_says_so(tmp_path) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        load_terms(str(tmp_path / "none.txt"))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="不无第三条100mg 的了ab.,（）〔〕2020号“”\n", max_size=60))
def test_every_digit_and_negation_is_protected(text: str) -> None:
    mask = protected_mask(text)
    assert all(mask[i] for i, c in enumerate(text) if c in "不无0123456789三")
    assert len(mask) == len(text)
