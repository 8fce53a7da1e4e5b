"""Typo fixing that refuses: it edits only where a model of the user's own text has shown that it is right."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...curate.documents import Documents
from ...curate.step import Transform
from ..protect import load_terms
from .confusions import listed_pairs, wrong_words
from .edit import Edit, apply
from .english import edits_english, english_suspects
from .model import TypoModel, train_typos

if TYPE_CHECKING:
    from .chinese import ChineseModel

__all__ = ["FixTypos", "TypoModel", "apply", "guess_language", "load_model", "train_typos"]


class FixTypos(Transform):
    """Fixes misspelt words in Chinese and English where a trained model's measured precision allows it, else counts.

    Without a model, or in a language that the model does not know well enough, or in a text unlike what the model was
    trained on, nothing is edited and the signal `typo_suspects` counts what looks wrong.
    """

    name: ClassVar[str] = "fix_typos"
    version: ClassVar[int] = 4
    signal_names: ClassVar[tuple[str, ...]] = ("typos_fixed", "typo_suspects")

    model: str | None = None
    """A file made by `train_typos` from clean text of the same domain."""
    mode: Literal["fix", "tag"] = "fix"
    """`fix` edits where it may; `tag` only counts."""
    min_precision: float = Field(default=0.97, ge=0, le=1)
    """The model edits a language only if its precision on injected errors is at least this."""
    max_clean_changed: float = Field(default=0.002, ge=0, le=1)
    """... and if it changed at most this share of clean Chinese sentences."""
    max_clean_words: float = Field(default=0.001, ge=0, le=1)
    """... and at most this share of clean English words."""
    confusions: str | None = None
    """A file of further confusable characters: a group a line, or a wrong and a right word with a tab between."""
    terms: str | None = None
    """A file of words that are never touched, one a line."""

    def prepare(self) -> None:
        if self.model is not None:
            load_model(self.model)
            self._chinese()
        if self.terms is not None:
            load_terms(self.terms)
        listed_pairs(self.confusions)

    def may_edit(self, language: str) -> bool:
        """Whether the model has earned edits in this language."""
        if self.mode == "tag" or self.model is None:
            return False
        measured = load_model(self.model).measured.get(language)
        if measured is None:
            return False
        most = self.max_clean_changed if language == "zh" else self.max_clean_words
        return measured.precision >= self.min_precision and measured.clean_changed <= most

    def _chinese(self) -> ChineseModel | None:
        return _chinese_model(self.model, self.confusions) if self.model is not None else None

    def transform(self, docs: Documents) -> Documents:
        fixed = np.zeros(len(docs), np.float32)
        suspects = np.zeros(len(docs), np.float32)
        texts: list[str] = list(docs.texts)
        languages = [
            None if text is None else language or guess_language(text)
            for text, language in zip(docs.texts, docs.languages, strict=True)
        ]
        chinese = [row for row, language in enumerate(languages) if language == "zh"]
        english = [row for row, language in enumerate(languages) if language == "en"]
        zh = self._chinese()
        found: dict[int, list[Edit]] = {}
        if zh is not None and chinese:
            found.update(zip(chinese, zh.edits([texts[row] for row in chinese]), strict=True))
        model = load_model(self.model) if self.model is not None else None
        for row in english:
            if model is not None and "en" in model.measured:
                found[row] = edits_english(texts[row], model.words, model.strictness)
            else:
                found[row] = english_suspects(texts[row], {})
        may = {language: self.may_edit(language) for language in ("zh", "en")}
        for row, edits in found.items():
            edits = self._without_terms(texts[row], edits)
            if edits and may[languages[row] or ""]:
                texts[row] = apply(texts[row], edits)
                fixed[row] = len(edits)
            else:
                suspects[row] = len(edits)
        for row in chinese:
            suspects[row] += sum(1 for _ in _wrong_word_pattern().finditer(texts[row]))
        return docs.with_texts(texts).with_signals({"typos_fixed": fixed, "typo_suspects": suspects})

    def _without_terms(self, text: str, edits: list[Edit]) -> list[Edit]:
        terms = load_terms(self.terms) if edits and self.terms is not None else None
        if terms is None:
            return edits
        spans = [m.span() for m in terms.finditer(text)]
        return [e for e in edits if not any(a < e.end and e.start < b for a, b in spans)]


def load_model(path: str) -> TypoModel:
    """The model at `path`, read once in each process and again when the file has changed."""
    return _loaded(path, _stamp(path))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None  # loading says what is wrong
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _loaded(path: str, stamp: tuple[int, int] | None) -> TypoModel:
    return TypoModel.load(path)


def _chinese_model(path: str, extra: str | None) -> ChineseModel | None:
    """The model's Chinese part with a user's confusions."""
    return _prepared(path, extra, _stamp(path), None if extra is None else _stamp(extra))


@lru_cache(maxsize=4)
def _prepared(
    path: str, extra: str | None, stamp: tuple[int, int] | None, extra_stamp: tuple[int, int] | None
) -> ChineseModel | None:
    found = load_model(path).chinese
    if found is not None:
        found = replace(found, extra=extra)
        found.table  # noqa: B018 - gathers the candidates now: a second
    return found


_HAN = re.compile("[一-鿿]")
_LATIN = re.compile("[A-Za-z]")


def guess_language(text: str) -> str | None:
    """`zh` or `en` by the script of the first characters, where no language step has run; None for other scripts."""
    head = text[:2000]
    han, latin = len(_HAN.findall(head)), len(_LATIN.findall(head))
    if han * 4 > latin and han:
        return "zh"
    return "en" if latin * 2 > len(head) else None


@lru_cache(maxsize=1)
def _wrong_word_pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(wrong_words(), key=lambda w: (-len(w), w))))
