"""Reader of Word documents (.docx): a file is a document.

Read from its XML by lxml: python-docx, which loads every picture, knows neither notes nor text boxes nor the numbers of
lists, so that nothing of it would be left but the opening of the archive.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from ..parts import Part
from ..records import MAX_RECORD_BYTES, Bad, Record, bad
from ..streams import Corrupt
from ..xml.words import local, tidy
from .body import Body, Styles, TooLarge
from .numbers import Numbering, value

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = {
    "xl/": "a spreadsheet",
    "ppt/": "slides",
    "content.xml": "an OpenDocument text",
    "Index/": "a Pages document",
    "META-INF/container.xml": "an EPUB",
}
_MIB = MAX_RECORD_BYTES >> 20
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")


class _Refused(Exception):
    """What is wrong with the whole file."""


def read_docx(part: Part) -> Iterator[Record | Bad]:
    """The file as one document."""
    try:
        data = part.whole("Word document; split it")
    except Corrupt as error:
        yield from part.refuse(str(error), error.raw)
        return
    try:
        text, fields, embedded = _document(data)
    except _Refused as error:
        yield from part.refuse(str(error), data)
        return
    yield Record(text, fields, 0, part.origin)
    if embedded:
        reason = (
            f"no reader: {embedded} embedded files (altChunk) of this document; save it anew in Word to take them in"
        )
        yield bad(part.origin, 1, reason, refused=True)


def _document(data: bytes) -> tuple[str, dict[str, Any], int]:
    from lxml import etree  # type: ignore[import-untyped]

    _check_kind(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            package = _Package(archive)
            return _read(package)
    except zipfile.BadZipFile as error:
        raise _Refused(f"broken zip: {error}; fetch it again") from error
    except (zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise _Refused(f"broken zip: {error or type(error).__name__}; fetch it again") from error
    except RuntimeError as error:  # zipfile's word for a password; RecursionError is one too
        if isinstance(error, RecursionError):
            raise _Refused("nested too deep to be a document") from error
        raise _Refused("encrypted zip: it asks for a password; save it without one") from error
    except etree.XMLSyntaxError as error:
        raise _Refused(f"malformed XML: {error}; open and save it in Word to repair it") from error
    except TooLarge:
        raise _Refused(f"a text larger than {_MIB} MiB as one document; split it") from None


def _check_kind(data: bytes) -> None:
    """Raises _Refused, with what a file is that only is called .docx."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _Refused("encrypted: it asks for a password; save it without one")
        raise _Refused("an old binary Word file (.doc) by another name; save it as .docx")
    head = data[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith(b"{\\rtf"):
        raise _Refused("RTF by another name; save it as .docx")
    if head.startswith((b"<html", b"<!doctype html", b"mime-version:")):
        raise _Refused("a web page by another name; call it .html, or save it as .docx")
    if head.startswith(b"<?xml"):
        raise _Refused("a Word document as one XML file; save it as .docx")
    if not data.startswith(b"PK"):
        raise _Refused(f"not a Word document: it begins with {data[:8]!r}" if data else "an empty file")


class _Package:
    """The parts of a document, found by their relations, and no more of them unpacked than a document may be large."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {info.filename.replace("\\", "/").lstrip("/").lower(): info for info in archive.infolist()}
        self._left = MAX_RECORD_BYTES
        self.main = self._main()

    def _main(self) -> str:
        targets = [target for kind, target in self._relations("") if kind == "officeDocument"]
        main = targets[0] if targets else "word/document.xml"
        if main.lower() in self._names and not main.lower().startswith(("xl/", "ppt/")):
            return main
        for name, kind in _OTHERS.items():
            if any(found.startswith(name.lower()) for found in self._names):
                raise _Refused(f"no Word document but {kind} by another name")
        raise _Refused("a zip archive without a Word document in it")

    def _relations(self, of: str) -> list[tuple[str, str]]:
        folder, name = posixpath.split(of)
        root = self.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = []
        for element in root if root is not None else ():
            if value(element, "TargetMode") != "External":
                target = value(element, "Target") or ""
                target = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found.append(((value(element, "Type") or "").rsplit("/", 1)[-1], posixpath.normpath(target)))
        return found

    def related(self) -> dict[str, str]:
        """Kind of a part (styles, numbering, footnotes ...) -> its name."""
        found = dict(reversed(self._relations(self.main)))
        folder = posixpath.dirname(self.main)
        for kind in ("styles", "numbering", "footnotes", "endnotes"):  # a file that lost its relations is read yet
            found.setdefault(kind, posixpath.join(folder, f"{kind}.xml"))
        return found

    def open(self, name: str) -> IO[bytes] | None:
        """A part as a file that ends in _Refused where a document may not be larger."""
        info = self._names.get(name.lower())
        return _Bounded(self, self._archive.open(info)) if info is not None else None  # type: ignore[return-value]

    def take(self, n: int) -> None:
        """Notes that so many bytes were unpacked."""
        self._left -= n
        if self._left < 0:
            raise _Refused(f"more than {_MIB} MiB when it is unpacked (a zip bomb?); split it")

    def tree(self, name: str) -> Any:
        """The root of a part's XML; None if there is no such part."""
        from lxml import etree

        file = self.open(name)
        if file is None:
            return None
        with file:
            return etree.parse(file, _parser()).getroot()


class _Bounded(io.RawIOBase):
    """A member of the archive, whose bytes are counted."""

    def __init__(self, package: _Package, file: IO[bytes]) -> None:
        super().__init__()
        self._package, self._file = package, file

    def read(self, size: int = -1) -> bytes:
        """Raises _Refused."""
        data = self._file.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._package.take(len(data))
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True
    )


