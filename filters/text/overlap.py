"""Which stretches of texts stand in a list of passages as well: token n-grams, found by hash in one pass over the bytes.

Tokens are those of `folded`: words and characters without case, width, accents and punctuation. Numbers and single
letters (option labels, variables) are compared too but weigh nothing: an n-gram of n words has n words that say something,
and `A. 1 B. 2 C. 3` is none at all.

An n-gram spans one full measure: a word counts 1/`words` of it, a character 1/`characters`, so texts that mix scripts
need no boundary between them. A passage of less than one measure is looked for as a whole, if it is long enough.

A document's n-grams are not all looked up. Every run of `probe` tokens, the fewest an n-gram can have, is hashed, and a
bitmap of the passages' own runs rejects nearly all of them with one look; only what passes it is compared in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import Int64s, TextBuffers, readonly
from .folded import WEIGHTLESS, Hashes, Tokens, fold_table, next_token
from .kernel import kernel, part

Int32s = NDArray[np.int32]

MAX_EXTRA = 63
"""An n-gram may have this many tokens more than a probe; one that is longer, for it is full of numbers, is left out."""

MIN_DISTINCT = 0.5
"""Share of an n-gram's tokens that must differ from one another: 哈哈哈哈, `blah blah blah` are nobody's question."""

REPEATED_SHARE = 0.02
"""A text that more than this share of a set's items repeat (and more than twice `max_items`) is an instruction; a
passage to read that a few questions share is not."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


@part
def _mix(h: Any) -> Any:
    h = (h ^ (h >> np.uint64(33))) * _MIX1
    h = (h ^ (h >> np.uint64(29))) * _MIX2
    return h ^ (h >> np.uint64(32))


@kernel
def _gram_hashes(hashes: Any, starts: Any, lengths: Any, out: Any) -> None:
    for g in range(len(starts)):
        h = np.uint64(0)
        for t in range(starts[g], starts[g] + lengths[g]):
            h = h * _BASE + hashes[t]
        out[g] = _mix(h)


@kernel
def _count_distinct(hashes: Any, starts: Any, lengths: Any, out: Any) -> None:
    for g in range(len(starts)):
        n = 0
        for t in range(starts[g], starts[g] + lengths[g]):
            new = 1
            for k in range(starts[g], t):
                if hashes[k] == hashes[t]:
                    new = 0
                    break
            n += new
        out[g] = n


def gram_hashes(hashes: Hashes, starts: Int64s, lengths: Int64s) -> Hashes:
    """The hash of each run of tokens."""
    out = np.empty(len(starts), np.uint64)
    _gram_hashes(hashes, starts, lengths, out)
    return out


@dataclass(frozen=True, slots=True)
class Lookup:
    """Sorted distinct hashes, and where those begin that share their first bits."""

    keys: Hashes
    directory: Int32s
    shift: Any

    @classmethod
    def of(cls, keys: Hashes) -> Lookup:
        bits = max(8, len(keys).bit_length())
        heads = np.arange((1 << bits) + 1, dtype=np.uint64)[:-1] << np.uint64(64 - bits)
        directory = np.append(np.searchsorted(keys, heads), len(keys)).astype(np.int32)
        return cls(readonly(keys), readonly(directory), np.uint64(64 - bits))


@part
def _find(h: Any, keys: Any, directory: Any, shift: Any) -> Any:
    bucket = np.int64(h >> shift)
    for k in range(directory[bucket], directory[bucket + 1]):
        if keys[k] == h:
            return np.int64(k)
    return np.int64(-1)


@dataclass(frozen=True, slots=True)
class Passages:
    """Texts to look for. Text `p` belongs to item `items[p]` of set `sets[p]`."""

    texts: TextBuffers
    sets: Int64s
    items: Int64s


@dataclass(frozen=True, slots=True)
class Grams:
    """How long n-grams are, in words and in characters, and what is too short or too common to tell anything."""

    words: int
    characters: int
    min_words: int
    min_characters: int
    overlap_words: int
    overlap_characters: int
    max_items: int

    @property
    def probe(self) -> int:
        """The fewest tokens that an n-gram can have."""
        return min(self.words, self.characters, self.min_words, self.min_characters)


