from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from made_corpus import documents, write_split

from corpusmill.curate.errors import InputError, RunError
from corpusmill.train import Tokenizer
from corpusmill.train.data import batches as data_module
from corpusmill.train.data.batches import Batch, Loader, Mix, Source, TokenCache, Validation, token_cache, trace
from corpusmill.train.model.gpt import IGNORE


@pytest.fixture(scope="module")
def cache(corpus: Path, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> TokenCache:
    return token_cache(corpus, "train", tokenizer, tmp_path_factory.mktemp("cache"))


def loader(data: TokenCache | Mix, seed: int = 0, batch_tokens: int = 384, **more: int) -> Loader:
    return Loader(data, context=48, batch_tokens=batch_tokens, micro_batch_tokens=192, seed=seed, **more)


def epoch(data: TokenCache | Mix, number: int = 0, context: int = 48) -> list[Batch]:
    """Every row of an epoch, a row a batch."""
    source = Loader(data, context=context, batch_tokens=context, micro_batch_tokens=context, seed=0)
    batches = []
    while source.epochs < number + 1:
        wanted = source.epochs >= number
        row = source.next()
        batches += row if wanted else []
    return batches


def assert_each_token_once(batches: list[Batch], data: TokenCache | Mix) -> None:
    """The rows hold every (token, the token after it) of every document, each as often as the document does."""
    found: Counter[tuple[int, int, int]] = Counter()
    for batch in batches:
        assert batch.documents is not None
        padding = batch.segments < 0
        assert padding.equal(batch.documents < 0)
        assert padding.equal(batch.languages < 0)
        assert padding.equal(batch.targets == IGNORE)
        found.update(zip(*(t[~padding].tolist() for t in (batch.documents, batch.tokens, batch.targets)), strict=True))
        for segments, docs in zip(batch.segments.tolist(), batch.documents.tolist(), strict=True):
            runs = [(segment, doc) for (segment, doc), _ in groupby(zip(segments, docs, strict=True))]
            assert [segment for segment, _ in runs if segment >= 0] == list(range(len(runs) - (runs[-1][0] < 0)))
    expected: Counter[tuple[int, int, int]] = Counter()
    for i in range(len(data)):
        text = data.document(i).tolist()
        expected.update(zip([i] * len(text), text, [*text[1:], text[0]], strict=True))
    assert found == expected


@pytest.mark.parametrize("context", [16, 48, 1024])
@pytest.mark.parametrize("number", [0, 1])
def test_an_epoch_sees_every_token_once(cache: TokenCache, context: int, number: int) -> None:
    batches = epoch(cache, number, context)
    assert_each_token_once(batches, cache)
    assert all(batch.target_count for batch in batches)
    assert len(batches) * context <= cache.token_count * 1.01 + context


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven blocks or so an epoch of the small corpus."""
    monkeypatch.setattr(data_module, "BLOCK", 1400)


@pytest.mark.usefixtures("small_blocks")
def test_an_epoch_of_many_blocks_sees_every_token_once(cache: TokenCache) -> None:
    for number in (0, 1):
        assert_each_token_once(epoch(cache, number), cache)
    one, two = loader(cache), loader(cache)
    for step in range(1, 31):  # batches on the borders of blocks, and of epochs
        if step % 7 == 0:
            two.load_state(one.state())
        found = {(piece["row"], piece["id"]) for piece in trace(cache, step, context=48, batch_tokens=384, seed=0)}
        batches = one.next()
        docs = torch.cat([b.documents for b in batches if b.documents is not None])
        assert found == {(r, cache.origin(i)["id"]) for r, row in enumerate(docs.tolist()) for i in set(row) if i >= 0}
        assert rows(batches) == rows(two.next())


def test_documents_that_fit_are_hardly_ever_cut(cache: TokenCache) -> None:
    pieces: Counter[int] = Counter()
    for batch in epoch(cache, context=128):
        assert batch.documents is not None
        for row, docs in zip(batch.segments.tolist(), batch.documents.tolist(), strict=True):
            pieces.update({s: d for s, d in zip(row, docs, strict=True) if s >= 0}.values())
    fit = [i for i in range(len(cache)) if len(cache.document(i)) <= 128]
    assert len(fit) > 250
    # A stream cut every 128 tokens would cut a document in each row: some 80 of them.
    assert sum(pieces[i] > 1 for i in fit) <= 5


def test_order_depends_on_seed_and_epoch_only(cache: TokenCache) -> None:
    def tokens(source: Loader) -> list[int]:
        return source.next()[0].tokens.flatten().tolist()

    assert tokens(loader(cache)) == tokens(loader(cache))
    assert tokens(loader(cache)) != tokens(loader(cache, seed=1))
    later = loader(cache)
    later.load_state(later.state() | {"epoch": 1})
    assert tokens(later) != tokens(loader(cache))


def test_state_continues_with_the_next_row(cache: TokenCache) -> None:
    one = loader(cache)
    for _ in range(40):  # into the second epoch or later
        one.next()
    assert one.epochs > 1
    two = loader(cache)
    two.load_state(json.loads(json.dumps(one.state())))
    assert two.epochs == one.epochs
    for _ in range(3):
        for a, b in zip(one.next(), two.next(), strict=True):
            assert a.tokens.equal(b.tokens)
            assert a.targets.equal(b.targets)


def test_a_state_of_other_data_is_refused(cache: TokenCache) -> None:
    state = loader(cache).state()
    with pytest.raises(RunError, match="the seed of the checkpoint's loader"):
        loader(cache, seed=3).load_state(state)
    with pytest.raises(RunError, match="data"):
        loader(Mix([Source(cache, epochs=2)])).load_state(state)


def test_micro_batches_add_up_to_the_batch(cache: TokenCache) -> None:
    source = loader(cache)
    # Also on the border of two epochs, where a change of shapes would make a compiled model compile again.
    for _ in range(40):
        assert [b.tokens.shape for b in source.next()] == [(4, 48), (4, 48)]
    assert source.epochs > 1


def rows(batches: list[Batch]) -> list[tuple[list[int], ...]]:
    return sorted(
        (t, s, y)
        for b in batches
        for t, s, y in zip(b.tokens.tolist(), b.segments.tolist(), b.targets.tolist(), strict=True)
    )


def test_processes_share_what_one_would_read(cache: TokenCache) -> None:
    one = loader(cache)
    two = [loader(cache, rank=rank, world=2) for rank in range(2)]
    for _ in range(30):
        parts = [source.next() for source in two]
        assert [[b.tokens.shape for b in part] for part in parts] == [[(4, 48)]] * 2
        assert rows(parts[0] + parts[1]) == rows(one.next())
    # What two have read goes on in one, and in four.
    assert two[0].state() == two[1].state() == one.state()
    four = [loader(cache, rank=rank, world=4) for rank in range(4)]
    for source in four:
        source.load_state(two[0].state())
    assert rows([b for source in four for b in source.next()]) == rows(one.next())
    with pytest.raises(InputError, match="8 rows cannot be shared evenly by 3 processes"):
        loader(cache, world=3)


def test_bounds_for_variable_length_attention(cache: TokenCache) -> None:
    batch = loader(cache).next()[0]
    bounds, longest = batch.bounds()
    assert bounds.dtype == torch.int32
    expected = [0]
    flat = batch.segments.flatten().tolist()
    for i in range(1, len(flat)):
        if i % 48 == 0 or flat[i] != flat[i - 1]:
            expected.append(i)
    assert bounds.tolist() == [*expected, len(flat)]
    assert longest == max(np.diff(bounds.tolist()))
    moved = batch.to(torch.device("meta"))
    assert {t.device.type for t in (moved.tokens, moved.segments, moved.targets, moved.languages)} == {"meta"}
    assert moved.documents is batch.documents


def test_trace_names_the_documents_of_a_step(cache: TokenCache, corpus: Path) -> None:
    source = loader(cache)
    texts = {f"train-{i}": cache.document(i).tolist() for i in range(len(cache))}
    for step in range(1, 41):
        batches = source.next()
        if step not in (1, 2, 39, 40):
            continue
        found = trace(cache, step, context=48, batch_tokens=384, seed=0)
        assert found == source.trace(step)
        row_tokens = torch.cat([b.tokens for b in batches]).tolist()
        held: list[list[int]] = [[] for _ in row_tokens]
        for piece in found:
            assert piece["corpus"] == str(corpus.resolve())
            assert piece["file"] == "train/part-00000.parquet"
            assert piece["language"] == ("zh" if int(piece["id"].removeprefix("train-")) % 2 else "en")
            assert piece["tokens"] == len(texts[piece["id"]])
            held[piece["row"]] += texts[piece["id"]][piece["begin"] : piece["end"]]
        for tokens, expected in zip(row_tokens, held, strict=True):
            assert tokens[: len(expected)] == expected
            assert len(expected) > 24
    assert source.epochs > 1
    with pytest.raises(InputError, match="first step is 1"):
        source.trace(0)


def test_validation_takes_whole_documents_up_to_a_limit(cache: TokenCache) -> None:
    some = Validation(cache, context=48, rows=4, max_tokens=500, seed=0)
    count = sum(batch.target_count for batch in some)
    assert count == sum(len(cache.document(int(i))) for i in some.documents)
    assert 350 < count <= 500
    sizes = some.bytes_by_language()
    assert set(sizes) == {"en", "zh"}
    assert sum(sizes.values()) == int(cache.sizes[some.documents].sum())
    assert some.bytes_by_domain() == {"made": sum(sizes.values())}
    everything = Validation(cache, context=48, rows=4, max_tokens=None, seed=0)
    assert len(everything.documents) == 300
    assert_each_token_once(list(everything), cache)


def test_validation_with_overlap_scores_each_token_once_with_context(cache: TokenCache) -> None:
    plain = Validation(cache, context=32, rows=4, max_tokens=None, seed=0)
    wide = Validation(cache, context=32, rows=4, max_tokens=None, seed=0, overlap=16)
    for chosen in (plain, wide):
        scored: Counter[int] = Counter()
        for batch in chosen:
            assert batch.documents is not None
            real = batch.targets != IGNORE
            scored.update(batch.documents[real].tolist())
        assert scored == {i: len(cache.document(i)) for i in range(len(cache))}
    # Every scored token of a document's later chunk has at least 16 before it.
    assert len(wide) > len(plain)
    for batch in wide:
        for segments, targets, tokens in zip(batch.segments, batch.targets, batch.tokens, strict=True):
            for s in segments.unique().tolist():
                own = (segments == s).nonzero().flatten()
                if s >= 0 and tokens[own[0]] != 0:  # not the beginning of a document
                    assert (targets[own[:16]] == IGNORE).all()
                    assert (targets[own[16:]] != IGNORE).all()


def test_errors_say_what_to_do(cache: TokenCache) -> None:
    with pytest.raises(InputError, match=r"fewer than one batch of 960,000"):
        loader(cache, batch_tokens=960_000)
    with pytest.raises(InputError, match="less than the context"):
        Validation(cache, context=48, rows=4, max_tokens=None, seed=0, overlap=48)


def test_mixed_corpora_are_read_by_weight(tokenizer: Tokenizer, tmp_path: Path) -> None:
    write_split(tmp_path / "a", "train", documents(200, seed=5))
    write_split(tmp_path / "b", "train", documents(40, seed=6))
    a, b = (token_cache(tmp_path / name, "train", tokenizer, tmp_path / "cache") for name in "ab")

    def read(mix: Mix, steps: int) -> tuple[Counter[int], Loader]:
        source = loader(mix)
        tokens: Counter[int] = Counter()
        for _ in range(steps):
            for batch in source.next():
                assert batch.documents is not None
                tokens.update((batch.documents[batch.documents >= 0] >= len(a)).int().tolist())
        return tokens, source

    tokens, source = read(Mix([Source(a, weight=1), Source(b, weight=3)]), 60)
    assert tokens[1] / (tokens[0] + tokens[1]) == pytest.approx(0.75, abs=0.03)
    passes = source.passes()
    assert passes[str((tmp_path / "b").resolve())] == pytest.approx(tokens[1] / b.token_count, abs=0.2)
    assert passes[str((tmp_path / "a").resolve())] == pytest.approx(tokens[0] / a.token_count, abs=0.2)
    # Temperature 1 follows the sizes, a high one gives all the same.
    even, _ = read(Mix([Source(a), Source(b)], temperature=1e6), 60)
    assert even[1] / (even[0] + even[1]) == pytest.approx(0.5, abs=0.03)
    natural = Mix([Source(a), Source(b)])
    assert natural.weights == pytest.approx([a.token_count / natural.token_count, b.token_count / natural.token_count])
    assert_each_token_once(epoch(natural), natural)


def test_a_source_is_read_without_repeats_within_its_epoch(tokenizer: Tokenizer, tmp_path: Path) -> None:
    write_split(tmp_path / "a", "train", documents(200, seed=5))
    write_split(tmp_path / "b", "train", documents(40, seed=6))
    a, b = (token_cache(tmp_path / name, "train", tokenizer, tmp_path / "cache") for name in "ab")
    mix = Mix([Source(a, weight=1), Source(b, weight=1)])
    read: list[int] = []
    for number in range(30):
        found = mix.round(number, seed=7)
        assert found is not None
        assert sorted(found[found >= 200].tolist()) == list(range(200, 240))  # the source that ends the round
        read += found[found < 200].tolist()
    for first in range(0, len(read) - 200, 200):
        # The order within a round is shuffled, so an epoch's last documents may trade places with the next one's first.
        assert len(set(read[first : first + 200])) > 160
    counts = Counter(read)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_epochs_bound_a_source_and_the_others_fill_its_place(tokenizer: Tokenizer, tmp_path: Path) -> None:
    write_split(tmp_path / "a", "train", documents(200, seed=5))
    write_split(tmp_path / "b", "train", documents(40, seed=6))
    a, b = (token_cache(tmp_path / name, "train", tokenizer, tmp_path / "cache") for name in "ab")
    mix = Mix([Source(a, weight=1, epochs=1.5), Source(b, weight=1, epochs=2)])
    counts: Counter[int] = Counter()
    number = 0
    while (found := mix.round(number, seed=0)) is not None:
        counts.update(found.tolist())
        number += 1
    assert {counts[i] for i in range(200, 240)} == {2}
    assert {counts[i] for i in range(200)} == {1, 2}
    assert sum(counts[i] * len(a.document(i)) for i in range(200)) == pytest.approx(1.5 * a.token_count, rel=0.02)
    assert mix.token_limit == round(1.5 * a.token_count) + 2 * b.token_count
    source, limit, read = loader(mix), round(1.5 * a.token_count) + 2 * b.token_count, 0

    def read_on() -> None:
        nonlocal read
        while read <= 1.1 * limit:  # its last document may reach over the bound
            read += sum(batch.target_count for batch in source.next())

    with pytest.raises(RunError, match="epochs allowed for the corpora are used up"):
        read_on()
    assert read > 0.97 * limit
    assert list(source.passes().values()) == [pytest.approx(1.5, abs=1e-3), 2.0]


def test_mix_errors_say_what_to_do(cache: TokenCache, corpus: Path, tmp_path: Path) -> None:
    from corpusmill.train import train_tokenizer

    with pytest.raises(InputError, match="every corpus of a mix a weight, or none"):
        Mix([Source(cache, weight=1), Source(cache)])
    with pytest.raises(InputError, match="temperature is 0"):
        Mix(cache, temperature=0)
    other = train_tokenizer(corpus, tmp_path / "other", vocab_size=300)
    with pytest.raises(InputError, match="different tokenizers"):
        Mix([Source(cache), Source(token_cache(corpus, "validation", other, tmp_path / "cache"))])
