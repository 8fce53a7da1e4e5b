"""Privacy: recall by type on generated values in real sentences, hard negatives flagged, leaks after redaction, speed.

The values come from sources that the rules' author did not draw from: faker's zh_CN, en_US and en_GB providers, the
poets of the Tang as Chinese names, number plans and vendors' formats as published. The sentences around them are real
(development data, CORPUSMILL_TEST_DATA): a value stands in a carrier phrase between two clauses, in half of the cases
glued to Chinese characters. A find counts only where it covers every letter and digit of the value.

A second draw plants the forms of `privacy_forms.py`, with look-alikes of its own; `privacy_planted.py` plants them in whole
clinical notes, dialogues and facts of judgments; `privacy_touched.py` says what is touched in judgments as they are.

Needs faker (MIT): pip install faker. Arguments: values a type and language (default 300), megabytes for the speed (20).
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from documents import real_documents
from faker import Faker
from machine import about, save
from privacy_forms import FORMS, LOOK_ALIKES
from privacy_planted import measure
from privacy_touched import judged

from corpusmill.curate.documents import Documents
from corpusmill.filters.privacy.patterns import find
from corpusmill.filters.privacy.scan import candidates
from corpusmill.filters.privacy.steps import KINDS, PROFILES, RedactPII

DRAW = random.Random(20)
ZH, EN, GB = Faker("zh_CN"), Faker("en_US"), Faker("en_GB")
for fake in (ZH, EN, GB):
    fake.seed_instance(20)

SENTENCES = {
    "zh": ("zh/news_docs", "zh/wiki_hans", "legal/lecard_cases", "zh/cluecorpus_web"),
    "en": ("en/us_speeches", "web/c4_docs", "medical/pubmedqa_train", "medical/aci_notes_train"),
}


def sentences(folder: Path, language: str) -> list[tuple[str, str]]:
    """Real sentences without digits, each cut in two at a comma."""
    out = []
    for name in SENTENCES[language]:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                for s in re.split(r"(?<=[。！？])|(?<=[.!?]) |\n", json.loads(line)["text"]):
                    halves = re.split("，" if language == "zh" else ", ", s, maxsplit=1)
                    if len(halves) == 2 and 20 < len(s) < 250 and not re.search(r"[0-9@]", s):
                        out.append((halves[0], halves[1]))
    DRAW.shuffle(out)
    return out


def digits(n: int) -> str:
    return "".join(DRAW.choices(string.digits, k=n))


def letters(n: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(DRAW.choices(alphabet, k=n))


def some(*forms: Callable[[], str]) -> str:
    return DRAW.choice(forms)()


# Numbering plan of mainland China (MIIT): mobile prefixes in service, area codes.
MOBILE = [
    "134", "135", "136", "137", "138", "139", "147", "150", "151", "152", "157", "158", "159", "178", "182", "183",
    "184", "187", "188", "195", "197", "198", "130", "131", "132", "145", "155", "156", "166", "175", "176", "185",
    "186", "196", "133", "149", "153", "173", "177", "180", "181", "189", "190", "191", "193", "199", "192", "170",
    "171",
]  # fmt: skip
AREAS = [
    "010", "020", "021", "022", "023", "024", "025", "027", "028", "029", "0311", "0351", "0371", "0431",
    "0451", "0471", "0512", "0531", "0551", "0571", "0591", "0592", "0731", "0755", "0757", "0760", "0771", "0791",
    "0851", "0871", "0891", "0898", "0931", "0951", "0971", "0991",
]  # fmt: skip
PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


def mobile() -> str:
    n = DRAW.choice(MOBILE) + digits(8)
    return DRAW.choice(
        (n, f"{n[:3]}-{n[3:7]}-{n[7:]}", f"{n[:3]} {n[3:7]} {n[7:]}", f"+86 {n}", f"+86{n}", f"86-{n}", f"(+86){n}")
    )


def landline() -> str:
    area, n = DRAW.choice(AREAS), DRAW.choice("2345678") + digits(7)
    return DRAW.choice(
        (
            f"{area}-{n}",
            f"({area}){n}",
            f"（{area}）{n}",
            f"{area} {n}",
            f"+86-{area[1:]}-{n}",
            f"{area}-{n}-{digits(3)}",
            f"{area}{n}",
        )
    )


def company() -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)  # GB 32100-2015, table 2
    body = DRAW.choice(("91", "92", "93", "52", "53", "12", "11")) + ZH.ssn()[:6] + letters(9, alphabet)
    rest = 31 - sum(alphabet.index(c) * w for c, w in zip(body, weights, strict=True)) % 31
    return body + alphabet[rest % 31]


def union_pay() -> str:
    body = DRAW.choice(("622202", "622848", "621700", "621661", "622588", "621226", "623058")) + digits(
        DRAW.choice((9, 12))
    )
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(body)))
    n = body + str(-total % 10)
    return n if DRAW.random() < 0.6 else " ".join(n[i : i + 4] for i in range(0, len(n), 4))


def plate() -> str:
    letter = DRAW.choice("ABCDEFGHJKLMNPQR")
    five = (
        letters(5, "0123456789")
        if DRAW.random() < 0.5
        else letters(3, "0123456789") + DRAW.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") + digits(1)
    )
    tail = DRAW.choice(
        (five, five, "D" + digits(5), digits(5) + "F", digits(4) + "警", digits(4) + "学", digits(4) + "挂")
    )
    return DRAW.choice(PROVINCE) + letter + DRAW.choice(("", "", "·", " ")) + tail


HEX = "0123456789abcdef"
KEYS: tuple[Callable[[], str], ...] = (
    lambda: "sk-" + letters(48), lambda: "sk-proj-" + letters(64), lambda: "sk-ant-api03-" + letters(80), lambda: "AKIA" + letters(16, string.ascii_uppercase + "234567"),
    lambda: "ghp_" + letters(36), lambda: "github_pat_" + letters(22) + "_" + letters(59), lambda: "glpat-" + letters(20), lambda: f"xoxb-{digits(12)}-{digits(12)}-{letters(24)}",
    lambda: "AIza" + letters(35), lambda: "sk_live_" + letters(24), lambda: "SG." + letters(22) + "." + letters(43), lambda: "hf_" + letters(34), lambda: "npm_" + letters(36),
    lambda: "LTAI" + letters(20), lambda: "AKID" + letters(32), lambda: f"{digits(10)}:AA" + letters(33), lambda: "dop_v1_" + letters(64, HEX), lambda: "shpat_" + letters(32, HEX),
    lambda: "eyJhbGciOiJIUzI1NiJ9." + "eyJ" + letters(30) + "." + letters(43), lambda: "ya29." + letters(60), lambda: "gsk_" + letters(52),
)  # fmt: skip


def poets(folder: Path) -> list[str]:
    with gzip.open(folder / "zh/poetry.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = {json.loads(line)["author"] for line in lines}
    common = set("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾魏薛叶余潘杜戴夏钟汪田任姜范石姚谭廖邹熊陆"
                 "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許蔣賈葉鍾譚陸鄒")  # fmt: skip
    return sorted(a for a in found if a and 2 <= len(a) <= 3 and a[0] in common and re.fullmatch("[\u4e00-\u9fff]+", a))


Case = tuple[str, Callable[[], str], tuple[str, ...], tuple[str, ...]]


def cases(folder: Path) -> list[Case]:
    """Type, generator, Chinese carriers, English carriers. `{}` alone glues the value to what stands around it."""
    authors = poets(folder)

    def zh_name() -> str:
        return ZH.name() if DRAW.random() < 0.8 else DRAW.choice(authors)

    def en_name() -> str:
        return f"{EN.first_name()} {EN.last_name()}"

    def mrn() -> str:
        return some(
            lambda: digits(8),
            lambda: digits(10),
            lambda: "ZY" + digits(9),
            lambda: f"{digits(3)}-{digits(2)}-{digits(4)}",
            lambda: letters(2, string.ascii_uppercase) + digits(6),
        )

    def zh_date() -> str:
        d = ZH.date_between("-80y", "today")
        return DRAW.choice(
            (f"{d.year}年{d.month}月{d.day}日", f"{d:%Y年%m月%d日}", f"{d:%Y-%m-%d}", f"{d:%Y/%m/%d}", f"{d:%Y.%m.%d}")
        )

    def en_date() -> str:
        d = EN.date_between("-80y", "today")
        return DRAW.choice(
            (
                f"{d:%B} {d.day}, {d.year}",
                f"{d.day} {d:%B %Y}",
                f"{d:%m/%d/%Y}",
                f"{d:%Y-%m-%d}",
                f"{d:%b} {d.day}, {d.year}",
                f"{d.month}/{d.day}/{d:%Y}",
            )
        )

    def secret() -> str:
        return letters(DRAW.choice((24, 32, 40)), DRAW.choice((HEX, string.ascii_letters + string.digits)))

    return [
        ("email", lambda: some(ZH.email, EN.email, EN.company_email, GB.free_email).replace("example.", "corpmail."), ("{}", "邮箱{}", "请发至{}"), ("{}", "write to {}", "e-mail: {}")),
        ("mobile_cn", mobile, ("{}", "电话{}", "手机号是{}", "微信同号{}"), ("call {}", "{}", "mobile: {}")),
        ("landline_cn", landline, ("电话{}", "座机：{}", "传真{}"), ("tel. {}", "Fax: {}", "phone {}")),
        ("phone", lambda: some(EN.phone_number, GB.phone_number, lambda: "+" + DRAW.choice(("1", "44", "49", "81", "82", "33", "852", "61")) + " " + digits(3) + " " + digits(4) + " " + digits(3)), ("电话{}", "请拨打 {}"), ("call {}", "phone: {}", "telephone number is {}")),
        ("id_cn", lambda: ZH.ssn(), ("{}", "身份证号{}", "公民身份号码：{}"), ("{}", "holder of ID card {}")),
        ("bank_card", lambda: some(union_pay, union_pay, lambda: EN.credit_card_number("visa16"), lambda: EN.credit_card_number("mastercard"), lambda: EN.credit_card_number("amex")), ("{}", "卡号{}", "汇入账户{}"), ("{}", "card number {}", "account {}")),
        ("company_code_cn", company, ("{}", "统一社会信用代码{}"), ("{}", "registered under {}")),
        ("passport", lambda: some(lambda: "E" + digits(8), lambda: "G" + digits(8), lambda: "E" + DRAW.choice("ABCDEFGH") + digits(7), EN.passport_number, lambda: "P" + digits(7)), ("护照号{}", "持护照{}入境", "护照号码：{}"), ("passport {}", "Passport No. {}", "passport number: {}")),
        ("plate_cn", plate, ("{}", "驾驶{}小型轿车", "车牌号为{}"), ("{}", "a car with licence plate {}")),
        ("ip", lambda: some(EN.ipv4_public, EN.ipv4_public, lambda: "2" + letters(3, HEX[:4]) + ":" + ":".join(letters(4, HEX) for _ in range(7))), ("来自{}的请求", "IP地址{}", "登录IP：{}"), ("from {}", "IP {}", "host {}")),
        ("url_credentials", lambda: some(lambda: f"{EN.user_name()}:{letters(10)}", lambda: f"{EN.user_name()}:{EN.password(special_chars=False)}"), ("克隆https://{}@git.corp.cn/a.git即可", "连接mysql://{}@db.corp.cn:3306/x"), ("clone https://{}@git.corp.com/a.git", "use postgres://{}@db.corp.com/x")),
        ("api_key", lambda: DRAW.choice(KEYS)(), ("{}", "密钥{}"), ("{}", "key {}")),
        ("api_key", secret, ("密钥：{}", "api_key={}", "访问令牌为{}"), ("api_key = '{}'", "SECRET_KEY={}", "auth token: {}", 'password: "{}"')),
        ("ssn_us", EN.ssn, ("社保号{}",), ("SSN {}", "{}", "social security number: {}")),
        ("medical_record", mrn, ("病案号{}", "住院号：{}", "门诊号 {}", "病历号为{}", "医保卡号：{}", "检查号：{}"), ("MRN {}", "MRN: {}", "medical record number {}", "Patient ID: {}", "Member ID {}", "policy number {}", "Account No. {}")),
        ("document_number", lambda: some(EN.vin, lambda: digits(12), lambda: letters(1, string.ascii_uppercase) + digits(8)), ("驾驶证号{}", "执业证号：{}", "车架号{}", "设备序列号：{}", "军官证号：{}"), ("VIN {}", "driver's license number {}", "serial number: {}", "license no. {}", "NPI: {}", "Device ID: {}")),
        ("name", zh_name, ("患者{}", "原告{}", "被告人{}，男", "姓名：{}", "法定代表人：{}", "被告{}辩称", "医生{}说", "{}先生", "上诉人{}因", "联系人：{}", "证人{}证实", "被害人{}的", "原告{}诉被告", "患者{}，女", "申请人：{}"), ()),
        ("name", en_name, (), ("Mr. {}", "Dr. {}", "plaintiff {}", "Defendant {}", "Patient: {}", "Mrs. {}", "Name: {}", "the witness {}", "{}, MD", "Ms. {}", "patient {}", "appellant {}")),
        ("address", lambda: ZH.address().rsplit(" ", 1)[0], ("住{}", "地址：{}", "家庭住址{}", "现住{}", "户籍地{}", "位于{}"), ()),
        ("address", lambda: some(EN.address, EN.address, lambda: f"{EN.street_address()}, {EN.city()}, {EN.state_abbr()} {EN.postcode()}").replace("\n", ", "), (), ("lives at {}", "Address: {}", "residing at {}", "{}")),
        ("birth_date", zh_date, ("出生日期：{}", "{}出生", "生于{}"), ()),
        ("birth_date", en_date, (), ("DOB: {}", "born on {}", "date of birth {}", "Birthdate: {}")),
        ("date", zh_date, ("于{}入院", "{}行手术治疗", "就诊时间：{}", "{}出院", "{}复查"), ()),
        ("date", en_date, (), ("admitted on {}", "seen on {}", "discharged {}", "Date of service: {}", "{}", "surgery was on {}")),
        ("age", lambda: str(DRAW.randint(90, 109)), ("患者，{}岁", "年龄：{}"), ("a {}-year-old woman", "aged {}", "{} years old")),
        ("url", lambda: some(EN.uri, lambda: "www." + EN.domain_name(), lambda: EN.url() + EN.uri_path()), ("网址{} 可查", "见 {} 。"), ("see {} for more", "at {}")),
    ]  # fmt: skip


def negatives() -> dict[str, tuple[Callable[[], str], tuple[str, ...], tuple[str, ...]]]:
    """Look-alikes, by kind."""
    n = DRAW.randint
    num = "一二三四五六七八九十"

    def statute_date() -> str:
        return f"{n(1979, 2024)}年{n(1, 12)}月{n(1, 28)}日"

    month = [f"{EN.month_name()}"] * 3 + ["January", "March", "May", "July", "October"]

    return {
        "version numbers": (lambda: f"{n(0, 30)}.{n(0, 30)}.{n(0, 30)}" + (f".{n(0, 30)}" if DRAW.random() < 0.5 else ""), ("版本{}", "升级到v{}", "固件版本号为{}", "{}版"), ("version {}", "v{}", "release {}", "build {}", "updated to version {}")),
        "article numbers": (lambda: str(n(1, 400)), ("第{}条", "第{}章第二节", "刑法第{}条第一款"), ("Article {}", "Section {}.12(a)", "Rule {}", "42 U.S.C. § {}")),
        "article numbers in words": (lambda: DRAW.choice(num) + "百" + DRAW.choice(num[:9]) + "十" + DRAW.choice(num[:9]), ("第{}条", "依照第{}条之一"), ()),
        "order numbers": (lambda: some(lambda: "1" + DRAW.choice("3589") + digits(9), lambda: digits(12), lambda: digits(16), lambda: digits(18), lambda: f"{digits(3)}-{digits(7)}-{digits(7)}"), ("订单号{}", "订单编号：{}", "运单号{}", "快递单号：{}", "流水号{}", "发票号码{}"), ("order number {}", "Order #{}", "tracking number {}", "invoice {}", "reference number: {}", "confirmation number {}")),
        "case numbers": (lambda: f"（{n(2003, 2024)}）{DRAW.choice('京沪粤浙苏川鲁豫')}{n(1, 99):02d}{DRAW.choice(('民初', '刑终', '行终', '民再', '执', '民终'))}{n(1, 99999)}号", ("{}", "作出{}判决"), ("in {}",)),
        "case numbers en": (lambda: some(lambda: f"No. {n(10, 24)}-cv-{n(100, 99999):05d}", lambda: f"{n(100, 600)} U.S. {n(1, 999)}", lambda: f"{n(1, 999)} F.3d {n(1, 1400)}", lambda: f"Case No. {n(1, 30)}-{digits(5)}"), (), ("{}", "see {}", "in {}")),
        "documents of authorities": (lambda: some(lambda: f"法释〔{n(1998, 2024)}〕{n(1, 40)}号", lambda: f"国发〔{n(1998, 2024)}〕{n(1, 60)}号", lambda: f"GB/T {n(1000, 40000)}-{n(1990, 2023)}", lambda: f"国药准字H{n(1980, 2023)}{digits(4)}", lambda: f"京ICP备{digits(8)}号", lambda: f"YY/T {n(100, 1999)}-{n(2000, 2023)}"), ("{}", "依据{}"), ("under {}",)),
        "measurements": (lambda: some(lambda: f"{n(1, 900)}mg", lambda: f"{n(90, 180)}/{n(50, 110)}mmHg", lambda: f"{n(1, 99)}.{n(0, 9)}cm×{n(1, 99)}.{n(0, 9)}cm", lambda: f"{n(1, 40)}.{n(10, 99)}×10^9/L", lambda: f"{n(1000, 99999)}.{n(10, 99)} kg", lambda: f"{n(10, 99)}.{n(0, 9)}%"), ("测得{}", "{}", "约{}"), ("about {}", "{}", "measured {}")),
        "amounts": (lambda: some(lambda: f"{n(1, 999)},{digits(3)},{digits(3)}.{digits(2)}", lambda: f"{digits(11)}".lstrip("0") + "1", lambda: f"{n(1, 9)}{digits(9)}.{digits(2)}"), ("人民币{}元", "总额{}元", "共{}元"), ("${}", "USD {}", "RMB {} yuan")),
        "dates of statutes": (statute_date, ("自{}起施行", "{}第十届全国人民代表大会常务委员会会议通过", "《办法》（{}公布）", "根据{}修订的规定", "{}发布的《通知》"), ()),
        "dates of statutes en": (lambda: f"{DRAW.choice(month)} {n(1, 28)}, {n(1900, 2023)}", (), ("the Act of {}", "effective {}", "as amended {}", "enacted on {}", "adopted {}")),
        "phone-like identifiers": (lambda: some(lambda: "1" + DRAW.choice("3578") + digits(9), lambda: digits(10), lambda: digits(9)), ("QQ号{}", "编号{}", "批号{}", "准考证号{}", "交易号{}", "商品编码{}"), ("transaction {}", "ticket #{}", "SKU {}", "lot {}", "part number {}", "case number {}")),
        "books, patents, papers": (lambda: some(lambda: EN.isbn13(), lambda: f"ISSN {digits(4)}-{digits(4)}", lambda: f"10.{n(1000, 9999)}/j.{letters(6, string.ascii_lowercase)}.{n(2000, 2023)}.{digits(5)}", lambda: f"ZL{n(2000, 2023)}1{digits(7)}.{n(0, 9)}", lambda: f"arXiv:{n(10, 24)}{n(1, 12):02d}.{digits(5)}"), ("{}", "见{}"), ("{}", "see {}")),
        "IDs with a wrong check digit": (lambda: _wrong(ZH.ssn()), ("编号{}", "{}"), ("{}",)),
        "sections": (lambda: f"{n(1, 12)}.{n(1, 12)}.{n(1, 12)}.{n(1, 12)}", ("第{}节", "见{}条", "{} 小节"), ("section {}", "see {} above", "Clause {}")),
        "times and scores": (lambda: some(lambda: f"{n(0, 23)}:{n(0, 59):02d}:{n(0, 59):02d}", lambda: f"{n(0, 150)}-{n(0, 150)}", lambda: f"{n(1, 99)}:{n(0, 9)}", lambda: f"{n(1, 400)}-{n(400, 999)}页"), ("{}", "于{}"), ("{}", "at {}")),
        "hashes and identifiers": (lambda: some(lambda: letters(40, HEX), EN.uuid4, lambda: "sha256-" + letters(43)), ("提交{}", "校验值{}"), ("commit {}", "checksum {}")),
        "roles without names": (lambda: DRAW.choice(("患者于入院前", "患者高血压病史", "患者严重头晕", "患者向医生说明", "患者常有胸闷", "患者周身乏力", "患者安静时", "患者平素体健", "原告方面认为", "被告应当支付", "被告方提出", "原告和被告", "患者和家属", "证人应当出庭", "被害人向公安机关报案", "被告人时常", "原告曾经多次", "被告公司", "患者家属要求", "医生成立了小组", "被告连续三年", "患者明显好转", "医生应该", "原告任何时候", "第三人管理的", "申请人成功", "负责人会议", "病人温度正常", "护士长期值班", "被执行人常住地")), ("{}",), ()),
        "roles without names en": (lambda: DRAW.choice(("the patient was seen", "Defendant shall pay", "Plaintiff Company", "the plaintiff in New York", "Patient Protection and Affordable Care Act", "Mr. President", "Dr. and Mrs.", "the witness stated", "Patient Care Center", "Mr. Speaker", "Defendant United States", "Respondent State of Ohio", "patient history", "Name of the company", "the defendant and the plaintiff")), (), ("{}",)),
        "places that are no address": (lambda: some(lambda: f"{ZH.province()}{ZH.city_name()}市中级人民法院", lambda: f"{ZH.province()}人民医院", lambda: f"{ZH.city_name()}市{ZH.district()}区人民法院", lambda: "中山路和解放路", lambda: "一路上", lambda: "北京市第三中级人民法院"), ("{}", "由{}审理"), ("at {}",)),
        "numbers of things en": (lambda: some(lambda: f"{n(2, 900)} New Yorkers", lambda: f"{n(2, 20)} Main points", lambda: f"{n(1, 300)} American soldiers", lambda: f"{n(1900, 2020)} World Series", lambda: f"{n(2, 90)} Old Friends"), (), ("{}",)),
    }  # fmt: skip


def _wrong(value: str) -> str:
    return value[:-1] + DRAW.choice([c for c in "0123456789X" if c != value[-1].upper()])


def planted(pair: tuple[str, str], carrier: str, value: str, language: str) -> str:
    piece = carrier.replace("{}", value)
    if language == "en":
        return f"{pair[0]}, {piece}, {pair[1]}"
    # Glued to Chinese characters where the carrier is bare; between commas else.
    return (
        f"{pair[0]}{piece}{pair[1]}"
        if carrier == "{}" and "者" not in value and "人" not in value
        else f"{pair[0]}，{piece}，{pair[1]}"
    )


def finds(texts: list[str], kinds: frozenset[str]) -> list[list[tuple[int, int, str]]]:
    """What the step finds in each text: the scan of the batch, then the rules."""
    out: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    for row, text, places in candidates(pa.array(texts, pa.large_string()), kinds):
        out[row] = find(text, kinds, places=places)
    return out


def covered(text: str, value: str, kind: str, found: list[tuple[int, int, str]]) -> tuple[bool, bool]:
    """Whether every letter and digit of the value was found, and whether as what it is."""
    at = text.index(value)
    mask = bytearray(len(text))
    right = False
    for start, end, name in found:
        mask[start:end] = b"\x01" * (end - start)
        right |= name == kind and start < at + len(value) and at < end
    return all(mask[i] for i in range(at, at + len(value)) if text[i].isalnum()), right


def speeds(megabytes: float) -> tuple[str, dict[str, float]]:
    """What was redacted, and MB a second by profile and language."""
    what, documents = real_documents(megabytes)
    speed: dict[str, float] = {}
    for profile in PROFILES:
        step = RedactPII(profile=profile)
        for language, texts in documents.items():
            step.transform(Documents.from_texts(texts[:20]))
            started, size = time.process_time(), 0
            for i in range(0, len(texts), 512):
                batch = texts[i : i + 512]
                size += sum(len(t.encode()) for t in batch)
                step.transform(Documents.from_texts(batch))
            speed[f"{profile} {language}"] = round(size / 1e6 / (time.process_time() - started), 1)
    return what, speed


def plant_values(
    rows: list[tuple[str, str, Callable[[], str], tuple[str, ...], tuple[str, ...]]],
    count: int,
    pairs: dict[str, list[tuple[str, str]]],
    every: frozenset[str],
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """Recall by type and language with what was missed, and recall by form."""
    recall: dict[str, dict[str, Any]] = {}
    forms: dict[str, float] = {}
    for kind, form, make, *carriers in rows:
        for language, around in zip(("zh", "en"), carriers, strict=True):
            if not around:
                continue
            looked = frozenset(KINDS) if kind == "url" else every
            row = recall.setdefault(f"{kind} {language}", {"n": 0, "found": 0, "typed": 0, "missed": []})
            values = [make() for _ in range(count)]
            texts = [
                planted(pairs[language][i % len(pairs[language])], DRAW.choice(around), value, language)
                for i, value in enumerate(values)
            ]
            all_found = 0
            for text, value, hits in zip(texts, values, finds(texts, looked), strict=True):
                found, typed = covered(text, value, kind, hits)
                row["n"] += 1
                row["found"] += found
                row["typed"] += typed
                all_found += found
                if not found and len(row["missed"]) < 12:
                    at = text.index(value)
                    row["missed"].append(text[max(0, at - 14) : at + len(value) + 8])
            forms[f"{kind}: {form} {language}"] = round(all_found / count, 4)
    return {k: {**r, "recall": round(r["found"] / r["n"], 4)} for k, r in recall.items()}, forms


def look_alikes(
    rows: list[tuple[str, Callable[[], str], tuple[str, ...], tuple[str, ...]]],
    count: int,
    clean: dict[str, list[tuple[str, str]]],
    every: frozenset[str],
) -> dict[str, dict[str, Any]]:
    """How many look-alikes were flagged, by kind: with all types, and with those of `general`."""
    flagged: dict[str, dict[str, Any]] = {}
    default = frozenset(PROFILES["general"])
    for name, make, *carriers in rows:
        row = flagged.setdefault(name, {"n": 0, "flagged": 0, "flagged_by_default": 0, "examples": []})
        for language, forms in zip(("zh", "en"), carriers, strict=True):
            if not forms:
                continue
            texts = [
                planted(clean[language][i % len(clean[language])], DRAW.choice(forms), make(), language)
                for i in range(count)
            ]
            for text, hits, plain in zip(texts, finds(texts, every), finds(texts, default), strict=True):
                row["n"] += 1
                row["flagged"] += bool(hits)
                row["flagged_by_default"] += bool(plain)
                if hits and len(row["examples"]) < 8:
                    s, e, kind = hits[0]
                    row["examples"].append(f"{kind}: {text[max(0, s - 8) : s]}[{text[s:e]}]{text[e : e + 6]}")
    return flagged


def share(flagged: dict[str, dict[str, Any]], field: str) -> float:
    return round(sum(r[field] for r in flagged.values()) / sum(r["n"] for r in flagged.values()), 4)


def main() -> None:
    if sys.argv[1:] == ["speed"]:  # alone, into the figures that are there
        result = json.loads((Path(__file__).parent / "results" / "privacy.json").read_text("utf-8"))
        result["speed on"], result["MB a second"] = speeds(20)
        save("privacy", result)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    folder = Path(os.environ["CORPUSMILL_TEST_DATA"])
    pairs = {language: sentences(folder, language) for language in ("zh", "en")}
    every = frozenset(KINDS) - {"url"}
    recall, _ = plant_values([(kind, "all", *rest) for kind, *rest in cases(folder)], count, pairs, every)
    second, forms = plant_values(FORMS, count, pairs, every)
    clean, real = {}, {}
    for language in pairs:
        joined = [("，" if language == "zh" else ", ").join(p) for p in pairs[language][: 8 * count]]
        clean[language] = [p for p, hits in zip(pairs[language], finds(joined, every), strict=False) if not hits]
        real[language] = {"sentences": len(joined), "with a find": len(joined) - len(clean[language])}
    flagged = look_alikes([(name, *rest) for name, rest in negatives().items()], count, clean, every)
    more = look_alikes(LOOK_ALIKES, count, clean, every)
    what, speed = speeds(megabytes)
    save(
        "privacy",
        {
            **about(("faker", "pyarrow")),
            "recall": recall,
            "lowest recall": min(r["recall"] for r in recall.values()),
            "hard negatives": flagged,
            "hard negatives flagged, all types": share(flagged, "flagged"),
            "hard negatives flagged, default types": share(flagged, "flagged_by_default"),
            "second draw": {
                "recall": second,
                "lowest recall": min(r["recall"] for r in second.values()),
                "recall by form, the lowest": dict(sorted(forms.items(), key=lambda f: f[1])[:12]),
                "forms": len(forms),
                "hard negatives": more,
                "hard negatives flagged, all types": share(more, "flagged"),
                "hard negatives flagged, default types": share(more, "flagged_by_default"),
            },
            "planted in documents": measure(folder, count),
            "touched in judgments, judged by eye": judged(folder),
            "real sentences without digits, all types": real,
            "speed on": what,
            "MB a second": speed,
        },
    )


if __name__ == "__main__":
    main()
