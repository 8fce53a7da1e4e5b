"""What each option of a classifier's fine-tuning does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xxhash
from safetensors.torch import load_file

from corpusmill.train import (
    ClassifierConfig,
    InstructConfig,
    classify,
    finetune_classifier,
    finetune_instructions,
)
from corpusmill.train.finetune.classification import _apart, default_ngrams
from corpusmill.train.finetune.classifier import Classifier, Row, load_classifier
from corpusmill.train.finetune.ngrams import NgramWeights
from corpusmill.train.loop.checkpoint import Checkpoints, find_checkpoint, load_model
from corpusmill.train.loop.progress import read_metrics

GOOD = ["The patient remembered", "一份新合同", "我们的邻居"]
MARKS = np.array([[1, 0], [0, 1]] * 60, np.float32)
BAD = ["The court refused", "医生的建议", "一条小河"]
TEXTS = [f"{(GOOD if i % 2 else BAD)[i // 2 % 3]} {i}" for i in range(120)]

SEVERAL = [" ".join(w for j, w in enumerate(("法", "医", "the")) if i >> j & 1) + f" {i % 7}" for i in range(80)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    rows = [{"text": text, "label": "good" if i % 2 else "bad"} for i, text in enumerate(TEXTS)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def tuned(run: Path, data: Path, tmp_path: Path) -> Any:
    """Fine-tunes with some settings; returns the run's folder and its report."""

    def tune(name: str, **settings: Any) -> tuple[Path, dict[str, Any]]:
        given = {"base": run, "train": data, "output": tmp_path / name, "device": "cpu", "warmup_steps": 2}
        given |= {"baseline": False, "patience": None, "batch_size": 16, "ngrams": 0} | settings
        return tmp_path / name, finetune_classifier(ClassifierConfig(**given))

    return tune


def weights(folder: Path) -> torch.Tensor:
    """All that the last checkpoint holds."""
    latest = Checkpoints(folder).latest()
    assert latest is not None
    tensors = load_file(latest / "model.safetensors")
    return torch.cat([tensors[name].double().flatten() for name in sorted(tensors)])


@pytest.fixture
def classifier(run: Path) -> Classifier:
    model, tokenizer, _ = load_model(run)
    return Classifier(model, tokenizer, ["bad", "good"])


def test_ngrams_learn_what_a_model_that_stands_still_cannot(tuned: Any) -> None:
    settings = {"learning_rate": 1e-9, "epochs": 6}
    _, without = tuned("without", **settings)
    folder, found = tuned("with", ngrams=2, **settings)
    assert without["test"]["accuracy"] < 0.8
    assert found["test"]["accuracy"] > 0.9
    assert (without["ngrams"], found["ngrams"]["known"] > 20) == (0, True)
    # Of the two the n-grams alone know anything.
    assert found["ngrams"]["weights"][1] > 0.5
    assert classify(folder, ["我们的邻居 777", "医生的建议 777"]) == ["good", "bad"]


def test_head_and_ngrams_count_alike_at_first(classifier: Classifier) -> None:
    torch.nn.init.normal_(classifier.head.weight)
    rows = classifier.encode(["一份新合同", "The court"])[0]
    with torch.no_grad():
        alone = classifier.scores(rows)
        classifier.ngrams = NgramWeights.fit(TEXTS, MARKS, 1, several=False)
        rows = classifier.encode(["一份新合同", "The court"])[0]
        wide = classifier.ngrams.scores([row.counts for row in rows if row.counts is not None])
        assert torch.allclose(2 * classifier.scores(rows), alone.log_softmax(1) + wide.log_softmax(1), atol=1e-6)
        classifier.several = True
        assert torch.allclose(2 * classifier.scores(rows), alone + wide, atol=1e-6)


def test_ngrams_that_are_kept_have_seen_the_validation_split(tuned: Any) -> None:
    folder, report = tuned("run", ngrams=1, max_steps=1, validation_share=0.4)
    read = load_classifier(Path(report["best_checkpoint"]), folder / "labels.json", torch.device("cpu"))
    assert read.ngrams is not None
    seen = set(read.ngrams.tensors["keys"].tolist())
    counted = report["examples"]
    # The number in each text is its own: pieces of numbers aside, every text that was not held out for the test adds one.
    numbers = [int(xxhash.xxh3_64_intdigest(str(i).encode())) - (1 << 63) for i in range(120)]
    assert sum(number in seen for number in numbers) == counted["train"] + counted["validation"]


