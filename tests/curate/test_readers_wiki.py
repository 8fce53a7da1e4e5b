"""Dumps of MediaWiki: what a reader of the page sees stays, in Chinese and English."""

from __future__ import annotations

import bz2
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from reading_whole import read_whole

from corpusmill.curate.readers.xml.mediawiki import paragraphs


def dump(*pages: str) -> str:
    inside = "".join(pages)
    return f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="zh"><siteinfo><sitename>W</sitename></siteinfo>{inside}</mediawiki>'


def page(title: str, text: str, ns: int = 0, extra: str = "", model: str = "wikitext") -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>{ns}</ns><id>{len(title)}</id>{extra}<revision><id>7</id>"
        f"<timestamp>2026-01-02T03:04:05Z</timestamp><contributor><username>Somebody</username></contributor>"
        f'<model>{model}</model><text xml:space="preserve">{escape(text)}</text></revision></page>'
    )


ZH = """{{noteTA|1=zh-cn:软件; zh-tw:軟體}}
{{Infobox city|name=北京|population=2189万}}
'''北京'''（{{lang-en|Beijing}}，{{zh|p=Běijīng}}），简称“-{京}-”，是[[中华人民共和国]]的[[首都|京城]]<ref name="a">''来源</ref>，
也是-{zh-hans:信息; zh-hant:資訊}-中心。[[File:x.jpg|thumb|说明[[文字]]]]人口{{formatnum:21893095}}人<!-- 待查 -->，面积1.6×10<sup>4</sup>平方公里。
== 历史 ==
=== 古代 ===
* 第一项[[周口店]]
** 次项
# 一
# 二
; 名词 : 解释
{| class="wikitable"
|+ 人口
! 年份 !! 人口
|-
| 2010 || 1961万
|-
| colspan=2 | 合计
|}
== 空 ==
=== 也空 ===
== 参考文献 ==
{{reflist}}
=== 书 ===
* 某书
[[Category:北京]]
"""

ZH_TEXT = """# 北京

北京（Beijing），简称“京”，是中华人民共和国的京城，也是信息中心。人口21893095人，面积1.6×10⁴平方公里。

## 历史

### 古代

- 第一项周口店
  - 次项
1. 一
2. 二

名词 : 解释

人口

| 年份 | 人口 |
| --- | --- |
| 2010 | 1961万 |
| 合计 |  |"""

EN = """'''Albedo''' ({{IPAc-en|æ|l}}; from [[Latin]] ''albus'') is {{convert|5|km|mi}} wide&nbsp;[http://x.example the site].
It isn't ''old''<ref>{{cite web|url=http://x.example}}</ref>, {{as of|2014|lc=y}}; see {{small|[[Moon#Light|the Moon]]}}'s page.

Second paragraph<br>with a break. <nowiki>[[not a link]]</nowiki> [[fr:Albédo]]

== See also ==
* [[Moon]]
== Use ==
:It was said.
"""

EN_TEXT = """# Albedo

Albedo (from Latin albus) is 5 km wide\u00a0the site. It isn't old, as of 2014; see the Moon's page.

Second paragraph
with a break. [[not a link]]

## Use

It was said."""


def test_pages_of_a_dump_in_both_languages(tmp_path: Path) -> None:
    data = dump(
        page("北京", ZH), page("Albedo", EN), page("重定向", "#重定向 [[北京]]"), page("Moved", "x", extra='<redirect title="Albedo"/>'),
        page("Template:A", "x", ns=10), page("Data.json", "{}", model="json"),
    )  # fmt: skip
    (tmp_path / "zhwiki.xml.bz2").write_bytes(bz2.compress(data.encode()))
    whole = read_whole(tmp_path)
    assert whole.texts == [ZH_TEXT, EN_TEXT.replace("[[not a link]]", "not a link")]
    assert whole.fields(0) == {"title": "北京", "page_id": "2", "revision": "7", "date": "2026-01-02T03:04:05Z"}
    assert whole.errors == [
        "no article: 重定向 only redirects to another page",
        "no article: Moved only redirects to another page",
        "no article: Template:A is in namespace 10",
        "no article: Data.json is written in json, not in wikitext",
    ]
    assert all(b.refused for b in whole.bads)
    assert len({row["id"] for row in whole.rows}) == 2


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("-{zh-tw:軟體;zh-cn:软件}-和-{H|zh-cn:不见}--{T|题}-", "软件和"),
        ("甲{{link-en|某地|Some Place}}乙{{tsl|en|Foreign|本地}}丙", "甲某地乙本地丙"),
        ("行一\n行二", "行一行二"),
        ("line one\nline two", "line one line two"),
        ("the ''Iliad'''s end", "the Iliad's end"),
        ("x{{unknown|words}}y", "xy"),
        ("[[:Category:Law|laws]] [[Image:a.png]] [[fr:Droit]]", "laws"),
        ("价格 < 5 且 a > b &amp; c", "价格 < 5 且 a > b & c"),
        ("{{lang|de|Grüße}} {{nowrap|5 kg}} {{frac|1|2}}", "Grüße 5 kg 1/2"),
        ("A [[broken link and {{unclosed", "A [[broken link and {{unclosed"),
    ],
)
def test_inline_markup(source: str, shown: str) -> None:
    assert "\n\n".join(paragraphs(source)) == shown


def test_a_table_that_is_never_closed_takes_no_text_with_it() -> None:
    found = "\n\n".join(paragraphs("前文\n\n{| class=wikitable\n| a || b\n|-\n| c\n== 经济 ==\n正文在此。\n"))
    assert "## 经济" in found
    assert "正文在此。" in found


def test_depth_costs_no_worker() -> None:
    for source in ("{{a|" * 5000 + "}}" * 5000, "[[" * 20_000, "'''" * 9999, "{|\n" * 3000, "<div>" * 5000 + "文"):
        paragraphs(source)


def test_a_real_dump(shared_data: Path) -> None:
    whole = read_whole(shared_data / "en" / "enwiki_sample.xml.bz2")
    assert len(whole.texts) == 106
    assert len(whole.texts) + len(whole.bads) == 206
    assert all(b.error.startswith("no article: ") for b in whole.bads)
    text = "\n".join(whole.texts)
    for markup in ("[[Category", "'''", "<ref", "&nbsp;", "{|", "|-\n"):
        assert markup not in text
    assert 2_500_000 < len(text) < 3_500_000
    autism = next(t for t in whole.texts if t.startswith("# Autism\n"))
    assert "estimated at about 1–2 per 1,000 worldwide" in autism
    assert "## References" not in autism
