"""Format cleanup: harm on clean text, repair of injected defects by class, idempotence, speed.

Harm: 1,000 clean Chinese and 1,000 clean English documents; every change is traced to a repair on the list, and what
remains is damage. Repair: each class of defect is injected at one place of each document, and the result must be what
the clean document gives. Idempotence: on every document of the development data, cleaning twice is cleaning once.
Beside it in the same run: ftfy's defaults, and NFKC, by the same measure of harm.

Needs the development data (CORPUSMILL_TEST_DATA). Arguments: megabytes a language for the speed (default 20), or
`idempotence` for that alone.
"""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import os
import random
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ftfy
from documents import real_documents
from ftfy.badness import is_bad
from machine import about, save

from corpusmill.curate.documents import Documents
from corpusmill.curate.readers import Input, plan_units, read_unit
from corpusmill.filters.cleanup.steps import FixFormat

CLEAN = {
    "zh": ("zh/wiki_hans", "zh/wiki_hant", "zh/news_docs", "legal/zh_statutes", "legal/lawbench_zh", "zh/poetry"),
    "en": ("en/us_speeches", "web/c4_docs", "medical/pubmedqa_train", "legal/us_constitution",
           "web/article_benchmark_truth", "medical/aci_notes_train"),
}  # fmt: skip


def clean(texts: list[str], **options: Any) -> list[str]:
    step, out = FixFormat(**options), []
    for i in range(0, len(texts), 512):
        out += step.transform(Documents.from_texts(texts[i : i + 512])).texts
    return out


def documents(folder: Path, name: str) -> list[str]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [row["text"] for row in map(json.loads, lines) if row.get("text")]


def chosen(folder: Path, language: str) -> list[str]:
    """1,000 documents, the same share of each file."""
    pools = [documents(folder, name) for name in CLEAN[language]]
    order = random.Random(5)
    for pool in pools:
        order.shuffle(pool)
    found: list[str] = []
    while len(found) < 1000:
        found += [pool.pop()[:4000] for pool in pools if pool]
    return found[:1000]


# What may change, and by what right. A diff that these do not explain is damage.
LISTED: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("mojibake", lambda t: "\n".join(ftfy.fix_encoding(line) if is_bad(line) else line for line in t.split("\n"))),
    ("entities", lambda t: re.sub("&#?[0-9A-Za-z]+;", lambda m: html.unescape(m[0]), t)),
    ("left-over tags", lambda t: re.sub(r"\s*</?(?:br|p|div|h[1-6]|li|tr|ul|ol|table)\b[^<>]*>\s*", "\n", t, flags=re.I)),
    ("left-over tags", lambda t: re.sub(r"</?(?:td|span|font|b|i|u|em|strong|sup|sub|a|center)\b[^<>]*>", "", t, flags=re.I)),
    ("line ends", lambda t: re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", t)),
    ("NFC", lambda t: unicodedata.normalize("NFC", t)),
    ("invisible characters", lambda t: re.sub("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff]", "", t)),
    ("full-width letters and digits", lambda t: re.sub("[０-９Ａ-Ｚａ-ｚ]", lambda m: chr(ord(m[0]) - 0xFEE0), t)),
    ("punctuation four times or more", lambda t: re.sub(r"([！？!?。，、；～])\1{3,}", r"\1\1\1", t)),
    ("indents with ideographic spaces", lambda t: re.sub("^[ \t\xa0\u3000]*\u3000[ \t\xa0\u3000]*", "", t, flags=re.M)),
    ("blanks at the ends of lines", lambda t: re.sub("[ \t\xa0\u3000]+$", "", t, flags=re.M).rstrip()),
    ("runs of blanks", lambda t: re.sub("(?<=[^ \t\xa0\n])(?:[ \xa0\u3000]{2,}|[\xa0\u3000])", " ", t)),
    ("runs of empty lines", lambda t: re.sub("\n{4,}", "\n\n\n", t).strip("\n")),
)  # fmt: skip