@dataclass(frozen=True, slots=True)
class OverlapIndex:
    """The n-grams of passages, by hash, and where in the passages each one stands: about 60 bytes an n-gram."""

    probe: int
    bitmap: Hashes
    probes: Lookup
    probe_lengths: Hashes
    """For each probe a bit for every length, above the probe's own, that an n-gram with this beginning has."""
    grams: Lookup
    postings: Int32s | Int64s
    """Where the places of each n-gram begin in `places`."""
    places: Int32s | Int64s
    """Tokens of the passages at which n-grams begin."""
    cumulative: Int32s | Int64s
    """Weights of the passages' tokens, summed up."""
    amounts: Int32s | Int64s
    """Likewise in the measure of the least overlap."""
    least: int
    """The least overlap."""
    bounds: Int64s
    """The first token of each passage, and the end."""
    weights: Int64s
    """Weight of the tokens of each passage that some n-gram covers: what a coverage of 1 is."""
    sets: Int64s
    items: Int64s

    def set_sizes(self, n_sets: int) -> NDArray[np.int64]:
        """How many items of each set can be found."""
        usable = np.flatnonzero(self.weights > 0)
        pairs = np.unique(np.stack([self.sets[usable], self.items[usable]]), axis=1)
        return np.bincount(pairs[0], minlength=n_sets)

    @classmethod
    def of(cls, passages: Passages, grams: Grams, set_items: Sequence[int]) -> OverlapIndex:
        """`set_items`: how many items each set has."""
        tokens = Tokens.of(passages.texts)
        bounds = tokens.rows
        starts, lengths = _places(tokens, grams)
        of_passage = np.searchsorted(bounds, starts, side="right") - 1
        hashes = gram_hashes(tokens.hashes, starts, lengths)
        distinct = np.empty(len(starts), np.int64)
        _count_distinct(tokens.hashes, starts, lengths, distinct)
        keep = distinct >= MIN_DISTINCT * lengths
        keep &= _first_of_its_kind(passages, tokens, grams, set_items)[of_passage]
        starts, lengths, of_passage, hashes = starts[keep], lengths[keep], of_passage[keep], hashes[keep]
        template = _templates(hashes, passages.sets[of_passage], of_passage, grams.max_items)
        # The wording of a set counts for nothing: a page that has the question without it has the whole item.
        own = _outside(starts[template], lengths[template], len(tokens.hashes))
        cumulative, amounts = (
            tokens.measure(*measure, own)
            for measure in ((grams.words, grams.characters), (grams.overlap_words, grams.overlap_characters))
        )
        keep = ~template
        starts, lengths, of_passage, hashes = starts[keep], lengths[keep], of_passage[keep], hashes[keep]
        covered = _union(starts, starts + lengths, of_passage, cumulative)
        weights = np.bincount(of_passage, covered, minlength=len(passages.sets)).astype(np.int64)
        keep = weights[of_passage] > 0
        starts, lengths, of_passage, hashes = starts[keep], lengths[keep], of_passage[keep], hashes[keep]
        order = np.lexsort((starts, hashes))
        keys, first = np.unique(hashes[order], return_index=True)
        postings = np.append(first, len(order))
        gram_lengths = lengths[order][first]
        heads = gram_hashes(tokens.hashes, starts[order][first], np.full(len(keys), grams.probe))
        probe_keys, which = np.unique(heads, return_inverse=True)
        probe_lengths = np.zeros(len(probe_keys), np.uint64)
        np.bitwise_or.at(probe_lengths, which, np.uint64(1) << (gram_lengths - grams.probe).astype(np.uint64))
        return cls(
            probe=grams.probe,
            bitmap=_bitmap(probe_keys),
            probes=Lookup.of(probe_keys),
            probe_lengths=readonly(probe_lengths),
            grams=Lookup.of(keys),
            postings=_small(postings),
            places=_small(starts[order]),
            cumulative=_small(cumulative),
            amounts=_small(amounts),
            least=grams.overlap_words * grams.overlap_characters,
            bounds=bounds,
            weights=weights,
            sets=passages.sets,
            items=passages.items,
        )


def _places(tokens: Tokens, grams: Grams) -> tuple[Int64s, Int64s]:
    """Where n-grams begin and how many tokens each has: all of a long passage's, and short passages as a whole."""
    cumulative = tokens.measure(grams.words, grams.characters)
    weighty = np.flatnonzero(tokens.kinds != WEIGHTLESS)
    passage_end = tokens.rows[1:][np.searchsorted(tokens.rows, weighty, side="right") - 1]
    ends = np.searchsorted(cumulative, cumulative[weighty] + grams.words * grams.characters, side="left")
    inside = ends <= passage_end
    starts, ends = weighty[inside], ends[inside]

    first, last = tokens.rows[:-1], tokens.rows[1:]
    least = tokens.measure(grams.min_words, grams.min_characters)
    short = cumulative[last] - cumulative[first] < grams.words * grams.characters
    short &= least[last] - least[first] >= grams.min_words * grams.min_characters
    # A number before or behind it, as items of a list have, is not of the question.
    whole_starts = weighty[np.searchsorted(weighty, first[short])]
    whole_ends = weighty[np.searchsorted(weighty, last[short]) - 1] + 1
    starts, ends = np.concatenate([starts, whole_starts]), np.concatenate([ends, whole_ends])
    order = np.argsort(starts, kind="stable")
    starts, lengths = starts[order], (ends - starts)[order]
    fits = lengths <= grams.probe + MAX_EXTRA
    return starts[fits], lengths[fits]


