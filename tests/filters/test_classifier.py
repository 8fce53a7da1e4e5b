"""The quality classifier: training, what it reports, and the filter."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.step import failures
from corpusmill.filters.classifier import QualityClassifier, binary_metrics, prepare_texts, train_classifier

GOOD = {
    "zh": [
        "本院",
        "认为",
        "被告",
        "应当",
        "依照",
        "合同",
        "约定",
        "承担",
        "责任",
        "原告",
        "请求",
        "支持",
        "证据",
        "充分",
        "法律",
        "规定",
        "判决",
        "如下",
    ],
    "en": [
        "court",
        "finds",
        "that",
        "defendant",
        "shall",
        "perform",
        "duties",
        "under",
        "contract",
        "evidence",
        "statute",
        "therefore",
        "ordered",
    ],
}
BAD = {
    "zh": [
        "点击",
        "免费",
        "领取",
        "大奖",
        "加微信",
        "优惠",
        "秒杀",
        "赚钱",
        "首页",
        "登录",
        "注册",
        "下载",
        "热门",
        "推荐",
        "美女",
        "彩票",
    ],
    "en": [
        "click",
        "here",
        "free",
        "win",
        "prize",
        "login",
        "sign",
        "up",
        "download",
        "hot",
        "deals",
        "cheap",
        "casino",
        "subscribe",
        "now",
        "share",
    ],
}


def sentences(pools: dict[str, list[str]], n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [
        ("" if language == "zh" else " ").join(rng.choice(pools[language]) for _ in range(12))
        for _ in range(n)
        for language in ("zh", "en")
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "quality.bin"
    train_classifier(sentences(GOOD, 150, 1), sentences(BAD, 150, 2), path, buckets=10_000, dimensions=8)
    return path


def test_it_keeps_the_good_and_drops_the_bad(trained: Path) -> None:
    docs = Documents.from_texts([*sentences(GOOD, 20, 3), *sentences(BAD, 20, 4)])
    step = QualityClassifier(model=str(trained))
    step.prepare()
    measured = step.measure(docs)
    assert {row for row, *_ in failures(step, measured)} == set(range(40, 80))
    low = QualityClassifier(model=str(trained), label="low").measure(docs).signals["quality_score"]
    assert measured.signals["quality_score"] + low == pytest.approx(1, abs=1e-3)
    assert measured.text.equals(docs.text)


def test_a_score_does_not_depend_on_the_batch_or_on_line_breaks_and_case(trained: Path) -> None:
    step = QualityClassifier(model=str(trained))
    texts = [*sentences(GOOD, 5, 5), *sentences(BAD, 5, 6)]
    together = step.measure(Documents.from_texts(texts)).signals["quality_score"].tolist()
    alone = [step.measure(Documents.from_texts([t.upper() + "\n"])).signals["quality_score"][0] for t in texts]
    assert together == alone


def test_a_text_without_a_token_is_not_good(trained: Path) -> None:
    found = QualityClassifier(model=str(trained)).measure(Documents.from_texts(["", " \n\u200b"]))
    assert found.signals["quality_score"].tolist() == [0, 0]


def test_the_report_lies_beside_the_model(tmp_path: Path) -> None:
    good, bad = sentences(GOOD, 200, 1), sentences(BAD, 200, 2)
    good += [good[0].upper(), bad[0]]
    report = train_classifier(good, bad, tmp_path / "m.bin", held_out=0.25, seed=3, buckets=1000, dimensions=4)
    written = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert written["f1"] == report.f1 > 0.95
    assert written["settings"]["seed"] == 3
    assert (report.repeated, report.contradictory) == (1, 1)
    assert report.train_positive + report.held_out_positive == 400
    assert report.train_negative + report.held_out_negative == 399
    assert report.held_out_positive + report.held_out_negative == pytest.approx(200, abs=50)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.bin", "m.json"]


def test_the_same_texts_in_any_order_give_the_same_model(tmp_path: Path) -> None:
    good, bad = sentences(GOOD, 60, 1), sentences(BAD, 60, 2)
    train_classifier(good, bad, tmp_path / "m.bin", buckets=1000, dimensions=4)
    first = (tmp_path / "m.bin").read_bytes()
    random.Random(0).shuffle(good)
    train_classifier(good, bad[::-1], tmp_path / "m.bin", buckets=1000, dimensions=4)
    assert (tmp_path / "m.bin").read_bytes() == first
    train_classifier(good, bad, tmp_path / "m.bin", buckets=1000, dimensions=4, seed=1)
    assert (tmp_path / "m.bin").read_bytes() != first


def test_held_out_texts_were_not_trained_on(tmp_path: Path) -> None:
    """Labels drawn by lot cannot be learned: a score above chance on held-out texts would be a leak."""
    texts = list(dict.fromkeys(sentences(GOOD, 600, 7)))
    random.Random(0).shuffle(texts)
    good, bad = texts[::2], texts[1::2]
    report = train_classifier(good * 3, bad * 3, tmp_path / "m.bin", held_out=0.3, buckets=1000, dimensions=4)
    assert 0.35 < report.auc < 0.65
    assert report.repeated == 2 * len(texts)


def test_too_few_texts(tmp_path: Path) -> None:
    with pytest.raises(CorpusmillError, match="too few negative texts"):
        train_classifier(sentences(GOOD, 50, 1), ["坏", "bad"], tmp_path / "m.bin")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_missing_or_not_one_or_without_the_label(tmp_path: Path, trained: Path) -> None:
    with pytest.raises(CorpusmillError, match="no fastText model at"):
        QualityClassifier(model=str(tmp_path / "none.bin")).prepare()
    (tmp_path / "text.bin").write_text("not a model at all", encoding="utf-8")
    with pytest.raises(CorpusmillError, match="not a fastText model"):
        QualityClassifier(model=str(tmp_path / "text.bin")).prepare()
    with pytest.raises(CorpusmillError, match="no label 'great'; it has: high, low"):
        QualityClassifier(model=str(trained), label="great").prepare()


def test_prepared_texts() -> None:
    assert prepare_texts(["你好，World's\n3.5mg！", "__label__x A\tB", ""]) == [
        "你 好 ， world ' s 3 . 5mg ！",
        "_ _ label _ _ x a b",
        "",
    ]


def test_metrics_by_hand() -> None:
    truth = np.array([True, True, True, False, False])
    found = binary_metrics(truth, np.array([0.9, 0.6, 0.2, 0.6, 0.1]))
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(2 / 3)
    assert found["auc"] == pytest.approx((2 + 1.5 + 1) / 6)
    assert binary_metrics(~truth, np.zeros(5))["f1"] == 0


def test_metrics_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, scores = rng.random(500) < 0.3, rng.integers(0, 20, 500) / 20
    found = binary_metrics(truth, scores)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, scores >= 0.5))


def test_sentiment(shared_data: Path, tmp_path: Path) -> None:
    for name, least in (("chnsenticorp_train", 0.86), ("sst2_train", 0.76)):
        with gzip.open(shared_data / "classify" / f"{name}.jsonl.gz") as file:
            rows = [json.loads(line) for line in file]
        kinds = [[row["text"] for row in rows if row["label"] == label] for label in (1, 0)]
        report = train_classifier(*kinds, tmp_path / "m.bin")
        assert report.accuracy > least
