"""Bytes to text: UTF-8 first, then what the document declares, then what its bytes look like.

Nothing is dropped to make bytes decode. A whole document (a page, a text file) may hold up to one broken character in
`1 / MAX_BROKEN`, which becomes U+FFFD as in a browser; beyond that it is refused. One line of a file must decode whole.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BROKEN = 1 / 200
"""Largest share of undecodable characters in a whole document. A wrong encoding breaks more than one in twenty."""

SAMPLE_BYTES = 128 << 10
"""How much of a document the detectors see."""

_META_BYTES = 4096
"""Where a page must name its charset: the standard says 1,024 bytes, real pages are later."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; UTF-32 before UTF-16, whose mark it begins with."""

# Labels mean less than what is sent under them: pages "in gb2312" hold GBK and GB18030 characters, pages "in big5"
# those of HKSCS or of Windows. Each family is decoded by its largest member, then by the next. Python's gb2312 codec
# also maps the dash and the middle dot (A1AA, A1A4) to other characters than Windows and the web do.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "gb18030": ("gb18030",),
    "big5": ("big5hkscs", "cp950"),
    "shift_jis": ("cp932",),
    "euc_kr": ("cp949",),
    "cp1252": ("cp1252", "latin-1"),
}
_FAMILY_OF = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "hz": "hz",
    "big5": "big5",
    "big5hkscs": "big5",
    "cp950": "big5",
    "shift_jis": "shift_jis",
    "cp932": "shift_jis",
    "euc_kr": "euc_kr",
    "cp949": "euc_kr",
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "cp1252": "cp1252",
}
_CJK = frozenset({"gb18030", "big5", "shift_jis", "euc_kr", "euc_jp", "iso2022_jp", "hz"})
_WEAK = "cp1252"
"""The default of many servers: anything decodes with it, so it yields to bytes that are clearly Chinese."""

# Codecs of Python that turn text into text-like escapes: never an encoding of a document.
_NO_ENCODING = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs"})

# What charset-normalizer may answer: asked for anything, it takes a short line of Chinese for UTF-16 or EBCDIC.
_LIKELY = ["cp1252", "gb18030", "big5", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r", "cp932", "cp949", "cp874"]

_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
_CHARSET = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE
)


class Undecodable(ValueError):
    """These bytes are not text in any encoding that was tried."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A document's text and how it was got."""

    text: str
    encoding: str
    n_broken: int = 0
    """Characters that became U+FFFD."""


def encoding_family(label: str) -> str | None:
    """The name that corpusmill knows an encoding by (`gb2312` -> `gb18030`), or None for what is no encoding."""
    try:
        found = codecs.lookup(label.strip().strip("'\"").lower())
    except (LookupError, ValueError):
        return _web_label(label)
    if found.name in _NO_ENCODING or not getattr(found, "_is_text_encoding", True):
        return None
    return _FAMILY_OF.get(found.name, found.name)


def _web_label(label: str) -> str | None:
    """Names of the WHATWG's list that Python does not know (`x-gbk`, `x-sjis`, `unicode-1-1-utf-8`)."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = map_encoding_to_html5(label, fallback_utf8=False)
    if name is None:
        return None
    try:
        name = codecs.lookup(name).name
    except LookupError:
        return None
    return _FAMILY_OF.get(name, name)


def decode_strict(data: bytes, encoding: str) -> str:
    """`data` in one encoding, whole. Raises Undecodable, which names the first offending byte."""
    problem = ""
    for codec in _FAMILIES.get(encoding, (encoding,)):
        try:
            return data.decode(codec)
        except UnicodeDecodeError as error:
            problem = problem or f"byte {data[error.start] if error.start < len(data) else 0:#04x} at {error.start}"
        except UnicodeError:  # UTF-16 and UTF-32 also raise the bare class
            problem = problem or "a broken byte order"
    raise Undecodable(f"not valid {encoding} ({problem})")


def decode_document(data: bytes, declared: Sequence[str] = (), encoding: str = "auto") -> Decoded:
    """The text of a whole document.

    `declared` are the labels that its container and itself give, the stronger first (HTTP header, then `<meta>`).
    Valid UTF-8 comes before them: pages are often converted to UTF-8 with their old `<meta>` kept, and text in a
    legacy encoding is next to never valid UTF-8. `encoding`, unless `auto`, is the user's word and the only one tried.

    Raises Undecodable.
    """
    for mark, name in BOMS:
        if data.startswith(mark) and encoding in ("auto", "utf-8", name, name[:6]):
            return _lenient(data[len(mark) :], name) or _refuse(name)
    if encoding != "auto":
        name = _known(encoding)
        return _lenient(data, name) or _refuse(name)
    families = [f for f in map(encoding_family, declared) if f is not None]
    escaped = [f for f in families if f.startswith("iso2022") or f == "hz"]
    try:
        if not (escaped and (b"\x1b" in data or b"~{" in data)):  # 7-bit encodings are valid UTF-8 as they stand
            return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    guess = None
    for family in families:
        if family.startswith(("utf-16", "utf-32")):  # a label that could be read as ASCII is wrong
            continue
        if family == _WEAK and (guess := _chinese(data[:SAMPLE_BYTES])) is not None:
            continue
        try:
            return Decoded(decode_strict(data, family), family)
        except Undecodable:
            continue
    if (utf8 := _mostly_utf8(data)) is not None:
        return utf8
    guess = guess or detect(data)
    tried = dict.fromkeys([*([guess] if guess else []), *families])
    for family in tried:
        if (found := _lenient(data, family)) is not None:
            return found
    raise Undecodable(f"undecodable: neither UTF-8 nor {' nor '.join(tried) or 'any other encoding that was detected'}")


def _known(encoding: str) -> str:
    family = encoding_family(encoding)
    if family is None:
        raise Undecodable(f"unknown encoding {encoding!r}")
    return family


def _refuse(name: str) -> Decoded:
    raise Undecodable(f"undecodable: more than {MAX_BROKEN:.1%} of it is not valid {name}")


def _lenient(data: bytes, family: str) -> Decoded | None:
    """With at most a share of `MAX_BROKEN` of it replaced by U+FFFD."""
    try:
        return Decoded(decode_strict(data, family), family)
    except Undecodable:
        pass
    text = data.decode(_FAMILIES.get(family, (family,))[0], errors="replace")
    # The document's own U+FFFD cannot be told apart here; only Unicode encodings can have any.
    n_broken = text.count("�")
    return Decoded(text, family, n_broken) if n_broken <= MAX_BROKEN * len(text) else None


def _mostly_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a few broken characters: a cut page, a foreign quotation. English in cp1252 is not taken for it."""
    text = data.decode("utf-8", errors="replace")
    n_broken = text.count("�")
    if n_broken > MAX_BROKEN * len(text):
        return None
    n_multibyte = sum(n for char, n in Counter(text).items() if char >= "\x80" and char != "�")
    return Decoded(text, "utf-8", n_broken) if n_multibyte >= 10 * n_broken else None


