"""Word documents: structure, the numbers that are in no text, tables, notes, tracked changes; what is refused and why."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import docx as python_docx
import pytest
from docx_files import STRICT, docx, field, lists, lvl, p, r, style

from corpusmill.curate.readers.docx import reader
from corpusmill.curate.readers.docx.numbers import FORMATS, chinese, roman
from corpusmill.curate.readers.docx.reader import read_docx
from corpusmill.curate.readers.inputs import Input
from corpusmill.curate.readers.parts import Part, in_memory
from corpusmill.curate.readers.records import Bad, Record


def read(data: bytes) -> list[Record | Bad]:
    return list(read_docx(Part("a.docx", "a.docx", "docx", Input(path="a.docx"), in_memory(data), len(data))))


def record_of(data: bytes) -> Record:
    (record,) = read(data)
    assert isinstance(record, Record), record
    return record


def text_of(body: str, parts: Mapping[str, str] | None = None) -> str:
    return record_of(docx(body, parts)).text


def reason(data: bytes) -> str:
    (bad,) = read(data)
    assert isinstance(bad, Bad)
    assert bad.raw == data[: len(bad.raw)]
    return bad.error


def test_a_document_that_python_docx_wrote() -> None:
    made = python_docx.Document()
    made.core_properties.title = "Supply contract 供货合同"
    made.add_heading("供货合同", 0)
    made.add_heading("General terms", 1)
    made.add_paragraph("The seller shall deliver.")
    made.add_heading("价款", 2)
    made.add_paragraph("付款方式如下：")
    for text, name in (("现金", "List Bullet"), ("转账", "List Bullet"), ("by wire", "List Bullet 2")):
        made.add_paragraph(text, style=name)
    made.add_paragraph("one", style="List Number")
    made.add_paragraph("two", style="List Number")
    table = made.add_table(3, 3)
    for i in range(3):
        for j in range(3):
            table.cell(i, j).text = f"{i}{j}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "品名 | name"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "合计"
    file = io.BytesIO()
    made.save(file)
    record = record_of(file.getvalue())
    assert record.text == (
        "# 供货合同\n\n# General terms\n\nThe seller shall deliver.\n\n## 价款\n\n付款方式如下：\n\n"
        "- 现金\n- 转账\n  - by wire\n1. one\n2. two\n\n"
        "| 品名 \\| name |  | 02 |\n| --- | --- | --- |\n| 10 | 11 | 合计 |\n| 20 | 21 |  |"
    )
    assert record.fields["title"] == "Supply contract 供货合同"


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_articles_of_a_statute_have_their_numbers() -> None:
    law = lists(
        lvl(0, "chineseCountingThousand", "第%1章", '<w:suff w:val="space"/>')
        + lvl(1, "chineseCountingThousand", "第%2条", '<w:lvlRestart w:val="0"/>')
        + lvl(2, "chineseCountingThousand", "（%3）", '<w:suff w:val="nothing"/>')
        + lvl(3, "decimal", "%4．", '<w:suff w:val="nothing"/>')
    )
    top = style("1", "heading 1", '<w:outlineLvl w:val="0"/>')
    styles = f"<w:styles>{top}</w:styles>"
    body = (
        p("总则", "1", "1", 0)
        + p("为了规范，制定本法。", number="1", level=1)
        + p("有下列情形之一的：", number="1", level=1)
        + p("自然人；", number="1", level=2)
        + p("法人；", number="1", level=2)
        + p("公司", number="1", level=3)
        + p("合同", "1", "1", 0)
        + p("合同成立。", number="1", level=1)
        + p("书面形式；", number="1", level=2)
    )
    assert text_of(body, {"numbering": law, "styles": styles}) == (
        "# 第一章 总则\n\n第一条 为了规范，制定本法。\n\n第二条 有下列情形之一的：\n\n（一）自然人；\n\n（二）法人；\n\n1．公司\n\n"
        "# 第二章 合同\n\n第三条 合同成立。\n\n（一）书面形式；"
    )


def test_clauses_of_a_contract_have_their_numbers() -> None:
    clauses = lists(
        lvl(0, "decimal", "%1.", '<w:pStyle w:val="Heading1"/>')
        + lvl(1, "decimal", "%1.%2", '<w:pStyle w:val="Heading2"/>')
        + lvl(2, "lowerLetter", "(%3)", '<w:pStyle w:val="L3"/>')
        + lvl(3, "lowerRoman", "(%4)")
        + lvl(4, "upperLetter", "%5.")
        + lvl(5, "upperRoman", "%6)")
    )
    styles = (
        "<w:styles>"
        + style("Heading1", "heading 1", '<w:numPr><w:numId w:val="1"/></w:numPr>')
        + style("Heading2", "heading 2", '<w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr>')
        + style("L3", "Clause 3", '<w:numPr><w:numId w:val="1"/></w:numPr>')
        + "</w:styles>"
    )
    long = (
        "The Supplier shall keep the Goods insured against all risks until delivery, and shall on request show the policy "
        * 2
    )
    body = (
        p("Definitions", "Heading1")
        + p("Meaning", "Heading2")
        + p("goods;", "L3")
        + p("new ones;", number="1", level=3)
        + p("used ones;", number="1", level=3)
        + p("price.", "L3")
        + p("Insurance", "Heading1")
        + p(long, "Heading2")
        + p("fire;", "L3")
        + p("deep", number="1", level=4)
        + p("deeper", number="1", level=5)
        + p("unnumbered", "L3", "0")
    )
    assert text_of(body, {"numbering": clauses, "styles": styles}) == (
        "# 1. Definitions\n\n## 1.1 Meaning\n\n    (a) goods;\n      (i) new ones;\n      (ii) used ones;\n    (b) price.\n\n"
        f"# 2. Insurance\n\n2.1 {long.strip()}\n\n    (a) fire;\n        A. deep\n          I) deeper\n\nunnumbered"
    )


def test_lists_start_anew_where_the_file_says() -> None:
    more = (
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
        '<w:num w:numId="4"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0">'
        + lvl(0, "upperRoman", "Part %1:")
        + "</w:lvlOverride></w:num>"
    )
    numbering = lists(lvl(0, "decimal", "%1.") + lvl(1, "decimal", "%1.%2.", start=0), more=more)
    body = "".join(p(t, number=n, level=at) for t, n, at in [
        ("a", "1", 0), ("b", "2", 0), ("c", "3", 0), ("d", "3", 0), ("e", "1", 0), ("f", "1", 1), ("g", "1", 1), ("h", "4", 0),
        ("lost", "9", 0), ("deep", "1", 7),
    ])  # fmt: skip
    assert text_of(body, {"numbering": numbering}) == (
        "1. a\n2. b\n5. c\n6. d\n7. e\n\n7.0. f\n\n7.1. g\n\nPart VIII: h\n\nlost\n\ndeep"
    )


def test_levels_that_were_left_out_and_decimal_ones() -> None:
    numbering = lists(
        lvl(0, "upperRoman", "Article %1")
        + lvl(1, "decimal", "%1.%2", "<w:isLgl/>")
        + lvl(2, "decimal", "%1.%2.%3", '<w:isLgl/><w:lvlRestart w:val="1"/>')
    )
    body = "".join(
        p(t, number="1", level=at) for t, at in [("a", 1), ("b", 0), ("c", 2), ("d", 1), ("e", 2), ("f", 0), ("g", 2)]
    )
    assert text_of(body, {"numbering": numbering}).split("\n\n") == [
        "1.1 a", "Article II b", "2.1.1 c", "2.2 d", "2.2.2 e", "Article III f", "3.1.1 g",
    ]  # fmt: skip


def test_a_list_style_names_its_list() -> None:
    numbering = (
        '<w:numbering><w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Law"/></w:abstractNum>'
        '<w:abstractNum w:abstractNumId="2"><w:styleLink w:val="Law"/>'
        + lvl(0, "ideographTraditional", "%1、")
        + "</w:abstractNum>"
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num></w:numbering>'
    )
    tied = style("Law", "Law", '<w:numPr><w:numId w:val="2"/></w:numPr>', kind="numbering")
    styles = f"<w:styles>{tied}</w:styles>"
    assert (
        text_of(p("方", number="1") + p("方", number="1"), {"numbering": numbering, "styles": styles})
        == "甲、方\n\n乙、方"
    )


def test_numbers_in_cells_are_kept_also_alone() -> None:
    numbering = lists(lvl(0, "decimal", "%1"))
    rows = "".join(
        f"<w:tr><w:tc>{p('', number='1', level=0)}</w:tc><w:tc>{p(name)}</w:tc></w:tr>"
        for name in ("aspirin", "阿司匹林")
    )
    assert (
        text_of(f"<w:tbl>{rows}</w:tbl>", {"numbering": numbering})
        == "| 1 | aspirin |\n| --- | --- |\n| 2 | 阿司匹林 |"
    )


@pytest.mark.parametrize(
    ("format", "numbers"),
    [
        ("decimal", {1: "1", 21: "21"}),
        ("decimalZero", {1: "01", 12: "12"}),
        ("lowerLetter", {1: "a", 26: "z", 27: "aa", 28: "bb"}),
        ("upperLetter", {1: "A", 53: "AAA"}),
        ("lowerRoman", {1: "i", 4: "iv", 9: "ix", 14: "xiv", 49: "xlix"}),
        ("upperRoman", {90: "XC", 1999: "MCMXCIX"}),
        ("chineseCounting", {1: "一", 10: "十", 11: "十一", 20: "二十", 99: "九十九", 100: "一○○", 123: "一二三"}),
        ("chineseCountingThousand", {10: "十", 15: "十五", 20: "二十", 100: "一百", 101: "一百零一", 110: "一百一十",
                                     1001: "一千零一", 1010: "一千零一十", 1260: "一千二百六十", 10010: "一万零一十"}),
        ("ideographTraditional", {1: "甲", 10: "癸", 11: "11"}),
        ("ideographZodiac", {1: "子", 12: "亥"}),
        ("chineseLegalSimplified", {1: "壹", 12: "壹拾贰", 105: "壹佰零伍"}),
        ("ideographDigital", {1: "一", 10: "一〇", 23: "二三"}),
        ("decimalEnclosedCircle", {1: "①", 20: "⑳", 21: "㉑", 50: "㊿", 51: "51"}),
        ("ordinal", {1: "1st", 2: "2nd", 11: "11th", 23: "23rd"}),
        ("ordinalText", {1: "First", 12: "Twelfth", 20: "Twentieth", 25: "Twenty-fifth"}),
        ("cardinalText", {1: "One", 42: "Forty-two"}),
        ("none", {1: ""}),
    ],
)  # fmt: skip
def test_formats(format: str, numbers: dict[int, str]) -> None:
    assert {n: FORMATS[format](n) for n in numbers} == numbers


def test_formats_name_each_number_once() -> None:
    assert len({chinese(n) for n in range(20000)}) == 20000
    assert len({roman(n) for n in range(1, 4000)}) == 3999
    assert all("零零" not in chinese(n) and not chinese(n).endswith("零") for n in range(1, 20000))


# --- text -------------------------------------------------------------------------------------------------------------


def test_headings_by_styles_names_levels_and_bases() -> None:
    styles = (
        "<w:styles>"
        + style("a", "Normal", default=True)
        + style("1", "heading 1", '<w:outlineLvl w:val="0"/>', "a")
        + style("20", "标题 2", "", "a")
        + style("mine", "My clause", "", "20")
        + style("body", "Body of level 9", '<w:outlineLvl w:val="9"/>', "1")
        + style("a3", "Title", "", "a")
        + style("TOC1", "toc 1", "", "a")
        + "</w:styles>"
    )
    body = (
        p("民事判决书", "a3")
        + p("目录一 3", "TOC1")
        + p("Facts", "1")
        + p("经审理查明", "20")
        + p("Sub", "mine")
        + p("no heading", "body")
        + p("direct", more='<w:outlineLvl w:val="3"/>')
        + p("unknown style", "Heading3")
        + p("　　原告诉称。")
    )
    record = record_of(docx(body, {"styles": styles}))
    assert record.text == (
        "# 民事判决书\n\n# Facts\n\n## 经审理查明\n\n## Sub\n\nno heading\n\n#### direct\n\n### unknown style\n\n原告诉称。"
    )
    assert record.fields == {"title": "民事判决书"}


def test_tracked_changes_as_accepted() -> None:
    gone = '<w:rPr><w:del w:id="1"/></w:rPr>'
    body = (
        p(
            r("The price is ")
            + "<w:del><w:r><w:delText>10</w:delText></w:r></w:del><w:ins><w:r><w:t>12</w:t></w:r></w:ins>"
            + r(" yuan.")
        )
        + p("<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>" + r("甲方"))
        + p("<w:moveTo><w:r><w:t>moved</w:t></w:r></w:moveTo>")
        + p(r("乙方"), more=gone)
        + p("丙方")
        + p("<w:del><w:r><w:delText>whole</w:delText></w:r></w:del>", more=gone)
        + p("丁方")
    )
    assert text_of(body) == "The price is 12 yuan.\n\n甲方\n\nmoved\n\n乙方丙方\n\n丁方"


def test_fields_links_and_controls() -> None:
    contents = "".join(p(f"{r('第一章 总则')}<w:r><w:tab/></w:r>{field('PAGEREF _1', r('3'))}") for _ in range(2))
    start = "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> TOC \\o </w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
    body = (
        p(start + r("总则 1"))
        + contents
        + p("<w:r><w:fldChar w:fldCharType='end'/></w:r>")
        + p(r("表 ") + field(" SEQ 表 ", r("3")) + r(" 剂量；见") + field("REF a \\h", r("第五条")))
        + p("<w:hyperlink><w:r><w:t>最高人民法院</w:t></w:r></w:hyperlink>" + r("公布。Page ") + field("PAGE", r("7")))
        + p('<w:fldSimple w:instr=" NUMPAGES "><w:r><w:t>9</w:t></w:r></w:fldSimple>' + r("end"))
        + p(field("HYPERLINK x", r("Section 2 ") + field("PAGEREF y", r("44"))) + r("holds"))
        + p(r("分类") + "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>eq \\o\\ac(○,3)</w:instrText></w:r>"
            "<w:r><w:fldChar w:fldCharType='end'/></w:r>")
        + "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj></w:sdtPr>"
        + f"<w:sdtContent>{p('Contents')}</w:sdtContent></w:sdt>"
        + f"<w:sdt><w:sdtPr/><w:sdtContent>{p('controlled')}</w:sdtContent></w:sdt>"
        + p(r("Name: ") + "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>" + r("Click here") + "</w:sdtContent></w:sdt>")
    )  # fmt: skip
    assert text_of(body) == (
        "表 3 剂量；见第五条\n\n最高人民法院公布。Page\n\nend\n\nSection 2 holds\n\n分类③\n\ncontrolled\n\nName:"
    )


def test_runs() -> None:
    body = (
        p(r("10") + r("5", '<w:vertAlign w:val="superscript"/>') + r("/L, H") + r("2", '<w:vertAlign w:val="subscript"/>') + r("O"))
        + p(r("x1") + r("2", '<w:vertAlign w:val="subscript"/>'))
        + p(r("seen") + r("hidden", "<w:vanish/>") + r(" and shown", '<w:vanish w:val="0"/>'))
        + p("<w:r><w:t>5</w:t><w:sym w:font='Symbol' w:char='F06D'/><w:t>g</w:t><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>")
        + p("<w:r><w:rPr><w:rFonts w:ascii='Symbol'/></w:rPr><w:t>\uf0a3</w:t></w:r>" + r(" 5 mg"))
        + p("<w:r><w:t>COVID</w:t><w:noBreakHyphen/><w:t>19 in</w:t><w:softHyphen/><w:t>formed</w:t></w:r>")
        + p("<w:r><w:t>床前明月光，</w:t><w:br/><w:t>疑是地上霜。</w:t><w:br w:type='page'/></w:r>")
        + p("<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>hàn</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>汉</w:t></w:r></w:rubyBase></w:ruby></w:r>" + r("字"))
        + p(r("said") + "<w:r><w:commentReference w:id='1'/></w:r>")
    )  # fmt: skip
    assert text_of(body).split("\n\n") == [
        "10⁵/L, H2O", "x1₂", "seen and shown", "5μg☑", "≤ 5 mg", "COVID-19 informed", "床前明月光，\n疑是地上霜。", "汉字", "said",
    ]  # fmt: skip


def test_formulas() -> None:
    def t(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    math = (
        f"<m:oMath>{t('BMI=')}<m:f><m:num>{t('m')}</m:num><m:den><m:sSup><m:e>{t('h')}</m:e><m:sup>{t('2')}</m:sup></m:sSup></m:den></m:f>"
        f"{t('+')}<m:rad><m:deg/><m:e>{t('x')}</m:e></m:rad><m:d><m:e>{t('a+b')}</m:e></m:d>"
        f"<m:sSub><m:e>{t('k')}</m:e><m:sub>{t('10')}</m:sub></m:sSub></m:oMath>"
    )
    assert text_of(p(r("其中") + math)) == "其中BMI=m/(h^2)+sqrt(x)(a+b)k_10"


def test_text_boxes_once() -> None:
    box = f"<w:txbxContent>{p('京高法〔2020〕1号')}{p('Box two')}</w:txbxContent>"
    run = (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:inline><a:graphic><wps:txbx>{box}</wps:txbx></a:graphic>"
        f"</wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )
    assert text_of(p(r("before") + run) + p("after")) == "before\n\n京高法〔2020〕1号\n\nBox two\n\nafter"
    assert text_of(p(f"<w:r><w:pict><v:textbox>{box}</v:textbox></w:pict></w:r>")) == "京高法〔2020〕1号\n\nBox two"


def test_notes_at_the_end_headers_and_comments_out() -> None:
    def notes(kind: str, *texts: str) -> str:
        inner = "".join(
            f'<w:{kind} w:id="{i}"><w:p><w:r><w:{kind}Ref/></w:r>{r(" " + text)}</w:p></w:{kind}>'
            for i, text in enumerate(texts, 1)
        )
        return f'<w:{kind}s><w:{kind} w:id="0" w:type="separator"><w:p><w:r><w:separator/></w:r></w:p></w:{kind}>{inner}</w:{kind}s>'

    def mark(kind: str, n: int) -> str:
        return f'<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:{kind}Reference w:id="{n}"/></w:r>'

    body = (
        p(r("本法") + mark("footnote", 2) + r("施行。"))
        + p(r("Held") + mark("endnote", 1))
        + p(r("又") + mark("footnote", 1))
    )
    parts = {
        "footnotes": notes("footnote", "见公报。", "指民法典。"),
        "endnotes": notes("endnote", "See 5 U.S. 137."),
        "header": f"<w:hdr>{p('SECRET HEAD')}</w:hdr>",
        "comments": f"<w:comments><w:comment>{p('a remark')}</w:comment></w:comments>",
    }
    assert text_of(body, parts) == (
        "本法[^1]施行。\n\nHeld[^2]\n\n又[^3]\n\n[^1]: 指民法典。\n[^2]: See 5 U.S. 137.\n[^3]: 见公报。"
    )


def test_tables() -> None:
    def cell(text: str, looks: str = "") -> str:
        return f"<w:tc><w:tcPr>{looks}</w:tcPr>{p(text)}</w:tc>"

    wide, first, on = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [
        cell("项目") + cell("结果 Result", wide),
        cell("血压", first) + cell("收缩压") + cell("140 mmHg"),
        cell("", on) + cell("舒张压") + cell("90 mmHg"),
    ]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    table += f"<w:tr><w:trPr><w:del/></w:trPr>{cell('deleted')}{cell('row')}{cell('!')}</w:tr></w:tbl>"
    assert text_of(p("表1") + table) == (
        "表1\n\n| 项目 | 结果 Result |  |\n| --- | --- | --- |\n| 血压 | 收缩压 | 140 mmHg |\n|  | 舒张压 | 90 mmHg |"
    )
    # A frame around a text, or a row for its looks, is no table.
    assert text_of(f"<w:tbl><w:tr>{cell('甲方：')}{cell('Party A')}</w:tr></w:tbl>") == "甲方：\n\nParty A"
    nested = f"<w:tbl><w:tr><w:tc>{p('Framed')}{table}</w:tc></w:tr></w:tbl>"
    assert text_of(nested).startswith("Framed\n\n| 项目 |")


def test_strict_files_and_fields() -> None:
    core = "<dc:title>租赁合同</dc:title><dc:creator>Somebody</dc:creator><dcterms:created>2023-04-05T06:07:08Z</dcterms:created>"
    record = record_of(docx(p("甲方") + p("A heading", "Heading1"), core=core, namespace=STRICT))
    assert record.text == "甲方\n\n# A heading"
    assert record.fields == {"title": "租赁合同", "date": "2023-04-05"}


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    assert reason(ole) == "an old binary Word file (.doc) by another name; save it as .docx"
    assert reason(ole + "EncryptedPackage".encode("utf-16-le")).startswith("encrypted: it asks for a password")
    assert reason(b"") == "an empty file"
    assert reason(b"{\\rtf1 hello}").startswith("RTF by another name")
    assert reason(b"<html><body>hi").startswith("a web page by another name")
    assert reason("甲方".encode("gb18030")).startswith("not a Word document: it begins with")
    whole = docx("".join(p(f"第{i}段 paragraph {i * i}") for i in range(200)))
    assert reason(whole[: len(whole) // 2]).startswith("broken zip: ")
    at = whole.index(b"word/document.xml") + 60
    assert reason(whole[:at] + b"\xff\x00\xff" + whole[at + 3 :]).startswith("broken zip: ")
    assert reason(docx("")).startswith("no text in it")
    assert reason(docx("<w:p><w:r></w:p>")).startswith("malformed XML: ")
    with monkeypatch.context() as patch:
        patch.setattr(reader, "MAX_RECORD_BYTES", 1 << 16)
        assert reason(docx(p("啊" * 100_000))).startswith("more than 256 MiB when it is unpacked")


def test_other_zips_are_refused() -> None:
    def zipped(*names: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name in names:
                archive.writestr(name, "<a/>")
        return out.getvalue()

    assert reason(zipped("xl/workbook.xml")) == "no Word document but a spreadsheet by another name"
    assert reason(zipped("content.xml", "mimetype")) == "no Word document but an OpenDocument text by another name"
    assert reason(zipped("a.txt")) == "a zip archive without a Word document in it"
    assert reason(zipped("word/document.xml")) == "no Word document: its main part is <a>"


def test_entities_are_not_expanded() -> None:
    whole = docx(p("SAFE"))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            xml = old.read(name).decode()
            if name == "word/document.xml":
                head, _, rest = xml.partition("?>")
                bomb = '<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
                xml = f"{head}?>{bomb}{rest}".replace("SAFE", "SAFE &a;&b; words")
            new.writestr(name, xml)
    assert "lol" not in str(read(out.getvalue()))


def test_deep_nesting_and_embedded_files_are_told() -> None:
    deep = "<w:tbl><w:tr><w:tc>" * 600 + p("x") + "</w:tc></w:tr></w:tbl>" * 600
    assert reason(docx(deep)).startswith(("nested too deep", "malformed XML"))
    record, bad = read(docx(p("words") + '<w:altChunk r:id="r9"/>'))
    assert isinstance(record, Record)
    assert isinstance(bad, Bad)
    assert (record.text, bad.position, bad.refused) == ("words", 1, True)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_never_raise(seed: int) -> None:
    import random

    draw = random.Random(seed)
    whole = docx(p("甲方") + p("Party", "Heading1"), {"numbering": lists(lvl(0, "decimal", "%1."))})
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 5, 50))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        assert read(bytes(data))
