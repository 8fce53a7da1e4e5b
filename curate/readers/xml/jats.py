"""A JATS article (PubMed Central, bioRxiv, SciELO, most publishers' XML) as text and metadata.

What is left out is told by structure: references, thanks, notes on authors, permissions, reviews, and sections whose type
or title says that they are such. Marks of numbered references ([12], superscript 12) go with the list that they point to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..markdown_table import markdown_table
from .back_matter import back_matter
from .words import inline, local, shown, tidy

_DROPPED = frozenset(
    [
        "ref-list",
        "ack",
        "fn-group",
        "notes",
        "bio",
        "author-notes",
        "permissions",
        "contrib-group",
        "aff",
        "history",
        "self-uri",
        "supplementary-material",
        "sub-article",
        "response",
        "object-id",
        "media",
        "graphic",
        "inline-graphic",
        "inline-supplementary-material",
        "related-article",
        "related-object",
        "product",
        "counts",
        "custom-meta-group",
        "processing-meta",
        "floats-wrap",
        "sec-meta",
        "abstract-meta",
        "kwd-group",
        "fn",
        "table-wrap-foot-meta",
        "attrib-meta",
        "alt-text",
        "long-desc",
        "label",
        "title",
        "caption",
        "index-term",
        "floats-group",
    ]
)
_DROPPED_SECTIONS = frozenset(
    [
        "coi-statement",
        "conflict",
        "competing-interests",
        "supplementary-material",
        "supporting-information",
        "data-availability",
        "funding",
        "funding-information",
        "contributions",
        "author-contributions",
        "author-contribution",
        "acknowledgement",
        "ack",
    ]
)
_DROPPED_ABSTRACTS = frozenset(["graphical", "toc", "teaser", "short", "precis", "web-summary", "video"])
_PARAGRAPHS = frozenset(
    [
        "p",
        "disp-quote",
        "attrib",
        "verse-group",
        "verse-line",
        "speech",
        "statement",
        "preformat",
        "code",
        "article-title",
    ]
)
_BLOCKS = _DROPPED | frozenset(
    [
        "sec",
        "list",
        "def-list",
        "table-wrap",
        "table-wrap-group",
        "fig",
        "fig-group",
        "disp-formula",
        "disp-formula-group",
        "boxed-text",
        "app",
        "app-group",
        "glossary",
        "p",
        "disp-quote",
        "verse-group",
        "statement",
        "preformat",
        "chem-struct-wrap",
        "array",
        "table",
    ]
)
_MARK = "\ue000"
"""Stands where a number pointed to the list of references, until the brackets around it are gone too."""
_NUMERIC = re.compile(r"[\[(（［]?\s*[a-zA-Z]?\d{1,4}[a-z]?(?:\s*[-–—−,，、;]\s*\d{1,4}[a-z]?)*\s*[\])）］]?")
_BETWEEN = rf"[\s,，、;；\-–—−~～and{_MARK}和与及]*"
_MARKED = re.compile(
    rf"\s?[\[(（［]\s*(?:see |reviewed in |refs?\.? |参见|文献)?\s*{_MARK}{_BETWEEN}[\])）］]|(?:\s*[,，;；\-–—−]?\s*{_MARK})+"
)
MAX_SPAN = 100
"""Columns or rows that one cell may take: more are a mistake, or an attempt to make a small file a large table."""


def article(element: Any) -> tuple[str, dict[str, Any]] | None:
    """(text, metadata) of an `<article>`; None if it is no JATS one."""
    parts = {local(child): child for child in reversed(element)}
    front = parts.get("front", parts.get("front-stub"))
    if front is None and "body" not in parts:
        return None
    meta = next((child for child in front if local(child) == "article-meta"), front) if front is not None else None
    fields = _metadata(element, front, meta)
    out = _Article(_language(element))
    if title := fields.get("title"):
        out.heading(1, title)
    abstracts = [a for a in (meta if meta is not None else ()) if local(a) == "abstract"]
    for abstract in abstracts:
        if (abstract.get("abstract-type") or "").lower() not in _DROPPED_ABSTRACTS:
            out.abstract(abstract, headed="body" in parts)
    for name in ("body", "floats-group"):
        if name in parts:
            out.children(parts[name], 1)
    for child in parts.get("back", ()):
        out.block(child, 1)
    return "\n\n".join(out.blocks), fields


# --- metadata ---------------------------------------------------------------------------------------------------------


def _metadata(element: Any, front: Any, meta: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if front is None:
        return fields
    title = next((e for e in meta.iter() if local(e) == "article-title"), None)
    if title is not None and (text := _clean(inline(title, _special))):
        fields["title"] = text
    for name in ("journal-title", "abbrev-journal-title", "journal-id"):
        found = next((e for e in front.iter() if local(e) == name), None)
        if found is not None and (text := tidy(inline(found))):
            fields["journal"] = text
            break
    for child in meta:
        if local(child) == "article-id":
            kind, value = (child.get("pub-id-type") or "").lower(), tidy(inline(child))
            if value and kind in ("pmc", "pmcid", "pmc-id"):
                fields["pmcid"] = value if value.upper().startswith("PMC") else f"PMC{value}"
            elif value and kind in ("pmid", "doi"):
                fields[kind] = value
    if date := _date(meta):
        fields["date"] = date
    if licence := _licence(meta):
        fields["license"] = licence
    if kind := element.get("article-type"):
        fields["article_type"] = kind
    return fields


def _date(meta: Any) -> str | None:
    """The day it appeared, as far as it is known; of several the most precise, then the first."""
    found = []
    for child in meta:
        if local(child) == "pub-date":
            values = {local(e): tidy(inline(e)) for e in child}
            iso = re.match(r"\d{4}(?:-\d\d(?:-\d\d)?)?", child.get("iso-8601-date") or "")
            if iso:
                found.append(iso[0])
            elif re.fullmatch(r"\d{4}", year := values.get("year", "")):
                numbers = [year]
                for part in ("month", "day"):
                    if not re.fullmatch(r"\d{1,2}", value := values.get(part, "")):
                        break
                    numbers.append(value.zfill(2))
                found.append("-".join(numbers))
    return min(found, key=lambda d: (-len(d), d)) if found else None


def _licence(meta: Any) -> str | None:
    """The licence's address where one is given, else its name, else its words."""
    for licence in (e for e in meta.iter() if local(e) == "license"):
        for e in licence.iter():
            if local(e) == "license_ref" and (address := tidy(inline(e))):
                return address
        for e in licence.iter():
            address = next((v for k, v in e.attrib.items() if k.endswith("href")), "") if local(e) else ""
            if "licen" in address or "creativecommons" in address:
                return str(address)
        words = tidy(inline(licence))
        return licence.get("license-type") or words[:200] or None
    return None


