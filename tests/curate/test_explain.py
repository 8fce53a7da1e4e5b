"""Evidence about duplicates: the pair beside each other, where the kept one is, and what stands for what was removed."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from corpusmill.curate import Pipeline
from corpusmill.curate.errors import CorpusmillError, InputError
from corpusmill.curate.explain.difference import Piece, Row, compare, shortened
from corpusmill.curate.explain.document import Explanation, explain, lines
from corpusmill.curate.explain.history import corpora, removed_to_kept
from corpusmill.curate.explain.side_by_side import columns, page, unified
from corpusmill.curate.step import Step
from corpusmill.filters import ExactDedup, GopherQuality, LineDedup, MinHashDedup

LAW = "".join(
    f"第{i}条 为了保护当事人的合法权益，编号{i * 37}的合同应当采用书面形式，违反者依照本法承担责任。\n"
    for i in range(40)
)
LEASE = "\n".join(
    f"Clause {i}. The tenant shall pay the rent of unit {i * 37} to the landlord in full." for i in range(40)
)


def write(path: Path, texts: dict[str, str]) -> Path:
    rows = [json.dumps({"id": i, "text": t}, ensure_ascii=False) for i, t in texts.items()]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def run(path: Path, output: Path, *steps: Step, keep_dropped_text: bool = True) -> Path:
    Pipeline(list(steps), validation=0, keep_dropped_text=keep_dropped_text).run(
        str(path), output, quiet=True, workers=1
    )
    return output


NEW_LAW = LAW.replace("编号740的合同应当采用书面形式", "编号740的契约应当采用电子形式") + "本法自公布之日起施行。"
NEW_LEASE = LEASE.replace("rent of unit 740 to the landlord", "deposit of unit 740 to the agent") + " It ends here."


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    texts = {"law-old": LAW, "law-new": NEW_LAW, "law-copy": NEW_LAW, "lease-old": LEASE, "lease-new": NEW_LEASE}
    return run(write(folder / "raw.jsonl", texts), folder / "out", ExactDedup(), MinHashDedup())


@pytest.mark.parametrize(
    ("left", "right", "gone", "come"),
    [
        (LAW, NEW_LAW, ["合同", "书面"], ["契约", "电子", "本法自公布之日起施行。"]),
        (LEASE, NEW_LEASE, ["rent", "landlord"], ["deposit", "agent", " It ends here."]),
        ("本院认为，被告人张三犯盗窃罪。", "本院认为，被告人李四犯抢劫罪。", ["张三", "盗窃"], ["李四", "抢劫"]),
        ("the big cat sat", "the old dog sat", ["big cat"], ["old dog"]),
        ("使用 iPhone 手机", "使用 Android 手机", ["iPhone"], ["Android"]),
        ("the same", "the same", [], []),
        ("* Be  polite.\n\n第一章  总则", "* Be polite.\n第一章 总则", [], []),
        ("", "all new", [], ["all new"]),
    ],
)
def test_differences_are_words_or_characters(left: str, right: str, gone: list[str], come: list[str]) -> None:
    rows = compare(left, right)
    assert "".join(p.text for r in rows for p in r.left) == left
    assert "".join(p.text for r in rows for p in r.right) == right
    assert [p.text for r in rows for p in r.left if p.differs] == gone
    assert [p.text for r in rows for p in r.right if p.differs] == come
    assert all(r.same for r in rows) == (not gone and not come)


def _left(row: Row) -> tuple[Piece, ...]:
    return row.left


def _right(row: Row) -> tuple[Piece, ...]:
    return row.right


def test_any_two_texts_are_compared_whole() -> None:
    rng = random.Random(0)
    alphabet = ["合同", "lease", " ", "\n", "。", ". ", "！", "é", "𠀀", "1,000", "\t", "ก", "”"]
    for _ in range(200):
        a, b = ("".join(rng.choices(alphabet, k=rng.randrange(30))) for _ in range(2))
        rows = compare(a, b)
        assert "".join(p.text for r in rows for p in r.left) == a
        assert "".join(p.text for r in rows for p in r.right) == b
        same = [
            "".join("".join(p.text for r in rows for p in side(r) if not p.differs).split()) for side in (_left, _right)
        ]
        assert same[0] == same[1]


def test_shared_passages_are_shortened() -> None:
    assert shortened("短的 short") == "短的 short"
    short = shortened(LAW)
    assert short.startswith(LAW[:40])
    assert short.endswith(LAW[-40:])
    assert f"{len(LAW) - 80:,} characters the same" in short
    assert not shortened(LAW, start=True).startswith(LAW[:5])


@pytest.mark.parametrize(
    ("id", "kept", "dropped_only", "kept_only"),
    [("law-old", "law-new", "[-合同-]", "{+契约+}"), ("lease-old", "lease-new", "[-rent-]", "{+deposit+}")],
)
def test_a_pair_is_shown_side_by_side(corpus: Path, id: str, kept: str, dropped_only: str, kept_only: str) -> None:
    told = explain(corpus, id)
    said = "\n".join(lines(told))
    value = told.found[0][1]["value"]
    assert 0.8 <= value < 1
    assert f"similarity {value:.4f}, threshold 0.8 (minhash_dedup.near_duplicate)" in said
    assert told.pair is not None
    others = 1 if id == "law-old" else 0
    assert told.pair.others == others
    assert f"kept instead: {'law-copy' if others else kept}, in train" in said
    marked = "\n".join(unified(told.pair))
    assert dropped_only in marked
    assert kept_only in marked
    assert "characters the same" in marked
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        console.print(columns(told.pair))
    row = next(line for line in capture.get().splitlines() if kept_only[2:-2] in line)
    assert dropped_only[2:-2] in row  # beside each other, on one line


def test_a_kept_one_says_who_fell_to_it(corpus: Path) -> None:
    kept = next(i for i in ("law-new", "law-copy") if explain(corpus, i).found[0][0] == "train")
    told = explain(corpus, kept)
    assert told.pair is None
    assert {r["id"] for r in told.fallen} == {"law-old", "law-new", "law-copy"} - {kept}
    assert [r["value"] for r in told.fallen] == sorted((r["value"] for r in told.fallen), reverse=True)
    assert "kept in place of 2 other documents" in "\n".join(lines(told))


def test_the_page_is_self_contained_and_escaped(tmp_path: Path) -> None:
    texts = {"a": LEASE, "b": NEW_LEASE}
    texts = {i: text.replace("unit 740", "unit <script>alert(740)</script>") for i, text in texts.items()}
    out = run(write(tmp_path / "raw.jsonl", texts), tmp_path / "out", MinHashDedup())
    html = page(explain(out, "a"))
    assert "<del>rent</del>" in html
    assert "<ins>deposit</ins>" in html
    assert "<script" not in html
    assert "http" not in html
    assert "&lt;script&gt;" in html


def test_a_ledger_without_text_says_so(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw.jsonl", {"a": LAW, "b": NEW_LAW})
    out = run(raw, tmp_path / "out", MinHashDedup(), keep_dropped_text=False)
    told = explain(out, "a")
    assert told.pair is not None
    assert told.pair.texts is None
    assert "keep_dropped_text: false" in "\n".join(unified(told.pair))
    assert "keep_dropped_text: false" in page(told)
    with pytest.raises(CorpusmillError, match="no document 'nobody'"):
        explain(out, "nobody")


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three deliveries, each against the one before; ids repeat between them."""
    folder = tmp_path_factory.mktemp("deliveries")
    a = run(write(folder / "a.jsonl", {"1": LAW, "2": LEASE}), folder / "a", MinHashDedup())
    b_texts = {"1": NEW_LAW, "3": LEASE, "4": "Nothing like it was ever written before. " * 9}
    b = run(write(folder / "b.jsonl", b_texts), folder / "b", MinHashDedup(against=[str(a)]))
    c_texts = {"5": NEW_LAW + "完。", "6": b_texts["4"] + "Twice.", "7": NEW_LEASE}
    c = run(write(folder / "c.jsonl", c_texts), folder / "c", MinHashDedup(against=[str(b), str(a)]))
    return {"a": a, "b": b, "c": c}


