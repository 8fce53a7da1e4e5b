"""A page of a MediaWiki dump (Wikipedia, Wikisource, Wiktionary, company wikis) as text: what a reader of the page reads.

Links give their words, lists and tables come out as Markdown. Templates are left out, but for the few that stand in the
middle of sentences (`lang`, `convert`, `link-en` ...); so are references, files, categories and the sections that only point elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from ..markdown_table import markdown_table
from .words import local, raised, tidy

_ITEMS = {"*": "\ue001", "#": "\ue002", ":": "\ue003", ";": "\ue004"}
"""Stand for the marks of lists until lines are put together: a text may begin with the characters themselves."""
_MARKS = re.compile("^([\ue001-\ue004]+)[ \t]*")
_HEADING = "\ue005"
_TABLE = "\ue006"
_BREAK = "\ue007"

_FILE = re.compile(r"\s*(?:file|image|media|category|文件|檔案|档案|圖像|图像|图片|媒体|分类|分類)\s*:", re.IGNORECASE)
_FOREIGN = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*:\S")
_REDIRECT = re.compile(r"\s*#\s*(?:redirect|重定向)", re.IGNORECASE)
_SILENT = frozenset(
    [
        "ref",
        "references",
        "gallery",
        "timeline",
        "score",
        "imagemap",
        "templatestyles",
        "noinclude",
        "indicator",
        "inputbox",
        "graph",
        "maplink",
        "mapframe",
        "section",
        "style",
        "script",
        "hiero",
        "rss",
        "categorytree",
    ]
)
_LINES = frozenset(["p", "div", "blockquote", "center", "hr", "ul", "ol", "dl", "poem", "pre"])
_SILENT_TABLES = re.compile(
    r"infobox|navbox|vertical-navbox|toccolours|metadata|ambox|sidebar|noprint|wikitable-hidden"
)
_POINTING = frozenset(
    """
    see also|references|external links|further reading|notes|notes and references|footnotes|bibliography|sources|citations
    |works cited|references and notes|参见|參見|参看|參看|另见|另見|参考文献|參考文獻|参考资料|參考資料|外部链接|外部連結|外部連接
    |注释|註釋|注釋|脚注|腳註|备注|備註|延伸阅读|延伸閱讀|扩展阅读|擴展閱讀|相关条目|相關條目|相关链接|来源|來源|参考|參考|资料来源|註解|注解
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
"""Titles of sections that only point elsewhere, in lower case."""

_SHOWN: dict[str, int] = {
    **dict.fromkeys(["nowrap", "nobr", "small", "big", "smaller", "larger", "abbr", "ill", "interlanguage link"], 1),
    **dict.fromkeys(["math", "mvar", "nihongo", "link-en", "link-ja", "link-fr", "link-de", "link-ru", "ruby"], 1),
    **dict.fromkeys(["quote", "blockquote", "cquote", "quotation", "rquote", "val", "le", "lj", "angbr", "ipa"], 1),
    **dict.fromkeys(["ipalink", "ipa link", "ipablink", "ipaslink", "angle bracket"], 1),
    **dict.fromkeys(["lang", "transl", "transliteration", "translit"], -1),
    **dict.fromkeys(["tsl", "internal link helper"], 3),
}
"""Templates inside sentences -> the parameter that a reader sees; -1 is the last."""
_SIGNS = {
    **dict.fromkeys(["ndash", "en dash", "endash", "–"], "–"),
    **dict.fromkeys(["snd", "spnd", "spaced ndash"], " – "),
    **dict.fromkeys(["mdash", "em dash", "emdash", "—"], "—"),
    **dict.fromkeys(["nbsp", "space", "spaces"], " "),
    **dict.fromkeys(["·", "•", "dot", "bullet"], " · "),
    "!": "|",
    "'": "’",
    "=": "=",
    "circa": "c. ",
    "c.": "c. ",
}

