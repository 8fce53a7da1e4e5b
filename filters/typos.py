"""Typo fixing that refuses: it edits only where a model of the user's own text has shown that it is right."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ..curate.documents import Documents
from ..curate.step import Transform
from .confusions import confusions, wrong_words
from .protect import load_terms
from .typo_model import Edit, TypoModel, english_suspects, train_typos

__all__ = ["FixTypos", "TypoModel", "apply", "guess_language", "load_model", "train_typos"]


class FixTypos(Transform):
    """Fixes misspelt words in Chinese and English where a trained model's measured precision allows it, else counts.

    Without a model, or in a language that the model does not know well enough, or in a text unlike what the model was
    trained on, nothing is edited and the signal `typo_suspects` counts what looks wrong.
    """

    name: ClassVar[str] = "fix_typos"
    signal_names: ClassVar[tuple[str, ...]] = ("typos_fixed", "typo_suspects")

    model: str | None = None
    """A file made by `train_typos` from clean text of the same domain."""
    mode: Literal["fix", "tag"] = "fix"
    """`fix` edits where it may; `tag` only counts."""
    min_precision: float = Field(default=0.97, ge=0, le=1)
    """The model edits a language only if its precision on injected errors is at least this."""
    max_clean_changed: float = Field(default=0.002, ge=0, le=1)
    """... and if it changed at most this share of clean sentences."""
    confusions: str | None = None
    """A file of further confusable characters: a group a line, or a wrong and a right word with a tab between."""
    terms: str | None = None
    """A file of words that are never touched, one a line."""

    def prepare(self) -> None:
        if self.model is not None:
            load_model(self.model)
        if self.terms is not None:
            load_terms(self.terms)
        confusions(self.confusions)

    def may_edit(self, language: str) -> bool:
        """Whether the model has earned edits in this language."""
        if self.mode == "tag" or self.model is None:
            return False
        measured = load_model(self.model).measured.get(language)
        return (
            measured is not None
            and measured.precision >= self.min_precision
            and measured.clean_changed <= self.max_clean_changed
        )

    def transform(self, docs: Documents) -> Documents:
        fixed = np.zeros(len(docs), np.float32)
        suspects = np.zeros(len(docs), np.float32)
        texts: list[str] = list(docs.texts)
        for row, (text, language) in enumerate(zip(docs.texts, docs.languages, strict=True)):
            if text is None:
                continue
            language = language or guess_language(text)
            edits, allowed = self._edits(text, language)
            if edits and allowed:
                texts[row] = apply(text, edits)
                fixed[row] = len(edits)
            else:
                suspects[row] = len(edits)
            if language == "zh":
                suspects[row] += sum(1 for m in _wrong_word_pattern().finditer(texts[row]))
        return docs.with_texts(texts).with_signals({"typos_fixed": fixed, "typo_suspects": suspects})

    def _edits(self, text: str, language: str | None) -> tuple[list[Edit], bool]:
        """What should be edited, and whether it may be."""
        model = load_model(self.model) if self.model is not None else None
        edits: list[Edit] = []
        allowed = False
        if language == "zh" and model is not None and "zh" in model.measured:
            if model.unattested(text) > model.measured["zh"].unattested:
                return [], False  # another domain: unseen contexts say nothing there
            edits, allowed = model.edits_zh(text, self.confusions), self.may_edit("zh")
        elif language == "en" and model is not None and "en" in model.measured:
            edits, allowed = model.edits_en(text), self.may_edit("en")
        elif language == "en":
            edits = english_suspects(text, {})
        terms = load_terms(self.terms) if self.terms is not None else None
        if edits and terms is not None:
            spans = [m.span() for m in terms.finditer(text)]
            edits = [e for e in edits if not any(a < e.end and e.start < b for a, b in spans)]
        return edits, allowed


@lru_cache(maxsize=4)
def load_model(path: str) -> TypoModel:
    """The model at `path`, read once in each process."""
    return TypoModel.load(path)


def apply(text: str, edits: list[Edit]) -> str:
    """`text` with these edits, which must not overlap, made."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits):
        pieces += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join(pieces) + text[at:]


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