def _language(element: Any) -> str:
    return (element.get("{http://www.w3.org/XML/1998/namespace}lang") or "").lower()[:2]


# --- text -------------------------------------------------------------------------------------------------------------


def _special(element: Any) -> str | None:
    name = local(element)
    if name == "xref":
        kind = element.get("ref-type")
        if kind == "bibr":
            text = inline(element, _special)
            return _MARK if not text.strip() or _NUMERIC.fullmatch(text.strip()) or text.strip() == _MARK else text
        return "" if kind in ("fn", "aff", "corresp", "author-notes") else None
    if name == "alternatives":
        chosen = next((c for n in ("tex-math", "math", "textual-form") for c in element if local(c) == n), None)
        return shown(chosen) if chosen is not None else ""
    return "" if name in _DROPPED else None


def _clean(text: str) -> str:
    """Words of a paragraph, without marks of references and what they leave behind."""
    text = tidy(text)
    if _MARK in text:
        text = re.sub(r" +([.,;:。，；：])", r"\1", _MARKED.sub("", text))
    return text


class _Article:
    """The blocks of an article, in order."""

    def __init__(self, language: str) -> None:
        self.blocks: list[str] = []
        self.language = language

    def heading(self, level: int, text: str) -> None:
        self.blocks.append(f"{'#' * min(level, 6)} {text}")

    def add(self, text: str) -> None:
        if text:
            self.blocks.append(text)

    def abstract(self, element: Any, headed: bool) -> None:
        before = len(self.blocks)
        self.children(element, 2)
        title = _title(element) or ("摘要" if self.language == "zh" else "Abstract")
        if headed and len(self.blocks) > before:
            self.blocks.insert(before, f"## {title}")

    def children(self, element: Any, level: int) -> None:
        for child in element:
            self.block(child, level)

    def block(self, element: Any, level: int) -> None:
        """One block: a section, a paragraph with what stands inside it, a list, a table, a figure's caption."""
        name = local(element)
        if name in ("sec", "app", "boxed-text", "glossary"):
            self.section(element, level)
        elif name in ("table-wrap", "fig", "chem-struct-wrap", "array"):
            self.float(element)
        elif name in ("table-wrap-group", "fig-group"):
            self.add(_caption(element))
            self.children(element, level)
        elif name == "table":
            self.add(table(element))
        elif name in ("list", "def-list"):
            self.list(element)
        elif name in ("disp-formula", "disp-formula-group"):
            label = next((tidy(inline(c)) for c in element if local(c) == "label"), "")
            self.add(" ".join(p for p in (_clean(inline(element, _special)), label) if p))
        elif name in _PARAGRAPHS:
            self.paragraph(element, level)
        elif name and name not in _DROPPED:
            if any(local(child) in _BLOCKS for child in element):
                self.children(element, level)
            else:
                self.add(_clean(inline(element, _special)))

    def section(self, element: Any, level: int) -> None:
        title = _title(element)
        if (element.get("sec-type") or "").lower() in _DROPPED_SECTIONS or (title and back_matter(title)):
            return
        before = len(self.blocks)
        self.children(element, level + 1)
        if title and len(self.blocks) > before:  # a section of which nothing stays needs no title
            self.blocks.insert(before, f"{'#' * min(level + 1, 6)} {title}")

    def paragraph(self, element: Any, level: int) -> None:
        parts = [element.text or ""]
        for child in element:
            if local(child) in _BLOCKS:
                if local(child) not in _DROPPED:
                    self.add(_clean("".join(parts)))
                    parts = []
                    self.block(child, level)
            else:
                parts.append(shown(child, _special, "".join(parts)[-1:]))
            parts.append(child.tail or "")
        self.add(_clean("".join(parts)))

    def float(self, element: Any) -> None:
        self.add(_caption(element))
        for child in element.iter():
            if local(child) == "table":
                self.add(table(child))
        for foot in (e for e in element if local(e) == "table-wrap-foot"):
            notes = [_clean(_note(e)) for e in foot if local(e) in ("fn", "p", "attrib", "fn-group")]
            self.add("\n".join(note for note in notes if note))

    def list(self, element: Any, depth: int = 0) -> None:
        self.add("\n".join(_items(element, depth)))


