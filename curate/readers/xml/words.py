"""The words inside an XML element: white space as a browser would show it, indices and formulas so that no number changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

_RAISED = str.maketrans("0123456789+-−–=()nabcdefghijklmoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
_LOWERED = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_ORDINAL = frozenset({"st", "nd", "rd", "th", "®", "™", "©", "TM", "°", "o", "er", "re", "*", "†", "‡", "§", "#"})
_BLANKS = re.compile(r"[ \t\r\n\x0b\x0c]+")
_HAN_GAP = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\s*\n\s*(?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])"
)

Special = Callable[[Any], "str | None"]
"""What an element shows in place of its words; None for its words."""


def local(element: Any) -> str:
    """The element's name without its namespace; empty for comments, processing instructions and entities."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def entity_text(element: Any) -> str:
    """The characters of an entity that was left unresolved (`&nbsp;` of a DTD that is never fetched); else nothing."""
    text = element.text or ""
    return unescape(text) if text.startswith("&") and text.endswith(";") else ""


def inline(element: Any, special: Special | None = None) -> str:
    """The words of an element and all below it, as they stand, tail not included."""
    parts = [element.text or ""]
    for child in element:
        parts.append(shown(child, special, "".join(parts)[-1:]))
        parts.append(child.tail or "")
    return "".join(parts)


def shown(element: Any, special: Special | None = None, before: str = "") -> str:
    """What an inline element shows; `before` is the character to its left, which a lowered number must not join."""
    name = local(element)
    if not name:
        return entity_text(element)
    if special is not None and (found := special(element)) is not None:
        return found
    if name == "sup":
        return raised(inline(element, special))
    if name == "sub":
        text = inline(element, special)
        # CO2, IC50 and H2O are written so; after a digit the number would become another one.
        return text.translate(_LOWERED) if before.isdigit() and text[:1].isdigit() else text
    if name == "math":
        return _BLANKS.sub(" ", formula(element)).strip()
    if name == "tex-math":
        return tex(element.text or "")
    if name in ("break", "br"):
        return "\n"
    return inline(element, special)


def raised(text: str) -> str:
    """Superscript that stays one: 10<sup>5</sup> is 10⁵ and never 105."""
    bare = text.strip()
    if not bare or bare in _ORDINAL or "\ue000" in bare:
        return text
    left, right = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    up = bare.translate(_RAISED)
    # What has no raised form stays legible behind a caret.
    if all(c in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻ,.*†‡§/ " for c in up):
        return left + up + right
    return left + (f"^{bare}" if len(bare) == 1 else f"^({bare})") + right


def tidy(text: str) -> str:
    """White space as one blank; none where a line was broken between Chinese characters."""
    return _BLANKS.sub(" ", _HAN_GAP.sub("", text)).strip(" \xa0\u2009\u3000\n")


def tex(source: str) -> str:
    """A formula's TeX without the document that journals wrap around it."""
    found = re.search(r"\\begin\{document\}(.*?)\\end\{document\}", source, re.S)
    return _BLANKS.sub(" ", found[1] if found else source).strip()


def formula(element: Any) -> str:
    """MathML on one line: fractions, powers, indices and roots keep what holds them together."""
    name = local(element)
    children = [child for child in element if local(child)]
    if name == "annotation" or name == "annotation-xml":
        return ""
    if name in ("mfrac", "msup", "msub", "msubsup", "munderover", "mover", "munder", "mroot") and len(children) >= 2:
        first, *rest = (_grouped(child) for child in children)
        if name == "mfrac":
            return f"{first}/{rest[0]}"
        if name == "mroot":
            return f"root({rest[0]}, {first})"
        marks = {"msup": "^", "mover": "^", "msub": "_", "munder": "_"}.get(name)
        if marks:
            return f"{first}{marks}{rest[0]}"
        return f"{first}_{rest[0]}" + (f"^{rest[1]}" if len(rest) > 1 else "")
    inner = (element.text or "").strip() + "".join(formula(child) for child in children)
    if name == "msqrt":
        return f"sqrt({inner})"
    if name == "mfenced":
        return f"{element.get('open', '(')}{','.join(formula(child) for child in children)}{element.get('close', ')')}"
    if name == "mo" and inner in ("=", "+", "-", "−", "×", "<", ">", "≤", "≥", "±", "·", "∼", "≈", "→"):
        return f" {inner} "
    if name == "mtr":
        return inner + "; "
    return inner


def _grouped(element: Any) -> str:
    text = formula(element).strip()
    return text if len(text) <= 1 or re.fullmatch(r"[\w.]+", text) else f"({text})"
