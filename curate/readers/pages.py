"""HTML to text."""

from __future__ import annotations

import re
from typing import Any

from ..errors import MissingExtra
from .encoding import Undecodable, declared_in_html, decode_document, is_binary
from .records import MAX_RECORD_BYTES, Bad, Record, bad

MAX_DEPTH = 2000
"""Open block elements beyond which a page is refused: extraction takes time with the square of the depth (100,000
nested divs: minutes). Browsers stop at 512."""

_NESTING = ("div", "span", "font", "table", "blockquote", "section", "ul", "b", "i", "center", "p", "a")


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
    except MissingExtra:
        raise
    except Exception as error:
        return bad(origin, position, f"{extractor} failed on this page: {type(error).__name__}: {error}", data)
    except BaseException as error:
        # A panic in Rust arrives as a BaseException of its own, beside KeyboardInterrupt.
        if type(error).__name__ != "PanicException":
            raise
        return bad(origin, position, f"{extractor} failed on this page: {error}", data)
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
    """(title, main text) of a page; the text is empty where there is none but menus."""
    from resiliparse.parse.html import HTMLTree

    if _depth(html) > MAX_DEPTH:
        raise ValueError(f"its elements are nested more than {MAX_DEPTH} deep")
    tree = HTMLTree.parse(html)
    title = " ".join(tree.title.split()) if tree.title else None
    if extractor == "trafilatura":
        try:
            import trafilatura
        except ImportError as error:
            raise MissingExtra("trafilatura", "html") from error
        return title, trafilatura.extract(html, include_comments=False) or ""
    from resiliparse.extract.html2text import extract_plain_text

    return title, extract_plain_text(tree, main_content=True, alt_texts=False)


def _depth(html: str) -> int:
    """How deep elements of one kind are nested in each other, the most of any kind; 0 where it cannot be much."""
    if html.count("<") <= MAX_DEPTH:
        return 0
    lower = html.lower()
    deepest = 0
    for tag in _NESTING:
        if lower.count(f"<{tag}") > MAX_DEPTH:
            depth = 0
            for found in re.finditer(f"<(/?){tag}[\\s>]", lower):
                depth = max(0, depth - 1) if found.group(1) else depth + 1
                deepest = max(deepest, depth)
    return deepest
