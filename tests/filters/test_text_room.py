"""Memory kept from batch to batch: given out again when it is free, and never before."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.filters import C4Lines
from corpusmill.filters.text import words as w
from corpusmill.filters.text.room import MOST, lasting, scratch

KINDS = (np.int64, np.uint8)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_lasting_room_is_not_given_out_while_a_slice_of_it_lives() -> None:
    first = lasting(100, KINDS)
    kept = first[1][10:20]
    kept[:] = 7
    where = first[0].ctypes.data
    del first
    second = lasting(100, KINDS)
    assert second[0].ctypes.data != where
    second[1][:] = 1
    assert kept.tolist() == [7] * 10
    del kept
    third = lasting(100, KINDS)
    assert third[0].ctypes.data == where
    assert len({array.ctypes.data for arrays in (second, third) for array in arrays}) == 4


def test_more_room_than_is_kept() -> None:
    sets = [lasting(10, KINDS) for _ in range(6)]
    for number, arrays in enumerate(sets):
        arrays[0][:] = number
    assert [arrays[0].tolist() for arrays in sets] == [[number] * 10 for number in range(6)]
    assert len(lasting(MOST + 1, KINDS)[1]) == MOST + 1


def test_scratch_grows_and_is_the_same_for_one_name() -> None:
    small = scratch("test", 10, np.int64)
    assert not small.any()
    assert scratch("test", 5, np.int64) is small
    assert len(scratch("test", 5000, np.int64)) >= 5000
    assert scratch("another test", 10, np.int64) is not scratch("test", 10, np.int64)


@pytest.mark.usefixtures("no_collector")
def test_a_batch_leaves_its_room_at_once() -> None:
    """Without waiting for the garbage collector: what a batch remembers must not refer back to it."""

    def run() -> set[int]:
        docs = Documents.from_texts(
            ["A line that ends well.\nMenu", "这一行有句号，所以会留下。\n首页"], language=["en", "zh"]
        )
        before = w.words_of(docs)
        after = C4Lines().transform(docs)
        carried = w.words_of(after)
        assert carried is not before
        return {before.starts.ctypes.data, carried.starts.ctypes.data}

    run()
    assert run() == run()


def test_words_of_one_batch_outlive_the_next() -> None:
    docs = [Documents.from_texts([text]) for text in ("one two three", "我们应当依法办事。", "four five", "六七八九")]
    found = [w.words_of(each) for each in docs]
    for each, words in zip(docs, found, strict=True):
        assert "".join(words.strings(w.buffers_of(each), 0)) == each.texts[0].replace(" ", "")
