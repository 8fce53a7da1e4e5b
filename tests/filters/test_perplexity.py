"""Perplexity: the n-gram model against a plain reference, both backends on clean and broken text."""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError, MissingExtra
from corpusmill.curate.step import failures
from corpusmill.filters import ngram_model
from corpusmill.filters.ngram_model import CODE_POINTS, END, NgramModel, train_ngram
from corpusmill.filters.perplexity import Perplexity, sample_pieces

TINY = ["abab", "abc", "甲乙甲", "ba甲c", "aab", "甲乙", "abcab"]


def strings(texts: list[str]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


class Reference:
    """Interpolated modified Kneser-Ney by dictionaries, one probability at a time."""

    def __init__(self, texts: list[str], order: int, min_count: int) -> None:
        self.order = order
        raw: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
        for text in texts:
            symbols = [END, *map(ord, text), END]
            for n in range(1, order + 1):
                raw[n].update(tuple(symbols[i : i + n]) for i in range(1 if n == 1 else 0, len(symbols) - n + 1))
        self.counts: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
        for n in range(1, order + 1):
            for gram in raw[n]:
                if n == order or (n > 1 and gram[0] == END):
                    self.counts[n][gram] = raw[n][gram]
            if n < order:
                for gram in raw[n + 1]:
                    if not (n > 1 and gram[1] == END):
                        self.counts[n][gram[1:]] += 1
        self.kept = [{g for g, c in raw[n].items() if n == 1 or c >= min_count} for n in range(order + 1)]
        self.total = [defaultdict(int) for _ in range(order + 1)]
        for n in range(1, order + 1):
            for gram, count in self.counts[n].items():
                self.total[n][gram[:-1]] += count
        self.discounts = [ngram_model._discounts(np.array(list(c.values()), np.int64)) for c in self.counts]

    def probability(self, history: tuple[int, ...], symbol: int) -> float:
        n = len(history) + 1
        below = 1 / (len(self.kept[1]) + 1) if n == 1 else self.probability(history[1:], symbol)
        if not self.total[n][history]:
            return below
        share, left = 0.0, 1.0
        for gram in self.kept[n]:
            if gram[:-1] == history:
                count = self.counts[n][gram]
                part = max(count - self.discounts[n][min(count, 3)], 0) / self.total[n][history]
                left -= part
                share += part if gram[-1] == symbol else 0.0
        found = share + left * below
        return found if n > 1 or (symbol,) in self.kept[1] else found / (CODE_POINTS - len(self.kept[1]) + 1)

    def bits(self, text: str) -> float:
        symbols = [END, *map(ord, text), END]
        return -sum(
            math.log2(self.probability(tuple(symbols[max(0, i - self.order + 1) : i]), symbols[i]))
            for i in range(1, len(symbols))
        )


@pytest.mark.parametrize(("order", "min_count"), [(2, 1), (3, 1), (3, 2), (5, 1)])
def test_the_model_is_kneser_ney(tmp_path: Path, order: int, min_count: int) -> None:
    train_ngram(TINY, tmp_path / "m", order=order, min_count=min_count)
    model, reference = NgramModel(tmp_path / "m"), Reference(TINY, order, min_count)
    texts = [*TINY, "cab甲", "zab", "a乙z甲z", "q", "bbbbbbbb", "乙乙abcabab"]
    bits, sizes, symbols = model.bits(strings(texts), 1 << 16)
    assert bits == pytest.approx([reference.bits(text) for text in texts], rel=1e-5)
    assert sizes.tolist() == [len(text.encode()) for text in texts]
    assert symbols.tolist() == [len(text) + 1 for text in texts]


@pytest.mark.parametrize("min_count", [1, 2])
def test_what_may_follow_adds_up_to_one(tmp_path: Path, min_count: int) -> None:
    train_ngram(TINY, tmp_path / "m", order=4, min_count=min_count)
    model = NgramModel(tmp_path / "m")
    backoff = np.zeros((2, ngram_model.MAX_ORDER + 1))

    def probability(history: list[int], symbol: int) -> float:
        points = np.array([*history, symbol], np.uint32)
        table, unseen = model._table, model.unknown - model._unseen
        values = table.view(np.float32)
        return 2.0 ** -ngram_model._bits(points, len(history), len(points), table, values, model.order, unseen, backoff)

    for history in ("", "a", "ab", "aba", "甲乙", "z", "za", "az", "cab甲"):
        before = [END, *map(ord, history)]
        total = sum(probability(before, symbol) for symbol in (END, *map(ord, "abc甲乙")))
        total += (CODE_POINTS - 5) * probability(before, ord("z"))
        assert total == pytest.approx(1, abs=1e-6), history


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the test suite's own sentences, Chinese and English alike."""
    path = tmp_path_factory.mktemp("ngram") / "clean.ngram"
    train_ngram([*ZH_TRAIN, *EN_TRAIN] * 2, path)
    return path


ZH_TRAIN = [
    f"{who}{when}{what}，{then}。"
    for who in ("法院", "患者", "老师", "我们的邻居", "这家公司")
    for when in ("昨天", "今年", "在会议上", "经过检查以后")
    for what in ("提出了新的意见", "听取了医生的建议", "签订了一份合同", "回答了所有问题")
    for then in ("大家都表示同意", "情况有了好转", "工作已经完成")
]
EN_TRAIN = [
    f"{who} {what} {when}, and {then}."
    for who in ("The court", "The patient", "Our teacher", "The old neighbour", "This company")
    for when in ("yesterday", "this year", "at the meeting", "after the examination")
    for what in ("made a new proposal", "followed the doctor's advice", "signed a contract", "answered every question")
    for then in ("everybody agreed", "things have improved", "the work is done")
]
ZH_HELD_OUT = "老师听取了患者的意见，合同已经签订，大家回答了问题。"
EN_HELD_OUT = "The teacher followed the proposal of the court, and the patient has improved."
ZH_SPAM = "加薇信领取彩金❤️百家乐亰钛老虎机首存送888，点击进入官网ww3.xx88.vip"
EN_SPAM = "BUY cheap V1AGRA online!!! $$$ FREE bonus casino >>> xx88.vip/promo?id=7731 <<< WINNER"


def bits_per_byte(model: Path, *texts: str) -> list[float]:
    return Perplexity(model=str(model)).measure(Documents.from_texts(texts)).signals["bits_per_byte"].tolist()


@pytest.mark.parametrize(("clean", "spam"), [(ZH_HELD_OUT, ZH_SPAM), (EN_HELD_OUT, EN_SPAM)])
def test_clean_text_costs_least(trained: Path, clean: str, spam: str) -> None:
    shuffled = "".join(random.Random(0).sample(clean, len(clean)))
    garbage = "".join(chr(random.Random(1).randrange(0x21, 0x2FFF)) for _ in range(60))
    best, *others = bits_per_byte(trained, clean, shuffled, garbage, spam)
    assert best < 0.75 * min(others)


def test_signals_and_rules(trained: Path) -> None:
    texts = [ZH_HELD_OUT, EN_HELD_OUT, ZH_SPAM, EN_SPAM, ""]
    step = Perplexity(model=str(trained), max_bits_per_byte={"default": 4.0, "zh": 3.0}, min_perplexity=0.0)
    docs = step.measure(Documents.from_texts(texts, language=["zh", "en", "zh", "en", "zh"]))
    assert set(step.signal_names) == set(docs.signals) == {"bits_per_byte", "perplexity"}
    dropped = {(row, rule.name, limit) for row, rule, _, limit in failures(step, docs)}
    assert dropped == {(2, "max_bits_per_byte", 3.0), (3, "max_bits_per_byte", 4.0)}
    assert math.isnan(docs.signals["bits_per_byte"][4])
    for row in range(4):
        bits = docs.signals["bits_per_byte"][row] * len(texts[row].encode())
        assert docs.signals["perplexity"][row] == pytest.approx(2 ** (bits / (len(texts[row]) + 1)), rel=1e-4)
    too_low = Perplexity(model=str(trained), min_bits_per_byte=9.0, max_perplexity=1.0)
    assert {rule.name for _, rule, *_ in failures(too_low, too_low.measure(docs))} == {
        "min_bits_per_byte",
        "max_perplexity",
    }


def test_long_documents_are_sampled(trained: Path) -> None:
    text = ZH_HELD_OUT * 10 + EN_HELD_OUT * 200
    step = Perplexity(model=str(trained), max_bytes=1001)
    found = NgramModel(trained).bits(strings([text, text[:100]]), 1001)
    assert found[1].tolist()[1] == len(text[:100].encode())
    assert 900 < found[1].tolist()[0] <= 1000
    pieces = sample_pieces(text, 1001)
    assert found[1].tolist()[0] == sum(len(piece.encode()) for piece in pieces)
    assert found[2].tolist()[0] == sum(map(len, pieces))
    changed = text[:-100] + "$" * 100  # neither at the start nor in the middle
    first, second = step.measure(Documents.from_texts([text, changed])).signals["bits_per_byte"].tolist()
    assert first == second
    assert sample_pieces("甲" * 33, 99) == ["甲" * 33]
    assert sample_pieces("甲" * 34, 99) == ["甲" * 16, "甲" * 16]


def test_training_is_reproducible_and_ignores_order(tmp_path: Path) -> None:
    report = train_ngram(TINY, tmp_path / "a", order=3)
    train_ngram(TINY[::-1], tmp_path / "b", order=3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert report.size == (tmp_path / "a").stat().st_size
    assert report.characters == sum(map(len, TINY))
    assert report.ngrams[1] == 6
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_counting_in_chunks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    train_ngram([*TINY, "a", "甲"], tmp_path / "whole", order=4, min_count=1)
    monkeypatch.setattr(ngram_model, "CHUNK", chunk)
    train_ngram([*TINY, "a", "甲"], tmp_path / "parts", order=4, min_count=1)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_only_so_much_text_is_read(tmp_path: Path) -> None:
    assert train_ngram(TINY, tmp_path / "m", max_bytes=6).characters == len("abababc")


def test_a_gpt_without_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "corpusmill.train.evaluate.scoring", None)
    with pytest.raises(MissingExtra, match=r"pip install 'corpusmill\[train\]'"):
        Perplexity(model=str(tmp_path)).prepare()


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusmillError, match="no text to train on"):
        train_ngram(["", ""], tmp_path / "m")
    with pytest.raises(ValueError, match="order is 9"):
        train_ngram(TINY, tmp_path / "m", order=9)
    with pytest.raises(CorpusmillError, match="there is no model at"):
        Perplexity(model=str(tmp_path / "none")).prepare()
    (tmp_path / "bad").write_bytes(b"no model")
    with pytest.raises(CorpusmillError, match="not an n-gram model that can be read"):
        Perplexity(model=str(tmp_path / "bad")).prepare()
    with pytest.raises(CorpusmillError, match="no model in"):
        Perplexity(model=str(tmp_path)).prepare()


@pytest.mark.parametrize(("name", "bound"), [("zh/news_docs", 3.3), ("web/c4_docs", 2.9)])
def test_real_text(shared_data: Path, tmp_path: Path, name: str, bound: float) -> None:
    with gzip.open(shared_data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    train_ngram(texts[30:], tmp_path / "m")
    clean = np.array(bits_per_byte(tmp_path / "m", *texts[:30]))
    rng = random.Random(0)
    shuffled = np.array(bits_per_byte(tmp_path / "m", *("".join(rng.sample(t, len(t))) for t in texts[:30])))
    assert np.median(clean) < bound
    assert (clean < 0.9 * shuffled).all()
    assert np.median(clean / shuffled) < 0.75
