"""Exact and near duplicates: who goes, who stays, and that nothing goes that should not."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.run.whole import decide_in_memory
from corpusmill.curate.step import Global
from corpusmill.filters.dedup import ExactDedup, MinHashDedup, lsh_bands
from corpusmill.filters.text import shingles
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.shingles import Hashes, jaccard, normalize, shingle_sets

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in ("n", "r", "sh", "lt", "ving")]
CHARACTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 1500)]


class Corpus:
    """Documents by id, decided over in any order and cut."""

    def __init__(self, documents: dict[str, str], sources: dict[str, str] | None = None) -> None:
        self.documents = documents
        self.sources = sources or {}

    def decide(
        self, step: Global, shuffle: int | None = None, batch: int = 1000, partitions: int = 1, memory: int = 1 << 30
    ) -> pl.DataFrame:
        """Decisions with ids in place of rows: id, rule, value, threshold, kept."""
        ids = sorted(self.documents)
        if shuffle is not None:
            random.Random(shuffle).shuffle(ids)
        batches = []
        for start in range(0, len(ids), batch):
            part = ids[start : start + batch]
            sources = pa.array([self.sources.get(i) for i in part], pa.string())
            batches.append(Documents.from_texts([self.documents[i] for i in part], id=part, source=sources))
        found = pl.from_arrow(decide_in_memory(step, batches, partitions=partitions, memory=memory))
        assert isinstance(found, pl.DataFrame)
        assert found["doc"].is_unique().all()
        assert not set(found["kept_doc"]) & set(found["doc"])
        assert [ids[d] for d in found["kept_doc"]] == found["kept_id"].to_list()
        names = [pl.Series("id", [ids[d] for d in found["doc"]], dtype=pl.String), found["kept_id"].alias("kept")]
        return found.select("rule", "value", "threshold").with_columns(*names).sort("id")


def dropped(corpus: Corpus, step: Global, **options: int) -> dict[str, str]:
    found = corpus.decide(step, **options)
    return dict(zip(found["id"], found["kept"], strict=True))


def similarity(a: str, b: str, step: MinHashDedup | None = None) -> float:
    step = step or MinHashDedup()
    array = normalize(pa.array([a, b], pa.large_string()))
    return float(jaccard(*shingle_sets(array, words=step.word_ngram, characters=step.char_ngram)))


def made(language: str, n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(CHARACTERS if language == "zh" else WORDS) for _ in range(n)]


def joined(language: str, tokens: Sequence[str]) -> str:
    return ("" if language == "zh" else " ").join(tokens)


def edited(language: str, tokens: Sequence[str], n: int, seed: int) -> list[str]:
    """`tokens` with n of them, evenly spread, replaced."""
    out, new = list(tokens), made(language, n, seed)
    for k in range(n):
        out[int((k + 0.5) * len(out) / n)] = new[k]
    return out


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("The  Court\nshall decide.", "the court shall decide. ", True),
        ("第一条\u3000本法自公布之日起施行。", "\ufeff第一条 本法自公布之日起施行。", True),
        ("The court shall decide.", "The court shall decide!", False),
        ("给药①次", "给药1次", False),
        ("第一条，施行", "第一条,施行", False),
        ("患者无发热", "患者有发热", False),
    ],
)
@pytest.mark.parametrize("step", [ExactDedup(), MinHashDedup()])
def test_what_counts_as_the_same(step: Global, a: str, b: str, same: bool) -> None:
    found = Corpus({"a": a, "b": b}).decide(step)
    assert len(found) == same
    if same:
        assert found.select("rule", "value", "threshold").row(0) == ("exact_duplicate", 1.0, 1.0)


@pytest.mark.parametrize("step", [ExactDedup, MinHashDedup])
def test_who_stays(step: type[ExactDedup] | type[MinHashDedup]) -> None:
    text = "本公司依法承担赔偿责任。 The company is liable."
    corpus = Corpus(
        {"c": text, "b": text, "a": text + "   ", "d": text.upper()},
        {"a": "web/a.jsonl", "b": "books/b.jsonl", "c": "laws/x.txt", "d": "laws/y.txt"},
    )
    assert set(dropped(corpus, step()).values()) == {"a"}, "the longest"
    assert set(dropped(corpus, step(source_priority=["books/*"])).values()) == {"b"}
    assert set(dropped(corpus, step(source_priority=["none", "laws/*", "books/*"])).values()) == {"c"}, "then by id"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_near_duplicates_go_with_their_true_similarity(language: str) -> None:
    base = made(language, 600, 1)
    texts = {"a": joined(language, [*base, *made(language, 9, 5)])}
    texts["b"] = joined(language, edited(language, base, 2, 2))
    texts["c"] = joined(language, made(language, 600, 3))
    found = Corpus(texts).decide(MinHashDedup())
    assert found.select("id", "rule", "threshold", "kept").rows() == [("b", "near_duplicate", 0.8, "a")]
    assert found["value"][0] == pytest.approx(similarity(texts["a"], texts["b"]))
    assert found["value"][0] > 0.8


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_at_the_threshold_goes_and_nothing_below(language: str) -> None:
    texts = {}
    for i in range(120):
        base = made(language, 400, i)
        texts[f"{i:03}-a"] = joined(language, [*base, *made(language, 4, 9000 + i)])
        texts[f"{i:03}-b"] = joined(language, edited(language, base, 1 + i % 12, 5000 + i))
    truth = {i: similarity(texts[f"{i:03}-a"], texts[f"{i:03}-b"]) for i in range(120)}
    assert min(truth.values()) < 0.75
    assert 30 < sum(v >= 0.8 for v in truth.values()) < 100
    found = dropped(Corpus(texts), MinHashDedup())
    assert all(truth[int(i[:3])] >= 0.8 and i[:3] == kept[:3] for i, kept in found.items())
    missed = [v for i, v in truth.items() if v >= 0.8 and f"{i:03}-b" not in found and f"{i:03}-a" not in found]
    assert len(missed) <= 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_chain_does_not_fall_as_a_whole(language: str) -> None:
    chain = [made(language, 400, 0)]
    for i in range(11):
        later = list(chain[-1])
        for k in range(3):
            later[10 + 30 * i + 10 * k] = made(language, 1, 100 * i + k)[0]
        chain.append(later)
    # Each shorter than the one before, so that this is the order in which they are rather kept.
    texts = {f"{i:02}": joined(language, t) + "。" * (40 - 3 * i) for i, t in enumerate(chain)}
    links = [similarity(texts[f"{i:02}"], texts[f"{i + 1:02}"]) for i in range(11)]
    assert min(links) > 0.8
    assert similarity(texts["00"], texts["11"]) < 0.5
    found = dropped(Corpus(texts), MinHashDedup())
    kept = sorted(set(texts) - set(found))
    assert len(kept) >= 3
    assert all(similarity(texts[i], texts[k]) >= 0.8 for i, k in found.items())
    for i, a in enumerate(kept):
        assert all(similarity(texts[a], texts[b]) < 0.8 for b in kept[i + 1 :])


def test_templated_documents_survive() -> None:
    """Judgments and notes that share a form and differ in what matters are no duplicates."""
    texts = {}
    for i in range(60):
        zh, en = joined("zh", made("zh", 40, i)), joined("en", made("en", 30, i))
        texts[f"zh{i}"] = (
            f"民事判决书。原告诉称：{zh}。本院认为，原告的诉讼请求于法有据，本院予以支持。依照《中华人民共和国民法典》的规定，判决如下。"
        )
        texts[f"en{i}"] = f"The patient was seen today. {en}. There were no known allergies, and a review is planned."
    assert dropped(Corpus(texts), MinHashDedup()) == {}


@pytest.mark.parametrize("texts", [["好的", "谢谢", "同意", "好的。"], ["OK", "thanks a lot", "Agreed", "ok!"]])
def test_short_texts_are_compared_exactly(texts: list[str]) -> None:
    documents = {str(i): text for i, text in enumerate([*texts, texts[0], "!!!", "???", "。。。", "12"])}
    assert dropped(Corpus(documents), MinHashDedup()) == {"4": "0"}


def test_a_text_equal_to_a_near_duplicate_goes_for_what_is_kept() -> None:
    base = made("en", 400, 0)
    long, near = joined("en", [*base, "and", "more"]), joined("en", edited("en", base, 2, 1))
    found = Corpus({"a": near, "b": near.upper(), "c": long}).decide(MinHashDedup())
    assert found.select("id", "rule", "kept").rows() == [("a", "near_duplicate", "c"), ("b", "near_duplicate", "c")]
    assert found["value"].n_unique() == 1


def families(seed: int) -> dict[str, str]:
    """Forty families of near-duplicates, exact ones, short ones and chains, in both languages."""
    rng = random.Random(seed)
    texts = {}
    for family in range(40):
        language = ("zh", "en")[family % 2]
        base = made(language, rng.choice([20, 80, 300]), family)
        for member in range(12):
            base = edited(language, base, rng.choice([1, 1, 2, 5]), rng.randrange(10**6)) if member % 3 else base
            texts[f"{family:02}-{member:02}"] = joined(language, base)
    return texts


def test_order_and_cut_do_not_matter() -> None:
    corpus = Corpus(families(3))
    whole, exact = corpus.decide(MinHashDedup()), corpus.decide(ExactDedup())
    assert 100 < len(whole) < 400
    assert set(whole["rule"]) == {"near_duplicate", "exact_duplicate"}
    assert 0 < len(exact) < len(whole)
    for shuffle, batch in ((1, 1000), (2, 7), (3, 100)):
        assert corpus.decide(MinHashDedup(), shuffle=shuffle, batch=batch).equals(whole)
        assert corpus.decide(ExactDedup(), shuffle=shuffle, batch=batch).equals(exact)


@pytest.mark.parametrize("partitions", [1, 2, 13])
def test_little_memory_gives_the_same(partitions: int) -> None:
    corpus = Corpus(families(4))
    whole = corpus.decide(MinHashDedup())
    assert corpus.decide(MinHashDedup(), batch=50, partitions=partitions, memory=1000).equals(whole)


def test_only_texts_that_may_be_alike_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counting(texts: TextBuffers, **options: int) -> list[Hashes]:
        read.append(len(texts.offsets) - 1)
        return shingle_sets(texts, **options)

    monkeypatch.setattr(shingles, "shingle_sets", counting)
    corpus = Corpus({str(i): joined("en", made("en", 200, i)) for i in range(300)})
    assert dropped(corpus, MinHashDedup()) == {}
    assert sum(read) < 30
    corpus.documents["again"] = corpus.documents["7"] + " and"
    assert list(dropped(corpus, MinHashDedup())) == ["7"]
    assert 2 <= sum(read) < 60


def test_a_cap_on_candidates_still_finds_the_most_similar() -> None:
    base = made("zh", 500, 0)
    texts = {f"{i:03}": joined("zh", edited("zh", base, 1 + i % 3, i)) for i in range(200)}
    assert len(dropped(Corpus(texts), MinHashDedup(max_candidates=2))) == 199


def test_no_documents_and_one() -> None:
    for step in (ExactDedup(), MinHashDedup()):
        assert dropped(Corpus({"a": "一"}), step) == {}
        assert Corpus({}).decide(step).is_empty()


@pytest.mark.parametrize(("threshold", "slots"), [(0.5, 128), (0.8, 128), (0.8, 64), (0.95, 256), (1.0, 128)])
def test_bands_find_a_pair_at_the_threshold(threshold: float, slots: int) -> None:
    bands, width = lsh_bands(threshold, slots)
    assert bands * width <= slots
    assert 1 - (1 - threshold**width) ** bands >= 0.98
    wider = width + 1
    assert wider > slots or 1 - (1 - threshold**wider) ** (slots // wider) < 0.98


def load(path: Path) -> list[dict[str, str]]:
    with gzip.open(path) as file:
        return [json.loads(line) for line in file]


def test_planted_news_pairs(shared_data: Path) -> None:
    texts = {row["id"]: row["text"] for row in load(shared_data / "dedup" / "news_plagiarism_1000.jsonl.gz")}
    pairs = {frozenset(p.values()) for p in load(shared_data / "dedup" / "news_plagiarism_1000_pairs.jsonl.gz")}
    true = {pair for pair in pairs if similarity(*(texts[i] for i in pair), MinHashDedup(word_ngram=3)) >= 0.4}
    found = dropped(Corpus(texts), MinHashDedup(word_ngram=3, threshold=0.4))
    assert len(true) >= 8
    assert {frozenset(item) for item in found.items()} == true


@pytest.mark.parametrize("name", ["terms_version", "zh_law_version"])
def test_versions(shared_data: Path, name: str) -> None:
    """Every pair of versions at 0.8 or more loses one; nothing else does."""
    texts = {row["id"]: row["text"] for row in load(shared_data / "dedup" / f"{name}s.jsonl.gz")}
    pairs = load(shared_data / "dedup" / f"{name}_pairs.jsonl.gz")
    alike = [(p["a"], p["b"]) for p in pairs if similarity(texts[p["a"]], texts[p["b"]]) >= 0.8]
    assert len(alike) > 20
    found = Corpus(texts).decide(MinHashDedup())
    gone = set(found["id"])
    assert sum(a in gone or b in gone for a, b in alike) / len(alike) > 0.98
    for row in found.filter(rule="near_duplicate").iter_rows(named=True):
        assert similarity(texts[row["id"]], texts[row["kept"]]) == pytest.approx(row["value"])
        assert row["value"] >= 0.8
