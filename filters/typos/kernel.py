"""What the typo model knows of every place where another character would fit better: one pass, compiled.

A place is looked at only where the run of three characters around it was never seen. Each candidate that makes a seen
run is then scored by two language models (forward and backward) over all runs that the place is in, the best is
measured further, and its facts are left to a classifier. Places without a candidate cost four look-ups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..text.dictionary import follow
from ..text.kernel import kernel, part
from .counts import _P, ORDER, PAD, count_of, raw_key

FACTS = (
    "forward",
    "backward",
    "margin",
    "words",
    "new_runs",
    "old_runs",
    "new_length",
    "old_length",
    "new_log",
    "old_log",
    "new_often",
    "old_often",
    "kind",
    "new_word",
    "old_word",
    "novelty",
    "rivals",
    "pair",
    "new_pairs",
    "old_pairs",
    "old_best_pair",
    "without",
    "doubled",
    "new_best_pair",
    "new_tie",
    "new_word_seen",
)
"""The columns of what `find_places` measures: see there."""
N_FACTS = len(FACTS)

_SMOOTH = 4.0
_FLOOR = 1e-5
_PAIR = 3
_NO_TIE = -2.0
_AROUND = 24
_SPAN = 5
_MAX_WORD = 5
_FREQUENT = np.log(20.0)


@part
def _mix_in(count: Any, history: Any, lower: Any) -> Any:
    return (count + _SMOOTH * lower) / (history + _SMOOTH)


@part
def _forward(table: Any, row: Any, at: Any, total: Any) -> Any:
    """log P(row[at] | the four codes before it)."""
    p = _mix_in(count_of(table, raw_key(row, at, 1)), total, _FLOOR)
    for n in range(1, ORDER):
        history = count_of(table, raw_key(row, at - n, n))
        if history == 0:
            break
        p = _mix_in(count_of(table, raw_key(row, at - n, n + 1)), history, p)
    return np.log(p)


@part
def _backward(table: Any, row: Any, at: Any, total: Any) -> Any:
    """log P(row[at] | the four codes after it)."""
    p = _mix_in(count_of(table, raw_key(row, at, 1)), total, _FLOOR)
    for n in range(1, ORDER):
        future = count_of(table, raw_key(row, at + 1, n))
        if future == 0:
            break
        p = _mix_in(count_of(table, raw_key(row, at, n + 1)), future, p)
    return np.log(p)


@part
def _gains(table: Any, row: Any, at: Any, width: Any, total: Any, out: Any) -> None:
    """Into `out`: log probabilities of all that depends on the `width` codes from `at`, forward and backward."""
    forward = backward = 0.0
    last = at + width - 1
    for i in range(at, last + ORDER):
        # A line end ends what the place has an influence on.
        if i > last + 1 and row[i - 1] == 10:
            break
        forward += _forward(table, row, i, total)
    for i in range(last, at - ORDER, -1):
        if i < at - 1 and row[i + 1] == 10:
            break
        backward += _backward(table, row, i, total)
    out[0], out[1] = forward, backward


@part
def _runs(table: Any, row: Any, at: Any, width: Any, out: Any) -> None:
    """Into `out`: the logs of the counts of the runs of three, summed, and the length of the longest seen run."""
    total = 0.0
    longest = 0.0
    for n in range(2, ORDER + 1):
        seen = False
        for start in range(at + width - n, at + 1):
            c = count_of(table, raw_key(row, start, n))
            if c:
                seen = True
                if n == 3:
                    total += np.log(1.0 + c)
        if not seen:
            break
        longest = n
    out[2], out[3] = total, longest


@part
def _cut(
    row: Any, at: Any, roots: Any, edges: Any, sieve: Any, weights: Any, unknown: Any, best: Any, back: Any
) -> Any:
    """The log probability of the best cut into words of the codes around `at`; the length of the word `at` is in goes
    to back[0]."""
    first = at
    while first > at - _SPAN and 0x4E00 <= row[first - 1] <= 0x9FFF:
        first -= 1
    last = at + 1
    while last <= at + _SPAN and 0x4E00 <= row[last] <= 0x9FFF:
        last += 1
    n = last - first
    for i in range(1, n + 1):
        best[i] = -1e9
    best[0] = 0.0
    for i in range(n):
        base = best[i]
        node = np.int64(roots[row[first + i]])
        if base + unknown > best[i + 1]:
            best[i + 1] = base + unknown
            back[i + 1] = 1
        length = 1
        while node:
            w = weights[node >> 1]
            if base + w > best[i + length]:
                best[i + length] = base + w
                back[i + length] = length
            if not node & 1 or length == _MAX_WORD or i + length >= n:
                break
            node = follow(edges, sieve, node, np.int64(row[first + i + length]))
            length += 1
    end = n
    while end > 0:
        size = back[end]
        if first + end - size <= at:
            back[0] = size
            break
        end -= size
    return best[n]


@part
def _measure(
    row: Any,
    at: Any,
    width: Any,
    table: Any,
    total: Any,
    roots: Any,
    edges: Any,
    sieve: Any,
    weights: Any,
    unknown: Any,
    best: Any,
    back: Any,
    out: Any,
) -> None:
    """Into `out`: forward, backward, counts of runs, longest run, log count of the rarest code, cut, word's length, pairs,
    tie, word's count."""
    _gains(table, row, at, width, total, out)
    _runs(table, row, at, width, out)
    rarest = count_of(table, raw_key(row, at, 1))
    if width == 2:
        rarest = min(rarest, count_of(table, raw_key(row, at + 1, 1)))
    out[4] = np.log(1.0 + rarest)
    out[5] = _cut(row, at, roots, edges, sieve, weights, unknown, best, back)
    out[6] = back[0]
    _pairs(table, row, at, width, total, out)
    out[10] = np.log(1.0 + _word_seen(table, row, at, roots, edges, sieve, weights, unknown))