def harm(texts: list[str], cleaned: list[str]) -> dict[str, Any]:
    """Documents that changed, by the repair that explains it; those that none explains, with an example each."""
    reasons: Counter[str] = Counter()
    examples = []
    changed = 0
    for before, after in zip(texts, cleaned, strict=True):
        if before == after:
            continue
        changed += 1
        a, b = before, after
        for reason, form in LISTED:
            formed = form(a), form(b)
            reasons[reason] += a != b and formed[0] != a
            a, b = formed
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
            examples.append([a[max(0, at - 15) : at + 15], b[max(0, at - 15) : at + 15]])
    return {
        "documents": len(texts),
        "changed": changed,
        "by listed repair": dict(reasons),
        "damaged": len(examples),
        "examples": examples[:5],
    }


Inject = Callable[[str, random.Random], str | None]


def _at(text: str, draw: random.Random, pattern: str) -> int | None:
    """The start of one match of `pattern`, drawn; None where there is none."""
    places = [m.start() for m in re.finditer(pattern, text)]
    return draw.choice(places) if places else None


def _insert(what: str | tuple[str, ...], pattern: str) -> Inject:
    def inject(text: str, draw: random.Random) -> str | None:
        at = _at(text, draw, pattern)
        piece = what if isinstance(what, str) else draw.choice(what)
        return None if at is None else text[:at] + piece + text[at:]

    return inject


def _replace(pattern: str, by: Callable[[str], str]) -> Inject:
    def inject(text: str, draw: random.Random) -> str | None:
        places = list(re.finditer(pattern, text))
        if not places:
            return None
        m = draw.choice(places)
        made = by(m[0])
        return None if made == m[0] else text[: m.start()] + made + text[m.end() :]

    return inject


def _garble(codec: str) -> Callable[[str], str]:
    def garble(piece: str) -> str:
        raw = piece.encode("utf-8")
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    return garble


WORDS = {"zh": "(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])", "en": "(?<=[a-z])(?=[a-z])"}
BREAKS = {"zh": "(?<=[。；，])(?=[\u4e00-\u9fff])", "en": " (?=[a-z])"}


def defects(language: str) -> dict[str, Inject]:
    inside, gap = WORDS[language], BREAKS[language]
    invisible = ("\u200b", "\ufeff", "\u00ad", "\u2060", "\x07", "\x00", "\u200e", "\u200d", "\x1b[31m")
    found: dict[str, Inject] = {
        "zero-width and control characters": _insert(invisible, inside),
        "line ends": _replace("\n", lambda _: "\r\n"),
        "trailing blanks": _replace("\n", lambda _: " \t\n"),
        "many blank lines": _replace("\n", lambda _: "\n\n\n\n\n\n"),
        "full-width letters and digits": _replace("[A-Za-z0-9]+", lambda w: "".join(chr(ord(c) + 0xFEE0) for c in w)),
        "repeated punctuation": _replace("[！？!?。]", lambda m: m * 7),
        "entities": _replace("[&<>\"“”—…·]", lambda c: {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "“": "&ldquo;", "”": "&rdquo;", "—": "&mdash;", "…": "&hellip;", "·": "&middot;"}[c]),
        "tags": _insert(('<span style="color:red">', "</span>", "<font size=2>", "</strong>", '<a href="x">'), inside),
        "decomposed characters": _replace("[À-ÖØ-öø-ÿāēīōūǎǒ]", lambda c: unicodedata.normalize("NFD", c)),
    }  # fmt: skip
    if language == "zh":
        found["mojibake"] = _replace("[\u4e00-\u9fff，。]{4,12}", _garble("cp1252"))
        found["ideographic indent"] = _replace("\n(?=[\u4e00-\u9fff])", lambda _: "\n\u3000\u3000")
    else:
        found["mojibake"] = _replace("[’“”–—é]", _garble("cp1252"))
        found["doubled and non-breaking spaces"] = _replace(gap, lambda _: "  \u00a0")
    return found


