"""FineWeb-2's rules as one set, with the thresholds it published for Chinese."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from ..curate.documents import Documents
from ..curate.step import AtLeast, AtMost, Filter, Threshold
from .quality import FineWebQuality, GopherQuality, GopherRepetition


class FineWeb2(Filter):
    """Drops what FineWeb-2 drops (Penedo et al. 2025; for Chinese its configuration `cmn_Hani`, to the digit).

    The signals are those of `gopher_repetition`, `gopher_quality` and `fineweb_quality`, whose own Chinese thresholds are wider
    where these drop clean text (docs/signals.md). Languages other than Chinese get FineWeb's values for English. The stop
    words are ours.
    """

    name: ClassVar[str] = "fineweb2"

    min_language_score: Annotated[Threshold, AtLeast("language_score")] = {"default": None, "zh": 0.692}
    """Smallest score of the language step. The value is meant for GlotLID: set it to null, or to a value of your own, with
    another backend. Not judged where no language step ran before."""
    dup_line_frac: Annotated[Threshold, AtMost("dup_line_frac")] = {"default": 0.3, "zh": 0.287}
    """Largest share of lines that occurred before."""
    top_2_gram: Annotated[Threshold, AtMost("top_2_gram")] = {"default": 0.2, "zh": 0.256}
    """Largest share of characters in the most frequent pair of words."""
    top_3_gram: Annotated[Threshold, AtMost("top_3_gram")] = {"default": 0.18, "zh": 0.201}
    """The same for three words."""
    top_4_gram: Annotated[Threshold, AtMost("top_4_gram")] = {"default": 0.16, "zh": 0.171}
    """The same for four words."""
    dup_5_gram: Annotated[Threshold, AtMost("dup_5_gram")] = {"default": 0.15, "zh": 0.198}
    """Largest share of characters in sequences of five words that occurred before."""
    dup_6_gram: Annotated[Threshold, AtMost("dup_6_gram")] = {"default": 0.14, "zh": 0.182}
    """The same for six words."""
    dup_7_gram: Annotated[Threshold, AtMost("dup_7_gram")] = {"default": 0.13, "zh": 0.167}
    """The same for seven words."""
    dup_8_gram: Annotated[Threshold, AtMost("dup_8_gram")] = {"default": 0.12, "zh": 0.154}
    """The same for eight words."""
    dup_9_gram: Annotated[Threshold, AtMost("dup_9_gram")] = {"default": 0.11, "zh": 0.140}
    """The same for nine words."""
    dup_10_gram: Annotated[Threshold, AtMost("dup_10_gram")] = {"default": 0.10, "zh": 0.127}
    """The same for ten words."""
    min_line_punct_ratio: Annotated[Threshold, AtLeast("line_punct_ratio")] = {"default": 0.12, "zh": 0.106}
    """Smallest share of lines that end in sentence punctuation."""
    max_short_line_ratio: Annotated[Threshold, AtMost("short_line_ratio")] = {"default": 0.67, "zh": None}
    """Largest share of lines of 30 characters or less."""
    max_char_dup_ratio: Annotated[Threshold, AtMost("char_dup_ratio")] = {"default": 0.01, "zh": 0.1}
    """Largest share of characters in lines that occurred before."""
    max_new_line_ratio: Annotated[Threshold, AtMost("new_line_ratio")] = {"default": 0.3, "zh": 0.178}
    """Most line ends for each word, punctuation counted as words."""
    min_words: Annotated[Threshold, AtLeast("words")] = 50
    """Fewest words, punctuation not counted."""
    max_words: Annotated[Threshold, AtMost("words")] = 100_000
    """Most words, punctuation not counted."""
    min_avg_word_length: Annotated[Threshold, AtLeast("avg_word_length")] = {"default": 3, "zh": 1}
    """Smallest mean length of a word in characters."""
    max_avg_word_length: Annotated[Threshold, AtMost("avg_word_length")] = {"default": 10, "zh": 5}
    """Largest mean length of a word in characters."""
    max_symbol_word_ratio: Annotated[Threshold, AtMost("symbol_word_ratio")] = 0.1
    """Most # or ellipses (whichever are more) for each word."""
    max_bullet_lines_ratio: Annotated[Threshold, AtMost("bullet_lines_ratio")] = 0.9
    """Largest share of lines that start with a bullet."""
    max_ellipsis_lines_ratio: Annotated[Threshold, AtMost("ellipsis_lines_ratio")] = 0.3
    """Largest share of lines that end with an ellipsis."""
    min_alpha_words_ratio: Annotated[Threshold, AtLeast("alpha_words_ratio")] = {"default": 0.8, "zh": 0.735}
    """Smallest share of words with a letter in them, punctuation counted as words."""
    min_stop_words: Annotated[Threshold, AtLeast("stop_words")] = 2
    """Fewest different stop words."""

    def measure(self, docs: Documents) -> Documents:
        for step in (GopherRepetition(), GopherQuality(), FineWebQuality()):
            docs = step.measure(docs)
        if "language_score" in docs.signals:
            return docs
        return docs.with_signals({"language_score": np.full(len(docs), np.nan)})