_NEVER_SHOWN = re.compile(r"<!--.*?-->|<ref\b[^<>]*/>|<ref\b[^<>/]*>.*?</ref\s*>", re.DOTALL | re.IGNORECASE)
"""Taken out before anything is parsed: an odd quote in a reference leaves the parser with half of it as text."""
_LEFT_TABLE = re.compile(r"\s*(?:\{\||\|[-}+]|\||!.*(?:!!|\|))")
"""A line of a table that the parser could make nothing of."""
_LEFT_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)*([^\[\]|]*)\]\]")
_VARIANT = re.compile(r"-\{([^{}]*)\}-")
_EMPTY_BRACKETS = re.compile(r"[ \u00a0]*(?:\([\s,;:，；、：]*\)|（[\s,;:，；、：]*）)")
_BRACKET_THEN_MARK = re.compile(r"([(（])[\s,;，；、]+")
_MARK_THEN_BRACKET = re.compile(r"[\s,;，；、]+([)）])")
_BLANK_THEN_MARK = re.compile(r"(?<=\w)[ \u00a0]+([,.;，。；、])(?=\s|$)")
_BEHAVIOUR = re.compile(r"__[A-Z]{3,}__")
_HAN = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def page(element: Any) -> tuple[str, dict[str, Any]] | str:
    """(text, metadata) of a `<page>`, by its latest revision; or a sentence on why it is no document."""
    parts = {local(child): child for child in element}  # of several revisions the last
    if "revision" not in parts or "title" not in parts:
        return "no reader: this <page> is not MediaWiki's, which has <title> and <revision>"
    title = tidy(parts["title"].text or "")
    revision = {local(child): child for child in parts["revision"]}
    number = (parts["ns"].text or "0").strip() if "ns" in parts else "0"
    if number != "0":
        return f"no article: {title} is in namespace {number}"
    source = (revision["text"].text or "") if "text" in revision else ""
    if "redirect" in parts or _REDIRECT.match(source):
        return f"no article: {title} only redirects to another page"
    model = (revision["model"].text or "").strip() if "model" in revision else "wikitext"
    if model != "wikitext":
        return f"no article: {title} is written in {model}, not in wikitext"
    fields = {"title": title}
    for name, where, key in (("page_id", parts, "id"), ("revision", revision, "id"), ("date", revision, "timestamp")):
        if key in where and where[key].text:
            fields[name] = where[key].text.strip()
    return "\n\n".join([f"# {title}", *paragraphs(source)]), fields


def paragraphs(source: str) -> list[str]:
    """Wikitext as paragraphs, headings, lists and tables in Markdown. Raises ValueError on markup nested too deep."""
    import mwparserfromhell
    from mwparserfromhell.parser import ParserError

    source = _BEHAVIOUR.sub("", _NEVER_SHOWN.sub("", source.replace("\r\n", "\n")))
    source = _VARIANT.sub(lambda found: _variant(found[1]), source)
    try:
        shown = _render(mwparserfromhell.parse(source, skip_style_tags=False))
    except ParserError as error:
        raise ValueError(str(error)) from error
    return _without_pointing(_blocks(shown.split("\n")))


def _variant(inside: str) -> str:
    """What a reader of Simplified Chinese sees of `-{zh-hans:...; zh-hant:...}-`."""
    flags, bar, rest = inside.partition("|")
    if bar:
        if set(flags.strip().upper()) & set("HTD-"):  # rules and titles for the rest of the page, not words
            return ""
        inside = rest
    words = dict(pair.split(":", 1) for pair in inside.split(";") if re.match(r"\s*zh(-\w+)?\s*:", pair))
    words = {name.strip(): word.strip() for name, word in words.items()}
    names = ("zh-hans", "zh-cn", "zh", "zh-sg", "zh-hant", "zh-tw", "zh-hk")
    return next((words[name] for name in names if name in words), inside)


def _render(code: Any) -> str:
    return "".join(_node(node) for node in code.nodes)


def _node(node: Any) -> str:
    return _RENDERERS.get(type(node).__name__, lambda _: "")(node)


def _link(node: Any) -> str:
    target = str(node.title).strip()
    if _FILE.match(target):
        return ""
    if node.text is not None:
        return _render(node.text)
    if _FOREIGN.match(target):  # a link to the page in another language
        return ""
    return target.removeprefix(":").partition("#")[0] or target


