"""What Chinese web spam does to a page, counted: contacts, lists of keywords, a title said again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.documents import Documents
from .buffers import TextBuffers
from .chars import ALPHA, BREAK, DIGIT, HAN, SPACE, char_table, decode
from .kernel import kernel
from .words import buffers_of

SPAM_COLUMNS = ("contacts", "keyword_chars", "title_repeats", "title_chars", "full_width")
"""Columns of `count_spam`.

`contacts`: mobile numbers (11 digits from 13 to 19), 400 and 800 numbers, area codes with a hyphen and 7 or 8 digits,
and names of a messenger (QQ, 微信, WeChat, Telegram, LINE) that a number or account of 5 to 20 characters follows
within 5 characters.
`keyword_chars`: characters in runs of at least `MIN_KEYWORDS` items of at most `MAX_KEYWORD` characters, at least half of
them with a Han character, parted by one of , | _ / and white space, without a mark that prose would have.
`title_repeats`: how often the first line (6 to 60 characters) comes again below; `title_chars`: its characters there.
`full_width`: full-width forms (U+FF01-FF60, U+FFE0-FFE6) and CJK punctuation (U+3001-U+303F).
"""

MIN_KEYWORDS = 6
MAX_KEYWORD = 8
MIN_TITLE, MAX_TITLE = 6, 60


@kernel
def _digits(data: Any, i: Any, hi: Any) -> Any:
    """How many ASCII digits start at byte `i`."""
    n = 0
    while i + n < hi and 48 <= data[i + n] <= 57:
        n += 1
    return n


@kernel
def _phone(data: Any, i: Any, hi: Any, n: Any) -> Any:
    """The bytes of a telephone number that starts with the `n` digits at byte `i`, or 0."""
    if n == 11 and data[i] == 49 and 51 <= data[i + 1] <= 57:
        return 11
    if n == 10 and (data[i] == 52 or data[i] == 56) and data[i + 1] == 48 and data[i + 2] == 48:
        return 10
    if i + n < hi and data[i + n] == 0x2D:
        m = _digits(data, i + n + 1, hi)
        if 3 <= n <= 4 and data[i] == 48 and 7 <= m <= 8:
            return n + 1 + m
        if n == 3 and (data[i] == 52 or data[i] == 56) and data[i + 1] == 48 and data[i + 2] == 48:
            if m == 7:
                return 11
            k = i + 4 + m
            if 3 <= m <= 4 and k < hi and data[k] == 0x2D and m + _digits(data, k + 1, hi) == 7:
                return 12
    return 0


@kernel
def _messenger(data: Any, i: Any, hi: Any, before: Any) -> Any:
    """The bytes of a messenger's name at byte `i`, or 0; `before` is the byte before it."""
    a = data[i]
    if a == 0xE5 and i + 6 <= hi:  # 微信
        if data[i + 1] == 0xBE and data[i + 2] == 0xAE and data[i + 3] == 0xE4:
            return 6 if data[i + 4] == 0xBF and data[i + 5] == 0xA1 else 0
        return 0
    for name in (b"qq", b"wechat", b"weixin", b"telegram", b"line"):
        n = len(name)
        if i + n > hi or (a | 0x20) != name[0]:
            continue
        k = 1
        while k < n and (data[i + k] | 0x20) == name[k]:
            k += 1
        letter = (65 <= before <= 90) or (97 <= before <= 122)
        if k == n and not letter:
            return n
    return 0


@kernel
def _account(data: Any, i: Any, hi: Any) -> Any:
    """The bytes up to the end of an account that starts within 5 characters of byte `i`, or 0."""
    j = i
    gap = 0
    while j < hi and gap <= 5:
        c = data[j]
        word = (48 <= c <= 57) or (65 <= c <= 90) or (97 <= c <= 122)
        if word:
            n = 0
            digits = 0
            while j + n < hi:
                c = data[j + n]
                if 48 <= c <= 57:
                    digits += 1
                elif not ((65 <= c <= 90) or (97 <= c <= 122) or c == 0x5F or c == 0x2D):
                    break
                n += 1
            if n <= 2 and digits == 0:  # the ID of "LINE ID: ..."
                j += n
                gap += n
                continue
            # A word in letters alone ("WeChat Work") is no account.
            return j + n - i if 5 <= n <= 20 and digits >= 2 else 0
        if c == 10:
            return 0
        j += 1 if c < 0x80 else (2 if c < 0xE0 else (3 if c < 0xF0 else 4))
        gap += 1
    return 0


