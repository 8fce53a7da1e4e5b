"""Format cleanup: each repair repairs, and text that is well stays as it is."""

import gzip
import json
import sys
from pathlib import Path
from unittest.mock import patch

import cleanup_reference
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import MissingExtra
from corpusmill.filters.cleanup import steps as cleanup
from corpusmill.filters.cleanup.scan import scan
from corpusmill.filters.cleanup.steps import FixFormat


def clean(text: str, **options) -> str:
    return FixFormat(**options).transform(Documents.from_texts([text])).texts[0]


@pytest.mark.parametrize(
    ("signal", "broken", "repaired"),
    [
        ("format_mojibake", "这是ä¸\xadæ–‡的测试", "这是中文的测试"),
        ("format_mojibake", "donâ€™t worry about the cafÃ©", "don’t worry about the café"),
        ("format_html", "第一段&nbsp;第二段<br>第三段&hellip;", "第一段 第二段\n第三段…"),
        (
            "format_html",
            "&aring;ngstr&ouml;m &Omega; &hearts; &infin; 5&permil; AT&T; R&D; &bogus;",
            "ångström Ω ♥ ∞ 5‰ AT&T; R&D; &bogus;",
        ),
        ("format_html", "Tom &amp; Jerry <b>ran</b> &#8212; fast", "Tom & Jerry ran — fast"),
        ("format_html", "a &amp;amp;lt; b", "a < b"),
        ("format_html", "第一段。<br/> \u3000第二段。", "第一段。\n第二段。"),
        ("format_html", "<table><tr><td>甲</td><td>one</td></tr></table>", "甲 one"),
        ("format_html", "keep <i>one</i> space", "keep one space"),
        ("format_nfc", "cafe\u0301 au lait", "café au lait"),
        ("format_nfc", "か\u3099くせい", "がくせい"),
        ("format_width", "我在２０２４年买了Ａ股", "我在2024年买了A股"),
        ("format_width", "中文\u3000空格", "中文 空格"),
        ("format_control", "零\u200b宽\ufeff字符\x07", "零宽字符"),
        ("format_control", "soft\u00adhyphen and \x1b[31mcolour\x1b[0m", "softhyphen and colour"),
        ("format_control", "汉\u200d字", "汉字"),
        ("format_space", "第一行  \r\n第二行\t\n\n\n\n\n第三行   ", "第一行\n第二行\n\n\n第三行"),
        ("format_space", "two  spaces\u00a0here", "two spaces here"),
        ("format_space", "　　首行缩进。\n　　又一段。", "首行缩进。\n又一段。"),
        ("format_punctuation", "太好了！！！！！！真的？？？？", "太好了！！！真的？？？"),
        ("format_punctuation", "Really?????? Yes!!!!", "Really??? Yes!!!"),
    ],
)
def test_repairs_and_counts(signal: str, broken: str, repaired: str) -> None:
    out = FixFormat().transform(Documents.from_texts([broken]))
    assert out.texts == [repaired]
    assert out.signals[signal][0] >= 1
    assert out.signals["format_edits"][0] >= 1


@pytest.mark.parametrize(
    "text",
    [
        "他说：“好的！”（真的？）《论语》，、；……——【注】①②⑵Ⅳ㎡℃％",
        "依照《刑法》第二百三十四条，口服100mg；（2007）朝民初字第18230号；法释〔2020〕26号。",
        "价格￥100，符号￥是全角。",
        "不构成正当防卫。\n\n患者无发热。",
        "It’s “fine” — really… naïve café, 5 °C, ½ cup, x < y && y > z, R&D, AT&T.",
        "def f(x):\n    return x if x else None",
        "List<T> and vector<b> hold values; a <- b.",
        "Use the `<br>` tag and &nbsp; in ```html``` blocks.",
        "می\u200cخواهم 👨\u200d👩\u200d👧 नमस्ते",
        "row one\trow two\nTable\tof\tvalues",
        "Wait...... what ---- is ==== this ****",
        "",
    ],
)
def test_leaves_good_text_alone(text: str) -> None:
    out = FixFormat().transform(Documents.from_texts([text]))
    assert out.texts == [text]
    assert out.signals["format_edits"][0] == 0


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("html", "a&nbsp;b<br>c"),
        ("mojibake", "donâ€™t"),
        ("nfc", "cafe\u0301"),
        ("width", "２０２４"),
        ("control", "零\u200b宽"),
        ("spaces", "two  spaces"),
    ],
)
def test_each_repair_can_be_switched_off(option: str, text: str) -> None:
    assert clean(text) != text
    assert clean(text, **{option: False}) == text


