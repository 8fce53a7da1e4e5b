"""Redaction: each type is found glued to Chinese text and inside English, and its look-alikes survive."""

import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.filters.privacy.patterns import company_code_check, id_cn_check, luhn
from corpusmill.filters.privacy.pseudonyms import pseudonym
from corpusmill.filters.privacy.steps import KINDS, RedactPII

ID = "11010519491231002X"
CARD = "6222021234567890128"
CODE = "91110000600037341L"


def redact(text: str, **options) -> str:
    return RedactPII(**options).transform(Documents.from_texts([text])).texts[0]


POSITIVE = [
    ("email", "联系邮箱zhang.san@qq.com谢谢", "zhang.san@qq.com"),
    ("email", "write to j_doe+x@mail.company.co.uk.", "j_doe+x@mail.company.co.uk"),
    ("mobile_cn", "手机13812345678联系", "13812345678"),
    ("mobile_cn", "电话：+86 138-1234-5678。", "+86 138-1234-5678"),
    ("mobile_cn", "call 8613912345678 now", "8613912345678"),
    ("landline_cn", "座机010-82345678转8001", "010-82345678转8001"),
    ("landline_cn", "电话（0755）83456789", "（0755）83456789"),
    ("landline_cn", "咨询电话：68091070。", "68091070"),
    ("phone", "请拨+44 20 7946 0958联系", "+44 20 7946 0958"),
    ("phone", "Call (415) 782-2671 today", "(415) 782-2671"),
    # Words that end as those before an order's or a version's number do: rma, part, po, ver.
    ("phone", "Contact information: (415) 782-2671", "(415) 782-2671"),
    ("landline_cn", "the department 0755-86012345, hypothyroidism", "0755-86012345"),
    ("mobile_cn", "information: 13812345678", "13812345678"),
    ("ip", "the server 52.94.236.248 answered", "52.94.236.248"),
    ("phone", "Fax: 0871 527 8796", "0871 527 8796"),
    ("id_cn", f"身份证号{ID}的持有人", ID),
    ("id_cn", f"holder of ID {ID.lower()},", ID.lower()),
    ("bank_card", f"卡号{CARD}开户", CARD),
    ("bank_card", "paid with card 4111 1111 1111 1111 yesterday", "4111 1111 1111 1111"),
    ("company_code_cn", f"统一社会信用代码{CODE}，", CODE),
    ("company_code_cn", f"registered as {CODE} in Beijing", CODE),
    ("passport", "护照号码E12345678的旅客", "E12345678"),
    ("passport", "passport no. AB1234567 was lost", "AB1234567"),
    ("plate_cn", "驾驶京A12345号小型轿车", "京A12345"),
    ("plate_cn", "a car with the plate 粤B·D12345 stopped", "粤B·D12345"),
    ("ip", "来自8.131.77.20的请求", "8.131.77.20"),
    ("ip", "from host 52.94.236.248:443", "52.94.236.248"),
    ("ip", "地址2400:3200::1可达", "2400:3200::1"),
    ("url_credentials", "仓库https://root:hunter22@git.corp.cn/x", "root:hunter22"),
    ("url_credentials", "GET https://api.corp.com/v1?access_token=abcdef123456&x=1", "abcdef123456"),
    ("api_key", "密钥AKIAIOSFODNN7EXAMPLE泄露", "AKIAIOSFODNN7EXAMPLE"),
    ("api_key", "export KEY=ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
    ("ssn_us", "社保号123-45-6789已登记", "123-45-6789"),
    ("ssn_us", "SSN: 219-09-9999.", "219-09-9999"),
    ("email", "邮箱zhang[at]corp[dot]cn联系", "zhang[at]corp[dot]cn"),
    ("mobile_cn", "手机：１３９５３６３８９１１，", "１３９５３６３８９１１"),
    ("mobile_cn", "call +86 (138) 1234-5678 now", "+86 (138) 1234-5678"),
    ("landline_cn", "电话：0431-67434558 分机428。", "0431-67434558 分机428"),
    ("phone", "phone: 011 44 758 880 1830 or", "011 44 758 880 1830"),
    ("passport", "香港居民身份证号码：C058651(8)，", "C058651(8)"),
    ("passport", "持编号为EA3597116的护照入境", "EA3597116"),
    ("bank_card", "IBAN: GB29 NWBK 6016 1331 9268 19, please", "GB29 NWBK 6016 1331 9268 19"),
    ("plate_cn", "车牌号：陕G-36145，", "陕G-36145"),
    ("api_key", "Authorization: Basic dnNkZms6cmkxdVVnb3VRNTAwQXg=", "dnNkZms6cmkxdVVnb3VRNTAwQXg="),
    ("ssn_us", "SSN 446 92 1991 on file", "446 92 1991"),
    ("name", "昨天李晓明先生到场", "李晓明"),
    ("name", "signed by Mr. John Smith on", "John Smith"),
]


@pytest.mark.parametrize(("kind", "text", "secret"), POSITIVE)
def test_finds_each_type(kind: str, text: str, secret: str) -> None:
    out = RedactPII(kinds=[kind]).transform(Documents.from_texts([text]))
    assert secret not in out.texts[0]
    assert f"<{kind.upper()}>" in out.texts[0]
    assert out.signals[f"pii_{kind}"].tolist() == [1]
    assert redact(text, kinds=[kind], mode="drop") == text.replace(secret, "")
    # With every rule on, the same piece is still called what it is, and no more than it goes.
    everything = RedactPII(kinds=KINDS).transform(Documents.from_texts([text]))
    assert everything.signals[f"pii_{kind}"].tolist() == [1]
    assert everything.texts == out.texts


@pytest.mark.parametrize(
    "text",
    [
        "升级到版本1.2.3.4之后", "第1.2.3.4节规定", "see section 10.2.14.3 and v2.14.0.56", "Chrome/115.0.79.170 released",
        "订单号13812345678已发货", "order number 13812345678 shipped", "快递单号：6222021234567890128",
        "（2007）朝民初字第18230号", "法释〔2020〕26号", "（2016）最高法民再98号", "第二百三十四条",
        "口服阿莫西林500mg，每日3次，共7天", "take 0.25 mg/kg every 6-8 hours", "血压120/80mmHg，心率78次/分",
        "赔偿人民币1,234,567.89元", "revenue of $12,345,678 in 2021", "2021年3月5日至2022-03-05", "on 2020-12-31 at 12:30:45",
        "ISBN 978-7-302-12345-6", "ISBN 9787302123453", "身份证号110105194912310021校验错", "卡号6222021234567890123",
        "专利号ZL201410123456.7", "doi:10.1038/s41586-020-2649-2", "局域网地址192.168.1.1和127.0.0.1",
        "std::vector<a::b>", "12:30:45", "π≈3.14159265358979", "新增A股12345手", "圆周率3.1415926535",
        "邮编100871，人口13,900,000,000", "CAS 7732-18-5", "user@localhost", "微博@张三 转发", "2023年GDP为1260582亿元",
        "会议ID为某某", "数字12345678901234567890", "pages 1123-1145", "10.1.2.3 Introduction", "7.1.4.4 Costs of the site",
        "联系 user@example.com", "tel: 555-0123", "EIN 22-2582106",
    ],
)  # fmt: skip
def test_look_alikes_survive(text: str) -> None:
    assert redact(text) == text


def test_random_checked_numbers_are_found() -> None:
    rng = random.Random(7)
    for _ in range(200):
        body = f"{rng.choice(['110105', '440301', '310104'])}{rng.randint(1940, 2010)}0{rng.randint(1, 9)}1{rng.randint(0, 9)}"
        body += f"{rng.randint(0, 999):03d}"
        number = body + id_cn_check(body)
        assert redact(f"公民身份号码{number}，") == "公民身份号码<ID_CN>，"
        wrong = body + ("1" if number[-1] != "1" else "2")
        assert redact(f"号{wrong}，", kinds=["id_cn"]) == f"号{wrong}，"
        body = "91" + rng.choice(["110000", "440300"]) + "".join(rng.choice("0123456789ABCDEFGHJK") for _ in range(9))
        code = body + company_code_check(body)
        assert redact(f"代码{code}。", kinds=["company_code_cn"]) == "代码<COMPANY_CODE_CN>。"
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")


def test_pseudonyms_are_consistent_keyed_and_final() -> None:
    for kind, text, secret in POSITIVE:
        step = RedactPII(kinds=[kind], mode="pseudonym", salt="盐")
        out = step.transform(Documents.from_texts([text, f"又见 {text}"]))
        fake = pseudonym(kind, secret, "盐")
        assert secret not in out.texts[0]
        assert out.texts[0] == text.replace(secret, fake)
        assert fake in out.texts[1]
        assert pseudonym(kind, secret, "other") != fake or kind in ("ip", "name")
        again = RedactPII(mode="pseudonym", salt="盐").transform(out)
        assert again.texts == out.texts, "a pseudonym was taken for personal data"
    assert pseudonym("mobile_cn", "138-1234-5678", "s") == pseudonym("mobile_cn", "13812345678", "s")
    assert pseudonym("email", "a@b.cn", "s") != pseudonym("email", "c@b.cn", "s")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.text(alphabet="abc123@.:", min_size=1, max_size=20), st.text(min_size=1, max_size=5))
