"""Decontamination: what is found and what is not, what becomes of it, and that a run accounts for it."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import shutil
import subprocess
import sys
import textwrap
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusmill.curate import Pipeline, RecipeError, RunError
from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.explain.document import explain, lines
from corpusmill.curate.recipe import load_recipe
from corpusmill.curate.run.job import OUTPUTS, parts
from corpusmill.curate.step import failures
from corpusmill.curate.whatif import what_if
from corpusmill.filters import Decontaminate, MaskContamination
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.folded import Tokens
from corpusmill.filters.text.overlap import Grams, OverlapIndex, Passages, find_overlaps

EN = [
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?",
    "A swimming pool is being emptied through a drain at the bottom of the pool and filled by a hose at the top. "
    "How much water will be left after three hours if the pool starts full?",
    "Which planet of the solar system has the largest moon?",
]
ZH = [
    "某公司2021年5月处置使用过的一台机器设备，开具了增值税专用发票，价税合计100.5万元。该公司处置设备应缴纳增值税多少万元？",
    "刁某没有办理出租汽车经营许可证擅自从事出租汽车营运业务，被交通管理部门扣押了运营车辆，后作出罚款处罚决定，下列说法错误的是？",
    "太阳系中卫星最大的行星是哪一颗？",
]
INNOCENT = [
    "The committee met in April and May to consider the proposal, and then it was decided that a swimming pool is to be "
    "built. How many friends of hers came is not known; half as many clips were sold.",
    "这家公司处置了一台机器设备，价格为一百万元。交通管理部门没有扣押他的车辆，也没有作出罚款处罚决定。太阳系的行星很多。",
]
HOSTS = [
    "The river rises in the spring, and the fields are covered with water.",
    "春天来了，院子里的桃花开了，蜜蜂在花丛中忙碌。",
]


def write(path: Path, records: list[Any]) -> str:
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode(), mtime=0))
    else:
        path.write_text(lines, encoding="utf-8")
    return str(path)


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, str]:
    return {
        "math": write(tmp_path / "eval/math.jsonl", [{"id": f"m{i}", "question": q} for i, q in enumerate(EN)]),
        "law": write(
            tmp_path / "eval/law.jsonl.gz",
            [{"q": q, "options": ["0.49", "0.50", "甲", "乙"], "answer": "A"} for q in ZH],
        ),
    }


def inside(item: str) -> str:
    """A page with an item in the middle of it."""
    en, zh = HOSTS
    return f"{en} {en} {item} {en}" if item.isascii() else f"{zh}{item}{zh}{zh}"


def disguised(text: str) -> str:
    """Other case, width, punctuation, spaces and invisible characters."""
    out = text.upper().replace(",", " --").replace("，", ", ").replace("。", "！ ").replace(".", ";")
    out = out.replace("A", "Ａ", 1).replace("5", "５").replace("E", "e\u0301", 1)
    return out.replace(" ", " \u200b ").replace("的", "\u00ad的\n")


def ledger_rules(step: Decontaminate, docs: Documents) -> list[tuple[int, str]]:
    return [(row, step.reason(docs, row, rule)) for row, rule, _, _ in failures(step, docs)]


def test_planted_items_are_found_and_innocents_are_not(sets: dict[str, str]) -> None:
    step = Decontaminate(sets=sets)
    items = [*EN, *ZH]
    texts = [inside(q) for q in items] + [inside(disguised(q)) for q in items] + INNOCENT + HOSTS
    docs = step.measure(Documents.from_texts(texts))
    n = len(items)
    assert ledger_rules(step, docs) == [
        *((row, "overlap:math") for row in (0, 1, 2, 6, 7, 8)),
        *((row, "overlap:law") for row in (3, 4, 5, 9, 10, 11)),
    ]
    assert docs.signals["contaminated_item"][: 2 * n].tolist() == [0, 1, 2] * 4
    assert (docs.signals["item_coverage"][: 2 * n] == 1).all()
    assert not docs.signals["item_coverage"][2 * n :].any()
    assert np.isnan(docs.signals["contaminated_item"][2 * n :]).all()
    assert np.isnan(docs.signals["item_coverage_law"][:3]).all()
    assert docs.signals["contaminated_ratio"][: 2 * n].min() > 0.1
    assert docs.signals["contaminated_ratio"][: 2 * n].max() < 1


def test_the_kernel_agrees_with_a_slow_reference() -> None:
    """Against a definition in plain Python: words and characters that weigh, windows of one measure, sets of tuples."""
    rng = random.Random(3)
    pool = [
        "alpha",
        "Beta",
        "gamma",
        "delta",
        "x",
        "42",
        "中",
        "文",
        "语",
        "料",
        "a",
        "É",
        "ｗｉｄｅ",
        "3.5",
        "—",
        "。",
    ]
    passages = ["".join(rng.choice(pool) + rng.choice(["", " ", "\n"]) for _ in range(60)) for _ in range(12)]
    documents = []
    for _ in range(60):
        p = rng.choice(passages)
        a = rng.randrange(len(p))
        documents.append(rng.choice(["", "noise words 中"]) + p[a : a + rng.randrange(4, 200)] + " end")
    grams = Grams(5, 6, 5, 6, 1, 1, 100)

    def tokens(text: str) -> list[tuple[str, int]]:
        """(token, weight)"""
        out: list[str] = []
        word = ""
        for c in unicodedata.normalize("NFKD", text.lower()):
            if "\u0300" <= c < "\u0370":
                continue
            if "\u4e00" <= c <= "\u9fff":
                out += [word, c]
                word = ""
            elif c.isalnum():
                word += c
            else:
                out.append(word)
                word = ""
        out.append(word)

        def weight(t: str) -> int:
            if "\u4e00" <= t <= "\u9fff":
                return 5
            return 0 if t.isnumeric() or (len(t) == 1 and t not in "ai") else 6

        return [(t, weight(t)) for t in out if t]

    def windows(found: list[tuple[str, int]]) -> dict[int, tuple[str, ...]]:
        out = {}
        for k, (_, weight) in enumerate(found):
            total, end = 0, k
            while end < len(found) and total < 30:
                total += found[end][1]
                end += 1
            window = tuple(t for t, _ in found[k:end])
            if weight and total >= 30 and len(set(window)) >= len(window) / 2:
                out[k] = window
        return out

    n = len(passages)
    index = OverlapIndex.of(Passages(TextBuffers.of_strings(passages), np.zeros(n, np.int64), np.arange(n)), grams, [n])
    found = find_overlaps(TextBuffers.of_strings(documents), index)
    known = {w for p in passages for w in windows(tokens(p)).values()}
    cut = [tokens(d) for d in documents]
    assert found.n_tokens.tolist() == [len(c) for c in cut]
    expected = {(d, k, len(w)) for d, c in enumerate(cut) for k, w in windows(c).items() if w in known}
    assert {tuple(h) for h in found.hits[:, :3].tolist()} == expected
    assert len(expected) > 100

    def covered(p: int, d: int) -> float:
        mine, seen = tokens(passages[p]), set(windows(cut[d]).values())
        whole: set[int] = set()
        hit: set[int] = set()
        for k, w in windows(mine).items():
            whole |= set(range(k, k + len(w)))
            hit |= set(range(k, k + len(w))) if w in seen else set()
        return sum(mine[t][1] for t in hit) / sum(mine[t][1] for t in whole)

    shares = {(d, p): covered(p, d) for d in range(len(documents)) for p in range(n)}
    assert {(r, p): pytest.approx(c) for r, p, c in zip(found.rows, found.passages, found.coverage, strict=True)} == {
        pair: share for pair, share in shares.items() if share
    }
    in_grams = [{t for k, w in windows(c).items() if w in known for t in range(k, k + len(w))} for c in cut]
    assert found.ratio().tolist() == pytest.approx([len(s) / len(c) for s, c in zip(in_grams, cut, strict=True)])
    distinct = [len({w for w in windows(c).values() if w in known}) for c in cut]
    assert found.distinct().tolist() == distinct


def test_tokens_keep_their_places() -> None:
    text = "Ｗhat's 3.5 of É? 中文ABC"
    tokens = Tokens.of(TextBuffers.of_strings(["", text]))
    data = text.encode()
    words = [data[a:b].decode() for a, b in zip(tokens.starts, tokens.ends, strict=True)]
    assert words == ["Ｗhat", "s", "3", "5", "of", "É", "中", "文", "ABC"]
    assert tokens.kinds.tolist() == [2, 1, 1, 1, 2, 1, 3, 3, 2]
    assert tokens.rows.tolist() == [0, 0, 9]


@pytest.mark.parametrize(
    ("item", "page"),
    [
        (EN[0], EN[0].replace("half as many", "twice as many")),
        (ZH[1], ZH[1].replace("擅自", "私自").replace("作出", "做出")),
    ],
)
def test_lightly_edited_items_are_found(tmp_path: Path, item: str, page: str) -> None:
    step = Decontaminate(sets={"s": write(tmp_path / "s.jsonl", [{"q": item}])})
    docs = step.measure(Documents.from_texts([inside(page)]))
    assert 0.6 <= docs.signals["item_coverage"][0] < 1


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("Which planet of the solar system is largest?", True),
        ("Which planet is the largest one?", False),
        ("太阳系中最大的行星是哪颗？", True),
        ("最大的行星是哪颗？", False),
        ("1. 2) (3) 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", False),
        ("A B C D E F G H J K L M N O P Q R S T", False),
        ("哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈", False),
    ],
)
def test_short_items_are_found_whole_if_they_say_enough(tmp_path: Path, item: str, found: bool) -> None:
    path = write(tmp_path / "s.jsonl", [{"q": item}, {"q": EN[0]}])
    step = Decontaminate(sets={"s": path})
    docs = step.measure(Documents.from_texts([inside(item), inside(f"1. {item}"), inside(item[:-6])]))
    assert docs.signals["item_coverage"].tolist() == ([1, 1, 0] if found else [0, 0, 0])


def test_a_name_that_page_and_question_share_is_no_leak(tmp_path: Path) -> None:
    items = [
        {"q": "中华人民共和国治安管理处罚法自何年何月施行？", "options": ["全国人民代表大会常务委员会", "国务院"]},
        {"q": "Who presides?", "answer": "the United Nations High Commissioner for Refugees Office in Geneva"},
        {"q": EN[0], "answer": "the United Nations High Commissioner for Human Rights in Geneva"},
    ]
    step = Decontaminate(sets={"s": write(tmp_path / "s.jsonl", items)})
    pages = [
        "违反中华人民共和国治安管理处罚法的，由公安机关处罚。全国人民代表大会常务委员会负责解释。",
        "He spoke to the United Nations High Commissioner for Human Rights in Geneva on Monday.",
        "She spoke to the United Nations High Commissioner for Refugees Office in Geneva on Monday.",
    ]
    docs = step.measure(Documents.from_texts(pages))
    assert docs.signals["item_coverage"].tolist() == [0, 0, 1], (
        "an item with no longer text is looked for by what it has"
    )


def test_options_that_are_short_are_found_together(tmp_path: Path) -> None:
    items = [
        {
            "question": "下列哪项正确？",
            "A": "甲方应当赔偿",
            "B": "乙方应当赔偿损失",
            "C": "双方均不赔偿",
            "D": "由法院裁量",
        },
        {
            "question": "Which is true?",
            "choices": ["the cat sat down", "a dog ran off", "some birds flew south", "no fish swim"],
        },
    ]
    step = Decontaminate(sets={"s": write(tmp_path / "s.jsonl", items)})
    pages = [
        "下列哪项正确？\nA. 甲方应当赔偿\nB. 乙方应当赔偿损失\nC. 双方均不赔偿\nD. 由法院裁量",
        "Which is true? The cat sat down / a dog ran off / some birds flew south / no fish swim.",
        "下列哪项正确？A. 甲方应当赔偿",
    ]
    docs = step.measure(Documents.from_texts(pages))
    assert docs.signals["item_coverage"].tolist() == [1, 1, 0]


def test_wording_of_a_whole_set_is_no_item(tmp_path: Path) -> None:
    zh, en = (
        "请根据下面给出的案情回答问题并且只需要给出正确选项的字母：",
        "Read the passage below carefully and then choose the one answer that fits it best, please:",
    )
    colours = ["red", "green", "blue", "black", "white", "brown", "pink", "grey", "gold", "teal", "lime", "navy"]
    items = [
        {"i": zh, "q": f"{en} what did the {c} painter of {c} houses say about {c} walls after lunch?"}
        for c in colours * 2
    ]
    step = Decontaminate(sets={"s": write(tmp_path / "s.jsonl", items)})
    docs = step.measure(Documents.from_texts([zh, en, items[3]["q"][len(en) :], inside(items[0]["q"])]))
    assert docs.signals["contaminated_ngrams"][:2].tolist() == [0, 0]
    assert docs.signals["item_coverage"].tolist() == [0, 0, 1, 1]
    strict = Decontaminate(sets=step.sets, max_items=50)
    assert strict.measure(Documents.from_texts([zh, en])).signals["contaminated_ngrams"].min() > 0


def test_rules_of_other_papers_and_tags(sets: dict[str, str]) -> None:
    quote = Documents.from_texts([inside(EN[0][:75]), inside(ZH[1][:14])])
    default = Decontaminate(sets=sets)
    assert not ledger_rules(default, default.measure(quote))
    any_hit = Decontaminate(sets=sets, max_item_coverage=None, max_contaminated_ngrams=0)
    assert ledger_rules(any_hit, any_hit.measure(quote)) == [
        (0, "max_contaminated_ngrams:math"),
        (1, "max_contaminated_ngrams:law"),
    ]
    by_language = Decontaminate(sets=sets, max_item_coverage={"default": 0.2, "zh": None})
    assert ledger_rules(by_language, by_language.measure(quote.with_columns({"language": ["en", "zh"]}))) == [
        (0, "overlap:math")
    ]
    tag = Decontaminate(sets=sets, max_item_coverage=None)
    assert not tag.rules()
    assert tag.measure(quote).signals["contaminated_ngrams"].min() > 0


def test_items_are_cut_out_at_sentences(sets: dict[str, str]) -> None:
    step = MaskContamination(sets=sets)
    en, zh = HOSTS
    texts = [
        f"{en} {EN[0]} {en}",
        f"{zh}{ZH[0]}答案是丁。{zh}",
        f"{en}\n\n{EN[1]}\n{zh}",
        f"{zh}“前面还有：{ZH[1]}”{zh}",
        *INNOCENT,
        EN[0],
    ]
    docs = step.transform(Documents.from_texts(texts))
    assert docs.texts == [f"{en} {en}", f"{zh}答案是丁。{zh}", f"{en}\n\n{zh}", f"{zh}{zh}", *INNOCENT, ""]
    assert [(r.row, r.step, r.rule, r.text) for r in docs.removed] == [
        (0, "mask_contamination", "overlap:math", f"{EN[0]} "),
        (1, "mask_contamination", "overlap:law", ZH[0]),
        (2, "mask_contamination", "overlap:math", EN[1]),
        (3, "mask_contamination", "overlap:law", f"“前面还有：{ZH[1]}”"),
        (6, "mask_contamination", "overlap:math", EN[0]),
    ]
    assert docs.signals["masked_pieces"].tolist() == [1, 1, 1, 1, 0, 0, 1]
    assert docs.signals["masked_ratio"][-1] == 1
    clean = Documents.from_texts(INNOCENT)
    assert step.transform(clean).text is clean.text


def test_without_marks_the_cut_is_at_whole_words(tmp_path: Path) -> None:
    item = "研究生命起源的科学家在深海热泉附近发现了许多奇特的微生物群落"
    step = MaskContamination(sets={"s": write(tmp_path / "s.jsonl", [{"q": item}])}, max_item_coverage=None)
    long = "今天天气不错我们去公园散步" * 40
    docs = step.transform(
        Documents.from_texts([f"{long}科学研究生命起源的科学家在深海热泉附近发现了许多奇特的微生物群{long}"])
    )
    assert docs.texts == [f"{long}科学{long}"] or docs.texts == [f"{long}{long}"]
    assert docs.removed[0].text.endswith("微生物群")
    english = " ".join(["we walk in the park and then"] * 60)
    step = MaskContamination(sets={"s": write(tmp_path / "t.jsonl", [{"q": EN[1]}])})
    docs = step.transform(Documents.from_texts([f"{english} {EN[1].rstrip('?').replace('.', '')} {english}"]))
    assert docs.texts[0] == f"{english}  {english}"


def test_a_share_of_an_item_below_the_bound_is_left(sets: dict[str, str]) -> None:
    quote = inside(EN[0][:75])
    assert MaskContamination(sets=sets).transform(Documents.from_texts([quote])).texts == [quote]
    everything = MaskContamination(sets=sets, max_item_coverage=None)
    assert "Natalia" not in everything.transform(Documents.from_texts([quote])).texts[0]
    little = inside(ZH[1][:14])
    assert MaskContamination(sets=sets, max_item_coverage=0.01).transform(Documents.from_texts([little])).texts == [
        little
    ]
    assert "刁某" not in everything.transform(Documents.from_texts([little])).texts[0]


def as_parquet(path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2], "turns": [[{"role": "u", "content": q}] for q in (EN[0], ZH[0])]}), path)


FORMATS: dict[str, Any] = {
    "a.jsonl": lambda p: write(p, [{"x": {"deep": [EN[0]]}}, {"x": ZH[0]}]),
    "a.jsonl.gz": lambda p: write(p, [EN[0], ZH[0]]),
    "a.json": lambda p: p.write_text(json.dumps({"version": "1", "data": [{"q": EN[0]}, {"q": ZH[0]}]})),
    "b.json": lambda p: p.write_text(json.dumps([{"q": EN[0]}, {"q": ZH[0]}])),
    "c.json": lambda p: write(p, [{"q": EN[0]}, {"q": ZH[0]}]),
    "a.csv": lambda p: p.write_text(f'id,q,A,B\n1,"{EN[0]}",x,y\n2,"{ZH[0]}",甲,乙\n', encoding="gb18030"),
    "a.tsv": lambda p: p.write_text(f"q\tA\n{EN[0]}\tx\n{ZH[0]}\t甲\n", encoding="utf-8"),
    "a.parquet": as_parquet,
    "a.txt": lambda p: p.write_text(f"{EN[0]}\n\n{ZH[0]}\n", encoding="utf-8"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_sets_are_read_in_every_format(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path / name)
    step = Decontaminate(sets={"s": str(tmp_path / name)})
    docs = step.measure(Documents.from_texts([inside(EN[0]), inside(ZH[0])]))
    assert docs.signals["item_coverage"].tolist() == [1, 1]
    assert docs.signals["contaminated_item"].tolist() == [0, 1]


def test_fields_and_globs(tmp_path: Path) -> None:
    for k in range(2):
        write(tmp_path / f"part{k}.jsonl", [{"question": EN[k], "answer": ZH[k]}])
    texts = [inside(q) for q in (EN[0], EN[1], ZH[0], ZH[1])]
    both = Decontaminate(sets={"s": str(tmp_path / "*.jsonl")}).measure(Documents.from_texts(texts))
    assert both.signals["item_coverage"].tolist() == [1, 1, 1, 1]
    assert both.signals["contaminated_item"].tolist() == [0, 1, 0, 1]
    asked = Decontaminate(sets={"s": str(tmp_path)}, fields=["question"]).measure(Documents.from_texts(texts))
    assert asked.signals["item_coverage"].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.jsonl", None, "no file matches"),
        ("empty.jsonl", "", "holds no item"),
        ("bad.jsonl", '{"q": "x"}\n{"q": ', "line 2 is no JSON"),
        ("bad.parquet", "no parquet", "cannot be read"),
        ("bad.csv", "a,b\n1,2,3\n", "the row has 3 fields"),
        ("a.pdf", "x", "not a PDF"),
        ("short.jsonl", '{"q": "短"}\n', "none of its 1 items can be looked for"),
    ],
)
def test_a_set_that_cannot_be_used_is_an_error_in_a_sentence(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    step = Decontaminate(sets={"mine": str(tmp_path / name)})
    with pytest.raises(CorpusmillError, match=said) as error:
        step.prepare()
    assert str(error.value).startswith("evaluation set mine: ")


def test_mistakes_in_options_are_named(sets: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name at least one evaluation set"):
        Decontaminate(sets={})
    with pytest.raises(ValueError, match="is no name for a set"):
        Decontaminate(sets={"a b": "x"})
    with pytest.raises(ValueError, match="min_words is the shorter one"):
        Decontaminate(sets=sets, min_words=20)
    step = Decontaminate(sets=sets, fields=["no_such_field"])
    with pytest.raises(CorpusmillError, match="its fields are: id, question"):
        step.prepare()
    recipe = tmp_path / "recipe.yaml"
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    recipe.write_text(f"inputs: [{tmp_path}/a.txt]\nsteps:\n  - decontaminate: {{sets: {{e: {tmp_path}/no.jsonl}}}}\n")
    with pytest.raises(RecipeError, match="no file matches"):
        load_recipe(recipe)


def test_the_fingerprint_knows_the_files(sets: dict[str, str]) -> None:
    step = Decontaminate(sets=sets)
    before = step.fingerprint()
    assert before == Decontaminate(sets=sets).fingerprint()
    step.prepare()
    assert len(pickle.dumps(step)) < 2000, "the index stays in the process"
    text = "What colour are the seven bridges over the wide river in the old town?"
    assert not step.measure(Documents.from_texts([text])).signals["item_coverage"].any()
    with Path(sets["math"]).open("a", encoding="utf-8") as f:
        f.write(json.dumps({"q": text}) + "\n")
    assert step.fingerprint() != before
    step.prepare()
    assert step.measure(Documents.from_texts([text])).signals["item_coverage"].all()


def contents(output: Path) -> dict[str, bytes]:
    return {p.relative_to(output).as_posix(): p.read_bytes() for k in OUTPUTS for p in parts(output, k)}


def test_a_run_says_what_each_set_cost(tmp_path: Path, sets: dict[str, str], texts: list[str]) -> None:
    leaks = [inside(EN[0]), inside(EN[1]), inside(ZH[0]), f"{inside(EN[1])} {inside(ZH[1])}"]
    records = [{"id": f"d{i}", "text": t} for i, t in enumerate(texts)]
    records += [{"id": f"leak{i}", "text": t} for i, t in enumerate(leaks)]
    raw = write(tmp_path / "raw.jsonl", records)
    pipeline = Pipeline([Decontaminate(sets=sets)])
    one = pipeline.run(raw, tmp_path / "one", workers=1, quiet=True, unit_bytes=9000)
    two = pipeline.run(raw, tmp_path / "two", workers=2, quiet=True, unit_bytes=9000)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert one.counts["dropped"] == two.counts["dropped"] == 4
    rules = {r["rule"]: (r["dropped"], r["fails"]) for r in one.manifest["rules"]}
    assert rules == {"overlap:math": (3, 3), "overlap:law": (1, 2)}
    ledger = pl.read_parquet(tmp_path / "one/ledger/*.parquet").sort("id")
    assert ledger["id"].to_list() == [f"leak{i}" for i in range(4)]
    assert ledger["signals"].struct.field("contaminated_item").to_list() == [0, 1, 0, 1]
    report = (tmp_path / "one/report.html").read_text(encoding="utf-8")
    assert "<td>overlap:math</td><td>item_coverage_math &lt; 0.6</td><td class=n>3</td>" in report
    assert "<td>overlap:law</td><td>item_coverage_law &lt; 0.6</td><td class=n>1</td>" in report
    said = "\n".join(lines(explain(tmp_path / "one", "leak3")))
    assert "decontaminate.overlap:law" in said
    assert "decontaminate.overlap:math" in said

    looser = what_if(tmp_path / "one", one.manifest, ["decontaminate.max_item_coverage=null"])
    assert (looser.kept_before, looser.kept_after) == (200, 204)

    masked = Pipeline([MaskContamination(sets=sets)]).run(raw, tmp_path / "cut", workers=1, quiet=True)
    assert masked.counts["dropped"] == 0
    pieces = pl.read_parquet(tmp_path / "cut/removed/*.parquet").sort("id", "rule")
    assert pieces["rule"].to_list() == [f"overlap:{s}" for s in ("math", "math", "law", "law", "math")]


DRIVER = """
    import json, sys
    from corpusmill.curate import Pipeline
    from corpusmill.filters import Decontaminate, MaskContamination

    raw, output, sets = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    steps = [MaskContamination(sets={"law": sets["law"]}), Decontaminate(sets=sets)]
    Pipeline(steps).run(raw, output, workers=1, quiet=True, unit_bytes=6000)
