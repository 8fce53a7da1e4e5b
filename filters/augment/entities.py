"""Other people, the same story: names of persons swapped for made-up ones, each the same throughout a document.

The names are those that `pii_people` finds by role, title or label, and the 张某 of published judgments, whose surname is
swapped. A user's file adds groups of entities (companies, places) that may stand for one another. An entity that is
mentioned once in a protected span, such as a citation or a quotation, keeps its name everywhere.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ...curate.errors import InputError
from ..privacy.people import names

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶余潘杜戴夏钟汪田任姜范石姚谭廖邹熊"
_GIVEN = (
    "文博 子涵 嘉宁 思远 晓彤 立群 玉泉 志恒 明哲 雅文 佳木 一帆 清和 若谷 宏达 书恒 景行 亦凡 念慈 安澜 启明 云舟 允之 怀瑾 敏行 令仪 修远 "
    "岚 澈 越 宁 森 航 悦 彬 睿 琦"
)
_FIRST = "Alex Avery Blake Casey Dana Drew Eden Ellis Harper Jamie Jordan Kai Lane Morgan Quinn Reese Riley Sage Taylor Robin Rowan Skyler Emerson Finley"
_LAST = (
    "Anders Barlow Calloway Dunmore Eastley Fenwick Garrity Halloran Ivers Jessup Kirkwood Lindell Marlowe Norwood Ostrander Pemberton "
    "Quigley Radcliff Sandoval Thackery Underhill Vance Whitlock Yardley"
)
_MASKED = re.compile(rf"([{_SURNAMES}])(?=某)")


@lru_cache(maxsize=4)
def entity_groups(path: str) -> tuple[tuple[str, ...], ...]:
    """Groups of names that may stand for one another: a group a line, separated by spaces or tabs (tabs, if there are any)."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the entity file {path} cannot be read ({error}); give a UTF-8 text file") from error
    groups = (line.split("\t" if "\t" in line else None) for line in lines if line.strip() and not line.startswith("#"))
    return tuple(tuple(name.strip() for name in group) for group in groups if len(group) > 1)


def swap_entities(
    text: str, mask: bytearray, rng: random.Random, groups: Sequence[Sequence[str]] = ()
) -> tuple[str, int]:
    """The text with other people in it, and how many mentions changed."""
    whole = [(0, len(text))]
    mentions: dict[str, list[int]] = {}
    for start, end in names(text, False, whole, whole):
        mentions.setdefault(text[start:end], []).append(start)
    free = {v: at for v, at in mentions.items() if not any(any(mask[a : a + len(v)]) for a in at)}
    # Of John Smith and Smith, one protected protects both: they are the same person.
    bound = {w for v in mentions.keys() - free.keys() for w in v.split()}
    new: dict[str, str] = {}
    words: dict[str, str] = {}
    for value in sorted(free, key=lambda v: (-len(v), v)):
        if bound & set(value.split()) or not _whole(text, value, free[value]):
            continue
        made = _latin(value, text, words, rng) if value[0].isascii() else _chinese(value, text, new, rng)
        if made:
            new[value] = made
    edits = [(at, value, new[value]) for value in new for at in free[value]]
    edits += _masked(text, mask, rng)
    edits += _listed(text, mask, groups, rng)
    pieces: list[str] = []
    end = count = 0
    for at, old, put in sorted(edits, key=lambda e: (e[0], -len(e[1]))):
        if at >= end:
            pieces += (text[end:at], put)
            end = at + len(old)
            count += 1
    return "".join(pieces) + text[end:], count


_OFFICES = frozenset(
    [
        "agent",
        "chief",
        "clerk",
        "coordinator",
        "counsel",
        "department",
        "director",
        "engineer",
        "executive",
        "general",
        "head",
        "judge",
        "justice",
        "leader",
        "manager",
        "minister",
        "officer",
        "partner",
        "president",
        "principal",
        "project",
        "representative",
        "secretary",
        "senator",
        "supervisor",
        "team",
    ]
)
"""Words that names of offices and courses have, and those of people do not."""
_RUNS_ON = re.compile(r"[ \t][A-Z][A-Za-z]")


def _whole(text: str, value: str, at: Sequence[int]) -> bool:
    """Whether the mentions are all there is of a person: of 李女士 alone each 李 must be one, and Legal Department and
    Chief Justice go on behind what only looks like a name."""
    if value[0].isascii():
        return not _OFFICES & set(value.lower().split()) and not any(_RUNS_ON.match(text, a + len(value)) for a in at)
    return len(value) > 1 or text.count(value) == len(at)


def _chinese(value: str, text: str, taken: dict[str, str], rng: random.Random) -> str | None:
    """A surname for a surname (李女士), a full name for a full one."""
    given = _GIVEN.split() if len(value) > 1 else [""]
    for _ in range(8):
        made = rng.choice(_SURNAMES) + rng.choice(given)
        if made not in text and made not in taken.values():
            return made
    return None


def _latin(value: str, text: str, words: dict[str, str], rng: random.Random) -> str | None:
    """The same number of names: first ones from the list of first names, the last from that of last names."""
    parts = value.split()
    for i, part in enumerate(parts):
        if part not in words and not (len(part) == 2 and part.endswith(".")):
            free = [
                n
                for n in (_LAST if i == len(parts) - 1 else _FIRST).split()
                if n not in text and n not in words.values()
            ]
            if not free:
                return None
            made = rng.choice(free)
            words[part] = made.upper() if part.isupper() and len(part) > 1 else made
    return " ".join(words.get(p, p) for p in parts)


def _masked(text: str, mask: bytearray, rng: random.Random) -> list[tuple[int, str, str]]:
    """张某某 and 张某: another surname, the same for the same one, wherever none of them is protected."""
    places: dict[str, list[int]] = {}
    for match in _MASKED.finditer(text):
        places.setdefault(match[1], []).append(match.start())
    used = set(places)
    out = []
    for surname, at in sorted(places.items()):
        # 被害人张某 may also be called 张 alone (将张送到): then the surname stays.
        alone = re.search(rf"{surname}(?!某)", text)
        if alone or any(mask[a] for a in at):
            continue
        free = [s for s in _SURNAMES if s not in used and s not in text]
        if not free:
            break
        made = rng.choice(free)
        used.add(made)
        out += [(a, surname, made) for a in at]
    return out


def _listed(
    text: str, mask: bytearray, groups: Sequence[Sequence[str]], rng: random.Random
) -> list[tuple[int, str, str]]:
    out = []
    for group in groups:
        present = [n for n in group if n in text]
        free = [n for n in group if n not in text]
        for name in present:
            edge = (r"(?<![A-Za-z])", r"(?![A-Za-z])") if name.isascii() else ("", "")
            at = [m.start() for m in re.finditer(edge[0] + re.escape(name) + edge[1], text)]
            if not at or not free or any(any(mask[a : a + len(name)]) for a in at):
                continue
            made = free.pop(rng.randrange(len(free)))
            out += [(a, name, made) for a in at]
    return out
