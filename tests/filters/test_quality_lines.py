"""C4's line rules: what goes, what stays, and that every piece cut out is recorded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents, Removed
from corpusmill.filters.lines import C4Lines

OFF = {
    "max_word_length": None,
    "terminal_punct": False,
    "min_words_per_line": None,
    "javascript": False,
    "policy": False,
    "citations": False,
}
GOOD_EN = "This line is a whole sentence."
GOOD_ZH = "这一行是一个完整的句子。"


def run(text: str, language: str | None, **options: object) -> tuple[str, list[tuple[str, str]]]:
    docs = C4Lines(**options).transform(Documents.from_texts([text], language=[language]))
    return docs.texts[0], [(r.rule, r.text) for r in docs.removed]


@pytest.mark.parametrize(
    ("rule", "line", "language"),
    [
        ("terminal_punct", "A menu entry without an end", "en"),
        ("terminal_punct", "This one was cut short...", "en"),
        ("terminal_punct", "This one was cut short too…", "en"),
        ("terminal_punct", "This [x] one was cut short...", "en"),
        ("terminal_punct", "首页 新闻 关于我们", "zh"),
        ("terminal_punct", "这一条消息没有结束...", "zh"),
        ("min_words_per_line", "Read more.", "en"),
        ("min_words_per_line", "更多。", "zh"),
        ("javascript", "Please turn on JavaScript to read this.", "en"),
        ("javascript", "请打开浏览器的Javascript功能。", "zh"),
        ("policy", "By going on you accept our Privacy Policy.", "en"),
        ("policy", "继续访问即表示您同意我们的隐私政策。", "zh"),
        ("policy", "繼續瀏覽即表示您同意我們的隱私政策。", "zh"),
        ("max_word_length", f"A very long {'x' * 1001} word here.", "en"),
        ("max_word_length", f"一个很长的{'x' * 1001}单词。", "zh"),
    ],
)
def test_each_rule_cuts_its_line(rule: str, line: str, language: str) -> None:
    good = GOOD_EN if language == "en" else GOOD_ZH
    assert run(f"{good}\n{line}\n{good}", language) == (f"{good}\n{good}", [(rule, line)])
    assert run(f"{good}\n{line}", language, **{**OFF, rule: C4Lines.model_fields[rule].default})[1] == [(rule, line)]
    assert run(f"{good}\n{line}", language, **OFF)[1] == []


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("Is this a question?", "en"),
        ("It goes on . . .", "en"),
        ("It goes on [x] . . .", "en"),
        ("What a surprise it was!", "en"),
        ('He said that "it was late"', "en"),
        ("He said that “it was late”", "en"),
        ("他说今天不来了。", "zh"),
        ("他说今天不来了吗？", "zh"),
        ("他说今天不来了……", "zh"),
        ("他说：“今天不来了。”", "zh"),
        ("他說：「今天不來了。」", "zh"),
        ("（一）故意伤害他人身体的；", "zh"),
        ("他今天不来了（据说如此。）", "zh"),
        ("中" * 1200 + "。", "zh"),
    ],
)
def test_whole_lines_stay(line: str, language: str) -> None:
    assert run(line, language, min_words_per_line=1) == (line, [])
    assert run(line, None, min_words_per_line=1) == (line, [])


def test_citations_go_and_are_recorded() -> None:
    text, removed = run("The river is long.[1] It floods often [citation needed] in spring.[edit] No [x].", "en")
    assert text == "The river is long. It floods often  in spring. No [x]."
    assert removed == [("citations", "[1]"), ("citations", "[citation needed]"), ("citations", "[edit]")]
    assert run("这条河很长，经常泛滥。[12]", "zh") == ("这条河很长，经常泛滥。", [("citations", "[12]")])
    assert run("根据国发[2015]137号文件办理[123]。", "zh") == (
        "根据国发[2015]137号文件办理。",
        [("citations", "[123]")],
    )
    assert run("Keep the mark here.[1]", "en", citations=False, terminal_punct=False) == ("Keep the mark here.[1]", [])


def test_white_space_and_blank_lines() -> None:
    text = f"\n\n  {GOOD_EN} \t\r\n\r\n\r\nmenu\r\n{GOOD_EN}\n{GOOD_EN}\n\n"
    assert run(text, "en")[0] == f"{GOOD_EN}\n\n{GOOD_EN}\n{GOOD_EN}"


def test_a_document_may_end_up_empty() -> None:
    assert run("menu\nhome", "en") == ("", [("terminal_punct", "menu"), ("terminal_punct", "home")])
    assert run("", "zh") == ("", [])


def test_rows_and_thresholds_by_language() -> None:
    docs = Documents.from_texts(["Two words.", "两个词。", GOOD_EN], language=["en", "zh", "en"])
    done = C4Lines(min_words_per_line={"default": 3, "zh": 1}).transform(docs)
    assert done.texts == ["", "两个词。", GOOD_EN]
    assert done.removed == (Removed(0, "c4_lines", "min_words_per_line", "Two words."),)


def test_clean_text_stays_where_it_is() -> None:
    docs = Documents.from_texts([GOOD_EN, GOOD_ZH])
    assert C4Lines().transform(docs).table is docs.table


def test_the_share_that_went_is_a_signal() -> None:
    docs = C4Lines().transform(
        Documents.from_texts([GOOD_ZH, f"{GOOD_ZH}\n首页 新闻 关于我们有的", ""], language=["zh"] * 3)
    )
    assert docs.signals["c4_removed_ratio"].tolist() == [0, 0.5, 0]


def test_a_chinese_paragraph_that_breaks_off_stays() -> None:
    line = "港口在清晨很安静，渔船都停在岸边，没有人着急。到了中午市场里会挤满了来买鱼的"
    assert run(line, "zh") == (line, [])
    assert run(line[:28], "zh")[0] == ""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text(
            alphabet=st.one_of(st.sampled_from("ab .!。？的我\n\r[]1…'{ "), st.characters(exclude_categories=["Cs"])),
            max_size=40,
        ),
        max_size=3,
    )
)
def test_what_stays_and_what_goes_is_what_there_was(texts: list[str]) -> None:
    docs = C4Lines(citations=False).transform(Documents.from_texts(texts))
    for row, text in enumerate(texts):
        every = sorted(line.strip() for line in text.splitlines() if line.strip())
        kept = [line for line in docs.texts[row].splitlines() if line]
        assert sorted([*kept, *(r.text for r in docs.removed if r.row == row)]) == every
