"""Training a tokenizer: byte-level BPE on a sample of a corpus in which languages and domains have their parts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from ...curate.errors import InputError
from ..data.corpus import read_split, split_units
from .bpe import SPECIAL_TOKENS, Tokenizer
from .report import write_report

K = TypeVar("K", bound=Hashable)
Group = tuple[str, str]
"""A language and a domain."""

QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's pattern (its tokenizer.json): one digit a token, and a regex that llama.cpp and vLLM know by name."""

DOMAINS, OTHER = 64, "other"
"""So many pairs of language and domain share the sample each for itself; a corpus of a thousand files named as its
sources would else give every file the same part."""


def train_tokenizer(
    corpus: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    vocab_size: int = 16384,
    sample_bytes: int = 24 << 20,
    temperature: float = math.inf,
    add_words: Sequence[str] | str | Path = (),
    compare: Sequence[str | Path] = (),
    progress: bool | None = None,
) -> Tokenizer:
    """Train a byte-level BPE on `<corpus>/train` and write it to `output`, with `report.json` beside it.

    At most about `sample_bytes` of text are read into the trainer, shared among languages, and within each among
    domains, as `shares` does at that `temperature`; the documents are chosen evenly over the corpora, so two runs give
    the same tokenizer. `add_words`, a list or a file with one a line, become single tokens where they stand (see
    `with_words`). The report gives bytes per token by language and by domain on the validation split (on train, where
    there is none), beside words and the vocabularies that are at hand (`vocabularies`; `compare` names more, by their
    files). Raises InputError if there is no text, or the vocabulary is too small.
    """
    corpora = [Path(corpus)] if isinstance(corpus, str | Path) else [Path(path) for path in corpus]
    output = Path(output)
    least = 256 + len(SPECIAL_TOKENS)
    if vocab_size < least:
        raise InputError(
            f"vocab_size is {vocab_size}; byte-level BPE needs at least {least}: 256 bytes and the control tokens"
        )
    words = read_words(add_words)
    # A corpus far larger than the sample is looked at in part: row groups at even distances.
    size = sum(unit.size for path in corpora for unit in split_units(path, "train"))
    every = max(1, size // (64 * sample_bytes))
    sizes = _group_sizes(corpora, every)
    if not sizes:
        names = ", ".join(str(path) for path in corpora)
        raise InputError(f"the corpus {names} has no text in train: a tokenizer needs documents to learn from")
    budget = group_shares(sizes, sample_bytes, temperature)
    backend = _backend(models.BPE(byte_fallback=False))
    backend.train_from_iterator(
        _sample(corpora, every, sizes, budget),
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            special_tokens=SPECIAL_TOKENS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            # A run of Chinese is one piece until the next mark; without a bound whole sentences become tokens.
            max_token_length=24,
            show_progress=sys.stderr.isatty() if progress is None else progress,
        ),
    )
    if words:
        backend = with_words(backend, words, vocab_size)
    tokenizer = Tokenizer(backend)
    tokenizer.save(output)
    sampled: dict[str, int] = {}
    for (language, _), given in budget.items():
        sampled[language] = sampled.get(language, 0) + given
    domains = [{"language": language, "domain": domain, "bytes": given} for (language, domain), given in budget.items()]
    write_report(tokenizer, corpora, output, compare, {"sampled_bytes": sampled, "sampled_domains": domains})
    return tokenizer


def shares(sizes: Mapping[K, int], total: int, temperature: float = math.inf) -> dict[K, int]:
    """How many of `total` bytes each group gives, in proportion to its size to the power of 1 / temperature.

    At 1 that is its natural part, at infinity all give alike. What a group cannot fill goes to the others.
    """
    left, given = total, {}
    weight = {group: size ** (1 / temperature) for group, size in sizes.items()}
    heavy = sum(weight.values())
    # In the order in which they run dry when all are filled in proportion.
    for group in sorted(sizes, key=lambda group: (sizes[group] / weight[group], str(group))):
        given[group] = min(sizes[group], int(left * weight[group] / heavy + 1e-9))
        left -= given[group]
        heavy -= weight[group]
    return {group: given[group] for group in sorted(given, key=str)}


def group_shares(sizes: Mapping[Group, int], total: int, temperature: float) -> dict[Group, int]:
    """`shares` among languages, and each language's among its domains."""
    by_language: dict[str, dict[Group, int]] = {}
    for group, size in sizes.items():
        by_language.setdefault(group[0], {})[group] = size
    totals = {language: sum(domains.values()) for language, domains in by_language.items()}
    return {
        group: given
        for language, part in shares(totals, total, temperature).items()
        for group, given in shares(by_language[language], part, temperature).items()
    }


