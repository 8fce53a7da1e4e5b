"""Recall: what it finds in a made-up pool, that it resumes, and that its output depends on its settings alone."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from corpusmill.curate.cli.app import app
from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.recall import pool as recall_pool
from corpusmill.curate.recall.report import purity, read_samples
from corpusmill.curate.recall.result import read_report
from corpusmill.curate.recall.rounds import recall
from corpusmill.filters import QualityClassifier
from corpusmill.filters.domain_grams import counts, grams, log_ratio, sums
from corpusmill.filters.domain_recall import drawn, lowest
from corpusmill.filters.text.buffers import TextBuffers

# Two genres of one made-up domain (sailing), Chinese and English, that share words, and text of other matters.
WORDS = {
    "zh": ("帆船 桅杆 舵手 缆绳 锚地 顺风 逆风 船舱 甲板 航向 潮水 港湾", "今天 我们 因为 所以 可以 需要 时候 一个 这样 如果 已经 大家",
           "面粉 鸡蛋 烤箱 白糖 黄油 足球 球员 比赛 进球 电影 演员 导演"),
    "en": ("sail mast rudder halyard anchor windward leeward cabin deck heading tide harbour", "we the and because then would should when such after already people",
           "flour eggs oven sugar butter football player match goal film actor director"),
}  # fmt: skip
MANUAL = {"zh": ("第{n}条 ", "操作时必须先检查", "，然后"), "en": ("Rule {n}. ", "always check the", ", then the")}
CHAT = {"zh": ("哈哈 ", "你昨天说的", "到底怎么弄"), "en": ("Hey! ", "what about my", "you know, the")}


def text(rng: random.Random, lang: str, about: bool, genre: dict[str, tuple[str, str, str]], n: int) -> str:
    domain, plain, others = (w.split() for w in WORDS[lang])
    head, middle, link = genre[lang]
    out = [head.format(n=n)]
    for _ in range(rng.randint(5, 9)):
        out += [rng.choice([middle, link]), *rng.choices(plain, k=3), *rng.choices(domain if about else others, k=2)]
    return ("" if lang == "zh" else " ").join(out)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed of manuals; a pool of 150 manuals and 150 chats about sailing, and 900 texts of other matters, half and half."""
    folder = tmp_path_factory.mktemp("recall")
    rng = random.Random(0)
    seed = [text(rng, lang, True, MANUAL, n) for lang in ("zh", "en") for n in range(60)]
    pool = []
    for lang in ("zh", "en"):
        for n in range(75):
            pool.append({"id": f"yes-manual-{lang}-{n}", "text": text(rng, lang, True, MANUAL, n), "page": n})
            pool.append({"id": f"yes-chat-{lang}-{n}", "text": text(rng, lang, True, CHAT, n), "page": n})
        for n in range(450):
            pool.append(
                {"id": f"no-{lang}-{n}", "text": text(rng, lang, False, rng.choice([MANUAL, CHAT]), n), "page": n}
            )
    pool.append({"id": "empty", "text": " ", "page": 0})
    rng.shuffle(pool)
    pl.DataFrame({"text": seed}).write_ndjson(folder / "seed.jsonl")
    for i in range(3):
        pl.DataFrame(pool[i::3]).write_parquet(folder / f"pool-{i}.parquet")
    (folder / "terms.txt").write_text("帆船\n桅杆\nmast\nrudder\n", encoding="utf-8")
    return folder


def run(corpus: Path, output: Path, **options: Any) -> Any:
    given = {"terms": corpus / "terms.txt", "rounds": 2, "workers": 1, "quiet": True, **options}
    return recall([corpus / "seed.jsonl"], [corpus / "pool-*.parquet"], output, **given)


@pytest.fixture(scope="module")
def found(corpus: Path) -> Path:
    run(corpus, corpus / "found")
    return corpus / "found"


def ids(folder: Path) -> list[str]:
    frame = pl.read_parquet(folder / "part-*.parquet")
    return frame["id"].to_list()


def rates(found: list[str]) -> tuple[float, float]:
    right = sum(i.startswith("yes") for i in found)
    return right / len(found), right / 300


def test_the_other_genre_is_found_in_both_languages(found: Path) -> None:
    precision, recalled = rates(ids(found))
    assert precision > 0.97
    assert recalled > 0.97
    for lang in ("zh", "en"):
        assert sum(i.startswith(f"yes-chat-{lang}") for i in ids(found)) > 70


