"""A linear model of a text's n-grams, which answers beside a small GPT: TF-IDF with logistic regression.

A GPT that was pretrained for an hour has seen most of a task's rare words and names a few times or never. Weights of n-grams
learn those from the labelled texts themselves in seconds, and err elsewhere than a GPT, so that both together are
better than either. They are fitted first and apart: trained as one sum of scores, the n-grams fit any training text within
two epochs and leave the GPT nothing to learn (TREC-6, 4,829 texts: .83 together in one loss, .87 apart).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xxhash
from numpy.typing import NDArray
from torch import Tensor

from ..evaluate.baselines import fasttext_line

STRENGTH = 10.0
"""scikit-learn's C, as in the TF-IDF baseline."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The known n-grams of a text."""

    places: NDArray[np.int64]
    """Rows of the weights."""
    weights: NDArray[np.float32]
    """1 + log of how often each occurs, times its rarity; the squares add up to 1."""


class NgramWeights:
    """A weight for each n-gram and label, as TF-IDF with logistic regression has; a text's scores are the sum of its own."""

    def __init__(self, tensors: Mapping[str, Tensor], longest: int) -> None:
        """`tensors` are `keys` (n-grams), `rarity` (n-grams), `weight` (n-grams, labels) and `bias` (labels)."""
        self.tensors = dict(tensors)
        self.longest = longest

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        marks: NDArray[np.float32],
        longest: int,
        *,
        several: bool,
        strength: float = STRENGTH,
    ) -> NgramWeights:
        """By logistic regression on `marks` (texts, labels), 1 at each label of a text.

        N-grams are of up to `longest` words, or characters where words are not spaced, that two of the texts hold: what a
        single text holds teaches little about others, and is most of all there is. Fewer than 1,000 texts need every word
        they have. `strength` is the inverse of the regularization, scikit-learn's C.
        """
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
        from sklearn.linear_model import LogisticRegression

        held = Counter(key for text in texts for key in set(_keys(text, longest)))
        least = 2 if len(texts) >= 1000 else 1
        kept = sorted((key, number) for key, number in held.items() if number >= least)
        keys = torch.tensor([key for key, _ in kept], dtype=torch.int64)
        numbers = torch.tensor([number for _, number in kept], dtype=torch.float32)
        rarity = 1.0 + torch.log((1.0 + len(texts)) / (1.0 + numbers))
        labels = marks.shape[1]
        tensors = {"keys": keys, "rarity": rarity}
        made = cls({**tensors, "weight": torch.zeros(len(keys), labels), "bias": torch.zeros(labels)}, longest)
        counts = made.count(texts)
        ends = np.cumsum([0, *(len(one.places) for one in counts)])
        values = np.concatenate([one.weights for one in counts])
        rows = csr_matrix((values, np.concatenate([one.places for one in counts]), ends), shape=(len(texts), len(keys)))
        weight, bias = np.zeros((labels, len(keys)), np.float32), np.zeros(labels, np.float32)
        if several:
            for label in range(labels):
                model = LogisticRegression(C=strength, max_iter=100).fit(rows, marks[:, label] > 0)
                weight[label], bias[label] = model.coef_[0], model.intercept_[0]
        else:
            model = LogisticRegression(C=strength, max_iter=100).fit(rows, marks.argmax(axis=1))
            # Of two labels scikit-learn scores the second alone.
            weight[-len(model.coef_) :], bias[-len(model.coef_) :] = model.coef_, model.intercept_
        made.tensors |= {"weight": torch.from_numpy(weight.T.copy()), "bias": torch.from_numpy(bias)}
        return made

    def to(self, device: torch.device) -> NgramWeights:
        return NgramWeights({name: tensor.to(device) for name, tensor in self.tensors.items()}, self.longest)

    def count(self, texts: Sequence[str]) -> list[Counts]:
        """What `scores` takes, for each text."""
        known, rarity = self.tensors["keys"].cpu().numpy(), self.tensors["rarity"].cpu().numpy()
        return [_counts(Counter(_keys(text, self.longest)), known, rarity) for text in texts]

    def scores(self, counts: Sequence[Counts]) -> Tensor:
        """Scores (texts, labels)."""
        weight = self.tensors["weight"]
        places = torch.from_numpy(np.concatenate([one.places for one in counts])).to(weight.device)
        weights = torch.from_numpy(np.concatenate([one.weights for one in counts])).to(weight.device)
        begins = torch.tensor([0, *(len(one.places) for one in counts[:-1])], device=weight.device).cumsum(0)
        return F.embedding_bag(places, weight, begins, mode="sum", per_sample_weights=weights) + self.tensors["bias"]


def _keys(text: str, longest: int) -> list[int]:
    """A signed 64-bit hash of each n-gram; of two words and more, those with the text's ends as well."""
    words = ["<s>", *fasttext_line(text).split(), "</s>"]
    # How a question begins says what it asks.
    grams = words[1:-1]
    grams += [" ".join(words[i : i + n]) for n in range(2, longest + 1) for i in range(len(words) - n + 1)]
    return [xxhash.xxh3_64_intdigest(gram.encode()) - (1 << 63) for gram in grams]


def _counts(found: Counter[int], known: NDArray[np.int64], rarity: NDArray[np.float32]) -> Counts:
    if not found or not len(known):
        return Counts(np.zeros(0, np.int64), np.zeros(0, np.float32))
    keys = np.fromiter(found, np.int64, len(found))
    often = np.fromiter(found.values(), np.float32, len(found))
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    there = known[places] == keys
    places = places[there]
    weights = (1.0 + np.log(often[there])) * rarity[places]
    return Counts(places, (weights / max(float(np.linalg.norm(weights)), 1e-9)).astype(np.float32))
