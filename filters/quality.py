"""Heuristic quality filters: Gopher, FineWeb and C4 rules as thresholds over signals.

Signals are measured once a batch by the kernels of `filters.text` and shared: running all filters costs one
segmentation. docs/signals.md defines each. Thresholds are the papers' for English (`default`) and FineWeb-2's
`cmn_Hani` values for Chinese; where FineWeb-2 leaves a rule out for Chinese, it is off there.

Kernels (and numba with them) are imported when a filter first measures, not with this module.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from ..curate.documents import Documents
from ..curate.errors import CorpusmillError
from ..curate.step import AtLeast, AtMost, Filter, Threshold
from .assume import assume_language, assumed_languages, share

if TYPE_CHECKING:
    from .text.phrases import Phrases
    from .text.repetition import WordLists

_DATA = Path(__file__).parent / "data"


class GopherQuality(Filter):
    """Drops documents whose words and lines do not look like prose (Gopher: Rae et al. 2021, appendix A.1).

    Words are cut as docs/signals.md says; a document without any fails `min_words`, `min_avg_word_length` and
    `min_alpha_words_ratio`.
    """

    name: ClassVar[str] = "gopher_quality"

    min_words: Annotated[Threshold, AtLeast("words")] = 50
    """Fewest words, punctuation not counted."""
    max_words: Annotated[Threshold, AtMost("words")] = 100_000
    """Most words, punctuation not counted."""
    min_avg_word_length: Annotated[Threshold, AtLeast("avg_word_length")] = {"default": 3, "zh": 1}
    """Smallest mean length of a word in characters."""
    max_avg_word_length: Annotated[Threshold, AtMost("avg_word_length")] = {"default": 10, "zh": 5}
    """Largest mean length of a word in characters."""
    max_symbol_word_ratio: Annotated[Threshold, AtMost("symbol_word_ratio")] = 0.1
    """Most # or ellipses (whichever are more) for each word, punctuation counted as words."""
    max_bullet_lines_ratio: Annotated[Threshold, AtMost("bullet_lines_ratio")] = 0.9
    """Largest share of lines that start with a bullet."""
    max_ellipsis_lines_ratio: Annotated[Threshold, AtMost("ellipsis_lines_ratio")] = 0.3
    """Largest share of lines that end with an ellipsis."""
    min_alpha_words_ratio: Annotated[Threshold, AtLeast("alpha_words_ratio")] = {"default": 0.8, "zh": 0.6}
    """Smallest share of words with a letter in them, punctuation counted as words (datatrove calls this threshold
    max_non_alpha_words_ratio). Chinese: dingo's value; FineWeb-2's .735 drops one in eight Wikipedia paragraphs."""
    min_stop_words: Annotated[Threshold, AtLeast("stop_words")] = 2
    """Fewest different stop words. Documents in a language without a list are not judged by this rule."""
    stop_words: dict[str, list[str]] | None = None
    """Lists of stop words by language, in place of the bundled ones (English and Chinese)."""

    def measure(self, docs: Documents) -> Documents:
        from .text.lines import lines_of
        from .text.repetition import distinct_words, word_counts_of
        from .text.words import classes_of, words_of

        words, lines, classes = word_counts_of(docs), lines_of(docs), classes_of(docs)
        lists, numbers = _stop_word_lists(self.stop_words)
        which = np.array([numbers.get(language, -1) for language in assumed_languages(docs)], dtype=np.int32)
        found = distinct_words(words_of(docs), lists, which).astype(np.float64)
        symbols = np.maximum(classes["hashes"], lines["ellipses"])
        return assume_language(docs).with_signals(
            {
                "words": words["words"],
                "avg_word_length": share(words["word_chars"], words["words"]),
                "symbol_word_ratio": share(symbols, words["tokens"]),
                "bullet_lines_ratio": share(lines["bullet_lines"], lines["lines"]),
                "ellipsis_lines_ratio": share(lines["ellipsis_lines"], lines["lines"]),
                "alpha_words_ratio": share(words["alpha_words"], words["tokens"]),
                "stop_words": np.where(which < 0, np.nan, found),
            }
        )


def _stop_word_lists(given: dict[str, list[str]] | None) -> tuple[WordLists, dict[str, int]]:
    if given is None:
        return _bundled_lists()
    return _word_lists(given)


@cache
def _bundled_lists() -> tuple[WordLists, dict[str, int]]:
    return _word_lists(bundled_stop_words())


