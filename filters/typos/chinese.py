"""Chinese typos: characters that the user's own text, in both directions, says should be others."""

from __future__ import annotations

import math
import random
import re
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ..protect import protected_mask
from ..text.buffers import readonly
from ..text.dictionary import dictionary
from .calibrate import MIN_SENTENCES, Floats, Logistic, Measured, Trial
from .candidates import LIKENESS, NEAR_SOUND, SHAPE, SOUND, Candidates, candidates
from .counts import PAD, Codes, Counts, code_row
from .edit import Edit
from .errors import chinese_errors
from .kernel import find_places, unseen_pairs

_FUNCTION = frozenset(
    "的地得了着过是有在再从由向对为被把将让使给和与或则也都就还又才已曾先后前上下中内外里间时日月年人省市县区国可能会要应该须需"
    "各每某本此这那其所之者而因故如若当等至到自凭依按据以于及且但仍即它他她我你您并便很更最太只仅另同跟比像如何谁哪么吗呢吧啊"
)
"""Chinese words of one character. They stand between any two others, so an unseen context says little about them."""
_NOT_OURS = tuple(
    map(
        frozenset,
        (
            "的地得底",
            "他她它牠祂",
            "你您妳",
            "做作",
            "像象",
            "型性",
            "份分",
            "惟唯",
            "账帐",
            "其期",
            "了啦",
            "吗嘛么",
            "哪那",
        ),
    )
)
"""Pairs that usage decides, and not the run of characters around: a language model picks the more frequent one."""
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱林何郭罗宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田姜范邹熊"
    "張劉陳楊趙黃吳孫羅鄭謝韓馮鄧許呂蘇盧蔣賈葉閻鍾鄒"
)
_DOMAIN = (0.2, 0.35)
_BEYOND = 1.2
_SURCHARGE = 1.5
_ERRORS, _MORE = 6, 0.05
"""Unseen pairs that typos may add to a text, and the share that they may add to a long one, before it is passed over."""
_SPARE = 0.5
_PASSES = 3
_APART = 4
"""Characters between two edits of one pass: nearer ones were scored on each other's errors."""
_MIN_RIGHT = 20
_SHOWN = 2.0
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Proposals:
    """Places in a list of texts where another character would fit better, and how sure the model is."""

    text: NDArray[np.int64]
    at: NDArray[np.int64]
    new: Codes
    facts: Floats
    unseen: NDArray[np.bool_]
    """By code of the row of texts: whether it is Chinese and makes an unseen pair with the Chinese one before."""
    row: Codes
    starts: NDArray[np.int64]

    def right(self, j: int) -> str:
        """What proposal j would write: one character or two."""
        return "".join(chr(c) for c in self.new[j].tolist() if c)


@dataclass(frozen=True)
class ChineseModel:
    """Counts of runs, the classifier over their facts, and how far from its own text it may go."""

    counts: Counts
    classifier: Logistic | None = None
    threshold: float = np.inf
    domain: float = 0.0
    """The largest share of unseen pairs that a text may have; beyond it, it is another domain."""
    extra: str | None = field(default=None, compare=False)

    @cached_property
    def known(self) -> frozenset[str]:
        """Characters that its text has three times or more."""
        return frozenset(self.counts.frequent(3))

    @cached_property
    def table(self) -> Candidates:
        return candidates(self.known, self.extra)

    def strangeness(self, texts: Sequence[str]) -> Floats:
        """The share of each text's pairs of Chinese characters that were never seen; cheap."""
        row, starts = code_row(texts)
        return _strangeness(row, starts, unseen_pairs(readonly(row), self.counts.table) > 0)

    def propose(self, texts: Sequence[str]) -> Proposals:
        """Every place with a better candidate, whatever the classifier says of it."""
        row, starts = code_row(texts)
        fixed = readonly(row)
        unseen = unseen_pairs(fixed, self.counts.table)
        words, table = dictionary(), self.table
        places, new, facts = find_places(
            fixed,
            readonly(unseen),
            self.counts.table,
            float(self.counts.total),
            table.starts,
            table.chars,
            table.kinds,
            words.roots,
            words.edges,
            words.sieve,
            words.weights,
            words.unknown,
        )
        # Without the character, or both, the text would be as good: one too many is as likely as a wrong one.
        spare = (facts[:, 21] > 0) & (facts[:, 21] >= _SPARE * facts[:, 4])
        places, new, facts = places[~spare], new[~spare], facts[~spare]
        text = np.searchsorted(starts, places, side="right") - 1
        columns = _columns(facts, row[places], new)
        return Proposals(text, places - starts[text], new, columns, unseen > 0, row, starts)

    def score(self, found: Proposals) -> Floats:
        """Log odds that a proposal is right, less a surcharge where its text is strange; minus infinity where the
        text is of another domain."""
        if self.classifier is None:
            return np.full(len(found.at), -np.inf)
        return in_domain(self.classifier.score(found.facts), found, self.domain)

    def edits(self, texts: Sequence[str]) -> list[list[Edit]]:
        """For each text, the edits that all guards let pass; none for a text of another domain.

        A place is looked at again when another near it has been mended, up to three times in all.
        """
        made: list[dict[int, str]] = [{} for _ in texts]
        now = list(texts)
        room = self.domain + _MORE + _ERRORS / np.array([max(len(text), 1) for text in texts])
        rows = np.flatnonzero(self.strangeness(texts) <= room).tolist()
        for _ in range(_PASSES):
            if not rows:
                break
            found = self.propose([now[r] for r in rows])
            scores = self.score(found)
            good = np.flatnonzero(scores >= self.threshold)
            fresh: dict[int, list[int]] = {}
            for j in good[np.argsort(-scores[good], kind="stable")].tolist():
                r, at, new = rows[int(found.text[j])], int(found.at[j]), found.right(j)
                if any(abs(at - other) < _APART for other in fresh.get(r, ())):
                    continue
                if any(at + k in made[r] or not allowed(texts[r], at + k, c) for k, c in enumerate(new)):
                    continue
                made[r].update((at + k, c) for k, c in enumerate(new))
                fresh.setdefault(r, []).append(at)
            rows = sorted(fresh)
            for r in rows:
                now[r] = "".join(made[r].get(i, c) for i, c in enumerate(texts[r]))
        return [[Edit(at, at + 1, char) for at, char in sorted(edits.items())] for edits in made]


