"""Line, paragraph, n-gram and sentence counts against slow, obvious ones."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.filters.text import chars, lines, repetition
from corpusmill.filters.text import words as w

lines_strategy = st.lists(
    st.sampled_from(
        [
            "",
            "  ",
            "one line.",
            "another line",
            "- bullet",
            " • 项目",
            "中文一行。",
            "他说：“走。”",
            "展开更多",
            "Read more",
            "truncated...",
            "未完……",
            "some thing…",
            "a line that is longer than thirty characters",
            "这一行超过三十个字而且在中间有句号。后面的部分被截断了所以没有结尾的标点符号但是仍然是正文",
            "(see below.)",
            "\u3000缩进的一行；",
        ]
    ),
    max_size=12,
)


def slow_lines(text: str) -> dict[str, int]:
    # str.splitlines keeps blank lines, which part paragraphs
    every = [line.strip() for line in text.splitlines()]
    real = [line for line in every if line]

    def ended(line: str) -> bool:
        if len(line) > lines.SHORT_LINE and re.search("[。！？]", line):
            return True
        core = line.rstrip(chars.CLOSERS)
        if not core or (core != line and core[-1].isascii()):
            return False
        if core[-1] in "…⋯":
            return len(core) > 1 and (core[-2] == core[-1] or core[-2] >= "\u2e80")
        return core[-1] in chars.SENTENCE_ENDS + "；"

    paragraphs: list[list[str]] = [[]]
    for line in every:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    joined = ["\n".join(p) for p in paragraphs if p]

    def repeats(items: list[str]) -> list[str]:
        return [item for k, item in enumerate(items) if item in items[:k]]

    return {
        "lines": len(real),
        "bullet_lines": sum(line[0] in "-•·●○■□▶◦⁃‣・▪–" for line in real),
        "ellipsis_lines": sum(line.endswith(("...", "…")) for line in real),
        "ended_lines": sum(map(ended, real)),
        "short_lines": sum(len(line) <= lines.SHORT_LINE for line in real),
        "more_lines": sum(bool(re.search("(展开|展開|更多|全文|(?i:more))$", line)) for line in real),
        "dup_lines": len(repeats(real)),
        "dup_line_chars": sum(map(len, repeats(real))),
        "line_chars": sum(map(len, real)),
        "paragraphs": len(joined),
        "dup_paragraphs": len(repeats(joined)),
        "dup_paragraph_chars": sum(map(len, repeats(joined))),
        "ellipses": len(re.findall(r"\.{3,}|…+", text)),
        "space_lines": sum(bool(line) and not line.strip() for line in text.splitlines()),
    }


@settings(max_examples=200, deadline=None)
@given(lines_strategy, st.sampled_from(["\n", "\r\n", "\r", "\u2028"]), st.booleans())
def test_line_counts_equal_the_slow_ones(parts: list[str], end: str, final: bool) -> None:
    text = end.join(parts) + (end if final else "")
    got = lines.lines_of(Documents.from_texts(["x", text]))
    assert {k: int(v[1]) for k, v in got.items()} == slow_lines(text)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_counted_as_the_slow_way_counts_it(text: str) -> None:
    got = lines.lines_of(Documents.from_texts([text]))
    expected = slow_lines(text)
    for name in (
        "lines",
        "ended_lines",
        "short_lines",
        "dup_lines",
        "line_chars",
        "paragraphs",
        "ellipses",
        "space_lines",
    ):
        assert int(got[name][0]) == expected[name], name


def slow_repetition(words: list[str]) -> dict[str, int]:
    out = {}
    for n in repetition.TOP_NGRAMS:
        grams = [" ".join(words[k : k + n]) for k in range(len(words) - n + 1)]
        gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
        out[f"top_{n}_gram"] = len(gram) * count
    for n in repetition.DUP_NGRAMS:
        seen: set[tuple[str, ...]] = set()
        k = total = 0
        while k <= len(words) - n:
            seq = tuple(words[k : k + n])
            if seq in seen:
                total += sum(map(len, seq))
                k += n
            else:
                seen.add(seq)
                k += 1
        out[f"dup_{n}_gram"] = total
    return out


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "bb", "the", "甲", "乙丙", "word"]), max_size=60), max_size=3))
def test_repetition_equals_the_slow_way(documents: list[list[str]]) -> None:
    docs = Documents.from_texts([" ".join(words) for words in documents], language=["en"] * len(documents))
    got = repetition.repetition_of(docs)
    for row in range(len(documents)):
        expected = slow_repetition(w.words_of(docs).strings(w.buffers_of(docs), row))
        assert {k: int(v[row]) for k, v in got.items()} == expected


def test_repetition_of_real_sentences_in_both_languages() -> None:
    for sentence, language in (
        ("本院认为，被告应当依法承担违约责任。", "zh"),
        ("The court finds for the plaintiff. ", "en"),
    ):
        docs = Documents.from_texts([sentence, sentence * 4], language=[language] * 2)
        got = repetition.repetition_of(docs)
        for row in range(2):
            expected = slow_repetition(w.words_of(docs).strings(w.buffers_of(docs), row))
            assert {k: int(v[row]) for k, v in got.items()} == expected
        assert got["dup_5_gram"][0] == 0
        assert got["dup_5_gram"][1] > 0


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("", "en", 0),
        ("One. Two! Three? Four", "en", 4),
        ("Mr. Smith of the U.S. paid 3.14 dollars.", "en", 1),
        ('"Stop!" he said. "Why?"', "en", 3),
        ("Really?! Yes...", "en", 2),
        ("no end mark\nsecond line", "en", 2),
        ("今天下雨。明天呢？太好了！", "zh", 3),
        ("他说：“走吧。”我们就走了。", "zh", 2),
        ("价格为3.14元。完", "zh", 2),
        ("第一条\r\n第二条", "zh", 2),
    ],
)
def test_sentences(text: str, language: str, sentences: int) -> None:
    docs = Documents.from_texts([text], language=[language])
    assert repetition.word_counts_of(docs)["sentences"][0] == sentences


def test_words_without_letters_or_numerals_are_no_words() -> None:
    counts = repetition.word_counts_of(Documents.from_texts(["a b-c 12 !!! ……", "甲，乙"], language=["en", "zh"]))
    assert counts["words"].tolist() == [4, 2]
    assert counts["tokens"].tolist() == [10, 3]
    assert counts["word_chars"].tolist() == [5, 2]
    assert counts["alpha_words"].tolist() == [3, 2]


def test_distinct_words_of_the_right_list() -> None:
    docs = Documents.from_texts(["the the of The 的", "的的 在 the", "nothing"], language=["en", "zh", "fr"])
    lists = repetition.WordLists.of([["the", "of", "be"], ["的", "在", "the"]])
    got = repetition.distinct_words(w.words_of(docs), lists, np.array([0, 1, -1], np.int32))
    assert got.tolist() == [2, 3, 0]
