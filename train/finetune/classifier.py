"""A GPT that classifies: a linear head on a text's hidden states and, for a small GPT, the weights of its n-grams."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...curate.errors import InputError
from ..evaluate.metrics import classification_metrics, multilabel_metrics
from ..loop.checkpoint import load_model
from ..model.gpt import GPT, IGNORE
from ..tokenizer.bpe import Tokenizer
from .ngrams import Counts, NgramWeights
from .samples import Example

Floats = NDArray[np.float64]
Pooling = Literal["mean", "last", "both"]


@dataclass(frozen=True, slots=True)
class Row:
    """A text as the classifier reads it."""

    ids: list[int]
    """Tokens between two <|endoftext|>."""
    counts: Counts | None = None
    """Its n-grams, if the classifier has weights for any."""


class Classifier:
    """A GPT and a linear head on a text's hidden states: their mean, the last one, or both.

    `ngrams` adds to the head's scores those of the text's n-grams; `uncased` reads texts in one width and without capitals,
    for a GPT that was pretrained on such.
    """

    def __init__(
        self,
        model: GPT,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        max_length: int | None = None,
        *,
        several: bool = False,
        pooling: Pooling = "mean",
        uncased: bool = False,
        ngrams: NgramWeights | None = None,
        weights: tuple[float, float] = (0.5, 0.5),
    ) -> None:
        self.model, self.tokenizer, self.labels = model, tokenizer, list(labels)
        self.several, self.pooling, self.uncased = several, pooling, uncased
        self.weights = weights
        self.max_length = min(max_length or model.config.context, model.config.context)
        device = next(model.parameters()).device
        width = model.config.hidden_size * (2 if pooling == "both" else 1)
        self.head = nn.Linear(width, len(self.labels))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.head.to(device)
        self.ngrams = None if ngrams is None else ngrams.to(device)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What its checkpoints hold beside the model's weights; those that train are parameters."""
        own: dict[str, Tensor] = {f"classifier.{name}": p for name, p in self.head.named_parameters()}
        return own if self.ngrams is None else own | self.ngrams.saved

    def about(self) -> dict[str, Any]:
        """What labels.json holds: how to make it again."""
        longest = 0 if self.ngrams is None else self.ngrams.longest
        about = {"labels": self.labels, "max_length": self.max_length, "several": self.several}
        about |= {"pooling": self.pooling, "uncased": self.uncased, "ngrams": longest}
        return {**about, "weights": list(self.weights)}

    def encode(self, texts: Sequence[str]) -> tuple[list[Row], dict[str, int]]:
        """Each text as the classifier reads it; how many were cut, and what they lost in tokens.

        N-grams are those of the whole text, however long.
        """
        room = max(1, self.max_length - 2)
        end = self.tokenizer.end_of_text
        texts = [unicodedata.normalize("NFKC", text).lower() for text in texts] if self.uncased else texts
        ids = self.tokenizer.encode_batch(texts)
        lost = [len(i) - room for i in ids if len(i) > room]
        counts = [None] * len(texts) if self.ngrams is None else self.ngrams.count(texts)
        rows = [Row([end, *i[:room], end], c) for i, c in zip(ids, counts, strict=True)]
        return rows, {"texts": len(lost), "tokens": sum(lost)}

    def scores(self, rows: Sequence[Row]) -> Tensor:
        """Scores (rows, labels): what the head and the n-grams each answer, as logarithms, by their `weights`."""
        return self._together(*self.answers(rows)[:2])

    def _together(self, deep: Tensor, wide: Tensor | None) -> Tensor:
        if wide is None:
            return deep
        return self.weights[0] * self._logarithms(deep) + self.weights[1] * self._logarithms(wide)

    def _logarithms(self, scores: Tensor) -> Tensor:
        """Scores as logarithms of chances where one label excludes the others; as they are where each is its own."""
        return scores if self.several else scores.log_softmax(dim=1)

    def weigh(self, rows: Sequence[Row], wanted: Tensor) -> None:
        """Set `weights` to those under which the labels (rows, labels) of these texts are the likeliest.

        They should be texts that were not trained on: of those the n-grams know every one. Nothing to do without n-grams.
        """
        if self.ngrams is None:
            return
        answers: tuple[list[Tensor], list[Tensor]] = ([], [])
        with torch.no_grad():
            for first in range(0, len(rows), 64):
                deep, wide, *_ = self.answers(rows[first : first + 64])
                assert wide is not None
                answers[0].append(deep.double())
                answers[1].append(wide.double())
        deep, wide = (self._logarithms(torch.cat(found)) for found in answers)
        # Their logarithms are sought, so that neither is below 0.
        powers = torch.full((2,), -0.7, dtype=torch.float64, device=deep.device, requires_grad=True)
        search = torch.optim.LBFGS([powers], max_iter=100, line_search_fn="strong_wolfe")

        def cost() -> Tensor:
            search.zero_grad()
            found = powers[0].exp() * deep + powers[1].exp() * wide
            wrong = F.binary_cross_entropy_with_logits if self.several else F.cross_entropy
            # A little is asked for being far from 1/2: twenty texts, all right, would have weights without end.
            loss: Tensor = wrong(found, wanted.double()) + (powers + 0.7).square().sum() / len(rows)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        with torch.enable_grad():
            search.step(cost)  # type: ignore[no-untyped-call]
        first, second = powers.detach().exp().tolist()
        self.weights = (first, second)

    def answers(self, rows: Sequence[Row], dropout: float = 0.0) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Scores of the head, those of the n-grams if there are any, both (rows, labels); tokens and their states.

        Padding is on the right, where causal attention never looks. While training, `dropout` leaves out tokens at random,
        and the n-grams, which learn no more, are not asked.
        """
        device = self.head.weight.device
        training = self.model.training
        ids = [_thinned(row.ids, dropout) if training and dropout else row.ids for row in rows]
        longest = max(map(len, ids))
        tokens = torch.tensor([i + [self.tokenizer.pad] * (longest - len(i)) for i in ids], device=device)
        lengths = torch.tensor([len(i) for i in ids], device=device)
        hidden = self.model(tokens).float()
        pooled = []
        if self.pooling != "last":
            inside = (torch.arange(longest, device=device) < lengths[:, None])[..., None]
            pooled.append((hidden * inside).sum(dim=1) / lengths[:, None])
        if self.pooling != "mean":
            pooled.append(hidden[torch.arange(len(rows), device=device), lengths - 1])
        deep: Tensor = self.head(torch.cat(pooled, dim=1)).float()
        wide = None
        if self.ngrams is not None and not training:
            wide = self.ngrams.scores([row.counts for row in rows if row.counts is not None])
        return deep, wide, tokens, hidden

    def language_loss(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """The mean cost of a token to the language model, in nats."""
        following = torch.cat([tokens[:, 1:], torch.full_like(tokens[:, :1], IGNORE)], dim=1)
        following = following.masked_fill(following == self.tokenizer.pad, IGNORE)
        return self.model.loss(hidden, following) / (following != IGNORE).sum().clamp(min=1)

    @torch.no_grad()
    def probabilities(self, rows: Sequence[Row], batch_size: int = 64) -> Floats:
        """(rows, labels): chances that add up to 1, or, where texts have several labels, each label's own."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i].ids))
        found = np.zeros((len(rows), len(self.labels)))
        for first in range(0, len(order), batch_size):
            some = order[first : first + batch_size]
            scores = self.scores([rows[i] for i in some]).double()
            found[some] = (scores.sigmoid() if self.several else scores.softmax(dim=1)).cpu().numpy()
        return found

    def predict(self, rows: Sequence[Row], batch_size: int = 64) -> list[str]:
        """The likeliest label of each row."""
        return [self.labels[i] for i in self.probabilities(rows, batch_size).argmax(axis=1)]

    def predict_sets(self, rows: Sequence[Row], batch_size: int = 64) -> list[list[str]]:
        """The labels of each row that are likelier than not."""
        return [self._above(chances) for chances in self.probabilities(rows, batch_size)]

    def metrics(self, examples: Sequence[Example], rows: Sequence[Row]) -> dict[str, Any]:
        """Scores against the examples' labels."""
        chances = self.probabilities(rows)
        if self.several:
            truth = [example.labels or () for example in examples]
            return multilabel_metrics(truth, [self._above(c) for c in chances], self.labels, chances)
        found = [self.labels[i] for i in chances.argmax(axis=1)]
        return classification_metrics([example.label for example in examples], found, self.labels, chances)

    def _above(self, chances: Floats) -> list[str]:
        return [label for label, chance in zip(self.labels, chances, strict=True) if chance > 0.5]


