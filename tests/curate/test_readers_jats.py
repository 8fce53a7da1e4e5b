"""JATS XML: what stays, what is left out by structure, what goes to quarantine."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from reading_whole import read_whole

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.2 20190208//EN" "JATS-archivearticle1.dtd">
"""

EN = """<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article" xml:lang="en"><front>
<journal-meta><journal-id journal-id-type="nlm-ta">J Test</journal-id><journal-title-group><journal-title>Journal of Tests</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="pmid">123</article-id><article-id pub-id-type="pmc">456</article-id>
<article-id pub-id-type="doi">10.1/x.1</article-id>
<title-group><article-title>Aspirin<xref ref-type="fn" rid="f1">*</xref> in <italic>acute</italic>
 stroke</article-title></title-group>
<contrib-group><contrib><name><surname>Verysecretname</surname></name></contrib></contrib-group><aff>Some University</aff>
<author-notes><corresp>Mail to someone@example.org</corresp></author-notes>
<pub-date pub-type="ppub"><year>2011</year></pub-date><pub-date pub-type="epub"><day>2</day><month>8</month><year>2011</year></pub-date>
<history><date date-type="received"><day>1</day><month>12</month><year>2010</year></date></history>
<permissions><copyright-statement>Copyright 2011 Somebody</copyright-statement><license xlink:href="http://creativecommons.org/licenses/by/4.0/"><license-p>This is open access.</license-p></license></permissions>
<abstract><sec><title>Methods</title><p>We gave 75&nbsp;mg a day.</p></sec></abstract>
<abstract abstract-type="graphical"><p>A picture of a brain.</p></abstract></article-meta></front>
<body><sec><title>Results</title>
<p>Counts fell to 10<sup>5</sup>/L [<xref ref-type="bibr" rid="r1">1</xref>,<xref ref-type="bibr" rid="r2">2</xref>–<xref ref-type="bibr" rid="r9">9</xref>]. CO<sub>2</sub>
was low<sup><xref ref-type="bibr" rid="r3">3</xref>,<xref ref-type="bibr" rid="r4">4</xref></sup>, as <xref ref-type="bibr" rid="r5">Smith (2001)</xref> found (<xref ref-type="table" rid="t1">Table 1</xref>).
<list list-type="order"><list-item><p>first</p></list-item><list-item><p>second</p><list><list-item><p>inner</p></list-item></list></list-item></list>After the list.</p>
<fig id="g1"><label>Figure 1</label><caption><title>Survival</title><p>Shaded: 95% CI.</p></caption><graphic xlink:href="g.jpg"/></fig>
<table-wrap id="t1"><label>Table 1.</label><caption><p>Doses</p></caption><table><thead><tr><th rowspan="2">Arm</th><th colspan="2">Dose (mg)</th></tr><tr><th>low</th><th>high</th></tr></thead>
<tbody><tr><td>A|B</td><td>0.5</td><td>1.0<sup>a</sup></td></tr></tbody></table><table-wrap-foot><fn><label>a</label><p>P &lt; 0.05</p></fn></table-wrap-foot></table-wrap>
<disp-formula><alternatives><tex-math>\\documentclass{x}\\begin{document}$$x^2$$\\end{document}</tex-math><graphic/></alternatives><label>(1)</label></disp-formula>
</sec><sec><title>Competing interests</title><p>None declared by the writers.</p></sec>
<sec sec-type="supplementary-material"><title>Extra</title><p>See the supplement.</p></sec></body>
<back><ack><p>We thank everybody.</p></ack><app-group><app><title>Appendix A</title><p>Every patient took 2 tablets.</p></app></app-group>
<ref-list><title>References</title><ref id="r1"><mixed-citation>Doe J. A cited paper. 1999.</mixed-citation></ref></ref-list>
<fn-group><fn><p>A footnote about money.</p></fn></fn-group></back>
<sub-article><body><p>The referee was not convinced.</p></body></sub-article></article>"""

