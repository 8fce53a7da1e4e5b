"""English cuts: as spaCy's own where it is installed, and as a slow reading of its rules in regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.filters.text import spaced
from corpusmill.filters.text import words as w

TEXTS = [
    "I can't, won't and cannot; they'd've left, wouldn't they? It's John's dog's.",
    "See [this](http://a.b/c-d) or www.b.org/e?f=1, mail me@x.org (or mailto:a@b.co). <br><br>Next",
    "US$5, C$4.50, 5€, 20% of 256GB at 10am; 3+4, 5-6, a-b, x--y, co-op/pub, and/or, e.g. this...",
    "Wolfram|Alpha a_b snake_case __init__ #tag @you **Bold**: *x* “quoted” ‘it’ «so» (a)(b) [1][2]",
    "end.Start one.two A.B.C. U.S. J. Smith, Mr. X. No. 5. v1.2.3 3.14. 1,000,000 12:30 a:b x=y 1/2 a/b",
    "well–known — yes—no ~home a~b '90s rock'n'roll o'clock ma'am y'all :) ;-) <3 ... .. … wait…what ©2020 5°C 30°.",
]


def cut(text: str) -> list[str]:
    docs = Documents.from_texts([text], language=["en"])
    return w.words_of(docs).strings(w.buffers_of(docs), 0)


@pytest.mark.parametrize("text", TEXTS)
def test_cuts_are_spacys(text: str) -> None:
    spacy = pytest.importorskip("spacy")
    assert cut(text) == [token.text for token in spacy.blank("en")(text) if not token.is_space]


PUNCT = re.escape("…,:;!?()[]{}<>_#*&")
QUOTES = re.escape("'\"”“`‘’")
PREFIX = re.compile(rf"[%=—–{PUNCT}{QUOTES}]|\.\.+|\+(?![0-9])|US\$|[CA]\$|\$")
SUFFIX = re.compile(
    rf"(?:……|[—–{PUNCT}{QUOTES}]|\.\.+|['’][sS]|(?<=[0-9])\+|(?<=[0-9])(?:US\$|[CA]\$|\$)"
    rf"|(?<=[0-9])(?:{'|'.join(sorted(map(re.escape, spaced.UNITS.split()), key=len, reverse=True))})"
    rf"|(?<=[0-9a-z%+|\-{PUNCT}{QUOTES}])\.|(?<=[A-Z][A-Z])\.)$"
)
INFIX = re.compile(
    rf"\.\.+|…|(?<=[0-9])[+\-*^](?=[0-9-])|(?<=[a-z,{QUOTES}])\.(?=[A-Z,{QUOTES}])|(?<=[A-Za-z]),(?=[A-Za-z])"
    r"|(?<=[A-Za-z0-9])(?:-|–|—|--|---|——|~)(?=[A-Za-z])|(?<=[A-Za-z0-9])[:<>=/](?=[A-Za-z])"
)


def listed(chunk: str) -> bool:
    table = spaced.cut_list()
    key, mask = spaced._hash(chunk), len(table.keys) - 1
    slot = key & mask
    while table.cuts[slot]:
        if table.keys[slot] == key:
            return True
        slot = (slot + 1) & mask
    return False


def slow(chunk: str) -> list[str]:
    """The words of a chunk without a listed part or an address in it."""
    first: list[str] = []
    last: list[str] = []
    while chunk:
        pre = PREFIX.match(chunk)
        a = pre.end() if pre else 0
        suf = SUFFIX.search(chunk, a)
        b = suf.start() if suf else len(chunk)
        if not pre and not suf:
            break
        if pre:
            first.append(chunk[:a])
        if suf:
            last.append(chunk[b:])
        chunk = chunk[a:b]
    middle: list[str] = []
    start = 0
    for match in INFIX.finditer(chunk):
        if match.start() > start:
            middle += [chunk[start : match.start()], match.group()]
            start = match.end()
    return [*first, *middle, *([chunk[start:]] if chunk[start:] else []), *reversed(last)]


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="aZq5.,-–—:/_#*()[]'’\"$%+~=|…?k", max_size=12))
def test_cuts_are_those_of_the_rules(text: str) -> None:
    parts = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    if any(map(listed, parts)) or re.search(r"[A-Za-z0-9]\.[a-z]{2}", text):
        return
    assert cut(text) == slow(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_nothing_is_lost(text: str) -> None:
    assert "".join(cut(text)) == "".join(text.split())


def test_long_runs_of_closing_marks() -> None:
    n = spaced.MAX_SUFFIXES + 100
    got = cut("word" + "!" * n)
    assert "".join(got) == "word" + "!" * n
    assert got[0].startswith("word")
    assert len(got) >= spaced.MAX_SUFFIXES
