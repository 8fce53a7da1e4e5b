"""How each type of personal data is recognised: a pattern, then its check digit, then what stands around it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from math import log2

from .dates import dates
from .people import names
from .places import addresses
from .records import labelled, links, old_ages
from .scan import Windows, beginnings, every_window, folded, matches, matches_at, windows

Found = tuple[int, int, str]
"""Start, end (exclusive) and type of a piece of personal data."""

# What makes a number an order, a patent or a version, when it stands just before it.
_NOT_PERSONAL = re.compile(
    r"(?:订单|訂單|单号|單號|运单|快递|流水|编号|編號|批号|案号|文号|条码|条形码|专利|货号|序列号|型号|版本|版次|学号|期号|"
    r"发票|合同号|卷号|备案|许可证|准字|邮编|工单|受理号|申请号|登记号|注册号|编码|代码|准考证|报名号|流水号|批次|批准文号|图号|料号|件号|标准号|QQ|qq|群号|"
    r"学籍|訂單號|單號|条形码|交易号|凭证|提单|柜号|箱号|书号|刊号|商品|彩票|"
    # Whole words from here on: information ends in no RMA, hypothyroidism holds no purchase order.
    r"(?<![A-Za-z])(?:(?:pre|re)?order|invoice|tracking|serial|patent|version|sku|isbn|issn|doi|ticket|case|"
    r"docket|part|item|lot|batch|model|build|release|reference|ref|pmid|zip|transaction|confirmation|shipment|parcel|barcode|upc|ean|"
    r"receipt|claim|catalog|article|job|task|request|revision|commit|bug|issue|waybill|consignment|po|rma))"
    r"[a-z]*(?:号码|号|為|为|是)?[\s:：.#]*(?:no|number|num|id|code)?[\s:：.#№]*(?:is|was|为|是)?[\s:：]*\Z",
    re.I,
)
_CARD_CONTEXT = re.compile(
    r"卡号|卡號|银行卡|银行账|账号|帐号|賬號|账户|储蓄卡|信用卡|借记卡|银行|尾号|card|account|acct|visa|master|amex|unionpay|debit",
    re.I,
)
_PHONE_CONTEXT = re.compile(
    r"(?:电话|電話|座机|传真|傳真|手机|手機|热线|熱線|致电|拨打|来电|联系方式|总机|客服|telephone|tel|phone|fax|mobile|mob|cell|call|hotline|pager|toll.free|office|"
    r"text|dial|whatsapp|contact|reach\sme\sat|ph)(?:号码|號碼|号)?(?:\s?(?:is|no|number|us\sat|me\sat|at|on|to|为|是))*"
    r"[\s.:：)）(（]*\Z",
    re.I,
)
_IP_CONTEXT = re.compile(
    r"(?:(?<![A-Za-z])(?:ip|ipv4|host|server|address|addr|gateway|dns|ping)(?![A-Za-z])|地址|主机|服务器|网关|登录)"
    r"[^0-9\n]{0,12}\Z",
    re.I,
)
_VERSION_BEFORE = re.compile(
    r"(?:第|版本|版|节|章|条|§|(?<![A-Za-z])(?:v|ver|version|release|rev|section|sec|chapter|clause|article|build|firmware)|[A-Za-z]/)"
    r"[\s.:：号为是]*\Z",
    re.I,
)
_SECTION_AFTER = re.compile(r"\s?(?:节|章|条|款|版|项)")
_PASSPORT_CONTEXT = re.compile(
    r"(?:护照|護照|通行证|通行證|台胞证|回乡证|回鄉證|永久居留|passport|permit)[^\n。]{0,24}\Z", re.I
)
_PASSPORT_BEHIND = re.compile(r"\s?(?:号|號)?的?(?:护照|護照|通行证|台胞证)|,? (?:passport)", re.I)
_IDENTITY_CONTEXT = re.compile(r"(?:身份证|身份證|居留证|identity card|national id|HKID)[^\n。]{0,16}\Z", re.I)
_ID_CONTEXT = re.compile(
    r"(?:身份证|身份證|证件号|证号|身份号码|identity card|ID card|ID no|ID number|Chinese ID)[^\n。]{0,12}\Z", re.I
)
_SSN_CONTEXT = re.compile(
    r"(?:(?<![A-Za-z])SSN|(?<![A-Za-z])SS ?#|social security|社会安全|社安号|社會安全|社保号)[^0-9\n。]{0,16}\Z", re.I
)
_MONEY = re.compile(r"(?:[$€£¥￥]|USD|EUR|GBP|RMB|CNY|人民币|总额|金额|共计|标的额|资本)\s?\Z", re.I)


def _before(text: str, start: int, n: int = 24) -> str:
    return text[max(0, start - n) : start]


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: the check digit of bank cards."""
    total = 0
    for i, char in enumerate(reversed(digits)):
        n = int(char)
        if i % 2:
            n = 2 * n - 9 if n > 4 else 2 * n
        total += n
    return total % 10 == 0


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# The first two digits of a region code, to be looked up two digits at a time.
_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"