def test_what_is_written_keeps_the_documents_fields(found: Path, corpus: Path) -> None:
    frame = pl.read_parquet(found / "part-*.parquet").sort("id")
    whole = pl.read_parquet(corpus / "pool-*.parquet")
    assert frame.columns == ["id", "text", "source", "metadata", "score", "round", "keywords"]
    both = frame.join(whole, on="id", suffix="_read")
    assert (both["text"] == both["text_read"]).all()
    assert [json.loads(m)["page"] for m in both["metadata"]] == both["page"].to_list()
    assert both["score"].is_between(0.5, 1).all()
    assert set(frame["round"]) <= {0, 1, 2}


def test_the_report_shows_rounds_and_samples(found: Path) -> None:
    report = read_report(found)
    assert report.pool == 1201
    assert report.empty == 1
    assert [r.number for r in report.rounds] == [0, 1, 2]
    assert report.rounds[-1].found == report.found == len(ids(found))
    assert report.rounds[-1].with_keywords > 0.8 > 0.05 > report.rounds[-1].elsewhere
    assert sum(r.new for r in report.rounds) >= report.found
    page = (found / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    samples = read_samples(found / "samples.jsonl")
    assert 20 <= len(samples) <= 60
    texts = pl.read_parquet(found / "part-*.parquet")["text"].to_list()
    assert all(any(t.startswith(s["text"]) for t in texts) for s in samples)
    assert not (found / ".work").exists()


def test_the_model_is_a_quality_classifier(found: Path) -> None:
    report = read_report(found)
    step = QualityClassifier(model=str(found / "model.bin"), min_score=report.min_score)
    rng = random.Random(9)
    texts = [text(rng, lang, about, CHAT, 1000) for lang in ("zh", "en") for about in (True, False)]
    scores = step.measure(Documents.from_texts(texts)).signals["quality_score"]
    assert scores[0] > 0.5 > scores[1]
    assert scores[2] > 0.5 > scores[3]


def test_workers_and_a_stop_on_the_way_change_nothing(
    found: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpusmill.curate.readers.units.UNIT_BYTES", (40_000, 40_000))
    alone = tmp_path / "alone"
    real = recall_pool.UnitPool.run

    def stop(self: Any, phase: str, *rest: Any) -> None:
        if phase == "score-1":
            raise KeyboardInterrupt
        real(self, phase, *rest)

    monkeypatch.setattr(recall_pool.UnitPool, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, alone)
    monkeypatch.setattr(recall_pool.UnitPool, "run", real)
    model = (alone / ".work" / "model-1-0.bin").stat().st_mtime_ns
    started: list[int] = []
    real_start = recall_pool.Processes._start
    monkeypatch.setattr(recall_pool.Processes, "_start", lambda self: started.append(1) or real_start(self))
    kept: list[int] = []
    monkeypatch.setattr(
        "shutil.rmtree", lambda *a, **k: kept.append((alone / ".work" / "model-1-0.bin").stat().st_mtime_ns)
    )
    run(corpus, alone, workers=2)
    assert kept == [model]  # what was trained before the stop was not trained again
    assert started
    assert sorted(ids(alone)) == sorted(ids(found))
    assert (alone / "model.bin").read_bytes() == (found / "model.bin").read_bytes()
    assert read_report(alone).rounds == read_report(found).rounds


def test_a_finished_folder_is_read_and_another_setting_is_refused(found: Path, corpus: Path, tmp_path: Path) -> None:
    before = (found / "report.json").stat().st_mtime_ns
    assert run(corpus, found) == read_report(found)
    assert (found / "report.json").stat().st_mtime_ns == before
    with pytest.raises(CorpusmillError, match="other settings"):
        run(corpus, found, rounds=1)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(CorpusmillError, match="holds other files"):
        run(corpus, tmp_path)


def test_what_people_say_of_the_samples_becomes_purity(found: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(found, tmp_path / "judged")
    path = tmp_path / "judged" / "samples.jsonl"
    samples = read_samples(path)
    mine = [s for s in samples if s["round"] == 0]
    for i, s in enumerate(mine):
        s["right"] = i != 0
    path.write_text("".join(json.dumps(s, ensure_ascii=False) + "\n" for s in samples), encoding="utf-8")
    seen = purity(samples, 0)
    assert seen is not None
    assert seen[:2] == (len(mine), len(mine) - 1)
    assert 0.7 < seen[2] < 0.95 < seen[3] < 1
    done = CliRunner().invoke(app, ["recall", "--judged", str(tmp_path / "judged")])
    assert f"round 0: {len(mine) - 1} of {len(mine)} right" in done.output
    assert f"{len(mine) - 1}/{len(mine)}" in (tmp_path / "judged" / "report.html").read_text(encoding="utf-8")


def test_resampling_prefers_the_domain_and_draws_anew_by_seed(corpus: Path, tmp_path: Path) -> None:
    drawn_ids = []
    for lot in (0, 0, 1):
        out = tmp_path / f"drawn-{len(drawn_ids)}"
        report = run(corpus, out, method="resample", keep=100, random_seed=lot)
        assert report.found == 100
        drawn_ids.append(ids(out))
    assert drawn_ids[0] == drawn_ids[1]
    assert set(drawn_ids[0]) != set(drawn_ids[2])
    assert rates(drawn_ids[0])[0] > 0.9  # a quarter of the pool is of the domain


def test_without_keywords_the_seed_alone_must_do(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out", terms=None, rounds=1)
    precision, recalled = rates(ids(tmp_path / "out"))
    assert precision > 0.9
    assert recalled > 0.45  # the seed's genre at least


def test_mistakes_are_sentences(corpus: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text('{"text": "one"}\n{"text": "two"}\n', encoding="utf-8")
    with pytest.raises(CorpusmillError, match="holds 2 different texts; give at least 10"):
        recall([few], [corpus / "pool-0.parquet"], tmp_path / "a")
    with pytest.raises(CorpusmillError, match="no pack 'leagl'; did you mean 'legal'"):
        recall([corpus / "seed.jsonl"], [corpus / "pool-0.parquet"], tmp_path / "b", domain="leagl")
    with pytest.raises(CorpusmillError, match="say how many"):
        run(corpus, tmp_path / "c", method="resample")
    done = CliRunner().invoke(app, ["recall", "--seed", "x"])
    assert "--pool, --output must be given" in str(done.exception)


def test_grams_are_counted_as_a_slow_count_would() -> None:
    texts = TextBuffers.of_strings(["a b a b", "", "第 一 条"])
    all_of, starts = grams(texts, buckets=1 << 20, longest=2, distinct=False)
    assert starts.tolist() == [0, 7, 7, 12]  # 4 words and 3 pairs; 3 characters and 2 pairs
    once, starts = grams(texts, buckets=1 << 20, longest=2, distinct=True)
    assert starts.tolist() == [0, 4, 4, 9]  # a, b, a b, b a
    assert set(once[:4].tolist()) == set(all_of[:7].tolist())
    weights = np.zeros(1 << 20)
    weights[all_of[0]] = 2.0
    total, n = sums(texts, weights, longest=2, distinct=False)
    assert total.tolist() == [4.0, 0.0, 0.0]
    assert n.tolist() == [7, 0, 5]
    ratio = log_ratio(counts(texts, buckets=64, longest=1, distinct=False), np.ones(64) * 100, prior=1.0)
    assert ratio.max() > 0 > ratio.min()


def test_the_lowest_kind_of_spies_decides() -> None:
    high, low = np.linspace(5, 6, 100), np.linspace(0, 1, 50)
    assert lowest([high, low], 0.1) == pytest.approx(0.1)
    assert lowest([high, low[:3]], 0.1) == pytest.approx(5.1)  # three texts say nothing
    assert lowest([high[:0], low[:0]], 0.1) == np.inf


def test_a_draw_takes_no_text_twice() -> None:
    hashes = np.array([1, 2, 3, 1, 2, 3, 4], dtype=np.uint64)
    rows = drawn(hashes, np.arange(7), 10, seed=0)
    assert sorted(hashes[rows].tolist()) == [1, 2, 3, 4]
    assert drawn(hashes, np.arange(7), 2, seed=0).tolist() == rows[:2].tolist()
    assert drawn(hashes, np.arange(7)[::-1].copy(), 2, seed=0).tolist()[0] in (
        rows[0],
        *np.flatnonzero(hashes == hashes[rows[0]]),
    )
