"""A pile of files as a user would have it: documents of a domain, copies and damaged ones, ordinary pages, junk.

Its make-up (SHARES, of bytes) is the same for every pack, and was fixed before anything was trained. Documents and junk
are real, from the development data; copies with another site's menus and the damage are made here, since the data does
not say which of its documents are copies and what they were before they broke.
"""

from __future__ import annotations

import html
import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from accuracy_data import without_tests
from bench_packs import spam_mail
from bench_recall import DATA, consultations, rows

from corpusmill.curate.readers import Input, plan_units, read_unit
from corpusmill.train.evaluate.leakage import near_duplicate_groups

SHARES = {"clean": 0.45, "copies": 0.15, "damaged": 0.10, "pages": 0.20, "junk": 0.10}
"""Of the input's bytes: documents of the domain; second copies of some of them, exact or in another site's frame; other
documents of the domain, damaged; ordinary pages about other things; spam, bad pages, abuse. What a reader refuses
(binary noise) is left out: no model would see it."""

INPUT_BYTES, HELD_BYTES, LONGEST_HELD = 4_000_000, 25_000, 5_000
"""Of the input, of each held-out source, and characters of a held-out document: of a long one its beginning."""
LEAST_CHARS = 80

Named = tuple[str, str]
"""A text and the source that it is from."""


@dataclass(frozen=True)
class Domain:
    """Where a pack's documents are: `seen` sources give training and held-out ones, `unseen` held-out ones only."""

    seen: Mapping[str, Callable[[], Iterable[str]]]
    unseen: Mapping[str, Callable[[], Iterable[str]]]


@dataclass(frozen=True)
class Pile:
    """The input, as (kind/source/number, text) in a mixed order, and what is held out."""

    documents: list[Named]
    held_out: list[Named]
    leaked: int
    """Documents that were taken out of the input because a held-out one is nearly the same or is in them."""


def read(path: str) -> Iterator[str]:
    """The documents of a file, by the readers that a run has."""
    inputs = [Input(path=str(DATA / path))]
    for unit in plan_units(inputs).units:
        for table, _ in read_unit(unit, inputs):
            yield from (text for text in table["text"].to_pylist() if text)


def joined(path: str, *names: str) -> Iterator[str]:
    """The named fields of each row, a line each."""
    yield from rows(path, lambda r: "\n".join("\n".join(v) if isinstance(v := r[n], list) else str(v) for n in names))


def conversations(path: str) -> Iterator[str]:
    yield from rows(path, lambda r: "\n".join(turn["value"] for turn in r["conversations"]))


def lawbench(*tasks: str) -> Iterator[str]:
    yield from (t for t in rows("legal/lawbench_zh.jsonl.gz", lambda r: r["text"] if r["task"] in tasks else "") if t)


def where(path: str, field: str, value: str) -> Iterator[str]:
    yield from (t for t in rows(path, lambda r: r["text"] if str(r[field]) == value else "") if t)


def english(texts: Iterable[str]) -> Iterator[str]:
    """Those whose function words are English."""
    yield from (t for t in texts if len(re.findall(r"\b(?:the|you|of|to)\b", t)) * 40 > len(t) / 5)


DOMAINS = {
    "legal-zh": Domain(
        {
            "statutes": lambda: rows("legal/zh_statutes.jsonl.gz"),
            "facts": lambda: lawbench("2-5", "3-3", "3-7"),
            "exam": lambda: joined("legal/law_exam_mcq.jsonl.gz", "text", "options"),
            "counsel": lambda: joined("sft/legal_counsel_zh.jsonl.gz", "query", "response"),
        },
        {"cases": lambda: rows("legal/lecard_cases.jsonl.gz")},
    ),
    "legal-en": Domain(
        {
            "contracts": lambda: rows("legal/en_contracts.jsonl.gz"),
            "terms": lambda: english(rows("legal/terms_of_service.jsonl.gz")),
        },
        {"bills": lambda: read("legal/us_bills_xml.tar.gz")},
    ),
    "medical-zh": Domain(
        {
            "consultations": consultations,
            "classics": lambda: read("medical/tcm_books_gb18030.tar.gz"),
        },
        {"dialogues": lambda: conversations("sft/medical_zh_1k.jsonl.gz")},
    ),
    "medical-en": Domain(
        {
            "papers": lambda: joined("medical/pubmedqa_train.jsonl.gz", "question", "contexts", "long_answer"),
            "consumer": lambda: read("medical/medquad_xml.tar.gz"),
            "answers": lambda: joined("medical/en_patient_qa.jsonl.gz", "question", "answer"),
            "dialogues": lambda: rows("medical/clinical_dialogue_train.jsonl.gz", "dialogue"),
        },
        {"notes": lambda: rows("medical/aci_notes_train.jsonl.gz"), "articles": lambda: read("medical/pmc_articles_nxml.tar.gz")},
    ),
}  # fmt: skip

