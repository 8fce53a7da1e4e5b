"""The main text of a page: which part of the tree is the article, and what in it is not.

One walk over lxml's tree cuts the page into blocks (a paragraph, an item, a cell) and values each: sentences count for
their place, links and scraps of text against it. The element whose blocks sum up to the most is the main part; in it,
menus, comments, notices and lists of links are left out. All lengths are in UTF-8 bytes: a Chinese character then
weighs about as much as the three letters it stands for, and one set of bounds serves every script.

The bounds were set on half of the hosts of the development pages and lie on flat ground: with any one of them a third to
a half off, F1 on the English and Chinese sets there moved by at most .012, mostly by less than .003.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .words import AGAINST, ARTICLE, COMMENTS, DATE, END, SIDE, hint, is_notice, word_set

_GONE = (
    "head", "title", "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "embed", "applet",
    "canvas", "map", "audio", "video", "select", "button", "input", "textarea", "datalist", "frameset", "noframes",
    "dialog",
)  # fmt: skip
"""Elements without text of their own to read."""

_INLINE = word_set(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr o:p q rb rp rt ruby s "
    "samp small span strike strong sub sup time tt u var wbr"
)
_SIDES = frozenset(("nav", "footer", "aside", "menu", "figcaption"))
_FORMS = frozenset(("form", "fieldset"))
_SIDE_ROLES = word_set("navigation banner contentinfo complementary search dialog menu menubar alertdialog alert")
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CELLS = frozenset(("li", "td", "th", "dd", "dt"))
_GROUPS = frozenset(("ul", "ol", "dl", "table", "div", "section", "p"))

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_MARKS = re.compile(r"[.,;:!?](?=\s|$|[\"'”’)])|[。，、；：！？…]")

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_LONG_TAG = re.compile(r"<[a-zA-Z][\w-]*\s[^>]{16384,}")
_ATTRIBUTE = re.compile(r"\s[\w:-]+=[\"'\w]")
_MAX_ATTRIBUTES = 2000

_BREAK = "\x01"
"""Stands for `<br>` until its block is put together; taken out of the page before."""

_LARGE = {AGAINST: 0.35, SIDE: 0.7, COMMENTS: 1.1}
"""Share of the page's text from which on a part stays in against its name: the name then means another thing."""
_ARTICLE_BONUS = 1.15
_CLUE_BONUS = 0.15
_SCRAP, _CELL, _LINK = 10.0, 0.1, 60.0
_FEW, _SURE, _ALL = 250, 0.1, 0.97


@dataclass(slots=True)
class Block:
    """A run of text between two block-level boundaries."""

    node: int
    text: str
    length: int
    linked: float
    """Share of the characters that are in links."""
    marks: int
    """Commas, full stops and their like."""
    value: float = 0.0
    notice: bool = False


@dataclass(slots=True)
class Outline:
    """A page's block-level elements in document order, and its blocks. A node's parent comes before it."""

    parents: list[int]
    tags: list[str]
    hints: list[int]
    blocks: list[Block]


@dataclass(frozen=True)
class Found:
    """The blocks of the main part, and the signs of how good it is."""

    outline: Outline
    blocks: list[Block]
    body: float
    """Bytes of text outside links on the whole page."""

    @cached_property
    def length(self) -> int:
        return sum(block.length for block in self.blocks)

    @property
    def doubtful(self) -> bool:
        """Whether nothing on the page could be told from the article: all of it was taken.

        In Chinese, Japanese and Korean that is no reason to ask trafilatura, which does worse there (F1 .86 to .96 on
        Chinese news).
        """
        if self.length < _ALL * self.body:
            return False
        text = "".join(block.text for block in self.blocks)
        return len(_CJK.findall(text)) <= 0.2 * len(text)