def detect(data: bytes) -> str | None:
    """The encoding family that bytes which are not UTF-8 look like, or None.

    Chinese is told by how common its characters are (`_chinese`), which holds from a dozen characters on where the
    general detectors fail: uchardet missed 62% of 10-character and 10% of 30-character GB18030 strings of our
    development data and takes Big5 with rare characters for Western text. The rest is uchardet's, then
    charset-normalizer's, which is slower and better on short Western text.
    """
    from resiliparse.parse.encoding import detect_encoding

    sample = data[:SAMPLE_BYTES]
    label = detect_encoding(sample, html5_compatible=False)
    family = encoding_family(label) if label else None
    if family in _CJK and _decodes(sample, family):
        return family
    if (chinese := _chinese(sample)) is not None:
        return chinese
    if family is not None and family != "utf-8":
        return family
    from charset_normalizer import from_bytes

    best = from_bytes(sample[: 16 << 10], cp_isolation=_LIKELY).best()
    return encoding_family(best.encoding) if best is not None else None


def _decodes(sample: bytes, family: str) -> bool:
    return _lenient(sample, family) is not None


def _chinese(sample: bytes) -> str | None:
    """`gb18030` or `big5` if nearly all that is not ASCII are their everyday characters; else None.

    Both standards put the characters of daily use in one region (level 1: leads B0-D7 of GB 2312, A4-C6 of Big5), so
    the wrong reading of a text scatters over rare ones. Korean in EUC-KR looks like GB here: ask uchardet before.
    """
    shares = {
        "gb18030": _common_share(sample, "gb18030", "gb2312", (0xA1, 0xA3), (0xB0, 0xD7)),
        "big5": _common_share(sample, "big5hkscs", "big5", (0xA1, 0xA3), (0xA4, 0xC6)),
    }
    best = max(shares, key=lambda family: shares[family])
    return best if shares[best] >= 0.85 else None


def _common_share(sample: bytes, codec: str, level_codec: str, *leads: tuple[int, int]) -> float:
    text = sample.decode(codec, errors="replace")
    common = total = 0
    for char, n in Counter(text).items():
        if char < "\x80":
            continue
        total += n
        coded = char.encode(level_codec, errors="ignore")
        if len(coded) == 2 and any(low <= coded[0] <= high for low, high in leads):
            common += n
    return common / total if total else 0.0


def detect_lines(sample: bytes) -> str:
    """The encoding of a file of lines, from some of its lines: UTF-8 if most that are not ASCII are.

    A file may hold broken lines among good ones; those are judged one by one, later.
    """
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    broken = [line for line in lines if not _is_utf8(line)]
    if 2 * len(broken) <= len(lines):
        return "utf-8"
    return detect(b"\n".join(broken)) or "utf-8"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decode_line(line: bytes, encoding: str) -> str:
    """One line of a file in `encoding`; in a legacy encoding's file, lines of UTF-8 are read too. Raises Undecodable."""
    try:
        return decode_strict(line, encoding)
    except Undecodable:
        if encoding == "utf-8" or not _is_utf8(line):
            raise
        return line.decode("utf-8")


def byte_order(head: bytes) -> tuple[str, int]:
    """(encoding, length) of the byte order mark that `head` begins with, or ("", 0)."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name, len(mark)
    return "", 0


def declared_in_html(data: bytes) -> str | None:
    """The charset that a page names in its first bytes, by `<meta>` or an XML declaration."""
    found = _CHARSET.search(data[:_META_BYTES])
    return (found.group(1) or found.group(2)).decode("ascii", "ignore") if found else None


def is_binary(text: str) -> bool:
    """Whether more than 1% of a text are control characters, and at least three: decoded, but no text."""
    if _CONTROL.search(text) is None:
        return False
    n = sum(1 for _ in _CONTROL.finditer(text))
    return n >= 3 and n > 0.01 * len(text)
