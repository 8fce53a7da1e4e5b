"""The cases by which datatrove, dolma and dclm test these rules, in texts of our own: the same rule must fail, the same
text must pass. Where our definition differs on purpose, the case says so.

datatrove: tests/pipeline/filters/test_filters.py (Apache-2.0); dolma: tests/python/test_gopher.py, test_c4.py,
test_repetitions.py (Apache-2.0); dclm: tests/baselines/mappers/filters/test_content_filters.py (MIT).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import Filter, failures
from corpusmill.filters.fineweb2 import FineWeb2
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition

TALE = (
    "I wish the storm had kept away from our valley,' said Anna. 'So do we all,' said her father, 'and so does everyone who "
    "has to mend a roof. But that was never ours to choose. All we can choose is what to do with the days that are left.'"
)


def measured(step: Filter, text: str, language: str = "en") -> dict[str, float]:
    docs = step.measure(Documents.from_texts([text], language=[language]))
    return {name: float(docs.signals[name][0]) for name in step.signal_names}


def broken(step: Filter, text: str, language: str = "en") -> set[str]:
    docs = step.measure(Documents.from_texts([text], language=[language]))
    return {rule.name for _, rule, _, _ in failures(step, docs)}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("dup_line_frac", "We went to the sea.\n" * 4),
        ("dup_para_frac", "We went to the sea.\n\n" * 4),
        ("dup_para_char_frac", f"We ran.\n\nThe dog barked.\n\nIt was a grey day.\n\n{'y' * 30}.\n\n{'y' * 30}.\n\n"),
        ("dup_line_char_frac", f"We ran.\nThe dog barked.\nIt was a grey day.\n{'y' * 40}.\n{'y' * 40}.\n"),
        ("top_2_gram", "we are late, we are late, we are late"),
        ("top_3_gram", "we are late, they are early. we are late. we are late they are early"),
        ("dup_5_gram", "we were rather slow travellers " * 4 + TALE),
    ],
)
def test_datatrove_gopher_repetition(rule: str, text: str) -> None:
    assert rule in broken(GopherRepetition(), text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("min_words", "we are too few..."),
        ("min_avg_word_length", "we am " * 20),
        ("max_avg_word_length", "understandings " * 20),
        ("max_symbol_word_ratio", "# remark " * 20),
        ("max_symbol_word_ratio", "... remark " * 20),
        ("min_alpha_words_ratio", "the ./!*?<><> pear <?////> plum  ++ misunderstanding !<>??? have" * 20),
    ],
)
def test_datatrove_gopher_quality(rule: str, text: str) -> None:
    step = GopherQuality(min_words=10, max_words=1000)
    assert rule in broken(step, text)
    assert broken(step, TALE) == set()


def test_datatrove_gopher_on_nothing() -> None:
    # datatrove drops an empty text as "empty"; for us it breaks the rules that it breaks.
    for text in ("", "   \n  \n"):
        assert "min_avg_word_length" in broken(GopherQuality(min_words=None), text)
    assert broken(GopherRepetition(), "") == set()
    assert broken(GopherRepetition(), "   \n  \n") == {"dup_line_frac"}, (
        "lines of white space repeat, as datatrove counts"
    )
    assert broken(GopherRepetition(), f" \n \n{ZH}", "zh") == set(), "but not in Chinese"


def c4(text: str, **options: Any) -> tuple[set[str], str]:
    step = C4Quality(**options)
    docs = step.measure(C4Lines().transform(Documents.from_texts([text], language=["en"])))
    return {rule.name for _, rule, _, _ in failures(step, docs)}, docs.texts[0]


def test_datatrove_c4() -> None:
    lines = [
        f"This is line number {word} and it ends as it should."
        for word in ("one", "two", "three", "four", "five", "six")
    ]
    assert c4("\n".join(lines)) == (set(), "\n".join(lines))
    assert c4("\n".join([*lines, "We had lorem ipsum dolor here."]))[0] == {"max_lorem_ipsum"}
    assert c4("\n".join([*lines, "This line holds a { mark of code."]))[0] == {"max_curly_brackets"}
    assert c4("There is only this one.")[0] == {"min_sentences"}
    text = "This site uses cookies to follow you.\nThis line is good and stays here."
    assert c4(text, min_sentences=None) == (set(), "This line is good and stays here.")


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("min_line_punct_ratio", {"min_line_punct_ratio": 0.5}, "No mark in this line\nNor in this one\nAnd not here"),
        ("max_short_line_ratio", {"max_short_line_ratio": 0.5}, "hi.\nbye.\nok.\nno.\nyes."),
        ("max_new_line_ratio", {"max_new_line_ratio": 0.1}, "\n".join(["a"] * 50)),
        ("min_line_punct_ratio", {}, ""),
    ],
)
def test_datatrove_fineweb(rule: str, options: dict[str, float], text: str) -> None:
    assert rule in broken(FineWebQuality(**options), text)


def test_datatrove_fineweb_keeps_prose() -> None:
    lines = [
        f"The {n} line of this text is long enough and it ends with a full stop." for n in ("first", "next", "last")
    ]
    assert broken(FineWebQuality(), "\n".join(lines)) == set()


def test_dolma_gopher_scores() -> None:
    # dolma leaves white space and marks out of the shares and counts a word's marks with it; its counts are ours.
    text = "This is a sentence. \n  \n This is another sentence.\n\n  This is a third sentence."
    found = measured(GopherQuality(), text) | measured(GopherRepetition(), text)
    assert found["words"] == 13
    assert found["symbol_word_ratio"] == found["bullet_lines_ratio"] == found["ellipsis_lines_ratio"] == 0
    assert found["alpha_words_ratio"] == pytest.approx(13 / 16)  # dolma: 1, for it has no marks among the words
    assert all(found[f"dup_{n}_gram"] == 0 for n in range(5, 11))
    # "This is", three times, with its space: 21 of 79 characters (dolma: 18 of 59 without spaces).
    assert found["top_2_gram"] == pytest.approx(21 / len(text))


def test_dolma_required_words_are_whole_words() -> None:
    assert measured(GopherQuality(), "The.and.that")["stop_words"] == 0
    assert measured(GopherQuality(), "The and that")["stop_words"] == 2


@pytest.mark.parametrize(
    ("text", "curly", "lorem"),
    [("This is a line.", 0, 0), ("This is a line {", 1, 0), ("This is a lorem ipsum line\nand more.", 0, 1)],
)
def test_dolma_c4_scores(text: str, curly: int, lorem: int) -> None:
    found = measured(C4Quality(), text)
    assert (found["curly_brackets"], found["lorem_ipsum"]) == (curly, lorem)


def test_dolma_c4_lines() -> None:
    text = "This is a line.\nIt goes on and on;\nA blank after me! \nThis one is good too.\nThis one is bad\n"
    docs = C4Lines().transform(Documents.from_texts([text], language=["en"]))
    assert [piece.text for piece in docs.removed] == ["It goes on and on;", "This one is bad"]
    docs = C4Lines().transform(Documents.from_texts(["Short!\nQuite short.\nJust above the limit!"], language=["en"]))
    assert [piece.text for piece in docs.removed] == ["Short!", "Quite short."]


def test_dolma_bad_words_are_whole_words() -> None:
    step = C4Quality(min_sentences=None, bad_words=["viagra", "strap on", "ass"])
    assert broken(step, "This one names viagra as a bad word.") == {"max_bad_words"}
    assert broken(step, "If we strap on our belts, it counts all the same.") == {"max_bad_words"}
    assert broken(step, "A classic passage of assessment.") == set()
    # dolma splits at blanks only and misses a word before a comma; we do not.
    assert broken(step, "He rode his ass, and was glad.") == {"max_bad_words"}


@pytest.mark.parametrize("ellipsis", ["...", "\u2026"])
def test_dclm_ellipsis(ellipsis: str) -> None:
    half = f"This line breaks off{ellipsis}\n and this one does not."
    assert measured(GopherQuality(), half)["ellipsis_lines_ratio"] == 0.5
    assert "max_ellipsis_lines_ratio" in broken(GopherQuality(max_ellipsis_lines_ratio=0.49), half)
    assert "max_ellipsis_lines_ratio" not in broken(GopherQuality(max_ellipsis_lines_ratio=0.51), half)
    inside = f"This line has one{ellipsis}in the middle{ellipsis}and an end."
    assert measured(GopherQuality(), inside)["ellipsis_lines_ratio"] == 0


@pytest.mark.parametrize("bullet", ["●", "•", "-"])
def test_dclm_bullets(bullet: str) -> None:
    # dclm counts * as well; to datatrove and us it is emphasis.
    text = f"{bullet} This text has two lines\n{bullet}{bullet} that start with a mark\n and one that does not."
    assert measured(GopherQuality(), text)["bullet_lines_ratio"] == pytest.approx(2 / 3)
    assert measured(GopherQuality(), f"Two lines{bullet} with marks{bullet} inside")["bullet_lines_ratio"] == 0


def test_dclm_stop_words_and_word_lengths() -> None:
    assert measured(GopherQuality(), "the best of the best")["stop_words"] == 2
    assert measured(GopherQuality(), "the be to of and that have with")["stop_words"] == 8
    assert measured(GopherQuality(), "Then Tom and Sally withheld bees")["stop_words"] == 1
    assert measured(GopherQuality(), "The average word length is 4.33")["avg_word_length"] == pytest.approx(26 / 6)
    assert "min_avg_word_length" in broken(GopherQuality(), "The cat in the hat")
    assert "max_avg_word_length" in broken(GopherQuality(), "Loquaciousness verylongwords")
    assert "min_avg_word_length" in broken(GopherQuality(), "  ")


def test_dclm_symbols() -> None:
    assert "max_symbol_word_ratio" not in broken(GopherQuality(max_symbol_word_ratio=0), "No symbols here.")
    assert "max_symbol_word_ratio" in broken(GopherQuality(), "#hashtags #on #every #word")
    # dclm adds # and ellipses up; Gopher and datatrove take each by itself, and we the larger of the two.
    assert measured(GopherQuality(), "#hashtags and ellipses both count...")["symbol_word_ratio"] == pytest.approx(
        1 / 7
    )


def test_dclm_repetition() -> None:
    assert measured(GopherRepetition(), "Hello, World.")["dup_line_frac"] == 0
    # dclm counts every line that has a double, the Gopher paper and we those after the first.
    found = measured(GopherRepetition(), "Hello\nHello\n\n\n\n\nHello")
    assert found["dup_line_frac"] == pytest.approx(2 / 3)
    found = measured(GopherRepetition(), "Hello, World.\n\nHello, World.\n\nHello, World.\nHello")
    assert found["dup_para_frac"] == pytest.approx(1 / 3)
    assert "top_2_gram" in broken(GopherRepetition(), "hello world hello world hello world")
    assert "top_2_gram" in broken(GopherRepetition(), "Again again again again.")


ZH = (
    "清晨的港口很安静，夜里回来的渔船都停在岸边。一位提着篮子的妇女沿着码头慢慢走，不时停下来和补网的人说几句话。"
    "大家似乎都不着急。到了中午，市场里会挤满买鱼的人，但是现在还有时间喝一杯热茶，看看海面上的光。"
)


def test_fineweb2_has_the_published_thresholds() -> None:
    published = {
        "min_language_score": 0.692,
        "dup_line_frac": 0.287,
        "top_2_gram": 0.256,
        "top_3_gram": 0.201,
        "top_4_gram": 0.171,
        "dup_5_gram": 0.198,
        "dup_6_gram": 0.182,
        "dup_7_gram": 0.167,
        "dup_8_gram": 0.154,
        "dup_9_gram": 0.140,
        "dup_10_gram": 0.127,
        "min_line_punct_ratio": 0.106,
        "max_short_line_ratio": None,
        "max_char_dup_ratio": 0.1,
        "max_new_line_ratio": 0.178,
        "min_avg_word_length": 1,
        "max_avg_word_length": 5,
        "min_alpha_words_ratio": 0.735,
    }
    step = FineWeb2()
    assert {name: getattr(step, name)["zh"] for name in published} == published
    assert step.min_stop_words == 2
    assert broken(step, ZH, "zh") == set()
    assert broken(step, TALE + " So it was, and they were glad of it in the end.") == set()


def test_fineweb2_judges_the_language_score_where_there_is_one() -> None:
    docs = Documents.from_texts(
        [ZH, ZH, TALE + " So it was, and they were glad of it in the end."], language=["zh", "zh", "en"]
    ).with_signals({"language_score": [0.69, 0.7, 0.1]})
    step = FineWeb2(min_words=10)
    assert [(row, rule.name) for row, rule, _, _ in failures(step, step.measure(docs))] == [(0, "min_language_score")]
    assert np.isnan(FineWeb2().measure(Documents.from_texts([ZH])).signals["language_score"][0])
