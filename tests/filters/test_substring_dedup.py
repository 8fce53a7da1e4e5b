"""Exact repeated substrings: all of them found, against a slow search; what is cut, and that nothing is broken."""

from __future__ import annotations

import random
import re
from pathlib import Path

import polars as pl
import pytest
from cutting_corpus import applied, on_disk, pieces

from corpusmill.filters.dedup.pieces import settled
from corpusmill.filters.dedup.substrings import SubstringDedup
from corpusmill.filters.text.zh_words import cut_text

TOKEN = re.compile(
    r"[\u4e00-\u9fff\u3001-\u303f\uff01-\uff0f\uff1a-\uff20]|[^\s\u4e00-\u9fff\u3001-\u303f\uff01-\uff0f\uff1a-\uff20]+"
)
HAN = re.compile(r"[\u3001-\u9fff\uff01-\uff20]")
WORDS = [
    "the",
    "court",
    "of",
    "and",
    "law",
    "a",
    "park",
    "river",
    "letter",
    "house",
    "ever,",
    "(said)",
    "she-wolf",
    "don't",
    "é",
    "42",
    "naïve",
    "green",
    "|",
    "—",
]
ZH = list("的一是在法院判决公园河信房子永远说绿，。《》、")


def slow(documents: dict[str, str], words: int, characters: int) -> dict[str, list[tuple[int, int]]]:
    """The pieces of each document that stand elsewhere, by every window of every document."""
    order = sorted(documents, key=lambda i: (-len(documents[i].encode()), i))
    seen: dict[str, tuple[str, int]] = {}
    out: dict[str, list[tuple[int, int]]] = {}
    for i in order:
        text = documents[i]
        tokens = [m.span() for m in TOKEN.finditer(text) if HAN.match(m[0]) or re.search(r"\w", m[0])]
        weights = [words if HAN.match(text[a]) else characters for a, _ in tokens]
        covered: list[tuple[int, int]] = []
        for k in range(len(tokens)):
            weight, e = 0, k
            while e < len(tokens) and weight + weights[e] < words * characters:
                weight += weights[e]
                e += 1
            if e >= len(tokens):
                break
            window = text[tokens[k][0] : tokens[e][1]]
            where, first = seen.setdefault(window, (i, k))
            apart = where != i or sum(weights[first:k]) >= words * characters
            if (where, first) != (i, k) and apart:
                if covered and k <= covered[-1][1] + 1:
                    covered[-1] = covered[-1][0], max(covered[-1][1], e)
                else:
                    covered.append((k, e))
        raw = text.encode()
        found = []
        for k, e in covered:
            span = (len(text[: tokens[k][0]].encode()), len(text[: tokens[e][1]].encode()))
            a, b = settled(raw, *span)
            if b > a:
                found.append((a, b))
        if found:
            out[i] = found
    return out


def made(rng: random.Random, kind: str, n: int) -> str:
    if kind == "zh":
        return "".join(rng.choices(ZH, k=n))
    if kind == "en":
        return "".join(w + rng.choice([" ", " ", " ", "\n", "  ", "\r\n"]) for w in rng.choices(WORDS, k=n))
    return "".join(rng.choice([rng.choice(ZH), rng.choice(WORDS) + rng.choice([" ", "", "\n\n"])]) for _ in range(n))


def quoting(seed: int, count: int = 40) -> dict[str, str]:
    """Documents that quote each other and themselves, at any place and length, in Chinese, English and both."""
    rng = random.Random(seed)
    kinds = {f"{i:02}": rng.choice(["zh", "en", "both"]) for i in range(count)}
    documents: dict[str, str] = {}
    for i, kind in kinds.items():
        text = made(rng, kind, rng.randrange(0, 120))
        for _ in range(rng.randrange(4)):
            source = rng.choice([text, *documents.values()])
            a = rng.randrange(len(source) + 1)
            quote = source[a : a + rng.randrange(5, 120)]
            at = rng.randrange(len(text) + 1)
            text = text[:at] + quote + text[at:]
        documents[i] = text
    documents["ha"] = "ha " * 100
    documents["哈"] = "哈" * 57
    return documents