def in_domain(scores: Floats, found: Proposals, domain: float) -> Floats:
    """Scores less a surcharge, the stranger the text: a third of the way to the end of the domain is free, and beyond
    the end the score is minus infinity."""
    strange = strangeness_beside(found, scores)[found.text]
    less = _SURCHARGE * np.clip((strange / max(domain, 1e-9) - 1 / 3) * 1.5, 0, 1)
    return np.where(strange <= domain, scores - less, -np.inf)


def strangeness_beside(found: Proposals, scores: Floats) -> Floats:
    """By text: the share of unseen pairs of Chinese characters among those that no likely typo has a part in.

    In a short question with two typos half of the pairs are unseen, and it is no other domain for that.
    """
    typo = np.zeros(len(found.row) + 2, np.bool_)
    for j in np.flatnonzero(scores >= 0).tolist():
        place = int(found.starts[found.text[j]] + found.at[j])
        typo[place : place + 2 + (found.new[j, 1] > 0)] = True
    return _strangeness(found.row, found.starts, found.unseen, typo[:-2])


def _strangeness(
    row: Codes, starts: NDArray[np.int64], unseen: NDArray[np.bool_], leave: NDArray[np.bool_] | None = None
) -> Floats:
    if not len(starts):
        return np.zeros(0)
    han = (row >= 0x4E00) & (row <= 0x9FFF)
    pair = np.concatenate([[False], han[1:] & han[:-1]])
    if leave is not None:
        pair &= ~leave
    pairs, sums = np.cumsum(pair), np.cumsum(unseen & pair)
    last = np.append(starts[1:], len(row)) - PAD - 1
    found: Floats = (sums[last] - sums[starts - 1]) / np.maximum(pairs[last] - pairs[starts - 1], 1)
    return found


def _columns(facts: NDArray[np.float32], old: Codes, new: Codes) -> Floats:
    """The kernel's facts as the classifier reads them."""
    kind = facts[:, 12].astype(np.int64)
    alike = (kind >> LIKENESS) / 15
    f = facts.astype(np.float64)
    return np.column_stack(
        [
            f[:, :12],
            f[:, 13:],
            f[:, 0] + f[:, 1],
            np.minimum(f[:, 0], f[:, 1]),
            kind & SOUND > 0,
            kind & NEAR_SOUND > 0,
            kind & SHAPE > 0,
            alike,
            alike**4,
            (kind & (SOUND | NEAR_SOUND) == 0) * alike**2,
            _is_function()[old],
            _is_function()[new[:, 0]],
            f[:, 17] * (f[:, 0] + f[:, 1]),
            f[:, 17] * f[:, 3],
        ]
    )


@lru_cache(maxsize=1)
def _is_function() -> NDArray[np.bool_]:
    table = np.zeros(1 << 16, np.bool_)
    table[[ord(c) for c in _FUNCTION]] = True
    return table


def allowed(text: str, at: int, char: str) -> bool:
    """Whether the guards let the character at `at` become `char`: not in protected text, not beside Latin letters or
    digits, not in what may be a name, not what the text itself repeats, not what usage decides."""
    old = text[at]
    if (old in _FUNCTION and char in _FUNCTION) or any(old in group and char in group for group in _NOT_OURS):
        return False
    beside = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
    if any(c.isascii() and c.isalnum() for c in beside):
        return False
    if _in_name(text, at, char) or _repeats(text, at):
        return False
    return not protected_mask(text)[at]