def _title(element: Any) -> str:
    label = next((tidy(inline(c)) for c in element if local(c) == "label"), "")
    title = next((_clean(inline(c, _special)) for c in element if local(c) == "title"), "")
    return f"{label} {title}".strip()


def _caption(element: Any) -> str:
    """Figure 1. Title. What it shows."""
    label = next((tidy(inline(c)) for c in element if local(c) == "label"), "").rstrip(".:：")
    words = [
        _clean(inline(piece, _special))
        for caption in element
        if local(caption) == "caption"
        for piece in (caption if len(caption) else [caption])
    ]
    pieces = [w if w.endswith((".", "。", ":", "?")) else f"{w}." for w in ([label] if label else []) + words if w]
    text = " ".join(pieces)
    return text if any(words) else label


def _note(element: Any) -> str:
    label = next((inline(c, _special).strip() for c in element if local(c) == "label"), "")
    words = " ".join(inline(c, _special) for c in element if local(c) == "p") or (
        "" if label else inline(element, _special)
    )
    return f"{label} {words}" if label else words


def _items(element: Any, depth: int) -> Iterator[str]:
    ordered = element.get("list-type") in ("order", "alpha-lower", "alpha-upper", "roman-lower", "roman-upper")
    pad = "  " * min(depth, 8)
    number = 0
    for item in element:
        if local(item) == "def-item":
            term, meaning = ([_clean(inline(c, _special)) for c in item if local(c) == n] for n in ("term", "def"))
            yield f"{pad}- {' '.join(term)}: {' '.join(meaning)}"
        elif local(item) == "list-item":
            number += 1
            nested = [c for c in item.iter() if c is not item and local(c) in ("list", "def-list")]
            first = [c for c in nested if not any(p in nested for p in c.iterancestors())]
            words = " ".join(_clean(_without_lists(c)) for c in item if local(c) not in ("list", "def-list", "label"))
            label = next((tidy(inline(c)) for c in item if local(c) == "label"), "")
            mark = f"{number}." if ordered and not label else "-"
            if words.strip():
                yield f"{pad}{mark} {label + ' ' if label and label not in '•-–*' else ''}{words.strip()}"
            for inner in first:
                yield from _items(inner, depth + 1)


def _without_lists(element: Any) -> str:
    return inline(element, lambda e: "" if local(e) in ("list", "def-list") else _special(e))


def table(element: Any) -> str:
    """A table in Markdown: the words of a cell that takes several columns or rows stand in the first of them."""
    rows: list[list[str]] = []
    held: dict[tuple[int, int], bool] = {}
    for y, row in enumerate(e for e in element.iter() if local(e) == "tr"):
        cells: list[str] = []
        for cell in (c for c in row if local(c) in ("td", "th")):
            while held.pop((y, len(cells)), False):
                cells.append("")
            x, text = len(cells), _cell(cell)
            wide, high = (_span(cell.get(name)) for name in ("colspan", "rowspan"))
            cells += [text, *[""] * (wide - 1)]
            held.update({(y + dy, x + dx): True for dy in range(1, high) for dx in range(wide)})
        while held.pop((y, len(cells)), False):
            cells.append("")
        if any(cells):
            rows.append(cells)
    return markdown_table(rows)


def _cell(element: Any) -> str:
    text = inline(element, _special)
    pieces = (
        [_clean(piece) for piece in text.split("\n")]
        if any(local(e) == "break" for e in element.iter())
        else [_clean(text)]
    )
    return "; ".join(piece for piece in pieces if piece).replace("|", "\\|")


def _span(value: str | None) -> int:
    return min(max(int(value), 1), MAX_SPAN) if value and value.isdigit() else 1
