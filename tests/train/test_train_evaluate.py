from __future__ import annotations

import gzip
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch
from made_corpus import documents

from corpusmill.train import (
    GPT,
    ModelConfig,
    PretrainResult,
    Tokenizer,
    classification_metrics,
    evaluate_corpus,
    fasttext_classification,
    gzip_bits_per_byte,
    unigram_bits_per_byte,
)
from corpusmill.train.data.batches import Batch, Validation, token_cache
from corpusmill.train.evaluate.baselines import fasttext_line
from corpusmill.train.evaluate.bits import bits_per_byte, token_losses

if TYPE_CHECKING:
    from corpusmill.train.loop.distributed import World


@pytest.fixture(scope="module")
def validation(corpus: Path, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Validation:
    cache = token_cache(corpus, "validation", tokenizer, tmp_path_factory.mktemp("cache"))
    return Validation(cache, context=48, rows=4, max_tokens=None, seed=0)


def test_a_model_that_knows_nothing_pays_log2_of_the_vocabulary(validation: Validation) -> None:
    model = GPT(ModelConfig(vocab_size=512, hidden_size=32, intermediate_size=32, layers=1, heads=1, kv_heads=1))
    torch.nn.init.zeros_(model.model.embed_tokens.weight)
    with torch.no_grad():
        found = bits_per_byte(model, validation, torch.device("cpu"))
    docs = documents(40, seed=2)
    assert found["loss"] == pytest.approx(math.log(512), rel=1e-5)
    tokens = {"zh": 0, "en": 0}
    for i, (_, language, _) in enumerate(docs):
        tokens[language] += len(validation.cache.document(i))
    for language in ("zh", "en"):
        size = sum(len(text.encode()) for text, name, _ in docs if name == language)
        assert found["by_language"][language] == pytest.approx(9 * tokens[language] / size, rel=1e-5)
    size = sum(len(text.encode()) for text, _, _ in docs)
    assert found["bits_per_byte"] == pytest.approx(9 * sum(tokens.values()) / size, rel=1e-5)
    assert found["by_domain"] == {"made": pytest.approx(found["bits_per_byte"])}
    part = Validation(validation.cache, context=48, rows=3, max_tokens=400, seed=1)
    with torch.no_grad():
        found = bits_per_byte(model, part, torch.device("cpu"))
    count = sum(len(validation.cache.document(int(i))) for i in part.documents)
    assert found["bits_per_byte"] == pytest.approx(9 * count / sum(part.bytes_by_language().values()), rel=1e-5)


def test_processes_share_an_evaluation(validation: Validation) -> None:
    torch.manual_seed(0)
    model = GPT(ModelConfig(vocab_size=512, hidden_size=32, intermediate_size=32, layers=1, heads=1, kv_heads=1))
    device = torch.device("cpu")
    passes: list[int] = []

    @dataclass
    class Third:
        """One of three; keeps its part instead of adding it to the others'."""

        rank: int
        parts: list[torch.Tensor] = field(default_factory=list)
        size: int = 3

        def sum(self, values: torch.Tensor) -> torch.Tensor:
            self.parts.append(values)
            return values

    def losses(batch: Batch) -> torch.Tensor:
        passes[-1] += 1
        return token_losses(model.logits(model(batch.tokens, batch.segments)), batch.targets)

    thirds = [Third(rank) for rank in range(3)]
    with torch.no_grad():
        whole = bits_per_byte(model, validation, device)
        for third in thirds:
            passes.append(0)
            bits_per_byte(model, validation, device, losses=losses, world=cast("World", third))
    nats, count = (sum(float(third.parts[i].sum()) for third in thirds) for i in range(2))
    assert nats / count == pytest.approx(whole["loss"])
    assert len(validation) % 3
    assert len(set(passes)) == 1  # shards of a model meet in every pass


def test_evaluate_corpus_agrees_with_training(run: Path, pretrained: PretrainResult, corpus: Path) -> None:
    found = evaluate_corpus(run, corpus)
    assert found["bits_per_byte"] == pytest.approx(pretrained.bits_per_byte, rel=1e-4)
    assert found["documents"] == 40
    assert evaluate_corpus(run, corpus, split="train", max_tokens=500)["documents"] < 40


def test_unigram_against_a_plain_count(
    corpus: Path, tokenizer: Tokenizer, validation: Validation, tmp_path: Path
) -> None:
    train = token_cache(corpus, "train", tokenizer, tmp_path)
    (held_out,) = validation.cache.caches
    counts: dict[int, int] = {}
    for token in train.tokens.tolist():
        counts[token] = counts.get(token, 0) + 1
    size = max(*counts, int(held_out.tokens.max())) + 1
    total = sum(counts.values()) + size
    bits = sum(-math.log2((counts.get(t, 0) + 1) / total) for t in held_out.tokens.tolist())
    text_bytes = sum(len(text.encode()) for text, _, _ in documents(40, seed=2))
    assert unigram_bits_per_byte(train, validation) == pytest.approx(bits / text_bytes, rel=1e-9)


def test_gzip_counts_bytes_not_characters() -> None:
    texts = ["法院听取了漫长的故事。" * 20, "The court heard the long story. " * 20]
    data = "\n".join(texts).encode()
    assert gzip_bits_per_byte(texts) == pytest.approx(8 * len(gzip.compress(data, 9, mtime=0)) / len(data))
    assert gzip_bits_per_byte(texts) < 1.0
    noise = np.random.default_rng(0).integers(33, 126, 5000).astype(np.uint8).tobytes().decode()
    assert gzip_bits_per_byte([noise]) > 6


def test_metrics_by_hand() -> None:
    truth = ["a", "a", "a", "b", "b", "c"]
    found = classification_metrics(truth, ["a", "a", "b", "b", "a", "b"], ["a", "b", "c"])
    assert found["accuracy"] == pytest.approx(3 / 6)
    assert found["classes"]["a"] == {
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
        "support": 3,
    }
    assert found["classes"]["b"]["precision"] == pytest.approx(1 / 3)
    assert found["classes"]["c"]["f1"] == 0
    assert found["f1_macro"] == pytest.approx((2 / 3 + 0.4 + 0) / 3)
    assert found["confusion_matrix"] == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    with pytest.raises(ValueError, match="at least one"):
        classification_metrics([], [], ["a"])


def test_fasttext_learns_chinese_and_english_and_repeats() -> None:
    good, bad = ["服务很好", "lovely clean room"], ["房间太脏", "a rude waiter"]
    train = [(f"{text} {i}", "good") for i in range(30) for text in good]
    train += [(f"{text} {i}", "bad") for i in range(30) for text in bad]
    test = ["这里服务很好", "房间真脏", "a lovely room", "rude people"]
    found = fasttext_classification(train, test)
    assert found == ["good", "bad", "good", "bad"]
    assert fasttext_classification(train, test) == found


def test_fasttext_line_cuts_chinese_into_characters() -> None:
    assert fasttext_line("服务OK，\nGreat  Stay") == "服 务 ok， great stay"
