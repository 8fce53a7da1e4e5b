from __future__ import annotations

import numpy as np
import pytest

from corpusmill.train.data.packing import ROOM, Packing, pack, pack_whole, row_count

RANDOM = np.random.default_rng(0)
CASES = {
    "one token": [1],
    "one short": [5],
    "one that fills a row": [32],
    "one of many rows": [1000],
    "one of a great many rows": [32 * 2000],
    "none fit beside another": [20] * 300,
    "short": [2] * 1000,
    "one long among short": [5000, *[3] * 40],
    "of every length": list(range(2, 200)),
    "as in life": np.maximum(2, RANDOM.lognormal(3, 1.2, 3000)).astype(int).tolist(),
}


def check(packing: Packing, lengths: np.ndarray, width: int) -> None:
    covered = [np.zeros(n, int) for n in lengths]
    for row in range(len(packing)):
        own = range(packing.starts[row], packing.starts[row + 1])
        assert 0 < sum(packing.length[p] for p in own) <= width
        for p in own:
            begin = packing.begin[p] + packing.skip[p]
            covered[packing.document[p]][begin : packing.begin[p] + packing.length[p]] += 1
    for times in covered:
        assert (times == 1).all()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [8, 32, 4096])
def test_every_token_once_and_rows_as_foretold(case: str, width: int) -> None:
    lengths = np.array(CASES[case])
    packing = pack(lengths, width)
    check(packing, lengths, width)
    assert len(packing) == row_count(int(lengths.sum()), width)
    padding = len(packing) * width - lengths.sum()
    assert padding <= lengths.sum() / ROOM + width
    check(packing.reordered(RANDOM.permutation(len(packing))), lengths, width)
    check(pack_whole(lengths, width), lengths, width)
    check(pack_whole(lengths, width, overlap=width // 2), lengths, width)


def test_documents_are_cut_only_where_they_must_be() -> None:
    lengths = np.array(CASES["as in life"])
    pieces = np.bincount(pack(lengths, 128).document)
    assert (lengths > 128).any()
    assert pieces.tolist() == (-(-lengths // 128)).tolist()
    # Two of 20 never fit in 32: a third of them have to be cut, in two or three, and no more are.
    pieces = np.bincount(pack(np.full(300, 20), 32).document)
    assert 100 <= (pieces > 1).sum() <= 120
    assert pieces.max() <= 3


def test_the_tightest_row_is_taken() -> None:
    # 6 + 4 and 7 + 3 fill two rows of 10; the first row with room, or the largest gap, would need a third.
    packing = pack_whole(np.array([3, 6, 4, 7]), 10)
    assert len(packing) == 2
    rows = [packing.document[packing.starts[r] : packing.starts[r + 1]].tolist() for r in range(2)]
    assert sorted(map(sorted, rows)) == [[0, 3], [1, 2]]


def test_chunks_of_a_long_document_overlap() -> None:
    packing = pack_whole(np.array([10]), 4, overlap=2)
    found = sorted(zip(packing.begin.tolist(), packing.length.tolist(), packing.skip.tolist(), strict=True))
    assert found == [(0, 4, 0), (2, 4, 2), (4, 4, 2), (6, 4, 2)]
