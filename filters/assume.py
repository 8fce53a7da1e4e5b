"""What a quality filter takes for granted: the language of a document that nobody named, and that 0 of 0 is 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curate.documents import Documents


def share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """`part / whole`, and 0 where there is nothing to share."""
    shares = np.zeros(len(whole))
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def assume_language(docs: Documents) -> Documents:
    """Documents whose language nobody set and whose letters are mostly Han get the language `zh`.

    Without a language step the English thresholds would hold for everything, and they drop all Chinese. Documents in
    other scripts stay without a language: for them the defaults are meant.
    """
    if None not in docs.languages:
        return docs
    from .text.words import JIEBA, styles_of

    chinese = styles_of(docs) == JIEBA
    languages = [
        "zh" if found is None and is_chinese else found
        for found, is_chinese in zip(docs.languages, chinese, strict=True)
    ]
    return docs if languages == docs.languages else docs.with_columns({"language": languages})


def assumed_languages(docs: Documents) -> list[str]:
    """Each document's language, English where it is unknown, as the reference implementations assume."""
    return [language or "en" for language in assume_language(docs).languages]
