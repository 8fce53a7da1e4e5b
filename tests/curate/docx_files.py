"""Writes small Word files for the tests of their reader, from raw XML, as Word itself would have the parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = " ".join(
    f'xmlns:{name}="{address}"'
    for name, address in {
        "r": _REL,
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "v": "urn:schemas-microsoft-com:vml",
    }.items()
)


def p(text: str, style: str = "", number: str = "", level: int | None = None, more: str = "") -> str:
    """A paragraph. `number`: of its list."""
    looks = f'<w:pStyle w:val="{style}"/>' if style else ""
    if number:
        at = f'<w:ilvl w:val="{level}"/>' if level is not None else ""
        looks += f'<w:numPr>{at}<w:numId w:val="{number}"/></w:numPr>'
    words = text if text.startswith("<") else f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"
    return f"<w:p><w:pPr>{looks}{more}</w:pPr>{words}</w:p>"


def r(text: str, looks: str = "") -> str:
    """A run."""
    return f"<w:r><w:rPr>{looks}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def field(instruction: str, result: str) -> str:
    """A field of three marks."""
    mark = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>".format
    return f"{mark('begin')}<w:r><w:instrText>{instruction}</w:instrText></w:r>{mark('separate')}{result}{mark('end')}"


def style(key: str, name: str, looks: str = "", base: str = "", kind: str = "paragraph", default: bool = False) -> str:
    """A style."""
    below = f'<w:basedOn w:val="{base}"/>' if base else ""
    first = ' w:default="1"' if default else ""
    return f'<w:style w:type="{kind}" w:styleId="{key}"{first}><w:name w:val="{name}"/>{below}<w:pPr>{looks}</w:pPr></w:style>'


def lvl(at: int, format: str, text: str, more: str = "", start: int = 1) -> str:
    """A level of a list's definition."""
    return f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{format}"/>{more}<w:lvlText w:val="{text}"/></w:lvl>'


def lists(*definitions: str, more: str = "") -> str:
    """numbering.xml: list n is of the definition n, both counted from 1."""
    made = "".join(f'<w:abstractNum w:abstractNumId="{i}">{d}</w:abstractNum>' for i, d in enumerate(definitions, 1))
    named = "".join(
        f'<w:num w:numId="{i}"><w:abstractNumId w:val="{i}"/></w:num>' for i in range(1, len(definitions) + 1)
    )
    return f"<w:numbering>{made}{named}{more}</w:numbering>"


def docx(body: str, parts: Mapping[str, str] | None = None, core: str = "", namespace: str = W) -> bytes:
    """A package. `parts`: kind (styles, numbering, footnotes, endnotes, header) -> its XML, `w:` undeclared."""
    parts = dict(parts or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml"'
            ' ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            _relations(
                {
                    "officeDocument": "word/document.xml",
                    "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties": "docProps/core.xml",
                }
            ),
        )
        archive.writestr("word/_rels/document.xml.rels", _relations({kind: f"{kind}.xml" for kind in parts}))
        archive.writestr(
            "word/document.xml", _xml(f"<w:document><w:body>{body}<w:sectPr/></w:body></w:document>", namespace)
        )
        for kind, xml in parts.items():
            archive.writestr(f"word/{kind}.xml", _xml(xml, namespace))
        archive.writestr(
            "docProps/core.xml",
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
            + core
            + "</cp:coreProperties>",
        )
    return out.getvalue()


def _xml(text: str, namespace: str) -> str:
    end = text.index(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text[:end]} xmlns:w="{namespace}" {_NAMES}{text[end:]}'


def _relations(targets: Mapping[str, str]) -> str:
    made = "".join(
        f'<Relationship Id="r{i}" Type="{kind if "/" in kind else f"{_REL}/{kind}"}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{made}</Relationships>'
