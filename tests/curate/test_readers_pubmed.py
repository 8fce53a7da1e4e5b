"""PubMed's citations: title and abstract, where there is one."""

from __future__ import annotations

import gzip
from pathlib import Path

from reading_whole import read_whole

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet SYSTEM "http://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_240101.dtd">\n'

EN = """<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">123</PMID><Article PubModel="Print">
<Journal><JournalIssue><PubDate><Year>2011</Year><Month>Aug</Month><Day>2</Day></PubDate></JournalIssue><Title>Journal of Tests</Title></Journal>
<ArticleTitle>Aspirin in <i>acute</i> stroke.</ArticleTitle>
<Abstract><AbstractText Label="METHODS" NlmCategory="METHODS">We gave 75 mg to 10<sup>5</sup> people.</AbstractText>
<AbstractText Label="UNLABELLED">P &lt; 0.05.</AbstractText><CopyrightInformation>Copyright 2011</CopyrightInformation></Abstract>
<AuthorList><Author><LastName>Verysecretname</LastName></Author></AuthorList><Language>eng</Language></Article>
<OtherAbstract Type="Publisher" Language="fre"><AbstractText>En français.</AbstractText></OtherAbstract>
<MeshHeadingList><MeshHeading><DescriptorName>Aspirin</DescriptorName></MeshHeading></MeshHeadingList></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.1/x</ArticleId><ArticleId IdType="pmc">PMC9</ArticleId></ArticleIdList>
<ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.1/cited</ArticleId></ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>"""

ZH = """<PubmedArticle><MedlineCitation><PMID>124</PMID><Article><Journal><JournalIssue><PubDate><MedlineDate>2020 Jul-Aug</MedlineDate></PubDate></JournalIssue>
<Title>中华测试杂志</Title></Journal><ArticleTitle>[阿司匹林治疗卒中].</ArticleTitle><Abstract><AbstractText>患者口服阿司匹林100 mg，无
出血。</AbstractText></Abstract><Language>chi</Language></Article></MedlineCitation></PubmedArticle>"""

BARE = "<PubmedArticle><MedlineCitation><PMID>125</PMID><Article><ArticleTitle>A title.</ArticleTitle></Article></MedlineCitation></PubmedArticle>"

BOOK = """<PubmedBookArticle><BookDocument><PMID>126</PMID><ArticleIdList><ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>
<Book><BookTitle>Gene Reviews</BookTitle></Book><ArticleTitle>A gene</ArticleTitle><Abstract><AbstractText>It codes.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"""


def test_a_file_of_the_baseline(tmp_path: Path) -> None:
    data = f"{HEAD}<PubmedArticleSet>{EN}{ZH}{BARE}{BOOK}<DeleteCitation><PMID>1</PMID></DeleteCitation></PubmedArticleSet>"
    (tmp_path / "pubmed26n0001.xml.gz").write_bytes(gzip.compress(data.encode()))
    whole = read_whole(tmp_path)
    assert whole.texts == [
        "# Aspirin in acute stroke.\n\n## Methods\n\nWe gave 75 mg to 10⁵ people.\n\nP < 0.05.",
        "# 阿司匹林治疗卒中\n\n患者口服阿司匹林100 mg，无出血。",
        "# A gene\n\nIt codes.",
    ]
    assert whole.fields(0) == {
        "title": "Aspirin in acute stroke.",
        "pmid": "123",
        "pmcid": "PMC9",
        "doi": "10.1/x",
        "journal": "Journal of Tests",
        "language": "eng",
        "date": "2011-08-02",
    }
    assert whole.fields(1)["date"] == "2020 Jul-Aug"
    assert whole.fields(2) == {"title": "A gene", "pmid": "126", "book": "Gene Reviews"}
    assert whole.errors == ["no abstract: A title. is a title alone"]
    assert whole.bads[0].refused
