"""Identifiers in forms that `bench_privacy.py` does not plant, and look-alikes: a second draw, written before the rules were read.

Each form stands for a way in which people write an identifier: separators, extensions, full-width digits, labels, word order.
`FORMS` are rows of type, form, maker, Chinese carriers, English carriers; `{}` is where the value stands, alone glued to its
surroundings. `LOOK_ALIKES` are rows of kind, maker and carriers of what is no identifier. All values are made up here.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

DRAW = random.Random(77)
UPPER, LOWER, HEX = string.ascii_uppercase, string.ascii_lowercase, "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
Make = Callable[[], str]
Form = tuple[str, str, Make, tuple[str, ...], tuple[str, ...]]


def d(n: int) -> str:
    """n digits."""
    return "".join(DRAW.choices(string.digits, k=n))


def s(n: int, alphabet: str = ALNUM) -> str:
    """n characters of an alphabet."""
    return "".join(DRAW.choices(alphabet, k=n))


def n(low: int, high: int) -> int:
    """A number of the range, both ends in it."""
    return DRAW.randint(low, high)


def pick(values: str | tuple[str, ...] | list[str]) -> str:
    """One of them."""
    return DRAW.choice(values)


def split(text: str) -> list[str]:
    """The words of a list."""
    return text.split()


WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")

# People ----------------------------------------------------------------------------------------------------------------

SURNAMES = list(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
) * 3 + list("邬翟颜倪牛温芦季俞章鲁葛伍申尤毕聂丛焦柳邢岳齐梅庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游裴席卫查屈鲍霍翁隋甘景单包司柏宁柯阮桂闵解柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋臧苟全褚娄符奚穆")  # fmt: skip
COMPOUND = split(
    "欧阳 司马 上官 诸葛 慕容 令狐 夏侯 尉迟 皇甫 端木 呼延 南宫 东方 公孙 宇文 长孙 司徒 闻人 澹台 赫连 钟离 淳于 濮阳 申屠 独孤"
)
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂玉萍红梅建国海燕宇轩梓涵子墨浩然欣怡诗雨晨曦志文俊峰晓琳佳慧鹏飞春华凤琴德福永胜瑞雪婷婷思远家豪嘉怡淑珍金凤小龙亚楠雅婷泽凯丹妮倩云莉菲辉龙林波斌"
UYGHUR = split(
    "买买提 艾买提 吐尔逊 阿卜杜拉 阿不都热依木 古丽娜尔 阿依古丽 热合曼 木合塔尔 努尔买买提 帕提古丽 依明 阿迪力 艾合买提 司马义 肉孜 卡德尔 玉素甫 依布拉音 哈丽旦"
)
TIBETAN = split("扎西 多吉 次仁 卓玛 达瓦 尼玛 旦增 洛桑 央金 索朗 格桑 平措 白玛 拉姆")
MONGOL = split("巴特尔 乌云其木格 阿拉坦 苏和 那仁图雅 布和 斯琴高娃 额尔德尼 呼和 其其格")
WEST_ZH = split("约翰 玛丽 迈克尔 安德烈 卡洛斯 伊万诺娃 史密斯 安德森 约翰逊 费尔南德斯 彼得罗夫 穆勒 克里斯蒂娜")
FIRST = split(
    "Aaron Brigid Cedric Dolores Elias Fatima Graham Henrietta Ignacio Jocelyn Kwame Lorraine Malcolm Nadia Oswald Priya Quentin Rosalind Sanjay Tabitha Ulysses Veronica Wendell Ximena Yusuf Zelda Hannah Marcus Beatrice Dmitri"
)
LAST = split(
    "Abernathy Bhattacharya Castellanos Dufresne Eisenberg Fitzgerald Goldstein Hernandez Ishikawa Jablonski Kowalczyk Lindqvist McAllister Nakamura O'Sullivan Papadopoulos Quisenberry Rasmussen Schwartz Thibodeaux Underwood Vasquez Whitaker Yamamoto Zimmerman MacGregor D'Angelo Oyelaran"
)


def given(two: float = 0.75) -> str:
    return s(2 if DRAW.random() < two else 1, GIVEN)


def han() -> str:
    return pick(SURNAMES) + given()


def compound() -> str:
    return pick(COMPOUND) + given(0.5)


def first() -> str:
    return pick(FIRST)


def last() -> str:
    return pick(LAST)


def middle() -> str:
    return f"{first()} {pick(UPPER)}. {last()}"


PARTIES = (
    "再审申请人{}，", "被申请人{}，", "申请执行人：{}。", "被执行人{}，男，汉族", "第三人{}述称", "原审被告{}，", "一审原告{}，女，", "上诉人（原审原告）{}，",
    "被上诉人（原审被告）：{}，", "附带民事诉讼原告人{}，", "自诉人{}，", "被害人{}（女，", "证人{}的证言", "委托诉讼代理人：{}，", "法定代理人{}，", "负责人：{}，",
    "经营者：{}，", "借款人{}于", "出租人（甲方）：{}", "承租人{}，", "保证人{}承担", "买受人：{}", "监护人{}，", "异议人{}称", "原告：{}，", "被告：{}。",
)  # fmt: skip
PATIENTS = (
    "患儿{}，", "病人{}，", "病人姓名：{}", "患者姓名：{}，", "产妇{}，", "主治医师：{}", "主任医师{}查房", "住院医师：{}", "责任护士：{}", "家属签名：{}", "联系人：{}，",
    "报告医师：{}", "审核医师 {}", "申请医生：{}", "记录人：{}", "陪护人{}", "受检者：{}", "手术者：{}", "麻醉医师：{}",
)  # fmt: skip
TITLED = (
    "{}女士", "{}主任", "{}医生", "{}教授", "{}律师", "{}护士长", "{}经理", "{}老师", "{}同志", "{}法官", "{}警官", "{}院士",
)  # fmt: skip
AFTER_EN = (
    "appellee {}", "petitioner {}", "Respondent {}", "claimant {}", "the decedent, {}", "co-defendant {}", "tenant {}", "Landlord: {}", "Borrower: {}", "witness {}",
    "Next of kin: {}", "Emergency contact: {}", "Referring physician: {}", "Attending: {}", "Electronically signed by {}", "dictated by {}", "Guardian: {}", "Patient name: {}",
    "her husband {}", "his daughter, {}", "Officer {}", "Detective {}", "Nurse {}", "Professor {}", "the estate of {}", "PCP: {}", "Contact person: {}",
)  # fmt: skip

# Numbers ---------------------------------------------------------------------------------------------------------------


def mobile() -> tuple[str, str, str]:
    head = pick(split("133 135 136 138 139 147 150 158 159 166 176 177 182 186 188 189 191 198 199"))
    return head, d(4), d(4)


def joined(form: str) -> Make:
    """A mobile number in a form like `{}.{}.{}`."""
    return lambda: form.format(*mobile())


def land(form: str) -> Make:
    """A landline in a form with area code, four and four digits, extension."""

    def make() -> str:
        area = pick(split("010 020 021 022 025 027 028 029 0512 0532 0571 0574 0591 0755 0769 0411 0431 0898"))
        return form.format(area, str(n(2, 8)) + d(3), d(4), d(3), area[1:])

    return make


def resident(form: str = "{}{}{}") -> Make:
    """A resident ID with its check character: region, date, rest."""

    def make() -> str:
        region = pick(
            split(
                "110105 120103 130203 210102 310115 320106 330108 340104 370203 410105 420106 430104 440305 500112 510107 610113"
            )
        )
        date = f"{n(1938, 2015)}{n(1, 12):02d}{n(1, 28):02d}"
        body = region + date + d(3)
        total = sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(body))
        return form.format(region, date, body[14:] + "10X98765432"[total % 11])

    return make  # fmt: skip


def resident15() -> str:
    return pick(split("110105 320106 440305 510107")) + f"{n(40, 85)}{n(1, 12):02d}{n(1, 28):02d}" + d(3)


def luhn(head: str, length: int) -> str:
    body = head + d(length - len(head) - 1)
    total = sum(int(c) if i % 2 else sum(divmod(2 * int(c), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def grouped(number: str, *sizes: int, by: str = " ") -> str:
    out, at = [], 0
    for size in sizes:
        out.append(number[at : at + size])
        at += size
    return by.join(out + ([number[at:]] if number[at:] else []))


def iban(spaced: bool) -> Make:
    def make() -> str:
        country, bban = DRAW.choice(
            (
                ("DE", d(18)),
                ("GB", s(4, UPPER) + d(14)),
                ("FR", d(23)),
                ("NL", s(4, UPPER) + d(10)),
                ("ES", d(20)),
                ("CH", d(17)),
                ("IT", pick(UPPER) + d(22)),
            )
        )
        number = int("".join(str(int(c, 36)) for c in bban + country + "00"))
        value = f"{country}{98 - number % 97:02d}{bban}"
        return grouped(value, *[4] * (len(value) // 4)) if spaced else value

    return make  # fmt: skip


def hk_id(form: str = "{}({})") -> Make:
    def make() -> str:
        letter, number = pick("ABCDEGHKMPRVYZ"), d(6)
        total = 36 * 9 + (ord(letter) - 55) * 8 + sum(int(c) * w for c, w in zip(number, range(7, 1, -1), strict=True))
        check = -total % 11
        return form.format(letter + number, "A" if check == 10 else check)

    return make


def plate(form: str) -> Make:
    """A plate: province and letter, then by the form."""

    def make() -> str:
        head = pick("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
        return head + form.format(pick("ABCDEFGH"), d(5), pick("DF"), d(4), pick("ABCEGH"), d(3), pick("KLMN"))

    return make


def jwt() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    head = {"typ": "JWT", "alg": pick(split("HS256 RS256 ES384"))}
    return (
        f"{part(head)}.{part({'sub': d(10), 'name': first(), 'iat': n(1600000000, 1700000000)})}.{s(43, ALNUM + '-_')}"
    )


def ipv6(form: str) -> Make:
    def make() -> str:
        value = form.format(
            pick(split("2001:4860 2606:4700 2408:8207 240e:3a1 2a00:1450")), s(4, HEX), s(4, HEX), s(4, HEX), s(3, HEX)
        )
        return value.upper() if form.startswith("{0}:{1}:") and DRAW.random() < 0.3 else value

    return make  # fmt: skip


def ip() -> str:
    return f"{n(41, 99)}.{n(40, 255)}.{n(40, 255)}.{n(1, 254)}"


UUID = lambda: "-".join((s(8, HEX), s(4, HEX), "4" + s(3, HEX), "a" + s(3, HEX), s(12, HEX)))  # noqa: E731

# Dates, ages, places ---------------------------------------------------------------------------------------------------

MONTHS = split("January February March April May June July August September October November December")
SHORT = split("Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec")
ONES = "〇一二三四五六七八九"


def words(number: int) -> str:
    """1 to 99 in Chinese numerals."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else ONES[tens] + "十") + (ONES[ones] if ones else "")