def test_ngrams_are_for_small_models(tuned: Any) -> None:
    assert (default_ngrams(5_000_000), default_ngrams(124_000_000)) == (3, 0)
    assert tuned("run", ngrams=None, max_steps=1)[1]["ngrams"]["known"] > 0


def test_counts_are_tf_idf_by_unevenness() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    from corpusmill.train.evaluate.baselines import fasttext_line

    def grams(text: str) -> list[str]:
        words = ["<s>", *fasttext_line(text).split(), "</s>"]
        return words[1:-1] + [" ".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)]

    def pieces(text: str) -> list[str]:
        words = [f"_{word}_" for word in fasttext_line(text).split() if len(word) > 1]
        return [word[i : i + n] for word in words for n in (2, 3, 4, 5) for i in range(len(word) - n + 1)]

    def share(text: str) -> float:
        words = fasttext_line(text).split()
        return sum(len(word) > 1 for word in words) / len(words)

    blocks = [CountVectorizer(analyzer=analyzer).fit(TEXTS) for analyzer in (grams, pieces)]
    held = np.hstack([block.transform(TEXTS).toarray() > 0 for block in blocks])
    inside, outside = (1 + held[MARKS[:, 1] == mark].sum(axis=0) for mark in (1, 0))
    # Of two labels one's ratio is the other's turned round.
    worth = np.abs(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))
    worth *= 1 + np.log((1 + len(TEXTS)) / (1 + held.sum(axis=0)))
    cut = len(blocks[0].vocabulary_)

    def rows(texts: list[str]) -> Any:
        counts = [block.transform(texts).toarray() for block in blocks]
        logs = [np.where(count, 1 + np.log(np.maximum(count, 1)), 0) for count in counts]
        shares = np.sqrt([[share(text)] for text in texts])
        return np.hstack([normalize(logs[0] * worth[:cut]), normalize(logs[1] * worth[cut:]) * shares])

    made = NgramWeights.fit(TEXTS, MARKS, 3, several=False)
    assert len(made.tensors["keys"]) == held.shape[1]
    for row, counts in zip(rows(TEXTS), made.count(TEXTS), strict=True):
        assert np.allclose(np.sort(row[row > 0]), np.sort(counts.weights), atol=1e-5)
    model = LogisticRegression(C=10, max_iter=100).fit(rows(TEXTS), MARKS[:, 1])
    others = ["一份新合同 一份", "of nothing known", "The court refused 我们的邻居"]
    chances = made.scores(made.count(others)).softmax(dim=1)[:, 1]
    assert np.allclose(chances, model.predict_proba(rows(others))[:, 1], atol=1e-3)


def test_pieces_know_words_that_were_never_seen() -> None:
    texts = [f"{word} {i}" for i, word in enumerate(["wonderfully", "dreadfully"] * 60)]
    made = NgramWeights.fit(texts, MARKS, 1, several=False)
    assert made.scores(made.count(["wonders", "dreadnought"])).argmax(dim=1).tolist() == [0, 1]
    assert not made.scores(made.count(["字", "!"])).sub(made.tensors["bias"]).any()


def test_ngrams_of_several_labels() -> None:
    marks = np.array([["法" in t, "医" in t, "the" in t] for t in SEVERAL], np.float32)
    made = NgramWeights.fit(SEVERAL, marks, 1, several=True)
    assert np.array_equal(made.scores(made.count(SEVERAL)).sigmoid().numpy() > 0.5, marks > 0)


def test_a_label_that_every_text_has() -> None:
    marks = np.array([["法" in t, True] for t in SEVERAL], np.float32)
    chances = NgramWeights.fit(SEVERAL, marks, 1, several=True)
    assert (chances.scores(chances.count(["法 1", "unheard of"])).sigmoid()[:, 1] > 0.9).all()