def repairs(texts: list[str], language: str) -> dict[str, Any]:
    """By class: documents that it could be put into, and the share that came back as without it."""
    wanted = clean(texts)
    result = {}
    for name, inject in defects(language).items():
        draw = random.Random(name)
        rows, broken = [], []
        for i, text in enumerate(wanted):
            made = inject(text, draw)
            if made is not None:
                rows.append(i)
                broken.append(made)
        # A class that cuts a run to its limit (three marks, two blank lines) cannot give one back.
        expected = [_limits(wanted[i], name) for i in rows]
        got = [_limits(t, name) for t in clean(broken)]
        right = sum(a == b for a, b in zip(expected, got, strict=True))
        result[name] = {"documents": len(rows), "repaired": round(right / max(1, len(rows)), 4)}
    for name, wrap in {"hard line breaks": _wrapped, "hard line breaks and hyphens": _hyphenated}.items():
        if language == "zh" and wrap is _hyphenated:
            continue
        paragraphs = [p for text in wanted for p in text.split("\n") if 300 < len(p) < 1500][:500]
        got = clean([wrap(p, language) for p in paragraphs], join_lines=True)
        right = sum(a == b for a, b in zip(paragraphs, got, strict=True))
        result[name] = {"documents": len(paragraphs), "repaired": round(right / max(1, len(paragraphs)), 4)}
    return result


def _limits(text: str, name: str) -> str:
    if name == "repeated punctuation":
        return re.sub(r"([！？!?。])\1+", r"\1", text)
    return re.sub("\n+", "\n", text) if name == "many blank lines" else text


def _wrapped(paragraph: str, language: str) -> str:
    if language == "zh":
        return _typeset(paragraph)
    lines, line = [], ""
    for word in paragraph.split(" "):
        if line and len(line) + len(word) >= 78:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _breaks(text: str, i: int) -> bool:
    """Whether a line may end before `i`: at a space between Latin words, or beside a Chinese character."""
    if text[i] == " ":
        return text[i - 1].isascii() and text[i + 1 : i + 2].isascii()
    cut = text[i - 1].isascii() and text[i].isascii()
    return not cut and text[i] not in "，。；：、！？）》”’」』…%℃×" and text[i - 1] not in "（《“‘「『× "


def _typeset(paragraph: str) -> str:
    """Chinese as typesetting breaks it: 76 columns, no closing mark at a line's head, no Latin word or number cut."""
    lines, start, columns, i = [], 0, 0, 0
    while i < len(paragraph):
        columns += 2 if unicodedata.east_asian_width(paragraph[i]) in "WF" else 1
        if columns > 76:
            while i > start + 20 and not _breaks(paragraph, i):
                i -= 1
            lines.append(paragraph[start:i])
            i += paragraph[i] == " "
            start, columns = i, 0
            continue
        i += 1
    return "\n".join([*lines, paragraph[start:]])


def _hyphenated(paragraph: str, _language: str) -> str:
    lines, line = [], ""
    for word in paragraph.split(" "):
        room = 77 - len(line)
        if line and len(word) > room:
            if word.isalpha() and word.islower() and len(word) >= 7 and room >= 5:
                cut = min(room - 2, len(word) - 3)
                lines.append(f"{line} {word[:cut]}-")
                line = word[cut:]
            else:
                lines.append(line)
                line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def everything(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, text) of every text of the development data: each field of the JSON lines, and all else (pages, mails, XML,
    web archives, books, tables) as our readers give it."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if path.name.endswith(".jsonl.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    for value in json.loads(line).values():
                        if isinstance(value, str) and len(value) > 20:
                            yield name, value
        elif ".wat." not in name and not name.endswith(".md"):
            for text in _read(path):
                # Books and dumps come as one text; a mistake should not hide behind the first of a file.
                for i in range(0, max(1, len(text)), 20_000):
                    yield name, text[i : i + 20_000]