def _word_lists(by_language: dict[str, list[str]]) -> tuple[WordLists, dict[str, int]]:
    from .text.repetition import WordLists

    return WordLists.of(list(by_language.values())), {language: k for k, language in enumerate(by_language)}


@cache
def bundled_stop_words() -> dict[str, list[str]]:
    """The stop words that ship with corpusmill, by language."""
    found = {}
    for line in (_DATA / "stop_words.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, *words = line.split()
            found[language] = words
    return found


class GopherRepetition(Filter):
    """Drops documents that repeat themselves (Gopher: Rae et al. 2021, table A1; Chinese: FineWeb-2).

    Every signal is a share between 0 and 1; the character shares are of all characters of the text. An empty document
    has 0 in all and passes: `gopher_quality` drops it.
    """

    name: ClassVar[str] = "gopher_repetition"

    dup_line_frac: Annotated[Threshold, AtMost("dup_line_frac")] = {"default": 0.3, "zh": 0.287}
    """Largest share of lines that occurred before in the document."""
    dup_para_frac: Annotated[Threshold, AtMost("dup_para_frac")] = {"default": 0.3, "zh": None}
    """Largest share of paragraphs that occurred before."""
    dup_line_char_frac: Annotated[Threshold, AtMost("dup_line_char_frac")] = {"default": 0.2, "zh": None}
    """Largest share of characters in lines that occurred before."""
    dup_para_char_frac: Annotated[Threshold, AtMost("dup_para_char_frac")] = {"default": 0.2, "zh": None}
    """Largest share of characters in paragraphs that occurred before."""
    top_2_gram: Annotated[Threshold, AtMost("top_2_gram")] = {"default": 0.2, "zh": 0.256}
    """Largest share of characters in the most frequent pair of words."""
    top_3_gram: Annotated[Threshold, AtMost("top_3_gram")] = {"default": 0.18, "zh": 0.201}
    """Largest share of characters in the most frequent three words."""
    top_4_gram: Annotated[Threshold, AtMost("top_4_gram")] = {"default": 0.16, "zh": 0.171}
    """Largest share of characters in the most frequent four words."""
    dup_5_gram: Annotated[Threshold, AtMost("dup_5_gram")] = {"default": 0.15, "zh": 0.40}
    """Largest share of characters in sequences of five words that occurred before. Chinese: about twice FineWeb-2's
    values (.198 falling to .127), which drop one in six of China's statutes: those repeat their terms, lawfully."""
    dup_6_gram: Annotated[Threshold, AtMost("dup_6_gram")] = {"default": 0.14, "zh": 0.37}
    """The same for six words."""
    dup_7_gram: Annotated[Threshold, AtMost("dup_7_gram")] = {"default": 0.13, "zh": 0.34}
    """The same for seven words."""
    dup_8_gram: Annotated[Threshold, AtMost("dup_8_gram")] = {"default": 0.12, "zh": 0.31}
    """The same for eight words."""
    dup_9_gram: Annotated[Threshold, AtMost("dup_9_gram")] = {"default": 0.11, "zh": 0.28}
    """The same for nine words."""
    dup_10_gram: Annotated[Threshold, AtMost("dup_10_gram")] = {"default": 0.10, "zh": 0.25}
    """The same for ten words."""

    def measure(self, docs: Documents) -> Documents:
        from .text.lines import lines_of
        from .text.repetition import repetition_of
        from .text.words import classes_of

        lines, chars = lines_of(docs), classes_of(docs)["chars"]
        # As the reference counts, outside Chinese: lines of white space are lines, and repeat one another.
        spaces = np.where(np.array(assumed_languages(docs)) == "zh", 0, lines["space_lines"])
        return assume_language(docs).with_signals(
            {
                "dup_line_frac": share(lines["dup_lines"] + np.maximum(spaces - 1, 0), lines["lines"] + spaces),
                "dup_para_frac": share(lines["dup_paragraphs"], lines["paragraphs"]),
                "dup_line_char_frac": share(lines["dup_line_chars"], chars),
                "dup_para_char_frac": share(lines["dup_paragraph_chars"], chars),
                **{name: share(count, chars) for name, count in repetition_of(docs).items()},
            }
        )


class FineWebQuality(Filter):
    """Drops lists, menus and pages of fragments (FineWeb: Penedo et al. 2024, section 3.6; Chinese: FineWeb-2).

    A document without a line has 0 in all signals and fails `min_line_punct_ratio`.
    """

    name: ClassVar[str] = "fineweb_quality"

    min_line_punct_ratio: Annotated[Threshold, AtLeast("line_punct_ratio")] = {"default": 0.12, "zh": 0.106}
    """Smallest share of lines that end in sentence punctuation."""
    max_short_line_ratio: Annotated[Threshold, AtMost("short_line_ratio")] = {"default": 0.67, "zh": None}
    """Largest share of lines of 30 characters or less. Off for Chinese, which says as much in a third of the length."""
    max_char_dup_ratio: Annotated[Threshold, AtMost("char_dup_ratio")] = {"default": 0.01, "zh": 0.1}
    """Largest share of characters in lines that occurred before, line ends not counted."""
    max_new_line_ratio: Annotated[Threshold, AtMost("new_line_ratio")] = {"default": 0.3, "zh": 0.178}
    """Most line ends for each word, punctuation counted as words."""

    def measure(self, docs: Documents) -> Documents:
        from .text.lines import lines_of
        from .text.repetition import word_counts_of
        from .text.words import classes_of

        lines, classes = lines_of(docs), classes_of(docs)
        return assume_language(docs).with_signals(
            {
                "line_punct_ratio": share(lines["ended_lines"], lines["lines"]),
                "short_line_ratio": share(lines["short_lines"], lines["lines"]),
                "char_dup_ratio": share(lines["dup_line_chars"], classes["chars"] - classes["breaks"]),
                "new_line_ratio": share(classes["newlines"], word_counts_of(docs)["tokens"]),
            }
        )


class C4Quality(Filter):
    """Drops pages by C4's document rules (Raffel et al. 2020, section 2.2). `c4_lines` has its rules for lines; run
    it before, as C4 does, since a document is judged by what is left of it."""

    name: ClassVar[str] = "c4_quality"

    min_sentences: Annotated[Threshold, AtLeast("sentences")] = {"default": 5, "zh": 2}
    """Fewest sentences. Chinese: more than one, as in MAP-CC; its sentences run on over many commas."""
    min_words: Annotated[Threshold, AtLeast("words")] = None
    """Fewest words, punctuation not counted."""
    max_words: Annotated[Threshold, AtMost("words")] = None
    """Most words, punctuation not counted."""
    max_lorem_ipsum: Annotated[Threshold, AtMost("lorem_ipsum")] = 0
    """Most occurrences of "lorem ipsum"."""
    max_curly_brackets: Annotated[Threshold, AtMost("curly_brackets")] = 0
    """Most { and }: prose has none, code and templates do."""
    max_removed_ratio: Annotated[Threshold, AtMost("c4_removed_ratio")] = None
    """Largest share of the text that `c4_lines` took out: what is left of a menu or a page of teasers is a few scraps.
    Not judged where `c4_lines` did not run before."""
    max_bad_words: Annotated[Threshold, AtMost("bad_words")] = 0
    """Most words from the list of bad words. Not judged while `bad_words` and `bad_words_file` are empty."""
    bad_words: list[str] = []
    """Words and phrases that count as bad; Chinese ones match anywhere, others as whole words."""
    bad_words_file: Path | None = None
    """A UTF-8 file with one such word or phrase a line."""

    def prepare(self) -> None:
        _phrases(self._all_bad_words(), whole_words=True)

    def _all_bad_words(self) -> tuple[str, ...]:
        words = list(self.bad_words)
        if self.bad_words_file is not None:
            try:
                words += self.bad_words_file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise CorpusmillError(
                    f"c4_quality cannot read bad_words_file {self.bad_words_file} ({error}); "
                    "give the path of a UTF-8 file with one word or phrase a line"
                ) from error
        return tuple(sorted({word.strip() for word in words if word.strip()}))

    def measure(self, docs: Documents) -> Documents:
        from .text.chars import count_curly
        from .text.phrases import count_phrases
        from .text.repetition import word_counts_of
        from .text.words import buffers_of

        texts, words = buffers_of(docs), word_counts_of(docs)
        bad = _phrases(self._all_bad_words(), whole_words=True)
        nothing = np.full(len(docs), np.nan)
        return assume_language(docs).with_signals(
            {
                "sentences": words["sentences"],
                "words": words["words"],
                "lorem_ipsum": count_phrases(texts, _phrases(("lorem ipsum",))),
                "curly_brackets": count_curly(texts),
                "bad_words": count_phrases(texts, bad) if len(bad) else nothing,
                "c4_removed_ratio": docs.signals.get("c4_removed_ratio", nothing),
            }
        )


@cache
def _phrases(phrases: tuple[str, ...], whole_words: bool = False) -> Phrases:
    from .text.phrases import Phrases

    return Phrases.of(phrases, whole_words)