def test_the_kept_one_is_found_in_an_earlier_corpus(deliveries: dict[str, Path]) -> None:
    told = explain(deliveries["b"], "1")
    assert f"kept instead: 1, in train of the earlier corpus {deliveries['a']}" in "\n".join(lines(told))
    assert told.pair is not None
    assert "[-契约-]" in "\n".join(unified(told.pair))
    both = explain(deliveries["c"], "6")
    assert both.pair is not None
    assert both.pair.where == f"in train of the earlier corpus {deliveries['b']}"


def test_removed_to_kept_over_all_deliveries(deliveries: dict[str, Path]) -> None:
    found = removed_to_kept(deliveries["c"])
    names = {str(path): name for name, path in deliveries.items()}
    told = {(names[r["corpus"]], r["id"]): (names[r["kept_corpus"]], r["kept_id"]) for r in found.to_dicts()}
    assert told == {
        ("b", "1"): ("a", "1"),
        ("b", "3"): ("a", "2"),
        ("c", "5"): ("a", "1"),
        ("c", "6"): ("b", "4"),
        ("c", "7"): ("a", "2"),
    }
    assert set(found["state"]) == {"kept"}
    assert set(found["hops"]) == {1}
    assert removed_to_kept(deliveries["a"]).is_empty()


def test_chains_are_followed_to_their_end(tmp_path: Path) -> None:
    """A copy falls to a text that falls to a longer version; another falls to one that a later filter drops."""
    note = "患者主诉头痛，查体未见异常，建议随诊。" * 3
    texts = {"a": LAW, "b": LAW, "c": NEW_LAW, "x": note, "y": note}
    steps = (ExactDedup(), MinHashDedup(), GopherQuality(min_words={"default": 60, "zh": 60}))
    out = run(write(tmp_path / "raw.jsonl", texts), tmp_path / "out", *steps)
    found = {r["id"]: r for r in removed_to_kept(out).to_dicts()}
    assert {i: (r["kept_id"], r["state"], r["hops"], r["fell_to"]) for i, r in found.items()} == {
        "b": ("c", "kept", 2, "a"),
        "a": ("c", "kept", 1, "c"),
        "y": ("x", "dropped", 1, "x"),
    }
    assert "a itself fell to c (minhash_dedup.near_duplicate), in train" in "\n".join(lines(explain(out, "b")))
    assert "x was dropped itself by gopher_quality.min_words: nothing stands for the two" in "\n".join(
        lines(explain(out, "y"))
    )


