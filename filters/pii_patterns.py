"""How each type of personal data is recognised: a pattern, then its check digit, then what stands around it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache

Found = tuple[int, int, str]
"""Start, end (exclusive) and type of a piece of personal data."""

# What makes a number an order, a patent or a version, when it stands just before it.
_NOT_PERSONAL = re.compile(
    r"(?:订单|訂單|单号|單號|运单|快递|流水|编号|編號|批号|案号|文号|条码|条形码|专利|货号|序列号|型号|版本|版次|学号|期号|"
    r"发票|合同号|卷号|备案|许可证|准字|邮编|order|invoice|tracking|serial|patent|version|sku|isbn|issn|doi|ticket|case|"
    r"docket|part|item|lot|batch|model|build|release|reference|ref|pmid|zip)"
    r"[a-z]*(?:号码|号)?[\s:：.#]*(?:no|number|num|id|code)?[\s:：.#№]*\Z",
    re.I,
)
_CARD_CONTEXT = re.compile(
    r"卡号|卡號|银行卡|银行账|账号|帐号|賬號|账户|储蓄卡|信用卡|借记卡|银行|尾号|card|account|acct|visa|master|amex|unionpay|debit",
    re.I,
)
_PHONE_CONTEXT = re.compile(
    r"(?:电话|電話|座机|传真|傳真|手机|手機|热线|熱線|致电|拨打|来电|联系方式|tel|phone|telephone|fax|mobile|mob|cell|call|"
    r"text|dial|whatsapp|contact|reach\sme\sat|ph)(?:号码|號碼|号)?\s?(?:is|no|number|us\sat|me\sat|at|on|to|为|是)?"
    r"[\s.:：)）(（]*\Z",
    re.I,
)
_IP_CONTEXT = re.compile(
    r"(?:(?<![A-Za-z])(?:ip|ipv4|host|server|address|addr|gateway|dns|ping)(?![A-Za-z])|地址|主机|服务器|网关|登录)"
    r"[^0-9\n]{0,12}\Z",
    re.I,
)
_VERSION_BEFORE = re.compile(
    r"(?:第|版本|版|节|章|条|§|v|ver|version|release|rev|section|sec|chapter|clause|article|build|firmware|[A-Za-z]/)"
    r"[\s.:：号为是]*\Z",
    re.I,
)
_SECTION_AFTER = re.compile(r"\s?(?:节|章|条|款|版|项)")
_PASSPORT_CONTEXT = re.compile(r"(?:护照|護照|passport)[^\n。]{0,16}\Z", re.I)
_ID15_CONTEXT = re.compile(r"(?:身份证|身份證|证件号)[^\n。]{0,10}\Z")


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


_Check = Callable[[str, re.Match[str]], tuple[int, int] | None]


def _whole(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    return match.span(1) if match.re.groups else match.span()


def _email(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    # RFC 2606 keeps example.com for documents: it is nobody's, and our own pseudonyms live there.
    domain = match[0].rsplit("@", 1)[1].lower()
    return None if domain.startswith("example.") or domain.endswith((".example", ".invalid")) else match.span()


def _id_cn(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"[ \-]", "", match[0])
    if len(digits) == 18:
        return match.span() if is_id_cn(digits) else None
    if len(digits) == 15 and digits.isdigit() and digits[:2] in _PROVINCES:
        return match.span() if _ID15_CONTEXT.search(_before(text, match.start())) else None
    return None


def _company_code(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match[0]
    good = value[2:4] in _PROVINCES or value[2:4] == "10"
    return match.span() if good and company_code_check(value[:17]) == value[17] else None


def _bank_card(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"[ \-]", "", match[0])
    before = _before(text, match.start())
    if not 13 <= len(digits) <= 19 or not luhn(digits) or len(set(digits)) < 2:
        return None
    if _CARD_CONTEXT.search(before):
        return match.span()
    # One number in ten passes Luhn by chance, so a bare one must look like an issuer's and like nothing else.
    return match.span() if _card_issuer(digits) and not _NOT_PERSONAL.search(before) else None


def _mobile(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start())
    return None if _NOT_PERSONAL.search(before) else match.span()


def _landline(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    before = _before(text, match.start())
    if _NOT_PERSONAL.search(before):
        return None
    if match["sep"] or match["open"]:
        return match.span()
    return match.span() if _PHONE_CONTEXT.search(before) else None


def _with_phone_context(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    if _is_fictional(re.sub(r"\D", "", match[0])):
        return None
    return match.span() if _PHONE_CONTEXT.search(_before(text, match.start())) else None


def _international(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub(r"\D", "", match[0])
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
    if any(int(o) > 255 or (o != "0" and o[0] == "0") for o in octets) or not ipaddress.ip_address(match[0]).is_global:
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
    return match.span() if address.is_global and match[0][0] in "23" and len(match[0].split(":")[0]) == 4 else None


def _passport(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    return match.span() if _PASSPORT_CONTEXT.search(_before(text, match.start())) else None


def _plate(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    tail = match[1]
    if _NOT_PERSONAL.search(_before(text, match.start())) or sum(c.isdigit() for c in tail) < 2:
        return None
    return match.span()


def _api_key(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match[0]
    return match.span() if any(c.isdigit() for c in value) or value.startswith("-----") else None


def _secret_value(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    value = match["value"]
    return match.span("value") if value and not value.startswith(("<", "{", "$", "%", "*")) else None


_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方"
    "白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蘇葉呂盧鍾譚陸賈韋鄒龍賀顧龔萬錢嚴湯"
)


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, re.Pattern[str], _Check], ...]:
    """Type, pattern and check, most telling first: where two overlap, the earlier one wins."""
    octet = r"[0-9]{1,3}"
    han = r"[一-鿿]"
    return (
        ("url_credentials", re.compile(r"(?<=://)([^\s/:@<>，。]{1,64}:[^\s/@<>，。]{1,128})(?=@)"), _whole),
        (
            "url_credentials",
            re.compile(
                r"[?&](?:access_?token|auth_?token|token|api_?key|key|password|passwd|pwd|secret|client_secret|sig|"
                r"signature)=(?P<value>[^\s&#\"'<>，。；）]{6,})",
                re.I,
            ),
            _secret_value,
        ),
        (
            "api_key",
            re.compile(
                r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:[^-]{0,8192}-----END (?:[A-Z]+ )*PRIVATE KEY-----)?|"
                r"(?<![A-Za-z0-9])(?:sk-(?:[a-z]{2,8}-)*[A-Za-z0-9_\-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|"
                r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|"
                r"glpat-[A-Za-z0-9_\-]{20,}|xox[abeprs]-[A-Za-z0-9\-]{10,}|AIza[0-9A-Za-z_\-]{35}|"
                r"hf_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{50,}|npm_[A-Za-z0-9]{36}|"
                r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}|"
                r"eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,})(?![A-Za-z0-9])"
            ),
            _api_key,
        ),
        (
            "email",
            re.compile(
                r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@"
                r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9@])"
            ),
            _email,
        ),
        (
            "id_cn",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])(?:[1-8][0-9]{5}[ \-]?[12][0-9]{3}[01][0-9][0-3][0-9][ \-]?[0-9]{3}[0-9Xx]|"
                r"[1-8][0-9]{14})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _id_cn,
        ),
        (
            "company_code_cn",
            re.compile(
                r"(?<![0-9A-Za-z\-_])[1-9A-NY][0-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z\-_])"
            ),
            _company_code,
        ),
        (
            "bank_card",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])[2-9](?:[0-9]{12,18}|[0-9]{3}(?:[ \-][0-9]{4}){2,3}(?:[ \-][0-9]{1,4})?|"
                r"[0-9]{3}[ \-][0-9]{6}[ \-][0-9]{5})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _bank_card,
        ),
        (
            "ssn_us",
            re.compile(
                r"(?<![0-9A-Za-z.\-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9A-Za-z]|[.\-][0-9])"
            ),
            _mobile,
        ),
        (
            "mobile_cn",
            re.compile(
                r"(?:(?<![0-9A-Za-z.\-_])|(?<=tel)|(?<=Tel)|(?<=phone)|(?<=Phone)|(?<=mobile))"
                r"(?:[(（]?(?:\+|00)?86[)）]?[ \-]?)?1[3-9][0-9](?:[0-9]{8}|[ \-][0-9]{4}[ \-][0-9]{4})(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _mobile,
        ),
        (
            "landline_cn",
            re.compile(
                r"(?<![0-9A-Za-z.\-_])(?P<country>(?:\+|00)86[ \-]?)?(?P<open>[(（])?(?(country)0?|0)"
                r"(?:10|2[0-57-9]|[3-9][1-9][0-9])(?(open)[)）])"
                r"(?P<sep>[ \-—–]?)[2-9][0-9]{6,7}(?:(?:[ \-]|转|轉|ext\.?\s?)[0-9]{1,5})?(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _landline,
        ),
        (
            "landline_cn",
            re.compile(r"(?<![0-9A-Za-z.\-_])[2-8][0-9]{6,7}(?![0-9A-Za-z_]|[.\-][0-9])"),
            _with_phone_context,
        ),
        (
            "phone",
            re.compile(
                r"(?<![0-9A-Za-z+])\+[1-9][0-9]{0,3}(?:[ .\-]?[(（]?[0-9]{1,5}[)）]?){2,6}(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _international,
        ),
        (
            "phone",
            re.compile(
                r"(?<![0-9A-Za-z.\-_+])(?:1[ .\-])?(?:\([2-9][0-9]{2}\)\s?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}"
                r"(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _nanp,
        ),
        (
            "phone",
            re.compile(
                r"(?<![0-9A-Za-z.\-_+])(?:00|0)?[1-9][0-9]{1,4}(?:[ .\-][0-9]{2,5}){1,4}(?![0-9A-Za-z_]|[.\-][0-9])"
            ),
            _with_phone_context,
        ),
        ("ip", re.compile(rf"(?<![0-9A-Za-z.\-_]){octet}(?:\.{octet}){{3}}(?![0-9A-Za-z_\-]|\.[0-9])"), _ipv4),
        ("ip", re.compile(r"(?<![0-9A-Za-z:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,35}(?![0-9A-Za-z:]|\.[0-9])"), _ipv6),
        ("passport", re.compile(r"(?<![0-9A-Za-z])(?:[A-Z]{1,2}[0-9]{7,8}|[0-9]{9})(?![0-9A-Za-z])"), _passport),
        (
            "plate_cn",
            re.compile(
                r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・. ]?"
                r"([A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[挂学警港澳])(?![0-9A-Za-z\-])"
            ),
            _plate,
        ),
        ("name", re.compile(rf"(?<={han})?([{_SURNAMES}]{han}{{0,2}}?)(?=先生|女士|小姐|太太)"), _whole),
        (
            "name",
            re.compile(
                rf"(?:姓名|联系人|法定代表人|负责人|聯繫人)[ \t]*[:：][ \t]*([{_SURNAMES}]{han}{{1,2}})(?!{han})"
            ),
            _whole,
        ),
        (
            "name",
            re.compile(r"(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s([A-Z][a-z'\-]+(?:\s[A-Z][a-z'\-]+){0,2})"),
            _whole,
        ),
    )


def find(text: str, kinds: frozenset[str]) -> list[Found]:
    """The personal data of these types in `text`, by position, without overlaps."""
    found: list[Found] = []
    taken = bytearray(len(text))
    for start, end, kind in _matches(text, kinds):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            found.append((start, end, kind))
    return sorted(found)


# What a rule's find must hold. Most rules begin with a look-behind, which the regex engine tries at every character
# (10 to 50 MB/s each, twenty of them); these begin with a literal or a set, and most text holds none.
_DIGITS = re.compile(r"[0-9][0-9 .\-()（）—–]{4,}[0-9Xx]")
_SEEDS: dict[str, re.Pattern[str] | None] = {
    "url_credentials": re.compile(r"://|[?&][A-Za-z_]{2,}="),
    "api_key": None,
    "email": re.compile(r"@"),
    "plate_cn": None,
    "name": None,
}
_IPV6_SEED = re.compile(r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2}")
_MARGIN = {"email": 320, "url_credentials": 400}
# The literals that an API key starts with: `in` finds them at gigabytes a second, an alternation does not.
_KEY_STARTS = (
    *("-----BEGIN", "sk-", "sk_", "rk_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "AIza", "hf_", "pypi-", "npm_", "SG.", "LTAI", "AKID", "eyJ"),
)


def _windows(text: str, seed: re.Pattern[str], margin: int) -> list[tuple[int, int]]:
    """The stretches of `text` around the seeds, merged."""
    windows: list[tuple[int, int]] = []
    for match in seed.finditer(text):
        start, end = max(0, match.start() - margin), min(len(text), match.end() + margin)
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _matches(text: str, kinds: frozenset[str]) -> Iterator[Found]:
    known: dict[re.Pattern[str], list[tuple[int, int]]] = {}
    for kind, pattern, check in _rules():
        if kind not in kinds or (kind == "api_key" and not any(start in text for start in _KEY_STARTS)):
            continue
        windows = [(0, len(text))]
        seed = _SEEDS.get(kind, _IPV6_SEED if check is _ipv6 else _DIGITS)
        if seed is not None:
            if seed not in known:
                known[seed] = _windows(text, seed, _MARGIN.get(kind, 40))
            windows = known[seed]
        for start, end in windows:
            # Look-behinds see the text before `start`; nothing sees beyond `end`, so a match that ends there is not
            # to be trusted. The margin is longer than any match, so such a one is a piece of something else.
            for match in pattern.finditer(text, start, end):
                span = check(text, match) if match.end() < end or end == len(text) else None
                if span is not None:
                    yield *span, kind