def _tag(node: Any) -> str:
    name = str(node.tag).strip().lower()
    mark = _ITEMS.get(str(node.wiki_markup)) if node.wiki_markup else None
    if mark:
        return mark
    if name in _SILENT:
        return ""
    if name == "br":
        return _BREAK
    if name == "table":
        return _table(node)
    inside = _render(node.contents) if node.contents is not None else ""
    if name in ("sup", "sub"):
        return raised(inside) if name == "sup" else inside
    if name == "li" and not node.wiki_markup:
        return f"\n{_ITEMS['*']}{inside}\n"
    return f"\n{inside}\n" if name in _LINES else inside


def _table(node: Any) -> str:
    if any(_SILENT_TABLES.search(str(a)) for a in node.attributes):
        return ""
    whole = _render(node.contents) if node.contents is not None else ""
    if _HEADING in whole:  # never closed, it has taken in the rest of the page
        return whole
    rows: list[list[str]] = [[]]
    captions = []
    for child in node.contents.nodes if node.contents is not None else ():
        name = str(child.tag).strip().lower() if type(child).__name__ == "Tag" else ""
        if name == "tr":
            rows.append([text for cell in child.contents.nodes for text in _cell(cell)])
        elif name in ("td", "th"):  # of the first row, whose mark one may leave out
            rows[0] += _cell(child)
        elif name == "caption":
            captions.append(_one_line(_render(child.contents)))
    rows = [row for row in rows if any(row)]
    if rows and rows[0][0].startswith("+"):  # to the parser `|+` is a cell
        captions.append(rows[0].pop(0).removeprefix("+").strip())
        rows = [row for row in rows if any(row)]
    if not rows:
        return "\n\n".join(["", *captions, ""])
    lines = markdown_table(rows).split("\n")
    return "\n\n" + "\n\n".join([*captions, ""]) + "".join(f"{_TABLE}{line}\n" for line in lines) + "\n"


def _cell(cell: Any) -> list[str]:
    """A cell's words, and nothing for each further column that it takes; empty for what is no cell."""
    if type(cell).__name__ != "Tag" or str(cell.tag).strip().lower() not in ("td", "th"):
        return []
    wide = next((str(a.value) for a in cell.attributes if str(a.name).strip().lower() == "colspan"), "1")
    columns = min(int(wide), 50) if wide.isdigit() else 1
    return [_one_line(_render(cell.contents)).replace("|", "\\|"), *[""] * (columns - 1)]


def _one_line(text: str) -> str:
    pieces = [_MARKS.sub("", line.strip().lstrip(_TABLE + _HEADING)) for line in text.replace(_BREAK, "\n").split("\n")]
    return "; ".join(_mended(piece) for piece in pieces if piece.strip())


def _template(node: Any) -> str:
    name = str(node.name).strip().lower().replace("_", " ")
    if name in _SIGNS and not (name in ("circa", "c.") and node.params):
        return _SIGNS[name]
    plain = [_render(p.value).strip() for p in node.params if not p.showkey]
    if name.startswith("lang-"):
        return plain[0] if plain else ""
    if name.startswith("formatnum:"):
        return name.partition(":")[2]
    if name in _SHOWN:
        at = _SHOWN[name]
        if len(plain) >= max(at, 1):
            return plain[at - 1 if at > 0 else -1]
        return plain[-1] if plain else next((_render(p.value) for p in node.params if str(p.name).strip() == "1"), "")
    if not plain:
        return ""
    if name in ("convert", "cvt"):
        return " ".join(plain[:2])
    if name in ("frac", "sfrac", "fraction"):
        return "/".join(plain[-2:])
    if name in ("circa", "c.", "as of"):
        if name != "as of":
            return f"c. {plain[0]}"
        lower = any(str(p.name).strip() == "lc" and str(p.value).strip() for p in node.params)
        return f"{'as' if lower else 'As'} of {' '.join(plain[::-1])}"
    if name in ("chem", "chem2"):
        return "".join(plain)
    if name in ("plainlist", "unbulleted list", "flatlist", "hlist", "ubl"):
        return ", ".join(_one_line(item) for item in plain)
    return ""


