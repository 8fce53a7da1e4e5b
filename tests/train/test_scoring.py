"""Scores of texts by a trained model, and the filter that stores them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from made_corpus import documents, write_split

from corpusmill.curate.documents import Documents
from corpusmill.filters.perplexity import Perplexity, sample_pieces
from corpusmill.train import evaluate_corpus
from corpusmill.train.evaluate.scoring import load_scorer

LONG = [
    "法院听取了漫长的故事。老教师记住了每一个问题。" * 12,
    "The court heard the long story. A small river followed. " * 9,
]


@pytest.mark.parametrize("text", [*LONG, "患者描述了医生的建议。", "Our neighbour refused a new contract."])
def test_the_filter_agrees_with_evaluation(run: Path, tmp_path: Path, text: str) -> None:
    write_split(tmp_path, "validation", [(text, "zh", "Hans")])
    expected = evaluate_corpus(run, tmp_path)["bits_per_byte"]
    docs = Perplexity(model=str(run), device="cpu").measure(Documents.from_texts([text]))
    assert docs.signals["bits_per_byte"][0] == pytest.approx(expected, abs=1e-4)


def test_a_text_costs_the_same_in_any_company(run: Path) -> None:
    texts = [*LONG, *(text for text, *_ in documents(20, seed=5))]
    scorer = load_scorer(run, "cpu")
    nats, counts = scorer.score(texts)
    assert nats == pytest.approx([float(scorer.score([text])[0][0]) for text in texts], rel=1e-5)
    assert counts.tolist() == [len(ids) + 1 for ids in scorer.tokenizer.encode_batch(texts)]
    open_ended, fewer = scorer.score(texts[:2], [True, False])
    assert open_ended[0] == pytest.approx(nats[0], rel=1e-5)
    assert open_ended[1] < nats[1]
    assert fewer[1] == counts[1] - 1


def test_clean_text_costs_less_than_broken(run: Path) -> None:
    step = Perplexity(model=str(run), device="cpu")
    for clean in (
        "患者描述了医生的建议。老教师拒绝了早晨的列车。",
        "The patient described the doctor's advice. The old teacher refused.",
    ):
        broken = "".join(random.Random(0).sample(clean, len(clean)))
        signals = step.measure(Documents.from_texts([clean, broken, "", "❤️加薇信ww3.xx88 >>> $$$"])).signals
        bits = signals["bits_per_byte"]
        assert bits[0] < 0.75 * min(bits[1], bits[3])
        assert signals["perplexity"][0] < signals["perplexity"][1]
        assert np.isnan(bits[2])


def test_long_documents_are_read_in_part(run: Path) -> None:
    step = Perplexity(model=str(run), device="cpu", max_bytes=300)
    text = LONG[0]
    found = step.measure(Documents.from_texts([text])).signals["bits_per_byte"][0]
    nats, _ = load_scorer(run, "cpu").score(sample_pieces(text, 300), [False, False])
    assert found == pytest.approx(nats.sum() / np.log(2) / 300, rel=1e-5)


def test_the_weights_are_part_of_the_fingerprint(run: Path) -> None:
    found = Perplexity(model=str(run)).fingerprint()
    assert len(found["content"]["model"]) == 64
