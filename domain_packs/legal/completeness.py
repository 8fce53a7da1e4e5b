"""Legal documents of which a part was lost: measured, flagged, and dropped if you say so."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from ...curate.documents import Documents, Floats
from ...curate.step import AtMost, Filter, Threshold
from .structure import contract_sections, cut_off, judgment_parts, lacks_end, missing_articles, missing_parts, outline

SIGNALS = (
    "legal_missing_articles",
    "legal_missing_parts",
    "legal_missing_sections",
    "legal_no_end",
    "legal_truncated",
)


class LegalCompleteness(Filter):
    """Finds statutes, judgments and contracts of which a part is missing. Drops nothing by default.

    Signals that do not apply to a document (the parts of a judgment in a statute) are not measured and break no rule.
    """

    name: ClassVar[str] = "legal_completeness"

    max_legal_truncated: Annotated[Threshold, AtMost("legal_truncated")] = None
    """0 drops what is flagged by any sign below but the sections of contracts: a gap among the articles of a statute,
    one that stops before the article that says when it takes force, a judgment without its reasoning, ruling or judges,
    a statute or judgment that stops in mid-sentence."""
    max_legal_missing_articles: Annotated[Threshold, AtMost("legal_missing_articles")] = None
    """Most articles missing in a Chinese statute. Of 1,169 real ones 5 miss any; of those with one article taken out all
    are found, the last one excepted."""
    max_legal_no_end: Annotated[Threshold, AtMost("legal_no_end")] = None
    """0 drops statutes that stop before the article that says from when they hold. 37 of 924 real ones do, most of them cut
    where they were downloaded; of those whose last article was taken out 95 % are found."""
    max_legal_missing_parts: Annotated[Threshold, AtMost("legal_missing_parts")] = None
    """Most parts absent or out of order in a Chinese judgment: head, parties, facts, reasoning, ruling, judges."""
    max_legal_missing_sections: Annotated[Threshold, AtMost("legal_missing_sections")] = None
    """Most numbers absent among the first-level sections of a contract. No proof of a loss: one in six contracts as filed
    with the SEC skips a number, or keeps one in a table or a heading of another form."""

    @property
    def signal_names(self) -> tuple[str, ...]:
        return SIGNALS

    def measure(self, docs: Documents) -> Documents:
        rows = docs.memo("legal_completeness", lambda: np.array([_measure(t or "") for t in docs.texts], np.float32))
        table: Floats = rows.reshape(len(docs), len(SIGNALS))
        return docs.with_signals({name: table[:, i] for i, name in enumerate(SIGNALS)})


def _measure(text: str) -> tuple[float, ...]:
    """The values of SIGNALS for one text."""
    nan = float("nan")
    articles = no_end = parts = nan
    chinese = "第" in text or "院" in text
    units = outline(text) if chinese else []
    if (missing := missing_articles(u.number for u in units if u.level == "article")) is not None:
        articles = missing
        if (open_ended := lacks_end(text, units)) is not None:
            no_end = float(open_ended)
    if chinese and (absent := missing_parts(text)) is not None:
        parts = absent
    sections = nan
    if articles != articles and parts != parts and len(numbers := [n for _, n in contract_sections(text)]) >= 5:
        found = missing_articles(numbers)
        sections = nan if found is None else found
    known = [value for value in (articles, no_end, parts) if value == value]
    if not known:
        return articles, parts, sections, no_end, nan
    truncated = articles > 0 or no_end > 0 or cut_off(text)
    if parts > 0:
        # What has no facts of its own, or names its parties in the text, is unusual; what lacks these was cut.
        truncated |= not {"header", "reasoning", "ruling", "panel"} <= set(judgment_parts(text) or ())
    return articles, parts, sections, no_end, float(truncated)
