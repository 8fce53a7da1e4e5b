"""Versions of one law are related by title and date, and kept or dropped by choice."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.documents import Documents
from corpusmill.domain_packs.legal.versions import LawMinHashDedup, LawVersion, LawVersions, decimal_year, version_of
from corpusmill.filters import MinHashDedup


def law(title: str, head: str, last: str = "施行") -> str:
    return f"# {title}\n\n{head}\n\n第一条 为了规范养犬，制定本法。\n第二条 养犬应当登记。\n第三条 本法自公布之日起{last}。"


OLD = law("中华人民共和国养犬法", "2005年3月1日 第十届全国人民代表大会常务委员会通过")
NEW = law("养犬法（2018年修正）", "2005年3月1日 通过\n2018年10月26日 第一次修正\n2019年1月1日 施行")
HANT = law("養犬辦法", "二〇一〇年五月六日 公布").replace("第一条", "第一條").replace("第二条", "第二條")


def test_a_statute_is_known_by_its_title_and_the_day_of_its_last_change() -> None:
    assert version_of(OLD) == ("养犬法", datetime.date(2005, 3, 1))
    assert version_of(NEW) == ("养犬法", datetime.date(2018, 10, 26))
    assert version_of(HANT) == ("養犬辦法", datetime.date(2010, 5, 6))
    assert version_of("养犬法解读\n2018年10月26日\n养犬法第一条规定了目的。") is None
    assert version_of("今天天气好。") is None
    undated = version_of(law("养犬法", "通过"))
    assert undated is not None
    assert undated.date is None


def test_the_signals_tell_versions_and_keep_the_day() -> None:
    signals = LawVersion().measure(Documents.from_texts([OLD, NEW, HANT, "今天天气好。"])).signals
    group, date = signals["law_group"], signals["law_date"]
    assert group[0] == group[1] != group[2]
    assert date[0] < date[2] < date[1]
    assert group[3] != group[3]
    days = [datetime.date(2018, 10, 26), datetime.date(2018, 10, 27)]
    assert decimal_year(days[0]) < decimal_year(days[1])
    docs = Documents.from_texts([OLD, NEW])
    assert LawVersion(min_law_date=2010).rules()[0].threshold == 2010
    assert LawVersion().measure(docs).signals["law_date"][1] == pytest.approx(2018.82, abs=0.01)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_latest_stays_and_the_ledger_names_it_whatever_the_order(order: tuple[int, ...]) -> None:
    texts, ids = [OLD, NEW, HANT, "今天天气好。"], ["old", "new", "hant", "news"]
    table = pa.table({"id": [ids[i] for i in order], "text": [texts[i] for i in order]})
    result = Pipeline([LawVersions()]).apply(table)
    assert set(result.kept.column("id").to_pylist()) == {"new", "hant", "news"}
    ledger = result.ledger.to_pylist()
    assert [(row["id"], row["rule"], row["kept_id"]) for row in ledger] == [("old", "older_version", "new")]
    assert ledger[0]["value"] < ledger[0]["threshold"]
    assert Pipeline([LawVersions(keep="all")]).apply(table).kept.num_rows == 4


def test_undated_and_equally_dated_texts_are_left_alone() -> None:
    texts = [OLD, OLD + "\n附件", law("养犬法", "通过")]
    table = pa.table({"id": ["a", "b", "c"], "text": texts})
    assert Pipeline([LawVersions()]).apply(table).kept.num_rows == 3


def test_versions_are_no_near_duplicates_and_copies_are() -> None:
    body = "\n".join(
        f"第{n}条 养犬人应当遵守第{n}项规定，携犬出户时由成年人牵领，并及时清除犬只排泄物，不得扰民。"
        for n in "一二三四五六七八九"
    )
    old = f"养犬条例\n2005年3月1日 通过\n{body}\n第十条 本条例自公布之日起施行。"
    new = f"养犬条例（2018年修正）\n2018年10月26日 第一次修正\n{body}\n第十条 本条例自公布之日起施行。"
    copy = new.replace("（2018年修正）", "（2018年修订本）")
    other = body + "\n转载自网络。"
    again = body + "\n转载自网络，仅供参考。"
    table = pa.table({"id": ["old", "new", "copy", "other", "again"], "text": [old, new, copy, other, again]})
    plain = set(Pipeline([MinHashDedup(threshold=0.8)]).apply(table).kept.column("id").to_pylist())
    assert len(plain & {"old", "new", "copy"}) == 1  # to it these are alike
    kept = set(Pipeline([LawMinHashDedup(threshold=0.8)]).apply(table).kept.column("id").to_pylist())
    assert "old" in kept
    assert len(kept & {"new", "copy"}) == len(kept & {"other", "again"}) == 1
    both = Pipeline([LawVersions(keep="all"), LawMinHashDedup(threshold=0.8)]).apply(table)
    assert both.kept.num_rows == 3
    latest = Pipeline([LawVersions(), LawMinHashDedup(threshold=0.8)]).apply(table)
    assert "old" not in latest.kept.column("id").to_pylist()


def test_real_versions_all_stay(shared_data: Path) -> None:
    with gzip.open(shared_data / "dedup/zh_law_versions.jsonl.gz", "rt", encoding="utf-8") as f:
        rows = [row for row in map(json.loads, f) if len(row["text"]) < 40_000]
    found = [(row, v) for row in rows if (v := version_of(row["text"])) is not None and v.date]
    table = pa.table({"id": [row["id"] for row, _ in found], "text": [row["text"] for row, _ in found]})
    version = {row["id"]: (v.law, v.date) for row, v in found}
    kept = Pipeline([LawMinHashDedup()]).apply(table).kept.column("id").to_pylist()
    assert {version[id] for id in kept} == set(version.values())
    assert Pipeline([MinHashDedup()]).apply(table).kept.num_rows < len(kept)


def test_real_versions_are_related(shared_data: Path) -> None:
    with gzip.open(shared_data / "dedup/zh_law_versions.jsonl.gz", "rt", encoding="utf-8") as f:
        rows = [row for row in map(json.loads, f) if len(row["text"]) < 40_000]
    found = [version_of(row["text"]) for row in rows]
    known = [(row, v) for row, v in zip(rows, found, strict=True) if v and v.date]
    assert len(known) > 0.9 * len(rows)
    groups: dict[str, set[str]] = {}
    for row, version in known:
        groups.setdefault(row["group"], set()).add(version.law)
    assert sum(len(laws) == 1 for laws in groups.values()) >= 0.97 * len(groups)
    # The day given beside a text is at times that of its publication: what must be right is which of two came later.
    for group in groups:
        mine = [(row["date"], v.date) for row, v in known if row["group"] == group and row["date"] and v.date]
        assert sorted(mine) == sorted(mine, key=lambda pair: pair[1]), group