def read_words(words: Sequence[str] | str | Path) -> list[str]:
    """The words of a list, or of a file with one a line (lines that begin with # and empty ones are left out)."""
    if isinstance(words, str | Path):
        try:
            words = [line for line in Path(words).read_text("utf-8").splitlines() if not line.startswith("#")]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"the list of words {words} cannot be read ({error}): give UTF-8 text, a word a line"
            ) from error
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def with_words(backend: Any, words: Sequence[str], vocab_size: int) -> Any:
    """The tokenizer with merges that make each word one token, also after a blank where a word begins with a letter
    that is written with blanks around it; the last merges learned make room.

    The new merges come last, so they join only what the others leave beside one another: text without these words is
    cut as before, and any reader of BPE cuts as we do (a list of "added tokens" would be found inside other words, and
    readers differ there; docs/tokenizer.md compares). A word that the split pattern cuts (digits, hyphens) is joined up to the cut. Raises InputError
    if the words need more than half the vocabulary.
    """
    model = json.loads(backend.to_str())["model"]
    learned: list[tuple[str, str]] = [tuple(merge) for merge in model["merges"]]
    made = {left + right for left, right in learned}
    base = sorted((token for token in model["vocab"] if token not in made), key=model["vocab"].get)
    forms = [form for word in words for form in ([word] if "\u2e80" <= word[0] <= "\u9fff" else [word, f" {word}"])]
    room = max(0, vocab_size - len(base))
    kept, added = min(len(learned), room), []
    while True:
        trial = _of_merges(base, learned[:kept])
        added = _merges_for(trial, forms)
        if kept + len(added) <= room:
            return _of_merges(base, [*learned[:kept], *added])
        kept = min(kept - 1, room - len(added))
        if kept < room // 2:
            raise InputError(
                f"{len(words):,} words need {len(added):,} tokens of the {vocab_size:,}: give fewer words or raise vocab_size"
            )


def _merges_for(backend: Any, forms: Sequence[str]) -> list[tuple[str, str]]:
    """The merges that are missing for each form to be one token (one for each piece that the split pattern makes)."""
    wanted: dict[tuple[str, str], int] = {}
    for form in forms:
        for piece, _ in backend.pre_tokenizer.pre_tokenize_str(form):
            tokens = [token.value for token in backend.model.tokenize(piece)]
            while len(tokens) > 1:
                # Merges wanted by earlier words come first; then one more, from the left.
                pairs = list(pairwise(tokens))
                at = min(range(len(pairs)), key=lambda i: wanted.get(pairs[i], len(wanted) + i))
                wanted.setdefault(pairs[at], len(wanted))
                tokens[at : at + 2] = ["".join(pairs[at])]
    return list(wanted)


def _of_merges(base: Sequence[str], merges: Sequence[tuple[str, str]]) -> Any:
    """A tokenizer of these first tokens and merges; ids in this order."""
    vocab = {token: i for i, token in enumerate(dict.fromkeys([*base, *(a + b for a, b in merges)]))}
    backend = _backend(models.BPE(vocab=vocab, merges=list(merges), byte_fallback=False))
    backend.add_special_tokens(SPECIAL_TOKENS)
    return backend


def _backend(model: Any) -> Any:
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def _group_sizes(corpora: Sequence[Path], every: int) -> dict[Group, int]:
    """UTF-8 bytes of text by language and domain; the domains beyond the largest `DOMAINS` count as one."""
    sizes: dict[Group, int] = {}
    for corpus in corpora:
        for texts in read_split(corpus, "train", every):
            for language, domain, size in zip(texts.languages, texts.domains, texts.sizes, strict=True):
                sizes[language, domain] = sizes.get((language, domain), 0) + size
    largest = sorted(sizes, key=lambda group: (-sizes[group], group))
    kept = {group: sizes[group] for group in sorted(largest[:DOMAINS])}
    for language, domain in largest[DOMAINS:]:
        kept[language, OTHER] = kept.get((language, OTHER), 0) + sizes[language, domain]
    return kept


def _sample(corpora: Sequence[Path], every: int, sizes: dict[Group, int], budget: dict[Group, int]) -> Iterator[str]:
    """Texts spread evenly over the corpora: a document is taken whenever its group has fallen behind its share."""
    seen = dict.fromkeys(sizes, 0)
    taken = dict.fromkeys(sizes, 0)
    for corpus in corpora:
        for texts in read_split(corpus, "train", every):
            columns = (texts.text.to_pylist(), texts.languages, texts.domains, texts.sizes)
            for text, language, domain, size in zip(*columns, strict=True):
                group = (language, domain) if (language, domain) in sizes else (language, OTHER)
                seen[group] += size
                if taken[group] * sizes[group] <= budget[group] * (seen[group] - size):
                    taken[group] += size
                    yield text
