"""MinHash kernels against slow, obvious references."""

from __future__ import annotations

import random
import re

import numpy as np
import pyarrow as pa
import pytest

from corpusmill.filters.text.shingles import jaccard, normalize, shingle_sets, signatures, spaced

MIXED = "患者使用 iPhone 手机，3.5mg 阿司匹林 twice a day 口服。"


def normal(*texts: str):
    return normalize(pa.array(texts, pa.large_string()))


def normal_text(text: str) -> str:
    return normal(text).document(0).decode()


def sets_of(*texts: str, words: int = 5, characters: int = 8):
    return shingle_sets(normal(*texts), words=words, characters=characters)


def reference_shingles(text: str, words: int, characters: int) -> set[tuple[str, ...]]:
    tokens = re.findall(r"[一-鿿ぁ-ヿ]|[^\W_一-鿿ぁ-ヿ]+", text.lower())
    weights = [words if re.match(r"[一-鿿ぁ-ヿ]", t) else characters for t in tokens]
    found = set()
    for i in range(len(tokens)):
        for j in range(i + 1, len(tokens) + 1):
            if sum(weights[i:j]) >= words * characters:
                found.add(tuple(tokens[i:j]))
                break
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello\t\nWORLD  ", "hello world"),
        ("\ufeff第\u200b一\u00ad条\u3000ＡＢ", "第一条 ａｂ"),
        ("ÉCOLE Ω Ж ①㎡……", "école ω ж ①㎡……"),
        ("İ", "İ"),
        ("Ⱥ" * 9, "ⱥ" * 9),
        ("𠮷野家 😀", "𠮷野家 😀"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normal_text(text) == expected


def test_normalize_agrees_with_python_on_a_slice_of_an_array(texts: list[str]) -> None:
    array = pa.array(["skipped", *texts, None], pa.large_string()).slice(1)
    found = normalize(array)
    assert [found.document(i).decode() for i in range(len(texts))] == [" ".join(t.lower().split()) for t in texts]
    assert found.document(len(texts)) == b""


@pytest.mark.parametrize(("words", "characters"), [(5, 8), (3, 5), (1, 1), (32, 32)])
def test_shingles_are_those_of_a_slow_reference(texts: list[str], words: int, characters: int) -> None:
    cases = [*texts[:40], MIXED * 3, "short", "", "字"]
    found = sets_of(*cases, words=words, characters=characters)
    for text, hashes in zip(cases, found, strict=True):
        assert len(hashes) == len(reference_shingles(text, words, characters))
        assert (np.diff(hashes.astype(object)) > 0).all()


def test_jaccard_of_hashes_is_that_of_shingles(texts: list[str]) -> None:
    found = sets_of(*texts[:60])
    for i in range(58):
        a, b = (reference_shingles(t, 5, 8) for t in (texts[i], texts[i + 2]))
        assert jaccard(found[i], found[i + 2]) == pytest.approx(len(a & b) / len(a | b))
    assert jaccard(found[0][:0], found[0][:0]) == 0


def test_punctuation_and_case_make_no_shingles() -> None:
    a, b = sets_of("The court, shall; decide within ten days", "the COURT shall decide: within ten days!!!")
    assert (a == b).all()
    a, b = sets_of("被告应当在十日内，支付赔偿金", "被告应当在十日内支付赔偿金。")
    assert (a == b).all()


@pytest.mark.parametrize("pool", ["zh", "en"])
@pytest.mark.parametrize("share", [0.95, 0.8, 0.5, 0.2])
def test_estimate_is_as_exact_as_theory_says(pool: str, share: float) -> None:
    rng = random.Random(7)
    tokens = [chr(0x4E00 + i) for i in range(5000)] if pool == "zh" else [f"w{i}" for i in range(5000)]
    join = "" if pool == "zh" else " "
    slots, errors, exact = 128, [], []
    for _ in range(60):
        base = [rng.choice(tokens) for _ in range(1200)]
        cut = int(len(base) * 2 * share / (1 + share))  # a common part and a tail of each one's own
        a = join.join(base)
        b = join.join(base[:cut] + [rng.choice(tokens) for _ in range(len(base) - cut)])
        both = normal(a, b)
        found, _ = signatures(both, slots=slots, words=5, characters=8)
        true = float(jaccard(*shingle_sets(both, words=5, characters=8)))
        exact.append(true)
        errors.append(float((found[0] == found[1]).mean()) - true)
    j = float(np.mean(exact))
    expected = (j * (1 - j) / slots) ** 0.5
    assert abs(np.mean(errors)) < 3 * expected / 60**0.5, "biased"
    assert 0.7 * expected < np.std(errors) < 1.35 * expected


def test_small_sets_fill_all_slots_and_equal_sets_agree() -> None:
    few = "one two three four five six seven"
    found, counts = signatures(normal(few, few.upper(), "a b", ""), slots=128, words=5, characters=8)
    assert counts.tolist() == [3, 3, 0, 0]
    assert (found[0] == found[1]).all()
    assert len(set(found[0].tolist())) == 3
    assert (found[2:] == 0xFFFF).all()


def test_a_batch_cut_elsewhere_gives_the_same_signatures(texts: list[str]) -> None:
    whole, _ = signatures(normal(*texts), slots=64, words=5, characters=8)
    parts = [signatures(normal(*texts[i : i + 7]), slots=64, words=5, characters=8)[0] for i in range(0, 200, 7)]
    assert (np.concatenate(parts) == whole).all()


def test_spaced() -> None:
    found = spaced(normal(MIXED, "Don't stop!", ""), 1 << 16)
    assert found.document(0).decode() == "患 者 使 用 iphone 手 机 ， 3 . 5mg 阿 司 匹 林 twice a day 口 服 。"
    assert found.document(1).decode() == "don ' t stop !"
    assert found.document(2) == b""
    assert spaced(normal("你好世界"), 6).document(0).decode() == "你 好"


def test_lengths_out_of_range() -> None:
    with pytest.raises(ValueError, match="from 1 to 32"):
        sets_of("x", words=0)
