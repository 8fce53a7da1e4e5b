"""All development data: read, or refused with a reason."""

from __future__ import annotations

import csv
import gzip
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from reading_whole import read_whole

from corpusmill.curate.readers import Input

DOCUMENTS = {"web": 2982, "legal": 7361, "medical": 6222, "en": 193, "zh": 24539}


@pytest.mark.slow
@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_file_is_read_or_refused(shared_data: Path, folder: str) -> None:
    whole = read_whole(Input(path=str(shared_data / folder)))
    reasons = Counter((bad.source.split("/")[0], bad.error) for bad in whole.bads)
    print(f"\n{folder}: {len(whole.rows)} documents, {len(whole.bads)} bad, {len(whole.plan.refused)} refused")
    for (source, error), n in reasons.most_common():
        print(f"  {n:6} {source}: {error}")
    files = {path.name for path in (shared_data / folder).iterdir()}
    seen = {name.split("/")[0] for name in [*(row["source"] for row in whole.rows), *(b.source for b in whole.bads)]}
    assert seen | {bad.source for bad in whole.plan.refused} == files
    assert len(whole.rows) == DOCUMENTS[folder]
    ids = Counter(row["id"] for row in whole.rows)
    assert sum(n for n in ids.values() if n > 1) < len(whole.rows)
    assert all(bad.error for bad in [*whole.bads, *whole.plan.refused])


@pytest.mark.slow
def test_the_data_is_the_same_however_it_is_cut(shared_data: Path) -> None:
    once = read_whole(Input(path=str(shared_data / "zh")))
    cut = read_whole(Input(path=str(shared_data / "zh")), unit_bytes=100_000)
    assert len(cut.plan.units) > 3 * len(once.plan.units)
    assert (cut.rows, cut.bads) == (once.rows, once.bads)


def test_gb18030_csv(shared_data: Path) -> None:
    path = shared_data / "medical" / "zh_dialogue_gb18030.csv.gz"
    whole = read_whole(path, text="ask")
    with gzip.open(path, "rt", encoding="gb18030", newline="") as file:
        rows = list(csv.DictReader(file))
    assert whole.errors == []
    assert whole.texts == [row["ask"] for row in rows]


def test_gb18030_books(shared_data: Path) -> None:
    path = shared_data / "medical" / "tcm_books_gb18030.tar.gz"
    with tarfile.open(path) as archive:
        files = [archive.extractfile(member) for member in archive]
        books = [file.read().decode("gb18030").replace("\r\n", "\n") for file in files if file is not None]
    whole = read_whole(path)
    assert (whole.errors, whole.texts) == ([], books)
    assert len(books) == 40


def test_garbage_is_binary(shared_data: Path) -> None:
    whole = read_whole(shared_data / "web" / "garbage_lines.txt.gz")
    assert whole.rows == []
    assert whole.errors == ["binary: the text is mostly control characters"]
