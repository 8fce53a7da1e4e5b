"""Reader of XML files that hold documents, one or many in a file, found as the bytes come in.

JATS articles, PubMed's citations, pages of MediaWiki dumps, US bills and laws in USLM, questions with answers as MedQuAD has
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..encoding import BOMS, encoding_family
from ..parts import Part
from ..records import MAX_RECORD_BYTES, RAW_BYTES, Bad, Record, bad
from ..streams import Blocks, Corrupt
from .jats import article
from .mediawiki import page
from .pubmed import book, citation
from .question_pairs import questions
from .uslm import ROOTS, bill
from .words import local

Vocabulary = Callable[[Any], tuple[str, dict[str, Any]] | str | None]

VOCABULARIES: dict[str, tuple[str, Vocabulary]] = {
    "article": ("JATS, which has <front> or <body>", article),
    "PubmedArticle": ("PubMed's, which has <MedlineCitation>", citation),
    "PubmedBookArticle": ("PubMed's, which has <BookDocument>", book),
    "page": ("MediaWiki", page),
    **dict.fromkeys(ROOTS, ("USLM", bill)),
    **dict.fromkeys(("Document", "DiseaseFile"), ("MedQuAD, which has <QAPairs>", questions)),
}
"""Name of the element that is a document -> its vocabulary, and what gives its text and metadata, or a sentence on why it is no
document, or None for one of another vocabulary."""

_NONE = (
    "no reader: XML with no JATS <article>, no citation of PubMed, no <page> of a MediaWiki dump, no US bill in USLM and no "
    "questions as in MedQuAD; turn it into JSONL with a field of text (format: text reads it as it is)"
)

SEARCHED_BYTES = 4 << 20
"""How far into a file no document may have begun before it is told to be of another kind."""

_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""")
_PIECE = 64 << 10


def read_xml(part: Part) -> Iterator[Record | Bad]:
    """The documents of an XML file; positions count them. What is malformed ends the file, the documents before it stay.

    Nothing is fetched and no entity is expanded: a DTD is a name here, and `&nbsp;` is what HTML says it is.
    """
    from lxml import etree  # type: ignore[import-untyped]

    count = began = fed = 0
    raw = b""
    parser: Any = None
    open_: Any = None
    try:
        with part.open() as file:
            for _, block in Blocks(file):
                for at in range(0, len(block), _PIECE):
                    piece = block[at : at + _PIECE]
                    if parser is None:
                        # What comes before the declaration, a blank line mostly, is no XML; every reader forgives it.
                        piece = piece.lstrip() if not piece.startswith(tuple(mark for mark, _ in BOMS)) else piece
                        parser = etree.XMLPullParser(
                            events=("start", "end"),
                            encoding=_encoding(piece, part.input.encoding),
                            resolve_entities=False,
                            no_network=True,
                            load_dtd=False,
                            remove_comments=True,
                            remove_pis=True,
                        )
                    if len(raw) < RAW_BYTES:
                        raw = (raw + piece)[:RAW_BYTES]
                    parser.feed(piece)
                    fed += len(piece)
                    for event, element in parser.read_events():
                        if event == "start":
                            if open_ is None and local(element) in VOCABULARIES:
                                open_ = element
                        elif element is open_:
                            yield _record(part, element, count, raw)
                            open_ = None
                            count, began, raw = count + 1, fed, piece
                            _forget(element)
                        elif open_ is None:
                            _forget(element)
                    if fed - began > MAX_RECORD_BYTES:
                        yield bad(part.origin, count, f"an article larger than {MAX_RECORD_BYTES >> 20} MiB", raw)
                        return
                    if not count and open_ is None and fed > SEARCHED_BYTES:
                        yield from part.refuse(_NONE, refused=True)
                        return
        if parser is not None:
            parser.close()
    except Corrupt as error:
        yield bad(part.origin, count, f"{error}; nothing can be read from here on", raw)
        return
    except (etree.XMLSyntaxError, LookupError) as error:
        yield bad(part.origin, count, f"malformed XML: {error}; nothing can be read from here on", raw)
        return
    if not count:
        yield from part.refuse(_NONE, refused=True)


def _record(part: Part, element: Any, count: int, raw: bytes) -> Record | Bad:
    vocabulary, make = VOCABULARIES[local(element)]
    try:
        found = make(element)
    except (ValueError, RecursionError) as error:
        return bad(part.origin, count, f"this <{local(element)}> cannot be made text: {error}", raw)
    if found is None:
        reason = f"no reader: this <{local(element)}> is not {vocabulary}"
        return bad(part.origin, count, reason, refused=True)
    if isinstance(found, str):
        return bad(part.origin, count, found, refused=True)
    text, fields = found
    return Record(text, fields, count, part.origin)


def _forget(element: Any) -> None:
    """Frees an element, and those before it, whose end was seen: a file of a million articles is never in memory."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _encoding(head: bytes, asked: str) -> str | None:
    """What to tell the parser: the user's word; for a declared member of the GB and Big5 families their largest; else
    nothing, and the parser goes by the byte order mark and the declaration."""
    if asked != "auto":
        return encoding_family(asked) or asked
    declared = _DECLARED.match(head)
    family = encoding_family(declared[1].decode("ascii")) if declared else None
    return family if family in ("gb18030", "big5", "cp1252") else None