EN_TEXT = """# Aspirin in acute stroke

## Abstract

### Methods

We gave 75\u00a0mg a day.

## Results

Counts fell to 10⁵/L. CO2 was low, as Smith (2001) found (Table 1).

1. first
2. second
  - inner

After the list.

Figure 1. Survival. Shaded: 95% CI.

Table 1. Doses.

| Arm | Dose (mg) |  |
| --- | --- | --- |
|  | low | high |
| A\\|B | 0.5 | 1.0ᵃ |

a P < 0.05

$$x^2$$ (1)

## Appendix A

Every patient took 2 tablets."""

ZH = """<article xml:lang="zh" article-type="case-report"><front><journal-meta><journal-title>中华测试杂志</journal-title></journal-meta>
<article-meta><article-id pub-id-type="doi">10.3760/x</article-id><title-group><article-title>阿司匹林治疗
卒中一例</article-title></title-group><pub-date iso-8601-date="2020-05-06"><year>2020</year></pub-date>
<abstract><p>患者口服阿司匹林100 mg，每日1次，无
出血<sup>［<xref ref-type="bibr" rid="r1">1</xref>-<xref ref-type="bibr" rid="r2">3</xref>］</sup>。</p></abstract></article-meta></front>
<body><sec><label>一、</label><title>病例资料</title><p>血压120/80 mmHg，未见异常。</p></sec><sec><title>利益冲突</title><p>所有作者均声明不存在利益冲突</p></sec></body>
<back><sec><title>作者贡献声明</title><p>张三：酝酿实验</p></sec><ref-list><title>参 考 文 献</title><ref><mixed-citation>李四.文献.2001</mixed-citation></ref></ref-list></back></article>"""

ZH_TEXT = """# 阿司匹林治疗卒中一例

## 摘要

患者口服阿司匹林100 mg，每日1次，无出血。

## 一、 病例资料

血压120/80 mmHg，未见异常。"""


def test_an_english_article(tmp_path: Path) -> None:
    (tmp_path / "a.nxml").write_text(HEAD + EN, "utf-8")
    whole = read_whole(tmp_path)
    assert (whole.errors, whole.texts) == ([], [EN_TEXT])
    assert whole.fields(0) == {
        "title": "Aspirin in acute stroke",
        "journal": "Journal of Tests",
        "pmid": "123",
        "pmcid": "PMC456",
        "doi": "10.1/x.1",
        "date": "2011-08-02",
        "license": "http://creativecommons.org/licenses/by/4.0/",
        "article_type": "research-article",
    }


@pytest.mark.parametrize("label", ["utf-8", "gb2312", "gb18030", "utf-16"])
def test_a_chinese_article_in_the_encodings_of_its_makers(tmp_path: Path, label: str) -> None:
    text = f'<?xml version="1.0" encoding="{label}"?>\n{ZH.replace("出血", "镕出血")}'  # 镕 is in GBK, not in GB2312
    (tmp_path / "a.xml").write_bytes(text.encode("gb18030" if label.startswith("gb") else label))
    whole = read_whole(tmp_path)
    assert (whole.errors, whole.texts) == ([], [ZH_TEXT.replace("出血", "镕出血")])
    assert whole.fields(0) == {
        "title": "阿司匹林治疗卒中一例",
        "journal": "中华测试杂志",
        "doi": "10.3760/x",
        "date": "2020-05-06",
        "article_type": "case-report",
    }