def _first_of_its_kind(passages: Passages, tokens: Tokens, grams: Grams, set_items: Sequence[int]) -> NDArray[np.bool_]:
    """Passages less the repeats of one another within a set, and less those that so many items repeat."""
    rows = tokens.rows
    whole = gram_hashes(tokens.hashes, rows[:-1], np.diff(rows))
    keys = np.stack([passages.sets.astype(np.uint64), whole])
    _, first, which = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    which = which.reshape(-1)
    in_items = np.unique(np.stack([which, passages.items]), axis=1)[0]
    n_items = np.bincount(in_items, minlength=len(first))
    most = np.maximum(2 * grams.max_items, REPEATED_SHARE * np.array(set_items)[passages.sets[first]])
    keep = np.zeros(len(passages.sets), bool)
    keep[first[n_items <= most]] = True
    return keep


def _templates(hashes: Hashes, sets: Int64s, of_passage: Int64s, max_items: int) -> NDArray[np.bool_]:
    """N-grams that stand in more than `max_items` different passages of a set: the wording of the set, not of an item."""
    order = np.lexsort((of_passage, hashes, sets))
    h, s, p = hashes[order], sets[order], of_passage[order]
    new = np.ones(len(h), bool)
    new[1:] = (h[1:] != h[:-1]) | (s[1:] != s[:-1])
    group = np.cumsum(new) - 1
    other = new.copy()
    other[1:] |= p[1:] != p[:-1]
    found = np.zeros(len(h), bool)
    found[order] = (np.bincount(group, other) > max_items)[group] if len(h) else False
    return found


def _small(numbers: Int64s) -> Int32s | Int64s:
    """Rising numbers in half the room where they fit."""
    return numbers.astype(np.int32) if len(numbers) and numbers.max() < 1 << 31 else numbers


def _outside(starts: Int64s, lengths: Int64s, n: int) -> NDArray[np.bool_]:
    """Which of `n` tokens lie in none of these runs."""
    edges = np.bincount(starts, minlength=n + 1) - np.bincount(starts + lengths, minlength=n + 1)
    found: NDArray[np.bool_] = np.cumsum(edges)[:n] == 0
    return found


def _union(starts: Int64s, ends: Int64s, groups: Int64s, cumulative: Int32s | Int64s) -> Int64s:
    """What each span adds to the weight covered by the spans of its group before it; spans by group, start and end."""
    before = np.zeros(len(starts), np.int64)
    before[1:] = np.where(groups[1:] == groups[:-1], ends[:-1], 0)
    return (cumulative[ends] - cumulative[np.minimum(np.maximum(starts, before), ends)]).astype(np.int64)


@part
def _three_bits(h: Any) -> Any:
    one = np.uint64(1)
    return (
        one << ((h >> np.uint64(32)) & np.uint64(63))
        | one << ((h >> np.uint64(38)) & np.uint64(63))
        | one << ((h >> np.uint64(44)) & np.uint64(63))
    )


@kernel
def _fill(keys: Any, bitmap: Any) -> None:
    for k in range(len(keys)):
        bitmap[np.int64(keys[k] & np.uint64(len(bitmap) - 1))] |= _three_bits(keys[k])