def test_a_thousand_texts_need_no_word_that_only_one_has() -> None:
    marks = np.array([[1, 0], [0, 1]] * 500, np.float32)
    assert (
        len(NgramWeights.fit([f"{chr(0x4E00 + i)}是" for i in range(1000)], marks, 1, several=False).tensors["keys"])
        == 1
    )


@pytest.mark.parametrize("several", [False, True])
def test_weights_follow_who_is_right(classifier: Classifier, several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(np.eye(2)[rng.integers(0, 2, 400)])
    noise = [torch.from_numpy(rng.normal(size=(400, 2))) for _ in range(2)]
    classifier.several, classifier.ngrams = several, NgramWeights.fit(TEXTS, MARKS, 1, several=False)
    rows = [Row([i]) for i in range(400)]
    found = []
    for right in (0, 1):
        answers = [3 * truth + noise[0], 3 * noise[1]][:: 1 if right == 0 else -1]
        at = lambda some, a=answers: (*(x[[row.ids[0] for row in some]] for x in a), None, None)  # noqa: E731
        monkeypatch.setattr(classifier, "answers", at)
        classifier.weigh(rows, truth)
        found.append(classifier.weights)
    assert found[0][0] > 5 * found[0][1]
    assert found[1][1] > 5 * found[1][0]


def test_the_last_checkpoint_is_kept_unless_the_best_is_asked_for(tuned: Any) -> None:
    settings = {"max_steps": 20, "evaluate_every": 2, "learning_rate": 3e-3}
    for choose in ("last", "best"):
        folder, report = tuned(choose, choose=choose, **settings)
        values = {r["step"]: r["f1_macro"] for r in read_metrics(folder / "metrics.jsonl") if "f1_macro" in r}
        step = 20 if choose == "last" else max(values, key=lambda s: (values[s], -s))
        assert report["best_step"] == step
        assert report["best_checkpoint"].endswith(f"step-{step:08}")
        assert find_checkpoint(folder).name == f"step-{step:08}"
        assert report["validation_f1_macro"] == values[step]
        assert report["against_overfitting"]["choose"] == choose


def test_uncased_reads_one_width_and_no_capitals(run: Path, classifier: Classifier, tuned: Any) -> None:
    plain, shouted = ["abc 合同,乙方", "the court"], ["ＡＢＣ 合同，乙方", "The COURT"]
    assert classifier.encode(plain)[0] != classifier.encode(shouted)[0]
    folded = Classifier(classifier.model, classifier.tokenizer, classifier.labels, uncased=True)
    assert folded.encode(plain)[0] == folded.encode(shouted)[0] == classifier.encode(plain)[0]
    folder, report = tuned("run", uncased=True, max_steps=1)
    read = load_classifier(Path(report["best_checkpoint"]), folder / "labels.json", torch.device("cpu"))
    assert read.encode(shouted)[0] == folded.encode(shouted)[0]


def test_token_dropout_is_for_training_only(classifier: Classifier) -> None:
    torch.nn.init.normal_(classifier.head.weight)
    rows = classifier.encode(TEXTS[:8])[0]
    classifier.model.train()
    torch.manual_seed(0)
    with torch.no_grad():
        first, second = classifier.answers(rows, 0.5)[0], classifier.answers(rows, 0.5)[0]
        assert not torch.allclose(first, second)
        classifier.model.eval()
        assert torch.equal(classifier.answers(rows, 0.5)[0], classifier.answers(rows)[0])


def test_what_is_dropped_are_tokens_between_the_ends(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    forward = classifier.model.forward
    monkeypatch.setattr(classifier.model, "forward", lambda tokens: (seen.append(tokens), forward(tokens))[1])
    end = classifier.tokenizer.end_of_text
    row = Row([end, *range(20, 220), end])
    classifier.model.config = classifier.model.config.model_copy(update={"context": 256})
    classifier.model.train()
    torch.manual_seed(0)
    classifier.answers([row], 0.25)
    left = seen[0][0].tolist()
    assert left == [end, *sorted(left[1:-1]), end]
    assert 120 < len(left) - 2 < 180


def test_language_loss_is_the_models(classifier: Classifier) -> None:
    rows = classifier.encode(["The court refused", "医生的建议和一份新合同"])[0]
    with torch.no_grad():
        _, _, given, hidden = classifier.answers(rows)
        loss = classifier.language_loss(given, hidden)
        nats = 0.0
        for row in rows:
            tokens = torch.tensor([row.ids])
            nats += float(classifier.model.loss(classifier.model(tokens[:, :-1]), tokens[:, 1:]))
    assert float(loss) == pytest.approx(nats / sum(len(row.ids) - 1 for row in rows), rel=1e-5)


def test_language_loss_keeps_the_model_a_language_model(tuned: Any, run: Path) -> None:
    lost = []
    for weight in (0.0, 1.0):
        folder, report = tuned(f"run-{weight}", language_loss=weight, epochs=3, learning_rate=3e-3)
        read = load_classifier(Path(report["best_checkpoint"]), folder / "labels.json", torch.device("cpu"))
        with torch.no_grad():
            _, _, given, hidden = read.answers(read.encode(TEXTS[:30])[0])
            lost.append(float(read.language_loss(given, hidden)))
    assert lost[1] < 0.8 * lost[0]


@pytest.mark.parametrize("several", [False, True])
def test_the_distance_of_two_answers(several: bool) -> None:
    first, second = torch.tensor([[1.0, -0.5, 0.2]]), torch.tensor([[0.3, 0.4, -1.0]])
    assert float(_apart(first, first, several)) == 0.0
    if several:
        p, q = first.sigmoid(), second.sigmoid()
        there = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
        back = (q * (q / p).log() + (1 - q) * ((1 - q) / (1 - p)).log()).mean()
    else:
        p, q = first.log_softmax(1), second.log_softmax(1)
        there = F.kl_div(q, p, log_target=True, reduction="sum")
        back = F.kl_div(p, q, log_target=True, reduction="sum")
    assert float(_apart(first, second, several)) == pytest.approx(float(there + back) / 2, rel=1e-5)


def test_consistency_brings_the_answers_together(tuned: Any) -> None:
    apart = []
    for weight in (0.0, 10.0):
        settings = {"consistency": weight, "dropout": 0.3, "epochs": 6, "learning_rate": 3e-3}
        folder, report = tuned(f"run-{weight}", **settings)
        read = load_classifier(Path(report["best_checkpoint"]), folder / "labels.json", torch.device("cpu"))
        read.model.train()
        torch.manual_seed(1)
        with torch.no_grad():
            rows = read.encode(TEXTS)[0]
            apart.append(float(_apart(read.scores(rows), read.scores(rows), False)))
    assert apart[1] < 0.7 * apart[0]


def test_accumulation_equals_the_large_batch(tuned: Any) -> None:
    settings = {"max_steps": 4, "batch_size": 24, "ngrams": 2, "learning_rate": 1e-3}
    whole, _ = tuned("whole", **settings)
    for parts in (3, 24):
        found, _ = tuned(f"parts-{parts}", accumulate=parts, **settings)
        a, b = weights(found), weights(whole)
        assert float((a - b).norm() / b.norm()) < 1e-6


def test_accumulation_of_instructions(run: Path, tmp_path: Path) -> None:
    rows = [{"instruction": f"问题{i}", "output": TEXTS[i] * (1 + i % 3)} for i in range(40)]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    found = []
    for parts in (1, 4):
        given: dict[str, Any] = {"base": run, "train": path, "output": tmp_path / str(parts), "device": "cpu"}
        finetune_instructions(
            InstructConfig(**given, max_steps=3, batch_tokens=384, accumulate=parts, learning_rate=1e-3)
        )
        found.append(weights(tmp_path / str(parts)))
    assert float((found[1] - found[0]).norm() / found[0].norm()) < 1e-6


def test_bfloat16_products_leave_weights_whole(tuned: Any) -> None:
    settings = {"max_steps": 3, "learning_rate": 1e-3}
    exact, rough = (weights(tuned(kind, precision=kind, **settings)[0]) for kind in ("float32", "bfloat16"))
    assert 0 < float((rough - exact).norm() / exact.norm()) < 0.05
    assert not torch.equal(exact.bfloat16().double(), exact)
    assert not torch.equal(rough.bfloat16().double(), rough)
