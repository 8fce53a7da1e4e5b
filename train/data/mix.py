"""What training reads: one tokenized corpus or several, each with its share, in an order decided by a seed.

A source's documents come in epochs: each epoch is a new order of all of them, and none comes twice in it. Training reads
rounds. A round takes from every source its share of tokens, and ends when one of them has finished an epoch: with a single
corpus a round is an epoch. Everything follows from (seed, round), so any round can be found without those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from ...curate.errors import InputError
from ..tokenizer.bpe import Tokenizer
from .token_cache import TokenCache, token_cache

Ints = NDArray[np.int64]


class CorpusShare(BaseModel):
    """A corpus and its part in a mix."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: Path
    """Folder that holds train/*.parquet and validation/*.parquet."""
    weight: float | None = Field(default=None, gt=0)
    """Its share of the tokens, relative to the other weights; null follows from its size and the mix's temperature."""
    epochs: PositiveFloat | None = None
    """It is read at most so many times; then the others fill its place. Null has no bound."""


@dataclass(frozen=True, slots=True)
class Source:
    """A tokenized corpus and its part in a mix, as in `CorpusShare`."""

    cache: TokenCache
    weight: float | None = None
    epochs: float | None = None


class Mix:
    """Several caches whose documents are numbered through, and how much of each is read when."""

    def __init__(self, sources: Sequence[Source] | TokenCache, temperature: float = 1.0) -> None:
        """A weight that is not given is the source's tokens to the power of 1 / temperature: at 1 all sources last
        equally long, higher ones favour small sources. Raises InputError on caches of different tokenizers."""
        self.sources = [Source(sources)] if isinstance(sources, TokenCache) else list(sources)
        self.caches = [source.cache for source in self.sources]
        if not self.sources:
            raise InputError("a mix needs at least one corpus")
        if temperature <= 0:
            raise InputError(f"temperature is {temperature}; it must be above 0 (1 follows the corpora's sizes)")
        if len({source.weight is None for source in self.sources}) > 1:
            raise InputError("give every corpus of a mix a weight, or none")
        if len({cache.about["tokenizer"] for cache in self.caches}) > 1:
            raise InputError("the corpora of a mix were tokenized with different tokenizers: give one to all")
        self.sizes_in_tokens = [cache.token_count for cache in self.caches]
        self.limits = [
            None if source.epochs is None else round(source.epochs * size)
            for source, size in zip(self.sources, self.sizes_in_tokens, strict=True)
        ]
        weights = [
            size ** (1 / temperature) if source.weight is None else source.weight
            for source, size in zip(self.sources, self.sizes_in_tokens, strict=True)
        ]
        self.weights = [weight / sum(weights) for weight in weights]
        self.first: Ints = np.concatenate([[0], np.cumsum([len(cache) for cache in self.caches])]).astype(np.int64)
        self._rounds: list[list[tuple[int, int]]] = []

    def __len__(self) -> int:
        """Documents."""
        return int(self.first[-1])

    @property
    def token_count(self) -> int:
        return sum(self.sizes_in_tokens)

    @property
    def token_limit(self) -> int | None:
        """All tokens there will ever be, where every source has a bound on its epochs."""
        return None if None in self.limits else sum(limit for limit in self.limits if limit is not None)

    @property
    def end_of_text(self) -> int:
        return self.caches[0].end_of_text

    @cached_property
    def fingerprint(self) -> str:
        """Of the corpora and their parts: what must be the same for an order to be the same."""
        corpora = [str(cache.about["corpus"]) for cache in self.caches]
        if len(corpora) == 1 and self.limits == [None]:
            return corpora[0]
        return xxhash.xxh3_128_hexdigest(repr([corpora, self.weights, self.limits]).encode())

    @cached_property
    def lengths(self) -> Ints:
        """Tokens of each document."""
        return np.concatenate([np.diff(cache.offsets) for cache in self.caches])

    @cached_property
    def sizes(self) -> Ints:
        """UTF-8 bytes of each document's text."""
        return np.concatenate([cache.sizes for cache in self.caches])

    @cached_property
    def languages(self) -> list[str]:
        return list(dict.fromkeys(name for cache in self.caches for name in cache.languages))

    @cached_property
    def domains(self) -> list[str]:
        return list(dict.fromkeys(name for cache in self.caches for name in cache.domains))

    @cached_property
    def language(self) -> Ints:
        """Index into `languages` of each document."""
        return _renumbered([(cache.language, cache.languages) for cache in self.caches], self.languages)

    @cached_property
    def domain(self) -> Ints:
        """Index into `domains` of each document."""
        return _renumbered([(cache.domain, cache.domains) for cache in self.caches], self.domains)

    def _locate(self, document: int) -> tuple[TokenCache, int]:
        source = int(np.searchsorted(self.first, document, side="right")) - 1
        return self.caches[source], document - int(self.first[source])

    def document(self, number: int) -> NDArray[Any]:
        """The tokens of a document, its leading <|endoftext|> included."""
        cache, index = self._locate(number)
        return cache.document(index)

    def origin(self, number: int) -> dict[str, Any]:
        """Where a document came from: `corpus`, `file`, `id`, `language`, `domain`."""
        cache, index = self._locate(number)
        return cache.origin(index)

    def spans(self, number: int) -> list[tuple[int, int]] | None:
        """From which to which token a round reads each source, counted over its epochs; None when all are used up."""
        while len(self._rounds) <= number:
            read = [end for _, end in self._rounds[-1]] if self._rounds else [0] * len(self.sources)
            room = [
                size if limit is None else min(size, limit - begin)
                for begin, size, limit in zip(read, self.sizes_in_tokens, self.limits, strict=True)
            ]
            unread = [s for s, tokens in enumerate(room) if tokens > 0]
            if not unread:
                return None
            # The first to be read up ends the round. What a source that is used up leaves falls to the others.
            last = max(unread, key=lambda s: self.weights[s] / room[s])
            total = room[last] / self.weights[last]
            taken = [min(room[s], round(total * self.weights[s])) for s in range(len(room))]
            taken[last] = room[last]
            self._rounds.append([(begin, begin + more) for begin, more in zip(read, taken, strict=True)])
        return self._rounds[number]

    def round(self, number: int, seed: int) -> Ints | None:
        """The documents of a round in the order they are read; None when every source is used up."""
        spans = self.spans(number)
        if spans is None:
            return None
        chosen = []
        for s, (begin, end) in enumerate(spans):
            size = self.sizes_in_tokens[s]
            for epoch in range(begin // size, -(-end // size)):
                order = np.random.Generator(np.random.PCG64([seed, s, epoch])).permutation(len(self.caches[s]))
                # A document belongs to the round that holds its first token.
                lengths = self.lengths[self.first[s] : self.first[s + 1]][order]
                place = epoch * size + np.cumsum(lengths) - lengths
                chosen.append(self.first[s] + order[(place >= begin) & (place < end)])
        documents = np.concatenate(chosen)
        return np.random.Generator(np.random.PCG64([seed, number])).permutation(documents)

    def passes(self, number: int, fraction: float) -> dict[str, float]:
        """How often each corpus has been read, by its path, when this `fraction` of a round is done."""
        spans = self.spans(number) or [(end, end) for _, end in self._rounds[-1]]
        return {
            str(cache.about["path"]): (begin + (end - begin) * fraction) / cache.token_count
            for cache, (begin, end) in zip(self.caches, spans, strict=True)
        }


def open_mix(
    corpora: Sequence[CorpusShare],
    split: str,
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    temperature: float = 1.0,
    workers: int | None = None,
) -> Mix:
    """Tokenize a split of each corpus, unless it has been, and mix them."""
    made = [token_cache(share.path, split, tokenizer, folder, workers=workers) for share in corpora]
    shares = [Source(cache, share.weight, share.epochs) for cache, share in zip(made, corpora, strict=True)]
    return Mix(shares, temperature)


def _renumbered(parts: list[tuple[NDArray[Any], list[str]]], names: list[str]) -> Ints:
    number = {name: i for i, name in enumerate(names)}
    return np.concatenate([np.array([number[name] for name in own], np.int64)[index] for index, own in parts])
