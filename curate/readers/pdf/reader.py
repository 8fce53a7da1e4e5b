"""Reader of PDF that has a text layer: a file is a document."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from ctypes import byref, c_float, create_string_buffer
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..parts import Part
from ..records import MAX_RECORD_BYTES, Bad, Record, bad
from ..streams import Corrupt

if TYPE_CHECKING:
    from .lines import Line

_LOCK = threading.Lock()
"""pdfium has state of its own that no two threads may touch. Processes have one each."""

_FEW = 25
"""Letters on a page below which it is looked for a picture: a scan with a stamp or a page number."""

_PICTURE = 0.5
"""The share of a page that a scan covers at least."""

_UNMAPPED = 0.2
"""The share of characters without meaning from which a text layer is broken. Books of formulas have some per cent."""

_TAIL = 64 << 10
"""How far from the end the file's own end is looked for: some have a web page or zeros behind it."""

_LATIN = re.compile(rb"Helvetica|Times|Courier|Arial|Symbol|Dingbats", re.IGNORECASE)
"""Fonts that pdfium brings along."""

_OCR = "recognise it first (OCR), or get the text from where it was made"
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")
_NO_TITLE = re.compile(
    r"(?:untitled|无标题|未命名|slide \d+|powerpoint .*|document\d*|文档\s?\d*|新建.*|\W*)", re.IGNORECASE
)
_MADE_OF = re.compile(r"(?:microsoft (?:word|powerpoint|excel) - |\(?microsoft word\)? )", re.IGNORECASE)
_FILE = re.compile(r"\S+\.(?:docx?|wps|pptx?|xlsx?|indd|tex|dvi|pdf|qxd|ps|rtf|txt|html?)", re.IGNORECASE)


class _Refused(Exception):
    """What is wrong with the whole file."""


@dataclass
class _Pages:
    lines: list[list[Line]] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    pictures: list[bool] = field(default_factory=list)
    """Whether a picture covers a page that has next to no text."""
    unread: list[int] = field(default_factory=list)
    fontless: int = 0
    fields: dict[str, Any] = field(default_factory=dict)


def read_pdf(part: Part) -> Iterator[Record | Bad]:
    """The file as one document: its paragraphs without running heads, feet and page numbers.

    A page that pdfium cannot read is a bad record beside it, at the page's number.
    """
    try:
        data = part.whole("PDF; split it")
    except Corrupt as error:
        yield from part.refuse(str(error), error.raw)
        return
    try:
        with _LOCK:
            pages = _pages(data)
        text = _text(pages)
    except _Refused as error:
        yield from part.refuse(str(error), data)
        return
    yield Record(text, pages.fields, 0, part.origin)
    for page in pages.unread:
        yield bad(part.origin, page, f"page {page} of {pages.fields['pages']} cannot be read: it is damaged")


def _pages(data: bytes) -> _Pages:
    """All that is wanted of a file, so that nothing of pdfium's outlives the lock."""
    import pypdfium2  # type: ignore[import-untyped]

    if b"%PDF-" not in data[:1024]:
        raise _Refused(f"not a PDF: it begins with {data[:8]!r}" if data else "an empty file")
    if b"%%EOF" not in data[-_TAIL:]:
        raise _Refused("truncated: the file ends without %%EOF; fetch it again")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise _Refused(_why(error, data)) from error
    try:
        return _read(document)
    finally:
        document.close()


def _why(error: Any, data: bytes) -> str:
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    if error.err_code == pdfium.FPDF_ERR_PASSWORD:
        return "encrypted: it asks for a password; save it without one"
    if error.err_code == pdfium.FPDF_ERR_SECURITY:
        return "encrypted in a way that pdfium does not know; save it without"
    return "corrupt PDF: pdfium cannot open it; fetch it again, or repair it (qpdf, Ghostscript)"


