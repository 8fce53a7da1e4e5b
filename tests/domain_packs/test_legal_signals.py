from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.step import failures
from corpusmill.domain_packs import LegalSignals

STATUTE = "\n".join(
    f"第{n}条 当事人应当按照约定全面履行合同义务，承担违约责任。" for n in ("一", "二", "三", "四", "五", "六")
)
NEWS = "北京举行新年音乐会，艺术家们精湛的表演深深打动了观众，不断报以经久不息的热烈掌声。"
LICENSE = (
    "The licensor hereby grants the licensee a perpetual, irrevocable license under the copyright. In no event shall "
    "the copyright holder have any liability for damages, notwithstanding any breach of this agreement."
)
SPEECH = "My friends, we meet tonight at a time when the whole country looks forward to the spring and to its children."


def measure(*texts: str, step: LegalSignals | None = None) -> dict[str, np.ndarray]:
    return (step or LegalSignals()).measure(Documents.from_texts(texts)).signals


def test_law_is_denser_in_legal_terms_than_news_in_both_languages() -> None:
    terms = measure(STATUTE, NEWS, LICENSE, SPEECH)["legal_terms"]
    assert terms[0] > 0.2
    assert terms[2] > 0.2
    assert terms[1] == terms[3] == 0


def test_coverage_is_the_share_of_characters_inside_terms() -> None:
    assert measure("原告状告被告")["legal_terms"][0] == pytest.approx(4 / 6)
    assert measure("原告狀告被告，聲請強制執行")["legal_terms"][0] == pytest.approx(8 / 13)
    assert measure("The Plaintiff sued.")["legal_terms"][0] == pytest.approx(9 / 19)


def test_english_terms_end_at_word_boundaries_also_beside_chinese() -> None:
    torts, tortoise, glued = measure("a tort", "a tortoise", "此tort案")["legal_terms"]
    assert torts == pytest.approx(4 / 6)
    assert tortoise == 0
    assert glued == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    "citation",
    [
        "第二百三十四条",
        "第二百三十四条之一第二款第（三）项",
        "第12條",
        "（2016）最高法民再98号",
        "(2007)朝民初字第18230号",
        "法释〔2020〕26号",
        "《中华人民共和国刑法》",
        "《上海市道路交通管理条例》",
        "42 U.S.C. § 1983",
        "17 C.F.R. 240.10b-5",
        "§ 230",
        "347 U.S. 483",
        "550 F.3d 1023",
        "[1932] AC 562",
        "Brown v. Board",
        "Section 4.2(a)",
        "Article IV",
    ],
)
def test_each_form_of_citation_counts_once(citation: str) -> None:
    text = (
        f"按照{citation}的内容，" if any("\u4e00" <= c <= "\u9fff" for c in citation) else f"as said in {citation}, and"
    )
    assert measure(text)["legal_citations"][0] == pytest.approx(1000 / len(text))


@pytest.mark.parametrize(
    "text", ["第三次会议于2016年举行。", "一九九八年新年讲话《迈向充满希望的新世纪》", "Version 4.2 of us v the rest"]
)
def test_what_is_no_citation_does_not_count(text: str) -> None:
    assert measure(text)["legal_citations"][0] == 0


def test_nothing_is_dropped_unless_a_bound_is_set() -> None:
    docs = Documents.from_texts([STATUTE, NEWS, "", LICENSE, SPEECH])
    free = LegalSignals()
    assert not list(failures(free, free.measure(docs)))
    strict = LegalSignals(min_legal_terms=0.02)
    assert [row for row, *_ in failures(strict, strict.measure(docs))] == [1, 2, 4]


def test_terms_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "terms.txt"
    file.write_text("# 税法\n增值税\nvalue added tax\n", encoding="utf-8")
    own = LegalSignals(terms=str(file))
    own.prepare()
    assert list(measure("增值税", "value  added tax", "原告", step=own)["legal_terms"]) == [1, 1, 0]
    file.with_name("empty.txt").write_text("# nothing\n")
    with pytest.raises(CorpusmillError, match="holds no term"):
        LegalSignals(terms=str(tmp_path / "empty.txt")).prepare()
    with pytest.raises(CorpusmillError, match="one term a line"):
        LegalSignals(terms=str(tmp_path / "none.txt")).prepare()


def test_a_document_is_measured_alone_as_in_a_batch() -> None:
    texts = [STATUTE, NEWS, LICENSE, SPEECH]
    together = measure(*texts)
    for row, text in enumerate(texts):
        for name, values in measure(text).items():
            np.testing.assert_equal(values[0], together[name][row])
