"""Which families of rules are worth running on which text: a scan of the whole batch in Rust, outside Python.

A seed is what must be in a text for a family to find anything. Most text holds few of them, and a scan costs a hundredth
of the rules; a test checks that no rule finds what its seed does not announce.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .labels import record_seed
from .roles import en_name_seed, zh_name_seed

_FOLDED = {
    **{wide: wide - 0xFEE0 for wide in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    **{
        ord(wide): ord(narrow)
        for wide, narrow in zip("＠－．／＋＿\u00a0\u2010\u2011\u2012\u2212", "@-./+_ ----", strict=True)
    },
}
_TO_FOLD = re.compile(f"[{''.join(map(chr, _FOLDED))}]")


def folded(text: str) -> str:
    """Full-width letters, digits and signs of numbers as ASCII, other hyphens and spaces as the plain ones. Each
    character stays one, so what is found in the folded text stands at the same place of the text."""
    return _TO_FOLD.sub(_fold_one, text)  # str.translate takes ten times as long: such characters are rare


def _fold_one(match: re.Match[str]) -> str:
    return chr(_FOLDED[ord(match[0])])


def _folded(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    rows = pc.match_substring_regex(texts, _TO_FOLD.pattern)
    if not pc.any(rows).as_py():
        return texts
    plain = [folded(text) for text in texts.filter(rows).to_pylist()]
    return pc.replace_with_mask(texts, rows, pa.array(plain, pa.large_string()))


KEY_STARTS = (
    *("-----BEGIN", "sk-", "sk_", "rk_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gsk_"),
    *("glpat-", "xoxa", "xoxb", "xoxe", "xoxp", "xoxr", "xoxs", "AIza", "hf_", "pypi-", "npm_", "SG.", "LTAI", "AKID"),
    *("eyJ", "AKLT", "ya29.", "GOCSPX-", "xai-", "r8_", "nvapi-", "whsec_", "pk_live", "pk_test", "key-", "dop_v1_"),
    *("dapi", "shpat_", "shpca_", "shppa_", "shpss_", "sq0", "EAAA", "lin_api_", "ntn_", "secret_", "hvs.", "PMAK-"),
    *("NRAK-", "ATATT3", "glsa_", "AGE-SECRET", "bce-v3", ":AA", "xapp-", "dckr_pat_", "pplx-", "tvly-", "figd_"),
    *("sbp_", "hooks.slack.com/services/", "/api/webhooks/", "/bot/v2/hook/"),
)
"""What the keys of the common vendors begin with, as the vendors and the secret scanners of code hosts document them."""

_MONTH = "(?:J(?:an|un|ul|AN|UN|UL)|F(?:eb|EB)|M(?:ar|ay|AR|AY)|A(?:pr|ug|PR|UG)|S(?:ep|EP)|O(?:ct|CT)|N(?:ov|OV)|D(?:ec|EC))"

SEEDS: dict[str, tuple[str, frozenset[str]]] = {
    "numbers": (
        r"[0-9][0-9 .\-/()（）—–]{4}[0-9 .\-/()（）—–]*[0-9Xx]",
        frozenset(["mobile_cn", "landline_cn", "phone", "id_cn", "bank_card", "passport", "ip", "ssn_us"]),
    ),
    "email": ("@", frozenset(["email"])),
    "links": (
        r"://[^\s/]*@|[?&][A-Za-z_]{2,}=|[\[(（](?:at|AT|At)[\])）]",
        frozenset(["url_credentials", "email"]),
    ),
    "codes": (
        r"[0-9A-Z]{18}|[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2}",
        frozenset(["company_code_cn", "bank_card"]),
    ),
    "keys": ("|".join(map(re.escape, KEY_STARTS)), frozenset(["api_key"])),
    "secrets": (
        r"(?i:key|secret|token|passwo?r?d|pwd|key.id)[\"'”’]?\s{0,3}(?:[:=：]|is|为|是)|[Bb]earer|BEARER|[Aa]uthorization|密钥|密鑰|秘钥|口令|密码|密碼|令牌|私钥",
        frozenset(["api_key"]),
    ),
    "ipv6": (
        r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]|(?:[0-9A-Fa-f]{2}-){5}",
        frozenset(["ip", "document_number"]),
    ),
    "plates": (
        r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・. \-]?[A-HJ-NP-Z0-9]{4}",
        frozenset(["plate_cn"]),
    ),
    "passports": (
        r"护照|護照|通行证|通行證|台胞证|回乡证|回鄉證|身份证|身份證|永久居留|(?i:passport|HKID|identity card|national id|[\- ]permit)",
        frozenset(["passport"]),
    ),
    "records": (record_seed(), frozenset(["medical_record", "document_number"])),
    "dates": (
        rf"[0-9]\s?年\s?[01]?[0-9]\s?月|[0-9]月[0-3]?[0-9][日号]|年[一二三四五六七八九十]{{1,2}}月|[0-9][\-/.][0-9]{{1,2}}[\-/.][0-9]|"
        rf"{_MONTH}[A-Za-z]{{0,6}}\.?,?[\s\-][0-9]|[0-9](?:st|nd|rd|th)?[\s\-]?(?:of\s)?{_MONTH}|(?:[日期时间入出院生于]|[A-Za-z])[\s:：为是]{{0,3}}(?:19|20)[0-9]{{6}}|"
        rf"(?i:on|admitted|seen|discharged|visit|dob|born)[: ] ?[01]?[0-9]/[0-3]?[0-9]",
        frozenset(["date", "birth_date"]),
    ),
    "ages": (
        r"9[0-9][\s\-]?[周岁歲Yy]|1[01][0-9][\s\-]?[周岁歲Yy]|(?i:age[d]?|年[龄齡])[:：为是]?\s?:?\s?(?:of )?(?:9|1[01])[0-9]|"
        r"九十[一二三四五六七八九]?余?周?[岁歲]|一百[^，。]{0,3}周?[岁歲]|(?i:ninety|one hundred)",
        frozenset(["age"]),
    ),
    "addresses_zh": (
        r"[0-9A-Za-z０-９一二三四五六七八九十百] ?(?:号|號|室|栋|幢|棟|弄|巷|段|单元|單元|座|组|楼|樓|户|房|门|队|层|村民小组)|邮编|邮政编码|郵編|[村屯庄寨][^，。；\n]{0,3}[，。；、\n]|"
        r"[址籍住][为是：:]?[ \t]?[^，。；、\n]{2,24}(?:村|屯|庄|镇|乡|道|路|街|小区|社区)|"
        r"(?:籍贯|出生地|出生于|祖籍|籍貫|户籍地|户籍|住址|现住)(?:为|是|[:：])?[ \t]*[一-龥]{2}",
        frozenset(["address"]),
    ),
    "addresses_en": (
        r"[0-9][A-Za-z]?\s(?:[NSEW]\.?[EW]?\.?\s)?(?:[A-Z0-9][A-Za-z0-9'’.\-]*\s){1,4}[A-Z]|[A-Z]{2}\s{1,2}[0-9]{5}|Box|USNS|USS |USCGC|USNV|[a-z]\s{1,2}[0-9]{5}|"
        r"[A-Z]{1,2}[0-9][0-9A-Z]?\s[0-9][A-Z]{2}|[A-Z][0-9][A-Z]\s?[0-9][A-Z][0-9]|(?i:zip|postal code|post ?code)",
        frozenset(["address"]),
    ),
    "urls": (r"(?:https?|ftp|HTTPS?|FTP|Https?)://|(?:www|WWW)\.", frozenset(["url"])),
    "names_zh": (zh_name_seed(), frozenset(["name"])),
    "names_en": (en_name_seed(), frozenset(["name"])),
}
"""By family: the seed, and the types of personal data that its rules find."""


Windows = list[tuple[int, int]]
"""Stretches of a text, by character, in order and apart."""

CHUNK, OVERLAP, MARGIN = 240, 48, 120
"""Characters that are scanned at a time, shared with the next, and added on both sides of a hit. A seed is shorter than
the overlap; what a rule finds reaches less than the margin beyond its seed. Keys and e-mail addresses reach further."""
_FAR = {"email": 340, "links": 400, "keys": 9000, "urls": 2000, "secrets": 300}
_FIRST = frozenset(["keys", "urls"])
"""Families whose seed is the beginning of what they find: only what follows it is far."""


@lru_cache(maxsize=64)
def _wanted(kinds: frozenset[str]) -> tuple[str, ...]:
    return tuple(family for family, (_, finds) in SEEDS.items() if finds & kinds)


def _series(texts: pa.LargeStringArray) -> pl.Series:
    found = pl.from_arrow(texts)
    assert isinstance(found, pl.Series)
    return found


_RARE = ("links", "codes", "ipv6", "plates")
"""Families that hit few texts and skip through none by a letter: asked together first, which takes as long as one of them."""


def _hits(texts: pl.Series, seed: str, literal: bool = False) -> NDArray[np.bool_]:
    # Rust's regex, not RE2: where a seed has words to skip to it is up to eight times as fast, and else as fast.
    out: NDArray[np.bool_] = texts.str.contains(seed, literal=literal).fill_null(False).to_numpy()
    return out


def _family_hits(texts: pl.Series, family: str) -> NDArray[np.bool_]:
    return _hits(texts, SEEDS[family][0], literal=family == "email")


def _all_hits(texts: pl.Series, families: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    rare = [family for family in families if family in _RARE]
    some = _hits(texts, "|".join(SEEDS[family][0] for family in rare)) if len(rare) > 1 else np.ones(len(texts), bool)
    found = {}
    for family in families:
        if family not in rare:
            found[family] = _family_hits(texts, family)
            continue
        found[family] = some.copy()
        if some.any():
            found[family][some] = _family_hits(texts.filter(some), family)
    return found


def candidates(texts: pa.LargeStringArray, kinds: frozenset[str]) -> Iterator[tuple[int, str, dict[str, Windows]]]:
    """Row, text, and by family where its rules have to look, for the rows that hold any seed.

    Whole texts first; then, in those that hit, pieces of them: the rules run at a few MB/s, the scan at hundreds. The
    pieces of a batch are scanned at once, because every call compiles its pattern.
    """
    plain = _folded(texts)
    hits = _all_hits(_series(plain), _wanted(kinds))
    if not hits:
        return
    rows = np.flatnonzero(np.logical_or.reduce(list(hits.values()))).tolist()
    found = [plain[row].as_py() for row in rows]
    holds = [[family for family, hit in hits.items() if hit[row]] for row in rows]
    places = windows(found, holds)
    yield from ((row, texts[row].as_py(), where) for row, where in zip(rows, places, strict=True))


def windows(texts: Sequence[str], families: Sequence[Iterable[str]]) -> list[dict[str, Windows]]:
    """Where the rules of each text's families have to look."""
    out: list[dict[str, Windows]] = [{family: [] for family in holds} for holds in families]
    pieces: list[str] = []
    owner: list[int] = []
    place: list[int] = []
    for i, text in enumerate(texts):
        for start in range(0, max(1, len(text) - OVERLAP), CHUNK):
            pieces.append(text[start : start + CHUNK + OVERLAP])
            owner.append(i)
            place.append(start)
    chunks = pl.Series(pieces, dtype=pl.String)
    for family in sorted({family for holds in out for family in holds}):
        behind = _FAR.get(family, MARGIN)
        margin = MARGIN if family in _FIRST else behind
        asked = np.array([family in out[i] for i in owner], bool)
        at = np.flatnonzero(asked)
        for chunk in at[_family_hits(chunks.gather(at), family)].tolist():
            text, known = texts[owner[chunk]], out[owner[chunk]][family]
            start, end = max(0, place[chunk] - margin), min(len(text), place[chunk] + CHUNK + OVERLAP + behind)
            if known and start <= known[-1][1]:
                known[-1] = (known[-1][0], end)
            else:
                known.append((start, end))
    return out


