"""From facts to a decision: a logistic classifier, and the threshold at which its edits keep the promised precision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_SENTENCES = 200
"""Fewer held-out sentences than this measure nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How the fixer did on held-out sentences, each as it was and with an injected error."""

    sentences: int = 0
    precision: float = 0.0
    """Right edits among all edits, those on clean sentences included."""
    recall: float = 0.0
    """Right edits among all injected errors."""
    clean_changed: float = 1.0
    """Share of the sentences without an injected error that were edited, less those that are held to be typos indeed."""
    precision_low: float = 0.0
    """Lower end of the 95 % interval of `precision`: where it is under the bar, nothing is edited."""
    clean_changed_high: float = 1.0
    """Upper end of the 95 % interval of `clean_changed`."""
    own_typos: float = 0.0
    """Share of the sentences given as clean that are held to have a typo of their own; see `Trial.own_typos`."""

    @classmethod
    def counted(
        cls, sentences: int, *, right: int, edits: int, errors: int, changed: int, clean: int, own: float = 0.0
    ) -> Measured:
        """From counts: `right` of `edits` mend one of `errors`, and `changed` of `clean` (sentences or words) had none;
        a share `own` of these has one all the same, and is mended as often as the injected ones."""
        mended = own * right / errors
        edits -= round(min(2 * mended * clean, edits - right))  # on a sentence as it was, and with errors
        return cls(
            sentences,
            right / edits if edits else 0.0,
            right / errors,
            max(changed / clean - mended, 0.0),
            lower(right, edits),
            max(upper(changed, clean) - mended, 0.0),
            own,
        )


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights over standardized facts. The score is the log odds that the edit is right."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    @classmethod
    def fit(cls, facts: Floats, right: NDArray[np.bool_], ridge: float = 3.0) -> Logistic:
        """Newton's method; a few steps are enough for a convex loss with some 25 weights."""
        mean, scale = facts.mean(0), facts.std(0) + 1e-6
        x = np.hstack([(facts - mean) / scale, np.ones((len(facts), 1))])
        penalty = np.full(x.shape[1], ridge)
        penalty[-1] = 1e-3
        w = np.zeros(x.shape[1])
        for _ in range(30):
            p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
            slope = x.T @ (p - right) + penalty * w
            step = np.linalg.solve((x * (p * (1 - p) + 1e-6)[:, None]).T @ x + np.diag(penalty), slope)
            w -= step
            if np.abs(step).max() < 1e-6:
                break
        return cls(mean, scale, w[:-1], float(w[-1]))

    def score(self, facts: Floats) -> Floats:
        found: Floats = ((facts - self.mean) / self.scale) @ self.weights + self.bias
        return found

    def pack(self) -> dict[str, Any]:
        """As JSON holds it."""
        lists = {"mean": self.mean.tolist(), "scale": self.scale.tolist(), "weights": self.weights.tolist()}
        return {**lists, "bias": self.bias}

    @classmethod
    def unpack(cls, data: dict[str, Any]) -> Logistic:
        """The inverse of `pack`."""
        return cls(np.array(data["mean"]), np.array(data["scale"]), np.array(data["weights"]), data["bias"])


def upper(events: int, trials: int) -> float:
    """Upper end of the 95 % Wilson interval of a share."""
    return 1.0 if not trials else _wilson(events, trials, 1)


def lower(events: int, trials: int) -> float:
    """Lower end of the 95 % Wilson interval of a share."""
    return 0.0 if not trials else _wilson(events, trials, -1)


def _wilson(events: int, trials: int, side: int) -> float:
    z, p = 1.645, events / trials  # one-sided
    middle = p + z * z / (2 * trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    return min(max((middle + side * half) / (1 + z * z / trials), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """Proposals on held-out sentences, each sentence seen twice: as it was, and with errors."""

    scores: Floats
    right: NDArray[np.bool_]
    on_clean: NDArray[np.bool_]
    """Whether the proposal was made on the sentence as it was."""
    sentence: NDArray[np.int64]
    novelty: Floats
    """By sentence: how unlike the training text it is."""
    errors: NDArray[np.int64]
    """By sentence: how many errors were put in."""

    def own_typos(self) -> float:
        """The share of the sentences as they were that have typos of their own.

        No corpus is clean, and a model that mends its typos must not pay for that. If a share of the sentences had
        one, edits would be made there as often as on injected errors; so the share is at most that of sentences edited,
        over recall, at any threshold: at the strictest ones, next to nothing but typos is edited. The least of these
        bounds is taken. That is cautious enough: each bound holds some harm as well, and the least of many has the
        least luck. (It was each bound's lower end before: half of the typos were paid for, on top of the end of the
        interval of all edits.)
        """
        errors, n = int(self.errors.sum()), len(self.novelty)
        bounds = []
        for t in np.arange(_FLOOR, 12.0, 0.5).tolist():
            made = self.scores >= t
            recall = int((self.right & made).sum()) / max(errors, 1)
            if recall < _SUREST:
                break
            bounds.append(len(np.unique(self.sentence[made & self.on_clean])) / n / recall)
        return min(bounds, default=0.0)

    def measure(self, threshold: float, chosen: NDArray[np.bool_] | None = None, own: float = 0.0) -> Measured:
        """At this threshold, on all sentences or the chosen ones. A sentence counts in the precision once as it was and
        once with errors: half of all text has an error, as in the published test sets."""
        n = len(self.novelty)
        inside = np.ones(n, np.bool_) if chosen is None else chosen
        made = (self.scores >= threshold) & inside[self.sentence]
        right, edits = int((self.right & made).sum()), int(made.sum())
        changed = len(np.unique(self.sentence[made & self.on_clean]))
        clean, errors = int(inside.sum()), int(self.errors[inside].sum())
        if clean < MIN_SENTENCES or not errors:
            return Measured(sentences=clean)
        return Measured.counted(clean, right=right, edits=edits, errors=errors, changed=changed, clean=clean, own=own)

    def threshold(self, min_precision: float, max_changed: float) -> float:
        """The lowest threshold that keeps both bars by the ends of their intervals; infinity where there is none.

        Where text is less like the training text than nine tenths of what was held out, errors may be twice as many
        and no more: what the model will meet is stranger than that.
        """
        strange = self.novelty >= np.quantile(self.novelty, _STRANGE)
        own = self.own_typos()
        for t in np.arange(_FLOOR, 12.0, 0.1).tolist():
            whole, tail = self.measure(t, own=own), self.measure(t, strange, own)
            if (
                whole.precision_low >= min_precision
                and whole.clean_changed_high <= max_changed
                and (tail.sentences < MIN_SENTENCES or _doubled(tail, min_precision, max_changed))
            ):
                return float(t)
        return math.inf


_STRANGE = 0.9
_SUREST = 0.1
_FLOOR = 1.0  # no edit is made on less than these log odds, whatever was measured


def _doubled(measured: Measured, min_precision: float, max_changed: float) -> bool:
    precise = measured.precision >= 1 - 2 * (1 - min_precision) or not measured.recall
    return precise and measured.clean_changed <= 2 * max_changed