def test_punctuation_limit() -> None:
    assert clean("好！！！！！", max_punctuation=None) == "好！！！！！"
    assert clean("好！！！！！", max_punctuation=1) == "好！"


def test_joins_hard_line_breaks_of_paragraphs_only() -> None:
    english = (
        "This paragraph was typed on a machine that broke its lines at a fixed col-\n"
        "umn, so that a reader of the file finds a break in the middle of sentences\n"
        "and even in words, which no tokenizer should have to learn from any corpus.\n\n"
        "- one item\n- two items\n- three items"
    )
    joined = clean(english, join_lines=True)
    assert "fixed column, so that" in joined
    assert "sentences and even" in joined
    assert joined.endswith("- one item\n- two items\n- three items")
    assert clean(english) == english
    chinese = "\n".join(
        [
            "这是一份从旧文件里转换出来的文字每一行都在固定的地方断开读起来很",
            "不方便也会让模型学到错误的断行位置所以应该把它们重新连成一个完整的",
            "段落。",
        ]
    )
    assert clean(chinese, join_lines=True) == chinese.replace("\n", "")
    assert clean(joined, join_lines=True) == joined


def test_converts_between_scripts() -> None:
    pytest.importorskip("opencc")
    out = FixFormat(convert="t2s").transform(Documents.from_texts(["漢語與電腦", "plain"]))
    assert out.texts == ["汉语与电脑", "plain"]
    assert out.signals["format_converted"].tolist() == [5, 0]
    assert clean("汉语", convert="s2t") == "漢語"


def test_null_and_sliced_batches() -> None:
    docs = Documents.from_texts(["good text", "bad  text", "好文本", "坏\u200b文本"])
    assert FixFormat().transform(docs.take([1, 3])).texts == ["bad text", "坏文本"]
    sliced = Documents(docs.table.slice(1, 3))
    assert FixFormat().transform(sliced).texts == ["bad text", "好文本", "坏文本"]
    assert FixFormat().transform(docs.take([])).texts == []


def test_clean_batch_is_returned_as_it_is() -> None:
    docs = Documents.from_texts(["干净的文本。", "clean text."])
    assert FixFormat().transform(docs).table is docs.table


@settings(max_examples=200, deadline=None)
@example("１€©\x85â")
@given(
    st.text(
        alphabet=st.sampled_from(
            list(
                "汉字ab，。！？!? \t\n\r\u00a0\u3000\u200b\u200d\u0301e&;<>/brnpsam#39Ã©â€™ä¸­√‚\uf8ff·×１Ａ\x85\x1b[m\ufeff"
            )
        ),
        max_size=40,
    )
)
def test_idempotent_and_the_scan_misses_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    # With every sign set: what the byte scan let pass must need no repair.
    with patch.object(cleanup, "scan", lambda texts: np.full(len(texts), -1, dtype=np.int32)):
        assert clean(text) == once


MARKS = "汉字ab09，。！？!?～、；. \t\n\r\x0b\x0c\u00a0\u3000\u200b\u200d\u200c\u200e\u202e\x00\x1b[m１Ａｚ％（\x85\u2028\ufeff\u00adשم👩é"


@settings(max_examples=250, deadline=None)
@given(st.lists(st.text(alphabet=st.sampled_from(list(MARKS)), max_size=30), min_size=1, max_size=4))
def test_the_kernel_does_what_the_regular_expressions_say(texts: list[str]) -> None:
    step = FixFormat(html=False, mojibake=False, nfc=False)
    out = step.transform(Documents.from_texts(texts))
    assert out.texts == [cleanup_reference.tidy(text) for text in texts]
    other = FixFormat(html=False, mojibake=False, nfc=False, max_blank_lines=1, max_punctuation=1)
    assert other.transform(Documents.from_texts(texts)).texts == [cleanup_reference.tidy(t, 1, 1) for t in texts]
    changed = np.array([a != b for a, b in zip(texts, out.texts, strict=True)])
    assert ((out.signals["format_edits"] > 0) == changed).all()