AS_TEXT = ("emails_raw", "enwiki_sample", "garbage_lines")
"""Mails have no name that tells what they are; the dump is of an XML that has no reader, and its markup is a test."""


def _read(path: Path) -> Iterator[str]:
    if path.name.endswith(".csv.gz"):
        raw = gzip.decompress(path.read_bytes()).decode("gb18030", errors="replace")
        yield from ("\n".join(row) for row in csv.reader(io.StringIO(raw)))
        return
    if path.suffix == ".json":  # a JSON with trailing commas, which no reader takes
        yield path.read_text("utf-8")
        return
    form: Any = "text" if path.name.startswith(AS_TEXT) else "auto"
    inputs = [Input(path=str(path), format=form)]
    for unit in plan_units(inputs).units:
        for table, bad in read_unit(unit, inputs):
            yield from (text for text in table.column("text").to_pylist() if text)
            for record in bad:
                UNREAD[f"{path.name}: {record.error.split(':')[0][:60]}"] += 1


UNREAD: Counter[str] = Counter()
"""What the readers refuse or cannot read, by file and reason."""


def idempotence(folder: Path, **options: Any) -> dict[str, Any]:
    again: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    batch: list[tuple[str, str]] = []
    UNREAD.clear()

    def look() -> None:
        once = clean([text for _, text in batch], **options)
        for (name, _), a, b in zip(batch, once, clean(once, **options), strict=True):
            again[name] += a != b
        batch.clear()

    for pair in everything(folder):
        batch.append(pair)
        counted[pair[0]] += 1
        if len(batch) == 512:
            look()
    look()
    archives = {name: n for name, n in counted.items() if not name.endswith(".jsonl.gz")}
    return {
        "documents": counted.total(),
        "changed by a second cleaning": again.total(),
        "in": {name: n for name, n in again.items() if n},
        "of these from archives, pages, mails, XML, books, tables": archives,
        "not read": dict(UNREAD),
    }


def speed(megabytes: float) -> dict[str, Any]:
    what, texts = real_documents(megabytes)
    found: dict[str, Any] = {"documents": what}
    for language, pool in texts.items():
        batches = [Documents.from_texts(pool[i : i + 512]) for i in range(0, len(pool), 512)]
        FixFormat().transform(batches[0])
        size = sum(len(text.encode()) for text in pool) / 1e6
        best = 0.0
        for _ in range(3):
            batches = [Documents(batch.table) for batch in batches]
            start = time.process_time()
            for batch in batches:
                FixFormat().transform(batch)
            best = max(best, size / (time.process_time() - start))
        found[language] = {"megabytes": round(size, 1), "MB a second": round(best, 1)}
    return found


def main() -> None:
    data = os.environ.get("CORPUSMILL_TEST_DATA")
    if not data:
        sys.exit("set CORPUSMILL_TEST_DATA to the folder of the development data")
    folder = Path(data)
    result: dict[str, Any] = about(("ftfy", "numba", "pyarrow"))
    if sys.argv[1:] == ["idempotence"]:  # alone, into the figures that are there
        result = json.loads((Path(__file__).parent / "results" / "cleanup.json").read_text("utf-8"))
        result["idempotence"] = idempotence(folder)
        result["idempotence, all options"] = idempotence(folder, quotes=True, join_lines=True)
        save("cleanup", result)
        return
    result["speed"] = speed(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
    for language in ("zh", "en"):
        texts = chosen(folder, language)
        result[language] = {
            "harm": harm(texts, clean(texts)),
            "changes of join_lines on clean text": harm(texts, clean(texts, join_lines=True)),
            "harm of ftfy's defaults": harm(texts, [ftfy.fix_text(t) for t in texts]),
            "harm of NFKC": harm(texts, [unicodedata.normalize("NFKC", t) for t in texts]),
            "repair": repairs(texts, language),
        }
    result["idempotence"] = idempotence(folder)
    result["idempotence, all options"] = idempotence(folder, quotes=True, join_lines=True)
    save("cleanup", result)


if __name__ == "__main__":
    main()