def test_no_pseudonym_is_personal_data(kind: str, value: str, salt: str) -> None:
    fake = pseudonym(kind, value, salt)
    assert redact(f"联系{fake}。") == f"联系{fake}。"


def test_the_salt_is_never_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORPUSMILL_PII_SALT", raising=False)
    step = RedactPII(mode="pseudonym", salt="hush-hush")
    assert "hush" not in repr(step)
    assert "hush" not in str(step.describe())
    assert pickle.loads(pickle.dumps(step)) == step
    with pytest.raises(ValidationError, match="CORPUSMILL_PII_SALT"):
        RedactPII(mode="pseudonym")
    with pytest.raises(ValidationError, match="asterisks"):
        RedactPII(mode="pseudonym", salt="**********")
    monkeypatch.setenv("CORPUSMILL_PII_SALT", "hush-hush")
    assert redact("手机13812345678", mode="pseudonym") == "手机" + pseudonym("mobile_cn", "13812345678", "hush-hush")


def test_unknown_type_lists_the_valid_ones() -> None:
    with pytest.raises(ValidationError, match="did you mean 'email'") as caught:
        RedactPII(kinds=["emial"])
    assert "bank_card" in str(caught.value)


def test_only_the_wanted_types_are_measured() -> None:
    out = RedactPII(kinds=["email"]).transform(Documents.from_texts(["a@b.cn 13812345678", "无"]))
    assert out.texts == ["<EMAIL> 13812345678", "无"]
    assert out.signals["pii_email"].tolist() == [1, 0]
    assert np.isnan(out.signals["pii_mobile_cn"]).all()
    assert set(out.signals) == set(RedactPII.signal_names)


def test_many_in_a_document_are_all_found() -> None:
    text = "；".join(f"联系人{i}：1391234{i:04d}，邮箱u{i}@corp.cn" for i in range(500))
    out = RedactPII().transform(Documents.from_texts(["干净", text]))
    assert out.signals["pii_mobile_cn"].tolist() == [0, 500]
    assert out.signals["pii_email"].tolist() == [0, 500]
    assert "13912" not in out.texts[1]