def _thinned(ids: list[int], dropout: float) -> list[int]:
    """Without a random share of the tokens; the two that mark the ends stay."""
    kept = (torch.rand(len(ids)) >= dropout).tolist()
    return [token for i, token in enumerate(ids) if kept[i] or i in (0, len(ids) - 1)]


def load_classifier(checkpoint: Path, labels: Path, device: torch.device) -> Classifier:
    """The classifier of a checkpoint. Raises InputError if the checkpoint is not a classifier's."""
    model, tokenizer, extra = load_model(checkpoint)
    if "classifier.weight" not in extra or not labels.is_file():
        raise InputError(f"{checkpoint} is not a classifier: make one with `corpusmill train finetune classify`")
    about = json.loads(labels.read_text("utf-8"))
    names, limit, longest = about.pop("labels"), about.pop("max_length"), about.pop("ngrams")
    about["weights"] = tuple(about["weights"])
    parts: dict[str, dict[str, Tensor]] = {"classifier": {}, "ngrams": {}}
    for name, tensor in extra.items():
        kind, _, own = name.partition(".")
        parts[kind][own] = tensor
    ngrams = NgramWeights(parts["ngrams"], longest) if longest else None
    classifier = Classifier(model.to(device), tokenizer, names, limit, ngrams=ngrams, **about)
    classifier.head.load_state_dict(parts["classifier"])
    return classifier


def classify(run: str | Path, texts: Sequence[str]) -> list[Any]:
    """Labels of texts by a fine-tuned classifier's best checkpoint: one each, or a list where texts have several."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    classifier = load_classifier(Path(run), Path(run) / "labels.json", device)
    if not texts:
        return []
    rows = classifier.encode(texts)[0]
    return classifier.predict_sets(rows) if classifier.several else classifier.predict(rows)
