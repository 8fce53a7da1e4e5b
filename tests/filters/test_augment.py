"""Augmentation: children differ, know their parents, repeat, and lose nothing that is protected."""

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import InputError
from corpusmill.filters.augment.steps import OPS, Augment, recombine, synonym_table
from corpusmill.filters.protect import protected_runs
from corpusmill.filters.typos.confusions import NEVER

ZH = (
    "原告张伟明诉被告李芳，张伟明称合同已签。\n被告人的行为不构成正当防卫，依照第二百三十四条处理。\n"
    "孩子们非常高兴，经常到河边玩耍，突然下起了大雨。奶奶年纪大了，仿佛忘了时间。桃花开满了整个院子。蜜蜂在花丛里飞舞。"
    "口服阿莫西林100mg，每日三次。大约十天后，朋友们相互道别。"
)
EN = (
    "Mr. John Smith met Dr. Alice Barnes. "
    "The children were afraid of the dark and suddenly vanished. The patient denies fever and shall take 100 mg daily. "
    "Perhaps the journey was delightful. Roses grew along the wall. Birds sang above the river. "
    "Nothing in Section 12(a) limits approximately these magnificent gifts."
)
# Statutes and steps keep their order, so what may be reordered has no reference to an article.
FREE = {ZH: ZH.replace("，依照第二百三十四条处理", ""), EN: EN.replace("in Section 12(a) ", "")}
ALWAYS = Augment(share=1, ops=["synonym"])


def children(docs: Documents) -> list[dict]:
    return [row for row in docs.table.to_pylist() if row["parent_id"] is not None]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("text", [ZH, EN], ids=["zh", "en"])
def test_each_operation_changes_text_and_keeps_what_is_protected(op: str, text: str) -> None:
    made = set()
    text = FREE[text] if op == "recombine" else text
    for seed in range(40):
        out = Augment(ops=[op], share=1, seed=seed).transform(Documents.from_texts([text]))
        assert out.texts[0] == text
        for child in children(out):
            assert child["text"] != text
            assert child["id"] == f"0~{op}0"
            assert child["parent_id"] == "0"
            assert child["augmentation"]["op"] == op
            assert child["augmentation"]["version"] == Augment.version
            assert child["augmentation"]["seed"] == seed
            assert child["augmentation"]["n_edits"] >= 1
            before, after = protected_runs(text), protected_runs(child["text"])
            assert Counter(before) == Counter(after) if op == "recombine" else before == after
            for piece in ("不构成", "第二百三十四条", "100mg", "100 mg", "denies fever", "Section 12(a)", "shall take"):
                if piece in text and op != "noise":
                    assert piece in child["text"]
            made.add(child["text"])
    assert len(made) >= 3


def test_synonyms_are_of_one_sense() -> None:
    table = synonym_table()
    assert "忽然" in table["突然"]
    assert "vanished" in table["disappeared"]
    for word, others in table.items():
        assert word not in others
        assert not set("".join((word, *others))) & NEVER
        assert protected_runs(word) == []
    zh = sum(1 for w in table if not w.isascii())
    assert zh > 300
    assert len(table) - zh > 300


def test_articles_still_fit_their_nouns() -> None:
    table = {"error": ("mistake",), "idea": ("inkling", "notion")}
    from corpusmill.filters.augment.steps import swap_synonyms

    for seed in range(20):
        text = "an error and an idea"
        out, _ = swap_synonyms(text, bytearray(len(text)), random.Random(seed), 1.0, table, "en", frozenset())
        assert out == "an error and an inkling"


def test_what_a_negation_governs_keeps_its_words() -> None:
    text = "他不经常来，并非突然离去。She did not suddenly vanish."
    for seed in range(20):
        out = Augment(ops=["synonym"], share=1, synonym_rate=1.0, seed=seed).transform(Documents.from_texts([text]))
        for child in children(out):
            assert "不经常" in child["text"]
            assert "非突然" in child["text"]


def test_sentences_that_lean_on_others_do_not_move() -> None:
    text = "甲公司成立于上海。它生产汽车。但销量下降。因此甲公司裁员。"
    assert recombine(text, random.Random(0)) == (text, 0)
    text = "The firm was founded in Leeds. It makes cars. However, sales fell. Therefore it cut jobs."
    assert recombine(text, random.Random(0)) == (text, 0)
    steps = "第一步打开盖子。桌上放好杯子。门口站着客人。窗外下着小雨。"
    assert recombine(steps, random.Random(0)) == (steps, 0)
    free = "Roses are red. Violets are blue. Sugar is sweet. Lemons are sour."
    moved, edits = recombine(free, random.Random(1))
    assert edits >= 2
    assert moved.startswith("Roses are red. ")
    assert sorted(moved.rstrip(".").split(". ")[1:]) == sorted(
        ["Violets are blue", "Sugar is sweet", "Lemons are sour"]
    )


def test_children_do_not_depend_on_the_batch() -> None:
    texts = [ZH, EN, ZH + "完。", EN + " End.", "短。"]
    docs = Documents.from_texts(texts)
    step = Augment(share=1, copies=2, seed=3)
    whole = {c["id"]: c for c in children(step.transform(docs))}
    assert whole
    parts: dict[str, dict] = {}
    for rows in ([4, 2], [0], [3, 1]):
        parts |= {c["id"]: c for c in children(step.transform(docs.take(rows)))}
    assert parts == whole
    other = {c["id"]: c for c in children(Augment(share=1, copies=2, seed=4).transform(docs))}
    assert other != whole