@kernel
def _separator(cp: Any, f: Any) -> bool:
    return bool(cp == 0x2C or cp == 0x7C or cp == 0x5F or cp == 0x2F or (f & SPACE and not f & BREAK))


@kernel
def _count_spam(data: Any, offsets: Any, table: Any, out: Any) -> None:
    for d in range(len(offsets) - 1):
        lo = offsets[d]
        hi = offsets[d + 1]
        contacts = keyword_chars = full_width = 0
        # The run of keywords that is being read: items, those with Han, characters; and its last, unfinished item.
        items = han_items = run_chars = 0
        item_chars = 0
        item_han = False
        spoilt = False  # the item is too long or holds a mark of prose: it ends the run
        title_lo: Any = np.int64(-1)
        title_hi: Any = np.int64(-1)
        title_chars = 0
        in_title = True
        before: Any = 0
        skip: Any = lo  # bytes before it belong to a contact that was counted
        i = lo
        while i <= hi:
            cp: Any = np.int64(10)
            size = 1
            if i < hi:
                cp = np.int64(data[i])
                if cp >= 0x80:
                    cp, size = decode(data, i)
            f = table[cp]
            if cp >= 0x3001 and not f & HAN:
                full_width += cp <= 0x303F or 0xFF01 <= cp <= 0xFF60 or 0xFFE0 <= cp <= 0xFFE6
            if in_title:
                if f & BREAK:
                    in_title = title_lo < 0
                elif not f & SPACE:
                    if title_lo < 0:
                        title_lo = i
                    title_hi = i + size
                    title_chars += 1
            end = i == hi or f & BREAK != 0
            if end or _separator(cp, f):
                if item_chars and not spoilt:
                    items += 1
                    han_items += item_han
                    run_chars += item_chars
                if spoilt or end:
                    if items >= MIN_KEYWORDS and 2 * han_items >= items:
                        keyword_chars += run_chars
                    items = han_items = run_chars = 0
                item_chars = 0
                item_han = False
                spoilt = False
            else:
                item_chars += 1
                if f & HAN:
                    item_han = True
                # Marks end the run, except the + - . & that names of things have.
                mark = not f & (ALPHA | DIGIT | HAN) and cp != 0x2B and cp != 0x2D and cp != 0x2E and cp != 0x26
                if (mark or item_chars > MAX_KEYWORD) and not spoilt:
                    spoilt = True
                    if items >= MIN_KEYWORDS and 2 * han_items >= items:
                        keyword_chars += run_chars
                    items = han_items = run_chars = 0
            if i >= skip and i < hi:
                if 48 <= cp <= 57:
                    n = _digits(data, i, hi)
                    size_of_it = _phone(data, i, hi, n)
                    if size_of_it:
                        contacts += 1
                    skip = i + max(n, size_of_it)
                elif cp == 0x5FAE or (65 <= cp <= 122):  # 微, or a letter
                    n = _messenger(data, i, hi, before)
                    if n:
                        m = _account(data, i + n, hi)
                        if m:
                            contacts += 1
                        skip = i + n + m
            before = cp if cp < 0x80 else 0
            i += size
        repeats = 0
        width = title_hi - title_lo
        if title_lo >= 0 and MIN_TITLE <= title_chars <= MAX_TITLE:
            j = title_hi
            first = data[title_lo]
            while j + width <= hi:
                if data[j] == first:
                    k = 1
                    while k < width and data[j + k] == data[title_lo + k]:
                        k += 1
                    if k == width:
                        repeats += 1
                        j += width
                        continue
                j += 1
        out[d, 0] = contacts
        out[d, 1] = keyword_chars
        out[d, 2] = repeats
        out[d, 3] = repeats * title_chars
        out[d, 4] = full_width


def count_spam(texts: TextBuffers) -> dict[str, NDArray[np.int64]]:
    """`SPAM_COLUMNS` of every document."""
    out = np.zeros((len(texts), len(SPAM_COLUMNS)), dtype=np.int64)
    _count_spam(texts.data, texts.offsets, char_table(), out)
    return {name: out[:, k] for k, name in enumerate(SPAM_COLUMNS)}


def spam_counts_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    """The batch's counts, made once and kept with it."""
    return docs.memo("spam_counts", lambda: count_spam(buffers_of(docs)))