def every_window(text: str, kinds: frozenset[str]) -> dict[str, Windows]:
    """The families that the types ask for, each to look at the whole text: the slow reference."""
    return {family: [(0, len(text))] for family in _wanted(kinds)}


def matches(pattern: re.Pattern[str], text: str, places: Windows) -> Iterator[re.Match[str]]:
    """The matches inside the windows. Look-behinds see the text before a window, nothing sees beyond its end: a match
    that ends there is a piece of something else, since what a seed announced ends within the margin."""
    for start, end in places:
        for match in pattern.finditer(text, start, end):
            if match.end() < end or end == len(text):
                yield match


def beginnings(starts: re.Pattern[str], text: str, places: Windows) -> Windows:
    """Where matches can begin, each with the end of its window.

    `starts` is in a form that Python's `re` skips through fast: a set of characters, with what else must hold around
    it. A rule that begins with a look-behind or a group is otherwise tried at each character. Rules share it.
    """
    return [(begin.start(), end) for start, end in places for begin in starts.finditer(text, start, end)]


def matches_at(pattern: re.Pattern[str], text: str, begins: Windows) -> Iterator[re.Match[str]]:
    """What `matches` finds, for a rule that begins at these places only."""
    done, length, match_at = 0, len(text), pattern.match
    for at, end in begins:
        if at >= done:
            match = match_at(text, at, end)
            if match is not None:
                done = match.end()
                if done < end or end == length:
                    yield match


def first_of(alternatives: str, also: str = "") -> re.Pattern[str]:
    """Where words can begin: behind no Latin letter, with the first character of one of them, in either case."""
    chars = {word.lstrip("(?:")[0] for word in alternatives.split("|")} | set(also)
    both = "".join(sorted({c.lower() for c in chars} | {c.upper() for c in chars}))
    return re.compile(rf"[{both}](?<![A-Za-z][{both}])")
