"""Chinese spam signals: counted as a slow reference counts them, and rules that the options steer."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.step import failures
from corpusmill.filters.chinese import ChineseQuality, ChineseSpam, bundled_spam_phrases
from corpusmill.filters.text import spam
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.chars import HAN_RANGES
from corpusmill.filters.text.phrases import Phrases, phrase_chars

CLEAN = "清晨的港口很安静，夜里回来的渔船都停在岸边。一位提着篮子的妇女沿着码头慢慢走，不时停下来和补网的人说几句话。"


def broken(step: ChineseSpam, text: str, language: str | None = "zh") -> set[str]:
    docs = step.measure(Documents.from_texts([text], language=[language]))
    return {rule.name for _, rule, _, _ in failures(step, docs)}


def counted(text: str) -> dict[str, int]:
    return {name: int(values[0]) for name, values in spam.count_spam(TextBuffers.of_strings([text])).items()}


def is_han(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in HAN_RANGES)


def slow_keyword_chars(text: str) -> int:
    total = 0
    for line in text.splitlines():
        run: list[str] = []
        for item in [*re.split(r"[,|_/\s]", line), "。"]:
            good = len(item) <= spam.MAX_KEYWORD and all(c.isalnum() or c in "+-.&" or is_han(c) for c in item)
            if good:
                run += [item] if item else []
                continue
            if len(run) >= spam.MIN_KEYWORDS and 2 * sum(any(map(is_han, w)) for w in run) >= len(run):
                total += sum(map(len, run))
            run = []
    return total


def slow_title_repeats(text: str) -> int:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not spam.MIN_TITLE <= len(lines[0].replace(" ", "")) <= spam.MAX_TITLE:
        return 0
    return text.count(lines[0]) - 1


ITEMS = st.sampled_from(
    [
        "搬家",
        "上海搬家公司",
        "a",
        "B2B",
        "，",
        "。",
        "十二个字的一个很长的短语",
        ",",
        "|",
        "_",
        " ",
        "\n",
        "/",
        "标题是这样的一句",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ITEMS, max_size=40).map("".join))
def test_keyword_lists_and_titles_are_counted_as_the_slow_way_counts_them(text: str) -> None:
    got = counted(text)
    assert got["keyword_chars"] == slow_keyword_chars(text)
    assert got["title_repeats"] == slow_title_repeats(text)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_can_be_counted(text: str) -> None:
    got = counted(text)
    assert 0 <= got["keyword_chars"] <= len(text)
    assert got["full_width"] == sum(
        not is_han(c) and (0x3001 <= ord(c) <= 0x303F or 0xFF01 <= ord(c) <= 0xFF60 or 0xFFE0 <= ord(c) <= 0xFFE6)
        for c in text
    )


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("电话13800138000", 1),
        ("电话：0571-88886666，传真：0571-88886667", 2),
        ("热线400-800-1234", 1),
        ("热线4008001234", 1),
        ("热线400-8001234", 1),
        ("加QQ：123456789", 1),
        ("微信号 abc_12345", 1),
        ("WeChat: shop8888, Telegram @bet365vip", 2),
        ("LINE ID: taipei777", 1),
        ("编号23800138000，身份证号110101199001011234", 0),
        ("他在微信里说，明天来", 0),
        ("微信支付2020年的用户超过了8亿", 0),
        ("online 12345, QQ群里有人", 0),
        ("1998-2003年，2021-10-15", 0),
        ("ISBN 978-7-111-12345-6", 0),
    ],
)
def test_contacts(text: str, n: int) -> None:
    assert counted(text)["contacts"] == n


def test_the_longest_phrase_counts_once() -> None:
    texts = TextBuffers.of_strings(["娱乐城娱乐城送彩金", "娱乐", "Bet365与bet"])
    assert phrase_chars(texts, Phrases.of(["娱乐", "娱乐城", "送彩金", "bet365"])).tolist() == [9, 2, 6]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("max_sensitive_words_ratio", CLEAN + "注册送彩金，真人荷官。"),
        ("max_ad_words_ratio", CLEAN + "欢迎来电咨询，厂家直销。"),
        ("max_ad_words_ratio", CLEAN + "歡迎來電諮詢，廠家直銷。"),
        ("max_contacts", CLEAN + "13800138000，13900139000"),
        ("max_keyword_list_ratio", "搬家,搬场,搬迁,吊装,起重,运输,物流"),
        ("max_title_repeats", "空气净化器怎么选\n" + "空气净化器怎么选，" * 4),
    ],
)
def test_each_rule_drops_and_can_be_switched_off(rule: str, text: str) -> None:
    assert rule in broken(ChineseSpam(), text)
    assert rule in broken(ChineseSpam(), text, None)
    assert rule not in broken(ChineseSpam(**{rule: None}), text)
    assert rule not in broken(ChineseSpam(), text, "ja")


def test_zero_is_a_threshold() -> None:
    assert broken(ChineseSpam(), CLEAN + "欢迎咨询。") == set()
    assert broken(ChineseSpam(max_ad_words_ratio=0), CLEAN + "欢迎咨询。") == {"max_ad_words_ratio"}
    assert broken(ChineseSpam(max_ad_words_ratio=0), CLEAN) == set()


def test_lists_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("# ours\n渔船\n补网的人\n", encoding="utf-8")
    assert broken(ChineseSpam(sensitive_words_file=file), CLEAN) == {"max_sensitive_words_ratio"}
    assert broken(ChineseSpam(ad_words_file=file), CLEAN) == {"max_ad_words_ratio"}
    assert broken(ChineseSpam(sensitive_words_file=file), "注册送彩金，真人荷官。") == set()
    with pytest.raises(CorpusmillError, match=r"cannot read ad_words_file .*one phrase a line"):
        ChineseSpam(ad_words_file=tmp_path / "missing.txt").prepare()
    (tmp_path / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(CorpusmillError, match="holds no phrase"):
        ChineseSpam(ad_words_file=tmp_path / "empty.txt").prepare()


def test_bundled_phrases_are_of_both_scripts_and_none_twice() -> None:
    lists = bundled_spam_phrases()
    assert {kind.split(":")[0] for kind in lists} == {"sensitive", "ads"}
    phrases = [phrase for found in lists.values() for phrase in found]
    assert len(phrases) == len(set(phrases))
    assert {"娱乐城", "娛樂城", "代开发票", "代開發票", "厂家直销", "廠家直銷"} <= set(phrases)


def test_punctuation_and_full_width_signals() -> None:
    docs = ChineseQuality().measure(Documents.from_texts(["甲，乙。\n丙！", "ａｂ12"], language=["zh", "zh"]))
    np.testing.assert_allclose(docs.signals["punct_per_line"], [1.5, 0])
    np.testing.assert_allclose(docs.signals["full_width_ratio"], [3 / 6, 2 / 4])
    lines = ChineseQuality(min_punct_per_line=1, max_full_width_ratio=0.5)
    found = {(row, rule.name) for row, rule, _, _ in failures(lines, lines.measure(docs))}
    assert (1, "min_punct_per_line") in found
    assert (0, "min_punct_per_line") not in found


def test_news_and_encyclopedias_are_no_spam(shared_data: Path) -> None:
    for path, most in (
        ("zh/wiki_hans.jsonl.gz", 0.005),
        ("zh/wiki_hant.jsonl.gz", 0.005),
        ("zh/news_docs.jsonl.gz", 0.02),
    ):
        with gzip.open(shared_data / path, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for k, line in enumerate(lines) if k % 2 == 0]
        docs = ChineseSpam().measure(Documents.from_texts(texts, language=["zh"] * len(texts)))
        assert len({row for row, _, _, _ in failures(ChineseSpam(), docs)}) <= most * len(texts), path
