from __future__ import annotations

import json

import pytest

from corpusmill.train.evaluate.answers import answer_metrics, answer_tokens, exact_match, token_f1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The U.S. Army's base", ["us", "armys", "base"]),
        ("《民法典》第１０条", ["民", "法", "典", "第", "10", "条"]),
        ("使用Python 3.11版", ["使", "用", "python", "3.11", "版"]),
        ("well-known, an artist", ["well", "known", "artist"]),
        ("1,234.5 kg", ["1234.5", "kg"]),
        ("-5 °C", ["-5", "c"]),
        ("1990–1995", ["1990", "1995"]),
        ("维生素A the", ["维", "生", "素", "a", "the"]),
        ("。！", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert answer_tokens(text) == tokens


def test_exact_match() -> None:
    assert exact_match("the Eiffel Tower.", ["Eiffel tower"])
    assert exact_match("北京市", ["上海", "北京市。"])
    assert not exact_match("北京", ["北京市"])
    assert not exact_match("314", ["3.14"])
    assert not exact_match("5", ["-5"])


def test_token_f1() -> None:
    assert token_f1("中国北京", ["北京"]) == pytest.approx(2 * 2 / 6)
    assert token_f1("in the year 1912", ["1912", "year 1912"]) == pytest.approx(2 * 2 / 5)
    assert token_f1("哈哈", ["哈"]) == pytest.approx(2 / 3)  # a token counts as often as it is there
    assert token_f1("", [""]) == 1.0
    assert token_f1("", ["北京"]) == token_f1("上海", ["北京"]) == 0.0


def test_metrics_by_language() -> None:
    answers = ["北京", "上海市", "Paris", "the moon"]
    references = [["北京"], ["上海"], ["paris", "Paris, France"], ["the sun"]]
    found = answer_metrics(answers, references, resamples=200)
    assert found["exact_match"] == 0.5
    assert found["f1"] == pytest.approx((1 + 0.8 + 1 + 0) / 4)
    assert found["by_language"]["zh"]["f1"] == pytest.approx(0.9)
    assert found["by_language"]["en"]["exact_match"] == 0.5
    assert found["intervals"]["f1"][0] <= found["f1"] <= found["intervals"]["f1"][1]
    assert "by_language" not in answer_metrics(answers[:2], references[:2], resamples=10)
    json.dumps(found)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1 for 2"):
        answer_metrics(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match="answer 0 needs a list"):
        answer_metrics(["a"], ["a"])
