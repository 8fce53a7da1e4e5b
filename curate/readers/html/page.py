"""HTML to text."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import Any

from ..encoding import Undecodable, declared_in_html, decode_document, is_binary
from ..records import MAX_RECORD_BYTES, Bad, Record, bad
from .main_text import find, outline, parse
from .markdown import markdown

_MIN_STATED = 500
"""Bytes from which on an article's text in the page's metadata counts, where it is twice what the page shows."""
_MIN_SLOW = 250
"""Bytes below which the slow extractor found nothing worth to replace the fast one's text with."""


def read_page(
    data: bytes,
    origin: str,
    position: int,
    *,
    extractor: str,
    encoding: str = "auto",
    declared: str | None = None,
    fields: dict[str, Any] | None = None,
) -> Record | Bad:
    """A page's main text, with its title in the metadata. `declared` is the charset of the HTTP header, if any."""
    fields = dict(fields or {})
    if len(data) > MAX_RECORD_BYTES:
        return bad(origin, position, f"the page is larger than {MAX_RECORD_BYTES >> 20} MiB", data)
    labels = [label for label in (declared, declared_in_html(data)) if label]
    try:
        decoded = decode_document(data, labels, encoding)
    except Undecodable as error:
        return bad(origin, position, str(error), data)
    if is_binary(decoded.text):
        return bad(origin, position, "binary: the page is mostly control characters", data)
    note_encoding(fields, decoded.encoding, decoded.n_broken)
    try:
        title, text = page_text(decoded.text, extractor)
    except Exception as error:
        return bad(origin, position, f"{extractor} failed on this page: {type(error).__name__}: {error}", data)
    if title:
        fields["title"] = title
    return Record(text, fields, position, origin)


def note_encoding(fields: dict[str, Any], encoding: str, n_broken: int) -> None:
    """Says in the metadata how a document was decoded, where that was more than reading UTF-8."""
    if encoding != "utf-8":
        fields["encoding"] = encoding
    if n_broken:
        fields["undecodable_characters"] = n_broken


def page_text(html: str, extractor: str) -> tuple[str | None, str]:
    """(title, main text) of a page; the text is empty where there is none but menus.

    `auto` takes the fast extraction, and trafilatura's where the fast one's own signs are poor; `fast` and
    `trafilatura` are each alone.
    """
    slow = None if extractor == "fast" else _trafilatura(full=extractor == "trafilatura")
    root = parse(html)
    if root is None:
        return None, ""
    title, clue, stated = _about(root)
    if slow is not None and extractor == "trafilatura":
        return title, slow(html)
    found = find(outline(root), title or "", clue)
    if len(stated.encode()) > max(_MIN_STATED, 2 * found.length):
        return title, stated
    if slow is not None and found.doubtful:
        text = slow(html)
        if len(text.encode()) >= _MIN_SLOW:
            return title, text
    return title, markdown(found.outline, found.blocks)


def _trafilatura(full: bool) -> Callable[[str], str]:
    from trafilatura import extract

    # For pages in doubt its fast and strict way scores as well as its best one, in half the time.
    return lambda html: extract(html, include_comments=False, fast=not full, favor_precision=not full) or ""


def _about(root: Any) -> tuple[str | None, str, str]:
    """What a page says of itself: its title, how its description begins, and the article's text where scripts hold it."""
    title = " ".join((root.findtext(".//title") or "").split()) or None
    clue = ""
    for meta in root.iter("meta"):
        name = (meta.get("property") or meta.get("name") or "").lower()
        content = " ".join((meta.get("content") or "").split())
        if name == "og:title":
            title = title or content or None
        elif name in ("description", "og:description") and not clue and len(content.encode()) >= 40:
            # Descriptions are often cut or begin with the place: the first words, and no more, are looked for.
            clue = content[:25] if content[:25].isascii() else content[:10]
    stated = ""
    for script in root.iter("script"):
        if script.get("type") == "application/ld+json" and "articleBody" in (script.text or ""):
            stated = stated or _stated(script.text)
    return title, clue, stated


def _stated(script: str) -> str:
    try:
        todo: list[Any] = [json.loads(script, strict=False)]
    except ValueError:
        return ""
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            body = item.get("articleBody")
            if isinstance(body, str) and "<" not in body:
                return unescape(body).strip()
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return ""