def _bitmap(keys: Hashes) -> Hashes:
    """A Bloom filter of 16 bits or more a key, the three bits of a key in one word: one look at memory, and what is no
    key passes once in a hundred times."""
    found = np.zeros(1 << max(8, (len(keys) // 4).bit_length()), np.uint64)
    _fill(keys, found)
    return readonly(found)


@kernel
def _scan(
    data: Any,
    offsets: Any,
    folds: Any,
    probe: int,
    bitmap: Any,
    probes: Any,
    probe_directory: Any,
    probe_shift: Any,
    probe_lengths: Any,
    grams: Any,
    gram_directory: Any,
    gram_shift: Any,
    counts: Any,
) -> Any:
    n_docs = len(offsets) - 1
    longest = 0
    for d in range(n_docs):
        longest = max(longest, int(offsets[d + 1] - offsets[d]))
    prefix = np.empty(longest + 2, np.uint64)
    maybe = np.empty(longest + 2, np.int32)
    powers = np.ones(probe + 64, np.uint64)
    for k in range(1, len(powers)):
        powers[k] = powers[k - 1] * _BASE
    power = powers[probe]
    mask = np.uint64(len(bitmap) - 1)
    hits = np.empty((256, 4), np.int64)
    n_hits = 0
    for d in range(n_docs):
        i = offsets[d]
        end = offsets[d + 1]
        n = 0
        n_maybe = 0
        prefix[0] = 0
        while True:
            _, i, h, kind = next_token(data, i, end, folds)
            if kind == 0:
                break
            prefix[n + 1] = prefix[n] * _BASE + h
            n += 1
            if n >= probe:
                h = _mix(prefix[n] - prefix[n - probe] * power)
                bits = _three_bits(h)
                if bitmap[np.int64(h & mask)] & bits == bits:
                    maybe[n_maybe] = n - probe
                    n_maybe += 1
        counts[d] = n
        for m in range(n_maybe):
            t = np.int64(maybe[m])
            h = _mix(prefix[t + probe] - prefix[t] * power)
            found = _find(h, probes, probe_directory, probe_shift)
            if found < 0:
                continue
            lengths = probe_lengths[found]
            length = probe
            while lengths and t + length <= n:
                if lengths & np.uint64(1):
                    h = _mix(prefix[t + length] - prefix[t] * powers[length])
                    gram = _find(h, grams, gram_directory, gram_shift)
                    if gram >= 0:
                        if n_hits == len(hits):
                            more = np.empty((2 * n_hits, 4), np.int64)
                            more[:n_hits] = hits
                            hits = more
                        hits[n_hits, 0] = d
                        hits[n_hits, 1] = t
                        hits[n_hits, 2] = length
                        hits[n_hits, 3] = gram
                        n_hits += 1
                lengths >>= np.uint64(1)
                length += 1
    return hits[:n_hits].copy()


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What documents share with passages.

    `hits`: one row for each n-gram of a document that a passage has: document, first token, tokens, n-gram. `rows`,
    `passages`, `coverage`: each pair of a document and a passage that share some, and the share of the passage, by
    weight, that the document holds. `pair_hits`, `pairs`: which hits each pair is made of.
    """

    n_tokens: Int64s
    hits: Int64s
    rows: Int64s
    passages: Int64s
    coverage: NDArray[np.float64]
    enough: NDArray[np.bool_]
    pair_hits: Int64s
    pairs: Int64s

    def distinct(self) -> Int64s:
        """Different n-grams of each document that some passage has."""
        pairs = np.unique(self.hits[:, [0, 3]], axis=0)
        return np.bincount(pairs[:, 0], minlength=len(self.n_tokens))

    def ratio(self) -> NDArray[np.float64]:
        """Share of the tokens of each document that lie in such n-grams."""
        documents, starts, lengths = self.hits[:, 0], self.hits[:, 1], self.hits[:, 2]
        # Ends are no longer in order where n-grams of several lengths begin at one token; later documents come above.
        ends = np.maximum.accumulate((documents << 32) + starts + lengths) if len(documents) else documents
        before = np.zeros(len(ends), np.int64)
        before[1:] = ends[:-1]
        added = ends - np.maximum((documents << 32) + starts, before)
        covered = np.bincount(documents, np.maximum(added, 0), minlength=len(self.n_tokens))
        return np.divide(covered, self.n_tokens, out=np.zeros(len(covered)), where=self.n_tokens > 0)


def find_overlaps(texts: TextBuffers, index: OverlapIndex) -> Overlaps:
    """The n-grams that documents share with the passages of an index, and how much of each passage they make up."""
    n_tokens = np.zeros(len(texts), np.int64)
    probes, grams = index.probes, index.grams
    hits = _scan(
        texts.data,
        texts.offsets,
        fold_table(),
        index.probe,
        index.bitmap,
        probes.keys,
        probes.directory,
        probes.shift,
        index.probe_lengths,
        grams.keys,
        grams.directory,
        grams.shift,
        n_tokens,
    )
    gram = hits[:, 3]
    n_places = index.postings[gram + 1] - index.postings[gram]
    hit = np.repeat(np.arange(len(hits)), n_places)
    within = np.arange(len(hit)) - np.repeat(np.cumsum(n_places) - n_places, n_places)
    places = index.places[index.postings[gram][hit] + within]
    passage = np.searchsorted(index.bounds, places, side="right") - 1
    order = np.lexsort((places, passage, hits[hit, 0]))
    hit, places, passage = hit[order], places[order], passage[order]
    key = hits[hit, 0] * (len(index.bounds) + 1) + passage
    pair_keys, first, pairs = np.unique(key, return_index=True, return_inverse=True)
    n, ends = len(pair_keys), places + hits[hit, 2]
    covered = np.bincount(pairs, _union(places, ends, key, index.cumulative), minlength=n)
    amount = np.bincount(pairs, _union(places, ends, key, index.amounts), minlength=n)
    whole = index.weights[passage[first]]
    return Overlaps(
        n_tokens,
        hits,
        rows=hits[hit[first], 0],
        passages=passage[first],
        coverage=covered / whole,
        enough=(covered == whole) | (amount >= index.least),
        pair_hits=hit,
        pairs=pairs,
    )
