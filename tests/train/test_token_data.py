from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_corpus import documents, write_split

from corpusmill.curate.errors import InputError, RunError
from corpusmill.train import Tokenizer, train_tokenizer
from corpusmill.train.data import Loader, Rows, TokenCache, Validation, token_cache
from corpusmill.train.model import IGNORE


@pytest.fixture(scope="module")
def cache(corpus: Path, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> TokenCache:
    return token_cache(corpus, "train", tokenizer, tmp_path_factory.mktemp("cache"))


def loader(cache: TokenCache, seed: int = 0, batch_tokens: int = 384) -> Loader:
    return Loader(cache, context=48, batch_tokens=batch_tokens, micro_batch_tokens=192, seed=seed)


def test_cache_holds_each_document(cache: TokenCache, tokenizer: Tokenizer) -> None:
    docs = documents(300, seed=1)
    assert len(cache) == 300
    assert cache.tokens.dtype == np.uint16
    for i in (0, 1, 299):
        ids = cache.document(i).tolist()
        assert ids[0] == tokenizer.end_of_text
        assert tokenizer.decode(ids) == docs[i][0]
        assert cache.sizes[i] == len(docs[i][0].encode())
        assert cache.languages[cache.language[i]] == docs[i][1]


def test_rows_against_a_plain_reference(cache: TokenCache) -> None:
    order = np.array([5, 2, 9, 0])
    stream = np.concatenate([cache.document(i) for i in order]).astype(int).tolist()
    owner = [n for n, i in enumerate(order) for _ in cache.document(i)]
    after = [*stream[1:], stream[0]]  # the closing <|endoftext|> has the id of any document's first token
    rows = Rows(cache, order, 48)
    batch = rows.batch(np.arange(len(rows)))
    real = batch.targets.flatten() != IGNORE
    assert batch.tokens.flatten()[real].tolist() == stream
    assert batch.segments.flatten()[real].tolist() == owner
    assert batch.targets.flatten()[real].tolist() == after
    assert int((~real).sum()) < 48


def test_an_epoch_sees_every_token_once(cache: TokenCache) -> None:
    batches = loader(cache, batch_tokens=192)
    seen = 0
    counts = np.zeros(512, dtype=int)
    while batches.epoch == 0 and batches.position < len(batches.order):
        # One row at a time, so that no batch crosses into the next epoch.
        row = batches.rows.batch(batches.order[batches.position : batches.position + 1])
        batches.position += 1
        seen += row.target_count
        np.add.at(counts, row.targets[row.targets != IGNORE].numpy(), 1)
    assert seen == cache.token_count
    assert counts.tolist() == np.bincount(cache.tokens, minlength=512).tolist()


def test_order_depends_on_seed_and_epoch_only(cache: TokenCache) -> None:
    def first(source: Loader) -> list[int]:
        return source.next()[0].tokens.flatten().tolist()

    assert first(loader(cache)) == first(loader(cache))
    assert first(loader(cache)) != first(loader(cache, seed=1))
    later = loader(cache)
    later.load_state({"epoch": 1, "position": 0})
    assert first(later) != first(loader(cache))


def test_state_continues_with_the_next_row(cache: TokenCache) -> None:
    one = loader(cache)
    for _ in range(40):  # into the second epoch or later
        one.next()
    assert one.epoch >= 1
    two = loader(cache)
    two.load_state(one.state())
    for _ in range(3):
        for a, b in zip(one.next(), two.next(), strict=True):
            assert a.tokens.equal(b.tokens)
            assert a.targets.equal(b.targets)


def test_micro_batches_add_up_to_the_batch(cache: TokenCache) -> None:
    batches = loader(cache).next()
    assert [len(b.tokens) for b in batches] == [4, 4]


def test_validation_takes_whole_documents_up_to_a_limit(cache: TokenCache) -> None:
    some = Validation(cache, context=48, rows=4, max_tokens=500, seed=0)
    count = sum(batch.target_count for batch in some)
    assert count == sum(len(cache.document(int(i))) for i in some.documents)
    assert 350 < count <= 500
    sizes = some.bytes_by_language()
    assert set(sizes) == {"en", "zh"}
    assert sum(sizes.values()) == int(cache.sizes[some.documents].sum())
    everything = Validation(cache, context=48, rows=4, max_tokens=None, seed=0)
    assert len(everything.documents) == 300


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


def test_a_killed_tokenization_leaves_no_cache(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_split(tmp_path, "train", documents(20, seed=3))

    def boom(*_: object) -> list[list[int]]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "encode_batch", boom)
        with pytest.raises(KeyboardInterrupt):
            token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    assert len(token_cache(tmp_path, "train", tokenizer, tmp_path / "cache")) == 20


def test_errors_say_what_to_do(cache: TokenCache, corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fewer than one batch of 960,000"):
        loader(cache, batch_tokens=960_000)
    other = train_tokenizer(corpus, tmp_path / "other", vocab_size=300)
    with pytest.raises(RunError, match="another tokenizer"):
        cache.check_tokenizer(other)
    write_split(tmp_path / "empty", "train", [("", "zh", "Hans")])
    with pytest.raises(InputError, match="has no text in train"):
        token_cache(tmp_path / "empty", "train", tokenizer, tmp_path / "cache")
    mine = token_cache(corpus, "train", tokenizer, tmp_path / "cache")
    data = (mine.folder / "tokens.bin").read_bytes()
    (mine.folder / "tokens.bin").write_bytes(data[: len(data) // 2 * 2 - 200])
    with pytest.raises(RunError, match="delete it"):
        token_cache(corpus, "train", tokenizer, tmp_path / "cache")