PAGES: dict[str, dict[str, Callable[[], Iterable[str]]]] = {
    "zh": {
        "news": lambda: rows("zh/news_docs.jsonl.gz"),
        "forum": lambda: rows("zh/cluecorpus_web.jsonl.gz"),
        "encyclopedia": lambda: rows("zh/wiki_hans.jsonl.gz"),
        "reviews": lambda: rows("classify/chnsenticorp_train.jsonl.gz"),
    },
    "en": {
        "c4": lambda: rows("web/c4_docs.jsonl.gz"),
        "news": lambda: rows("dedup/news_plagiarism_1000.jsonl.gz"),
        "articles": lambda: rows("web/article_benchmark_truth.jsonl.gz"),
        "reviews": lambda: rows("classify/movie_reviews.jsonl.gz"),
    },
}
JUNK: dict[str, dict[str, Callable[[], Iterable[str]]]] = {
    "zh": {
        "spam": lambda: rows("web/zh_web_raw.jsonl.gz"),
        "crawl": lambda: read("web/cc_sample.warc.gz"),
        "abuse": lambda: where("classify/cold_train.jsonl.gz", "label", "1"),
    },
    "en": {
        "spam": spam_mail,
        "bad_pages": lambda: where("web/quality_labelled.jsonl.gz", "label", "0"),
        "abuse": lambda: rows("classify/toxic_tweets_en.jsonl.gz"),
    },
}


def make_pile(recipe: str) -> Pile:
    """The input and the held-out documents for a pack's recipe, the same every time."""
    rng, language = random.Random(recipe), recipe.rpartition("-")[2]
    domain = DOMAINS[recipe]
    held: list[Named] = []
    for name, texts in domain.unseen.items():
        held += [(name, t) for t in draw({name: _mixed(texts(), rng)}, HELD_BYTES, LONGEST_HELD)[name]]
    left: list[Named] = []
    for name, texts in domain.seen.items():
        mixed = list(dict.fromkeys(_mixed(texts(), rng)))
        groups = near_duplicate_groups(mixed).tolist()
        chosen = draw({name: mixed}, HELD_BYTES, LONGEST_HELD)[name]
        out = {groups[i] for i in range(len(chosen))}  # draw takes from the front
        # One of a group: versions of one text would count twice.
        first = {g: i for i, g in reversed(list(enumerate(groups)))}
        held += [(name, t) for i, t in enumerate(chosen) if first[groups[i]] == i]
        left += [(name, t) for t, g in zip(mixed, groups, strict=True) if g not in out]
    clean, leaked = without_tests(left, [t for _, t in held])
    by_source = {name: [t for n, t in clean if n == name] for name in domain.seen}
    share = SHARES["clean"] + SHARES["damaged"]
    drawn = draw(by_source, round(share * INPUT_BYTES))
    of_domain = [(name, t) for name, texts_ in drawn.items() for t in texts_]
    rng.shuffle(of_domain)
    damaged, whole = _cut(of_domain, SHARES["damaged"] * INPUT_BYTES)
    copied, _ = _cut(rng.sample(whole, len(whole)), SHARES["copies"] * INPUT_BYTES)
    kinds: dict[str, list[Named]] = {
        "clean": whole,
        "copies": [(n, t if i % 2 else framed(t, language, rng)) for i, (n, t) in enumerate(copied)],
        "damaged": [(f"{n}-{(d := list(DAMAGE)[i % len(DAMAGE)])}", DAMAGE[d](t, language, rng)) for i, (n, t) in enumerate(damaged)],
    }  # fmt: skip
    for kind, sources in (("pages", PAGES[language]), ("junk", JUNK[language])):
        drawn = draw({n: _mixed(texts(), rng) for n, texts in sources.items()}, round(SHARES[kind] * INPUT_BYTES))
        others = [(n, t) for n, texts_ in drawn.items() for t in texts_]
        kinds[kind], more = without_tests(others, [t for _, t in held])
        leaked += more
    documents = [(f"{kind}/{n}/{i}", t) for kind, named in kinds.items() for i, (n, t) in enumerate(named)]
    rng.shuffle(documents)
    return Pile(documents, held, leaked)


def draw(sources: Mapping[str, list[str]], size: int, longest: int | None = None) -> dict[str, list[str]]:
    """About `size` bytes of the sources, from the front of each: as much of each as of the others, as far as it goes."""
    found: dict[str, list[str]] = {name: [] for name in sources}
    used = dict.fromkeys(sources, 0)
    left = {name: iter(texts) for name, texts in sources.items()}
    while left and sum(used.values()) < size:
        name = min(left, key=used.__getitem__)
        text = next(left[name], None)
        if text is None:
            del left[name]
            continue
        found[name].append(text[:longest])
        used[name] += len(found[name][-1].encode())
    return found


