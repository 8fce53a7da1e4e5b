"""What surrounds the text of a web page: menus, calls to log in, notices; and the share of terms of your own list."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ...curate.documents import Documents
from ...curate.step import AtLeast, AtMost, Filter, Threshold
from .. import lexicon

LEXICON = ("boilerplate-en.txt", "boilerplate-zh-Hans.txt", "boilerplate-zh-Hant.txt")


class WebBoilerplate(Filter):
    """Drops pages that are mostly menus and notices, by the share of their characters in such phrases."""

    name: ClassVar[str] = "web_boilerplate"

    phrases: str | None = None
    """A file of your own phrases, one a line, in place of the pack's."""
    max_boilerplate: Annotated[Threshold, AtMost("boilerplate")] = 0.1
    """Most of the characters that may lie in a boilerplate phrase; of 300 C4 pages, 297 have less
    than 0.05, and terms of service, full of such words, 0.03."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.phrases) if self.phrases else lexicon.shipped("general", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        return docs.with_signals({"boilerplate": lexicon.coverage(docs, self._patterns())})


class DomainTerms(Filter):
    """Measures the share of a text's characters in the terms of a file of your own: a domain in one line.

    Drops nothing by default. A pack's own step says more (citations, doses, amounts); this one needs no code.
    """

    name: ClassVar[str] = "domain_terms"

    terms: str
    """A file of terms, one a line; lines that start with # are comments."""
    min_domain_terms: Annotated[Threshold, AtLeast("domain_terms")] = None
    """Least share of the characters that lie in a term, 0 to 1."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.terms))

    def measure(self, docs: Documents) -> Documents:
        return docs.with_signals({"domain_terms": lexicon.coverage(docs, self._patterns())})
