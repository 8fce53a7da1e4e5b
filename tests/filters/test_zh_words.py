"""Chinese words: the kernel against jieba's algorithm written out plainly, and the dictionary it cuts by."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.errors import CorpusmillError
from corpusmill.filters.text.buffers import TextBuffers, readonly
from corpusmill.filters.text.dictionary import LevelTrie, dictionary, shipped_trie
from corpusmill.filters.text.word_table import WordTable
from corpusmill.filters.text.words import JIEBA, segment
from corpusmill.filters.text.zh_words import cut_text, word_table

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@cache
def bundled() -> dict[str, int]:
    return shipped_trie().words()


def reference(text: str, words: dict[str, int]) -> list[str]:
    """jieba 0.42.1 with HMM=False, as its documentation and behaviour define it: slow and obvious."""
    total = sum(words.values())
    prefixes = {word[:end] for word in words for end in range(1, len(word))} if len(words) < 1000 else _prefixes()
    out: list[str] = []
    for block in re.split(r"([\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+)", text):
        if not re.match(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]", block):
            out += re.findall(r"\r\n|.", block, re.S)
            continue
        n = len(block)
        best: list[tuple[float, int]] = [(0.0, 0)] * (n + 1)
        for k in range(n - 1, -1, -1):
            ends = []
            for end in range(k + 1, n + 1):
                if words.get(block[k:end]):
                    ends.append(end)
                elif block[k:end] not in prefixes:
                    break
            best[k] = max(
                (math.log(words.get(block[k:e]) or 1) - math.log(total) + best[e][0], e) for e in ends or [k + 1]
            )
        k = 0
        joined = ""
        while k < n:
            word = block[k : best[k][1]]
            k = best[k][1]
            if re.fullmatch("[a-zA-Z0-9]", word):  # left alone: goes with its neighbours of the same kind
                joined += word
                continue
            out += [joined, word] if joined else [word]
            joined = ""
        out += [joined] if joined else []
    return out


@cache
def _prefixes() -> set[str]:
    return {word[:end] for word in bundled() for end in range(1, len(word))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我来到北京清华大学", "我|来到|北京|清华大学"),
        ("他来到了网易杭研大厦", "他|来到|了|网易|杭|研|大厦"),
        ("南京市长江大桥", "南京市|长江大桥"),
        ("本合同自双方签字盖章之日起生效", "本合同|自|双方|签字|盖章|之日起|生效"),
        ("患者无发热、咳嗽", "患者|无|发热|、|咳嗽"),
        ("《民法典》第1043条", "《|民法典|》|第|1043|条"),
        ("繁體中文也要能夠斷詞", "繁|體|中文|也|要|能|夠|斷|詞"),
        ("3.14 C++ hello　world\r\n", "3|.|14| |C++| |hello|　|world|\r\n"),
        ("iPhone15手机T恤", "iPhone15|手机|T恤"),
        ("𠮷野家㐂", "𠮷|野|家|㐂"),
        ("", ""),
    ],
)
def test_cuts_by_hand(text: str, expected: str) -> None:
    assert cut_text(text) == ([] if not text else expected.split("|"))
    assert reference(text, bundled()) == cut_text(text)


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from(
                "中华人民共和国北京大学生活动不构成无发热的一二三民法典合同有效南京市长江大桥aB1.%-+C# \r\n，。\u9fd5\u9fd6㐂𠮷"
            ),
            st.characters(exclude_categories=["Cs"]),
        ),
        max_size=40,
    )
)
def test_cuts_are_those_of_the_reference(text: str) -> None:
    assert cut_text(text) == reference(text, bundled())


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.text("甲乙丙ab1", min_size=1, max_size=5), st.integers(1, 9), min_size=1, max_size=12),
    st.text("甲乙丙ab1 ", max_size=20),
)
def test_ties_prefixes_and_single_characters_fall_as_in_jieba(words: dict[str, int], text: str) -> None:
    """With few words and small frequencies, equal sums and prefixes that are no words abound."""
    assert cut_text(text, WordTable.of(LevelTrie.of(words))) == reference(text, words)


def test_segmentation_has_the_same_words_without_white_space() -> None:
    texts = ["我们应当依法办事。\n第二行 3.14", "", "T恤和B超，iPhone15 𠮷野家", "\x1f甲\x1f乙"]
    buffers = TextBuffers.of_strings(texts)
    words = segment(buffers, np.full(len(texts), JIEBA, np.int8))
    for row, text in enumerate(texts):
        assert words.strings(buffers, row) == [word for word in cut_text(text) if not word.isspace()]


def test_agreement_with_rjieba_on_real_text() -> None:
    rjieba = pytest.importorskip("rjieba")
    same = spans = 0
    for name, rows in (("zh/wiki_hans", 60), ("zh/wiki_hant", 60), ("web/zh_web_raw", 20), ("legal/zh_statutes", 8)):
        path = DATA / f"{name}.jsonl.gz"
        if not path.exists():
            pytest.skip("no development data")
        with gzip.open(path, "rt", encoding="utf-8") as f:
            for _, line in zip(range(rows), f, strict=False):
                text = json.loads(line)["text"]
                theirs = _spans(rjieba.cut(text, False))
                spans += len(theirs)
                same += len(theirs & _spans(cut_text(text)))
    assert spans > 30_000
    assert same / spans >= 0.999


def _spans(words: list[str]) -> set[tuple[int, int]]:
    found, at = set(), 0
    for word in words:
        found.add((at, at + len(word)))
        at += len(word)
    return found


def test_dictionary_holds_jiebas_words() -> None:
    words = bundled()
    assert len(words) == 349_045
    assert sum(words.values()) == 60_101_964
    assert (words["的"], words["民法典"], words["T恤"], "不构成" in words) == (318_825, 50, 4, False)
    trie = dictionary()
    assert trie.has("民法典")
    assert trie.has("清华大学")
    assert not trie.has("清华大")
    assert not trie.has("")
    assert not trie.has("𠮷")


def test_every_word_is_found_in_the_table_with_its_weight() -> None:
    """By the same looks as the kernel: past the bitmap of the first character and the eight bits of each node."""
    words, table = bundled(), word_table()
    total = math.log(sum(words.values()))
    codes, roots, bits, slots, weights = (array.tolist() for array in table[:5])
    for word in list(words)[::7]:
        numbers = [codes[ord(char)] for char in word]
        if not all(numbers):
            continue
        slot, gate = roots[2 * numbers[0]], roots[2 * numbers[0] + 1]
        for depth, number in enumerate(numbers[1:]):
            bit = number & gate & 0xFFFF
            assert depth or bits[(gate >> 16) + (bit >> 3)] >> (bit & 7) & 1
            assert slot >> 32 >> (number & 7) & 1
            slot = slots[(slot >> 40) + number]
            assert slot & 0xFFFF == number
        assert weights[slot >> 16 & 0xFFFF] == math.log(words[word]) - total


def test_packed_words_come_back() -> None:
    words = {"法": 5, "法律": 70_000, "法律人": 1, "b超": 2, "律": 16_777_215}
    assert LevelTrie.unpack(LevelTrie.of(words).pack()).words() == words
    with pytest.raises(CorpusmillError, match="install corpusmill anew"):
        LevelTrie.unpack(b"something else")


def test_words_of_the_user(tmp_path: Path) -> None:
    text = "患者服用阿司匹林肠溶片后好转"
    assert "阿司匹林肠溶片" not in cut_text(text)
    path = tmp_path / "words.txt"
    path.write_text("阿司匹林肠溶片\n\n云计算 5 n\n", encoding="utf-8")
    table = word_table(path)
    assert "阿司匹林肠溶片" in cut_text(text, table)
    assert cut_text("云计算", table) == ["云计算"]
    assert cut_text("云计算") != ["云计算"]
    buffers = TextBuffers.of_strings([text])
    assert "阿司匹林肠溶片" in segment(buffers, np.full(1, JIEBA, np.int8), path).strings(buffers, 0)
    with pytest.raises(CorpusmillError, match="cannot be read"):
        word_table(tmp_path / "absent.txt")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("𠮷野家\n", encoding="utf-8")
    with pytest.raises(CorpusmillError, match=r"line 1: 𠮷野家"):
        word_table(wrong)


def test_a_run_at_the_very_end_of_a_buffer() -> None:
    """Words are hashed eight bytes at a time where there are eight; the last word of a batch has fewer after it."""
    whole = TextBuffers.of_strings(["依法办事合同"])
    alone = TextBuffers(readonly(whole.data[12:18].copy()), readonly(np.array([0, 6], np.int64)))
    one, both = segment(alone, np.full(1, JIEBA, np.int8)), segment(whole, np.full(1, JIEBA, np.int8))
    assert one.hashes.tolist() == both.hashes[-1:].tolist()