_RENDERERS: dict[str, Callable[[Any], str]] = {
    "Text": lambda node: str(node.value),
    "Wikilink": _link,
    "ExternalLink": lambda node: (
        _render(node.title) if node.title is not None else "" if node.brackets else str(node.url)
    ),
    "Heading": lambda node: f"\n{_HEADING}{'#' * max(2, node.level)} {_one_line(_render(node.title))}\n",
    "HTMLEntity": lambda node: str(node.normalize()),
    "Tag": _tag,
    "Template": _template,
}
"""Kind of node -> its words. Comments and a template's own arguments have none."""


def _mended(text: str) -> str:
    """Without marks that the parser could not pair, and without what a template leaves behind where it stood: empty
    brackets, a comma after an opening one."""
    text = _LEFT_LINK.sub(r"\1", unescape(text))
    for character, mark in _ITEMS.items():  # in the middle of a line: `; term : what it is`
        text = text.replace(mark, character)
    text = _EMPTY_BRACKETS.sub("", re.sub("'{2,}", "", re.sub(r"'{3}(?=s\b)", "'", text)))
    text = _MARK_THEN_BRACKET.sub(r"\1", _BRACKET_THEN_MARK.sub(r"\1", text))
    lines = [tidy(line) for line in _BLANK_THEN_MARK.sub(r"\1", text).split(_BREAK)]
    return "\n".join(line for line in lines if line)


def _blocks(lines: list[str]) -> list[str]:
    """Paragraphs, headings, lists and tables from lines in which each says by its first character what it is."""
    found: list[str] = []
    kind = ""
    numbers: dict[str, int] = {}

    def put(text: str, now: str, between: str | None) -> None:
        nonlocal kind
        if between is not None and kind == now and found:
            found[-1] += between + text
        else:
            found.append(text)
        kind = now

    for line in lines:
        if line.startswith(_TABLE):
            put(line.removeprefix(_TABLE), "table", "\n")
            continue
        if line.startswith(_HEADING):
            put(line.removeprefix(_HEADING), "heading", None)
            continue
        marks = _MARKS.match(line)
        if not marks and _LEFT_TABLE.match(line):
            continue
        text = _mended(line[marks.end() :] if marks else line)
        if not text:
            kind = kind if marks else ""
            continue
        if marks and marks[1][-1] in (_ITEMS["*"], _ITEMS["#"]):
            depth = marks[1]
            for deeper in [d for d in numbers if len(d) > len(depth)]:
                del numbers[deeper]
            numbers[depth] = numbers.get(depth, 0) + 1 if kind == "list" else 1
            sign = f"{numbers[depth]}." if depth[-1] == _ITEMS["#"] else "-"
            put(f"{'  ' * (len(depth) - 1)}{sign} {text}", "list", "\n")
        elif marks:  # terms, what explains them, what is set in: lines of their own
            put(text, "indented", "\n")
        else:
            glued = bool(found) and kind == "words" and _HAN.match(found[-1][-1:]) and _HAN.match(text[:1])
            put(text, "words", "" if glued else " ")
    return found


def _without_pointing(blocks: list[str]) -> list[str]:
    """Without sections that only point elsewhere, and without headings that have nothing below them."""
    kept: list[str] = []
    skipped = 0
    for block in blocks:
        level = len(block) - len(block.lstrip("#")) if re.match(r"#+ ", block) else 0
        if level and (not skipped or level <= skipped):
            skipped = level if block[level:].strip().lower() in _POINTING else 0
        if not skipped:
            kept.append(block)
    out: list[str] = []
    for block in reversed(kept):
        level = len(block) - len(block.lstrip("#")) if re.match(r"#+ ", block) else 0
        below = out[-1] if out else ""
        deeper = len(below) - len(below.lstrip("#")) if re.match(r"#+ ", below) else 7 * bool(below)
        if not level or deeper > level:
            out.append(block)
    return out[::-1]