@part
def _pairs(table: Any, row: Any, at: Any, width: Any, total: Any, out: Any) -> None:
    """Into `out`: log counts of the rarest and of the most frequent of the pairs that the codes from `at` are in, and how
    much oftener than by chance the closest of those of two Chinese characters stand together, as a log."""
    least, most = np.int64(1) << 40, np.int64(0)
    tie = _NO_TIE
    for start in range(at - 1, at + width):
        c = count_of(table, raw_key(row, start, 2))
        least, most = min(least, c), max(most, c)
        if c and 0x4E00 <= row[start] <= 0x9FFF and 0x4E00 <= row[start + 1] <= 0x9FFF:
            chance = count_of(table, raw_key(row, start, 1)) * count_of(table, raw_key(row, start + 1, 1)) / total
            tie = max(tie, np.log(c / max(chance, 1e-9)))
    out[7], out[8], out[9] = np.log(1.0 + least), np.log(1.0 + most), tie


@part
def _word_seen(table: Any, row: Any, at: Any, roots: Any, edges: Any, sieve: Any, weights: Any, unknown: Any) -> Any:
    """The count of the most frequent, in the text counted, of the dictionary's words of two to four characters that
    cover `at`: the dictionary alone does not know which of its words the domain uses."""
    most = np.int64(0)
    for start in range(at, at - _MAX_WORD + 1, -1):
        if not 0x4E00 <= row[start] <= 0x9FFF:
            break
        node = np.int64(roots[row[start]])
        size = 1
        while node & 1 and size < _MAX_WORD - 1:
            node = follow(edges, sieve, node, np.int64(row[start + size]))
            size += 1
            if start + size > at and node and weights[node >> 1] > unknown:
                c = count_of(table, raw_key(row, start, size))
                if c == 0 and size == 4:  # runs of four that were seen once are not kept
                    c = min(count_of(table, raw_key(row, start, 3)), count_of(table, raw_key(row, start + 1, 3)))
                most = max(most, c)
    return most


@part
def _without(table: Any, row: Any, at: Any, width: Any) -> Any:
    """Logs of the counts of the runs of three that would meet if the codes from `at` were one too many, summed."""
    p = np.uint64(_P)
    before, last = np.uint64(row[at - 2]), np.uint64(row[at - 1])
    first, after = np.uint64(row[at + width]), np.uint64(row[at + width + 1])
    left = ((np.uint64(3) * p + before) * p + last) * p + first
    right = ((np.uint64(3) * p + last) * p + first) * p + after
    return np.log(1.0 + count_of(table, left)) + np.log(1.0 + count_of(table, right))


