"""Writes small PDF files for the tests of their reader: lines at places, pages, encryption; Helvetica and STSong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

WIDTHS = dict(
    zip(
        " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [278, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500,
         722, 500, 500, 500, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
         611, 722, 667, 944, 667, 667, 611],
        strict=True,
    )
)  # fmt: skip
"""Of Helvetica, in thousandths (Adobe Font Metrics)."""
_SIGNS = {
    **dict.fromkeys("!,./:;[]\\", 278),
    **dict.fromkeys("()-`*", 333),
    "'": 191,
    '"': 355,
    "&": 667,
    "%": 889,
    "|": 260,
}
_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


@dataclass(frozen=True)
class Text:
    """A line of a page; places in points from its lower left corner."""

    text: str
    x: float
    y: float
    size: float = 12
    turned: bool = False


Page = Sequence[Text]


def width(text: str, size: float = 12) -> float:
    """Of a line, as it is set: in Helvetica, or all of it in STSong."""
    if any(c > "\u2e7f" for c in text):
        return sum(1 if c > "\u2e7f" else 0.5 for c in text) * size
    return sum(WIDTHS.get(c, _SIGNS.get(c, 556)) for c in text) * size / 1000


def wrap(text: str, measure: float, size: float = 12, indent: float = 0) -> list[str]:
    """Breaks a paragraph into lines: English at blanks, Chinese anywhere but before a stop."""
    lines, line = [], ""
    for piece in _pieces(text):
        room = measure - (indent if not lines else 0)
        if line and width(line + piece.rstrip(), size) > room and piece not in "，。；：、！？）":
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def _pieces(text: str) -> Iterator[str]:
    word = ""
    for c in text:
        if c > "\u2e7f":
            yield from [word] if word else []
            yield c
            word = ""
        else:
            word += c
            if c == " ":
                yield word
                word = ""
    yield from [word] if word else []


def column(
    paragraphs: Iterable[str],
    *,
    x: float = 72,
    top: float = 720,
    measure: float = 451,
    size: float = 12,
    indent: float = 0,
    gap: float = 0,
) -> list[Text]:
    """Paragraphs one below the other, 1.5 lines apart."""
    out, y = [], top
    for paragraph in paragraphs:
        for i, line in enumerate(wrap(paragraph, measure, size, indent)):
            out.append(Text(line, x + (indent if i == 0 else 0), y, size))
            y -= 1.5 * size
        y -= gap
    return out


def flow(paragraphs: Iterable[str], lines: int, **options: float) -> list[list[Text]]:
    """The same cut into pages of so many lines: sentences go on over the break."""
    every = column(paragraphs, **options)
    top = options.get("top", 720)
    size = options.get("size", 12)
    pages = [every[i : i + lines] for i in range(0, len(every), lines)]
    return [[Text(t.text, t.x, top - 1.5 * size * k, t.size) for k, t in enumerate(page)] for page in pages]


def pdf(pages: Sequence[Page], *, title: str = "", password: bool | None = None, picture: bool = False) -> bytes:
    """A PDF 1.4. `password`: encrypted, and True: with one that nobody knows. `picture`: a grey one over each page."""
    kids = " ".join(f"{10 + 2 * i} 0 R" for i in range(len(pages)))
    objects: dict[int, tuple[str, bytes | None]] = {
        1: ("<< /Type /Catalog /Pages 2 0 R >>", None),
        2: (f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>", None),
        3: ("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>", None),
        4: ("<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>", None),
        5: (
            "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /W [1 95 500] /FontDescriptor 6 0 R"
            " /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
            None,
        ),
        6: (
            "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0"
            " /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
            None,
        ),
        8: ("<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", b"\x80"),
    }  # fmt: skip
    key = None
    if password is not None:
        owner = bytes(range(32))
        key = hashlib.md5(_PAD + owner + (-4).to_bytes(4, "little", signed=True) + b"0" * 16).digest()[:5]
        user = bytes(32) if password else _rc4(key, _PAD)
        objects[7] = (f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{user.hex()}> >>", None)
    else:
        mark = b"\xfe\xff" + title.encode("utf-16-be")
        objects[7] = (f"<< /Title <{mark.hex()}> /CreationDate (D:20240517093000+08'00') >>", None)
    for i, page in enumerate(pages):
        draw = "q 612 0 0 792 0 0 cm /I Do Q " if picture else ""
        body = draw + "\n".join(map(_shown, page))
        objects[10 + 2 * i] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {11 + 2 * i} 0 R"
            " /Resources << /Font << /E 3 0 R /C 4 0 R >> /XObject << /I 8 0 R >> >> >>",
            None,
        )
        objects[11 + 2 * i] = ("<<", body.encode("latin-1"))
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), {}
    for number, (words, stream) in sorted(objects.items()):
        places[number] = len(out)
        out += f"{number} 0 obj\n{words}".encode("latin-1")
        if stream is not None:
            if key is not None:
                stream = _rc4(hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10], stream)
            out += f" /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream"
        out += b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, at in places.items():
        out += f"{number} 1\n{at:010d} 00000 n \n".encode()
    more = "/Encrypt 7 0 R" if key is not None else "/Info 7 0 R"
    name = (b"0" * 16).hex()
    out += f"trailer\n<< /Size {max(places) + 1} /Root 1 0 R {more} /ID [<{name}> <{name}>] >>\n".encode()
    return bytes(out + f"startxref\n{table}\n%%EOF\n".encode())


def _shown(text: Text) -> str:
    matrix = f"0 1 -1 0 {text.x} {text.y}" if text.turned else f"1 0 0 1 {text.x} {text.y}"
    if any(c > "\u2e7f" for c in text.text):
        return f"BT /C {text.size} Tf {matrix} Tm <{text.text.encode('utf-16-be').hex()}> Tj ET"
    plain = text.text.encode("cp1252").decode("latin-1")
    for sign in "\\()":
        plain = plain.replace(sign, f"\\{sign}")
    return f"BT /E {text.size} Tf {matrix} Tm ({plain}) Tj ET"


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