def _in_name(text: str, at: int, char: str) -> bool:
    """Whether a surname that is in no word stands one or two characters before."""
    words = dictionary()
    for back in (1, 2):
        i = at - back
        if i < 0 or text[i] not in _SURNAMES:
            continue
        inside = any(
            words.has(text[start:end])
            for start, end in ((i - 1, i + 1), (i - 2, i + 1), (i, i + 2), (i - 1, i + 2))
            if start >= 0 and end <= len(text) and not start <= at < end
        )
        if not inside and not (back == 1 and words.has(text[i:at] + char)):
            return True
    return False


def _repeats(text: str, at: int) -> bool:
    """Whether the text has the same characters at other places, three around the place twice or a pair of them thrice:
    what its author writes again and again is the author's way."""
    left, right = text[max(at - 1, 0) : at + 1], text[at : at + 2]
    return text.count(left + right[1:]) > 1 or any(len(pair) == 2 and text.count(pair) > 2 for pair in (left, right))


def sentences(text: str) -> Iterable[str]:
    """The sentences of a text, by full stops and line ends, without the space around them."""
    for piece in re.split(r"(?<=[。！？；])|\n+", text):
        if piece.strip():
            yield piece.strip()


@dataclass(frozen=True, slots=True)
class Calibration:
    """What decides over edits, how it did, and what it would have changed in text that was given as clean."""

    measured: Measured
    classifier: Logistic | None = None
    threshold: float = math.inf
    domain: float = 0.0
    changes: tuple[str, ...] = ()
    """Such as `患了[颠>癫]痫病`, surest first: a model's mistake, or a typo in the text that it was given."""


def calibrate(
    folds: Iterable[tuple[Counts, Sequence[str]]],
    rng: random.Random,
    *,
    min_precision: float,
    max_clean_changed: float,
) -> Calibration:
    """A classifier, a threshold and the reach of the domain, and how they do.

    Each fold is counts and the sentences that they have not seen; each sentence is looked at as it was and with errors.
    The classifier that scores a sentence was never trained on it.
    """
    facts, right, on_clean, which, strange, errors, may = [], [], [], [], [], [], []
    shown: list[str] = []
    all_found: list[Proposals] = []
    n = 0
    for counts, sample in folds:
        model = ChineseModel(counts)
        inject = chinese_errors(model.table, Tally("".join(sample)), rng)
        broken = [inject(s) for s in sample]
        both = [*sample, *broken]
        found = model.propose(both)
        for j, (t, at) in enumerate(zip(found.text.tolist(), found.at.tolist(), strict=True)):
            new, gold, text = found.right(j), sample[t % len(sample)], both[t]
            right.append(gold.startswith(new, at) and all(text[at + k] != c for k, c in enumerate(new)))
            shown.append(f"{text[max(at - 8, 0) : at]}[{text[at : at + len(new)]}>{new}]{text[at + len(new) :][:8]}")
            may.append(all(allowed(text, at + k, c) for k, c in enumerate(new)))
        all_found.append(found)
        facts.append(found.facts)
        on_clean.append(found.text < len(sample))
        which.append(found.text % max(len(sample), 1) + n)
        strange.append(_strangeness(found.row, found.starts, found.unseen)[: len(sample)])
        errors += [sum(a != b for a, b in zip(x, y, strict=True)) for x, y in zip(sample, broken, strict=True)]
        n += len(sample)
    good = np.array(right, np.bool_)
    if n < MIN_SENTENCES or good.sum() < _MIN_RIGHT or good.all():
        return Calibration(Measured(sentences=n))
    all_facts, sentence, novelty = np.concatenate(facts), np.concatenate(which), np.concatenate(strange)
    scores = np.zeros(len(good))
    for part in (sentence % 2 == 0, sentence % 2 == 1):
        scores[part] = Logistic.fit(all_facts[~part], good[~part]).score(all_facts[part])
    domain = float(np.clip(_BEYOND * np.quantile(novelty, 0.99), *_DOMAIN))
    ends = np.cumsum([len(found.at) for found in all_found])
    parts_of = np.split(scores, ends[:-1])
    scores = np.concatenate([in_domain(s, found, domain) for s, found in zip(parts_of, all_found, strict=True)])
    beside = np.concatenate(
        [strangeness_beside(f, s)[: len(f.starts) // 2] for f, s in zip(all_found, parts_of, strict=True)]
    )
    kept = np.array(may, np.bool_) & np.isfinite(scores)
    trial = Trial(
        scores[kept], good[kept], np.concatenate(on_clean)[kept], sentence[kept], beside, np.array(errors, np.int64)
    )
    threshold = trial.threshold(min_precision, max_clean_changed)
    clean = np.flatnonzero(kept & np.concatenate(on_clean) & (scores >= min(threshold, _SHOWN)))
    changes = dict.fromkeys(shown[j] for j in clean[np.argsort(-scores[clean], kind="stable")].tolist())
    return Calibration(
        trial.measure(threshold, own=trial.own_typos()),
        Logistic.fit(all_facts, good),
        threshold,
        domain,
        tuple(changes)[:_MAX_SHOWN],
    )
