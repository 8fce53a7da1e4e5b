"""HTML remnants in plain text: entities and left-over tags.

Only those on the lists below: prose says "a < b", and code has `List<T>`.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from html.entities import name2codepoint

_ENTITIES = "|".join(sorted({*name2codepoint, "apos"}))
"""Those of HTML 4; HTML 5 has 2,000 more, of which no page makes use."""
_BLOCK_TAGS = "br p div li tr h1 h2 h3 h4 h5 h6 ul ol table hr blockquote"
_INLINE_TAGS = "span font b i u s a em strong center sup sub td th tbody thead img small big nobr wbr strike o:p"


@lru_cache(maxsize=1)
def _html_patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    entity = re.compile(r"&(?:" + _ENTITIES + r"|#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5});")
    names = "|".join(sorted((_BLOCK_TAGS + " " + _INLINE_TAGS).split(), key=len, reverse=True))
    attribute = r"""\s+[a-zA-Z][a-zA-Z:\-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)"""
    tag = re.compile(rf"<(/?)({names})((?:{attribute})*)\s*/?>([ \u00a0\u3000]*)", re.I)
    # A document that shows markup on purpose: a page's source, a manual, code.
    markup = re.compile(r"<(?:!DOCTYPE|html|head|body|script|style|\?xml)\b|```|`<|[\"'“「]</?[a-zA-Z]", re.I)
    return entity, tag, markup


def fix_html(text: str) -> tuple[str, int]:
    entity, tag, markup = _html_patterns()
    if markup.search(text):
        return text, 0
    n_tags = 0
    if "<" in text:
        present = {(m[1], m[2].lower()) for m in tag.finditer(text)}
        blocks = set(_BLOCK_TAGS.split())

        def cut(match: re.Match[str]) -> str:
            nonlocal n_tags
            name = match[2].lower()
            # `<b>` alone may be a placeholder or a type parameter; with `</b>` in the text it is markup.
            if len(name) == 1 and not match[3] and {("", name), ("/", name)} - present:
                return match[0]
            n_tags += 1
            if name in blocks:
                return "\n"
            return " " if match[1] and name in ("td", "th") else match[4]

        if present:
            text = tag.sub(cut, text)
    text, n_entities = entity.subn(_decode_entity, text)
    return text, n_tags + n_entities


def _decode_entity(match: re.Match[str]) -> str:
    decoded = html.unescape(match[0])
    # `&#0;` and surrogates decode to U+FFFD: the entity is then worth more than the replacement.
    return match[0] if "\ufffd" in decoded else decoded