def zh_words(zero: str = "〇") -> Make:
    return lambda: (
        "".join(ONES[int(c)] for c in str(n(1950, 2023))).replace("〇", zero)
        + f"年{words(n(1, 12))}月{words(n(1, 31))}日"
    )


def nth(day: int) -> str:
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def day(form: str) -> Make:
    """A date by a format: y, yy, m, mm, M (name), S (short), d, dd, o (1st)."""

    def make() -> str:
        year, month, date = n(1950, 2023), n(1, 12), n(1, 28)
        return form.format(y=year, yy=f"{year % 100:02d}", m=month, mm=f"{month:02d}", M=MONTHS[month - 1], S=SHORT[month - 1],
                           d=date, dd=f"{date:02d}", o=nth(date))  # fmt: skip

    return make


TENS = {9: "ninety", 10: "one hundred"}
UNITS = split("one two three four five six seven eight nine")
CITIES = split("江苏省苏州市吴中区 浙江省宁波市鄞州区 广东省佛山市顺德区 四川省绵阳市涪城区 湖北省襄阳市樊城区 山东省潍坊市奎文区 上海市闵行区 北京市丰台区 重庆市渝北区 福建省泉州市晋江市 河南省洛阳市涧西区 陕西省西安市雁塔区")  # fmt: skip
COUNTIES = split("安徽省六安市霍邱县 湖南省怀化市溆浦县 贵州省毕节市威宁县 河北省保定市阜平县 江西省赣州市于都县 云南省昭通市镇雄县 甘肃省陇南市武都区 广西壮族自治区百色市田阳县")  # fmt: skip
ROADS = split("学府路 滨河东路 解放北路 科技三路 迎宾大道 兴业街 文昌巷 桃源路 建设西路 金鸡湖大道 环城南路")
ESTATES = split("锦绣花园 阳光小区 万科城 碧水云天 翠湖家园 恒大绿洲 幸福里 金色家园")
TOWNS = split("石桥镇 大河乡 龙泉镇 白沙镇 双河口乡 清水镇 马集镇")
VILLAGES = split("李家村 东湾村 石门村 上坪村 新民村 大王庄村 柳树沟村")
STREETS = split("Maple Elm Willowbrook Harrington Chestnut Rosewood Kingsley Prospect Hawthorne Bellevue")
SUFFIX = split("Street Ave. Blvd Lane Drive Rd Court Way Circle Terrace Pkwy")
US_TOWNS = split("Springfield,IL Dayton,OH Albany,NY Tucson,AZ Boulder,CO Macon,GA Eugene,OR Topeka,KS Lubbock,TX")


def town(code: str = "{}") -> str:
    name, state = pick(US_TOWNS).split(",")
    return f"{name}, {state} {code.format(d(5))}"


def street() -> str:
    return f"{n(2, 9899)} {pick(('', '', 'N. ', 'SW ', 'West '))}{pick(STREETS)} {pick(SUFFIX)}"


# The forms -------------------------------------------------------------------------------------------------------------

CALL_ZH, CALL_EN = ("电话{}", "联系电话：{}", "请致电{}咨询"), ("call {}", "phone: {}", "Tel: {}")
LOCAL = lambda: f"{pick(LOWER)}{s(n(3, 7), LOWER)}"  # noqa: E731

