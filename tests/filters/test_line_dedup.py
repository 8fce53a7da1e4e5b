"""Lines and paragraphs that many documents share: what is cut, what never is, who keeps them."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from cutting_corpus import applied, on_disk, pieces

from corpusmill.filters.dedup.line_spans import line_spans
from corpusmill.filters.dedup.lines import LineDedup
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.shingles import normalize

NOTICES = {
    "zh": "免责声明：本文仅代表作者个人观点，与本网无关，其原创性以及文中陈述内容未经本站证实。",
    "en": "Your email address will not be published, and all of the required fields are marked below.",
}
STORIES = {
    "zh": "昨天下午，第{i}次会议在市政府召开，{j}名代表介绍了今年城市绿化的进展情况和下一步的打算。",
    "en": "On Tuesday committee number {i} met in the town hall, and {j} members spoke about the parks of the city.",
}


def pages(language: str, n: int = 20, notice: str | None = None) -> dict[str, str]:
    """Pages with a story each and the same notice in the middle."""
    story, shared = STORIES[language], notice or NOTICES[language]
    return {
        f"{language}{i:03}": f"{story.format(i=i, j=2 * i)}\n{shared}\n{story.format(i=-i, j=i)}\n" for i in range(n)
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_shared_line_stays_once_and_goes_elsewhere(language: str) -> None:
    documents = pages(language)
    best = max(documents, key=lambda i: (len(documents[i].encode()), -int(i[2:])))
    left, found = applied(LineDedup(), documents)
    assert left[best] == documents[best]
    for i, text in documents.items():
        if i != best:
            assert left[i] == text.replace(NOTICES[language] + "\n", "")
    assert {(r["step"], r["rule"], r["kept_id"]) for r in found.removed.to_pylist()} == {
        ("line_dedup", "shared_line", best)
    }
    assert {r["text"] for r in found.removed.to_pylist()} == {NOTICES[language] + "\n"}
    shares = [s["shared_lines_share"] for s in found.kept["signals"].to_pylist()]
    assert sorted(shares)[0] == 0
    assert 0.2 < sorted(shares)[1] < 0.5


def test_how_many_documents_make_a_line_boilerplate() -> None:
    documents = pages("zh", 9) | pages("en", 10)
    assert {p[0][:2] for p in pieces(LineDedup(), documents)} == {"en"}
    assert len(pieces(LineDedup(min_documents=2), documents)) == 17
    twice = {"a": "\n".join([NOTICES["zh"]] * 30), "b": NOTICES["zh"]}
    assert pieces(LineDedup(min_documents=3), twice) == [], "repeats in one document are not shared"


def test_how_many_documents_keep_it() -> None:
    documents = pages("en")
    sources = {"en007": "law/a", "en003": "law/b", "en011": "web/c"}
    best = ["en007", "en003", "en011"]  # two of the best source, the longer first
    for keep in (0, 1, 2, 3):
        found = pieces(LineDedup(keep=keep, source_priority=["law/*", "web/*"]), documents, sources=sources)
        assert set(documents) - {p[0] for p in found} == set(best[:keep])
        assert {p[4] for p in found} == ({"en007"} if keep else {None})


SPARED = [
    "第一百二十三条 当事人应当按照约定全面履行自己的义务，并且应当遵循诚实信用的原则。",
    "第三章　合同的效力、履行、变更、转让与终止以及违反合同的各种民事责任之一般规定",
    "Article 12 The parties shall perform all of their obligations in full as the contract has agreed between them.",
    "Section iv The parties shall perform all of their obligations in full as the contract has agreed between them.",
    "12.3 The parties shall perform all of their obligations in full as the contract has agreed between them.",
    "(b) The parties shall perform all of their obligations in full as the contract has agreed between them.",
    "（三）当事人应当按照约定全面履行自己的义务，并且应当遵循诚实信用的原则以及公序良俗；",
    "十二、当事人应当按照约定全面履行自己的义务，并且应当遵循诚实信用的原则以及公序良俗。",
    "2020年12月23日 最高人民法院审判委员会第一千八百二十三次会议讨论通过并且自公布之日起施行",
    "## Chapter on the obligations of the parties and on the remedies for a breach of any of these obligations",
    "| name of the party | address of the party | name of the lawyer | the court and the number of the case |",
    "当事人的姓名\t住所\t法定代表人\t委托代理人\t受理案件的法院和案件的编号以及审理的日期",
    "* to collect the evidence, to hear the witnesses, to draw up the minutes and to send them to the parties",
    "①当事人应当按照约定全面履行自己的义务，并且应当遵循诚实信用的原则以及公序良俗。",
    "答：",
    "本法自公布之日起施行。",
    "Very truly yours,",
    "床前明月光，疑是地上霜。",
    "In witness whereof, the parties have signed.",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23",
]


@pytest.mark.parametrize("line", SPARED)
def test_what_documents_share_by_their_nature_stays(line: str) -> None:
    for language in ("zh", "en"):
        assert pieces(LineDedup(min_documents=2), pages(language, 30, line)) == []


def test_case_space_and_digits() -> None:
    email = ["YOUR  EMAIL", "Your\u3000Email", "your\u200b email"]
    seen = "This page was seen {} times by the many readers who follow all of our stories."
    documents = {
        f"{i}": f"{NOTICES['en'].replace('Your email', email[i % 3])}\n{seen.format(i)}\n页面{i}" for i in range(6)
    }
    assert len(pieces(LineDedup(min_documents=5), documents)) == 5
    assert len(pieces(LineDedup(min_documents=5, fold_digits=True), documents)) == 10


def test_blank_lines_do_not_pile_up() -> None:
    notice = NOTICES["zh"]
    documents = {
        f"{i}": f"甲{i}\r\n\r\n{notice}\r\n\r\n{notice}\r\n\r\n乙{i}\r\n{notice}\r\n\r\n丙" for i in range(10, 20)
    }
    left, _ = applied(LineDedup(), documents)
    assert left["19"] == "甲19\r\n\r\n乙19\r\n\r\n丙"
    documents = {f"{i}": f"甲{i}\n\n{notice}\n{notice}\n\n\n乙{i}" for i in range(10, 20)}
    assert applied(LineDedup(unit="paragraph"), documents)[0]["19"] == "甲19\n\n乙19"


def test_paragraphs_are_compared_as_a_whole() -> None:
    half = len(NOTICES["en"]) // 2
    wrapped = NOTICES["en"][:half] + "\n" + NOTICES["en"][half:]
    documents = {f"{i}": f"Story {i}.\n\n{wrapped}\n\nThe end of {i}." for i in range(12)}
    documents["in another"] = f"Here it stands in a longer paragraph.\n{wrapped}\nSo it stays."
    found = pieces(LineDedup(unit="paragraph"), documents)
    assert len(found) == 11
    assert "in another" not in {p[0] for p in found}
    assert {p[3] for p in found} == {"shared_paragraph"}


def structure(line: str) -> bool:
    number = "(?:[0-9０-９〇零一二三四五六七八九十百千两]{1,8}|[A-Za-z]|[ivxlcdIVXLCD]{2,5})"
    return bool(
        re.match(
            rf"[#|§•·●①-⒛㈠-㈩]|[*+-][ \t]|第[0-9０-９〇零一二三四五六七八九十百千两]{{1,8}}[编章节条款项目篇]|[(（]{number}[)）]"
            rf"|{number}[)）、．年]|{number}\.[ \t0-9　-\uffff]|(?i:article|section|chapter) {number}",
            line,
        )
    )


def enough(line: str, words: int, characters: int) -> bool:
    spaced = sum(len(re.findall("[^\\W\\d_]", w)) > 1 for w in re.findall(r"[a-zA-Z'0-9é]+", line))
    return spaced / words + len(re.findall("[\u4e00-\u9fff]", line)) / characters >= 1


def test_spans_equal_a_slow_reference() -> None:
    rng = random.Random(0)
    words = ["the", "Court", "a", "don't", "é12", "法院", "判决", "，", "。", "42", "|", "\t", " ", "  ", "\u200b", "(a)", "第", "条", "一", "#", "- ", "x", "年", "1.", "Article 4 "]  # fmt: skip
    breaks = ["\n", "\r\n", "\n\n", "\r", "\u2028", "\n \n", "\x0b", "\n\n\n"]
    texts = []
    for _ in range(400):
        lines = ["".join(rng.choice(words) + rng.choice(["", " "]) for _ in range(rng.randrange(12))) for _ in range(8)]
        texts.append("".join(line + rng.choice(breaks) for line in lines)[: rng.randrange(1, 400)])
    array = pa.array(texts, pa.large_string())
    found = line_spans(TextBuffers.of(array), paragraphs=False, words=3, characters=4, fold_digits=False)
    ours = [
        (texts[d], texts[d].encode()[a:b].decode()) for d, a, b in zip(*(x.tolist() for x in found[:3]), strict=True)
    ]
    theirs = []
    for text in texts:
        lines = text.splitlines(keepends=True)
        blank = [not line.strip().strip("\u200b \t") for line in lines]
        for k, line in enumerate(lines):
            seen = line.strip().strip("\u200b \t")
            if (
                blank[k]
                or seen.count("|") + seen.count("\t") > 1
                or structure(seen)
                or not enough(seen.replace("\u200b", ""), 3, 4)
            ):
                continue
            end = k + 1
            if k == 0 or blank[k - 1]:
                while end < len(lines) and blank[end]:
                    end += 1
            theirs.append((text, "".join(lines[k:end])))
    assert len(theirs) > 300
    assert ours == theirs
    same: dict[bytes, int] = {}
    whole = normalize(pa.array([t for _, t in ours], pa.large_string()))
    for k, h in enumerate(found[3].tolist()):
        assert same.setdefault(whole.document(k), h) == h
    assert len(set(same.values())) == len(same)


def mixture(seed: int) -> dict[str, str]:
    rng = random.Random(seed)
    lines = [s.format(i=i, j=i) for i in range(40) for s in STORIES.values()] + list(NOTICES.values())
    weights = [1 / (1 + k) for k in range(len(lines))]
    return {
        f"d{i:03}": "".join(x + rng.choice(["\n", "\r\n", "\n\n"]) for x in rng.choices(lines, weights, k=rng.randrange(1, 9)))
        for i in range(150)
    }  # fmt: skip


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@pytest.mark.parametrize("keep", [0, 1, 3])
def test_order_and_cut_do_not_matter(unit: str, keep: int) -> None:
    documents = mixture(1)
    step = LineDedup(unit=unit, keep=keep, min_documents=3)
    whole = pieces(step, documents)
    assert len(whole) > 30
    for shuffle, batch, partitions in ((1, 1000, 1), (2, 7, 5), (3, 40, 13)):
        assert pieces(step, documents, shuffle=shuffle, batch=batch, partitions=partitions) == whole


def test_what_is_kept_is_there_and_what_is_cut_is_nowhere_else() -> None:
    documents = mixture(2)
    step = LineDedup(min_documents=4, keep=2)
    left, found = applied(step, documents)
    shared: dict[str, set[str]] = {}
    for i, text in documents.items():
        for line in text.splitlines():
            shared.setdefault(line, set()).add(i)
    for line, holders in shared.items():
        stands = {i for i, text in left.items() if line in text.splitlines()}
        assert len(stands) == (2 if len(holders) >= 4 and line else len(stands))
        if len(holders) < 4:
            assert stands == holders - set(found.ledger["id"].to_pylist())
    for row in found.ledger.to_pylist():
        assert row["rule"] == "empty_after_cut"
        assert row["kept_id"] in left


def test_runs_on_disk_give_the_same_bytes(tmp_path: Path) -> None:
    documents = mixture(3)
    one, run = on_disk(LineDedup(min_documents=3), documents, tmp_path, 1)
    two, _ = on_disk(LineDedup(min_documents=3), documents, tmp_path, 2)
    assert one == two
    assert run.counts["removed_pieces"] + run.counts["dropped"] > 30
    assert run.counts["read"] == run.counts["train"] + run.counts["validation"] + run.counts["dropped"]


def test_no_documents_one_and_a_giant() -> None:
    assert pieces(LineDedup(), {}) == []
    assert pieces(LineDedup(), {"a": "一"}) == []
    giant = "\n".join(f"{NOTICES['zh']}{i}" for i in range(20000)) + "\n" + NOTICES["zh"]
    documents = pages("zh", 12) | {"giant": giant}
    found = pieces(LineDedup(), documents)
    assert len(found) == 12, "the giant, as the longest, keeps the line"
    assert {p[4] for p in found} == {"giant"}


def test_statutes_and_poems_lose_nothing_and_web_pages_little(shared_data: Path) -> None:
    for name in ("legal/zh_statutes", "legal/en_contracts", "zh/poetry"):
        with gzip.open(shared_data / f"{name}.jsonl.gz") as file:
            documents = {f"{i}": json.loads(line)["text"] for i, line in enumerate(file)}
        assert pieces(LineDedup(), documents) == []
