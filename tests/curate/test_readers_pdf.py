"""PDF with a text layer: paragraphs from lines, running heads, what is refused and why."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pdf_files import Text, column, flow, pdf, width

from corpusmill.curate.readers.inputs import Input
from corpusmill.curate.readers.parts import Part, in_memory
from corpusmill.curate.readers.pdf.reader import read_pdf
from corpusmill.curate.readers.records import Bad, Record

EN = [
    "The parties agree that every notice under this contract shall be given in writing and shall be sent to the address "
    "that the other party has named last, by registered mail or by courier, and that it takes effect on the day on "
    "which it is received there.",
    "A notice that arrives after five in the afternoon, or on a day on which banks at the seat of the receiving party are "
    "closed, counts as received on the next day on which they are open for business.",
    "Nothing in this section keeps a party from giving notice earlier or by faster means, provided that it is repeated in "
    "writing within three days.",
]
ZH = [
    "当事人一方不履行合同义务或者履行合同义务不符合约定的，在履行义务或者采取补救措施后，对方还有其他损失的，应当赔偿损失，损失赔偿额应当相当于因违约所造成的损失，"
    "包括合同履行后可以获得的利益。",
    "人民法院应当在立案之日起五日内将起诉状副本发送被告，被告应当在收到之日起十五日内提出答辩状，答辩状应当记明被告的姓名、性别、年龄、民族、职业、工作单位、"
    "住所和联系方式。",
    "患者入院后完善相关检查，血压一百四十毫米汞柱，予以降压、调脂、抗血小板聚集等对症支持治疗，症状较前好转，经上级医师查房同意后今日出院，嘱其定期复查，不适随诊。",
]


TOWNS = ["Rome", "Nizhny Novgorod", "Oslo", "San Francisco", "Ulm", "Montevideo", "Port-au-Prince", "Kyoto"]
CITIES = ["北京", "呼和浩特", "广州", "乌鲁木齐", "杭州", "西双版纳", "南京", "景德镇市"]


def many(paragraphs: list[str], times: int) -> list[str]:
    """Paragraphs again and again, each time for another town: what recurs to the letter would be a running head."""
    towns = TOWNS if paragraphs is EN else CITIES
    return [
        f"For {towns[i]}. {p}" if paragraphs is EN else f"{towns[i]}：{p}" for i in range(times) for p in paragraphs
    ]


def read(data: bytes) -> list[Record | Bad]:
    return list(read_pdf(Part("a.pdf", "a.pdf", "pdf", Input(path="a.pdf"), in_memory(data), len(data))))


def text_of(*pages: list[Text], **options: Any) -> str:
    (record,) = read(pdf(pages, **options))
    assert isinstance(record, Record)
    return record.text


def reason(data: bytes) -> str:
    (bad,) = read(data)
    assert isinstance(bad, Bad)
    assert bad.raw == data[: len(bad.raw)]
    return bad.error


@pytest.mark.parametrize("paragraphs", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("how", ["indented", "spaced", "plain"])
def test_lines_become_paragraphs(paragraphs: list[str], how: str) -> None:
    options = {"indented": {"indent": 24.0}, "spaced": {"gap": 9.0}, "plain": {}}[how]
    assert text_of(column(paragraphs, **options)) == "\n\n".join(paragraphs)


@pytest.mark.parametrize("paragraphs", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("lines", [2, 3, 4, 5])
def test_sentences_go_on_over_pages(paragraphs: list[str], lines: int) -> None:
    every = many(paragraphs, 8)
    pages = flow(every, lines, indent=24)
    assert len(pages) > 10
    assert text_of(*pages) == "\n\n".join(every)


@pytest.mark.parametrize(
    ("paragraphs", "head", "foot"),
    [
        (EN, "SUPPLY CONTRACT {left}", "Page {n} of {all}"),
        (EN, "Chapter 4: Notices {n}", "Draft of 3 May 2021"),
        (ZH, "最高人民法院公报　二〇二一年第三期", "第 {n} 页 共 {all} 页"),
        (ZH, "某某医院出院记录", "- {n} -"),
    ],
)
def test_running_heads_are_left_out(paragraphs: list[str], head: str, foot: str) -> None:
    every = many(paragraphs, 5)
    pages = flow(every, 4, indent=24)
    for i, page in enumerate(pages):
        names = {"n": str(i + 1), "all": str(len(pages)), "left": "recto" if i % 2 else "verso"}
        page.insert(0, Text(head.format(**names), 72 if i % 2 else 300, 760, 10))
        page.append(Text(foot.format(**names), 290, 40, 10))
    assert text_of(*pages) == "\n\n".join(every)


def test_what_only_looks_like_a_running_head_stays() -> None:
    pages = [[Text(f"Annex {n}", 72, 740, 18), *column([EN[n % 3]])] for n in range(1, 6)]
    assert [line for line in text_of(*pages).split("\n\n") if line.startswith("Annex")] == [
        f"Annex {n}" for n in range(1, 6)
    ]
    cases = [[Text(f"Case No. {n}", 72, 740, 12), *column([EN[k % 3]])] for k, n in enumerate((7, 31, 90, 412, 415))]
    assert text_of(*cases).count("Case No.") == 5
    prices = [[Text(f"序号 {n * n}", 72, 740, 12), *column([ZH[n % 3]])] for n in range(1, 6)]
    assert text_of(*prices).count("序号") == 5


def test_the_head_of_a_table_that_goes_on_stays_once() -> None:
    rows = [("氯化钠 Sodium", "9 g"), ("葡萄糖 Glucose", "50 g"), ("钾 Potassium", "4 g")]
    page = [Text("项目", 72, 720), Text("用量", 300, 720)]
    for k in range(9):
        page += [Text(f"{rows[k % 3][0][:2]}", 72, 702 - 18 * k), Text(f"{k} g", 300, 702 - 18 * k)]
    text = text_of(page, page, page, page)
    assert text.count("项目 用量") == 1
    assert text.startswith("项目 用量\n")


def test_page_numbers_of_single_pages() -> None:
    assert text_of([*column(EN[:1]), Text("- 1 -", 290, 30)]) == EN[0]
    assert text_of([*column(ZH[:1]), Text("第1页 共1页", 290, 30)]) == ZH[0]
    # A number in the midst of the text is none, and one that is not the page's neither.
    assert text_of([*column(EN[:1]), Text("42", 290, 30)]).endswith("42")


@pytest.mark.parametrize(
    "items",
    [
        ["(a) first the seller ships;", "(b) then the buyer pays;", "(c) then both are done."],
        ["一、当事人的基本情况", "二、案件的由来和审理经过", "三、经审理查明的事实"],
        ["（一）订立合同的依据；", "（二）合同的标的；", "（三）违约责任。"],
        ["第一条 为了保护民事主体的合法权益，制定本法。", "第二条 民法调整平等主体之间的关系。", "第三条 受法律保护。"],
        ["• Fever for three days", "• No cough", "• 5 mg twice a day"],
        ["床前明月光，", "疑是地上霜。", "举头望明月，", "低头思故乡。"],
        ["Shall I compare thee to a summer's day?", "Thou art more lovely and more temperate:", "Rough winds do shake"],
    ],
)
def test_items_and_verse_are_not_glued(items: list[str]) -> None:
    assert text_of(column(items)) == "\n".join(items)
    assert text_of(column([*items, EN[0]])).startswith("\n".join(items))


@pytest.mark.parametrize(
    "items",
    [
        ["(a) " + EN[0], "(b) " + EN[1], "(c) " + EN[2]],
        ["第一条　" + ZH[0], "第二条　" + ZH[1], "第三条　" + ZH[2]],
        ["（一）" + ZH[0], "（二）" + ZH[1], "（三）" + ZH[2]],
    ],
)
def test_items_of_several_lines(items: list[str]) -> None:
    assert text_of(column(items)).replace("\n\n", "\n") == "\n".join(items)
    pages = flow(items, 3)
    assert text_of(*pages).replace("\n\n", "\n") == "\n".join(items)


def test_an_article_that_a_sentence_names_begins_nothing() -> None:
    lines = ["当事人对管辖权有异议的，依照本法第二百三十条和本条以及前款的规定并依照", "第五条的规定办理。"]
    measure = width(lines[0])
    assert text_of(column([lines[0] + lines[1]], measure=measure)) == "".join(lines)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The manufacturer shall keep all its infor-", "mation about it."], "The manufacturer shall keep all its information about it."),
        (["Patients were put on a well-", "known drug, well-known to all."], "Patients were put on a well-known drug, well-known to all."),
        (["They all took part in a double-", "blind trial."], "They all took part in a double-blind trial."),
        (["It was held in the years 2019-", "2020 in Rome."], "It was held in the years 2019-2020 in Rome."),
        (["There are few that are non-", "European."], "There are few that are non-European."),
    ],
)  # fmt: skip
def test_hyphens(lines: list[str], text: str) -> None:
    assert text_of([Text(line, 72, 700 - 18 * i) for i, line in enumerate(lines)]) == text


def test_a_last_line_to_the_left_of_the_first() -> None:
    page = [
        Text("星期日上午九时在本院第三法庭公开开庭审理此", 96, 700),
        Text("案。", 72, 682),
        Text("特此公告", 96, 664),
    ]
    assert text_of(page) == "星期日上午九时在本院第三法庭公开开庭审理此案。\n\n特此公告"


def test_two_columns_then_a_page() -> None:
    for paragraphs in (EN, ZH):
        every = column(paragraphs, measure=210, indent=20)
        half = len(every) // 2 + 1
        left, right = every[:half], every[half:]
        right = [Text(t.text, t.x + 240, left[i].y, t.size) for i, t in enumerate(right)]
        assert text_of([*left, *right]) == "\n\n".join(paragraphs)
        assert text_of(left, right) == "\n\n".join(paragraphs)


def test_notes_at_the_foot_come_after_the_sentence() -> None:
    pages = flow(EN[:2], 4, indent=24)
    pages[0].append(Text("1 See the schedule of addresses.", 72, 60, 8))
    assert text_of(*pages) == f"{EN[0]}\n\n{EN[1]}\n\n1 See the schedule of addresses." or text_of(*pages) == (
        f"{EN[0]}\n\n1 See the schedule of addresses.\n\n{EN[1]}"
    )
    pages = flow(ZH[:1], 1)
    pages[0].append(Text("①参见合同编。", 72, 60, 8))
    assert text_of(*pages) == f"{ZH[0]}\n\n①参见合同编。"


def test_headings_and_signatures_stand_alone() -> None:
    page = [Text("CONTRACT OF SUPPLY", 200, 740, 18), *column(EN[:1]), Text("Signed in Rome", 380, 500)]
    assert text_of(page) == f"CONTRACT OF SUPPLY\n\n{EN[0]}\n\nSigned in Rome"
    page = [Text("民事判决书", 240, 740, 18), *column(ZH[:1], indent=24), Text("审判长 某某", 380, 500)]
    assert text_of(page) == f"民事判决书\n\n{ZH[0]}\n\n审判长 某某"


def test_a_page_set_sideways_and_a_stamp() -> None:
    upright = column(EN)
    sideways = [Text(t.text, 792 - t.y, t.x, t.size, turned=True) for t in upright]
    assert text_of(sideways) == "\n\n".join(EN)
    stamped = [*upright, Text("arXiv:2101.00001 [cs.CL] 1 Jan 2021", 30, 200, 20, turned=True)]
    assert text_of(stamped) == "\n\n".join([*EN, "arXiv:2101.00001 [cs.CL] 1 Jan 2021"])


def test_radicals_become_characters() -> None:
    assert text_of([Text("⼈⺠法院⻓期⼯作", 72, 700)]) == "人民法院长期工作"


def test_fields() -> None:
    (record,) = read(pdf([column(ZH)], title="民事判决书"))
    assert isinstance(record, Record)
    assert record.fields == {"title": "民事判决书", "date": "2024-05-17", "pages": 1}
    assert (record.position, record.origin) == (0, "a.pdf")
    (record,) = read(pdf([column(EN)], title="Microsoft Word - final_v2.doc"))
    assert isinstance(record, Record)
    assert record.fields == {"date": "2024-05-17", "pages": 1}


def test_what_is_refused() -> None:
    whole = pdf([column(EN)])
    assert reason(b"") == "an empty file"
    assert reason(b"<html>no</html>").startswith("not a PDF: it begins with b'<html>no'")
    assert reason(whole[: len(whole) // 2]).startswith("truncated: the file ends without %%EOF")
    assert reason(b"%PDF-1.4\nnothing\n%%EOF").startswith("corrupt PDF: pdfium cannot open it")
    assert reason(pdf([column(EN)], password=True)).startswith("encrypted: it asks for a password")
    assert reason(pdf([[], []])).startswith("no text layer: recognise it first (OCR)")
    assert reason(pdf([[], []], picture=True)).startswith("no text layer: recognise it first (OCR)")
    stamped = [[Text("Scanned by a scanner", 72, 20, 8)]] * 5
    assert reason(pdf(stamped, picture=True)).startswith("no text layer: 5 of 5 pages are pictures")
    broken = [Text("\ue001\ue002\ue003\ue004中\ue005\ue006", 72, 700 - 18 * k) for k in range(20)]
    assert reason(pdf([broken])).startswith("broken text layer: 86% of its characters")


def test_a_file_without_its_password_that_only_forbids_changes_is_read() -> None:
    assert text_of(column(EN), password=False) == "\n\n".join(EN)


def test_a_scan_among_pages_is_told() -> None:
    (record,) = read(pdf([column(EN), column(EN), []], picture=True))
    assert isinstance(record, Record)
    assert record.fields["pages_without_text"] == 1


def test_strings_that_lack_a_font_are_told() -> None:
    # pdfium gives a string of one character no width where neither the file nor the machine has its font.
    (record,) = read(pdf([[*column(ZH), Text("付", 300, 100)]]))
    assert isinstance(record, Record)
    lost = "付" not in record.text
    assert record.fields.get("strings_without_font", 0) == int(lost)
    (record,) = read(pdf([column(EN)]))
    assert isinstance(record, Record)
    assert "strings_without_font" not in record.fields


def test_a_damaged_page_is_told() -> None:
    data = pdf([column(EN[:1]), column(ZH), column(EN[1:])])
    data = data.replace(b"12 0 obj\n<< /Type /Page /Parent 2 0 R", b"12 0 obj\n[ /Type /Page /Parent 2 0 R")
    found = read(data)
    texts = [item.text for item in found if isinstance(item, Record)]
    bads = [(item.position, item.error) for item in found if isinstance(item, Bad)]
    assert texts == ["\n\n".join(EN)]
    assert bads == [(2, "page 2 of 3 cannot be read: it is damaged")]


def test_threads_wait_for_one_another() -> None:
    files = [pdf(flow(many(paragraphs, 5), 6, indent=24)) for paragraphs in (EN, ZH) * 3]
    found: dict[int, str] = {}

    def one(i: int) -> None:
        (record,) = read(files[i])
        found[i] = record.text if isinstance(record, Record) else record.error

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(6)] == ["\n\n".join(many(paragraphs, 5)) for paragraphs in (EN, ZH) * 3]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_never_raise(seed: int) -> None:
    import random

    draw = random.Random(seed)
    whole = pdf([column(EN), column(ZH)])
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 5, 50))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        assert read(bytes(data))