def test_an_earlier_corpus_that_is_gone(deliveries: dict[str, Path], tmp_path: Path) -> None:
    raw = write(tmp_path / "raw.jsonl", {"9": LAW})
    a = run(raw, tmp_path / "a", MinHashDedup())
    b = run(write(tmp_path / "b.jsonl", {"10": NEW_LAW}), tmp_path / "b", MinHashDedup(against=[str(a)]))
    (a / "manifest.json").rename(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match="was made against"):
        removed_to_kept(b)
    assert "in none of the corpora that can be seen" in "\n".join(lines(explain(b, "10")))
    with pytest.raises(InputError, match="not a finished corpus"):
        corpora(tmp_path / "a")


def test_corpora_named_by_relative_paths_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "raw.jsonl", {"1": LAW})
    write(tmp_path / "new.jsonl", {"2": NEW_LAW})
    monkeypatch.chdir(tmp_path)
    run(Path("raw.jsonl"), Path("data/a"), MinHashDedup())
    run(Path("new.jsonl"), Path("data/b"), MinHashDedup(against=["data/a"]))
    monkeypatch.chdir("/")
    assert removed_to_kept(tmp_path / "data/b")["kept_id"].to_list() == ["1"]


def test_pieces_that_were_cut_out_are_told(tmp_path: Path) -> None:
    notice = "免责声明：本文仅代表作者个人观点，与本网站无关，请读者仅作参考，并自行核实相关内容的真实性。"
    texts = {f"d{i}": f"第{i}篇文章说的是第{i * 7}件事情，各不相同。\n{notice}" for i in range(12)}
    out = run(write(tmp_path / "raw.jsonl", texts), tmp_path / "out", LineDedup())
    removed = pl.read_parquet(out / "removed/*.parquet")
    told: Explanation = explain(out, removed["id"][0])
    said = "\n".join(lines(told))
    assert f"removed by line_dedup.shared_line (it stays in {removed['kept_id'][0]}): {notice}" in said