def id_cn_check(body: str) -> str:
    """The 18th character of a Chinese resident ID (GB 11643-1999) from the first 17."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(body, _ID_WEIGHTS, strict=True)) % 11]


def is_id_cn(value: str) -> bool:
    """18 characters: a province, a date that exists and lies in 1880 to today, and the check character."""
    if value[:2] not in _PROVINCES or id_cn_check(value[:17]) != value[17].upper():
        return False
    try:
        return date(1880, 1, 1) <= date(int(value[6:10]), int(value[10:12]), int(value[12:14])) <= date.today()
    except ValueError:
        return False


_REGISTRIES = frozenset(
    [
        "11",
        "12",
        "13",
        "19",
        "21",
        "29",
        "31",
        "32",
        "33",
        "34",
        "35",
        "39",
        "41",
        "49",
        "51",
        "52",
        "53",
        "59",
        "61",
        "62",
        "69",
        "71",
        "72",
        "79",
        "81",
        "89",
        "91",
        "92",
        "93",
        "A1",
        "A9",
        "N1",
        "N2",
        "N3",
        "N9",
        "Y1",
    ]
)
"""Registration authority and kind of body (GB 32100-2015, table 1)."""

_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def company_code_check(body: str) -> str:
    """The 18th character of a unified social credit code (GB 32100-2015, mod 31) from the first 17."""
    total = sum(_CODE_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return _CODE_ALPHABET[-total % 31]


def _card_issuer(digits: str) -> bool:
    n, head = len(digits), int(digits[:4])
    return (
        (digits[:2] == "62" and 16 <= n <= 19)
        or (digits[0] == "4" and n in (13, 16, 19))
        or (n == 16 and (5100 <= head <= 5599 or 2221 <= head <= 2720 or 3528 <= head <= 3589 or head == 6011))
        or (n == 15 and digits[:2] in ("34", "37"))
    )


_EXTENSION = r"(?:[ ,，]{0,2}(?:x|ext\.?|extension|转|轉|分机|分機|内线)[号:：]?[ ]?[0-9]{1,6})?"

_Check = Callable[[str, re.Match[str]], tuple[int, int] | None]


def _whole(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    return match.span(1) if match.re.groups else match.span()


def _email(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    # RFC 2606 keeps example.com for documents: it is nobody's, and our own pseudonyms live there.
    domain = match[0].rsplit("@", 1)[1].lower()
    return None if domain.startswith("example.") or domain.endswith((".example", ".invalid")) else match.span()


def _id_cn(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"[ \-]", "", match[0])
    if len(digits) == 18 and is_id_cn(digits):
        return match.span()
    labelled = len(digits) == 15 and digits[:2] in _PROVINCES and _ID_CONTEXT.search(_before(text, match.start()))
    return match.span() if labelled else None


def _company_code(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match[0]
    before = _before(text, match.start())
    if value.isdigit() and _NOT_PERSONAL.search(before) and "代码" not in before:
        return None
    good = (value[2:4] in _PROVINCES or value[2:4] == "10") and value[:2] in _REGISTRIES
    return match.span() if good and company_code_check(value[:17]) == value[17] else None


def _bank_card(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"[ \-]", "", match[0])
    before = _before(text, match.start())
    if not 13 <= len(digits) <= 19 or not luhn(digits) or len(set(digits)) < 2:
        return None
    if _CARD_CONTEXT.search(before):
        return match.span()
    if (
        len(digits) == 18
        and digits[:2] in _PROVINCES
        and re.fullmatch(r"(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]", digits[6:14])
    ):
        return None  # a resident ID that was mistyped
    # One number in ten passes Luhn by chance, so a bare one must look like an issuer's and like nothing else.
    return match.span() if _card_issuer(digits) and not _NOT_PERSONAL.search(before) else None


# A number of eleven digits that counts something.
_COUNTED = re.compile(
    r"\s?(?:元|人|次|吨|美元|万|亿|字节|株|册|件|股|米|千|公里|立方|平方|点击|票|yuan|bytes|dollars|people|rows|%)"
)


def _mobile(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start())
    if (match[0].isdigit() and (_COUNTED.match(text, match.end()) or _MONEY.search(before))) or (
        _NOT_PERSONAL.search(before) and not _PHONE_CONTEXT.search(before)
    ):
        return None
    return match.span()


def _ssn(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start())
    if match["s"] == "-":
        return None if _NOT_PERSONAL.search(before) else match.span()
    return match.span() if _SSN_CONTEXT.search(before) else None


_IBAN_COUNTRIES = (
    "AD AE AL AT AZ BA BE BG BH BR BY CH CR CY CZ DE DK DO EE EG ES FI FO FR GB GE GI GL GR GT HR HU IE IL IQ IS IT JO KW KZ LB LC "
    "LI LT LU LV LY MC MD ME MK MN MR MT MU NL NO OM PK PL PS PT QA RO RS RU SA SC SD SE SI SK SM SO ST SV TL TN TR UA VA VG XK"
)  # the registry of ISO 13616


def _iban(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """ISO 13616: the four first characters to the end, letters as numbers from ten on, one modulo 97."""
    value = match[0]
    if value[:2] not in _IBAN_COUNTRIES:
        return None
    while True:
        plain = value.replace(" ", "")
        if 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
            return match.start(), match.start() + len(value)
        value, space, _ = value.rpartition(" ")  # the next word may have been taken for its last group
        if not space:
            return None


def _mac(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    named = re.search(
        r"(?:MAC|网卡|物理地址|蓝牙|bluetooth|ethernet)[^\n。]{0,12}\Z", _before(text, match.start()), re.I
    )
    return match.span() if named or re.search("[A-Fa-f]", match[0]) else None


def _landline(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start())
    if _NOT_PERSONAL.search(before):
        return None
    if match["sep"] or match["open"]:
        return match.span()
    return match.span() if _PHONE_CONTEXT.search(before) else None


def _with_phone_context(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"\D", "", match[0])
    if not 7 <= len(digits) <= 18 or _is_fictional(digits) or (digits[:3] == "100" and len(digits) == 11):
        return None
    if text[match.end() : match.end() + 1] in ("次", "件", "起"):  # 报警电话2291374次 counts calls
        return None
    return match.span() if _PHONE_CONTEXT.search(_before(text, match.start())) else None


def _international(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"\D", "", re.split("[xe转轉分内]", match[0])[0])
    if not 8 <= len(digits) <= 15 or _is_fictional(digits):
        return None
    return match.span()


def _nanp(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    if _NOT_PERSONAL.search(_before(text, match.start())) or _is_fictional(re.sub(r"\D", "", match[0])):
        return None
    return match.span()


def _is_fictional(digits: str) -> bool:
    """555-0100 to 555-0199, which the North American plan keeps for fiction."""
    return digits[-7:-2] == "55501"


def _ipv4(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    octets = match[0].split(".")
    if any(int(o) > 255 or (o != "0" and o[0] == "0") for o in octets):
        return None
    address = ipaddress.IPv4Address(match[0])
    # 240.0.0.0/4 is reserved, and written down by mistake or by a generator: no reason to keep it.
    if not (address.is_global or address.is_reserved) or octets[:2] == ["255", "255"]:
        return None
    before = _before(text, match.start())
    context = bool(_IP_CONTEXT.search(before))
    if _SECTION_AFTER.match(text, match.end()) or (_VERSION_BEFORE.search(before) and not context):
        return None
    # 1.2.3.4 and 10.2.11.7 number sections and releases far more often than hosts.
    return match.span() if context or max(map(int, octets)) >= 32 else None


def _ipv6(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return None
    # Global unicast only: C++ has `a::b`, logs have 12:30:45. 2001:db8::/32 is for documents.
    if address.ipv4_mapped is not None:
        return match.span() if address.ipv4_mapped.is_global else None
    whole = match[0].count(":") == 7 and "::" not in match[0] and len(match[0]) >= 24
    return (
        match.span()
        if whole or (address.is_global and match[0][0] in "23" and len(match[0].split(":")[0]) == 4)
        else None
    )


def _passport(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start(), 32)
    letters = len(match["letters"])
    few = sum(c.isdigit() for c in match[0]) < 7
    if before.endswith("准字") or (few and not match["check"]):
        return None
    if _PASSPORT_CONTEXT.search(before) or (letters and _PASSPORT_BEHIND.match(text, match.end())):
        return match.span()
    # Hong Kong, Macau, Taiwan and residence cards; a resident ID of eighteen digits has its own rule.
    good = (letters or match["check"]) and _IDENTITY_CONTEXT.search(before)
    return match.span() if good else None


def _plate(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    tail = match[1]
    if _NOT_PERSONAL.search(_before(text, match.start())) or sum(c.isdigit() for c in tail) < 2:
        return None
    return match.span()


def _api_key(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match[0]
    random = (
        any(c.isdigit() for c in value) or value[:4] in ("AKIA", "ASIA") or len(re.findall(r"[a-z][A-Z]", value)) > 2
    )
    return match.span() if random or value.startswith("-----") else None


def _secret_value(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match["value"]
    return match.span("value") if value and not value.startswith(("<", "{", "$", "%", "*")) else None


def _entropy(value: str) -> float:
    """Bits a character, by the value's own frequencies."""
    return -sum(n / len(value) * log2(n / len(value)) for n in (value.count(c) for c in set(value)))


