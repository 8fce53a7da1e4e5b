"""Character classes, decoding and phrase search against plain Python."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.filters.text import chars
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.phrases import Phrases, count_phrases

ADVERSARIAL = [
    "",
    " \t\n\r\n\u3000 ",
    "😀👍🏽 ❤️ 𠀀𪚥 𝒜 é",
    "ＡＢＣ１２３！？；：＂",
    "一二三\r\n四五六\r七八\n\n九",
    "no final newline",
    "混合 mixed 文本 text，with 标点 and numbers 3.14。",
    "\x00\x1f\x85\u2028\u2029end",
    "……...…。。",
    "カタカナとひらがな、漢字。",
    "한국어 문장입니다. ภาษาไทย",
]
text_strategy = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab Z.…!。？，\n\r -'’12【】一二的我{}"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=60,
)


def slow_counts(text: str) -> dict[str, int]:
    table = chars.char_table()
    counts = dict.fromkeys(chars.CLASS_COUNTS, 0)
    counts["chars"] = len(text)
    for c in text:
        counts["space"] += c.isspace()
        counts["alpha"] += c.isalpha()
        counts["breaks"] += len(("x" + c).splitlines()) == 1 and ("x" + c + "y").splitlines() == ["x", "y"]
        for name, bit in (
            ("digit", chars.DIGIT),
            ("punct", chars.PUNCT),
            ("symbol", chars.SYMBOL),
            ("han", chars.HAN),
            ("kana", chars.KANA),
            ("hangul", chars.HANGUL),
            ("latin", chars.LATIN),
            ("unspaced", chars.UNSPACED),
        ):
            counts[name] += bool(table[ord(c)] & bit)
    counts["newlines"] = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
    counts["square_brackets"] = text.count("【") + text.count("】")
    counts["hashes"] = text.count("#")
    marked = text.count("-{") + text.count("}-")
    counts["curly"] = text.count("{") + text.count("}") - marked
    return counts


@settings(max_examples=150, deadline=None)
@given(st.lists(text_strategy, max_size=4))
def test_class_counts_equal_the_slow_ones(texts: list[str]) -> None:
    got = chars.count_classes(TextBuffers.of_strings(texts))
    for row, text in enumerate(texts):
        assert {k: int(v[row]) for k, v in got.items()} == slow_counts(text)


def test_class_counts_of_adversarial_texts() -> None:
    got = chars.count_classes(TextBuffers.of_strings(ADVERSARIAL))
    for row, text in enumerate(ADVERSARIAL):
        assert {k: int(v[row]) for k, v in got.items()} == slow_counts(text)


def test_buffers_mind_slices_and_nulls() -> None:
    array = pa.array(["skipped", "甲乙", None, "last"], pa.large_string()).slice(1, 3)
    texts = TextBuffers.of(array)
    assert [texts.document(row).decode() for row in range(len(texts))] == ["甲乙", "", "last"]
    assert len(TextBuffers.of(pa.array([], pa.large_string()))) == 0


@pytest.mark.parametrize(
    ("char", "has", "lacks"),
    [
        ("的", chars.HAN | chars.ALPHA, chars.LATIN | chars.PUNCT),
        ("𠀀", chars.HAN | chars.ALPHA, chars.KANA),
        ("の", chars.KANA, chars.HAN),
        ("한", chars.HANGUL, chars.HAN),
        ("Ａ", chars.LATIN | chars.UPPER, chars.SYMBOL),
        ("。", chars.PUNCT | chars.TERMINAL | chars.LINE_END, chars.ALPHA),
        ("；", chars.LINE_END, chars.TERMINAL),
        ("…", chars.LINE_END, chars.TERMINAL),
        ("」", chars.CLOSER, chars.TERMINAL),
        ("½", chars.DIGIT, chars.ALPHA),
        ("😀", chars.SYMBOL, chars.ALPHA),
        ("\u3000", chars.SPACE, chars.PUNCT),
        ("\u2028", chars.BREAK | chars.SPACE, chars.PUNCT),
    ],
)
def test_classes_of_single_characters(char: str, has: int, lacks: int) -> None:
    bits = int(chars.char_table()[ord(char)])
    assert bits & has == has
    assert bits & lacks == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(text_strategy, min_size=1, max_size=3))
def test_diversity_equals_the_slow_one(texts: list[str]) -> None:
    unique, entropy = chars.char_diversity(TextBuffers.of_strings(texts), np.arange(len(texts)), window=5)
    for row, text in enumerate(texts):
        seen = [c for c in text if not c.isspace()]
        counts = Counter(seen)
        assert unique[row] == pytest.approx(len(set(seen[:5])) / len(seen[:5]) if seen else 0)
        assert entropy[row] == pytest.approx(-sum(n / len(seen) * math.log(n / len(seen)) for n in counts.values()))


def test_phrases_are_found_in_any_case_without_overlap() -> None:
    texts = ["Lorem Ipsum and LOREM IPSUM", "lorem  ipsum", "", "隐私政策与隐私政策", "aaaa"]
    found = count_phrases(TextBuffers.of_strings(texts), Phrases.of(["lorem ipsum", "隐私政策", "aa"]))
    assert found.tolist() == [2, 0, 0, 2, 2]


def test_whole_words_hold_for_spaced_scripts_only() -> None:
    texts = ["classic assets", "an ass.", "赌博网站", "x赌博1", "assé"]
    found = count_phrases(TextBuffers.of_strings(texts), Phrases.of(["ass", "赌博"], whole_words=True))
    assert found.tolist() == [0, 1, 1, 1, 0]


def test_a_phrase_of_one_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two bytes: 'x'"):
        Phrases.of(["x", "yes"])