def test_many_articles_in_one_file(tmp_path: Path) -> None:
    """A set, with a namespace, and one article cut in the middle: those before it are documents."""
    data = HEAD + '<pmc-articleset xmlns:xlink="http://www.w3.org/1999/xlink">' + EN * 3 + ZH
    (tmp_path / "set.xml").write_text(data + "</pmc-articleset>", "utf-8")
    (tmp_path / "tail.xml").write_text(data[:-40], "utf-8")
    (tmp_path / "wrapped.xml").write_text(
        f'<r xmlns="urn:oai"><record><metadata>{ZH.replace("<article ", "<article xmlns=" + chr(34) + "urn:jats" + chr(34) + " ", 1)}</metadata></record></r>',
        "utf-8",
    )
    whole = read_whole(tmp_path)
    assert whole.texts == [EN_TEXT] * 3 + [ZH_TEXT] + [EN_TEXT] * 3 + [ZH_TEXT]
    assert len({row["id"] for row in whole.rows}) == 8
    assert len(whole.bads) == 1
    assert whole.bads[0].source == "tail.xml"
    assert whole.bads[0].error.startswith("malformed XML: ")
    assert "nothing can be read from here on" in whole.bads[0].error
    assert not whole.bads[0].refused
    assert ZH.encode()[:30] in whole.bads[0].raw


def test_articles_in_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for name, text in (("1.nxml", HEAD + EN), ("2.nxml", HEAD + EN[:900]), ("3.xml", ZH), ("4.xml", "<a><b/></a>")):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    whole = read_whole(tmp_path)
    assert whole.texts == [EN_TEXT, ZH_TEXT]
    assert [(b.source, b.refused) for b in whole.bads] == [("a.tar.gz/2.nxml", False), ("a.tar.gz/4.xml", True)]
    assert "<article>" in whole.bads[1].error


def test_hostile_xml_costs_nothing(tmp_path: Path) -> None:
    """No entity is expanded, no file is read, a cell cannot take a million columns."""
    laughs = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha"}">' for i in range(9))
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    (tmp_path / "laughs.xml").write_text(f"<!DOCTYPE article [{laughs}]><article><body><p>a &e8;</p></body></article>")
    (tmp_path / "peek.xml").write_text(
        f'<!DOCTYPE article [<!ENTITY x SYSTEM "{secret.as_uri()}">]><article><body><p>a &x; b</p>'
        '<table><tr><td colspan="999999999" rowspan="9999999">c</td></tr></table></body></article>'
    )
    whole = read_whole(f"{tmp_path}/*.xml")
    text = "".join(whole.texts)
    assert len(text) < 2000
    assert "haha" not in text
    assert "the secret" not in text
    assert "| c |" in text
    assert len(whole.texts) + len(whole.bads) == 2


def test_what_is_no_jats_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docbook.xml").write_text("<article><info/><section><para>x</para></section></article>")
    (tmp_path / "empty.xml").write_text("")
    (tmp_path / "other.xml").write_text(
        "<mediawiki><page>" + "<revision>x</revision>" * 300_000 + "</page></mediawiki>"
    )
    whole = read_whole(tmp_path)
    assert whole.texts == []
    assert [(b.source, b.refused) for b in whole.bads] == [
        ("docbook.xml", True), ("empty.xml", True), ("other.xml", True),
    ]  # fmt: skip


def test_real_papers(shared_data: Path) -> None:
    """Five papers of PubMed Central: every table's numbers are there, no reference and no thanks is."""
    whole = read_whole(shared_data / "medical" / "pmc_articles_nxml.tar.gz")
    assert (len(whole.texts), whole.errors) == (5, [])
    for i, text in enumerate(whole.texts):
        assert {"title", "journal", "pmid", "pmcid", "doi", "date"} <= set(whole.fields(i))
        assert text.startswith(f"# {whole.fields(i)['title']}\n\n## Abstract")
        assert "\ue000" not in text
        assert not any(line.lower().strip("# ") in ("references", "acknowledgements") for line in text.split("\n"))
    assert sum(text.count("\n| --- |") for text in whole.texts) == 13
    assert "| Handicap (6) | 3.2 | 5.4 | 0.5 | 0.9 |" in whole.texts[1]
    assert "Locker" in whole.texts[1]
    assert "Measuring oral health: a conceptual framework" not in whole.texts[1]
