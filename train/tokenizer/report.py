"""How well a tokenizer packs text: bytes per token by language and by domain, beside words and other vocabularies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..data.corpus import Texts, read_split, split_units
from .bpe import Tokenizer
from .vocabularies import Encode, counter, installed

LIMIT = 4 << 20
"""Bytes of text measured, at most, of each language and of each domain in it."""


def bytes_per_token(tokenizer: Tokenizer, corpus: str | Path, split: str, limit: int = LIMIT) -> dict[str, float]:
    """UTF-8 bytes that a token stands for, by language and in `all`, on at most about `limit` bytes a language."""
    return _measure([Path(corpus)], split, limit, {"": _counter(tokenizer)})[0][""]


def write_report(
    tokenizer: Tokenizer,
    corpora: Sequence[Path],
    output: Path,
    compare: Sequence[str | Path],
    about: dict[str, Any],
) -> None:
    """Write report.json, the last of a tokenizer's files: its presence means that they are all there."""
    split = "validation" if all(any((corpus / "validation").glob("*.parquet")) for corpus in corpora) else "train"
    others: dict[str, Encode] = {"words": _count_words}
    others |= {name: counter(path) for name, path in installed().items()}
    others |= {str(path): counter(path) for path in compare}
    by_language, by_domain = _measure(corpora, split, LIMIT, {"": _counter(tokenizer), **others})
    report = {
        "vocab_size": len(tokenizer),
        **about,
        "measured_on": split,
        "bytes_per_token": by_language.pop(""),
        "by_domain": by_domain.pop(""),
        "others": {name: by_language[name] | {"by_domain": by_domain[name]} for name in others},
    }
    (output / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")


Table = dict[str, dict[str, float]]


def _measure(corpora: Sequence[Path], split: str, limit: int, counters: dict[str, Encode]) -> tuple[Table, Table]:
    """By the name of each counter: bytes per token by language (and in `all`), and by domain."""
    size: dict[tuple[str, str], int] = {}
    tokens: dict[str, dict[tuple[str, str], int]] = {name: {} for name in counters}
    for texts in _batches(corpora, split, limit):
        strings, sizes = texts.text.to_pylist(), texts.sizes
        groups = list(zip(texts.languages, texts.domains, strict=True))
        rows = []
        for i, group in enumerate(groups):
            if size.get(group, 0) < limit:
                size[group] = size.get(group, 0) + sizes[i]
                rows.append(i)
        for name, count in counters.items():
            found = tokens[name]
            for i, n in zip(rows, count([strings[i] for i in rows]), strict=True):
                found[groups[i]] = found.get(groups[i], 0) + n

    def table(found: dict[tuple[str, str], int], part: int) -> dict[str, float]:
        names = sorted({group[part] for group in size})
        return {
            name: sum(n for group, n in size.items() if group[part] == name)
            / max(1, sum(n for group, n in found.items() if group[part] == name))
            for name in names
        }

    by_language = {name: table(found, 0) for name, found in tokens.items()}
    if size:
        for name, found in tokens.items():
            by_language[name]["all"] = sum(size.values()) / max(1, sum(found.values()))
    return by_language, {name: table(found, 1) for name, found in tokens.items()}


def _batches(corpora: Sequence[Path], split: str, limit: int) -> Iterator[Texts]:
    for corpus in corpora:
        # Of a large split row groups at even distances: more than enough for `limit` bytes of each group.
        size = sum(unit.size for unit in split_units(corpus, split))
        yield from read_split(corpus, split, every=max(1, size // (64 * limit)))


def _counter(tokenizer: Tokenizer) -> Encode:
    return lambda texts: [len(ids) for ids in tokenizer.encode_batch(texts)]


def _count_words(texts: Sequence[str]) -> list[int]:
    """Words as the quality filters cut them: Chinese by jieba's dictionary, English as spaCy does, marks words too."""
    import numpy as np

    from ...curate.documents import Documents
    from ...filters.text.words import words_of

    if not texts:
        return []
    return [int(n) for n in np.diff(words_of(Documents.from_texts(texts)).rows)]
