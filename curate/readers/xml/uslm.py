"""US bills, resolutions, public laws and compilations in USLM, the XML of the Government Publishing Office, as text.

Divisions down to sections are headings; subsections and what is below begin lines of their own with their number. Left out:
tables of contents, side notes, page numbers, notes of editors, sponsors and the course of the bill.
"""

from __future__ import annotations

import re
from typing import Any

from .jats import table
from .words import inline, local, shown, tidy

ROOTS = ("bill", "resolution", "pLaw", "statuteCompilation", "uscDoc", "lawDoc", "amendment", "engrossedAmendment")

_HEADED = {
    "division": 2,
    "title": 2,
    "subtitle": 3,
    "part": 3,
    "subpart": 3,
    "chapter": 3,
    "subchapter": 4,
    "section": 4,
}
_LEVELS = frozenset(
    [
        "appropriations",
        "level",
        "subsection",
        "paragraph",
        "subparagraph",
        "clause",
        "subclause",
        "item",
        "subitem",
        "subsubitem",
        "groupItem",
        "proviso",
    ]
)
_LINES = frozenset(
    [
        "p",
        "recital",
        "continuation",
        "docTitle",
        "officialTitle",
        "enactingFormula",
        "resolvingClause",
        "quotedContent",
        "block",
        "explanationNote",
        "schedule",
    ]
)
_DROPPED = frozenset(
    [
        "meta",
        "preface",
        "toc",
        "sidenote",
        "page",
        "editorialNote",
        "explanationNote",
        "footnote",
        "endMarker",
        "note",
        "signatures",
        "action",
        "slugLine",
        "distributionCode",
        "citationNote",
        "editionNote",
        "endorsement",
        "notes",
        "sourceCredit",
        "referenceItem",
        "legislativeHistory",
    ]
)

_NUMBERED = re.compile(r"^[\w–. ]{3,40}: (?=[A-Z])")
"""A bill's number before its title: 114 S 32 CDS: To provide ..."""


def bill(element: Any) -> tuple[str, dict[str, Any]] | None:
    """(text, metadata) of a document in USLM; None if it is none."""
    if "uslm" not in element.tag:
        return None
    named: dict[str, str] = {}
    for part in element.iter():
        name = local(part)
        if name in ("title", "docNumber", "congress", "citableAs", "rights", "approvedDate") and name not in named:
            named[name] = tidy(inline(part)) if name != "title" or "purl.org/dc" in part.tag else ""
            if not named[name]:
                del named[name]
        if name == "date" and "date" not in named and re.match(r"\d{4}-\d\d-\d\d", part.get("date") or ""):
            named["date"] = part.get("date")
        if name == "main":
            break
    fields: dict[str, Any] = {"bill_kind": local(element)}
    fields.update(
        {
            key: named[name]
            for key, name in (
                ("title", "title"),
                ("number", "citableAs"),
                ("congress", "congress"),
                ("license", "rights"),
            )
            if name in named
        }
    )
    if date := named.get("approvedDate", named.get("date")):
        fields["date"] = date
    out = _Bill()
    out.walk(element, 0)
    out.flush()
    text = out.text()
    if "title" in fields:
        fields["title"] = _NUMBERED.sub("", fields["title"])
        if fields["title"] not in text[:2000]:  # compilations have theirs in the part that is left out
            text = f"# {fields['title']}\n\n{text}"
    return text, fields


class _Bill:
    """Blocks in order: a heading, a paragraph, or a level's line, which follows the line before it without a blank one."""

    def __init__(self) -> None:
        self.blocks: list[tuple[str, str]] = []
        self.parts: list[str] = []
        self.kind = "text"

    def flush(self, kind: str = "text") -> None:
        words = tidy("".join(self.parts))
        if self.blocks and words and not words.strip("”’.;,: "):  # what follows a quoted provision: its full stop
            kind, before = self.blocks[-1]
            self.blocks[-1] = kind, before + words
        elif words:
            self.blocks.append((self.kind, words))
        self.parts, self.kind = [], kind

    def walk(self, element: Any, quoted: int) -> None:
        self.parts.append(element.text or "")
        for child in element:
            self.child(child, quoted)
            self.parts.append(child.tail or "")

    def child(self, element: Any, quoted: int) -> None:
        name = local(element)
        if name in _DROPPED:
            return
        if name in _HEADED and not quoted and (level := _HEADED[name]):
            self.flush()
            head = [c for c in element if local(c) in ("num", "heading", "subheading")]
            if title := tidy(" ".join(_words(c) for c in head)):
                self.blocks.append(("heading", f"{'#' * level} {title}"))
            for c in head:
                element.remove(c)
            self.walk(element, quoted)
            self.flush()
        elif name == "table":
            self.flush()
            self.blocks.append(("text", table(element)))
        elif name in _LEVELS or name in _HEADED:
            self.flush("level")
            self.walk(element, quoted)
            self.flush()
        elif name in _LINES:
            self.flush("level" if name == "continuation" else "text")
            self.walk(element, quoted + (name == "quotedContent"))
            self.flush()
        elif not name:
            self.parts.append(shown(element))
        elif name == "br":
            self.flush()
        else:
            self.walk(element, quoted)
            if name in ("num", "heading", "subheading"):
                self.parts.append(" ")

    def text(self) -> str:
        out: list[str] = []
        before = ""
        for kind, words in self.blocks:
            if out:
                out.append("\n" if kind == "level" and before in ("level", "text") else "\n\n")
            out.append(words)
            before = kind
        return "".join(out)


def _words(element: Any) -> str:
    return inline(element, lambda e: "" if local(e) in _DROPPED else None)
