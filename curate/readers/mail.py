"""Reader of e-mail: a message a file (.eml), or many in one (.mbox)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from .encoding import Undecodable, decode_document, is_binary
from .html.page import note_encoding, read_page
from .parts import Part
from .records import MAX_RECORD_BYTES, Bad, Record, bad
from .streams import Corrupt

_BEGINS = re.compile(rb"From .*\d\d:\d\d")
"""The line before each message of an mbox. One in the text that begins so is written `>From `, or has no time of day."""
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_HEADERS = ("from", "to", "date", "subject", "received", "message-id", "return-path")
_DEEPEST = 20
"""Messages within messages, and parts within parts."""


def read_mail(part: Part) -> Iterator[Record | Bad]:
    """The messages of a file; it is an mbox if it begins as one. Positions are where each begins."""
    lines: list[bytes] = []
    began = size = 0
    many = False
    blank = True
    try:
        for at, line in part.lines("latin-1"):
            if blank and _BEGINS.match(line) and (many or not lines):
                if lines:
                    yield _message(part, began, lines, size, many)
                many, lines, began, size = True, [], at, 0
                blank = False
                continue
            blank = not line
            size += len(line) + 1
            if size <= MAX_RECORD_BYTES:
                lines.append(line)
    except Corrupt as error:
        yield bad(part.origin, error.position, f"{error}; nothing can be read from here on", error.raw)
        return
    if lines or many:
        yield _message(part, began, lines, size, many)


def _message(part: Part, at: int, lines: list[bytes], size: int, many: bool) -> Record | Bad:
    data = b"\n".join(lines)
    if many:
        data = _ESCAPED.sub(rb"\1", data)
    if size > MAX_RECORD_BYTES:
        return bad(part.origin, at, f"the message is larger than {MAX_RECORD_BYTES >> 20} MiB", data)
    try:
        message = message_from_bytes(data)
        if not any(name in message for name in _HEADERS):
            return bad(part.origin, at, "no e-mail: it has none of an e-mail's headers", data)
        body = _Body(part)
        body.take(message)
    except (Undecodable, RecursionError) as error:
        return bad(part.origin, at, str(error) or "parts are nested too deep", data)
    if body.problem:
        return bad(part.origin, at, body.problem, data)
    if not body.texts and body.attachments:
        reason = f"no text: the message has {body.attachments} attachments and nothing else; unpack them"
        return bad(part.origin, at, reason, refused=True)
    fields: dict[str, Any] = {}
    if title := _header(message["subject"]):
        fields["title"] = title
    if date := _date(message["date"]):
        fields["date"] = date
    if body.attachments:
        fields["attachments"] = body.attachments
    return Record("\n\n".join(body.texts), fields | body.fields, at, part.origin)


class _Body:
    """What a message says: its texts in order, of alternatives the plain one, or else the page."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.texts: list[str] = []
        self.fields: dict[str, Any] = {}
        self.attachments = 0
        self.problem = ""

    def take(self, message: Message, depth: int = 0) -> None:
        if depth > _DEEPEST:
            raise RecursionError
        kind = message.get_content_type()
        if message.is_multipart():
            children = [child for child in message.get_payload() if isinstance(child, Message)]
            if kind == "multipart/alternative":
                children = _best(children)
            elif kind == "multipart/report":  # the words for people; what follows is for programs
                children = children[:1]
            for child in children:
                self.take(child, depth + 1)
        elif message.get_content_disposition() == "attachment" or kind not in ("text/plain", "text/html"):
            self.attachments += 1
        else:
            payload = message.get_payload(decode=True)
            self._say(message, payload if isinstance(payload, bytes) else b"")

    def _say(self, message: Message, data: bytes) -> None:
        declared = _charset(message)
        # Many a sender of pages calls them plain.
        if message.get_content_type() == "text/html" or _PAGE.match(data):
            extractor = self.part.input.html
            page = read_page(data, self.part.origin, 0, extractor=extractor, declared=declared)
            if isinstance(page, Bad):
                self.problem = page.error
                return
            text = page.text
            self.fields.update({k: v for k, v in page.fields.items() if k != "title"})
        else:
            decoded = decode_document(data, [declared] if declared else [], self.part.input.encoding)
            if is_binary(decoded.text):
                self.problem = "binary: the text is mostly control characters"
                return
            note_encoding(self.fields, decoded.encoding, decoded.n_broken)
            text = decoded.text.replace("\r\n", "\n")
            if str(message.get_param("format", "")).lower() == "flowed":
                text = _unflowed(text, str(message.get_param("delsp", "")).lower() == "yes")
        if text.strip():
            self.texts.append(text.strip("\n"))


def _best(children: list[Message]) -> list[Message]:
    """Of the same words in several forms, the plain one if it has any, else the last, which is the richest."""
    for child in children:
        payload = child.get_payload(decode=True) if child.get_content_type() == "text/plain" else None
        if isinstance(payload, bytes) and payload.strip():
            return [child]
    return children[-1:]


def _charset(message: Message) -> str | None:
    try:
        return message.get_content_charset()
    except (LookupError, UnicodeError):
        return None


def _unflowed(text: str, together: bool) -> str:
    """Paragraphs of `format=flowed` (RFC 3676), whose lines end in a blank where they go on. Quotations stay as they are."""
    out: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        bare = line.removeprefix(" ") if not line.startswith(">") else line
        soft = bare.endswith(" ") and bare != "-- " and not bare.startswith(">")
        words = bare[:-1] if soft and together else bare
        if goes_on and not bare.startswith(">"):
            out[-1] += words
        else:
            out.append(words)
        goes_on = soft
    return "\n".join(out)


def _header(value: Any) -> str:
    if value is None:
        return ""
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return " ".join(str(value).split())
    words = ""
    for piece, charset in pieces:
        if isinstance(piece, bytes):
            try:
                words += decode_document(piece, [charset] if charset else []).text
            except Undecodable:
                words += piece.decode("ascii", "replace")
        else:
            words += piece
    return " ".join(words.split())


def _date(value: Any) -> str:
    try:
        return parsedate_to_datetime(str(value)).isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""
