"""Eight bytes at a time against one at a time; pieces and removals made column by column."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Removed
from corpusmill.filters.lines import pieces_of, removals
from corpusmill.filters.text.buffers import TextBuffers, readonly
from corpusmill.filters.text.chars import count_classes, count_curly
from corpusmill.filters.text.hashing import hash_bytes, hash_eight
from corpusmill.filters.text.phrases import Phrases, count_phrases
from corpusmill.filters.text.wide import leading_letters, load8

BYTES = st.binary(min_size=8, max_size=8)


@settings(max_examples=300, deadline=None)
@given(BYTES | st.text(alphabet="azAZ@[`{m", min_size=8, max_size=8).map(str.encode))
def test_leading_letters(raw: bytes) -> None:
    eight = load_eight(raw)
    letters = 0
    while letters < 8 and raw[letters : letters + 1].isalpha():
        letters += 1
    assert leading_letters(eight) == letters


@settings(max_examples=100, deadline=None)
@given(BYTES, st.integers(1, 8))
def test_hash_of_a_loaded_word(raw: bytes, n: int) -> None:
    data = readonly(np.frombuffer(raw, np.uint8))
    assert hash_eight(load_eight(raw), n) == hash_bytes(data, 0, n)


def load_eight(raw: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(raw, "little"))


def test_eight_bytes_are_read_low_byte_first() -> None:
    from numba import njit

    data = readonly(np.arange(10, dtype=np.uint8))
    assert njit(lambda d: load8(d, 1))(data) == int.from_bytes(bytes(range(1, 9)), "little")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="-{}a中\n。", max_size=30), min_size=1, max_size=3))
def test_curly_brackets_alone_are_those_of_the_classes(texts: list[str]) -> None:
    buffers = TextBuffers.of_strings(texts)
    assert count_curly(buffers).tolist() == count_classes(buffers)["curly"].tolist()


def test_every_han_character_from_5000_to_8fff_is_a_letter() -> None:
    text = "".join(map(chr, range(0x5000, 0x9000)))
    counts = count_classes(TextBuffers.of_strings([text]))
    assert text.isalpha()
    assert counts["han"][0] == counts["alpha"][0] == counts["chars"][0] == len(text)


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.sampled_from(["cookie policy", "policy", "使用条款", "隐私", "ab", "cookies"]), min_size=1),
    st.lists(st.sampled_from(["cookie ", "Policy", "使用条款", "隐", "私", "ab", "s", " ", "\n"]), max_size=12),
)
def test_phrases_are_found_whatever_is_skipped(phrases: set[str], parts: list[str]) -> None:
    text = "".join(parts)
    lower, found, at = text.lower(), 0, 0
    while at < len(lower):
        here = [len(p) for p in phrases if lower.startswith(p, at)]
        found += bool(here)
        at += max(here, default=1)
    assert count_phrases(TextBuffers.of_strings([text]), Phrases.of(phrases)).tolist() == [found]


def test_pieces_and_removals() -> None:
    data = readonly(np.frombuffer("一行。two lines\n三".encode(), np.uint8))
    starts, ends = np.array([0, 9, 19]), np.array([9, 18, 22])
    pieces = pieces_of(data, starts, ends)
    assert pieces == ["一行。", "two lines", "三"]
    assert removals([0, 0, 2], "c4_lines", ["policy", "citations", "policy"], pieces) == [
        Removed(0, "c4_lines", "policy", "一行。"),
        Removed(0, "c4_lines", "citations", "two lines"),
        Removed(2, "c4_lines", "policy", "三"),
    ]
    assert pieces_of(data, np.zeros(0, np.int64), np.zeros(0, np.int64)) == []
