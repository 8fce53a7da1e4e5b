"""Words carried over the removal of lines: what is carried must be what would be cut."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.text import words as w

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

LINES = st.lists(
    st.sampled_from(
        [
            "This line stays, as it ends well.",
            "  So does this one, with spaces around.\t",
            "Menu | Home",
            "Read our privacy policy before you go on.",
            "The river is long [12] and wide.[3]",
            "这一行有句号，所以会留下。",
            "首页 导航 更多",
            "「他说：合同有效。」",
            "",
            " ",
            "これは残ります。",
            "\u2028Enable JavaScript to read this page.",
        ]
    ),
    max_size=12,
).map("\n".join)


def same_words(texts: list[str], language: list[str | None]) -> int:
    """Compares carried words with words cut anew; returns how many there are."""
    docs = Documents.from_texts(texts, language=language)
    w.words_of(docs)
    after = C4Lines().transform(docs)
    anew = w.segment(w.buffers_of(after), w.styles_of(after))
    carried = w.words_of(after)
    for name in ("starts", "ends", "hashes", "chars", "flags", "rows", "styles"):
        assert getattr(carried, name).tolist() == getattr(anew, name).tolist(), name
    return len(carried)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=4), st.sampled_from(["en", "zh", "ja", None]))
def test_carried_words_are_those_cut_anew(texts: list[str], language: str | None) -> None:
    same_words(texts, [language] * len(texts))


def test_words_are_carried_and_not_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = Documents.from_texts(["Menu\nThis line stays, as it ends well.", "A line with a mark [1] stays too."])
    w.words_of(docs)
    after = C4Lines().transform(docs)
    seen = []
    cut = w.segment

    def counting(texts: w.TextBuffers, styles: w.NDArray) -> w.Segmentation:  # type: ignore[type-arg]
        seen.append(len(texts))
        return cut(texts, styles)

    monkeypatch.setattr("corpusmill.filters.text.carry.segment", counting)
    assert w.words_of(after).strings(w.buffers_of(after), 0)[:3] == ["This", "line", "stays"]
    assert seen == [1]  # the document that lost a part of a line


def test_nothing_is_carried_when_no_words_were_cut() -> None:
    docs = Documents.from_texts(["Menu\nThis line stays, as it ends well."], language=["en"])
    after = C4Lines().transform(docs)
    assert w.words_of(after).strings(w.buffers_of(after), 0)[0] == "This"


def test_real_pages() -> None:
    path = DATA / "legal" / "terms_of_service.jsonl.gz"
    if not path.exists():
        pytest.skip("no development data")
    with gzip.open(path, "rt", encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for _, line in zip(range(40), f, strict=False)]
    assert same_words(texts, [None] * len(texts)) > 10_000