@pytest.mark.parametrize(
    ("options", "text", "wanted"),
    [
        ({"width": False}, "Ａ\u3000Ｂ  Ｃ", "Ａ\u3000Ｂ Ｃ"),
        ({"spaces": False}, "Ａ\u3000Ｂ  \r\n\n\n\n\n", "A B  \r\n\n\n\n\n"),
        ({"control": False}, "a\u200bb  c", "a\u200bb c"),
        ({"max_punctuation": None}, "！！！！！ ａ", "！！！！！ a"),
    ],
)
def test_kinds_of_the_kernel_by_themselves(options: dict[str, object], text: str, wanted: str) -> None:
    assert clean(text, **options) == wanted


@pytest.mark.parametrize(
    ("language", "script", "text", "wanted"),
    [
        ("zh", "Hans", '他说"好的"，然后走了。', "他说“好的”，然后走了。"),
        (None, None, '他说"好的"，然后走了。', "他说“好的”，然后走了。"),
        ("zh", "Hant", '他說"好的"，然後走了。', "他說「好的」，然後走了。"),
        ("zh", "Hant", '他說“是的”又說"好的"。', "他說“是的”又說“好的”。"),
        ("en", "Latn", '“One”, “two” and "three".', "“One”, “two” and “three”."),
        ("en", "Latn", '"One", "two" and “three”.', '"One", "two" and "three".'),
        ("en", "Latn", "It’s what we’ve got, don't we?", "It’s what we’ve got, don’t we?"),
        ("en", "Latn", "It's what we've got, don’t we?", "It's what we've got, don't we?"),
        ("fr", "Latn", 'Il dit « oui » et "non" et “si”.', 'Il dit « oui » et "non" et “si”.'),
    ],
)
def test_quotes_by_language(language: str | None, script: str | None, text: str, wanted: str) -> None:
    docs = Documents.from_texts([text, "x"], language=[language, None], script=[script, None])
    out = FixFormat(quotes=True).transform(docs)
    assert out.texts[0] == wanted
    assert (out.signals["format_quotes"][0] > 0) == (text != wanted)
    assert FixFormat(quotes=True).transform(out).texts[0] == wanted
    assert FixFormat().transform(docs).texts[0] == text


@pytest.mark.parametrize(
    "text",
    [
        '屏幕为5"到12"，他说"好"。',
        '参数为 a="1" 的元素"',
        "He is 5'10\" tall, “they” say, “so”.",
        '配置 {"key": "value"} 如下。',
    ],
)
def test_quotes_that_are_none_stay(text: str) -> None:
    assert clean(text, quotes=True) == text


def _dev_texts(data: Path, limit_bytes: int) -> list[str]:
    names = (
        "zh/cluecorpus_web",
        "zh/wiki_hant",
        "web/zh_web_raw",
        "web/c4_docs",
        "web/quality_labelled",
        "legal/lecard_cases",
    )
    texts: list[str] = []
    for name in names:
        size = 0
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                text = json.loads(line).get("text")
                if text:
                    texts.append(text)
                    size += len(text)
                if size > limit_bytes:
                    break
    return texts


def test_real_text_is_cleaned_once_and_keeps_its_words(shared_data: Path) -> None:
    texts = _dev_texts(shared_data, 300_000)
    docs = Documents.from_texts(texts)
    once = FixFormat().transform(docs)
    assert FixFormat().transform(once).texts == once.texts
    for before, after in zip(texts, once.texts, strict=True):
        for mark in "，。；：（）“”《》…①":
            if "&" not in before and mark not in "，。":
                assert before.count(mark) == after.count(mark)
    untouched = scan(docs.text) == 0
    assert 0.2 < untouched.mean() < 1


def test_missing_converter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opencc", None)
    cleanup._converter.cache_clear()
    with pytest.raises(MissingExtra, match="pip install"):
        FixFormat(convert="t2s").prepare()
