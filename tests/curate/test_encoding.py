from __future__ import annotations

import pytest

from corpusmill.curate.readers.encoding import (
    Undecodable,
    declared_in_html,
    decode_document,
    detect_lines,
    encoding_family,
    is_binary,
)

HANS = "第一条 为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。任何人不得违反法律的规定。"
HANT = "第一條 為了保護公民的合法權益，維護社會秩序，根據憲法，制定本法。任何人不得違反法律的規定。"
EN = "“The parties agree” – said Ms. Müller – that the café’s façade shall be restored by the naïve owner’s architect."
DE = "Die Verfügung über das Vermögen bedarf der Zustimmung des zuständigen Gerichts; Änderungen müssen schriftlich erfolgen."
RU = "Настоящий закон регулирует отношения, возникающие при охране здоровья граждан в Российской Федерации."
JA = "この法律は、国民の権利を保護し、社会の秩序を維持することを目的とする。患者の同意を得なければならない。"
KO = "이 법은 국민의 권리를 보호하고 사회 질서를 유지하는 것을 목적으로 한다. 환자의 동의를 받아야 한다."


@pytest.mark.parametrize(
    ("text", "codec", "family"),
    [
        (HANS, "utf-8", "utf-8"),
        (HANS, "utf-8-sig", "utf-8"),
        (HANS, "utf-16", "utf-16-le"),
        (HANS, "gb2312", "gb18030"),
        (HANS, "gb18030", "gb18030"),
        (HANT, "gb18030", "gb18030"),
        (HANT, "big5", "big5"),
        (HANT, "cp950", "big5"),
        (EN, "utf-8", "utf-8"),
        (EN, "utf-16", "utf-16-le"),
        (EN, "cp1252", "cp1252"),
        (DE, "cp1252", "cp1252"),
        (RU, "cp1251", "cp1251"),
        (JA, "cp932", "shift_jis"),
        (JA, "euc_jp", "euc_jp"),
        (KO, "cp949", "euc_kr"),
    ],
)
def test_undeclared_bytes_give_back_the_text(text: str, codec: str, family: str) -> None:
    found = decode_document(text.encode(codec))
    assert (found.text, found.encoding, found.n_broken) == (text, family, 0)


@pytest.mark.parametrize("text", ["合同双方签字后生效。", "无发热，无咳嗽。", "北京市人民政府办公厅"])
def test_a_dozen_chinese_characters_are_enough(text: str) -> None:
    assert decode_document(text.encode("gb18030")).text == text


def test_a_label_stands_for_its_largest_relative() -> None:
    rare = "朱镕基、㈱、𠮷、€"  # 镕 is not in GB 2312, 𠮷 not in GBK
    for label in ("gb2312", "GBK", "x-gbk", "gb18030", "csgb2312"):
        assert decode_document(rare.encode("gb18030"), [label]).text == rare
    assert decode_document("香港㗎嘅嘢".encode("big5hkscs"), ["big5"]).text == "香港㗎嘅嘢"
    assert decode_document("naïve “x”".encode("cp1252"), ["iso-8859-1"]).text == "naïve “x”"
    assert encoding_family("no-such-encoding") is None
    assert encoding_family("rot13") is None
    assert encoding_family("utf-7") is None


def test_valid_utf8_beats_an_old_label() -> None:
    page = f'<html><head><meta charset="gb2312"></head><body>{HANS}</body></html>'.encode()
    assert declared_in_html(page) == "gb2312"
    assert decode_document(page, ["gb2312"]).encoding == "utf-8"


def test_chinese_under_a_server_default_of_latin1() -> None:
    assert decode_document(HANS.encode("gb18030"), ["iso-8859-1"]).text == HANS
    assert decode_document(HANT.encode("big5"), ["iso-8859-1"]).text == HANT
    assert decode_document(DE.encode("cp1252"), ["iso-8859-1"]).text == DE


def test_seven_bit_encodings_need_their_label() -> None:
    data = JA.encode("iso2022_jp")
    assert data.isascii()
    assert decode_document(data, ["iso-2022-jp"]).text == JA


def test_a_few_broken_characters_are_replaced_and_counted() -> None:
    for codec, text in (("utf-8", HANS), ("gb18030", HANS)):
        data = (text * 20).encode(codec) + b"\xff"
        found = decode_document(data)
        assert found.encoding == codec
        assert found.text == text * 20 + "�"
        assert found.n_broken == 1


def test_what_is_no_text_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="undecodable"):
        decode_document(bytes(range(128, 256)) * 10, encoding="utf-8")
    with pytest.raises(Undecodable, match="not valid gb18030"):
        decode_document(HANT.encode("big5") + b"\xff\x81", encoding="gb18030")
    with pytest.raises(Undecodable, match="neither UTF-8 nor"):
        decode_document(bytes(range(128, 256)) * 10)


def test_the_users_word_is_final() -> None:
    data = "Müller, Größe".encode("cp1252")
    assert decode_document(data, encoding="cp1252").text == "Müller, Größe"
    assert decode_document(data, encoding="iso8859-2").encoding == "iso8859-2"


def test_files_of_lines() -> None:
    lines = [HANS.encode("gb18030"), b"plain ascii", HANS[3:20].encode("gb18030")]
    assert detect_lines(b"\n".join(lines)) == "gb18030"
    assert detect_lines(b"\n".join([HANS.encode(), EN.encode(), b"\xff\xfe broken"])) == "utf-8"
    assert detect_lines(b"only ascii\nhere") == "utf-8"


def test_binary_is_told_from_text() -> None:
    assert is_binary("\x89PNG\x00\x00\x1a\x00 IHDR \x00\x00")
    assert not is_binary(HANS + "\x00" + EN * 3)
    assert not is_binary("tabs\tand\r\nnewlines\x0c" * 50)
    assert not is_binary("a\x01")