@part
def _makes_word(row: Any, at: Any, roots: Any, edges: Any, sieve: Any, weights: Any, least: Any) -> Any:
    """Whether a dictionary word of two to four characters, at least so frequent, covers `at`."""
    for start in range(at, at - _MAX_WORD + 1, -1):
        if not 0x4E00 <= row[start] <= 0x9FFF:
            break
        node = np.int64(roots[row[start]])
        size = 1
        while node & 1 and size < _MAX_WORD - 1:
            node = follow(edges, sieve, node, np.int64(row[start + size]))
            size += 1
            if start + size > at and node and weights[node >> 1] >= least:
                return True
    return False


@part
def _fill_facts(f: Any, old: Any, new: Any, width: Any) -> None:
    f[0], f[1] = new[0] - old[0], new[1] - old[1]
    f[3] = new[5] - old[5]
    f[4], f[5] = new[2], old[2]
    f[6], f[7] = new[3], old[3]
    f[8], f[9] = (new[0] + new[1]) / (8 + 2 * width), (old[0] + old[1]) / (8 + 2 * width)
    f[10], f[11] = new[4], old[4]
    f[13], f[14] = new[6], old[6]
    f[17] = width - 1
    f[18], f[19], f[20] = new[7], old[7], old[8]
    f[23], f[24], f[25] = new[8], new[9], new[10]


@part
def _novelty(row: Any, at: Any, width: Any, seen3: Any) -> Any:
    unseen = around = 0
    for j in range(max(at - _AROUND, PAD), min(at + _AROUND + 1, len(row) - PAD)):
        if (j < at - 1 or j > at + width) and 0x4E00 <= row[j] <= 0x9FFF:
            around += 1
            unseen += not seen3[j]
    return unseen / (around + 1)


@kernel
def unseen_pairs(row: Any, table: Any) -> Any:
    """For each code of a row, 1 where it is Chinese and makes an unseen pair with the Chinese one before."""
    out = np.zeros(len(row), np.int32)
    for i in range(1, len(row)):
        if 0x4E00 <= row[i] <= 0x9FFF and 0x4E00 <= row[i - 1] <= 0x9FFF:
            out[i] = count_of(table, raw_key(row, i - 1, 2)) == 0
    return out


