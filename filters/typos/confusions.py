"""Characters that are taken for one another: by sound (pinyin input, dictation), by shape (OCR, handwriting)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from ...curate.errors import InputError
from ..protect import HAN_NEGATIONS, HAN_NUMERALS

NEVER = frozenset(HAN_NEGATIONS + HAN_NUMERALS)
"""Characters that no step may write or remove: a wrong one turns a finding or a number into its opposite."""

_NEAR = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"))
"""Sounds that many speakers and most fuzzy pinyin inputs do not keep apart."""


@lru_cache(maxsize=1)
def sounds() -> dict[str, str]:
    """For each character of the table, the others of exactly its syllable."""
    return _from_groups(chars for _, chars in _sound_table())


@lru_cache(maxsize=4)
def confusions(extra: str | None = None) -> dict[str, str]:
    """For each character, those it may stand in for: near sounds, shapes, and a user's own file.

    The file has a group of characters a line (`作做座`), or a wrong and a right word of one length with a tab between.
    Raises InputError when it cannot be read.
    """
    near: dict[str, str] = defaultdict(str)
    for syllable, chars in _sound_table():
        for strict, loose in _NEAR:
            if syllable.startswith(strict) or (len(strict) > 2 and syllable.endswith(strict)):
                syllable = syllable.replace(strict, loose)
        near[syllable] += chars
    table = {char: set(others) for char, others in _from_groups(near.values()).items()}
    for a, b in listed_pairs(extra):
        table.setdefault(a, set()).add(b)
    return {
        char: "".join(sorted(others - NEVER)) for char, others in sorted(table.items()) if char not in NEVER and others
    }


@lru_cache(maxsize=4)
def listed_pairs(extra: str | None = None) -> tuple[tuple[str, str], ...]:
    """Wrong and right characters that someone wrote down: our shapes and words, and a user's own file.

    Raises InputError when the file cannot be read.
    """
    lines = [*shape_groups(), *(f"{wrong}\t{right}" for wrong, right in wrong_words().items())]
    if extra is not None:
        try:
            lines += [line for line in Path(extra).read_text("utf-8").splitlines() if line and line[0] != "#"]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the confusion file {extra} cannot be read ({error}); give a UTF-8 text file") from error
    return tuple((a, b) for a, b in _pairs(lines) if a != b)


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        wrong, tab, right = line.strip().partition("\t")
        if not tab:
            yield from ((a, b) for a in wrong for b in wrong)
        elif len(wrong) == len(right):
            yield from zip(wrong, right, strict=True)


@lru_cache(maxsize=1)
def shape_groups() -> tuple[str, ...]:
    """Groups of characters that look alike."""
    return tuple(_lines("zh_shapes.txt"))


@lru_cache(maxsize=1)
def wrong_words() -> dict[str, str]:
    """Misspelt Chinese words that are no words themselves, and the right ones."""
    pairs = (line.partition("\t") for line in _lines("zh_wrong_words.tsv"))
    return {wrong: right for wrong, _, right in pairs}


def _sound_table() -> Iterator[tuple[str, str]]:
    for line in _lines("zh_sounds.tsv"):
        syllable, chars = line.split("\t")
        yield syllable, chars


def _from_groups(groups: Iterable[str]) -> dict[str, str]:
    return {char: group.replace(char, "") for group in groups for char in group}


def _lines(name: str) -> list[str]:
    text = (files(__package__.rpartition(".")[0]) / "data" / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
