"""Cutting out lines that a pack's patterns know, and recording each; documents without one are never touched in Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from ..curate.documents import Documents, Removed
from . import lexicon

MAX_LINE = 600
"""Characters of the longest line that may be cut: a longer one is a page without line breaks, and holds the text itself."""


def cut_marked_lines(docs: Documents, rules: Mapping[str, str], step: str) -> Documents:
    """The documents without the lines that match a rule's pattern (Python and Rust read it alike, from a line's start)."""
    hit = pl.any_horizontal(*(pl.col("text").str.contains(f"(?m){pattern}") for pattern in rules.values()))
    rows = lexicon.texts(docs).select(hit.alias("hit"))["hit"].arg_true().to_list()
    if not rows:
        return docs
    compiled = {name: re.compile(pattern) for name, pattern in rules.items()}
    texts = list(docs.texts)
    removed = []
    for row in rows:
        kept = []
        for line in texts[row].split("\n"):
            name = next((n for n, p in compiled.items() if len(line) <= MAX_LINE and p.search(line)), None)
            if name is None:
                kept.append(line)
            else:
                removed.append(Removed(row, step, name, line))
        texts[row] = "\n".join(kept)
    return docs.with_texts(texts, removed)