def _mixed(texts: Iterable[str], rng: random.Random) -> list[str]:
    found = [t for t in texts if len(t) >= LEAST_CHARS]
    rng.shuffle(found)
    return found


def _cut(named: list[Named], size: float) -> tuple[list[Named], list[Named]]:
    """The first documents, about `size` bytes, and the others."""
    total = itertools.accumulate(len(t.encode()) for _, t in named)
    at = next((i + 1 for i, n in enumerate(total) if n >= size), len(named))
    return named[:at], named[at:]


FRAMES = {
    "zh": (
        "您现在的位置：首页 > {place} > 正文\n来源：互联网  发布时间：20{y}-0{m}-1{m}  点击：{n}次  字体：[大 中 小]\n",
        "\n【打印本页】【关闭窗口】【返回顶部】\n上一篇：没有了\n下一篇：{place}推荐阅读\n分享到：微信 新浪微博 QQ空间\n"
        "版权所有 未经许可不得转载  备案号：ICP备{n}号  技术支持：网站建设\n",
    ),
    "en": (
        "Home | About us | {place} | Contact\nYou are here: Home > {place} > Article\nPosted 0{m}/1{m}/20{y}  {n} views  Font size: A A A\n",
        "\nPrint this page | E-mail to a friend | Back to top\nShare on Facebook Tweet Pin it\nPrevious: none  Next: more from {place}\n"
        "Subscribe to our newsletter. All rights reserved. Site map | Login | Register | RSS\n",
    ),
}  # fmt: skip
PLACES = {"zh": ("资讯中心", "文库下载", "知识频道"), "en": ("Resources", "Library", "Knowledge base")}


def framed(text: str, language: str, rng: random.Random) -> str:
    """The text as another site shows it, between its menus."""
    fill = {"place": rng.choice(PLACES[language]), "n": rng.randrange(100, 9999), "y": rng.randrange(10, 24)}
    head, foot = (part.format(m=rng.randrange(1, 9), **fill) for part in FRAMES[language])
    return head + text + foot


def _curly(text: str) -> str:
    """Typographic quotes, as word processors set them: in English the characters that wrong decodings break."""
    return re.sub(r'(?<!\w)"', "“", text.replace("'", "’")).replace('"', "”")


def _mojibake(text: str, language: str, rng: random.Random) -> str:
    """UTF-8 read as Latin-1 or Windows-1252: nothing is lost."""
    if language == "zh":
        return text.encode().decode("latin-1")
    return "".join(c.encode().decode("cp1252", "replace") if c in "’“" else c for c in _curly(text))


def _undecodable(text: str, language: str, rng: random.Random) -> str:
    """A national encoding read as UTF-8: what it cannot read is gone."""
    return (text if language == "zh" else _curly(text)).encode(
        "gb18030" if language == "zh" else "cp1252", "replace"
    ).decode("utf-8", "replace")  # fmt: skip


def _wrapped(text: str, language: str, rng: random.Random) -> str:
    """Lines broken where a printed page ended them, with page numbers between."""
    width = 24 if language == "zh" else 60
    lines = [line[i : i + width] for line in text.split("\n") for i in range(0, max(1, len(line)), width)]
    for number, at in enumerate(range(40, len(lines), 41)):
        lines.insert(at, f"- {number + 1} -")
    return "\n".join(lines)


def _markup(text: str, language: str, rng: random.Random) -> str:
    """Entities and tags that an export left behind."""
    inner = html.escape(text).replace("\n", "<br />\n").replace("  ", "&nbsp;&nbsp;")
    return re.sub(r"([，。,.;；])", r"\1&nbsp;", inner, count=max(1, len(text) // 200))


def _invisible(text: str, language: str, rng: random.Random) -> str:
    """Zero-width and control characters among the words."""
    return "\ufeff" + "".join(
        c + rng.choice("\u200b\u200c\u00ad\ufeff\x0b") if rng.random() < 0.04 else c for c in text
    )


def _spread(text: str, language: str, rng: random.Random) -> str:
    """A PDF's text layer: Chinese characters spaced out and digits of full width; ligatures and double blanks."""
    if language == "zh":
        wide = text.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789%()"})
        return re.sub(r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])", " ", wide)
    return text.replace("fi", "ﬁ").replace("fl", "ﬂ").replace(" ", "  ").replace("\n", "\r\n")


DAMAGE: dict[str, Callable[[str, str, random.Random], str]] = {
    "mojibake": _mojibake,
    "undecodable": _undecodable,
    "wrapped": _wrapped,
    "markup": _markup,
    "invisible": _invisible,
    "spread": _spread,
}