def test_share_is_kept_on_average() -> None:
    docs = Documents.from_texts([f"{FREE[ZH]}湖边第{i}棵树绿了。" for i in range(400)])
    made = children(Augment(share=0.2).transform(docs))
    assert 0.12 < len(made) / 400 < 0.28
    by_op = Counter(c["augmentation"]["op"] for c in made)
    assert set(by_op) == set(OPS)


def test_children_have_no_children_and_no_signals() -> None:
    docs = Documents.from_texts([ZH, EN]).with_signals({"length": [1.0, 2.0]})
    once = ALWAYS.transform(docs)
    assert len(once) > len(docs)
    assert once.ids[:2] == ["0", "1"]
    assert once.signals["length"][:2].tolist() == [1, 2]
    assert all(v != v for v in once.signals["length"][2:])
    assert len(set(once.ids)) == len(once)
    again = Augment(share=1, seed=9).transform(once.take(range(2, len(once))))
    assert len(again) == len(once) - 2


def test_nothing_to_do_gives_no_child() -> None:
    docs = Documents.from_texts(["100mg", "", "第五条", "Погода хорошая сегодня"], language=["zh", "zh", "zh", "ru"])
    assert ALWAYS.transform(docs) is docs


def test_terms_and_user_synonyms(tmp_path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("突然\nsuddenly\n", "utf-8")
    words = tmp_path / "mine.txt"
    words.write_text("# mine\n玩耍 嬉戏\n", "utf-8")
    assert synonym_table(str(words))["玩耍"] == ("嬉戏",)
    seen = ""
    for seed in range(30):
        step = Augment(ops=["synonym"], share=1, seed=seed, terms=str(terms), synonyms=str(words), synonym_rate=0.9)
        out = step.transform(Documents.from_texts([ZH, EN]))
        for child in children(out):
            assert "突然" in child["text"] or "suddenly" in child["text"]
            seen += child["text"]
    assert "嬉戏" in seen
    with pytest.raises(InputError, match="UTF-8"):
        Augment(synonyms=str(tmp_path / "none.txt")).prepare()


def test_unknown_operation_lists_the_valid_ones() -> None:
    with pytest.raises(ValidationError, match="did you mean 'synonym'"):
        Augment(ops=["synonim"])
    with pytest.raises(ValidationError):
        Augment(share=0)


PIECES = [
    "不构成正当防卫", "患者无发热", "未经许可", "100mg", "第二百三十四条", "突然", "经常", "非常高兴", "朋友们在公园散步", "，", "。", "\n",
    "The tenant shall not ", "suddenly vanished ", "afraid of the journey ", "$5,000 ", "see § 12. ", "“引用的话”", "2021年3月", "（2007）朝民初字第18230号",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14), st.sampled_from(OPS), st.integers(0, 99))
def test_protected_text_survives_any_operation(pieces: list[str], op: str, seed: int) -> None:
    text = "".join(pieces)
    altered, edits = Augment(synonym_rate=1.0, noise_rate=0.3).alter(text, op, random.Random(seed))
    assert (altered != text) == (edits > 0)
    for mark in "不无未":
        assert altered.count(mark) == text.count(mark)
    assert sorted(c for c in altered if c.isdigit()) == sorted(c for c in text if c.isdigit())
    for whole in ("第二百三十四条", "100mg", "“引用的话”"):
        assert altered.count(whole) == text.count(whole)


def test_a_person_changes_whole_or_not_at_all() -> None:
    step = Augment(ops=["entity"])
    text = "李女士到庭。李女士称，其夫王建国欠款。王建国否认。"
    for seed in range(20):
        altered, edits = step.alter(text, "entity", random.Random(seed), "zh")
        assert edits
        assert "王建国" not in altered
        assert re.fullmatch("(.)女士到庭。\\1女士称，其夫(..?.?)欠款。\\2否认。", altered)
    # One 李 is more than the person: none changes.
    assert "李女士" in step.alter("李女士到庭。李子很甜。", "entity", random.Random(1), "zh")[0]
    for text in ("Attn: Legal Department", "Mr. Chief Justice, Mr. President", "contact name: Agile Project Manager"):
        assert step.alter(text, "entity", random.Random(1), "en") == (text, 0)


def test_what_tells_a_visit_keeps_its_order() -> None:
    text = "下午3点左右到的店里。点了一杯拿铁，一块蛋糕。沙发很软。咖啡很香。坐了一个下午。"
    assert recombine(text, random.Random(1)) == (text, 0)


@pytest.mark.parametrize(
    "text",
    [
        "The patient is well. Mr. Smith was given aspirin. Roses grew along the wall. Birds sang above the river.",
        "The ward is quiet. J. R. Smith slept well. Roses grew along the wall. The U.S. Navy band played outside.",
        "院子里很安静。（桃花开满了整个院子。蜜蜂在花丛里飞舞。）小河流过村庄。孩子们非常高兴。",
    ],
)
def test_sentences_are_moved_whole(text: str) -> None:
    pieces = {"Mr. Smith was given aspirin.", "J. R. Smith slept well.", "The U.S. Navy band played outside."}
    pieces |= {"（桃花开满了整个院子。蜜蜂在花丛里飞舞。）"}
    for seed in range(30):
        moved, _ = recombine(text, random.Random(seed))
        assert all(piece in moved for piece in pieces if piece in text), moved
