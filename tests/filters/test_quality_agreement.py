"""Our decisions against datatrove's, on the same words: what differs must be meant.

datatrove's own tokenizer is spaCy's, which is not a dependency: where it is absent its filters get our words, so the
rules alone are compared. Three differences are meant and avoided by the texts: blank lines (no lines to us, empty
duplicates to datatrove), white space at a line's end (part of the line to datatrove, which then has no end mark), and
marks such as • and “ ” (words of one character, and no end of a line, to datatrove's lists of ASCII marks).
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition
from corpusmill.filters.text import repetition
from corpusmill.filters.text import words as w

VOCABULARY = (
    "the of and to that have with be court paid river green market people water said went quickly village don't U.S. "
    'people, fish; 12 3.5 7% market-place (see) "no" internationalization a I #tag ...'
)
WORDS = VOCABULARY.split()


def pages(n: int) -> list[str]:
    """Pages of lines of varied length and quality: good, repetitive, listy, full of symbols."""
    rng = random.Random(7)
    out = []
    for _ in range(n):
        vocabulary = rng.choice([rng.sample(WORDS, 4), WORDS, WORDS[:24], WORDS[:24]])
        lines: list[str] = []
        for _ in range(rng.choice([1, 3, 8, 20])):
            if lines and rng.random() < 0.15:
                lines.append(rng.choice(lines))
                continue
            line = " ".join(rng.choice(vocabulary) for _ in range(rng.choice([2, 6, 15, 40])))
            lines.append(rng.choice(["", "", "", "- ", "- "]) + line + rng.choice([".", ".", ".", "!", "", "..."]))
        out.append("\n".join(lines))
    return out


def our_words(text: str, language: str = "en") -> list[str]:
    docs = Documents.from_texts([text], language=["en"])
    return w.words_of(docs).strings(w.buffers_of(docs), 0)


def our_sentences(text: str, language: str = "en") -> list[str]:
    docs = Documents.from_texts([text], language=["en"])
    return ["."] * int(repetition.word_counts_of(docs)["sentences"][0])


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    pytest.importorskip("datatrove")

    def make(name: str) -> Any:
        module, _, cls = name.partition(":")
        loaded = importlib.import_module(f"datatrove.pipeline.filters.{module}")
        for attribute, ours in (("split_into_words", our_words), ("split_into_sentences", our_sentences)):
            if hasattr(loaded, attribute):
                monkeypatch.setattr(loaded, attribute, ours)
        return getattr(loaded, cls)()

    return make


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("gopher_quality_filter:GopherQualityFilter", GopherQuality()),
        ("gopher_repetition_filter:GopherRepetitionFilter", GopherRepetition()),
        ("fineweb_quality_filter:FineWebQualityFilter", FineWebQuality()),
        ("c4_filters:C4QualityFilter", C4Quality()),
    ],
)
def test_decisions_are_datatroves(name: str, step: Any, theirs: Callable[[str], Any]) -> None:
    from datatrove.data import Document

    texts = pages(250)
    filter_ = theirs(name)
    expected = []
    for text in texts:
        got = filter_.filter(Document(text=text, id="x"))
        expected.append(got if isinstance(got, bool) else got[0])
    docs = Documents.from_texts(texts, language=["en"] * len(texts))
    if isinstance(step, C4Quality):
        docs = C4Lines().transform(docs)
    dropped = {row for row, _, _, _ in failures(step, step.measure(docs))}
    ours = [row not in dropped for row in range(len(texts))]
    assert 10 < sum(expected) < 245, "the pages must put the rules to the test"
    different = [text for text, a, b in zip(texts, expected, ours, strict=True) if a != b]
    assert not different
