"""Advertising of clinics, pills and miracle cures, told from medicine that is merely talked about."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from ...curate.documents import Documents
from ...curate.step import AtMost, Filter, Threshold
from .. import lexicon

LEXICON = ("ads-zh-Hans.txt", "ads-zh-Hant.txt", "ads-en.txt")
SHORT_TEXT = {"zh": 300}
SHORT_ELSE = 700
"""Characters. A shorter text counts as if it had so many: one phrase in an answer of two lines is no advertisement."""

_PHONE = r"(?:电话|電話|热线|熱線|微信|[Qq][Qq]|VX|vx)[^\n\d]{0,8}\d{5,12}|400[-－]?\d{3,4}[-－]?\d{3,4}"
_CLINIC = r"\p{Han}{2,12}(?:男科|妇科|婦科|白癜风|白癜風|癫痫|癲癇|牛皮癣|银屑病|不孕不育|整形|美容|肝病|肛肠|皮肤病|皮膚病|专科|專科)(?:医院|醫院|门诊|門診|诊所)"


class MedicalAdvertising(Filter):
    """Drops pages that sell a clinic or a cure: promises, secret recipes, hotlines, pills without a prescription.

    What a guideline, a record or a doctor's answer says of a disease does not count. Off for languages other than Chinese
    and English unless a `default` is given.
    """

    name: ClassVar[str] = "medical_advertising"
    version: ClassVar[int] = 2

    max_medical_ads: Annotated[Threshold, AtMost("medical_ads")] = {"default": None, "zh": 0.02, "en": 0.02}
    """Largest share of characters in phrases of advertising (medical/ads-*.txt)."""
    max_clinic_names: Annotated[Threshold, AtMost("clinic_names")] = {"default": None, "zh": 8}
    """Most names of private clinics (…男科医院, …白癜风专科医院) and hotlines for every 1,000 characters."""
    phrases: str | None = None
    """A file of your own phrases, one a line, in place of the bundled ones."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.phrases) if self.phrases else lexicon.shipped("medical", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        length = lexicon.texts(docs).select(pl.col("text").str.len_chars().alias("n"))["n"].to_numpy()
        # Padding lowers the density of short texts: share * n / max(n, short).
        short = np.array([SHORT_TEXT.get(language or "", SHORT_ELSE) for language in docs.languages], dtype=np.float32)
        scale = length / np.maximum(length, short)
        return docs.with_signals(
            {
                "medical_ads": lexicon.coverage(docs, self._patterns()) * scale,
                "clinic_names": lexicon.per_thousand(docs, (_PHONE, _CLINIC)) * scale,
            }
        )
