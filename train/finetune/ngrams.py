"""A linear model of a text's n-grams, which answers beside a small GPT: logistic regression on weighted TF-IDF.

A GPT that was pretrained for an hour has seen most of a task's rare words and names a few times or never. Weights of n-grams
learn those from the labelled texts themselves in seconds, and err elsewhere than a GPT, so that both together are
better than either. They are fitted first and apart: trained as one sum of scores, the n-grams fit any training text within
two epochs and leave the GPT nothing to learn (TREC-6, 4,829 texts: .83 together in one loss, .87 apart).

Each n-gram is weighted by its rarity and by how unevenly the labels hold it (the log-count ratio of Wang and Manning
2012, "Baselines and Bigrams", of the label where it is largest), and pieces of spaced words count beside whole ones.
`benchmarks/bench_accuracy.py --forms` measures what each is worth, on folds of training data.
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

PIECES = (2, 5)
"""Shortest and longest piece of a word, the marks of its ends included."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The known n-grams of a text."""

    places: NDArray[np.int64]
    """Rows of the weights."""
    weights: NDArray[np.float32]
    """1 + log of how often each occurs, times its worth. The squares of words and their n-grams add up to 1, those of the
    pieces to the share of words that were cut into any."""


class NgramWeights:
    """A weight for each n-gram and label, as logistic regression has; a text's scores are the sum of its own."""

    def __init__(self, tensors: Mapping[str, Tensor], longest: int) -> None:
        """`tensors` are `keys` (n-grams), `worth` (n-grams), `weight` (n-grams, labels) and `bias` (labels)."""
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

        N-grams are of up to `longest` words, or characters where words are not spaced, and the pieces of spaced words.
        Those count that two of the texts hold: what a single text holds teaches little about others, and is most of all
        there is. Fewer than 1,000 texts need every word they have. `strength` is the inverse of the regularization,
        scikit-learn's C.
        """
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
        from sklearn.linear_model import LogisticRegression

        sets = [
            np.unique(np.array([*words, *pieces], np.int64)) for words, pieces, _ in (_keys(t, longest) for t in texts)
        ]
        least = 2 if len(texts) >= 1000 else 1
        every, where, numbers = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
        kept = numbers >= least
        place = np.cumsum(kept) - 1
        inside = kept[where]
        ends = np.cumsum([0, *map(len, sets)])
        ends = np.concatenate([[0], np.cumsum(inside)])[ends]
        present = csr_matrix((np.ones(ends[-1]), place[where[inside]], ends), shape=(len(texts), int(kept.sum())))
        rarity = 1.0 + np.log((1.0 + len(texts)) / (1.0 + numbers[kept]))
        labels = marks.shape[1]
        worth = torch.from_numpy((rarity * _unevenness(present.T @ marks, numbers[kept])).astype(np.float32))
        tensors = {"keys": torch.from_numpy(every[kept]), "worth": worth}
        made = cls({**tensors, "weight": torch.zeros(len(worth), labels), "bias": torch.zeros(labels)}, longest)
        counts = made.count(texts)
        ends = np.cumsum([0, *(len(one.places) for one in counts)])
        values = np.concatenate([one.weights for one in counts])
        rows = csr_matrix(
            (values, np.concatenate([one.places for one in counts]), ends), shape=(len(texts), len(worth))
        )
        weight, bias = np.zeros((labels, len(worth)), np.float32), np.zeros(labels, np.float32)
        if several:
            for label in range(labels):
                if marks[:, label].all():  # nothing to tell apart, which scikit-learn refuses
                    bias[label] = np.log(1.0 + len(texts))
                    continue
                model = LogisticRegression(C=strength, max_iter=100).fit(rows, marks[:, label] > 0)
                weight[label], bias[label] = model.coef_[0], model.intercept_[0]
        else:
            model = LogisticRegression(C=strength, max_iter=100).fit(rows, marks.argmax(axis=1))
            # Of two labels scikit-learn scores the second alone.
            weight[-len(model.coef_) :], bias[-len(model.coef_) :] = model.coef_, model.intercept_
        made.tensors |= {"weight": torch.from_numpy(weight.T.copy()), "bias": torch.from_numpy(bias)}
        return made

    @property
    def saved(self) -> dict[str, Tensor]:
        """`tensors` under the names they have in a checkpoint."""
        return {f"ngrams.{name}": tensor for name, tensor in self.tensors.items()}

    def to(self, device: torch.device) -> NgramWeights:
        return NgramWeights({name: tensor.to(device) for name, tensor in self.tensors.items()}, self.longest)

    def count(self, texts: Sequence[str]) -> list[Counts]:
        """What `scores` takes, for each text."""
        known, worth = self.tensors["keys"].cpu().numpy(), self.tensors["worth"].cpu().numpy()
        found = []
        for text in texts:
            words, pieces, cut = _keys(text, self.longest)
            whole, part = _counts(words, known, worth, 1.0), _counts(pieces, known, worth, cut**0.5)
            found.append(Counts(np.concatenate([whole[0], part[0]]), np.concatenate([whole[1], part[1]])))
        return found

    def scores(self, counts: Sequence[Counts]) -> Tensor:
        """Scores (texts, labels)."""
        weight = self.tensors["weight"]
        places = torch.from_numpy(np.concatenate([one.places for one in counts])).to(weight.device)
        weights = torch.from_numpy(np.concatenate([one.weights for one in counts])).to(weight.device)
        begins = torch.tensor([0, *(len(one.places) for one in counts[:-1])], device=weight.device).cumsum(0)
        return F.embedding_bag(places, weight, begins, mode="sum", per_sample_weights=weights) + self.tensors["bias"]


def _unevenness(held: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """How unevenly labels hold each n-gram: the largest log-count ratio, either way, of a label's texts and the others.

    `held` (n-grams, labels) counts the texts of a label that hold an n-gram, `numbers` all texts that do.
    """
    inside, outside = 1.0 + held, 1.0 + numbers[:, None] - held
    ratios = np.abs(np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0)))
    largest: NDArray[np.float64] = ratios.max(axis=1)
    return largest


def _keys(text: str, longest: int) -> tuple[list[int], list[int], float]:
    """Signed 64-bit hashes of the text's n-grams, and of its words' pieces; the share of words that have pieces."""
    words = ["<s>", *fasttext_line(text).split(), "</s>"]
    # How a question begins says what it asks.
    grams = words[1:-1]
    cut = [f"_{word}_" for word in grams if len(word) > 1]
    share = len(cut) / max(1, len(grams))
    grams += [" ".join(words[i : i + n]) for n in range(2, longest + 1) for i in range(len(words) - n + 1)]
    # Neither a piece nor a word holds a space, so that no n-gram is taken for a piece.
    pieces = [
        f" {word[i : i + n]}" for n in range(PIECES[0], PIECES[1] + 1) for word in cut for i in range(len(word) - n + 1)
    ]
    return _hashes(grams), _hashes(pieces), share


def _hashes(grams: list[str]) -> list[int]:
    return [xxhash.xxh3_64_intdigest(gram.encode()) - (1 << 63) for gram in grams]


def _counts(
    hashes: Sequence[int], known: NDArray[np.int64], worth: NDArray[np.float32], size: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places and weights of those that are known, the weights as long together as `size`."""
    if not hashes or not len(known):
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    found = Counter(hashes)
    keys = np.fromiter(found, np.int64, len(found))
    often = np.fromiter(found.values(), np.float32, len(found))
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    there = known[places] == keys
    places = places[there]
    weights = (1.0 + np.log(often[there])) * worth[places]
    return places, (size * weights / max(float(np.linalg.norm(weights)), 1e-9)).astype(np.float32)