@pytest.mark.parametrize("seed", range(12))
def test_every_repeat_is_found_and_nothing_else(seed: int) -> None:
    documents = quoting(seed)
    step = SubstringDedup(action="cut", min_words=10, min_characters=10 + seed % 3 * 5)
    truth = slow(documents, step.min_words, step.min_characters)
    found: dict[str, list[tuple[int, int]]] = {}
    for i, start, end, _, kept in pieces(step, documents, batch=7):
        found.setdefault(i, []).append((start, end))
        assert kept in documents
    assert sum(map(len, truth.values())) > 10
    assert found == truth


@pytest.mark.parametrize("seed", [100, 101])
def test_order_and_cut_do_not_matter(seed: int) -> None:
    documents = quoting(seed)
    step = SubstringDedup(action="cut", min_words=10, min_characters=12)
    whole = pieces(step, documents)
    assert len(whole) > 10
    for shuffle, batch, partitions in ((1, 1000, 1), (2, 3, 5), (3, 9, 13)):
        assert pieces(step, documents, shuffle=shuffle, batch=batch, partitions=partitions) == whole


PASSAGES = {
    "zh": "本公司依法享有著作权，未经书面许可，任何单位和个人不得以任何方式复制、转载、摘编、链接或者以其他形式使用本网站的内容；"
    "经许可使用的，应当在许可的范围内使用，并且注明来源。违反上述声明的，本公司将依法追究其相关的法律责任，并保留要求赔偿全部损失的权利。",
    "en": "Nothing in this agreement shall be construed to create a partnership, a joint venture or any relationship of agency "
    "between the parties, and neither party shall have the power to bind the other, to incur any debt on its behalf or to make any "
    "promise in its name, unless the other has agreed to it in writing and in advance.",
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_passage_stays_once(language: str) -> None:
    passage = PASSAGES[language]
    heads = {
        "zh": ["前言第一号的内容比较长一些，所以保留。", "另外一篇。", "第三篇文章。"],
        "en": ["The first one has the longest head of all three. ", "Another. ", "A third one. "],
    }[language]
    documents = {f"{i}": f"{head}{passage}{head[::-1]}" for i, head in enumerate(heads)}
    left, found = applied(SubstringDedup(action="cut"), documents)
    assert left["0"] == documents["0"]
    removed = found.removed.to_pylist()
    assert {(r["id"], r["step"], r["rule"], r["kept_id"]) for r in removed} == {
        (i, "substring_dedup", "repeated_substring", "0") for i in "12"
    }
    for row in removed:
        assert row["text"] in documents["0"] + " "
        assert len(row["text"]) > 0.95 * len(passage)
        assert len(left[row["id"]]) + len(row["text"]) == len(documents[row["id"]])
    tagged, found = applied(SubstringDedup(), documents)
    assert tagged == documents
    assert {r["rule"] for r in found.removed.to_pylist()} == {"repeated_found"}
    share = [s["repeated_share"] for s in found.kept["signals"].to_pylist()]
    assert share[0] == 0
    assert min(share[1:]) > 0.7
    shorter = {i: text.replace(passage, passage[: len(passage) // 3]) for i, text in documents.items()}
    assert pieces(SubstringDedup(), shorter) == []


@pytest.mark.parametrize("seed", range(4))
def test_no_character_and_no_chinese_word_is_broken(seed: int) -> None:
    """Passages quoted from any character on: what is cut begins and ends between words."""
    rng = random.Random(seed)
    text = PASSAGES["zh"] + "中华人民共和国最高人民法院今天下午在北京发布了新的司法解释，" * 2 + PASSAGES["zh"][::-1]
    documents = {"long": text + "。" * 300}
    for i in range(20):
        a = rng.randrange(len(text) - 130)
        documents[f"{i}"] = "原告认为" + text[a : a + 125] + "被告辩称"
    cuts = pieces(SubstringDedup(action="cut"), documents)
    assert len(cuts) >= 18
    for i, start, end, _, _ in cuts:
        raw = documents[i].encode()
        bounds, at = {0}, 0
        for word in cut_text(documents[i]):
            at += len(word.encode())
            bounds.add(at)
        assert {start, end} <= bounds, raw[start:end].decode()


@pytest.mark.parametrize(
    ("text", "piece", "left"),
    [
        ("He said it all and went.", "it all", "He said and went."),
        ("One.\n\nTwo three.\n\nFour.", "Two three.", "One.\n\nFour."),
        ("One. Two three.\r\n\r\nFour.", "Two three.", "One.\r\n\r\nFour."),
        ("  Two three. Four.", "Two three.", "Four."),
        ("One. Two three. ", "Two three.", "One."),
        ("他在研究生命的起源。", "究生", "他在研究生命的起源。"),
        ("他在研究生命科学的起源。", "究生命科学的起", "他在研究起源。"),
        ("甲。研究乙", "研究", "甲。乙"),
        ("𠀀𠀁🙂x 🙂", "🙂x", "𠀀𠀁 🙂"),
    ],
)
def test_how_a_piece_is_cut(text: str, piece: str, left: str) -> None:
    raw = text.encode()
    at = raw.index(piece.encode())
    start, end = settled(raw, at, at + len(piece.encode()))
    assert (raw[:start] + raw[end:]).decode() == left


def test_equal_hashes_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were every window's hash the same, nothing that differs would be cut."""
    import numpy as np

    from corpusmill.filters.dedup import repeats

    documents = quoting(3)
    step = SubstringDedup(action="cut", min_words=10, min_characters=10)
    true = pieces(step, documents)
    honest = repeats.windows

    def collides(*given: object) -> object:
        rows, firsts, counts, anchors, hashes = honest(*given)  # type: ignore[arg-type]
        return rows, firsts, counts, anchors, hashes & np.uint64(0xF)

    monkeypatch.setattr(repeats, "windows", collides)
    spans = {(i, k) for i, a, b, _, _ in true for k in range(a, b)}
    for i, a, b, _, _ in pieces(step, documents):
        assert {(i, k) for k in range(a, b)} <= spans


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_is_cut_stays_somewhere(language: str) -> None:
    """Every word of documents that quote each other's quotes is left in one of them."""
    rng = random.Random(1)
    words = [chr(c) if language == "zh" else f"w{c} " for c in range(0x4E00, 0x4E00 + 6000)]
    documents: dict[str, list[str]] = {}
    for i in range(60):
        text = words[i * 100 : i * 100 + 100]
        for _ in range(rng.randrange(5)):
            source = rng.choice([text, *documents.values()])
            a, at = rng.randrange(len(source)), rng.randrange(len(text))
            text = text[:at] + source[a : a + rng.randrange(10, 60)] + text[at:]
        documents[f"{i}"] = text
    step = SubstringDedup(action="cut", min_words=10, min_characters=10)
    left, found = applied(step, {i: "".join(text) for i, text in documents.items()})
    assert found.removed.num_rows > 60
    assert set(found.ledger["rule"].to_pylist()) <= {"empty_after_cut"}
    whole = " ".join(left.values()) + " "
    assert all(word in whole for word in words)


def test_runs_on_disk_give_the_same_bytes(tmp_path: Path) -> None:
    documents = {i: text for i, text in quoting(7).items() if text.strip()}
    step = SubstringDedup(action="cut", min_words=10, min_characters=10)
    one, run = on_disk(step, documents, tmp_path, 1)
    two, _ = on_disk(step, documents, tmp_path, 2)
    assert one == two
    assert run.counts["removed_pieces"] > 10
    kept = pl.concat([pl.read_parquet(tmp_path / f"1/{s}/*.parquet") for s in ("train", "validation")])
    assert dict(kept.select("id", "text").rows()) == applied(step, documents)[0]


def test_no_documents_short_ones_and_a_giant() -> None:
    assert pieces(SubstringDedup(), {}) == []
    assert pieces(SubstringDedup(), {"a": "", "b": "一", "c": "word"}) == []
    rng = random.Random(0)
    giant = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(200_000))
    documents = {"giant": giant + giant[500:900], "quotes": "“" + giant[150_000:150_300] + "”"}
    found = pieces(SubstringDedup(action="cut"), documents)
    assert [(i, k) for i, _, _, _, k in found] == [("giant", "giant"), ("quotes", "giant")]
    assert 1194 <= found[0][2] - found[0][1] <= 1200
    assert 894 <= found[1][2] - found[1][1] <= 900
