"""Duplicates across the runs of a team, on a real Redis server that the test starts."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError, InputError, RecipeError, RunError
from corpusmill.curate.exchange import Exchange
from corpusmill.curate.explain.document import explain, lines
from corpusmill.curate.explain.history import removed_to_kept
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.run.whole import decide_in_memory
from corpusmill.filters.dedup import MinHashDedup, SharedDedup
from corpusmill.filters.text.shingles import jaccard, normalize, shingle_sets

redis = pytest.importorskip("redis")

from corpusmill.filters.dedup import redis_index  # noqa: E402

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in ("n", "r", "sh", "lt", "ving")]
CHARACTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 1500)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server of our own."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on this machine")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def step(server: str) -> Any:
    """Makes steps by the name of their run, on an index that is empty at first."""
    client = redis.Redis.from_url(server)
    client.flushall()
    client.close()

    def make(run: str, **options: Any) -> SharedDedup:
        return SharedDedup(run=run, server=server, **options)

    return make


def families(seed: int, n: int = 12) -> dict[str, list[str]]:
    """By name, a text and versions of it: nearly the same, and about half the same. Every other one is Chinese."""
    rng = random.Random(seed)
    out = {}
    for k in range(n):
        chinese = k % 2 == 0
        pool, join = (CHARACTERS, "") if chinese else (WORDS, " ")
        tokens = rng.choices(pool, k=400)
        near, far = list(tokens), list(tokens)
        near[200] = rng.choice(pool)
        far[::8] = rng.choices(pool, k=50)
        out[f"{'zh' if chinese else 'en'}{k}"] = [join.join(t) for t in (tokens, near, far)]
    return out


def decide(step: SharedDedup, texts: dict[str, str], batch: int = 100, shuffle: int | None = None) -> dict[str, Any]:
    """What is dropped: id -> (kept id, similarity, rule)."""
    ids = sorted(texts)
    if shuffle is not None:
        random.Random(shuffle).shuffle(ids)
    cut = [ids[i : i + batch] for i in range(0, len(ids), batch)]
    found = decide_in_memory(step, [Documents.from_texts([texts[i] for i in part], id=part) for part in cut])
    return {ids[r["doc"]]: (r["kept_id"], r["value"], r["rule"]) for r in found.to_pylist()}


def test_what_the_team_has_is_dropped_and_verified(step: Any) -> None:
    known = families(1)
    assert decide(step("first"), {name: texts[0] for name, texts in known.items()}) == {}
    new = {f"{name}-{kind}": texts[i] for name, texts in known.items() for i, kind in ((1, "near"), (2, "far"))}
    found = decide(step("second"), new)
    assert set(found) == {f"{name}-near" for name in known}
    for name, texts in known.items():
        kept, value, rule = found[f"{name}-near"]
        assert kept == f"first:{name}"
        assert rule == "near_duplicate"
        array = normalize(pa.array(texts[:2], pa.large_string()))
        assert value == jaccard(*shingle_sets(array, words=5, characters=8))
    again = decide(step("third"), {f"{name}-again": texts[2] for name, texts in known.items()})
    assert {k: v[0] for k, v in again.items()} == {f"{name}-again": f"second:{name}-far" for name in known}


def test_short_texts_are_compared_exactly(step: Any) -> None:
    assert decide(step("first"), {"a": "高血压三级。", "b": "Chest pain."}) == {}
    found = decide(step("second"), {"c": "高血压三级。", "d": "chest  PAIN.", "e": "高血压二级。", "f": "Chest pains."})
    assert found == {"c": ("first:a", 1.0, "exact_duplicate"), "d": ("first:b", 1.0, "exact_duplicate")}


def test_a_run_depends_on_no_order_and_finds_what_minhash_dedup_finds(step: Any) -> None:
    known, rng = families(2, 8), random.Random(3)
    new = {f"n{i}": rng.choice(rng.choice(list(known.values()))) for i in range(30)}
    old = {name: texts[0] for name, texts in known.items()}
    answers = []
    for k, (batch, shuffle) in enumerate([(100, None), (7, 1), (1, 2)]):
        decide(step("old", index=f"i{k}"), old, batch, shuffle)
        answers.append(decide(step("new", index=f"i{k}"), new, batch, shuffle))
    assert answers[0] == answers[1] == answers[2]
    # Together with the old ones, and these rather kept, the new ones that fall to an old one are the same.
    both = Documents.from_texts(
        [*old.values(), *new.values()], id=[*old, *new], source=["old"] * len(old) + ["new"] * len(new)
    )
    found = decide_in_memory(MinHashDedup(source_priority=["old"]), [both])
    ids = both.ids
    expected = {ids[r["doc"]]: (f"old:{r['kept_id']}", r["value"]) for r in found.to_pylist() if r["kept_id"] in old}
    assert {i: v[:2] for i, v in answers[0].items()} == expected


def test_made_again_a_run_gets_the_same_answer_and_other_documents_replace_the_old(step: Any) -> None:
    known = families(4, 6)
    first = {name: texts[0] for name, texts in known.items()}
    second = {f"{name}-2": texts[1] for name, texts in known.items()}
    decide(step("first"), first)
    before = decide(step("second"), second)
    assert len(before) == 6
    # Later runs hold the same; what was decided stays.
    assert decide(step("first"), first) == {}
    assert decide(step("second"), second, batch=2) == before
    # The first is made again of one document: the others are the second's now, if it is made again.
    assert decide(step("first"), {"zh0": first["zh0"]}) == {}
    assert set(decide(step("second"), second)) == set()  # asked as of its turn: the first comes after it now
    assert {v[0] for v in decide(step("third"), second).values()} == {f"second:{i}" for i in second}


def test_two_runs_at_once_lose_nothing_and_keep_nothing_twice(step: Any) -> None:
    texts = {name: texts[0] for name, texts in families(5, 30).items()}
    found: dict[str, dict[str, Any]] = {}
    start = threading.Barrier(3)

    def work(name: str) -> None:
        start.wait()
        found[name] = decide(step(name), texts, batch=5)

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    kept = [(name, i) for name in "xyz" for i in texts if i not in found[name]]
    assert sorted(i for _, i in kept) == sorted(texts)
    assert {v[0] for dropped in found.values() for v in dropped.values()} <= {f"{name}:{i}" for name, i in kept}


def test_what_others_register_in_between_is_asked_for_again(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: texts[0] for name, texts in families(6, 4).items()}
    register, done = SharedDedup._register, []

    def late(self: SharedDedup, exchange: Exchange, task: int) -> None:
        if self.run == "slow" and not done:
            done.append(decide(step("quick"), texts))
        register(self, exchange, task)

    monkeypatch.setattr(SharedDedup, "_register", late)
    found = decide(step("slow"), texts)
    assert done == [{}]
    assert {i: v[0] for i, v in found.items()} == {i: f"quick:{i}" for i in texts}


def test_a_match_that_goes_in_between_is_no_match(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: texts[0] for name, texts in families(10, 4).items()}
    assert decide(step("old"), texts) == {}
    register, done = SharedDedup._register, []

    def late(self: SharedDedup, exchange: Exchange, task: int) -> None:
        if self.run == "slow" and not done:
            done.append(decide(step("old"), {"zh0": texts["zh0"]}))  # made again, of one of its documents
        register(self, exchange, task)

    monkeypatch.setattr(SharedDedup, "_register", late)
    found = decide(step("slow"), texts)
    assert done == [{}]
    assert {i: v[0] for i, v in found.items()} == {"zh0": "old:zh0"}


def test_a_run_that_dies_while_it_registers_does_not_count(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: texts[0] for name, texts in families(7, 6).items()}
    monkeypatch.setattr("corpusmill.filters.dedup.shared.CHUNK", 2)
    add = redis_index.Registration.add

    def dies(self: redis_index.Registration, documents: Any) -> None:
        add(self, documents)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(redis_index.Registration, "add", dies)
        with pytest.raises(KeyboardInterrupt):
            decide(step("dead"), texts)
    assert decide(step("other"), texts) == {}
    # Going on, it finds that another was quicker; nothing of its own first try is left.
    assert len(decide(step("dead"), texts)) == 6
    client = redis.Redis.from_url(step("x").server)
    assert client.scard("corpusmill:members:dead") == 0
    assert client.keys("corpusmill:doc:dead:*") == []
    client.close()


def test_a_turn_that_is_lost_or_long_is_said(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: texts[0] for name, texts in families(8, 2).items()}
    monkeypatch.setattr(redis_index, "WAIT_SECONDS", 0)
    client = redis.Redis.from_url(step("x").server)
    client.set("corpusmill:lock", "colleague:1")
    with pytest.raises(RunError, match="the run colleague has been registering"):
        decide(step("mine"), texts)
    client.delete("corpusmill:lock")
    add = redis_index.Registration.add

    def robbed(self: redis_index.Registration, documents: Any) -> None:
        add(self, documents)
        client.set("corpusmill:lock", "colleague:2")

    with monkeypatch.context() as patch:
        patch.setattr(redis_index.Registration, "add", robbed)
        with pytest.raises(RunError, match="lost its turn"):
            decide(step("mine"), texts)
    assert client.get("corpusmill:lock") == b"colleague:2"
    client.delete("corpusmill:lock")
    assert decide(step("other"), texts) == {}
    client.close()


def test_on_disk_in_parallel(step: Any, tmp_path: Path) -> None:
    known = families(9, 10)
    for name, version in (("a", 0), ("b", 1)):
        rows = [json.dumps({"id": f"{name}-{k}", "text": texts[version]}) for k, texts in known.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
        Pipeline([MinHashDedup(), step(name)]).run(
            str(tmp_path / f"{name}.jsonl"), tmp_path / f"out-{name}", quiet=True, workers=1 + version, unit_bytes=9000
        )
    ledger = pl.read_parquet(tmp_path / "out-b/ledger/*.parquet")
    assert dict(zip(ledger["id"], ledger["kept_id"], strict=True)) == {f"b-{k}": f"a:a-{k}" for k in known}
    assert set(ledger["step"]) == {"shared_dedup"}
    told = "\n".join(lines(explain(tmp_path / "out-b", "b-zh0")))
    assert "kept instead: a:a-zh0, in the run a of the team's index" in told
    assert set(removed_to_kept(tmp_path / "out-b")["state"]) == {"elsewhere"}


def test_mistakes_are_sentences(step: Any, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no Redis server answers at redis://127\.0\.0\.1:1/0"):
        SharedDedup(run="x", server="redis://127.0.0.1:1/0").prepare()
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    recipe = "steps: [{shared_dedup: {run: x, server: 'redis://127.0.0.1:1/0'}}]\ninputs: [" + str(tmp_path) + "/a.txt]"
    with pytest.raises(RecipeError, match="recipe:1: shared_dedup: no Redis server answers"):
        parse_recipe(recipe)
    with pytest.raises(ValueError, match="CORPUSMILL_REDIS_PASSWORD"):
        SharedDedup(run="x", server="redis://me:secret@host/0")
    with pytest.raises(ValueError, match="String should match pattern"):
        SharedDedup(run="a:b")
    decide(step("first"), {"a": "b"})
    with pytest.raises(InputError, match=r"was made with bands=18, char_ngram=8, width=7|was made with char_ngram=8"):
        step("second", char_ngram=5).prepare()
    client = redis.Redis.from_url(server)
    client.config_set("requirepass", "geheim")
    try:
        with pytest.raises(CorpusmillError, match="set CORPUSMILL_REDIS_PASSWORD"):
            step("second").prepare()
        monkeypatch.setenv("CORPUSMILL_REDIS_PASSWORD", "geheim")
        step("second").prepare()
    finally:
        client.config_set("requirepass", "")
        client.close()


def test_packed_shingles_are_the_upper_bits() -> None:
    shingles = np.unique(np.random.default_rng(0).integers(0, 1 << 63, 2000, dtype=np.uint64) * np.uint64(2))
    packed = redis_index.pack(shingles)
    assert np.array_equal(redis_index.unpack(packed), np.unique(shingles >> np.uint64(16)))
    assert len(packed) < 6 * len(shingles)
