"""Chinese web pages: the rules of MAP-CC and ChineseWebText, and signals of our own for advertising and spam."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from ..curate.documents import Documents
from ..curate.errors import CorpusmillError
from ..curate.step import Above, AtLeast, AtMost, Filter, Threshold
from .assume import assume_language, share

if TYPE_CHECKING:
    from .text.phrases import Phrases

_DATA = Path(__file__).parent / "data"

UNIQUE_CHAR_WINDOW = 2000
"""Characters, white space left out, over which `unique_char_ratio` is taken."""

SHORT_TEXT = 300
"""Characters. In a text shorter than this the densities of advertising are taken as if it had so many: one phrase in a
comment of two lines is no advertisement."""


class ChineseQuality(Filter):
    """Drops Chinese pages of boilerplate, tables and spam, by the rules of MAP-CC (Du et al. 2024) and ChineseWebText
    (Chen et al. 2023). Off for every other language unless a `default` is given.

    MAP-CC's upper bound of 10,000 characters is off: it deletes judgments and statutes.
    """

    name: ClassVar[str] = "chinese_quality"

    min_chars: Annotated[Threshold, AtLeast("chars")] = {"default": None, "zh": 50}
    """Fewest characters, white space not counted (MAP-CC)."""
    max_chars: Annotated[Threshold, AtMost("chars")] = None
    """Most characters, white space not counted."""
    min_han_ratio: Annotated[Threshold, AtLeast("han_ratio")] = {"default": None, "zh": 0.3}
    """Smallest share of Han characters (ChineseWebText)."""
    max_digit_ratio: Annotated[Threshold, AtMost("digit_ratio")] = {"default": None, "zh": 0.3}
    """Largest share of numerals among what is neither punctuation nor white space (MAP-CC)."""
    min_punct_ratio: Annotated[Threshold, Above("punct_ratio")] = {"default": None, "zh": 0}
    """Share of punctuation that must be exceeded: text without any is a list of keywords (MAP-CC)."""
    max_square_bracket_ratio: Annotated[Threshold, AtMost("square_bracket_ratio")] = {"default": None, "zh": 0.1}
    """Largest share of 【 and 】, which frame advertising (MAP-CC)."""
    min_unique_char_ratio: Annotated[Threshold, AtLeast("unique_char_ratio")] = {"default": None, "zh": 0.1}
    """Smallest share of different characters among the first 2,000 (MAP-CC's rule, which counts over the whole text
    and so drops every long document: Chinese writes all it has to say in some 3,000 characters)."""
    min_char_entropy: Annotated[Threshold, AtLeast("char_entropy")] = {"default": None, "zh": 3}
    """Smallest entropy of the characters, in nats (MAP-CC)."""
    max_more_lines_ratio: Annotated[Threshold, AtMost("more_lines_ratio")] = {"default": None, "zh": 0.3}
    """Largest share of lines that end in 展开, 更多, 全文 or "more": teasers (MAP-CC)."""

    min_punct_per_line: Annotated[Threshold, AtLeast("punct_per_line")] = None
    """Fewest marks of punctuation a line, on average. Off: verse and tables have few."""
    max_full_width_ratio: Annotated[Threshold, AtMost("full_width_ratio")] = None
    """Largest share of full-width forms and CJK punctuation. Prose has .1 to .2."""

    def measure(self, docs: Documents) -> Documents:
        from .text.chars import char_diversity
        from .text.lines import lines_of
        from .text.spam import spam_counts_of
        from .text.words import buffers_of, classes_of

        classes, lines = classes_of(docs), lines_of(docs)
        visible = classes["chars"] - classes["space"]
        # The two costly ones are measured for every document all the same: a rule may be given for any language.
        unique, entropy = char_diversity(buffers_of(docs), np.arange(len(docs)), UNIQUE_CHAR_WINDOW)
        return assume_language(docs).with_signals(
            {
                "chars": visible,
                "han_ratio": share(classes["han"], visible),
                "digit_ratio": share(classes["digit"], visible - classes["punct"]),
                "punct_ratio": share(classes["punct"], visible),
                "square_bracket_ratio": share(classes["square_brackets"], visible),
                "unique_char_ratio": unique,
                "char_entropy": entropy,
                "more_lines_ratio": share(lines["more_lines"], lines["lines"]),
                "punct_per_line": share(classes["punct"], lines["lines"]),
                "full_width_ratio": share(spam_counts_of(docs)["full_width"], visible),
            }
        )


class ChineseSpam(Filter):
    """Drops Chinese pages that sell: gambling, pornography, clinics, false papers, search-engine bait.

    Judged by the density of phrases such pages are made of (filters/data/spam_zh.txt, or lists of your own), of telephone and
    messenger numbers, by lists of keywords, and by titles that the text says over and over. Measure it before `c4_lines`,
    which takes such lines out. Off for other languages unless a `default` is given.
    """

    name: ClassVar[str] = "chinese_spam"

    max_sensitive_words_ratio: Annotated[Threshold, AtMost("sensitive_words_ratio")] = {"default": None, "zh": 0.005}
    """Largest share of characters in phrases of gambling, lotteries, pornography, fraud, game cheats and snooping."""
    max_ad_words_ratio: Annotated[Threshold, AtMost("ad_words_ratio")] = {"default": None, "zh": 0.015}
    """Largest share of characters in phrases of advertising: contacts, commerce, franchises, courses, clinics, search-engine
    bait and content farms."""
    max_contacts: Annotated[Threshold, AtMost("contacts")] = {"default": None, "zh": 6}
    """Most telephone and messenger numbers for every 1,000 characters."""
    max_keyword_list_ratio: Annotated[Threshold, AtMost("keyword_list_ratio")] = {"default": None, "zh": 0.3}
    """Largest share of characters in lists of keywords (six or more short items in a row, parted by , | _ / or blanks)."""
    max_title_repeats: Annotated[Threshold, AtMost("title_repeats")] = {"default": None, "zh": 3}
    """How often the first line may come again: bait says its title over and over, mid-sentence too."""
    sensitive_words_file: Path | None = None
    """A UTF-8 file with one phrase a line, in place of the bundled phrases of that kind."""
    ad_words_file: Path | None = None
    """A UTF-8 file with one phrase a line, in place of the bundled phrases of that kind."""

    def prepare(self) -> None:
        self._lists()

    def _lists(self) -> tuple[Phrases, Phrases]:
        return (
            _own_phrases("sensitive_words_file", self.sensitive_words_file) or _bundled_phrases("sensitive"),
            _own_phrases("ad_words_file", self.ad_words_file) or _bundled_phrases("ads"),
        )

    def measure(self, docs: Documents) -> Documents:
        from .text.phrases import phrase_chars
        from .text.spam import spam_counts_of
        from .text.words import buffers_of, classes_of

        texts, classes, counts = buffers_of(docs), classes_of(docs), spam_counts_of(docs)
        sensitive, ads = self._lists()
        visible = classes["chars"] - classes["space"]
        padded = np.maximum(visible, SHORT_TEXT)
        return assume_language(docs).with_signals(
            {
                "sensitive_words_ratio": phrase_chars(texts, sensitive) / padded,
                "ad_words_ratio": phrase_chars(texts, ads) / padded,
                "contacts": 1000 * counts["contacts"] / padded,
                "keyword_list_ratio": share(counts["keyword_chars"], visible),
                "title_repeats": counts["title_repeats"],
            }
        )


def bundled_spam_phrases() -> dict[str, list[str]]:
    """The phrases that ship with corpusmill, by kind (`sensitive: gambling`, `ads: clinic`, ...)."""
    found: dict[str, list[str]] = {}
    kind: list[str] = []
    for line in (_DATA / "spam_zh.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = found.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            kind += line.split()
    return found


@cache
def _bundled_phrases(which: str) -> Phrases:
    from .text.phrases import Phrases

    lists = bundled_spam_phrases()
    return Phrases.of(phrase for kind, phrases in lists.items() if kind.split(":")[0] == which for phrase in phrases)


def _own_phrases(option: str, path: Path | None) -> Phrases | None:
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusmillError(
            f"chinese_spam cannot read {option} {path} ({error}); give the path of a UTF-8 file with one phrase a line"
        ) from error
    phrases = tuple(sorted({line.strip() for line in lines if line.strip() and not line.startswith("#")}))
    if not phrases:
        raise CorpusmillError(f"chinese_spam: {option} {path} holds no phrase; write one a line")
    return _phrases(phrases)


@cache
def _phrases(phrases: tuple[str, ...]) -> Phrases:
    from .text.phrases import Phrases

    return Phrases.of(phrases)
