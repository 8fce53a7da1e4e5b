"""Scripts, Simplified and Traditional, Japanese kanji, and samples."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpusmill.filters.text.script import (
    DROPPED,
    HANI,
    LATN,
    SCRIPTS,
    SYMBOLS,
    han_script,
    han_table,
    is_japanese_kanji,
    scan,
)


def scanned(*texts: str, budget: int = 8192):
    return scan(pa.array(texts, pa.large_string()), budget)


def test_the_table_is_what_opencc_says() -> None:
    opencc = pytest.importorskip("opencc")
    to_simplified, to_traditional = opencc.OpenCC("t2s"), opencc.OpenCC("s2t")
    table = han_table()
    assert len(table["Hans"]) > 2500
    assert len(table["Hant"]) > 3000
    assert not table["Hans"] & table["Hant"]
    # A share, because another version of opencc may know a few characters more or fewer.
    assert sum(to_traditional.convert(c) != c for c in table["Hans"]) > 0.99 * len(table["Hans"])
    assert sum(to_simplified.convert(c) != c for c in table["Hant"]) > 0.99 * len(table["Hant"])
    for ambiguous in "后里台干面谷松云发著乾":
        assert ambiguous not in table["Hans"] or ambiguous == "发"
        assert ambiguous not in table["Hant"]


@pytest.mark.parametrize(
    ("text", "script", "score"),
    [
        ("本公司依法承担赔偿责任", "Hans", 1),
        ("本公司依法承擔賠償責任", "Hant", 1),
        ("山中相送", "Hani", 0.5),
        ("后天上山", "Hans", 1),
        ("君子之於天下也", "Hant", 1),
        ("皇后說話", "Hant", 1),
        ("汉字漢字", "Hani", 0.5),
        ("他读了《紅樓夢》这本书，说讲得很好", "Hans", 0.7),
    ],
)
def test_han_script(text: str, script: str, score: float) -> None:
    assert han_script(scanned(text).marks[0]) == (script, pytest.approx(score, abs=0.1))


@pytest.mark.parametrize("text", ["東京都千代田区", "大阪府警察本部捜査第一課", "入出金明細書控", "駅前広場"])
def test_kanji_that_read_as_japanese(text: str) -> None:
    assert is_japanese_kanji(scanned(text).marks[0]) == (text != "入出金明細書控")


@pytest.mark.parametrize(
    "text", ["中华人民共和国民法典", "中華民國憲法", "北京大学", "臺北市立圖書館", "他去东京看了広島展览的说明"]
)
def test_han_that_does_not(text: str) -> None:
    assert not is_japanese_kanji(scanned(text).marks[0])


def test_letters_by_script() -> None:
    letters = scanned("Привет 你好 hello ひらカナ 안녕 ไทย ﾊﾝｶｸ Ｆ").letters[0]
    found = {SCRIPTS[i]: int(n) for i, n in enumerate(letters) if n}
    assert found == {"Cyrl": 6, "Hani": 2, "Latn": 6, "Hira": 2, "Kana": 6, "Hang": 2, "Thai": 3}


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("详情见https://example.com/a?b=c。谢谢", "详情见 。谢谢"),
        ("See HTTP://WWW.EXAMPLE.COM/x, or www.example.org now", "See   or   now"),
        ("联系 zhang.san@example.com 即可", "联系   即可"),
        ("mail:bob@example.org today", "mail:  today"),
        ("/photo/2007/03/70924_0.jpg 图", "  图"),
        ("two\nlines\x00and a NUL", "two lines and a NUL"),
        ("either/or and 3.5 mg/kg, e.g. this", "either/or and 3.5 mg/kg, e.g. this"),
    ],
)
def test_samples_are_one_line_without_addresses(text: str, sample: str) -> None:
    assert scanned(text).sample_text(0) == sample


def test_marks_count_code_symbols_and_dropped_bytes() -> None:
    marks = scanned("for(i=0;i<n;i++){}", "see https://example.com/").marks
    assert marks[0, SYMBOLS] == 10
    assert marks[1, DROPPED] == len("https://example.com/")


@pytest.mark.parametrize("char", ["a", "é", "汉", "𠮷"])
def test_a_long_document_gives_its_start_and_its_middle(char: str) -> None:
    text = "S" * 50 + char * 5000 + "M" * 100 + char * 5000 + "E" * 50
    for budget in range(200, 208):
        found = scanned("x", text, budget=budget)
        sample = found.sample_text(1)
        assert sample.startswith("S" * 50)
        assert "M" in sample
        assert "E" not in sample
        assert budget - 8 < len(sample.encode()) <= budget + 1
        assert int(found.letters[1].sum()) == len(sample) - 1
        assert found.sample_text(0) == "x"


def test_no_documents_and_empty_ones() -> None:
    assert scan(pa.array([], pa.large_string())).letters.shape == (0, len(SCRIPTS))
    assert scanned("", "a").letters[:, [HANI, LATN]].tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(("name", "script"), [("wiki_hans", "Hans"), ("wiki_hant", "Hant")])
def test_wikipedia_paragraphs(shared_data: Path, name: str, script: str) -> None:
    with gzip.open(shared_data / "zh" / f"{name}.jsonl.gz") as file:
        texts = [json.loads(line)["text"] for line in file]
    found = [han_script(marks)[0] for marks in scanned(*texts).marks]
    assert found.count(script) / len(found) > 0.998