@kernel
def find_places(
    row_in: Any,
    unseen: Any,
    table: Any,
    total: float,
    starts: Any,
    chars: Any,
    kinds: Any,
    roots: Any,
    edges: Any,
    sieve: Any,
    weights: Any,
    unknown: float,
) -> Any:
    """Places in a row of `code_row`, the best other character for each, and the facts of it, a row a place.

    `forward`, `backward`: how much likelier the text is with it. `margin`: by how much it is better than the second
    best candidate. `words`: the same for the best cut into words. `new_runs`, `old_runs`: logs of the counts of the runs
    of three, summed; `_length`: the longest run seen; `_log`: log probability a character; `_often`: log count of the
    character itself; `_word`: length of the dictionary word that it is in. `kind`: why it is a candidate. `novelty`: share of
    unseen runs of three around, the place left out. `rivals`: how many candidates made a seen run.
    `pair`: 1 where two characters are wrong side by side, and the second new one is not 0. `_pairs`, `_best_pair`: log
    count of the rarest and the most frequent of the pairs that it is in; `_tie`, `_word_seen`: see the functions.
    """
    row = row_in.copy()
    n = len(row)
    capacity = n // 2 + 16
    places = np.empty(capacity, np.int64)
    new = np.empty((capacity, 2), np.uint16)
    facts = np.empty((capacity, N_FACTS), np.float32)
    size = 0
    seen3 = np.zeros(n, np.bool_)
    for i in range(PAD, n - PAD):
        seen3[i] = count_of(table, raw_key(row, i - 1, 3)) > 0
    p = np.uint64(_P)
    fits = np.zeros(256, np.int64)
    score = np.zeros(2)
    before, after = np.zeros(11), np.zeros(11)
    best = np.zeros(2 * _SPAN + 2)
    back = np.zeros(2 * _SPAN + 2, np.int64)
    for i in range(PAD, n - PAD):
        old = row[i]
        if seen3[i] or starts[old] == starts[old + 1]:
            continue
        left, centre, right = raw_key(row, i - 2, 3), raw_key(row, i - 1, 3), raw_key(row, i, 3)
        pair_left, pair_right = raw_key(row, i - 1, 2), raw_key(row, i, 2)
        top = second = -1e9
        chosen = -1
        rivals = 0
        wordless = not _makes_word(row, i, roots, edges, sieve, weights, unknown)
        for k in range(starts[old], starts[old + 1]):
            delta = np.uint64(chars[k]) - np.uint64(old)
            if (
                count_of(table, centre + delta * p) == 0
                and count_of(table, left + delta) == 0
                and count_of(table, right + delta * p * p) == 0
                and (count_of(table, pair_left + delta) == 0 or count_of(table, pair_right + delta * p) == 0)
            ):
                if not wordless:
                    continue
                row[i] = chars[k]
                if not _makes_word(row, i, roots, edges, sieve, weights, unknown + _FREQUENT):
                    continue
            rivals += 1
            row[i] = chars[k]
            _gains(table, row, i, 1, total, score)
            if score[0] + score[1] > top:
                second = top
                top = score[0] + score[1]
                chosen = k
            elif score[0] + score[1] > second:
                second = score[0] + score[1]
        row[i] = old
        if chosen >= 0 and size < capacity:
            _gains(table, row, i, 1, total, score)
            if top > score[0] + score[1]:
                f = facts[size]
                _measure(row, i, 1, table, total, roots, edges, sieve, weights, unknown, best, back, before)
                row[i] = chars[chosen]
                _measure(row, i, 1, table, total, roots, edges, sieve, weights, unknown, best, back, after)
                row[i] = old
                _fill_facts(f, before, after, 1)
                f[2] = min((top - second) / 2, 20.0)
                f[12] = kinds[chosen]
                f[15] = _novelty(row, i, 1, seen3)
                f[16] = rivals
                f[21] = _without(table, row, i, 1)
                f[22] = chars[chosen] == row[i - 1] or chars[chosen] == row[i + 1]
                places[size] = i
                new[size, 0], new[size, 1] = chars[chosen], 0
                size += 1
        # Two wrong characters side by side: each hides the other's right one. Where the pair they make was never seen.
        follower = row[i + 1]
        if not unseen[i + 1] or seen3[i + 1] or starts[follower] == starts[follower + 1] or size == capacity:
            continue
        top = second = -1e9
        first = then = -1
        rivals = 0
        three_left, three_right = raw_key(row, i - 1, 3), raw_key(row, i, 3)
        # Of some 1,500 pairs all but a few are ruled out by what stands before the first or after the second.
        far, size_fits = raw_key(row, i + 1, 2), 0
        for m in range(starts[follower], starts[follower + 1]):
            more = np.uint64(chars[m]) - np.uint64(follower)
            if size_fits < len(fits) and count_of(table, far + more * p) > 0:
                fits[size_fits] = m
                size_fits += 1
        for k in range(starts[old], starts[old + 1]):
            delta = np.uint64(chars[k]) - np.uint64(old)
            if size_fits == 0 or count_of(table, pair_left + delta) == 0:
                continue
            for at_m in range(size_fits):
                m = fits[at_m]
                more = np.uint64(chars[m]) - np.uint64(follower)
                if count_of(table, pair_right + delta * p + more) < _PAIR:
                    continue
                if (
                    count_of(table, three_left + delta * p + more) == 0
                    and count_of(table, three_right + delta * p * p + more * p) == 0
                ):
                    continue
                rivals += 1
                row[i], row[i + 1] = chars[k], chars[m]
                _gains(table, row, i, 2, total, score)
                if score[0] + score[1] > top:
                    second = top
                    top = score[0] + score[1]
                    first, then = k, m
                elif score[0] + score[1] > second:
                    second = score[0] + score[1]
        row[i], row[i + 1] = old, follower
        if first < 0:
            continue
        f = facts[size]
        _measure(row, i, 2, table, total, roots, edges, sieve, weights, unknown, best, back, before)
        row[i], row[i + 1] = chars[first], chars[then]
        _measure(row, i, 2, table, total, roots, edges, sieve, weights, unknown, best, back, after)
        row[i], row[i + 1] = old, follower
        _fill_facts(f, before, after, 2)
        f[2] = min((top - second) / 2, 20.0)
        f[12] = (kinds[first] & kinds[then] & 15) | (min(kinds[first] >> 4, kinds[then] >> 4) << 4)
        f[15] = _novelty(row, i, 2, seen3)
        f[16] = rivals
        f[21] = _without(table, row, i, 2)
        f[22] = 0
        places[size] = i
        new[size, 0], new[size, 1] = chars[first], chars[then]
        size += 1
    return places[:size], new[:size], facts[:size]