"""


def test_a_killed_run_goes_on_to_the_same_bytes_unless_a_set_changed(
    tmp_path: Path, sets: dict[str, str], texts: list[str]
) -> None:
    records = [
        {"id": f"d{i}", "text": f"{t} {inside((EN + ZH)[i % 6]) if i % 5 == 0 else ''}"} for i, t in enumerate(texts)
    ]
    raw = write(tmp_path / "raw.jsonl", records)
    steps = [MaskContamination(sets={"law": sets["law"]}), Decontaminate(sets=sets)]
    Pipeline(steps).run(raw, tmp_path / "whole", workers=1, quiet=True, unit_bytes=6000)
    driver = tmp_path / "driver.py"
    driver.write_text(textwrap.dedent(DRIVER))
    output = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, str(driver), raw, str(output), json.dumps(sets)])
    until = time.monotonic() + 60
    while not list(output.glob(".work/map-0/*.json")) and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert list(output.glob(".work/map-0/*.json")), "killed in the middle of its work"
    shutil.copytree(output, tmp_path / "changed")
    Pipeline(steps).run(raw, output, workers=2, quiet=True, unit_bytes=6000)
    assert contents(output) == contents(tmp_path / "whole")
    assert {name.split("/")[0] for name in contents(output)} >= {"train", "ledger", "removed"}

    with Path(sets["math"]).open("a", encoding="utf-8") as f:
        f.write(json.dumps({"q": INNOCENT[0]}) + "\n")
    with pytest.raises(RunError, match="the steps or options differ"):
        Pipeline(steps).run(raw, tmp_path / "changed", workers=1, quiet=True, unit_bytes=6000)


def test_real_documents_of_other_fields_stay(shared_data: Path) -> None:
    sets = {name.rpartition("/")[2]: str(shared_data / f"{name}.jsonl.gz") for name in
            ("legal/law_exam_mcq", "sft/alpaca_zh", "sft/gsm8k_train2k", "sft/humaneval")}  # fmt: skip
    step = Decontaminate(sets=sets)
    texts = []
    for name in ("zh/cluecorpus_web", "zh/news_docs", "web/c4_docs", "web/quality_labelled"):
        with gzip.open(shared_data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    docs = step.measure(Documents.from_texts(texts))
    assert (docs.signals["item_coverage"] >= 0.6).mean() < 0.001
