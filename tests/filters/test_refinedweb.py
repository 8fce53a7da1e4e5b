"""RefinedWeb's line rules: what goes and stays, that every piece is recorded, and the share that condemns a document.

The English cases follow those that dclm tests its reproduction of these rules with.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.filters.refinedweb import RefinedWebLines, RefinedWebQuality

OFF = {"max_upper_ratio": None, "numeric": False, "counters": False, "one_word": False, "phrases": False}
EN = "This line is a whole sentence of some length, and it stays."
ZH = "这一行是一个完整的句子，应当留下来。"


def run(text: str, language: str = "en", **options: object) -> tuple[str, list[tuple[str, str]]]:
    docs = RefinedWebLines(**options).transform(Documents.from_texts([text], language=[language]))
    return docs.texts[0], [(piece.rule, piece.text) for piece in docs.removed]


@pytest.mark.parametrize(
    ("rule", "line", "language"),
    [
        ("max_upper_ratio", "BUY NOW AND SAVE BIG", "en"),
        ("max_upper_ratio", "公告 NOTICE OF SALE", "zh"),
        ("numeric", "12345", "en"),
        ("numeric", "2021-10-15 12:30", "zh"),
        ("counters", "3 likes", "en"),
        ("counters", "3,000 shares", "en"),
        ("counters", "123K comments!", "en"),
        ("counters", "5.1M   views", "en"),
        ("counters", "120 likes, 5 replies", "en"),
        ("counters", "阅读 120 评论 3", "zh"),
        ("counters", "1.2万次播放", "zh"),
        ("counters", "點讚(128)", "zh"),
        ("one_word", "Home", "en"),
        ("one_word", "登录", "zh"),
        ("one_word", "***", "en"),
    ],
)
def test_each_rule_takes_its_line(rule: str, line: str, language: str) -> None:
    good = EN if language == "en" else ZH
    assert run(f"{good}\n{line}\n{good}", language) == (f"{good}\n{good}", [(rule, line)])
    only = {**OFF, rule: RefinedWebLines.model_fields[rule].default}
    assert run(f"{good}\n{line}", language, **only)[1] == [(rule, line)]
    assert run(f"{good}\n{line}", language, **OFF) == (f"{good}\n{line}", [])


@pytest.mark.parametrize(
    ("line", "left", "piece", "language"),
    [
        ("sign-in for full access", "for full access", "sign-in", "en"),
        ("Please read more...", "Please ", "read more...", "en"),
        ("You have 7 items in cart right now", "You have 7  right now", "items in cart", "en"),
        ("今天的消息 阅读全文>>", "今天的消息 ", "阅读全文>>", "zh"),
        ("请登录后查看内容", "", "请登录后查看内容", "zh"),
        ("您的购物车中没有商品", "", "您的购物车中没有商品", "zh"),
    ],
)
def test_phrases_go_from_short_lines(line: str, left: str, piece: str, language: str) -> None:
    assert run(line, language) == (left, [("phrases", piece)])


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("Hello, World with 3 views.", "en"),
        ("Read more...and find out!", "en"),
        ("This is an article about how to sign-in.", "en"),
        ("You have 7 items in cart right now but you can add more by clicking back onto the homepage.", "en"),
        ("sign-in at this page by providing your username and password, which you were sent by mail.", "en"),
        ("Hello, World", "en"),
        ("12345" * 10 + " things to like", "en"),
        ("这篇文章有三百个人读过。", "zh"),
        ("他在2021年10月15日回到了家乡。", "zh"),
        ("登录以后可以查看您购买过的全部课程、老师的答疑和同学们的讨论记录。", "zh"),
    ],
)
def test_other_lines_stay(line: str, language: str) -> None:
    assert run(line, language) == (line, [])


def test_capitals_are_compared_with_the_ratio() -> None:
    assert run("Hello, World", max_upper_ratio=2 / 12)[1] == []
    assert run("Hello, World", max_upper_ratio=2 / 12 - 1e-6)[1] == [("max_upper_ratio", "Hello, World")]
    assert run("Hello, World", max_upper_ratio=0)[1] == [("max_upper_ratio", "Hello, World")]
    assert run("hello, world", max_upper_ratio=0)[1] == []


def test_blank_lines_and_line_ends_stay() -> None:
    assert run(f"{EN}\r\n\r\nHome\r\n{EN}\n\n") == (f"{EN}\r\n\r\n{EN}\n\n", [("one_word", "Home")])
    assert run("") == ("", [])


@pytest.mark.parametrize(("line", "good", "language"), [("3 likes", EN, "en"), ("阅读 120", ZH, "zh")])
def test_the_share_of_words_in_such_lines_condemns(line: str, good: str, language: str) -> None:
    def dropped(docs: Documents, **options: float | None) -> list[int]:
        step = RefinedWebQuality(**options)
        return [row for row, _, _, _ in failures(step, step.measure(docs))]

    docs = Documents.from_texts([f"{good}\n{line}", f"{good * 12}\n{line}", ""], language=[language] * 3)
    assert dropped(docs) == [0]
    assert dropped(RefinedWebLines().transform(docs)) == [0], "the same after the lines are gone"
    assert dropped(docs, max_flagged_ratio=0) == [0, 1]
    assert dropped(docs, max_flagged_ratio=None) == []


def test_five_in_a_hundred_words_are_borne() -> None:
    texts = ["word " * 95 + "\n" + "x\n" * n for n in (5, 6)]
    step = RefinedWebQuality()
    docs = step.measure(Documents.from_texts(texts, language=["en", "en"]))
    assert [row for row, _, _, _ in failures(step, docs)] == [1]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text(
            alphabet=st.one_of(st.sampled_from("aA1 .阅读赞\n\r3更多"), st.characters(exclude_categories=["Cs"])),
            max_size=40,
        ),
        max_size=3,
    )
)
def test_what_stays_and_what_goes_is_what_there_was(texts: list[str]) -> None:
    docs = RefinedWebLines(phrases=False).transform(Documents.from_texts(texts))
    for row, text in enumerate(texts):
        every = [line.strip() for line in text.splitlines() if line.strip()]
        kept = [line.strip() for line in docs.texts[row].splitlines() if line.strip()]
        gone = [piece.text for piece in docs.removed if piece.row == row]
        assert sorted([*kept, *gone]) == sorted(every)