FORMS: list[Form] = [
    ("email", "plus and dots", lambda: f"{LOCAL()}.{LOCAL()}+{LOCAL()}@{LOCAL()}-{LOCAL()}.co.uk", ("{}", "邮件：{}"), ("{}", "mail {}")),
    ("email", "digits at qq", lambda: f"{n(10000, 999999999)}@qq.com", ("{}", "QQ邮箱{}"), ("{}",)),
    ("email", "sub-domains, capitals", lambda: f"{first()}_{pick(MONTHS)[:3]}@Mail.{LOCAL()}.EDU.CN", ("投稿信箱：{}", "{}"), ("e-mail to {}",)),
    ("email", "full-width at", lambda: f"{LOCAL()}{d(3)}＠vip163.com", ("邮箱：{}", "电子邮件{}"), ()),
    ("email", "at in words", lambda: f"{LOCAL()}{pick((' [at] ', '[at]', '(at)', ' (at) '))}{LOCAL()}{pick(('.com', ' [dot] com', '[dot]org'))}", ("邮箱：{}",), ("email: {}", "reach me at {}")),
    ("email", "in angle brackets", lambda: f"{LOCAL()}@{LOCAL()}.io", ("联系人<{}>",), ("<{}>", "mailto:{}")),
    ("mobile_cn", "dots", joined("{}.{}.{}"), ("{}", "手机{}"), ("cell {}",)),
    ("mobile_cn", "0086", joined("0086{}{}{}"), CALL_ZH, CALL_EN),
    ("mobile_cn", "0086-", joined("0086-{}-{}-{}"), CALL_ZH, CALL_EN),
    ("mobile_cn", "0086 spaced", joined("0086 {}{}{}"), CALL_ZH, CALL_EN),
    ("mobile_cn", "full-width digits", lambda: "".join(mobile()).translate(WIDE), ("手机：{}", "{}"), ()),
    ("mobile_cn", "3 and 8", joined("{} {}{}"), ("{}", "手机：{}"), ("mobile {}",)),
    ("mobile_cn", "4-3-4", lambda: grouped("".join(mobile()), 4, 3, by="-"), ("手机：{}",), ("mobile {}",)),
    ("mobile_cn", "full-width hyphens", joined("{}－{}－{}"), ("手机：{}", "{}"), ()),
    ("mobile_cn", "+86 brackets and hyphens", joined("+86 ({}) {}-{}"), ("{}", "手机：{}"), ("{}",)),
    ("mobile_cn", "+86-", joined("+86-{}-{}-{}"), ("{}", "微信/手机：{}"), ("WhatsApp {}",)),
    ("mobile_cn", "bare, slash to a second", lambda: "/".join("".join(mobile()) for _ in "ab"), ("电话：{}", "{}"), ("call {}",)),
    ("landline_cn", "extension by 转", land("{}-{}{}转{}"), ("电话：{}", "{}", "总机{}"), ("{}",)),
    ("landline_cn", "extension by 分机", land("{}-{}{} 分机{}"), ("电话：{}", "{}"), ()),
    ("landline_cn", "extension by ext", land("{}-{}{} ext. {}"), ("电话：{}",), ("phone {}",)),
    ("landline_cn", "split in two", land("{}-{} {}"), ("电话：{}", "{}"), ("phone {}",)),
    ("landline_cn", "hyphens", land("{}-{}-{}"), ("电话：{}",), ("phone {}",)),
    ("landline_cn", "brackets and spaces", land("({}) {} {}"), ("电话：{}", "{}"), ("phone {}",)),
    ("landline_cn", "+86 brackets", land("+86 ({4}) {1} {2}"), ("电话：{}", "{}"), ("{}",)),
    ("landline_cn", "0086", land("0086-{4}-{1}{2}"), ("电话：{}", "{}"), ("{}",)),
    ("landline_cn", "full-width", lambda: land("{}－{}{}")().translate(WIDE), ("电话：{}", "传真：{}"), ()),
    ("landline_cn", "400 numbers", lambda: pick((f"400-{d(3)}-{d(4)}", f"400{d(7)}", f"400-{d(4)}-{d(3)}", f"400 {d(3)} {d(4)}")), ("客服电话：{}", "全国统一热线{}", "咨询电话{}"), ("hotline {}",)),
    ("landline_cn", "local number", lambda: f"{n(2, 8)}{d(7)}", ("电话：{}", "家庭电话{}", "单位电话：{}"), ()),
    ("phone", "dots", lambda: f"{n(201, 989)}.{n(201, 989)}.{d(4)}", ("电话{}",), ("{}", "call {}", "fax {}")),
    ("phone", "hyphens", lambda: f"{n(201, 989)}-{n(201, 989)}-{d(4)}", ("电话{}",), ("{}", "call {}", "pager {}")),
    ("phone", "1-8xx", lambda: f"1-8{pick(('00', '88', '77'))}-{n(201, 989)}-{d(4)}", ("拨打{}",), ("{}", "toll free {}")),
    ("phone", "extension x", lambda: f"({n(201, 989)}) {n(201, 989)}-{d(4)} {pick(('x', 'ext ', 'ext. ', 'extension '))}{d(3)}", (), ("{}", "office: {}")),
    ("phone", "+1 dots", lambda: f"+1.{n(201, 989)}.{n(201, 989)}.{d(4)}", ("{}", "电话{}"), ("{}",)),
    ("phone", "+44 (0)", lambda: f"+44 (0)20 {n(7000, 8999)} {d(4)}", CALL_ZH, ("{}", "Tel {}")),
    ("phone", "UK national", lambda: pick((f"020 {n(7000, 8999)} {d(4)}", f"07{d(3)} {d(6)}", f"(0161) {d(3)} {d(4)}")), (), ("Tel: {}", "phone {}", "telephone {}", "Mobile: {}")),
    ("phone", "00 in front", lambda: f"00{pick(('44 20', '49 30', '33 1', '81 3', '61 2'))} {d(4)} {d(4)}", CALL_ZH, CALL_EN),
    ("phone", "011 in front", lambda: f"011 44 {d(3)} {d(3)} {d(4)}", (), CALL_EN),
    ("phone", "France by twos", lambda: f"+33 {n(1, 9)} {d(2)} {d(2)} {d(2)} {d(2)}", ("{}", "电话{}"), ("{}",)),
    ("phone", "Germany", lambda: pick((f"+49 30 {d(7)}", f"+49 (0)89 {d(6)}", f"+49-171-{d(7)}", f"+49 {d(3)}/{d(6)}")), ("{}", "电话{}"), ("{}",)),
    ("phone", "India, Singapore", lambda: pick((f"+91 {n(7, 9)}{d(4)} {d(5)}", f"+65 {n(6, 9)}{d(3)} {d(4)}")), ("{}", "电话{}"), ("{}",)),
    ("phone", "Hong Kong", lambda: pick((f"+852-{n(2, 9)}{d(3)}-{d(4)}", f"(852) {n(2, 9)}{d(3)} {d(4)}", f"852-{n(2, 9)}{d(7)}")), ("电话：{}", "香港电话{}"), ("phone {}", "Tel. {}")),
    ("phone", "Taiwan", lambda: pick((f"+886-2-{n(2, 8)}{d(3)}-{d(4)}", f"+886 9{d(2)} {d(3)} {d(3)}", f"(02) {n(2, 8)}{d(3)}-{d(4)}", f"09{d(2)}-{d(3)}-{d(3)}", f"02-{n(2, 8)}{d(7)}")), ("电话：{}", "手机{}"), ("phone {}", "cell {}")),
    ("phone", "tel:", lambda: f"+1-{n(201, 989)}-{n(201, 989)}-{d(4)}", (), ("<tel:{}>", "tel:{}")),
    ("id_cn", "full-width digits", lambda: resident()().translate(WIDE), ("身份证号：{}", "{}"), ()),
    ("id_cn", "spaces", resident("{} {} {}"), ("身份证号码：{}", "{}"), ("ID card {}",)),
    ("id_cn", "hyphens", resident("{}-{}-{}"), ("身份证号{}",), ("ID No. {}",)),
    ("id_cn", "lower-case x", lambda: resident()().lower(), ("公民身份证号码{}", "（身份证：{}）"), ("{}",)),
    ("id_cn", "label behind brackets", lambda: resident()(), ("居民身份证（号码：{}）", "身份证件号码为{}"), ("Chinese ID: {}",)),
    ("id_cn", "15 digits", resident15, ("身份证号：{}", "身份证{}", "公民身份号码{}"), ("ID card number {}",)),
    ("id_cn", "fours and sixes", lambda: grouped(resident()(), 6, 4, 4), ("身份证号：{}",), ()),
    ("passport", "Hong Kong identity card", lambda: hk_id(pick(("{}({})", "{}（{}）")))(), ("香港身份证{}", "香港居民身份证号码：{}", "香港永久性居民身份证号码{}"), ("HKID {}", "Hong Kong Identity Card No. {}")),
    ("passport", "pass to Hong Kong and Macau", lambda: pick(("C", "W", "CA")) + d(8), ("港澳通行证{}", "往来港澳通行证号码：{}", "通行证号{}"), ("Exit-Entry Permit No. {}",)),
    ("passport", "home return permit", lambda: pick("HM") + d(pick((8, 10))), ("回乡证号{}", "港澳居民来往内地通行证：{}", "港澳居民来往内地通行证号码{}"), ("Home Return Permit No. {}",)),
    ("passport", "Taiwan pass", lambda: pick((d(8), d(10) + "(B)", "L" + d(8))), ("台胞证号：{}", "台湾居民来往大陆通行证号码{}", "大陆居民往来台湾通行证：{}"), ("Taiwan Compatriot Permit No. {}",)),
    ("passport", "Taiwan identity card", lambda: pick("ABCDEFGH") + pick("12") + d(8), ("台湾身份证号{}", "中华民国身份证：{}", "台湾居民身份证号码：{}"), ("National ID No. {}",)),
    ("passport", "word order", lambda: pick(("E", "G", "EA", "EJ", "C0")) + d(7), ("护照（编号{}）", "持编号为{}的护照", "护照 No.{}", "护照证件号：{}"), ("passport number is {}", "Passport # {}", "U.S. Passport: {}", "passport ({})", "Passport No: {}")),
    ("passport", "residence permit for foreigners", lambda: s(3, UPPER) + d(12), ("外国人永久居留身份证号{}", "外国人永久居留证号码：{}"), ()),
    ("bank_card", "hyphens", lambda: grouped(luhn(pick(("4", "51", "62")), 16), 4, 4, 4, by="-"), ("卡号：{}", "{}"), ("card {}", "{}")),
    ("bank_card", "19 digits by fours", lambda: grouped(luhn(pick(("622202", "621700", "622848")), 19), 4, 4, 4, 4), ("银行卡号：{}", "{}"), ("card no. {}",)),
    ("bank_card", "19 digits, six and thirteen", lambda: grouped(luhn(pick(("622202", "621700", "622848")), 19), 6), ("银行卡号：{}", "{}"), ("card no. {}",)),
    ("bank_card", "amex 4-6-5", lambda: grouped(luhn("37", 15), 4, 6), ("卡号{}",), ("{}", "Amex {}")),
    ("bank_card", "full-width digits", lambda: luhn("622202", 19).translate(WIDE), ("卡号：{}", "{}"), ()),
    ("bank_card", "bank and account", lambda: luhn(pick(("622202", "621661", "6217")), 19), ("开户行：中国建设银行，账号：{}", "工行卡{}", "汇至其尾款账户（{}）"), ("debit card {}", "Visa/UnionPay: {}")),
    ("bank_card", "account that is no card", lambda: "".join((pick("123489"), d(15))), ("银行账号：{}", "开户账号{}", "收款账户：{}"), ("bank account number {}", "Acct. No. {}")),
    ("bank_card", "IBAN spaced", iban(True), ("IBAN：{}", "账户{}"), ("{}", "IBAN: {}")),
    ("bank_card", "IBAN", iban(False), ("IBAN：{}", "账户{}"), ("{}", "IBAN {}")),
    ("bank_card", "routing number, account", lambda: d(9), (), ("routing number {}", "ABA routing no. {}", "account number {}", "checking account {}")),
    ("company_code_cn", "organisation code", lambda: f"{d(8)}-{pick(string.digits + 'X')}", ("组织机构代码：{}", "组织机构代码证号{}"), ()),
    ("company_code_cn", "registration number", lambda: pick(("110", "310", "440")) + d(12), ("营业执照注册号：{}", "工商注册号{}", "注册号：{}"), ()),
    ("plate_cn", "new energy, small", plate("{0}{2}{1}"), ("{}", "车牌{}", "驾驶{}号小型客车"), ("plate {}",)),
    ("plate_cn", "new energy, letters", plate("{0}{2}{4}{3}"), ("{}", "车牌{}", "驾驶{}号轿车"), ("plate {}",)),
    ("plate_cn", "new energy, large", plate("{0}{1}{2}"), ("{}", "大客车{}"), ("plate {}",)),
    ("plate_cn", "hyphen", plate("{0}-{1}"), ("车牌号：{}", "驾驶{}号牌车辆"), ("plate {}",)),
    ("plate_cn", "dot and letters", plate("{0}·{6}{3}"), ("{}", "驾驶{}小型普通客车"), ("plate {}",)),
    ("plate_cn", "two letters behind", plate("{0}{5}{4}{6}"), ("{}", "驾驶牌号为{}的重型货车"), ()),
    ("plate_cn", "Hong Kong in Guangdong", lambda: f"粤Z{pick(('', '·'))}{pick('ABCDEFGH')}{d(3)}{pick('港澳')}", ("{}", "驾驶{}号车"), ()),
    ("plate_cn", "full-width", lambda: plate("{0}{1}")().translate(WIDE), ("车牌号：{}",), ()),
    ("document_number", "plate, foreign", lambda: pick((f"{n(2, 8)}{s(3, UPPER)}{d(3)}", f"{s(3, UPPER)}-{d(4)}", f"{s(2, UPPER)}{n(10, 73)} {s(3, UPPER)}")), (), ("license plate {}", "licence plate number {}", "plate number: {}", "registration number {}")),
    ("ip", "IPv6 ::", ipv6("{0}:{1}::{2}"), ("{}", "地址{}"), ("{}", "host {}")),
    ("ip", "IPv6 :: short", ipv6("{0}::{4}"), ("IP：{}", "{}"), ("{}", "host {}")),
    ("ip", "IPv6 full", ipv6("{0}:{1}:{2}:{3}:{1}:{4}:{2}"), ("{}", "IP：{}"), ("{}", "from {}")),
    ("ip", "IPv6 in brackets with port", ipv6("{0}::{1}:{2}"), ("[{}]:8080", "[{}]"), ("http://[{}]:443/", "[{}]:22")),
    ("ip", "IPv4 with port", ip, ("{}:8080", "服务器{}:3306"), ("{}:443", "server {}:22")),
    ("ip", "IPv4 in a link", lambda: f"{ip()}", ("http://{}/admin",), ("http://{}/login", "ssh root@{}")),
    ("ip", "IPv4 with mask", ip, ("{}/24", "网段{}/28"), ("{}/32",)),
    ("document_number", "MAC address", lambda: pick((":", "-")).join(s(2, HEX.upper()) for _ in range(6)), ("MAC地址：{}", "网卡{}"), ("MAC address {}", "MAC: {}")),
    ("url_credentials", "ftp", lambda: f"{LOCAL()}:{s(6)}!{s(2)}", ("下载ftp://{}@ftp.corp.cn/pub",), ("get ftp://{}@ftp.corp.com/pub",)),
    ("url_credentials", "escaped", lambda: f"{LOCAL()}%40corp:{s(4)}%23{s(4)}", ("https://{}@mail.corp.cn/",), ("https://{}@mail.corp.com/",)),
    ("url_credentials", "redis", lambda: s(14), ("redis://:{}@cache.corp.cn:6379/0",), ("redis://:{}@cache.corp.com:6379/0",)),
    ("url_credentials", "token as user", lambda: s(30), ("git clone https://{}@git.corp.cn/a/b.git",), ("git clone https://{}@git.corp.com/a/b.git",)),
    ("url_credentials", "oauth2", lambda: f"oauth2:{s(24)}", ("https://{}@git.corp.cn/a/b.git",), ("https://{}@git.corp.com/a/b.git",)),
    ("url_credentials", "mongodb+srv", lambda: f"{LOCAL()}:{s(12)}", ("mongodb+srv://{}@c0.corp.cn/db",), ("mongodb+srv://{}@c0.corp.com/db",)),
    ("url_credentials", "query", lambda: s(28), ("https://api.corp.cn/v1?access_token={}&page=2", "https://a.corp.cn/x?user=bob&password={}"), ("https://api.corp.com/v1?id=3&access_token={}", "https://a.corp.com/?sig={}", "https://a.corp.com/f?secret={}")),
    ("url_credentials", "jdbc", lambda: s(12), ("jdbc:mysql://db.corp.cn:3306/x?user=root&password={}",), ("jdbc:postgresql://db.corp.com/x?user=app&password={}", "Server=db;Uid=app;Pwd={};")),
    ("api_key", "AWS id", lambda: pick(("AKIA", "ASIA")) + s(16, UPPER + "234567"), ("{}", "密钥：{}"), ("{}", "aws_access_key_id = {}")),
    ("api_key", "AWS secret", lambda: s(40, ALNUM + "/+"), ("aws_secret_access_key={}",), ("aws_secret_access_key = {}", 'AWS_SECRET_ACCESS_KEY="{}"')),
    ("api_key", "GitHub", lambda: pick(("ghp_", "gho_", "ghs_", "ghr_", "ghu_")) + s(36), ("{}", "令牌{}"), ("{}", "token {}")),
    ("api_key", "GitHub fine-grained", lambda: f"github_pat_{s(22)}_{s(59)}", ("{}",), ("{}",)),
    ("api_key", "Slack", lambda: pick((f"xoxb-{d(11)}-{d(12)}-{s(24)}", f"xoxp-{d(12)}-{d(12)}-{d(12)}-{s(32, HEX)}", f"xapp-1-A{s(10, UPPER)}-{d(12)}-{s(64, HEX)}")), ("{}",), ("{}", "SLACK_TOKEN={}")),
    ("api_key", "webhooks", lambda: f"T{s(8, UPPER)}/B{s(8, UPPER)}/{s(24)}", ("https://hooks.slack.com/services/{} ",), ("https://hooks.slack.com/services/{}",)),
    ("api_key", "webhooks, two", lambda: f"{d(18)}/{s(68)}", ("https://discord.com/api/webhooks/{} ",), ("https://discord.com/api/webhooks/{}",)),
    ("api_key", "webhooks, three", UUID, ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={}，", "https://open.feishu.cn/open-apis/bot/v2/hook/{}，"), ()),
    ("api_key", "OpenAI", lambda: pick((f"sk-{s(20)}T3BlbkFJ{s(20)}", f"sk-proj-{s(48, ALNUM + '-_')}T3BlbkFJ{s(48)}", f"sk-svcacct-{s(60)}", f"sk-{s(32, HEX)}")), ("{}", "密钥{}"), ("{}", "OPENAI_API_KEY={}")),
    ("api_key", "Anthropic, Hugging Face, Groq", lambda: pick((f"sk-ant-api03-{s(93, ALNUM + '-_')}AA", f"hf_{s(34)}", f"gsk_{s(52)}")), ("{}",), ("{}", "key: {}")),
    ("api_key", "Stripe", lambda: pick(("sk_live_", "rk_live_", "sk_test_", "whsec_")) + s(24), ("{}",), ("{}",)),
    ("api_key", "Google", lambda: pick((f"AIza{s(35, ALNUM + '-_')}", f"GOCSPX-{s(28)}", f"ya29.a0{s(60, ALNUM + '-_')}")), ("{}",), ("{}",)),
    ("api_key", "npm, PyPI, GitLab, Docker", lambda: pick((f"npm_{s(36)}", f"pypi-AgEIcHlwaS5vcmc{s(60, ALNUM + '-_')}", f"glpat-{s(20)}", f"dckr_pat_{s(27)}")), ("{}",), ("{}",)),
    ("api_key", "Chinese clouds", lambda: pick((f"LTAI5t{s(18)}", f"AKID{s(32)}", f"AKLT{s(43)}")), ("AccessKey：{}", "{}"), ("{}",)),
    ("api_key", "JSON web token", jwt, ("{}", "token：{}"), ("{}", "Authorization: Bearer {}")),
    ("api_key", "bearer", lambda: s(40), ("Authorization: Bearer {}",), ("Authorization: Bearer {}", "-H 'Authorization: token {}'")),
    ("api_key", "basic", lambda: base64.b64encode(f"{LOCAL()}:{s(14)}".encode()).decode(), ("Authorization: Basic {}",), ("Authorization: Basic {}",)),
    ("api_key", "storage key", lambda: s(86, ALNUM + "+/") + "==", ("AccountKey={}",), ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}", "AccountKey={}")),
    ("api_key", "header, JSON, YAML, shell", lambda: s(32), ('"api_key": "{}"', "app_secret: {}", "export API_TOKEN={}"), ("x-api-key: {}", '"client_secret": "{}"', "export TOKEN={}", "secret_key: {}")),
    ("api_key", "password", lambda: f"{pick(UPPER)}{s(5, LOWER)}{pick('@#!$%')}{d(4)}", ("密码：{}", "登录口令为{}", "初始密码{}"), ("password: {}", "passwd={}", "my password is {}", "PASSWORD={}")),
    ("api_key", "private key", lambda: f"-----BEGIN {pick(('OPENSSH', 'RSA', 'EC'))} PRIVATE KEY-----\n{s(64)}\n{s(64)}\n{s(20)}==\n-----END PRIVATE KEY-----", ("\n{}\n",), ("\n{}\n",)),
    ("ssn_us", "spaces", lambda: f"{n(101, 665)} {n(10, 99)} {n(1000, 9999)}", ("社会安全号码 {}",), ("SSN {}", "Social Security Number: {}")),
    ("ssn_us", "nine digits", lambda: f"{n(101, 665)}{n(10, 99)}{n(1000, 9999)}", ("社会安全号：{}",), ("SSN: {}", "SS# {}", "Social Security No. {}")),
    ("ssn_us", "dots", lambda: f"{n(101, 665)}.{n(10, 99)}.{n(1000, 9999)}", (), ("SSN {}", "social security # {}")),
    ("medical_record", "labels zh", lambda: pick((d(7), d(10), "0" + d(6), f"{n(2015, 2023)}{d(6)}")), ("登记号：{}", "就诊卡号{}", "诊疗卡号：{}", "病人ID：{}", "患者编号：{}", "病历编号{}", "门急诊号：{}", "ID号：{}", "住院病历号：{}", "病案首页编号：{}"), ()),
    ("medical_record", "examination numbers zh", lambda: pick((f"{n(2015, 2023)}-{d(5)}", f"CT{d(6)}", f"US{d(8)}", d(8), f"B{n(2015, 2023)}{d(5)}")), ("病理号：{}", "影像号：{}", "超声号{}", "X线号：{}", "标本号：{}", "检验条码号：{}", "CT号{}", "条码号：{}"), ()),
    ("medical_record", "insurance zh", lambda: pick((d(9), d(12), pick(UPPER) + d(8))), ("医保号：{}", "社保卡号{}", "社会保障号码：{}", "健康卡号：{}", "新农合证号：{}", "医疗证号{}", "保单号：{}"), ()),
    ("medical_record", "labels en", lambda: pick((d(7), f"{d(2)}-{d(2)}-{d(2)}", f"{pick(UPPER)}-{d(5)}-{d(2)}", f"{s(3, UPPER)}{d(6)}", f"00{d(6)}")), (), ("MRN#{}", "MRN # {}", "MR# {}", "Med Rec No: {}", "Medical Record #: {}", "Medical Rec. No. {}", "Chart # {}", "Chart No. {}", "Hospital number: {}", "Patient No. {}", "Patient identifier: {}", "Record number {}", "Encounter ID: {}", "Visit number: {}")),
    ("medical_record", "specimens en", lambda: pick((f"S{n(15, 23)}-{d(5)}", f"{n(2015, 2023)}-{d(6)}", d(9))), (), ("Accession No. {}", "Accession number: {}", "Specimen ID: {}", "Specimen # {}")),
    ("medical_record", "insurance en", lambda: pick((f"{s(3, UPPER)}{d(9)}", d(10), f"{d(3)}-{d(6)}")), (), ("Subscriber ID: {}", "Policy ID: {}", "Policy # {}", "Insurance ID {}", "Health plan ID: {}", "Medicaid ID {}", "Group number: {}", "Beneficiary number {}", "Group # {}")),
    ("medical_record", "Medicare, NHS", lambda: pick((f"{n(1, 9)}EG{n(1, 9)}-TE{n(1, 9)}-MK{d(2)}", f"{d(3)} {d(3)} {d(4)}")), (), ("Medicare number {}", "NHS number {}", "NHS No: {}", "Medicare ID: {}")),
    ("document_number", "labels zh", lambda: pick((d(12), d(10), pick(UPPER) + d(8))), ("驾照号：{}", "驾驶证编号{}", "工号：{}", "学号{}", "执业证书编号：{}", "资格证书号：{}", "出生医学证明编号：{}", "学籍号：{}", "残疾证号：{}", "户口簿号{}", "会员号：{}", "警号：{}", "结婚证号：{}"), ()),
    ("document_number", "property certificates", lambda: pick((f"京房权证朝字第{d(6)}号", f"苏（{n(2016, 2023)}）南京市不动产权第{d(7)}号", f"粤房地权证深字第{d(9)}号")), ("房产证号：{}", "不动产权证号：{}", "产权证号为{}"), ()),
    ("document_number", "officers' cards", lambda: f"{pick(('军', '参', '南', '海'))}字第{d(pick((6, 7, 8)))}号", ("军官证：{}", "军官证号：{}", "士兵证号{}"), ()),
    ("document_number", "vehicles", lambda: pick((s(17, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"), s(4, UPPER) + d(4))), ("车辆识别代号：{}", "发动机号：{}", "车架号为{}", "车辆识别代号（车架号）：{}"), ("VIN: {}", "VIN# {}", "vehicle identification number {}", "chassis number {}", "engine number: {}")),
    ("document_number", "licences en", lambda: pick((f"{pick(UPPER)}{d(7)}", d(9), f"{pick(UPPER)}{d(3)}-{d(4)}-{d(4)}", d(6))), (), ("DL# {}", "Driver License No. {}", "driver's licence: {}", "Driver's License #{}", "Bar No. {}", "DEA # {}", "State Bar No. {}", "License # {}", "Certificate No. {}", "certificate number: {}", "NPI # {}")),
    ("document_number", "persons en", lambda: pick((d(8), f"{pick(UPPER)}{d(6)}", f"{d(2)}-{d(7)}")), (), ("Employee ID: {}", "Student ID {}", "Employee No. {}", "Tax ID: {}", "EIN {}", "taxpayer identification number {}", "Inmate No. {}", "Badge No. {}", "Alien Registration Number {}", "Account #: {}", "Loan number {}")),
    ("document_number", "devices", lambda: pick((f"35{d(13)}", f"SN{d(9)}", f"{s(3, UPPER)}-{d(5)}-{s(2, UPPER)}")), ("IMEI：{}", "序列号：{}", "设备编号：{}", "SN：{}"), ("IMEI {}", "IMEI: {}", "Serial No.: {}", "S/N {}", "serial # {}", "device serial number {}", "device identifier: {}")),
    ("name", "parties", han, PARTIES, ()),
    ("name", "patients and staff", han, PATIENTS, ()),
    ("name", "titles behind", han, TITLED, ()),
    ("name", "compound surnames", compound, PARTIES + PATIENTS + TITLED, ()),
    ("name", "Uyghur, with a dot", lambda: f"{pick(UYGHUR)}{pick('···•・.')}{pick(UYGHUR)}", PARTIES + PATIENTS, ()),
    ("name", "Tibetan, Mongolian", lambda: pick((pick(TIBETAN) + pick(TIBETAN), pick(MONGOL))), ("姓名：{}", "患者{}，男", "被告人{}，藏族，", "原告{}，女，蒙古族", "患者姓名：{}，", "被告：{}，", "证人{}，"), ()),
    ("name", "foreign, in Chinese", lambda: f"{pick(WEST_ZH)}·{pick(WEST_ZH)}", (*PARTIES, "{}先生", "{}女士"), ()),
    ("name", "Traditional", lambda: pick("陳張劉黃吳許鄭謝蔡葉鄧馮蕭羅盧鍾") + s(2, "偉麗國華麗嬌勝傑龍鳳雲淑芬嘉欣俊賢志強"), ("被告{}，", "原告{}訴稱", "患者{}，", "姓名：{}", "{}先生", "{}女士", "上訴人{}"), ()),
    ("name", "Latin in Chinese text", lambda: f"{first()} {last()}", ("原告{}，", "患者{}，", "姓名：{}，", "被告{}（", "被告人{}，", "{}先生"), ()),
    ("name", "spaced", lambda: f"{pick(SURNAMES)}{pick((' ', '　', '  '))}{pick(GIVEN)}", ("姓名：{}，", "患者姓名：{}  性别：男", "被告人：{}，"), ()),
    ("name", "several", lambda: "、".join(han() for _ in range(3)), ("原告{}，", "被告人{}犯", "证人{}的证言", "被害人{}，", "被告{}。"), ()),
    ("name", "brackets and sex", han, ("{}（男，1975年生）", "{}，女，汉族", "{}（女，"), ()),
    ("name", "kin", han, ("其妻{}", "其父{}", "其子{}", "患者之女{}", "丈夫{}"), ()),
    ("name", "initials en", lambda: f"{pick(UPPER)}. {pick(UPPER)}. {last()}", (), ("Mr. {}", "Dr. {}", "Plaintiff {}", "Patient: {}", "Mrs. {}")),
    ("name", "middle initial", middle, (), ("Dr. {}", "Defendant {}", "Patient: {}", "Name: {}", "Ms. {}", "patient {}")),
    ("name", "hyphens", lambda: f"{first()}-{first()} {last()}-{last()}", (), ("Mrs. {}", "plaintiff {}", "Patient: {}", "Name: {}", "Prof. {}")),
    ("name", "particles", lambda: f"{first()} {pick(('van der', 'de la', 'von', 'del', 'bin', 'St.', 'Mc'))} {last()}".replace("Mc ", "Mc"), (), ("Mr. {}", "Defendant {}", "Patient: {}", "Name: {}", "Dr. {}")),
    ("name", "suffixes", lambda: f"{first()} {last()}{pick((' Jr.', ', Jr.', ' III', ' Sr.', ', II'))}", (), ("Mr. {}", "Defendant {}", "Patient: {}", "Plaintiff {}")),
    ("name", "surname first", lambda: f"{last()}, {first()} {pick(UPPER)}", (), ("Patient: {}", "Name: {}", "Patient Name: {}", "PATIENT: {}")),
    ("name", "capitals", lambda: f"{first()} {last()}".upper(), (), ("Patient: {}", "Plaintiff {}", "MR. {}", "NAME: {}", "Defendant {}", "PLAINTIFF {}", "DR. {}")),
    ("name", "degrees behind", lambda: f"{first()} {last()}", (), ("{}, RN", "{}, Ph.D.", "{}, M.D.", "{}, DO", "{}, Esq.", "{}, NP", "{} MD", "{}, PA-C")),
    ("name", "titles en", lambda: f"{first()} {last()}", (), ("Miss {}", "Prof. {}", "Rev. {}", "Sgt. {}", "Capt. {}", "Mx. {}", "Hon. {}", "Sir {}", "Lt. {}", "Mister {}")),
    ("name", "surname alone", last, (), ("Mr. {}", "Dr. {}", "Mrs. {}", "Ms. {}", "Miss {}", "Prof. {}")),
    ("name", "accents", lambda: f"{pick(split('José María Zoë Søren Łukasz Jürgen Chloé Nuñez'))} {pick(split('García Müller Ångström Peña Żółć Gonçalves Núñez Dvořák'))}", (), ("Mr. {}", "Dr. {}", "Patient: {}", "plaintiff {}", "Name: {}")),
    ("name", "roles en", lambda: f"{first()} {last()}", (), AFTER_EN),
    ("address", "road to room", lambda: f"{pick(CITIES)}{pick(ROADS)}{n(1, 999)}号{n(1, 30)}栋{n(1, 4)}单元{n(1, 33)}0{n(1, 6)}室", ("住{}", "住址：{}", "地址：{}", "送货至{}", "{}"), ()),
    ("address", "estate", lambda: f"{pick(CITIES)}{pick(ESTATES)}{n(1, 30)}幢{n(101, 3306)}", ("住{}", "现住址：{}", "居住地{}", "户籍所在地{}"), ()),
    ("address", "lane", lambda: f"上海市{pick(('徐汇区', '浦东新区', '静安区'))}{pick(ROADS)}{n(1, 999)}弄{n(1, 99)}号{n(101, 2306)}室", ("住{}", "{}", "住所地{}"), ()),
    ("address", "village and group", lambda: f"{pick(COUNTIES)}{pick(TOWNS)}{pick(VILLAGES)}{pick((f'{n(1, 20)}组', f'{n(1, 20)}组{n(1, 99)}号', f'第{words(n(1, 9))}村民小组', f'{n(1, 300)}号'))}", ("住{}", "户籍地{}", "住所地：{}", "家住{}", "捕前住{}"), ()),
    ("address", "banner and gacha", lambda: f"内蒙古自治区{pick(('通辽市科尔沁左翼中旗', '呼伦贝尔市鄂温克族自治旗', '锡林郭勒盟东乌珠穆沁旗'))}{pick(('巴彦塔拉苏木', '额吉淖尔镇'))}{pick(('哈日嘎查', '宝力格嘎查'))}{n(1, 99)}号", ("住{}", "户籍地{}"), ()),
    ("address", "tower", lambda: f"{pick(CITIES)}{pick(ROADS)}{n(1, 999)}号{pick(('国际大厦', '金融中心', '创业广场'))}{pick('ABC')}座{n(2, 33)}层{n(1, 33)}0{n(1, 9)}", ("办公地址：{}", "位于{}", "联系地址：{}", "{}"), ()),
    ("address", "Hong Kong and Taiwan", lambda: pick((f"香港九龙弥敦道{n(1, 600)}号{pick(ESTATES)}{n(2, 40)}楼{pick('ABCD')}室", f"台北市大安区忠孝东路{pick('三四五')}段{n(1, 300)}号{n(2, 20)}楼之{n(1, 9)}", f"台湾台中市西屯区文心路{n(1, 300)}巷{n(1, 30)}弄{n(1, 99)}号")), ("住{}", "地址：{}", "现住{}"), ()),
    ("address", "spaced or full-width", lambda: pick((f"{pick(CITIES)} {pick(ROADS)} {n(1, 999)} 号 {n(1, 30)} 楼 {n(101, 999)} 室", f"{pick(CITIES)}{pick(ROADS)}{n(1, 999)}号{n(101, 999)}室".translate(WIDE))), ("住{}", "地址：{}"), ()),
    ("address", "postal code", lambda: d(6), ("邮编：{}", "邮政编码{}", "邮政编码：{}"), ()),
    ("address", "flat and town", lambda: f"{street()}, {pick(('Apt. 4B', 'Apt 12', 'Unit 7', 'Suite 210', '#3C'))}, {town()}", (), ("lives at {}", "{}", "Address: {}", "Mailing address: {}")),
    ("address", "no comma", lambda: f"{street()} {town('{}-' + d(4))}", (), ("resides at {}", "{}", "home address: {}")),
    ("address", "PO box", lambda: f"{pick(('P.O. Box', 'PO Box', 'P. O. Box', 'Post Office Box'))} {n(11, 9999)}, {town()}", (), ("{}", "mail to {}", "Address: {}")),
    ("address", "numbered streets", lambda: f"{n(2, 9899)} {pick(('NE ', 'East ', 'W. ', ''))}{nth(n(1, 98))} {pick(('Street', 'Ave', 'St.', 'Avenue'))}", (), ("lives at {}", "at {}", "Address: {}", "residence of {}")),
    ("address", "county and rural roads", lambda: pick((f"{n(100, 9999)} County Road {n(1, 99)}", f"RR {n(1, 9)} Box {n(10, 300)}", f"{n(100, 9999)} State Route {n(1, 99)}", f"{n(100, 9999)} Highway {n(1, 99)} North")) + f", {town()}", (), ("lives at {}", "Address: {}", "{}")),
    ("address", "United Kingdom", lambda: pick((f"{n(1, 200)} {pick(STREETS)} Road, Leeds LS{n(1, 9)} {n(1, 9)}AB", f"Flat {n(1, 9)}, {n(1, 200)} {pick(STREETS)} Street, London NW{n(1, 9)} {n(1, 9)}XE", f"{n(1, 200)} {pick(STREETS)} Close, Bristol, BS{n(1, 9)} {n(1, 9)}TH")), (), ("lives at {}", "Address: {}", "{}")),
    ("address", "Canada, Australia", lambda: pick((f"{n(1, 900)} {pick(STREETS)} Street, Toronto, ON M{n(1, 9)}V {n(1, 9)}T{n(1, 9)}", f"{n(1, 900)} {pick(STREETS)} St, Newtown NSW {n(2000, 2999)}", f"Unit {n(1, 9)}/{n(1, 99)} {pick(STREETS)} Road, Carlton VIC {n(3000, 3999)}")), (), ("lives at {}", "Address: {}")),
    ("address", "ZIP alone", lambda: pick((d(5), f"{d(5)}-{d(4)}")), (), ("ZIP code {}", "ZIP: {}", "zip {}", "Zip Code: {}", "postal code {}")),
    ("address", "street in lines", lambda: f"{street()}\n{town()}", (), ("Address:\n{}\n", "\n{}\n")),
    ("birth_date", "in words", zh_words(), ("{}出生", "生于{}", "出生日期：{}"), ()),
    ("birth_date", "生 behind", day("{y}年{m}月{d}日"), ("男，{}生，汉族", "（{}生）", "女，{}出生，"), ()),
    ("birth_date", "forms zh", lambda: pick((day("{y}.{m}.{d}"), day("{y}-{mm}-{dd}"), day("{y}/{m}/{d}"), day("{y}{mm}{dd}"), day("{yy}年{m}月{d}日")))(), ("出生日期：{}", "出生年月日：{}", "生日{}", "出生日期 {}", "生于{}"), ()),
    ("birth_date", "forms en", lambda: pick((day("{mm}/{dd}/{yy}"), day("{d} {M} {y}"), day("{M} {o}, {y}"), day("{d}-{S}-{y}"), day("{dd}.{mm}.{y}"), day("{o} of {M} {y}"), day("{M} {o} {y}")))(), (), ("DOB {}", "d.o.b. {}", "D.O.B.: {}", "born {}", "Date of Birth: {}", "DOB: {}", "birthday: {}")),
    ("date", "in words 〇", zh_words(), ("于{}入院", "{}", "{}作出判决书", "签订于{}"), ()),
    ("date", "in words 零", zh_words("零"), ("于{}入院", "{}手术", "{}就诊"), ()),
    ("date", "in words ○", zh_words("○"), ("于{}入院", "{}手术", "{}就诊"), ()),
    ("date", "without a year zh", day("{m}月{d}日"), ("{}入院", "于{}出院", "{}复查", "患者{}突发胸痛"), ()),
    ("date", "号", day("{y}年{m}月{d}号"), ("{}入院", "于{}手术", "{}复查"), ()),
    ("date", "short year zh", lambda: pick((day("{yy}年{m}月{d}日"), day("{yy}.{m}.{d}"), day("{yy}-{mm}-{dd}"), day("{yy}/{m}/{d}")))(), ("{}入院", "手术日期：{}", "就诊时间：{}"), ()),
    ("date", "spaced or full-width", lambda: pick((day("{y} 年 {m} 月 {d} 日")(), day("{y}年{m}月{d}日")().translate(WIDE), day("{y} 年{m} 月{d} 日")())), ("于{}入院", "{}手术", "{}就诊"), ()),
    ("date", "eight digits", day("{y}{mm}{dd}"), ("入院日期：{}", "检查日期：{}", "日期：{}"), ("Date: {}", "date of admission {}")),
    ("date", "with time", day("{y}-{mm}-{dd}"), ("{} 08:35入院", "检查时间：{}T12:30:45Z", "{} 23:05:11"), ("{}T08:00", "collected {} 7:15 PM")),
    ("date", "with time zh", day("{y}年{m}月{d}日"), ("{}8时30分入院", "{}15时许死亡", "{}晚"), ()),
    ("date", "ordinals", lambda: pick((day("{M} {o}, {y}"), day("{o} of {M}, {y}"), day("{o} {M} {y}"), day("{M} {o}"), day("{o} of {M} {y}")))(), (), ("seen on {}", "admitted {}", "on {}")),
    ("date", "short months", lambda: pick((day("{d}-{S}-{y}"), day("{dd}{S}{y}"), day("{S}. {d}, {y}"), day("{d} {S}. {y}"), day("{d}-{S}-{yy}"), day("{S}-{dd}-{y}")))(), (), ("seen on {}", "admitted {}", "{}")),
    ("date", "weekday", day("{M} {d}, {y}"), (), ("seen on Tuesday, {}", "Wed, {}", "on Friday {}")),
    ("date", "day and month", lambda: pick((day("{M} {d}"), day("{d} {M}"), day("{S} {d}")))(), (), ("admitted on {}", "discharged on {}", "since {}")),
    ("date", "dots, short years en", lambda: pick((day("{dd}.{mm}.{y}"), day("{m}/{d}/{yy}"), day("{m}-{d}-{yy}"), day("{mm}-{dd}-{y}"), day("{y}/{mm}/{dd}")))(), (), ("seen on {}", "admitted {}", "Date of service: {}")),
    ("date", "month and day by slash", day("{m}/{d}"), (), ("seen on {}", "admitted on {}", "follow-up on {}")),
    ("date", "range", lambda: f"{n(1, 12)}月{n(1, 12)}日", ("2019年{}至5月3日住院", "于{}-28日住院治疗", "自2月3日至{}"), ()),
    ("age", "in words", lambda: f"九十{pick(ONES[1:])}", ("患者，{}岁", "享年{}岁", "年{}岁"), ()),
    ("age", "forms zh", lambda: str(n(90, 108)), ("{}周岁", "年龄 {} 岁", "现年{}岁", "{}岁高龄", "年龄：{}", "（男，{}岁）", "享年{}岁"), ()),
    ("age", "in words en", lambda: f"ninety-{pick(UNITS)}", (), ("aged {}", "{} years old", "a {}-year-old man")),
    ("age", "forms en", lambda: str(n(90, 108)), (), ("{} y/o", "{}yo", "a {}-yr-old male", "{} y.o. female", "age: {}", "Age {}", "a {} year old lady", "{} yrs old", "at the age of {}", "{} years of age", "{}-year old", "age of {}")),
    ("url", "forms", lambda: pick((f"https://{LOCAL()}.{LOCAL()}.com:8443/{LOCAL()}?id={d(5)}#top", f"http://{LOCAL()}.cn/{LOCAL()}/{d(4)}.html", f"HTTPS://WWW.{LOCAL().upper()}.COM/{LOCAL()}", f"www.{LOCAL()}.com.cn/{LOCAL()}", f"ftp://{LOCAL()}.org/{LOCAL()}.zip")), ("见{}，", "主页：{} ", "（{}）"), ("see {} ", "({})", "<{}>")),
    # Added when a rule that told names from companies by what follows had been found to lose these.
    ("name", "an institution later on", han, (
        "被告人{}在某公司上班", "患者{}被送往县医院抢救", "原告{}到超市购物", "被害人{}到派出所报案", "证人{}所在的学校", "被告{}向银行贷款", "患者{}于外院就诊", "原告{}入职被告公司",
        "被告人{}在火车站被抓获", "上诉人{}不服某区人民法院判决", "患者{}家住医院附近", "申请人{}与被申请人某商贸公司", "被告{}经营一家服装店", "原告{}系某中学教师", "被告人{}驾车至加油站",
        "被害人{}在酒店内", "第三人{}持有某集团股份", "患者{}因车祸入住我院",
    ), ()),
]  # fmt: skip

ZH_NUM = "一二三四五六七八九"
LOOK_ALIKES: list[tuple[str, Make, tuple[str, ...], tuple[str, ...]]] = [
    ("versions", lambda: pick((f"{n(1, 12)}.{n(0, 30)}.{n(0, 30)}-{pick(('rc.1', 'beta.4', 'SNAPSHOT'))}", f"10.0.{n(10000, 22631)}.{n(100, 4000)}", f"{n(90, 130)}.0.{n(1000, 9000)}.{n(10, 255)}", f"{n(4, 6)}.{n(0, 19)}.0-{n(10, 99)}-generic", f"{n(1, 20)}.{n(1, 30)}.{n(1, 255)}.{n(1, 255)}", f"{n(2015, 2024)}.{n(1, 12)}.{n(1, 9)}")), ("版本号：{}", "软件版本 {}", "升级到 {} 版本", "V{}版"), ("version {}", "v{}", "firmware {}", "release {}", "build {}", "Chrome/{}")),
    ("articles zh", lambda: pick((f"第{pick(ZH_NUM)}百{pick(ZH_NUM)}十{pick(ZH_NUM)}条第{pick(ZH_NUM)}款第（{pick(ZH_NUM)}）项", f"第{n(1, 999)}条之{pick(ZH_NUM)}", f"第{n(1, 99)}条第{n(1, 9)}款")), ("{}", "根据民法典{}", "依照刑法{}之规定"), ()),
    ("articles en", lambda: pick((f"Pub. L. {n(90, 117)}-{n(1, 400)}", f"{n(1, 50)} C.F.R. § {n(1, 2000)}.{n(1, 2000)}", f"Article {n(1, 99)}({n(1, 9)})({pick(LOWER)})", f"Exhibit {n(1, 99)}.{n(1, 99)}", f"Section {n(100, 999)}({pick(LOWER)})({n(1, 9)})", f"§§ {n(100, 999)}-{n(1000, 1999)}")), (), ("under {}", "{}", "see {}")),
    ("cases zh", lambda: pick((f"[{n(2001, 2023)}]京{n(100, 119):04d}民初{n(1, 99999)}号", f"({n(2001, 2023)})最高法民申{n(1, 9999)}号", f"（{n(2001, 2023)}）沪0{n(101, 120)}刑初{n(1, 9999)}号之一", f"{n(2001, 2023)}年度一中民终字第{n(1, 99999):05d}号")), ("{}", "案号为{}", "{}民事判决书"), ("in {}",)),
    ("cases en", lambda: pick((f"{n(100, 600)} F. Supp. 2d {n(1, 1400)}", f"{n(1, 30)}-{d(4)}", f"No. {n(10, 24)}-{n(10, 1999)}", f"{n(2000, 2023)} WL {d(7)}", f"[{n(1990, 2023)}] UKSC {n(1, 60)}", f"{n(1, 99)} Cal. App. 4th {n(1, 1500)}", f"{n(1, 9)}:{n(10, 24)}-cr-{d(5)}")), (), ("{}", "docket {}", "see {}")),
    ("orders", lambda: pick((d(10), d(12), f"{n(2015, 2024)}{n(1, 12):02d}{n(1, 28):02d}{d(8)}", f"SF{d(13)}", f"1{pick('3578')}{d(9)}", d(19), f"D{d(9)}")), ("订单 {}", "工单号{}", "受理编号：{}", "物流单号：{}", "项目编号{}", "合同编号：{}", "招标编号：{}", "投诉单号：{}"), ("PO number {}", "RMA {}", "Order ID: {}", "shipment {}", "Invoice No. {}", "Item no. {}", "ticket {}", "Model No. {}")),
    ("authorities", lambda: pick((f"粤械注准{n(2014, 2023)}214{d(4)}", f"公告〔{n(2000, 2023)}〕{n(1, 99)}号", f"银保监发〔{n(2018, 2022)}〕{n(1, 40)}号", f"GB {n(1000, 40000)}-{n(1990, 2023)}", f"国药准字Z{d(8)}", f"沪公网安备 31010{d(9)}号", f"ISO {n(9000, 27999)}:{n(1999, 2023)}", f"国食健注G{d(8)}")), ("{}", "批准文号{}", "执行标准：{}"), ()),
    ("measurements zh", lambda: pick((f"{n(90, 180)}/{n(50, 110)}mmHg", f"{n(30, 140)}次/分", f"{n(3, 9)}.{n(10, 99)}-{n(10, 15)}.{n(10, 99)}mmol/L", f"{n(1, 500)}mg×{n(1, 30)}片", f"{n(35, 41)}.{n(0, 9)}℃", f"0.9%氯化钠{n(50, 500)}ml", f"{n(1, 9)}.{n(1, 9)}cm×{n(1, 9)}.{n(1, 9)}cm×{n(1, 9)}.{n(1, 9)}cm", f"{n(100, 900)}万单位", f"{n(20, 89)}岁", f"{n(1, 12)}个月", f"{n(10000, 99999)}.{n(10, 99)}平方米")), ("测得{}", "{}", "给予{}", "约{}"), ()),
    ("measurements en", lambda: pick((f"{n(90, 180)} over {n(50, 110)}", f"{n(30, 140)} bpm", f"{n(1, 9)}.{n(1, 9)} x {n(1, 9)}.{n(1, 9)} cm", f"{n(1, 900)} mg/dL", f"{n(96, 104)}.{n(0, 9)} F", f"{n(100, 300)}-{n(301, 900)} units", f"{n(90, 300)} pounds", f"{n(90, 100)}% on room air", f"{n(90, 180)} minutes", f"{n(10, 30)} to {n(31, 60)} mL/min", f"{n(90, 900)} patients")), (), ("{}", "about {}", "measured {}", "was {}")),
    ("codes of medicine", lambda: pick((f"NCT0{d(7)}", f"PMID: {d(8)}", f"PMC{d(7)}", f"ICD-10 {pick(UPPER)}{d(2)}.{d(3)}", f"{d(5)}-{d(1)} (LOINC)", f"NM_{d(6)}.{n(1, 9)}", f"rs{d(8)}", f"chr{n(1, 22)}:{d(2)},{d(3)},{d(3)}", f"{n(50, 9999)}-{d(2)}-{d(1)}", f"ChiCTR{d(10)}", f"T{n(1, 12)}-L{n(1, 5)}")), ("{}", "编码{}", "登记为{}"), ("{}", "registered as {}", "code {}")),
    ("amounts", lambda: pick((f"{n(1, 999)},{d(3)},{d(3)},{d(3)}", f"{n(1, 9)}{d(10)}", f"{n(1, 9)}{d(6)}.{d(2)}", f"{n(100, 999)}万", f"{n(1, 99)}.{d(2)}亿")), ("￥{}元", "共计{}元", "标的额{}元", "注册资本{}元"), ("US${}", "€{}", "£{}", "a total of ${}")),
    ("ranges, ratios, scores", lambda: pick((f"{n(1900, 1999)}-{n(2000, 2024)}", f"pp. {n(100, 400)}-{n(401, 800)}", f"1:{n(1000, 999999)}", f"{n(15, 21)}-{n(8, 19)}, {n(15, 21)}-{n(8, 19)}", f"{n(18, 90)}.{d(4)}, {n(91, 179)}.{d(4)}", f"{n(1, 9)}/{n(10, 99)}", f"{n(1, 99)}({n(1, 12)}):{n(100, 400)}-{n(401, 800)}", f"{n(10, 23)}:{n(10, 59)}:{n(10, 59)}")), ("{}", "（{}）"), ("{}", "({})", "at {}")),
    ("hashes", lambda: pick((s(32, HEX), s(7, HEX), s(64, HEX), UUID(), f"#{s(6, HEX.upper())}", f"sha512-{s(86)}==", f"0x{s(8, HEX)}")), ("md5值{}", "提交记录{}", "文件校验{}"), ("md5: {}", "commit {}", "sha256 {}", "color {}", "etag {}")),
    ("products", lambda: pick((f"iPhone {n(4, 16)}", f"RTX {n(2, 5)}0{n(5, 9)}0", f"GPT-{n(2, 5)}", f"A{n(100, 999)}-{n(100, 999)}", f"B0{s(8, UPPER + string.digits)}", f"978-7-{d(4)}-{d(4)}-{d(1)}", f"69{d(11)}", f"6{d(5)}", f"ThinkPad X{n(1, 9)}{n(10, 99)}")), ("型号{}", "{}", "商品{}", "条形码{}", "股票代码{}"), ("model {}", "{}", "ASIN {}", "barcode {}")),
    ("roles without names zh", lambda: pick(("原告诉称", "被告答辩称", "被告人供述", "患者自述", "患者平时", "证人证言", "法定代表人职务", "委托代理人", "申请人于次日", "医生建议", "护士应当", "患者系首次", "甲方同意", "乙方有权", "出租人应当", "被害人陈述", "先生们", "女士们", "被告人归案后", "原告单位", "患者家属", "医生说道", "被告公安局", "患者有高血压", "上诉人提出", "第三人未到庭", "被告明知", "被上诉人同意", "原告常年", "患者全身", "被告全部", "法官认为", "律师费", "教授们", "主任医师", "原告万般", "被告安排", "患者连日", "病人金属过敏", "患者严格", "患者任意", "保证人应当", "患儿成长", "被告方便", "患者何时", "原告向法院", "被告华为", "患者温和", "病人单独", "负责人解释", "监护人管教", "被告及其", "病人关节", "患者高热")), ("{}", "，{}，", "。{}"), ()),
    ("roles without names en", lambda: pick(("the plaintiff's motion", "Patient denies chest pain", "Patient: Thank you", "Doctor: Good morning", "Mr. Chairman", "Defendant's Exhibit A", "Plaintiff Exhibit 12", "Nurse Practitioner", "Attending Physician", "Attorney General", "Dear Sir", "Patient Instructions", "Patient: Yes, I do", "Doctor: Okay", "Mr. Secretary", "Dr. Who", "Witness Protection Program", "Defendant Corporation", "Plaintiffs Allege", "Patient: No", "Doctor: Any allergies", "Guest_family: Right", "Madam President", "Name: N/A", "Patient Name: unknown", "the Defendants", "Landlord shall", "Tenant: shall pay", "Officer of the Company", "Detective Bureau", "Professor of Medicine", "Sir, I object", "Judge Advocate", "Buyer Agrees", "Patient Education", "her husband and Son", "Contact: Customer Service", "Nurse: Hi there")), (), ("{}", "and {}")),
    ("places", lambda: pick(("Fifth Avenue", "Wall Street", "Washington, DC", "the 14th Street station", "Interstate 95", "Exit 12", "Route 66", "12 Angry Men", "Main Street", "Apollo 11", "Room 12", "Building 7", "the 3rd Circuit", "100 Years War", "10 Downing")), (), ("{}", "in {}", "at {}")),
    ("places zh", lambda: pick(("中关村大街", "长江大桥", "北京路步行街", "一号楼", "三楼会议室", "第二人民医院", "上海市高级人民法院", "广东省人民政府", "江苏省南京市", "浙江省", "五号线", "二十号文件", "京沪高速公路", "二十一世纪", "五四路", "苏州市吴中区人民法院", "四川大学华西医院", "成都市公安局武侯区分局")), ("{}", "在{}", "由{}"), ()),
    ("dates that are no person's zh", lambda: pick((f"《规定》（{n(1980, 2023)}年{n(1, 12)}月{n(1, 28)}日起施行）", f"{n(1980, 2023)}年{n(1, 12)}月{n(1, 28)}日修正", f"自{n(1980, 2023)}年{n(1, 12)}月{n(1, 28)}日起实施", f"{n(1980, 2023)}年{n(1, 12)}月{n(1, 28)}日国务院令第{n(1, 700)}号公布", f"于{n(1990, 2023)}年{n(1, 12)}月{n(1, 28)}日废止", f"{n(1900, 2023)}年", f"{n(1, 12)}个月")), ("{}", "，{}，"), ()),
    ("dates that are no person's en", lambda: pick((f"the Act of {day('{M} {d}, {y}')()}", f"effective {day('{M} {d}, {y}')()}", f"as amended {day('{M} {d}, {y}')()}", f"enacted {day('{M} {d}, {y}')()}", f"the {n(1900, 2023)} elections", f"in {n(1900, 2023)}", f"{n(20, 89)} years old", f"aged {n(18, 89)}", f"{n(90, 300)} years ago", "the 1990s", f"March {n(32, 90)} miles")), (), ("{}", "({})")),
    ("statutes that may hold a name", lambda: pick(("Parkinson's disease", "Crohn disease", "Hodgkin lymphoma", "Miranda rights", "Roe v. Wade", "Brown v. Board of Education", "Good Samaritan", "Foley catheter", "Glasgow Coma Scale", "Apgar score", "Mayo Clinic", "Johns Hopkins", "Alzheimer's")), (), ("{}", "the {}", "with {}")),
]  # fmt: skip
