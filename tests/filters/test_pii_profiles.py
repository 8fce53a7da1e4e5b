"""Names, addresses, dates and records; what the profiles for medicine and law write; that no output holds a secret."""

import json
import random
import re
from datetime import date
from pathlib import Path

import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.documents import Documents
from corpusmill.filters import Augment, C4Lines, GopherQuality, RedactPII
from corpusmill.filters.privacy import dates, patterns, people, places, records, scan
from corpusmill.filters.privacy.dates import shifted, weeks, year_of
from corpusmill.filters.privacy.patterns import find
from corpusmill.filters.privacy.people import court_names
from corpusmill.filters.privacy.scan import every_window
from corpusmill.filters.privacy.steps import KINDS


def redact(text: str, **options) -> str:
    return RedactPII(**options).transform(Documents.from_texts([text])).texts[0]


POSITIVE = [
    ("name", "原告张三诉被告李四民间借贷纠纷一案", ["张三", "李四"]),
    ("name", "原告王建国与被告陈芳、赵小兵买卖合同纠纷", ["王建国", "陈芳", "赵小兵"]),
    ("name", "被告欧阳明辩称，欧阳明没有收到货款", ["欧阳明", "欧阳明"]),
    ("name", "患者刘丽华，女，45岁。刘丽华自诉头晕", ["刘丽华", "刘丽华"]),
    ("name", "法定代表人：买买提·艾合买提，经理", ["买买提·艾合买提"]),
    ("name", "王芳提供证据；证人王芳提供证据", ["王芳", "王芳"]),
    # Institutions further on in the sentence, each once taken for the end of a company's name.
    ("name", "被告人王强在某公司上班，原告李建国到商店买烟，被害人刘芳的父亲赶到派出所", ["王强", "李建国", "刘芳"]),
    ("name", "患者王建国被送往县医院抢救，患者刘丽华于外院就诊", ["王建国", "刘丽华"]),
    ("name", "医生：吐尔逊.肉孜，证人帕提古丽.依明的证言，淳于燕超老师，证人许子杰所在的学校", ["吐尔逊.肉孜", "帕提古丽.依明", "淳于燕超", "许子杰"]),
    ("name", "被告人李均、李洪林伙同马广亮（另案处理），被告人于守刚在场", ["李均", "李洪林", "马广亮", "于守刚"]),
    # One person, whatever word follows.
    ("name", "被告人赵利说，被告人赵利用水杯砸人，赵利的", ["赵利", "赵利", "赵利"]),
    ("name", "患者姓名：向 军  性别：男；丈夫时强霞，患者之女丘玉娟，", ["向 军", "时强霞", "丘玉娟"]),
    ("address", "条运至本市凤鸣街道文华小区27号，租用深圳市罗湖区龙泉花园1栋一楼", ["本市凤鸣街道文华小区27号", "深圳市罗湖区龙泉花园1栋一楼"]),
    ("name", "Plaintiff John Smith sued. Smith won.", ["John Smith", "Smith"]),
    ("name", "Patient: Mary O'Connor, seen by Jane Roe, M.D.", ["Mary O'Connor", "Jane Roe"]),
    ("name", "原告古丽娜尔·阿迪力，女，与被告扎西多吉合同纠纷", ["古丽娜尔·阿迪力", "扎西多吉"]),
    ("name", "姓名：古丽娜尔.阿迪力，女", ["古丽娜尔.阿迪力"]),
    ("name", "Dr. Malcolm St. Lindqvist and Patient: E. A. Goldstein, seen", ["Malcolm St. Lindqvist", "E. A. Goldstein"]),
    ("name", "Name: Hernandez, Elias G. Mr. Søren Ångström", ["Hernandez, Elias G.", "Søren Ångström"]),
    ("address", "现住江西省赣州市于都县龙泉镇石门村第四村民小组，", ["江西省赣州市于都县龙泉镇石门村第四村民小组"]),
    ("address", "lives at 442 Maple Street, Toronto, ON M5V 2T6, since", ["442 Maple Street, Toronto, ON M5V 2T6"]),
    ("birth_date", "出生日期：19800506，汉族", ["19800506"]),
    ("date", "seen on 5-Mar-2021, admitted on 10/12", ["5-Mar-2021", "10/12"]),
    ("age", "患者，九十二岁；aged ninety-four", ["九十二", "ninety-four"]),
    ("document_number", "房产证号：京房权证朝字第297540号，网卡8D:AC:38:E6:27:F6", ["京房权证朝字第297540号", "8D:AC:38:E6:27:F6"]),
    ("address", "住浙江省杭州市西湖区文三路478号华星大厦502室。", ["浙江省杭州市西湖区文三路478号华星大厦502室"]),
    ("address", "家住河北省定州市庞村镇李家庄村12号", ["河北省定州市庞村镇李家庄村12号"]),
    ("address", "She lives at 123 North Main Street, Apt 4B, Springfield, IL 62704 now", ["123 North Main Street, Apt 4B, Springfield, IL 62704"]),
    ("address", "Send it to P.O. Box 1234, Dayton, OH 45402.", ["P.O. Box 1234, Dayton, OH 45402"]),
    ("birth_date", "出生日期：1980-05-06，汉族", ["1980-05-06"]),
    ("birth_date", "男，1980年5月6日出生，汉族", ["1980年5月6日"]),
    ("birth_date", "DOB: 05/06/1980", ["05/06/1980"]),
    ("date", "患者于2021年3月5日入院，3月9日出院", ["2021年3月5日", "3月9日"]),
    ("date", "Admitted on March 5, 2021 and discharged 03/09/2021.", ["March 5, 2021", "03/09/2021"]),
    ("age", "患者，93岁；老人101岁", ["93", "101"]),
    ("age", "a 95-year-old man, aged 91", ["95", "91"]),
    ("medical_record", "住院号：ZY20210305，病案号 0012345678", ["ZY20210305", "0012345678"]),
    ("medical_record", "MRN: 00123456; Member ID XQ-1234567", ["00123456", "XQ-1234567"]),
    ("document_number", "执业证号：110101200012345，车架号LSVAU2180N2183294", ["110101200012345", "LSVAU2180N2183294"]),
    ("document_number", "Driver's license number D1234567, serial number: A9-88231", ["D1234567", "A9-88231"]),
    ("url", "见https://a.corp.cn/p?id=3，或www.corp.com。", ["https://a.corp.cn/p?id=3", "www.corp.com"]),
    ("api_key", "api_key = 'a8Fk29dkLq01PzXv7TnB3mYc'", ["a8Fk29dkLq01PzXv7TnB3mYc"]),
    ("api_key", "数据库密码：Tr0ub4dor9x，请勿外传", ["Tr0ub4dor9x"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "secrets"), POSITIVE)
def test_finds_what_context_tells(kind: str, text: str, secrets: list[str]) -> None:
    found = find(text, frozenset([kind]))
    assert [text[s:e] for s, e, _ in found] == secrets
    assert {k for *_, k in found} == {kind}
    out = RedactPII(kinds=[kind]).transform(Documents.from_texts([text]))
    assert out.signals[f"pii_{kind}"].tolist() == [len(secrets)]
    assert not any(secret in out.texts[0] for secret in secrets)


@pytest.mark.parametrize(
    "text",
    [
        "患者于2020年起出现头晕", "患者高血压病史十年", "被告方提出异议", "原告和被告均未到庭", "被告人时常出入", "患者向医生说明", "第三任太太",
        "被执行人是公民的，可以交给他的成年家属", "转让人是房地产登记簿记载的权利人", "董某担任设施中心主任，由一名院长主持", "保护妇女儿童教育权",
        "被告王府井百货公司辩称", "被告张裕葡萄酿酒股份有限公司", "第三人金鹰商贸集团", "被告高新区管委会", "监护人和社会的责任", "被执行人迟延履行",
        "糖尿病患者易患早泄", "绝大多数病人都能达到", "高血压患者应慎用的药", "患者曾建议复查", "监护人管教，", "患者吃了许多水果", "外公外婆为孙子告状", "某交警大队·一中队民警",
        "信阳市传统村落保护条例", "重庆市村镇供水条例", "湖州市美丽乡村建设条例", "山东省农村公路条例", "在户籍地进行社区矫正", "住在同一小区的人",
        "采伐证号07126732", "Contact: Personal Data. Your personal data is kept", "CLAIMANT RECEIVES WRITTEN NOTICE; a claimant receives written notice",
        "原告北京某某科技有限公司", "张某诉李某某", "王某甲、王某1到庭", "被害人王甲之左颈皮肤裂创", "Plaintiff Acme Corp. moved", "the defendant United States",
        "Patient Protection and Affordable Care Act", "Mr. President", "Roe v. Wade", "the patient was seen",
        "北京市朝阳区人民法院", "江苏省高级人民法院", "中山路和解放路之间", "120 American soldiers",
        "自2021年1月1日起施行", "《办法》（2015年3月5日公布）", "2020年5月28日第十三届全国人民代表大会第三次会议通过", "the Act of July 4, 1966", "effective January 1, 2020",
        "医生不同意.如果擅自停药", "患者：咳嗽三天.发烧一天", "患者，65岁", "95例患者", "in 95 patients", "住院30天", "patient 12 of 30", "第95条", "password: yourpassword", "token = get_token_from_session",
        "国药准字H20123456", "GB/T 22239-2019", "患者严格遵守医嘱", "患者：由于工作忙", "Patient: Terrible. I could not sleep", "软件版本2021.5.9", "浙江省人民代表大会常务委员会公告第46号",
    ],
)  # fmt: skip
def test_look_alikes_of_context_survive(text: str) -> None:
    assert find(text, frozenset(KINDS)) == []


def test_the_scan_skips_nothing_that_the_rules_find() -> None:
    """The rules over the whole of a long text, against the rules where the scan sends them."""
    rng = random.Random(5)
    kinds = frozenset(KINDS)
    filler = [
        "天气晴朗，孩子们在公园里玩耍。",
        "It was a quiet morning and nothing happened. ",
        "本案事实清楚，适用法律正确。\n",
    ]
    for _ in range(12):
        pieces = []
        for _ in range(12):
            pieces += rng.choices(filler, k=rng.randint(5, 40))
            pieces.append(rng.choice(POSITIVE)[1] + rng.choice(["。", ". ", "\n"]))
        text = "".join(pieces)
        assert find(text, kinds) == find(text, kinds, places=every_window(text, kinds))


def test_names_as_courts_publish_them() -> None:
    text = "原告王建国诉被告王小芳、欧阳明。王建国称，王小芳欠款。审判员李大明。证人John Smith作证，Smith在场。"
    out = redact(text, profile="legal")
    assert out.startswith("原告王某1诉被告王某2、欧阳某。王某1称，王某2欠款。")
    assert "审判员李大明" in out
    assert redact(out, profile="legal") == out
    assert court_names(["张三"]) == {"张三": "张某"}
    assert redact("Plaintiff John Smith sued Ohio. Smith won.", profile="legal") == "Plaintiff J. S. sued Ohio. S. won."


def test_courts_keep_the_county_the_court_and_the_case() -> None:
    text = "（2021）浙0106民初123号 杭州市西湖区人民法院 被告张三，住浙江省杭州市西湖区文三路478号5幢502室。"
    out = redact(text, profile="legal")
    assert out == "（2021）浙0106民初123号 杭州市西湖区人民法院 被告张某，住浙江省杭州市西湖区。"
    english = redact("He resides at 12 Elm Street, Dayton, OH 45402.", profile="legal")
    assert english == "He resides at Dayton, OH."
    assert redact("男，1980年5月6日出生", profile="legal") == "男，1980年出生"
    assert redact("于2021年3月5日签订合同", profile="legal") == "于2021年3月5日签订合同"


def _days(text: str) -> list[date]:
    return [date(*map(int, m)) for m in re.findall(r"(\d{4})\D(\d{1,2})\D(\d{1,2})", text)]


def test_medical_dates_move_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORPUSMILL_PII_SALT", raising=False)
    text = "患者于2021年3月5日入院，2021-03-19出院，2020/12/31复查。指南2019年5月1日起施行。"
    moved = set()
    for id_ in ("a", "b", "c"):
        docs = Documents.from_texts([text], id=[id_])
        out = RedactPII(profile="medical", salt="盐").transform(docs).texts[0]
        before, after = _days(text), _days(out)
        gaps = {(x - y).days for x, y in zip(before[:3], after[:3], strict=True)}
        assert len(gaps) == 1
        assert gaps.pop() % 7 == 0
        assert before[3] == after[3]
        assert out == RedactPII(profile="medical", salt="盐").transform(docs).texts[0]
        moved.add(after[0])
    assert len(moved) > 1
    assert redact(text, profile="medical").startswith("患者于2021年入院，2021出院，2020复查。指南2019年5月1日起施行")
    assert redact("患者，93岁", profile="medical") == "患者，90+岁"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021年3月5日", "2021年2月26日"), ("2021年03月05日", "2021年02月26日"), ("二〇二一年三月五日", "二〇二一年二月二十六日"),
        ("2021-03-05", "2021-02-26"), ("03/05/2021", "02/26/2021"), ("3/5/21", "2/26/21"), ("March 5, 2021", "February 26, 2021"),
        ("5 Mar 2021", "26 Feb 2021"), ("March 5th", "February 26th"), ("3月5日", "2月26日"),
    ],
)  # fmt: skip
def test_dates_keep_their_form(value: str, expected: str) -> None:
    assert shifted(value, 1, 2021) == expected
    assert year_of(value) in ("2021年", "2021", "二〇二一年", "")
    assert 1 <= weeks("id", "salt") <= 104


