"""Word segmentation: cuts by hand, cuts of jieba, and what must hold for any text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.filters.text import words as w
from corpusmill.filters.text.buffers import TextBuffers, readonly

text_strategy = st.text(
    alphabet=st.one_of(
        st.sampled_from("abT .…!。？，\n\r-'’12.,:/一二的我のカ #@\x1f"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=60,
)


def cut(text: str, language: str | None = "en") -> list[str]:
    docs = Documents.from_texts([text], language=[language])
    return w.words_of(docs).strings(w.buffers_of(docs), 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", "Hello|,|world|!"),
        ("I don't know; it's John's, we'll see.", "I|do|n't|know|;|it|'s|John|'s|,|we|'ll|see|."),
        ("They’re o’clock rock’n’roll", "They|’re|o’clock|rock’n’roll"),
        ("The U.S. and e.g. Mr. Smith at 5 p.m. ended.", "The|U.S.|and|e.g.|Mr.|Smith|at|5|p.m.|ended|."),
        ("well-known and/or 90-day covid-19 10-20", "well|-|known|and/or|90|-|day|covid-19|10|-|20"),
        ("I cannot; dont (see [this](http://a.b/c)) US$5", "I|can|not|;|do|nt|(|see|[|this](http://a.b|/|c|)|)|US$|5"),
        ("br><br :) 10am 5km/h e.g., U.S.!", "br><br|:)|10|am|5|km/h|e.g.|,|U.S.|!"),
        ("$5.00, 1,000 or 3.14% of 256GB", "$|5.00|,|1,000|or|3.14|%|of|256|GB"),
        ("See http://a.com/x?y=1. Or www.b.org/c-d!", "See|http://a.com/x?y=1|.|Or|www.b.org/c-d|!"),
        ("mail me@x.org, #tag @you -5", "mail|me@x.org|,|#|tag|@you|-5"),
        ("Wait... what?! -- “Yes”", "Wait|...|what|?|!|--|“|Yes|”"),
        ("end.Start one.two", "end|.|Start|one.two"),
        ("👍🏽 ❤️ ok", "👍|🏽|❤️|ok"),
        ("called 汉字 in Chinese", "called|汉|字|in|Chinese"),
        ("naïve café Ünïcode", "naïve|café|Ünïcode"),
    ],
)
def test_english_words(text: str, expected: str) -> None:
    assert cut(text) == expected.split("|")


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("我们应当依法办事。", "zh", "我们|应当|依法办事|。"),
        ("合同有效，违约金为 5%……", "zh", "合同|有效|，|违约金|为|5|%|…|…"),
        ("患者\r\n 无发热", "zh", "患者|无|发热"),
        ("こんにちは世界、テストです。", "ja", "こんにちは|世界|、|テスト|です|。"),
        ("コンピューターを使う", "ja", "コンピューター|を|使|う"),
        ("한국어 문장입니다.", "ko", "한국어|문장입니다|."),
        ("ภาษาไทยเดียว", "th", "ภาษา|ไทย|เดียว"),
    ],
)
def test_words_of_other_scripts(text: str, language: str, expected: str) -> None:
    got = cut(text, language)
    assert "".join(got) == expected.replace("|", "")
    if language != "th":
        assert got == expected.split("|")
    else:  # a heuristic: before a leading vowel it must cut
        assert "เดียว" in got


ENGLISH = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "cannot",
                "Mr.",
                "gonna",
                "dont",
                "U.S.",
                "I'm",
                "10am",
                "5km",
                "8)",
                "J.",
                "USA.",
                "e.g.",
                "im",
                "ok,",
                "(see)",
                "3.5",
                "2020.",
            ]
        ),
        st.text("abcXYZ019", min_size=1, max_size=11),
        st.text("aBc12,.;:!?)\"'-/", min_size=1, max_size=5),
    ),
    max_size=12,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(ENGLISH)
def test_plain_chunks_are_cut_as_any_other(text: str) -> None:
    """The quick way for letters and a mark must give what the whole set of rules gives."""
    texts = TextBuffers.of_strings([text])
    quick = w.segment(texts, np.zeros(1, np.int8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(w, "ascii_kinds", lambda: readonly(np.zeros(256, np.uint8)))
        whole = w.segment(texts, np.zeros(1, np.int8))
    assert quick.strings(texts, 0) == whole.strings(texts, 0)
    assert quick.flags.tolist() == whole.flags.tolist()
    assert quick.hashes.tolist() == whole.hashes.tolist()
    assert quick.chars.tolist() == whole.chars.tolist()


def test_thai_cuts_do_not_depend_on_what_stands_before() -> None:
    passage = "เด็กไปโรงเรียนแต่เช้า"
    first, second = cut(passage + passage, "th"), cut(passage, "th")
    assert first == second * 2


def test_jieba_cuts_are_kept_but_for_white_space(texts: list[str]) -> None:
    import rjieba

    chinese = [t for t in texts if "\u4e00" <= t[0] <= "\u9fff"]
    chinese += ["《民法典》第1043条\t规定3.14 C++ hello　world\r\n\r\n第二行", "繁體中文也要能夠斷詞。", "\x1f甲\x1f乙"]
    docs = Documents.from_texts(chinese, language=["zh"] * len(chinese))
    segmentation = w.words_of(docs)
    for row, text in enumerate(chinese):
        expected = [t for t in rjieba.cut(text.replace("\x1f", " "), False) if not t.isspace()]
        assert segmentation.strings(w.buffers_of(docs), row) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(text_strategy, max_size=4), st.sampled_from(["en", "zh", "ja", None]))
def test_words_cover_all_that_is_not_white_space(texts: list[str], language: str | None) -> None:
    docs = Documents.from_texts(texts, language=[language] * len(texts))
    segmentation, buffers = w.words_of(docs), w.buffers_of(docs)
    hashes: dict[str, int] = {}
    for row, text in enumerate(texts):
        found = segmentation.strings(buffers, row)
        assert "".join(found) == "".join(text.replace("\x1f", " " if language == "zh" else "\x1f").split()) or (
            "\x1f" in text
        )
        first = int(segmentation.rows[row])
        for k, word in enumerate(found):
            at = first + k
            assert segmentation.chars[at] == len(word)
            flags = int(segmentation.flags[at])
            assert bool(flags & w.HAS_ALPHA) == any(c.isalpha() for c in word)
            assert bool(flags & w.ONLY_PUNCT) == all(unicodedata.category(c)[0] == "P" for c in word)
            before = int(segmentation.ends[at - 1]) if k else int(buffers.offsets[row])
            gap = buffers.data[before : segmentation.starts[at]].tobytes().decode()
            assert bool(flags & w.STARTS_LINE) == (k == 0 or len(("x" + gap + "y").splitlines()) > 1)
            assert hashes.setdefault(word, int(segmentation.hashes[at])) == segmentation.hashes[at]
    assert len(set(hashes.values())) == len(hashes)


def test_a_document_is_cut_alike_alone_and_in_a_batch(texts: list[str]) -> None:
    together = Documents.from_texts(texts)
    segmentation = w.words_of(together)
    for row in (0, 1, 77, 199):
        alone = Documents.from_texts([texts[row]])
        assert segmentation.strings(w.buffers_of(together), row) == w.words_of(alone).strings(w.buffers_of(alone), 0)


def test_style_by_language_and_by_characters() -> None:
    texts = ["plain English", "中文文本", "日本語のテキスト", "English with 汉字 quoted here", "", "中文 mixed"]
    docs = Documents.from_texts(texts)
    assert w.styles_of(docs).tolist() == [w.SPACED, w.JIEBA, w.RUNS, w.SPACED, w.SPACED, w.JIEBA]
    docs = Documents.from_texts(texts, language=["zh", "en", "ja", "ko", None, "zh"])
    assert w.styles_of(docs).tolist() == [w.JIEBA, w.SPACED, w.RUNS, w.SPACED, w.SPACED, w.JIEBA]


def test_words_are_cut_once_and_shared() -> None:
    docs = Documents.from_texts(["one two"])
    assert w.words_of(docs) is w.words_of(docs.with_signals({"x": [1]}))
    assert w.words_of(docs) is not w.words_of(docs.with_texts(["three"]))


def test_a_language_set_later_cuts_anew() -> None:
    docs = Documents.from_texts(["東京都庁舎前"])
    assert w.styles_of(docs).tolist() == [w.JIEBA]
    first = w.words_of(docs)
    assert w.words_of(docs.with_columns({"language": ["zh"]})) is first
    japanese = docs.with_columns({"language": ["ja"]})
    assert w.words_of(japanese).strings(w.buffers_of(japanese), 0) == ["東京都庁舎前"]


def test_word_hashes_are_those_of_the_segmentation() -> None:
    texts = TextBuffers.of_strings(["the 的"])
    segmentation = w.segment(texts, np.zeros(1, np.int8))
    assert w.hash_words(["the", "的"]).tolist() == segmentation.hashes.tolist()
