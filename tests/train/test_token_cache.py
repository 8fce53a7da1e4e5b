from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_corpus import documents, write_split

from corpusmill.curate.errors import InputError, RunError
from corpusmill.curate.executors import processes
from corpusmill.train import Tokenizer, train_tokenizer
from corpusmill.train.data import token_cache as module
from corpusmill.train.data.corpus import UNKNOWN, read_split, split_units
from corpusmill.train.data.token_cache import TokenCache, token_cache


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit a row group (50 documents), so that a small corpus is many pieces."""
    monkeypatch.setattr(module, "split_units", partial(split_units, size=0))


def files(cache: TokenCache) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in cache.folder.iterdir()}


def test_cache_holds_each_document(corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    cache = token_cache(corpus, "train", tokenizer, tmp_path)
    docs = documents(300, seed=1)
    assert len(cache) == 300
    assert cache.tokens.dtype == np.uint16
    assert cache.end_of_text == tokenizer.end_of_text
    for i in (0, 1, 299):
        ids = cache.document(i).tolist()
        assert ids[0] == tokenizer.end_of_text
        assert tokenizer.decode(ids) == docs[i][0]
        assert cache.sizes[i] == len(docs[i][0].encode())
        assert cache.origin(i) == {
            "corpus": str(corpus.resolve()),
            "file": "train/part-00000.parquet",
            "id": f"train-{i}",
            "language": docs[i][1],
            "domain": "made",
        }


def test_domain_is_the_column_or_the_first_part_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    table = pa.table(
        {
            "text": ["一", "", "two", "三", None, "four"],
            "source": ["法律/甲.jsonl", "x", "news/b.jsonl", None, None, "c.jsonl"],
            "domain": pa.array([None, None, "press", None, None, None], pa.string()),
        }
    )
    pq.write_table(table, tmp_path / "train" / "part.parquet")
    (texts,) = read_split(tmp_path, "train")
    assert texts.domains == ["法律", "press", UNKNOWN, "c.jsonl"]
    assert texts.languages == [UNKNOWN] * 4
    # Without ids of its own, a document is known by its place in the file.
    assert texts.ids == ["part.parquet:0", "part.parquet:2", "part.parquet:3", "part.parquet:5"]
    assert texts.sizes == [3, 3, 3, 4]


@pytest.mark.usefixtures("small_units")
def test_any_number_of_processes_writes_the_same_bytes(corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    alone = token_cache(corpus, "train", tokenizer, tmp_path / "one", workers=1)
    two = token_cache(corpus, "train", tokenizer, tmp_path / "two", workers=2)
    assert files(alone) == files(two)
    assert len(split_units(corpus, "train", size=0)) == 6
    assert [path.name for path in (tmp_path / "two").iterdir()] == [two.folder.name]


def test_workers_need_no_main_guard(tokenizer_folder: Path, corpus: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\n"
        "from functools import partial\n"
        "from corpusmill.train import Tokenizer\n"
        "from corpusmill.train.data import token_cache as module\n"
        "module.split_units = partial(module.split_units, size=0)\n"
        f"cache = module.token_cache({str(corpus)!r}, 'train', Tokenizer.load({str(tokenizer_folder)!r}), 'cache', workers=2)\n"
        "print(len(cache))\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.stderr, done.returncode) == (["started", "300"], "", 0)


def test_cache_is_reused_and_made_again_when_the_corpus_changes(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_split(tmp_path, "train", documents(20, seed=3))
    first = token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "encode_batch", lambda *_: pytest.fail("tokenized again"))
        assert token_cache(tmp_path, "train", tokenizer, tmp_path / "cache").folder == first.folder
    write_split(tmp_path, "train", documents(21, seed=3))
    second = token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")
    assert second.folder != first.folder
    assert len(second) == 21


@pytest.mark.usefixtures("small_units")
def test_a_stopped_tokenization_goes_on_with_the_missing_pieces(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files(token_cache(corpus, "train", tokenizer, tmp_path / "whole"))
    encode = Tokenizer.encode_batch
    calls = 0

    def third_time(self: Tokenizer, texts: list[str]) -> list[list[int]]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return encode(self, texts)

    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "encode_batch", third_time)
        with pytest.raises(KeyboardInterrupt):
            token_cache(corpus, "train", tokenizer, tmp_path / "cache")
        assert not list((tmp_path / "cache").glob("train-*"))
        cache = token_cache(corpus, "train", tokenizer, tmp_path / "cache")
    # Two pieces were done; the third, and the three after it, are six calls less the two.
    assert calls == 3 + 4
    assert files(cache) == whole


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("joined", [0, 1, 3, 6])
def test_a_stopped_join_goes_on(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined: int
) -> None:
    whole = files(token_cache(corpus, "train", tokenizer, tmp_path / "whole"))
    unlink = Path.unlink
    left = joined

    def stop(self: Path, missing_ok: bool = False) -> None:
        nonlocal left
        left -= self.suffix == ".bin"
        if left < 0 or self.suffix == ".arrow":  # all six pieces joined, and being cleared away
            raise KeyboardInterrupt
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stop)
        with pytest.raises(KeyboardInterrupt):
            token_cache(corpus, "train", tokenizer, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("train-*"))
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "encode_batch", lambda *_: pytest.fail("tokenized again"))
        assert files(token_cache(corpus, "train", tokenizer, tmp_path / "cache")) == whole


@pytest.mark.usefixtures("small_units")
def test_of_two_that_ask_at_once_one_tokenizes(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Tokenizer.encode_batch
    calls = 0

    def counted(self: Tokenizer, texts: list[str]) -> list[list[int]]:
        nonlocal calls
        calls += 1
        return encode(self, texts)

    monkeypatch.setattr(Tokenizer, "encode_batch", counted)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: token_cache(corpus, "train", tokenizer, tmp_path), range(2))
    assert one.folder == two.folder
    assert calls == 6


@pytest.mark.usefixtures("small_units")
def test_a_dead_worker_is_said_and_what_is_done_is_kept(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files(token_cache(corpus, "train", tokenizer, tmp_path / "whole"))

    with monkeypatch.context() as patch:
        patch.setattr(processes, "serve_command", [sys.executable, "-c", "import os; input(); os.kill(os.getpid(), 9)"])
        with pytest.raises(RunError, match=r"exit code -9.*use fewer workers"):
            token_cache(corpus, "train", tokenizer, tmp_path / "cache", workers=2)
    assert files(token_cache(corpus, "train", tokenizer, tmp_path / "cache", workers=2)) == whole


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process and its children cannot grow beyond `size` bytes: a full disk in small."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_said_and_nothing_is_lost(tokenizer: Tokenizer, tmp_path: Path, workers: int) -> None:
    # Pieces of some 3 kB of tokens and one of 60 kB, beside a tokenizer of 30 kB.
    docs = documents(150, seed=1)
    docs[60] = (docs[60][0] + "The court heard it. " * 6000, "en", "Latn")
    write_split(tmp_path, "train", docs)
    whole = files(token_cache(tmp_path, "train", tokenizer, tmp_path / "whole"))
    with largest_file(50_000), pytest.raises(RunError, match="the disk is full"):
        token_cache(tmp_path, "train", tokenizer, tmp_path / "cache", workers=workers)
    assert not list((tmp_path / "cache").glob("train-*"))
    assert files(token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")) == whole


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("small_units")
def test_a_damaged_corpus_is_named(corpus: Path, tokenizer: Tokenizer, tmp_path: Path, workers: int) -> None:
    data = bytearray((corpus / "train" / "part-00000.parquet").read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "part-00000.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"part-00000\.parquet cannot be read"):
        token_cache(tmp_path, "train", tokenizer, tmp_path / "cache", workers=workers)
    (tmp_path / "train" / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")


def test_errors_say_what_to_do(corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    cache = token_cache(corpus, "train", tokenizer, tmp_path / "cache")
    other = train_tokenizer(corpus, tmp_path / "other", vocab_size=300)
    with pytest.raises(RunError, match="another tokenizer"):
        cache.check_tokenizer(other)
    write_split(tmp_path / "empty", "train", [("", "zh", "Hans")])
    with pytest.raises(InputError, match="has no text in train"):
        token_cache(tmp_path / "empty", "train", tokenizer, tmp_path / "cache")
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "empty" / "train" / "part-00000.parquet")
    with pytest.raises(InputError, match="has no column 'text'; its columns are: body"):
        token_cache(tmp_path / "empty", "train", tokenizer, tmp_path / "cache")


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.npy", "ids.arrow", "cache.json"])
@pytest.mark.parametrize("damage", ["flipped", "short", "gone"])
def test_a_damaged_cache_is_not_used(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path, name: str, damage: str
) -> None:
    path = token_cache(corpus, "validation", tokenizer, tmp_path).folder / name
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 0x55
    path.write_bytes(data if damage == "flipped" else data[:-2])
    if damage == "gone":
        path.unlink()
    if (name, damage) == ("cache.json", "gone"):
        with pytest.raises(RunError, match="delete it, it will be made again"):
            TokenCache(path.parent)
        return
    if (name, damage) == ("cache.json", "flipped"):
        path.write_text('{"files": {}}')
    with pytest.raises(RunError, match="delete it, it will be made again"):
        token_cache(corpus, "validation", tokenizer, tmp_path)
