"""Which repairs a document could need, from one pass over a batch's UTF-8 bytes.

A sign may be wrong towards too many (the repair then finds nothing) but never towards too few.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..text.buffers import TextBuffers

HTML, MOJIBAKE, NFC, WIDTH, CONTROL, SPACE, PUNCTUATION = (1 << i for i in range(7))


def scan(text: pa.LargeStringArray) -> NDArray[np.int32]:
    """For each document, the sum of the signs seen in it; 0 means that there is nothing to repair."""
    flags = np.zeros(len(text), dtype=np.int32)
    buffers = TextBuffers.of(text)
    if len(flags):
        _kernel()(buffers.data, buffers.offsets, flags)
    return flags


@lru_cache(maxsize=1)
def _kernel() -> Any:
    # numba costs about half a second to import, so only those who clean pay for it.
    from ..text.kernel import kernel

    return kernel(_scan)


def _scan(data: NDArray[np.uint8], offsets: NDArray[np.int64], flags: NDArray[np.int32]) -> None:
    for row in range(len(flags)):
        start, end = offsets[row], offsets[row + 1]
        flag = 0
        i = start
        previous = np.int64(0)  # the character before
        run = 0  # how many times it has come in a row
        indent = True  # only blanks since the line began: an indent is kept
        while i < end:
            byte = data[i]
            if byte < 0x80:
                point = np.int64(byte)
                size = 1
            elif byte < 0xE0:
                size = 2
                point = np.int64(byte & 0x1F) << 6 | np.int64(data[i + 1] & 0x3F)
            elif byte < 0xF0:
                size = 3
                point = np.int64(byte & 0x0F) << 12 | np.int64(data[i + 1] & 0x3F) << 6 | np.int64(data[i + 2] & 0x3F)
            else:
                size = 4
                point = np.int64(
                    0x10000
                )  # nothing beyond the basic plane needs repair but by NFC, which is asked below
            run = run + 1 if point == previous else 1
            if point < 0x80:
                if point < 0x40:
                    if point == 0x0A:
                        if previous == 0x20 or previous == 0x09 or run > 2 or i == start or i + 1 == end:
                            flag |= SPACE
                    elif point == 0x20:
                        if (run > 1 and not indent) or i + 1 == end or previous == 0xA0:
                            flag |= SPACE
                    elif point < 0x20:
                        if point == 0x0D:
                            flag |= SPACE
                        elif point != 0x09:
                            flag |= CONTROL | MOJIBAKE
                        elif i + 1 == end:
                            flag |= SPACE
                    elif point == 0x26:  # &name; and &#8212;
                        j = i + 1
                        if j < end and data[j] == 0x23:
                            j += 1
                        name = j
                        while (
                            j < end and j < name + 8 and (0x30 <= data[j] <= 0x39 or 0x41 <= (data[j] & 0xDF) <= 0x5A)
                        ):
                            j += 1
                        if j > name and j < end and data[j] == 0x3B:
                            flag |= HTML
                    elif point == 0x3C:  # <name, </name
                        j = i + 1
                        if j < end and data[j] == 0x2F:
                            j += 1
                        name = j
                        while (
                            j < end
                            and j < name + 10
                            and ((0x30 <= data[j] <= 0x39 or 0x41 <= (data[j] & 0xDF) <= 0x5A) or data[j] == 0x3A)
                        ):
                            j += 1
                        if j > name and j < end and (data[j] == 0x3E or data[j] == 0x2F or data[j] <= 0x20):
                            flag |= HTML
                    elif (point == 0x21 or point == 0x3F) and run > 1:  # ! ?
                        flag |= PUNCTUATION
                elif point == 0x7F:
                    flag |= CONTROL
            elif point < 0x700:
                if point < 0xA0:
                    # U+0085 and its like are both control characters and the commonest sign of mojibake.
                    flag |= CONTROL | MOJIBAKE
                elif point == 0xA0:
                    flag |= SPACE
                elif point == 0xAD:
                    flag |= CONTROL
                elif 0x300 <= point < 0x400 or point >= 0x483:
                    flag |= NFC
                # Mojibake is at least two characters beyond ASCII side by side, the first from an 8-bit alphabet, where
                # the bytes that begin a character in UTF-8 are letters (and ¬ in Mac Roman).
                if (point >= 0xC0 or point == 0xAC) and i + size < end and data[i + size] >= 0x80:
                    flag |= MOJIBAKE
                if point == 0xC2 or point == 0xC3:
                    flag |= MOJIBAKE
            elif 0x4E00 <= point < 0xA000:
                pass
            elif 0x2000 <= point < 0x2070:
                if point < 0x2002:
                    flag |= NFC
                elif 0x200B <= point <= 0x200F or 0x2028 <= point <= 0x202E or point >= 0x2060:
                    flag |= CONTROL
                elif (point == 0x201A or point == 0x201E or point == 0x2030) and i + 3 < end and data[i + 3] >= 0x80:
                    # Mac Roman's E2, E3 and E4, the first bytes of most Chinese characters and of ’.
                    flag |= MOJIBAKE
            elif point == 0x3000:
                flag |= WIDTH | SPACE
            elif 0x3001 <= point < 0x3100:
                if point <= 0x3002 and run > 1:
                    flag |= PUNCTUATION
                elif point == 0x3099 or point == 0x309A:
                    flag |= NFC
            elif 0xFF01 <= point < 0xFFF0:
                if 0xFF10 <= point <= 0xFF19 or 0xFF21 <= point <= 0xFF3A or 0xFF41 <= point <= 0xFF5A:
                    flag |= WIDTH
                elif run > 1:
                    flag |= PUNCTUATION
            elif 0x2500 <= point < 0x25A0 or point == 0x221A:
                flag |= MOJIBAKE  # box drawing: the high half of code page 437; the root: C3 in Mac Roman
            elif point >= 0xF8FF and point < 0xFF00:  # U+F8FF: Mac Roman's F0
                flag |= NFC | (CONTROL if point == 0xFEFF else 0) | MOJIBAKE
            elif point == 0x10000:
                flag |= NFC
            elif point >= 0xFFF0:
                flag |= CONTROL | MOJIBAKE
            elif point < 0x2000 or point in (0x2126, 0x212A, 0x212B, 0x2329, 0x232A, 0x2ADC):
                flag |= NFC
            indent = point == 0x0A or (indent and (point == 0x20 or point == 0x09))
            previous = point
            i += size
        if previous == 0x20 or previous == 0x09:
            flag |= SPACE
        flags[row] |= flag