def parse(html: str) -> Any:
    """lxml's tree of a page, or None where there is no element in it.

    Raises ValueError for a page whose elements are nested deeper than the parser follows (2,048), or that would keep it
    busy for minutes.
    """
    from lxml import etree  # type: ignore[import-untyped]

    # Without huge_tree the parser would stop at 256 open elements, which real pages reach.
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    clean = html.replace("\x00", "").replace(_BREAK, "")
    for element in _LONG_TAG.finditer(clean):
        # The parser compares every attribute with every other: 100,000 of them took it six minutes.
        if len(_ATTRIBUTE.findall(element[0])) > _MAX_ATTRIBUTES:
            raise ValueError(f"one of its elements has more than {_MAX_ATTRIBUTES:,} attributes")
    try:
        root = etree.fromstring(clean.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    last = parser.error_log.last_error
    if last is not None and "depth" in last.message:
        raise ValueError("its elements are nested more than 2,048 deep")
    return root


def outline(root: Any) -> Outline:
    """Walks the tree once. Takes elements without text out of it."""
    from lxml import etree

    etree.strip_elements(root, *_GONE, with_tail=False)
    parents, tags, hints = [-1], ["html"], [0]
    blocks: list[Block] = []
    buffer: list[str] = []
    linked = links = at = pre = 0

    def flush() -> None:
        nonlocal linked
        raw = "".join(buffer)
        buffer.clear()
        if pre:
            text = raw.replace(_BREAK, "\n").strip("\n").rstrip()
        elif _BREAK in raw:
            text = "\n".join(line for line in (" ".join(piece.split()) for piece in raw.split(_BREAK)) if line)
        else:
            text = " ".join(raw.split())
        if text:
            length = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            marks = len(_MARKS.findall(text)) if length >= 9 else 0
            blocks.append(Block(at, text, length, min(1.0, linked / len(text)), marks))
        linked = 0

    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            if tag == "br":
                buffer.append(_BREAK)
                continue
            if tag in _INLINE:
                links += tag == "a"
            else:
                if buffer:
                    flush()
                parents.append(at)
                at = len(tags)
                tags.append(tag)
                hints.append(_hint(tag, element))
                pre += tag == "pre"
            text = element.text
        else:
            if tag in _INLINE:
                links -= tag == "a"
            elif tag != "br":
                if buffer:
                    flush()
                at = parents[at]
                pre -= tag == "pre"
            text = element.tail
        # White space between blocks is most of the text nodes of a page.
        if text and (buffer or not text.isspace()):
            buffer.append(text)
            if links:
                linked += len(text.strip())
    if buffer:
        flush()
    return Outline(parents, tags, hints, blocks)


def _hint(tag: str, element: Any) -> int:
    if tag in _SIDES:
        return SIDE
    said = ARTICLE if tag in ("article", "main") else 0
    names = ""
    for name, value in element.items():
        if name in ("class", "id"):
            names += f" {value}"
        elif (
            (name == "style" and _HIDDEN.search(value))
            or name == "hidden"
            or (name == "aria-hidden" and value == "true")
            or (name == "role" and value in _SIDE_ROLES)
        ):
            return SIDE
        elif (name == "role" and value in ("main", "article")) or (name == "itemprop" and value == "articleBody"):
            said = ARTICLE
    # A form around the whole page, as some servers make it, holds too much to be put out by this.
    return said or (AGAINST if tag in _FORMS else hint(names[:500]) if names and tag not in ("body", "html") else 0)


def find(page: Outline, title: str = "", clue: str = "") -> Found:
    """The main part. `title` is the page's <title>, `clue` the beginning of its own description."""
    found = _find(page, title, clue, named=True)
    if found.length < _SURE * found.body or found.length < _FEW:
        # The names may mislead: a live ticker whose entries are called comments.
        other = _find(page, title, clue, named=False)
        if other.length > 2 * found.length:
            return other
    return found


def _find(page: Outline, title: str, clue: str, named: bool) -> Found:
    parents, tags, hints, blocks = page.parents, page.tags, page.hints, page.blocks
    n = len(tags)
    total, linked = [0] * n, [0.0] * n
    for block in blocks:
        total[block.node] += block.length
        linked[block.node] += block.length * block.linked
    for i in range(n - 1, 0, -1):
        total[parents[i]] += total[i]
        linked[parents[i]] += linked[i]
    body = total[0] - linked[0]

    out = [False] * n
    for i in range(1, n):
        if out[parents[i]]:
            out[i] = True
        elif hints[i] < 0 and (named or hints[i] == SIDE):
            out[i] = total[i] - linked[i] < _LARGE[hints[i]] * body

    sums = [0.0] * n
    for block in blocks:
        worth = _value(block, tags[block.node])
        if out[block.node]:
            worth = 0.2 * min(
                0.0, worth
            )  # a comment section inside still says a little: this is the page, not the article
        elif clue and worth > 0 and clue in block.text:
            worth += _CLUE_BONUS * body
        block.value = worth
        sums[block.node] += worth
    for i in range(n - 1, 0, -1):
        sums[parents[i]] += sums[i]
    best, most = 0, float("-inf")
    for i in range(n):
        if not out[i]:
            worth = sums[i] * (_ARTICLE_BONUS if hints[i] > 0 else 1.0)
            if worth >= most:  # the innermost of equals
                best, most = i, worth

    within, inside = [False] * n, [False] * n
    within[best] = inside[best] = True
    for i in range(best + 1, n):
        within[i] = within[parents[i]]
        links_only = tags[i] in _GROUPS and linked[i] > 0.6 * total[i]
        inside[i] = inside[parents[i]] and not out[i] and not links_only
    held = [b for b in blocks if within[b.node]]
    first, last = _best_run(held)
    while first and tags[held[first - 1].node] in HEADINGS:
        first -= 1
    chosen = _tidy([b for b in held[first:last] if inside[b.node]], tags)
    if not chosen and linked[0] < 0.3 * total[0]:
        # Short lines and nothing else, and few of them links: a poem, a notice.
        chosen = [b for b in blocks if not out[b.node] and b.linked <= 0.5]
    if chosen and not any(tags[b.node] == "h1" for b in chosen):
        chosen = _heading(page, chosen[0], out, title) + chosen
    return Found(page, chosen, body)


def _value(block: Block, tag: str) -> float:
    """What a block says about where the article is: above 0 for it, below 0 against."""
    length, linked = block.length, block.linked
    if linked > 0.5 and tag != "h1":
        return 0.0 if block.marks and length * (1 - linked) >= 60 else -min(length, _LINK)
    if tag in HEADINGS and (length < 200 or not block.marks):
        return 0.0
    if length < 300 and is_notice(block.text):
        block.notice = True
        return -0.2 * length
    if block.marks == 0:
        if length >= 60:
            return 0.1 * length
        return _CELL * length if tag in _CELLS else -_SCRAP
    worth = length * (1 - 2 * linked)
    return 0.2 * worth if length < 60 and tag != "li" else worth


def _best_run(blocks: list[Block]) -> tuple[int, int]:
    """The stretch of blocks with the largest sum: what stands before and after an article costs more than it brings."""
    start = first = last = 0
    running = most = 0.0
    for i, block in enumerate(blocks):
        running += block.value
        if running > most:
            most, first, last = running, start, i + 1
        if running <= 0:
            running, start = 0.0, i + 1
    return first, last


def _tidy(blocks: list[Block], tags: list[str]) -> list[Block]:
    """Without link lines, notices, what is said twice, date lines at the head, and what follows a "related" line."""
    whole = after = sum(b.length for b in blocks)
    kept: list[Block] = []
    seen: set[str] = set()
    begun = False
    for b in blocks:
        tag = tags[b.node]
        after -= b.length
        begun = begun or (b.length >= 100 and b.value > 0)
        if b.length < 60 and after < 0.3 * whole and END.match(b.text):
            break
        if b.linked >= 0.7 and b.length < 200 and tag != "h1":
            continue
        if b.notice and b.length >= 25 and b.value < 0:
            continue
        if not begun and b.length < 90 and tag not in HEADINGS and DATE.search(b.text):
            continue
        if b.length >= 40:
            if b.text in seen:
                continue
            seen.add(b.text)
        kept.append(b)
    return kept


def _heading(page: Outline, first: Block, out: list[bool], title: str) -> list[Block]:
    """The nearest <h1> before the main part, or the nearest block that the page's <title> begins with."""
    for block in reversed(page.blocks[: page.blocks.index(first)]):
        if page.tags[block.node] == "h1" or (block.length >= 18 and title.startswith(block.text)):
            return [block] if block.length >= 12 and not out[block.node] else []
    return []
