"""The words of a Word paragraph: runs, fields, tracked changes, formulas, characters of symbol fonts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..xml.words import local, raised
from .numbers import child, value

_OUT = frozenset(
    [
        "del",
        "moveFrom",
        "pPr",
        "rPr",
        "sdtPr",
        "sdtEndPr",
        "tcPr",
        "trPr",
        "tblPr",
        "tblGrid",
        "sectPr",
        "delText",
        "delInstrText",
        "proofErr",
        "bookmarkStart",
        "bookmarkEnd",
        "commentRangeStart",
        "commentRangeEnd",
        "commentReference",
        "annotationRef",
        "lastRenderedPageBreak",
        "footnoteRef",
        "endnoteRef",
        "separator",
        "continuationSeparator",
        "permStart",
        "permEnd",
        "oMathParaPr",
        "ctrlPr",
        "rt",
        "rubyPr",
        "fldData",
    ]
)
_FIELDS_OUT = frozenset(
    ["PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "PAGEREF", "TOC", "INDEX", "TOA", "XE", "TC", "TA", "RD"]
)
"""Fields whose results count pages or list what stands elsewhere."""
_GALLERIES_OUT = re.compile(r"Table of Contents|Page Numbers|Table of Figures|目录|页码", re.IGNORECASE)
_CIRCLED = re.compile(r"EQ\s+\\o(?:\\a[lcr])?\s*\(\s*[○◯〇]\s*[,，]\s*(\d{1,2})\s*\)", re.IGNORECASE)
"""How Word rings a number that has no ringed character in the font: EQ \\o\\ac(○,12)."""

_SYMBOL = dict(
    zip(
        [*range(0x22, 0x7F), *range(0xA1, 0xE0)],
        "∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
        "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓",
        strict=True,
    )
)
"""The font Symbol: how older Word documents write μg, ≤ and ±."""
_WINGDINGS = {
    0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "□", 0x72: "□", 0x76: "❖", 0x9F: "•", 0xA7: "▪", 0xA8: "□", 0xD8: "➢",
    0xDF: "←", 0xE0: "→", 0xE8: "→", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_WINGDINGS_2 = {0x50: "✓", 0x4F: "✗", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "□", 0x2A: "□"}


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    shown: bool = False
    """Its result has begun."""
    out: bool = False


@dataclass(slots=True)
class Words:
    """Reads paragraphs in the document's order: a field may begin in one and end in another."""

    notes: dict[tuple[str, str], int] = field(default_factory=dict)
    """(footnote or endnote, id) -> its number, in the order in which the text refers to them."""
    boxes: list[Any] = field(default_factory=list)
    """Text boxes of what was read, to be taken out by who reads it."""
    _fields: list[_Field] = field(default_factory=list)

    def of(self, element: Any) -> str:
        """The words of a paragraph or of anything in it."""
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> list[str]:
        found: list[str] = []
        for part in element:
            name = local(part)
            if not name or name in _OUT:
                continue
            if name == "r":
                self._run(part, found)
            elif name == "fldSimple":
                if not _is_out(value(part, "instr") or ""):
                    found += self._pieces(part)
            elif name == "sdt":
                if not is_left_out(part) and (content := child(part, "sdtContent")) is not None:
                    found += self._pieces(content)
            elif name == "AlternateContent":
                if (chosen := alternative(part)) is not None:
                    found += self._pieces(chosen)
            elif name in ("oMath", "oMathPara"):
                if not self._hidden:
                    found.append(" ".join(formula(part).split()))
            else:
                found += self._pieces(part)
        return found

    @property
    def _hidden(self) -> bool:
        return any(one.out or not one.shown for one in self._fields)

    def _run(self, run: Any, found: list[str]) -> None:
        looks = child(run, "rPr")
        vanished = looks is not None and is_on(child(looks, "vanish"))
        text: list[str] = []
        self._inside(run, _font(looks), text)
        if vanished or not text:
            return
        words = "".join(text)
        if looks is not None and (moved := child(looks, "vertAlign")) is not None:
            if value(moved) == "superscript" and "[^" not in words:
                words = raised(words)
            elif value(moved) == "subscript" and words[:1].isdigit() and "".join(found)[-1:].isdigit():
                words = words.translate(str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎"))
        found.append(words)

    def _inside(self, run: Any, font: str, text: list[str]) -> None:
        for part in run:
            name = local(part)
            if name == "fldChar":
                self._mark(value(part, "fldCharType") or "", text)
            elif name == "instrText":
                if self._fields and not self._fields[-1].shown:
                    self._fields[-1].instruction += part.text or ""
            elif name in ("drawing", "pict", "object", "AlternateContent"):
                if not self._hidden:
                    self._find_boxes(part)
            elif self._hidden:
                continue
            elif name == "t":
                text.append(_symbols(part.text or "", font))
            elif name in ("tab", "ptab"):
                text.append("\t")
            elif name in ("br", "cr"):
                text.append("\n")
            elif name == "noBreakHyphen":
                text.append("-")
            elif name == "sym":
                text.append(_symbol(value(part, "char") or "", value(part, "font") or font))
            elif name in ("footnoteReference", "endnoteReference"):
                key = (name.removesuffix("Reference"), value(part, "id") or "")
                text.append(f"[^{self.notes.setdefault(key, len(self.notes) + 1)}]")
            elif name == "ruby" and (base := child(part, "rubyBase")) is not None:
                text += self._pieces(base)

    def _mark(self, kind: str, text: list[str]) -> None:
        if kind == "begin":
            self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            top = self._fields[-1]
            top.shown = True
            top.out = _is_out(top.instruction)
        elif kind == "end" and self._fields:
            top = self._fields.pop()
            ringed = _CIRCLED.match(top.instruction.strip())
            if ringed and not self._hidden:
                text.append(chr(0x245F + int(ringed[1])) if 1 <= int(ringed[1]) <= 20 else f"({ringed[1]})")

    def _find_boxes(self, element: Any) -> None:
        parts = element if local(element) != "AlternateContent" else alternative(element)
        for part in parts if parts is not None else ():
            if local(part) == "txbxContent":
                self.boxes.append(part)
            else:
                self._find_boxes(part)


def _is_out(instruction: str) -> bool:
    words = instruction.upper().split(None, 1)
    return bool(words) and words[0] in _FIELDS_OUT


def _says(element: Any) -> bool:
    return any(local(e) in ("t", "txbxContent") for e in element.iter())


def alternative(element: Any) -> Any:
    """Of `mc:AlternateContent`, which says the same twice, the one to read: the first that has words."""
    parts = [part for part in element if local(part) in ("Choice", "Fallback")]
    return next((part for part in parts if _says(part)), parts[0] if parts else None)


def is_on(element: Any) -> bool:
    """Whether a switch such as `<w:vanish/>` is there and not turned off."""
    return element is not None and value(element) not in ("0", "false", "off")


def is_left_out(sdt: Any) -> bool:
    """Contents, page numbers, and prompts that nobody has filled in (Click here to enter text)."""
    settings = child(sdt, "sdtPr")
    if settings is None:
        return False
    if is_on(child(settings, "showingPlcHdr")):
        return True
    part = child(settings, "docPartObj")
    gallery = child(part, "docPartGallery") if part is not None else None
    return gallery is not None and _GALLERIES_OUT.search(value(gallery) or "") is not None


def _font(looks: Any) -> str:
    fonts = child(looks, "rFonts") if looks is not None else None
    return (value(fonts, "ascii") or value(fonts, "hAnsi") or "") if fonts is not None else ""


def _symbols(text: str, font: str) -> str:
    """Text whose characters a symbol font keeps in its private area."""
    if not re.search("[\uf000-\uf0ff]", text):
        return text
    return "".join(_symbol(f"{ord(c):x}", font) if "\uf000" <= c <= "\uf0ff" else c for c in text)


def _symbol(code: str, font: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{1,6}", code) or not 0x20 <= int(code, 16) <= 0x10FFFF:
        return ""
    at = int(code, 16)
    private = 0xF000 <= at <= 0xF0FF
    low = at - 0xF000 if private else at
    name = font.lower()
    table = _WINGDINGS_2 if name == "wingdings 2" else _WINGDINGS if name.startswith("wingdings") else _SYMBOL
    if not private and "wingdings" not in name and name != "symbol":
        return "" if 0xD800 <= at < 0xE000 else chr(at)
    return table.get(low) or ("•" if private and low == 0xB7 else "�" if private else chr(at))


# --- formulas ---------------------------------------------------------------------------------------------------------


def formula(element: Any) -> str:
    """Word's mathematics on one line, as `xml_text.formula` writes MathML: a/b, x^2, x_1, sqrt(x)."""
    name = local(element)
    if name in ("t", "delText"):
        return (element.text or "") if name == "t" else ""
    if name in _OUT or name.endswith("Pr") or not name:
        return ""

    def of(part: str) -> str:
        found = child(element, part)
        return formula(found).strip() if found is not None else ""

    def held(part: str) -> str:
        text = of(part)
        return text if len(text) <= 1 or re.fullmatch(r"[\w.]+", text) else f"({text})"

    if name == "f":
        return f"{held('num')}/{held('den')}"
    if name in ("sSup", "sSub", "sSubSup", "limLow", "limUpp"):
        low = held("sub") or (held("lim") if name == "limLow" else "")
        high = held("sup") or (held("lim") if name == "limUpp" else "")
        return held("e") + (f"_{low}" if low else "") + (f"^{high}" if high else "")
    if name == "rad":
        return f"root({of('deg')}, {of('e')})" if of("deg") else f"sqrt({of('e')})"
    if name == "nary":
        looks = child(element, "naryPr")
        sign = child(looks, "chr") if looks is not None else None
        low, high = held("sub"), held("sup")
        mark = (value(sign) or "") if sign is not None else "∫"
        return mark + (f"_{low}" if low else "") + (f"^{high}" if high else "") + f" {of('e')}"
    if name == "d":
        looks = child(element, "dPr")
        signs = {}
        for key, plain in (("begChr", "("), ("endChr", ")"), ("sepChr", "|")):
            sign = child(looks, key) if looks is not None else None
            signs[key] = (value(sign) or "") if sign is not None else plain
        inside = signs["sepChr"].join(formula(e).strip() for e in element if local(e) == "e")
        return f"{signs['begChr']}{inside}{signs['endChr']}"
    if name == "func":
        return f"{of('fName')} {of('e')}"
    if name == "mr":
        return ", ".join(formula(e).strip() for e in element if local(e) == "e") + "; "
    if name == "eqArr":
        return "; ".join(formula(e).strip() for e in element if local(e) == "e")
    return "".join(formula(part) for part in element)
