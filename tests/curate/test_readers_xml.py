"""XML of other kinds than JATS: US bills and laws (USLM), questions with answers (MedQuAD)."""

from __future__ import annotations

from pathlib import Path

from reading_whole import read_whole

BILL = """<?xml version="1.0" encoding="UTF-8"?>
<bill xmlns="http://schemas.gpo.gov/xml/uslm" xmlns:dc="http://purl.org/dc/elements/1.1/">
<meta><dc:title>114 S 32 CDS: To do a thing.</dc:title><citableAs>114 S 32 CDS</citableAs><congress>114</congress></meta>
<preface><action><date date="2015-01-06">January 6, 2015</date><actionDescription><sponsor>Mrs. Sponsor</sponsor> introduced it</actionDescription></action></preface>
<main><longTitle><docTitle>A BILL</docTitle><officialTitle>To do a thing.</officialTitle></longTitle>
<enactingFormula><i>Be it enacted, </i></enactingFormula>
<toc><referenceItem><label>Short title</label></referenceItem></toc>
<title><num value="I">TITLE I—</num><sidenote><p>Margin</p></sidenote><heading>MONEY</heading>
<section><num value="1">SEC. 1. </num><heading>LIMITS.</heading>
<subsection><num value="a">  (a) </num><heading><inline class="small-caps">In general</inline>.—</heading><chapeau>Section 9 of <ref href="x">21 U.S.C. 959</ref> <page>[3]</page>is amended—</chapeau>
<paragraph><num>(1) </num><content>by striking “<quotedText>$5</quotedText>” and inserting the following: <quotedContent><section><num>“9. </num><heading>Limit.</heading><content>It is $10</content></section></quotedContent>.</content></paragraph></subsection>
<table xmlns="http://www.w3.org/1999/xhtml"><tr><td>Member</td><td>10.6</td></tr><tr><td>Judge</td><td>11</td></tr></table></section></title></main></bill>"""

BILL_TEXT = """A BILL

To do a thing.

Be it enacted,

## TITLE I— MONEY

#### SEC. 1. LIMITS.

(a) In general.— Section 9 of 21 U.S.C. 959 is amended—
(1) by striking “$5” and inserting the following:
“9. Limit. It is $10.

| Member | 10.6 |
| --- | --- |
| Judge | 11 |"""

PAIRS = """<Document id="1" source="CancerGov" url="https://example.org/a"><Focus>Cough</Focus><FocusAnnotations><UMLS><CUIs><CUI>C01</CUI></CUIs></UMLS></FocusAnnotations>
<QAPairs><QAPair pid="1"><Question qid="1-1">What is cough ?</Question><Answer>Key Points
                    - Take 5 mg.    - Rest.

                    A cough
                    clears the throat.</Answer></QAPair><QAPair pid="2"><Question>Who?</Question><Answer/></QAPair></QAPairs></Document>"""


def test_a_bill(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(BILL, "utf-8")
    whole = read_whole(tmp_path)
    assert (whole.errors, whole.texts) == ([], [BILL_TEXT])
    assert whole.fields(0) == {
        "bill_kind": "bill", "title": "To do a thing.", "number": "114 S 32 CDS", "congress": "114", "date": "2015-01-06",
    }  # fmt: skip


def test_questions_and_answers(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(PAIRS, "utf-8")
    whole = read_whole(tmp_path)
    assert whole.texts == [
        "# Cough\n\n## What is cough ?\n\nKey Points\n- Take 5 mg.\n- Rest.\n\nA cough clears the throat."
    ]
    assert whole.fields(0) == {"title": "Cough", "publisher": "CancerGov", "url": "https://example.org/a"}


def test_real_bills(shared_data: Path) -> None:
    whole = read_whole(shared_data / "legal" / "us_bills_xml.tar.gz")
    assert (len(whole.texts), whole.errors) == (23, [])
    texts = {row["source"].rsplit("/", 1)[1]: row["text"] for row in whole.rows}
    # The same law as a bill and, with page numbers and side notes, as printed.
    assert texts["113hjres59enr_good.xml"] == texts["113publ67-uslm.xml"]
    assert texts["114hr240enr_good.xml"] == texts["114publ4-uslm.xml"]


def test_real_questions(shared_data: Path) -> None:
    whole = read_whole(shared_data / "medical" / "medquad_xml.tar.gz")
    assert (len(whole.texts), whole.errors) == (1300, [])
    assert all(text.startswith("#") and "   " not in text for text in whole.texts)