def _read(package: _Package) -> tuple[str, dict[str, Any], int]:
    related = package.related()
    styles = Styles(package.tree(related["styles"]))
    body = Body(styles, Numbering(package.tree(related["numbering"]), styles.lists))
    _walk(package, body)
    notes = {
        (kind, key): text
        for kind in ("footnote", "endnote")
        if any(name == kind for name, _ in body.words.notes)
        for key, text in _notes(package.tree(related[f"{kind}s"]), kind, styles)
    }
    text = body.text(notes)
    if not text:
        raise _Refused("no text in it: empty, or pictures only (recognise them first: OCR)")
    fields = _fields(package)
    if "title" not in fields and body.title:
        fields["title"] = body.title
    return text, fields, body.embedded


def _walk(package: _Package, body: Body) -> None:
    """The body's blocks, each forgotten when it was read."""
    from lxml import etree

    file = package.open(package.main)
    assert file is not None
    depth = 0
    inside = False
    with file:
        events = etree.iterparse(
            file,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=True,
        )
        for event, element in events:
            if event == "start":
                depth += 1
                if depth == 1 and local(element) != "document":
                    raise _Refused(f"no Word document: its main part is <{local(element)}>")
                inside = inside or (depth == 2 and local(element) == "body")
                continue
            depth -= 1
            if depth == 2 and inside:
                body.block(element)
                parent = element.getparent()
                element.clear()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]


def _notes(root: Any, kind: str, styles: Styles) -> Iterator[tuple[str, str]]:
    """(id, text) of footnotes or endnotes."""
    for element in root if root is not None else ():
        if local(element) == kind and value(element, "type") in (None, "normal"):
            body = Body(styles, Numbering())
            body.blocks(element)
            yield value(element, "id") or "", " ".join(body.text({}).split("\n\n")).replace("\n", " ")


def _fields(package: _Package) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for kind, name in package._relations(""):
        if kind != "core-properties":
            continue
        root = package.tree(name)
        found = (
            {local(element): tidy(element.text or "") for element in root if element.text} if root is not None else {}
        )
        if title := found.get("title"):
            fields["title"] = title
        if date := _DATE.match(found.get("created", "")):
            fields["date"] = date[0]
    return fields
