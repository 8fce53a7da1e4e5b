"""The Gopher, FineWeb and Chinese rules: for each, a text that passes and one that fails for it, in both languages.

The English cases follow those that datatrove, dolma and dclm test these rules with.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.step import Filter, failures
from corpusmill.filters.chinese import ChineseQuality
from corpusmill.filters.quality import (
    C4Quality,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
    bundled_stop_words,
)

EN = (
    "The harbour was quiet in the early morning, and the boats that had come in overnight lay close to the wall. "
    "A woman with a basket walked along the quay, stopping now and then to speak to the men who mended their nets. "
    "Nobody seemed to be in a hurry. By noon the market would be full, but for now there was time to drink coffee."
)
ZH = (
    "清晨的港口很安静，夜里回来的渔船都停在岸边。一位提着篮子的妇女沿着码头慢慢走，不时停下来和补网的人说几句话。"
    "大家似乎都不着急。到了中午，市场里会挤满买鱼的人，但是现在还有时间喝一杯热茶，看看海面上的光。"
    "孩子们在堤坝上追逐，老人坐在门口晒太阳，讲起年轻时出海的故事。"
)


def broken(step: Filter, text: str, language: str | None) -> set[str]:
    docs = step.measure(Documents.from_texts([text], language=[language]))
    assert set(step.signal_names) <= set(docs.signals)
    return {rule.name for _, rule, _, _ in failures(step, docs)}


ALL = (GopherQuality(), GopherRepetition(), FineWebQuality(), C4Quality(min_sentences=2), ChineseQuality())


@pytest.mark.parametrize("step", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize(("text", "language"), [(EN, "en"), (ZH, "zh"), (ZH, None), (EN, None)])
def test_good_prose_breaks_no_rule(step: Filter, text: str, language: str | None) -> None:
    assert broken(step, text, language) == set()


@pytest.mark.parametrize(
    ("rule", "text", "language"),
    [
        ("min_words", "The cat and the dog.", "en"),
        ("min_words", "猫和狗。", "zh"),
        ("max_words", "the cat and a dog " * 20_001, "en"),
        ("max_words", "我和你的猫" * 25_001, "zh"),
        ("min_avg_word_length", "I am to go up to it and be of us so we do as he is. " * 5, "en"),
        ("min_avg_word_length", "，。、" * 30, "zh"),
        ("max_avg_word_length", "the and incomprehensibilities internationalization " * 25, "en"),
        ("max_avg_word_length", "的和internationalization incomprehensible " * 25, "zh"),
        ("max_symbol_word_ratio", EN + " #tag" * 40, "en"),
        ("max_symbol_word_ratio", EN.replace(",", "... ").replace(" a", " ... "), "en"),
        ("max_symbol_word_ratio", ZH + "#标签" * 40, "zh"),
        ("max_symbol_word_ratio", ZH.replace("，", "……").replace("的", "……"), "zh"),
        ("max_bullet_lines_ratio", "\n".join("- " + s for s in EN.split(". ")), "en"),
        ("max_bullet_lines_ratio", "\n".join("• " + s for s in ZH.split("。") if s), "zh"),
        ("max_ellipsis_lines_ratio", EN.replace(". ", "...\n"), "en"),
        ("max_ellipsis_lines_ratio", ZH.replace("。", "……\n"), "zh"),
        ("min_alpha_words_ratio", EN + " 1 2 3 4 5 6 7 8 9 , ; 10 11" * 4, "en"),
        ("min_alpha_words_ratio", ZH + "1、2、3、4、5、6、7、8；" * 10, "zh"),
        ("min_stop_words", "Harbour boats woman basket nets market noon coffee quay wall " * 6, "en"),
        ("min_stop_words", "港口渔船妇女码头市场中午时间热茶海面孩子老人故事" * 6, "zh"),
    ],
)
def test_gopher_quality(rule: str, text: str, language: str) -> None:
    assert rule in broken(GopherQuality(), text, language)
    assert rule not in broken(GopherQuality(**{rule: None}), text, language)


def test_gopher_words_are_counted_without_punctuation() -> None:
    docs = GopherQuality().measure(Documents.from_texts(["a, b; c!", "甲，乙；丙！"], language=["en", "zh"]))
    assert docs.signals["words"].tolist() == [3, 3]


def test_a_run_of_dots_is_one_ellipsis() -> None:
    docs = GopherQuality().measure(Documents.from_texts(["one ...... two", "一……二"], language=["en", "zh"]))
    tokens = [3, 4]
    np.testing.assert_allclose(docs.signals["symbol_word_ratio"], [1 / t for t in tokens])


def test_zero_is_a_threshold_and_none_is_off() -> None:
    text = EN + " #one"
    assert broken(GopherQuality(max_symbol_word_ratio=0), text, "en") == {"max_symbol_word_ratio"}
    assert broken(GopherQuality(max_symbol_word_ratio=0), EN, "en") == set()
    assert broken(GopherQuality(max_symbol_word_ratio=None), text, "en") == set()


def test_every_broken_rule_is_reported() -> None:
    assert broken(GopherQuality(), "### ...", "en") >= {
        "min_words",
        "min_avg_word_length",
        "max_symbol_word_ratio",
        "min_alpha_words_ratio",
        "min_stop_words",
    }


def test_languages_without_stop_words_are_not_judged_by_them() -> None:
    docs = GopherQuality().measure(Documents.from_texts(["une phrase", EN, ZH], language=["fr", "en", "zh"]))
    assert np.isnan(docs.signals["stop_words"][0])
    assert docs.signals["stop_words"][1] >= 4
    assert docs.signals["stop_words"][2] >= 4
    own = GopherQuality(stop_words={"fr": ["une", "phrase"]}).measure(docs)
    assert own.signals["stop_words"][0] == 2
    assert np.isnan(own.signals["stop_words"][1])


def test_bundled_stop_words_are_real_tokens() -> None:
    lists = bundled_stop_words()
    assert set(lists) == {"en", "zh"}
    assert "the" in lists["en"]
    assert {"的", "與", "与", "应当"} <= set(lists["zh"])
    for words in lists.values():
        assert len(words) == len(set(words))


def test_empty_documents_have_defined_signals() -> None:
    docs = Documents.from_texts(["", " \n\n ", "…"])
    for step in ALL:
        docs = step.measure(docs)
    for name, values in docs.signals.items():
        assert not np.isnan(values).any() or name in ("bad_words", "c4_removed_ratio"), name
        assert np.isfinite(values).all() or name in ("bad_words", "c4_removed_ratio"), name
    assert {rule.name for row, rule, _, _ in failures(GopherQuality(), docs) if row == 0} >= {"min_words"}


def repeated_ngram(n: int, times: int, language: str) -> str:
    """`times` copies of one phrase of n words among words that never repeat."""
    if language == "en":
        phrase = " ".join(f"shared{k}" for k in range(n))
        return " ".join(f"{phrase} other{chr(97 + t)}" for t in range(times))
    phrase = "，".join("甲乙丙丁戊己庚辛壬癸"[k] for k in range((n + 1) // 2))
    return "".join(f"{phrase}{chr(0x5B50 + 40 * t)}、" for t in range(times))


@pytest.mark.parametrize(
    ("rule", "text", "language"),
    [
        ("dup_line_frac", "alpha beta\n" * 4 + EN, "en"),
        ("dup_line_frac", "第一行\n" * 4 + ZH, "zh"),
        ("dup_line_char_frac", f"{EN}\n{EN}", "en"),
        ("dup_para_frac", "one para\n\n" * 4 + EN, "en"),
        ("dup_para_char_frac", f"{EN}\n\n{EN}", "en"),
        ("top_2_gram", "green tea " * 20, "en"),
        ("top_2_gram", "绿茶，" * 20, "zh"),
        ("top_3_gram", "hot green tea. " * 20, "en"),
        ("top_3_gram", "喝绿茶，" * 20, "zh"),
        ("top_4_gram", "very hot green tea. " * 20, "en"),
        ("top_4_gram", "我爱喝绿茶，" * 20, "zh"),
        *((f"dup_{n}_gram", repeated_ngram(n, 8, "en"), "en") for n in range(5, 11)),
        *((f"dup_{n}_gram", repeated_ngram(n, 12, "zh"), "zh") for n in range(5, 11)),
    ],
)
def test_gopher_repetition(rule: str, text: str, language: str) -> None:
    assert rule in broken(GopherRepetition(), text, language)
    assert rule not in broken(GopherRepetition(**{rule: None}), text, language)


def test_blank_lines_are_no_duplicates() -> None:
    text = "\n\n\n".join(EN.split(". "))
    docs = GopherRepetition().measure(Documents.from_texts([text, "\n\n" + ZH.replace("。", "。\r\n\r\n")]))
    assert docs.signals["dup_line_frac"].tolist() == [0, 0]
    assert docs.signals["dup_para_frac"].tolist() == [0, 0]


def test_repetition_values_by_hand() -> None:
    docs = GopherRepetition().measure(Documents.from_texts(["a a a a\nb\nb"], language=["en"]))
    value = {name: float(v[0]) for name, v in docs.signals.items()}
    assert value["dup_line_frac"] == pytest.approx(1 / 3)
    assert value["dup_line_char_frac"] == pytest.approx(1 / 11)
    assert value["top_2_gram"] == pytest.approx(9 / 11)  # "a a", three times
    assert value["top_3_gram"] == pytest.approx(10 / 11)
    assert value["dup_5_gram"] == 0


@pytest.mark.parametrize(
    ("rule", "text", "language"),
    [
        ("min_line_punct_ratio", EN.replace(". ", "\n").replace(".", ""), "en"),
        ("min_line_punct_ratio", ZH.replace("。", "\n"), "zh"),
        ("max_short_line_ratio", "\n".join(["Home and garden news.", "Send us a letter."] * 3 + [EN]), "en"),
        ("max_char_dup_ratio", f"{EN}\nSubscribe to our letter.\nSubscribe to our letter.", "en"),
        ("max_char_dup_ratio", f"{ZH}\n{ZH}", "zh"),
        ("max_new_line_ratio", EN.replace(" ", "\n"), "en"),
        ("max_new_line_ratio", ZH.replace("，", "\n").replace("的", "\n").replace("一", "\n"), "zh"),
    ],
)
def test_fineweb_quality(rule: str, text: str, language: str) -> None:
    assert rule in broken(FineWebQuality(), text, language)
    assert rule not in broken(FineWebQuality(**{rule: None}), text, language)


def test_short_chinese_lines_are_no_fault() -> None:
    assert broken(FineWebQuality(), ZH.replace("。", "。\n"), "zh") == set()


@pytest.mark.parametrize("line", ["他走了。", "他走了……", "“他走了。”", "（他走了。）", "他走了；", "他走了！」"])
def test_chinese_lines_end_in_chinese_marks(line: str) -> None:
    docs = FineWebQuality().measure(Documents.from_texts([line], language=["zh"]))
    assert docs.signals["line_punct_ratio"][0] == 1


@pytest.mark.parametrize(
    ("rule", "text", "language"),
    [
        ("min_chars", "太短了。", "zh"),
        ("min_han_ratio", EN, "zh"),
        ("max_digit_ratio", ZH + "13800138000 " * 20, "zh"),
        ("min_punct_ratio", "港口 渔船 妇女 码头 市场 中午 时间 热茶 海面 孩子 老人 故事 " * 3, "zh"),
        ("max_square_bracket_ratio", "【热卖】" * 20 + ZH[:60], "zh"),
        ("min_unique_char_ratio", "哈哈哈哈哈哈哈哈，" * 30, "zh"),
        ("min_char_entropy", "哈哈哈哈哈哈哈哈，" * 30, "zh"),
        ("max_more_lines_ratio", "港口很安静 展开\n渔船停在岸边 更多\n" + ZH, "zh"),
    ],
)
def test_chinese_quality(rule: str, text: str, language: str) -> None:
    assert rule in broken(ChineseQuality(), text, language)
    assert broken(ChineseQuality(), text, "en") == set()


def test_maximum_chars_is_off_until_given() -> None:
    assert broken(ChineseQuality(), ZH, "zh") == set()
    assert broken(ChineseQuality(max_chars=100), ZH, "zh") == {"max_chars"}


@pytest.mark.parametrize(
    ("rule", "text", "language"),
    [
        ("min_sentences", "One sentence. And two.", "en"),
        ("min_sentences", "只有一句话。", "zh"),
        ("max_lorem_ipsum", EN + " Lorem ipsum dolor. Five. Six.", "en"),
        ("max_lorem_ipsum", ZH + "Lorem ipsum。", "zh"),
        ("max_curly_brackets", EN + " function() { return; }", "en"),
        ("max_curly_brackets", ZH + "{% 模板 %}", "zh"),
    ],
)
def test_c4_quality(rule: str, text: str, language: str) -> None:
    assert rule in broken(C4Quality(), text, language)
    assert rule not in broken(C4Quality(**{rule: None}), text, language)


def test_c4_word_bounds() -> None:
    assert broken(C4Quality(min_sentences=None, min_words=100), EN, "en") == {"min_words"}
    assert broken(C4Quality(min_words=500), ZH, "zh") == {"min_words"}
    assert broken(C4Quality(min_sentences=None, max_words=10), EN, "en") == {"max_words"}
    assert broken(C4Quality(max_words=10), ZH, "zh") == {"max_words"}


def test_conversion_marks_of_chinese_wikipedia_are_no_code() -> None:
    assert broken(C4Quality(), ZH + "立为-{后}-。", "zh") == set()


def test_bad_words(tmp_path: Path) -> None:
    listed = C4Quality(min_sentences=None, bad_words=["damn", "赌博"])
    assert broken(listed, EN + " Damn it.", "en") == {"max_bad_words"}
    assert broken(listed, ZH + "网上赌博平台。", "zh") == {"max_bad_words"}
    assert broken(listed, EN + " Condamned.", "en") == set()
    file = tmp_path / "words.txt"
    file.write_text("赌博\n", encoding="utf-8")
    assert broken(C4Quality(bad_words_file=file), ZH + "网上赌博平台。", "zh") == {"max_bad_words"}
    with pytest.raises(CorpusmillError, match=r"cannot read bad_words_file .*one word or phrase a line"):
        C4Quality(bad_words_file=tmp_path / "missing.txt").prepare()


def test_chinese_of_unknown_language_is_judged_as_chinese() -> None:
    docs = GopherQuality().measure(Documents.from_texts([ZH, EN, "日本語のテキストです。"]))
    assert docs.languages == ["zh", None, None]
    traditional = Documents.from_texts([ZH], language=["zh"], script=["Hant"])
    strict = GopherQuality(min_words={"default": 1, "zh": 1, "zh-Hant": 9999})
    assert {rule.name for _, rule, _, _ in failures(strict, strict.measure(traditional))} == {"min_words"}


def test_signals_do_not_depend_on_the_batch(texts: list[str]) -> None:
    def measured(batch: list[str]) -> dict[str, np.ndarray]:
        docs = Documents.from_texts(batch)
        for step in ALL:
            docs = step.measure(docs)
        return docs.signals

    together, alone = measured([*texts[:40], EN, ZH, "", EN * 30]), measured([ZH])
    for name, values in alone.items():
        np.testing.assert_array_equal(values[0], together[name][41], err_msg=name)


def test_importing_the_filters_loads_no_compiler() -> None:
    code = "import sys, corpusmill.filters.quality, corpusmill.filters.lines; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_clean_chinese_survives(shared_data: Path) -> None:
    import gzip
    import json

    for path, every in (("zh/wiki_hans.jsonl.gz", 4), ("zh/wiki_hant.jsonl.gz", 4), ("legal/zh_statutes.jsonl.gz", 7)):
        with gzip.open(shared_data / path, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for k, line in enumerate(lines) if k % every == 0]
        texts = [text for text in texts if len(text) > 200]
        docs = Documents.from_texts(texts)
        dropped: set[int] = set()
        for step in (GopherQuality(), GopherRepetition(), FineWebQuality(), C4Quality(), ChineseQuality()):
            docs = step.measure(docs)
            dropped |= {row for row, _, _, _ in failures(step, docs)}
        assert len(dropped) <= 0.03 * len(texts), path
