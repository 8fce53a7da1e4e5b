"""E-mail: of alternatives the plain one, charsets as declared or found, attachments counted, mbox cut at its messages."""

from __future__ import annotations

from email.message import EmailMessage
from email.mime.text import MIMEText
from pathlib import Path

from reading_whole import read_whole


def letter(subject: str, text: str, html: str | None = None, charset: str = "utf-8") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Wang Xiaoming <wang@example.org>"
    message["To"] = "li@example.org"
    message["Date"] = "Fri, 02 Jan 2026 03:04:05 +0800"
    message.set_content(text, charset=charset)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


PAGE = "<html><body><p>This is the <b>page</b> of the letter, long enough to be one.</p></body></html>"


def test_letters_in_both_languages(tmp_path: Path) -> None:
    letter("关于合同", "王先生：\n\n合同已寄出。\n", PAGE).as_bytes()
    (tmp_path / "1.eml").write_bytes(letter("关于合同", "王先生：\n\n合同已寄出。\n", PAGE).as_bytes())
    english = letter("Your order", "It has left.\n")
    english.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    english.add_attachment("notes", filename="notes.txt")
    (tmp_path / "2.eml").write_bytes(english.as_bytes())
    page = EmailMessage()
    page["From"] = "a@example.org"
    page.set_content(PAGE, subtype="html")
    (tmp_path / "3.eml").write_bytes(page.as_bytes())
    whole = read_whole(tmp_path)
    assert whole.errors == []
    assert whole.texts == [
        "王先生：\n\n合同已寄出。",
        "It has left.",
        "This is the page of the letter, long enough to be one.",
    ]
    assert whole.fields(0) == {"title": "关于合同", "date": "2026-01-02T03:04:05+08:00"}
    assert whole.fields(1) == {"title": "Your order", "date": "2026-01-02T03:04:05+08:00", "attachments": 2}
    assert "example.org" not in str(whole.rows)  # addresses are nobody's business


def test_charsets_of_old_programs(tmp_path: Path) -> None:
    """Declared wrongly, too narrow, or not at all; headers as bytes."""
    words = "朱镕基总理会见了外国客人，双方进行了友好的交谈。"
    for i, (charset, codec) in enumerate(
        [("gb2312", "gb18030"), ("big5", "gb18030"), (None, "gb18030"), ("x-unknown", "utf-8")]
    ):
        kind = f"text/plain; charset={charset}" if charset else "text/plain"
        head = (
            b"Subject: \xb9\xd8\xd3\xda\xba\xcf\xcd\xac\xb5\xc4\xca\xc2\nFrom: a@b.cn\nContent-Type: "
            + kind.encode()
            + b"\n\n"
        )
        (tmp_path / f"{i}.eml").write_bytes(head + words.encode(codec))
    whole = read_whole(tmp_path)
    assert whole.errors == []
    assert [t for t in whole.texts if t == words] == [words] * 4
    assert whole.fields(0) == {"title": "关于合同的事", "encoding": "gb18030"}


def test_an_mbox(tmp_path: Path) -> None:
    first = letter("一", "From here on it goes well.\n\n>From the start, 信。\n").as_bytes()
    second = letter("二", "Second.").as_bytes()
    forwarded = EmailMessage()
    forwarded["Subject"] = "Fwd"
    forwarded.set_content("See below.")
    forwarded.add_attachment(letter("inner", "里面的信"))
    mark = b"From wang@example.org Fri Jan  2 03:04:05 2026\n"
    (tmp_path / "list.mbox").write_bytes(b"\n".join([mark + m for m in (first, second, forwarded.as_bytes())]))
    whole = read_whole(tmp_path)
    assert whole.errors == []
    assert whole.texts == ["From here on it goes well.\n\nFrom the start, 信。", "Second.", "See below.\n\n里面的信"]
    assert len({row["id"] for row in whole.rows}) == 3


def test_flowed_lines_are_put_together(tmp_path: Path) -> None:
    text = MIMEText("A line that \ngoes on.\n> quoted \n> as it is\n-- \nname\n", _charset="us-ascii")
    text["From"] = "a@example.org"
    text.set_param("format", "flowed")
    (tmp_path / "a.eml").write_bytes(text.as_bytes())
    assert read_whole(tmp_path).texts == ["A line that goes on.\n> quoted \n> as it is\n-- \nname"]


def test_what_is_no_letter_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"just words, no header\n\nat all")
    only = EmailMessage()
    only["From"] = "a@example.org"
    only.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="a.png")
    (tmp_path / "b.eml").write_bytes(only.as_bytes())
    (tmp_path / "c.eml").write_bytes(
        b"From: a@b.org\nContent-Type: text/plain; charset=utf-8\n\n" + bytes(range(256)) * 4
    )
    deep = b"From: a@b.org\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(400)
    )
    (tmp_path / "d.eml").write_bytes(deep)
    (tmp_path / "e.msg").write_bytes(b"x")
    whole = read_whole(tmp_path)
    assert whole.texts == []
    assert [b.source for b in whole.bads] == ["a.eml", "b.eml", "c.eml", "d.eml"]
    assert whole.errors[0] == "no e-mail: it has none of an e-mail's headers"
    assert whole.errors[1] == "no text: the message has 1 attachments and nothing else; unpack them"
    assert "save them as .eml" in whole.plan.refused[0].error


def test_real_letters(shared_data: Path) -> None:
    whole = read_whole(shared_data / "web" / "emails_raw.tar.gz", format="mail")
    assert len(whole.texts) + len(whole.bads) == 1200
    assert len(whole.texts) > 1190
    assert sum(not t.strip() for t in whole.texts) < 15