def _read(document: Any) -> _Pages:
    import pypdfium2

    from .lines import page_lines

    found = _Pages(fields=_fields(document))
    n = found.fields["pages"]
    if not n:
        raise _Refused("corrupt PDF: no page in it; fetch it again, or repair it (qpdf, Ghostscript)")
    size = 0
    for i in range(n):
        try:
            page = document[i]
            try:
                text = page.get_textpage()
                try:
                    lines = page_lines(page, text)
                finally:
                    text.close()
                letters = sum(len(line.text) for line in lines)
                found.fontless += _fontless(page)
                found.pictures.append(letters < 4 * _FEW and _has_picture(page))
                found.heights.append(page.get_height())
            finally:
                page.close()
        except pypdfium2.PdfiumError:
            found.unread.append(i + 1)
            if len(found.unread) > max(n // 2, 8):
                raise _Refused("corrupt PDF: most of its pages cannot be read; fetch it again") from None
            continue
        found.lines.append(lines)
        size += letters
        if size > MAX_RECORD_BYTES // 3:  # Chinese is three bytes a character
            raise _Refused(f"a text larger than {MAX_RECORD_BYTES >> 20} MiB as one document; split it")
    if not found.lines:
        raise _Refused("corrupt PDF: none of its pages can be read; fetch it again")
    return found


def _fontless(page: Any) -> int:
    """Strings that pdfium may have passed over: without a font in the file or on this machine, one of a single
    character has no width, and is no text to it. Blanks count too."""
    import pypdfium2.raw as pdfium

    left, bottom, right, top = (c_float() for _ in range(4))
    sides = [byref(side) for side in (left, bottom, right, top)]
    n = 0
    for i in range(pdfium.FPDFPage_CountObjects(page.raw)):
        thing = pdfium.FPDFPage_GetObject(page.raw, i)
        if pdfium.FPDFPageObj_GetType(thing) != pdfium.FPDF_PAGEOBJ_TEXT:
            continue
        if not pdfium.FPDFPageObj_GetBounds(thing, *sides) or right.value - left.value > 0.001:
            continue
        font = pdfium.FPDFTextObj_GetFont(thing)
        if font and not pdfium.FPDFFont_GetIsEmbedded(font):
            name = create_string_buffer(64)
            pdfium.FPDFFont_GetBaseFontName(font, name, 64)
            n += not _LATIN.search(name.value)
    return n


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    width, height = page.get_size()
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = picture.get_bounds()
        if abs((right - left) * (top - bottom)) >= _PICTURE * width * height:
            return True
    return False


def _text(pages: _Pages) -> str:
    from .lines import unmapped
    from .paragraphs import join_pages
    from .running import running

    letters = sum(len("".join(line.text.split())) for lines in pages.lines for line in lines)
    if not letters:
        raise _Refused(f"no text layer: {_OCR}")
    strange = sum(unmapped(line.text) for lines in pages.lines for line in lines)
    if strange > _UNMAPPED * letters:
        raise _Refused(f"broken text layer: {strange / letters:.0%} of its characters say not what they are; {_OCR}")
    dropped = running(pages.lines, pages.heights)
    kept = [
        [line for i, line in enumerate(lines) if i not in out] for lines, out in zip(pages.lines, dropped, strict=True)
    ]
    scans = sum(
        picture and sum(len(line.text) for line in lines) < _FEW
        for picture, lines in zip(pages.pictures, kept, strict=True)
    )
    if scans > 0.5 * len(kept) and sum(len(line.text) for lines in kept for line in lines) < 4 * _FEW * len(kept):
        raise _Refused(f"no text layer: {scans} of {len(kept)} pages are pictures; {_OCR}")
    if scans:
        pages.fields["pages_without_text"] = scans
    if pages.fontless:
        pages.fields["strings_without_font"] = pages.fontless
    if strange:
        pages.fields["unmapped_characters"] = strange
    return join_pages(kept)


def _fields(document: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    title = " ".join(document.get_metadata_value("Title").replace("\x00", "").split())
    title = _MADE_OF.sub("", title, count=1)
    if not _NO_TITLE.fullmatch(title) and not _FILE.fullmatch(title):
        fields["title"] = title
    if made := _DATE.match(document.get_metadata_value("CreationDate")):
        fields["date"] = "-".join(part for part in made.groups() if part)
    fields["pages"] = len(document)
    return fields
