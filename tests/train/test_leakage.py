from __future__ import annotations

import json
import random

import pytest

from corpusmill.train.evaluate.leakage import leaks_between, near_duplicate_groups, without_leaks
from corpusmill.train.finetune.samples import Example

ZH = "酒店位置不错离地铁站很近房间干净服务员态度也好早餐种类不多价格便宜下次还会再来住可惜隔音差了一点"
EN = "the hotel was close to the station and the room was clean though breakfast had little choice we would come back"


def sentences(n: int, seed: int) -> list[str]:
    """Texts of random characters and words: unlike one another."""
    rng = random.Random(seed)
    return [
        "".join(rng.choices(ZH, k=40)) if i % 2 else " ".join(f"w{rng.randrange(5000)}" for _ in range(40))
        for i in range(n)
    ]


def test_leaks_of_every_kind_are_found_and_named() -> None:
    train = sentences(60, seed=1)
    test = sentences(20, seed=2)
    planted = {
        0: (3, train[3]),
        1: (8, f" {train[8].upper()}。"),
        2: (9, train[9][:20] + "甲" + train[9][21:]),
        3: (12, train[12].replace(train[12].split()[10], "changed")),
        4: (57, "好！！"),
    }
    train[57] = "好"
    for row, (_, text) in planted.items():
        test[row] = text
    kept, same, report = without_leaks(train, test)
    assert kept == [text for i, text in enumerate(train) if i not in {3, 8, 9, 12, 57}]
    assert same == test
    assert {(leak.test_row, leak.train_row) for leak in report.leaks} == {(t, r) for t, (r, _) in planted.items()}
    assert (report.leaked_test, report.leaked_train, report.exact) == (5, 5, 3)
    assert report.leaks[0].similarity == 1.0
    assert 0.7 < report.leaks[-1].similarity < 1
    assert "5 of 20 test texts (25.0%)" in report.sentence()
    json.dumps(report.as_dict(), ensure_ascii=False)
    assert not without_leaks(kept, test)[2].leaked_test


def test_the_test_side_can_be_cleaned_or_nothing() -> None:
    train = sentences(10, seed=3)
    test = [*sentences(4, seed=4), train[0], train[0], train[1]]
    left, kept, report = without_leaks(train, test, remove="test")
    assert left == train
    assert kept == test[:4]
    assert (report.leaked_test, report.leaked_train) == (3, 2)
    left, kept, report = without_leaks(train, test, remove=None)
    assert (left, kept) == (train, test)
    assert report.leaked_test == 3
    assert "NOTHING WAS REMOVED" in report.sentence()


def test_every_copy_goes() -> None:
    near = f"{EN} soon"
    train = [EN, EN.upper(), near, "别的东西完全不同的一句话在这里", near]
    kept, _, report = without_leaks(train, [EN])
    assert kept == [train[3]]
    assert report.leaked_train == 4


def test_unlike_and_short_texts_are_not_leaks() -> None:
    assert (
        leaks_between(["What is the origin of the name Scarlett ?"], ["What is the origin of the name Katie ?"]) == []
    )
    assert leaks_between(["很好", "不好", "第12条"], ["好", "第21条", "非常好"]) == []
    assert without_leaks([], ["好"])[2].leaked_test == 0
    assert "no leak" in without_leaks(["好"], [])[2].sentence()


def test_examples_and_other_items() -> None:
    kept, _, report = without_leaks([Example(ZH, "a"), Example(EN, "b")], [Example(ZH + "！", "b")])
    assert kept == [Example(EN, "b")]
    assert report.exact == 1
    rows = [{"question": ZH}, {"question": EN}]
    assert without_leaks(rows, [{"question": EN}], text=lambda row: row["question"])[0] == rows[:1]


def test_groups_are_connected_components() -> None:
    middle = ZH
    left, right = "甲乙丙丁戊己庚" + middle, middle + "子丑寅卯辰巳午"
    assert leaks_between([left], [right]) == []  # the ends are alike only by way of the middle
    groups = near_duplicate_groups([left, EN, right, EN + " .", middle, "好"]).tolist()
    assert groups == [0, 1, 0, 1, 0, 2]
    assert near_duplicate_groups(sentences(80, seed=5)).tolist() == list(range(80))
    assert near_duplicate_groups([]).tolist() == []


@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_agree_with_every_pair_compared(seed: int) -> None:
    rng = random.Random(seed)
    base = sentences(12, seed=seed + 10)
    texts = [base[i % 12] if i < 12 else _edited(base[i % 12], rng) for i in range(60)]
    from corpusmill.train.evaluate.leakage import THRESHOLD

    truth = {(a, b) for a in range(30) for b in range(30, 60) if _similarity(texts[a], texts[b]) >= THRESHOLD + 0.02}
    found = {(a, b + 30) for a, b, _ in leaks_between(texts[:30], texts[30:])}
    assert {b for _, b in truth} <= {b for _, b in found}
    assert {a for a, _ in truth} <= {a for a, _ in found}
    assert all(_similarity(texts[a], texts[b]) >= THRESHOLD - 0.02 for a, b in found)
    assert len(truth) > 10


def _edited(text: str, rng: random.Random) -> str:
    spaced = " " in text
    parts = text.split() if spaced else list(text)
    for _ in range(rng.randrange(3)):
        parts[rng.randrange(len(parts))] = "new" if spaced else "新"
    return (" " if spaced else "").join(parts)


def _similarity(a: str, b: str) -> float:
    """Jaccard similarity of word 3-grams or character 4-grams, the plain way."""
    sets = []
    for text in (a, b):
        parts, n = (text.split(), 3) if " " in text else (list(text), 4)
        sets.append({tuple(parts[i : i + n]) for i in range(len(parts) - n + 1)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])