def _labelled_secret(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """What stands behind `api_key =` or 密钥： and looks drawn at random: no word, no path, no placeholder."""
    value = match["value"].strip("!*.")
    digits = sum(c.isdigit() for c in value)
    switches = len(re.findall(r"[a-z][A-Z]|[A-Z][a-z]", value))
    if value != match["value"][: len(value)] or _entropy(value) < (
        2.5 if len(value) < 16 or re.fullmatch("[0-9a-f]+", value) else 3.0
    ):
        return None
    end = match.start("value") + len(value)
    if len(value) < 16:
        label = match[0][: match.start("value") - match.start()]
        password = re.search(r"pass|pwd|密码|口令|密碼", label, re.I)
        mixed = (digits or switches >= 3) and digits < len(value)
        return (match.start("value"), end) if password and mixed else None
    # Words joined by signs (`token = identifier_of_things_2`) have letters in long runs of one case.
    if digits < 3 and switches < 6 and re.search(r"[a-z]{8,}|[A-Z]{8,}", value):
        return None
    return (match.start("value"), end) if digits or switches >= 6 else None


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, str, re.Pattern[str], _Check], ...]:
    """Type, family of the pre-scan, pattern and check, most telling first: where two overlap, the earlier one wins."""
    octet = r"[0-9]{1,3}"
    return (
        ("url_credentials", "links", re.compile(r"(?<=://)([^\s/:@<>，。]{1,64}:[^\s/@<>，。]{1,128})(?=@)"), _whole),
        (
            "url_credentials",
            "links",
            re.compile(
                r"[?&](?:access_?token|auth_?token|token|api_?key|key|password|passwd|pwd|secret|client_secret|sig|"
                r"signature)=(?P<value>[^\s&#\"'<>，。；）]{6,})",
                re.I,
            ),
            _secret_value,
        ),
        (
            "api_key",
            "keys",
            re.compile(
                r"(?:(?<=hooks\.slack\.com/services/)|(?<=/api/webhooks/)|(?<=/bot/v2/hook/))[A-Za-z0-9][A-Za-z0-9_\-/]{15,}"
            ),
            _whole,
        ),
        (
            "api_key",
            "keys",
            re.compile(
                r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:[^-]{0,8192}-----END (?:[A-Z]+ )*PRIVATE KEY-----)?|"
                r"(?<![A-Za-z0-9])(?:sk-(?:[a-z]{2,8}-)*[A-Za-z0-9_\-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|"
                r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|"
                r"glpat-[A-Za-z0-9_\-]{20,}|xox[abeprs]-[A-Za-z0-9\-]{10,}|AIza[0-9A-Za-z_\-]{35}|"
                r"hf_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{50,}|npm_[A-Za-z0-9]{36}|"
                r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}|AKLT[A-Za-z0-9]{20,60}|"
                r"ya29\.[A-Za-z0-9_\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}|gsk_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|nvapi-[A-Za-z0-9_\-]{30,}|"
                r"whsec_[A-Za-z0-9]{16,}|pk_(?:live|test)_[A-Za-z0-9]{16,}|key-[0-9a-f]{32}|dop_v1_[a-f0-9]{40,}|dapi[a-f0-9]{32}|"
                r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|sq0[a-z]{3}-[A-Za-z0-9_\-]{22,}|EAAA[A-Za-z0-9_\-]{50,}|lin_api_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{30,}|"
                r"secret_[A-Za-z0-9]{40,}|hvs\.[A-Za-z0-9_\-]{20,}|PMAK-[a-f0-9]{24}-[a-f0-9]{30,}|NRAK-[A-Z0-9]{27}|ATATT3[A-Za-z0-9_\-=]{50,}|"
                r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|AGE-SECRET-KEY-1[A-Z0-9]{50,}|bce-v3/[A-Za-z0-9\-]{10,}/[a-f0-9]{30,}|"
                r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}|xapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{32,}|dckr_pat_[A-Za-z0-9_\-]{20,}|"
                r"pplx-[A-Za-z0-9]{32,}|tvly-[A-Za-z0-9\-]{20,}|figd_[A-Za-z0-9_\-]{30,}|sbp_[a-f0-9]{40}|"
                r"eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,})(?![A-Za-z0-9])"
            ),
            _api_key,
        ),
        (
            "api_key",
            "secrets",
            re.compile(
                r"(?i:(?<![a-z])[a-z0-9_\-]{0,20}?(?:api[_\- ]?key|api[_\- ]?secret|secret(?:[_\- ]?(?:access[_\- ]?)?key)?|access[_\- ]?key(?:[_\- ]?(?:id|secret))?|"
                r"access[_\- ]?token|auth[_\- ]?token|private[_\- ]?key|account[_\- ]?key|client[_\- ]?secret|bearer|token|password|passwd|pwd)|"
                r"密钥|密鑰|秘钥|口令|密码|密碼|令牌|私钥|访问密钥)[\"'”’]?\s{0,3}(?:[:=：]|=>|is|为|是|(?<=earer)|(?<=[钥鑰令码碼牌]))\s{0,3}[\"'“‘]?"
                r"(?P<value>[A-Za-z0-9_+/\-.~!@#$%^&*]{8,200}={0,2})"
            ),
            _labelled_secret,
        ),
        (
            "api_key",
            "secrets",
            re.compile(
                r"(?i:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token|digest|apikey)\s{1,3})([A-Za-z0-9_+/\-.~]{8,400}={0,2})"
            ),
            _whole,
        ),
        (
            "email",
            "links",
            re.compile(
                r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}\s?[\[(（](?i:at)[\])）]\s?"
                r"[A-Za-z0-9\-]{1,63}(?:(?:\.|\s?[\[(（](?i:dot)[\])）]\s?)[A-Za-z0-9\-]{1,63}){0,4}(?:\.|\s?[\[(（](?i:dot)[\])）]\s?)[A-Za-z]{2,24}(?![A-Za-z0-9@])"
            ),
            _whole,
        ),
        (
            "email",
            "email",
            re.compile(
                r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@"
                r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9@])"
            ),
            _email,
        ),
        (
            "id_cn",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])(?:[1-8][0-9]{5}[ \-]?[12][0-9]{3}[ \-]?[01][0-9][0-3][0-9][ \-]?[0-9]{3}[0-9Xx]|"
                r"[1-8][0-9]{14})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _id_cn,
        ),
        (
            "company_code_cn",
            "codes",
            re.compile(
                r"(?<![0-9A-Za-z\-_])[1-9A-NY][0-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z\-_])"
            ),
            _company_code,
        ),
        (
            "bank_card",
            "codes",
            re.compile(
                r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?:[ ]?[0-9A-Z]{4}){2,7}(?:[ ]?[0-9A-Z]{1,4})?(?![0-9A-Za-z])"
            ),
            _iban,
        ),
        (
            "bank_card",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])[2-9](?:[0-9]{12,18}|[0-9]{3}(?:[ \-][0-9]{4}){2,3}(?:[ \-][0-9]{1,4})?|"
                r"[0-9]{3}[ \-][0-9]{6}[ \-][0-9]{5}|[0-9]{5}[ \-][0-9]{13})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _bank_card,
        ),
        (
            "ssn_us",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-])(?!000|666|9)[0-9]{3}(?P<s>[ .\-]?)(?!00)[0-9]{2}(?P=s)(?!0000)[0-9]{4}(?![0-9A-Za-z]|[.\-][0-9])"
            ),
            _ssn,
        ),
        (
            "mobile_cn",
            "numbers",
            re.compile(
                r"(?:(?<![0-9A-Za-z.\-_])|(?<=tel)|(?<=Tel)|(?<=phone)|(?<=Phone)|(?<=mobile))"
                r"(?:[(（]?(?:\+|00)?86[)）]?[ \-]?)?(?:[(（]1[3-9][0-9][)）][ ]?[0-9]{4}[ \-]?[0-9]{4}|"
                r"1[3-9][0-9](?:[0-9]{8}|(?P<s>[ .\-])[0-9]{4}(?P=s)[0-9]{4}|[ \-][0-9]{8}|[0-9](?P<t>[ \-])[0-9]{3}(?P=t)[0-9]{4}))"
                r"(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _mobile,
        ),
        (
            "landline_cn",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])(?P<country>(?:\+|00)86[ \-]?)?(?P<open>[(（])?(?(country)0?|0)"
                r"(?:10|2[0-57-9]|[3-9][1-9][0-9])(?(open)[)）])"
                r"(?P<sep>[ \-—–]?)(?:[2-9][0-9]{6,7}|[2-9][0-9]{3}[ \-][0-9]{4})(?:[ \-][0-9]{1,5}(?![0-9A-Za-z_]|[.\-][0-9])|"
                + _EXTENSION
                + r")(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _landline,
        ),
        (
            "landline_cn",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_+])[48]00[ \-](?:[0-9]{3}[ \-][0-9]{4}|[0-9]{4}[ \-][0-9]{3})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _nanp,
        ),
        (
            "landline_cn",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])(?:[2-8][0-9]{6,7}|[48]00[0-9]{7})(?![0-9A-Za-z_]|[.\-][0-9]|[次个件例人元起条户名辆台宗笔])"
            ),
            _with_phone_context,
        ),
        (
            "phone",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z+])\+[1-9][0-9]{0,3}(?:[ .\-/]?[(（]?[0-9]{1,5}[)）]?){2,6}"
                + _EXTENSION
                + r"(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _international,
        ),
        (
            "phone",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_+])(?<![0-9][ \-])(?:(?:00)?1[ .\-])?(?:\([2-9][0-9]{2}\)\s?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}"
                + _EXTENSION
                + r"(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _nanp,
        ),
        (
            "phone",
            "numbers",
            re.compile(
                r"(?<![0-9A-Za-z.\-_+])(?:[(（](?:00|0)?[1-9][0-9]{0,4}[)）][ \-]?[0-9]{3,4}[ \-]?[0-9]{3,4}|"
                r"(?:011[ .\-]|00|0)?[1-9][0-9]{0,4}(?:(?:[ .\-/][(（]?[0-9]{1,8}[)）]?){1,5}|[0-9]{4,9}))"
                + _EXTENSION
                + r"(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _with_phone_context,
        ),
        (
            "ip",
            "numbers",
            re.compile(rf"(?<![0-9A-Za-z.\-_]){octet}(?:\.{octet}){{3}}(?![0-9A-Za-z_\-]|\.[0-9])"),
            _ipv4,
        ),
        (
            "ip",
            "ipv6",
            re.compile(
                r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{3,35}(?:\.[0-9]{1,3}){0,3}(?![0-9A-Za-z:]|\.[0-9])"
            ),
            _ipv6,
        ),
        (
            "document_number",
            "ipv6",
            re.compile(
                r"(?<![0-9A-Za-z:\-])[0-9A-Fa-f]{2}(?P<s>[:\-])(?:[0-9A-Fa-f]{2}(?P=s)){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z]|[:\-][0-9A-Za-z])"
            ),
            _mac,
        ),
        (
            "passport",
            "passports",
            re.compile(
                r"(?<![0-9A-Za-z])(?P<letters>[A-Z]{0,3})(?:(?<=[A-Z])[0-9]{6,12}|[0-9]{7,12})(?P<check>[(（][0-9A-Z][)）])?(?![0-9A-Za-z])"
            ),
            _passport,
        ),
        (
            "plate_cn",
            "plates",
            re.compile(
                r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・. \-]?"
                r"([A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[挂学警港澳])(?![0-9A-Za-z\-])"
            ),
            _plate,
        ),
    )