def test_the_salt_decides_what_a_run_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUSMILL_PII_SALT", "one")
    first = RedactPII(profile="medical").fingerprint()
    monkeypatch.setenv("CORPUSMILL_PII_SALT", "two")
    assert RedactPII(profile="medical").fingerprint() != first
    assert "two" not in json.dumps(first)


SECRETS = {
    "手机": "13812345678", "邮箱": "zhang.san@corpmail.cn", "身份证": "11010519491231002X", "密钥": "AKIAIOSFODNN7EXAMPLE", "患者": "刘丽华",
    "地址：": "浙江省杭州市西湖区文三路478号5幢502室", "住院号：": "ZY99887766", "call ": "(415) 782-2671", "Dr. ": "Marjorie Thistlewood",
}  # fmt: skip


def test_no_output_file_holds_a_secret(tmp_path: Path) -> None:
    """Kept, dropped and cut documents alike: after redaction a secret is in no file of the run."""
    rng = random.Random(3)
    raw = tmp_path / "raw"
    raw.mkdir()
    rows = []
    for i in range(60):
        planted = "".join(f"{label}{secret}，说明情况。\n" for label, secret in rng.sample(sorted(SECRETS.items()), 5))
        body = "本院经审理查明，事实清楚，证据充分。" * rng.choice([1, 12])
        rows.append({"id": f"d{i}", "text": f"{planted}{body}第{i}段。\n{planted}javascript must be enabled {planted}"})
    (raw / "a.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), "utf-8")
    steps = [RedactPII(kinds=KINDS), C4Lines(), GopherQuality(min_words=60), Augment(share=1, ops=["noise"])]
    Pipeline(steps).run(str(raw / "a.jsonl"), output=str(tmp_path / "out"), workers=1)
    written = sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert {"manifest.json", "report.html"} <= {p.name for p in written}
    assert any("ledger" in str(p) for p in written)
    for path in written:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            held = json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
        else:
            held = path.read_bytes().decode("utf-8", "replace")
        for secret in SECRETS.values():
            assert secret not in held, f"{secret} is in {path.name}"
            assert json.dumps(secret)[1:-1] not in held


def test_where_rules_begin_loses_nothing_that_they_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules tried where their starts say, against the rules tried at every character."""
    kinds = frozenset(KINDS)
    near = ["7", "A", "z", "）", "汉", "-", "("]
    texts = ["".join(f"{a}{text}{b}，" for a in near for b in near[:2]) + text for _, text, *_ in POSITIVE]
    texts += [text for _, text, *_ in POSITIVE]
    quick = [find(text, kinds) for text in texts]
    assert sum(map(len, quick)) > len(texts)
    for module in (dates, patterns, people, places, records):
        monkeypatch.setattr(module, "beginnings", lambda starts, text, places: places)
        monkeypatch.setattr(module, "matches_at", scan.matches)
    assert quick == [find(text, kinds) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "Patient: Never in my life. Never had one.\nPatient: Nope.\nPatient: Don't think so.\nPatient: It hurts.",
        "被执行人被限制高消费。被告人是尚未完全丧失辨认能力的人。被告作出金政(2012)149号决定。",
    ],
)
@pytest.mark.parametrize("profile", ["medical", "legal"])
def test_what_is_said_behind_a_label_is_no_name(profile: str, text: str) -> None:
    docs = Documents.from_texts([text, "Patient: John Miller\nProvider: Dr. Lee", "被告人王建国提供了证据。"])
    found = RedactPII(profile=profile).transform(docs).texts
    assert found[0] == text
    assert "Miller" not in found[1]
    assert "Lee" not in found[1]
    assert "建国" not in found[2]