def find(
    text: str, kinds: frozenset[str], court: bool = False, places: Mapping[str, Windows] | None = None
) -> list[Found]:
    """The personal data of these types in `text`, by position, without overlaps.

    `court`: by the practice of courts, which leaves judges, counsel, and addresses that name no more than a county.
    `places`: where each family of rules has to look, from a scan of the batch; without it, the text is scanned here.
    """
    text = folded(text)
    if places is None:
        places = windows([text], [every_window(text, kinds)])[0]
    found: list[Found] = []
    taken = bytearray(len(text))
    for start, end, kind in (*_by_form(text, kinds, places), *_by_context(text, kinds, places, court)):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            found.append((start, end, kind))
    return sorted(found)


_NUMBER_STARTS = re.compile(r"[0-9+(（](?<![0-9][0-9+(（])(?=[0-9 .\-/+()（）—–]{4})")
"""No rule for numbers begins inside one, or has less than five characters of digits and marks."""


def _by_form(text: str, kinds: frozenset[str], places: Mapping[str, Windows]) -> Iterator[Found]:
    numbers = beginnings(_NUMBER_STARTS, text, places.get("numbers", []))
    for kind, family, pattern, check in _rules():
        if kind in kinds and family in places:
            if family == "numbers":
                found = matches_at(pattern, text, numbers)
            else:
                found = matches(pattern, text, places[family])
            for match in found:
                span = check(text, match)
                if span is not None:
                    yield *span, kind


def _by_context(text: str, kinds: frozenset[str], places: Mapping[str, Windows], court: bool) -> Iterator[Found]:
    if "urls" in places:
        yield from links(text, places["urls"])
    if "dates" in places:
        yield from dates(text, "date" in kinds, "birth_date" in kinds, places["dates"])
    if "ages" in places:
        yield from old_ages(text, places["ages"])
    if "addresses_zh" in places or "addresses_en" in places:
        zh, en = places.get("addresses_zh", []), places.get("addresses_en", [])
        yield from ((start, end, "address") for start, end, _ in addresses(text, not court, zh, en))
    if "records" in places:
        yield from labelled(text, kinds, places["records"])
    if "names_zh" in places or "names_en" in places:
        zh, en = places.get("names_zh", []), places.get("names_en", [])
        yield from ((start, end, "name") for start, end in names(text, court, zh, en))
