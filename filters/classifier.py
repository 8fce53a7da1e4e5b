"""A fastText classifier of quality: trained on examples of what you want and what you do not, applied as a filter."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from ..curate.documents import Documents
from ..curate.errors import CorpusmillError
from ..curate.step import AtLeast, Filter, Threshold
from .fasttext_model import load_fasttext

if TYPE_CHECKING:
    from .text.buffers import TextBuffers

POSITIVE, NEGATIVE = "high", "low"
_PREFIX = "__label__"

MAX_BYTES = 1 << 16
"""Bytes of a text that the classifier sees, from its start, in training as in use."""

MIN_TEXTS = 10
"""Fewest different texts of a class to train on, and fewest of each to judge the model by: 1."""


class QualityClassifier(Filter):
    """Keeps documents that a fastText model finds likely to be of the wanted kind."""

    name: ClassVar[str] = "quality_classifier"

    model: str
    """Path of a fastText model (.bin or .ftz): what `train_classifier` writes, or another whose training texts were
    prepared by `prepare_texts` or nearly so."""
    label: str = POSITIVE
    """Label of the wanted kind, without fastText's `__label__`."""
    min_score: Annotated[Threshold, AtLeast("quality_score")] = 0.5
    """Least probability of that label."""

    def prepare(self) -> None:
        self._labels()

    def _labels(self) -> int:
        """Loads the model and checks the label; the number of labels."""
        labels = load_fasttext(Path(self.model)).get_labels()
        if _PREFIX + self.label not in labels:
            known = ", ".join(sorted(label.removeprefix(_PREFIX) for label in labels))
            raise CorpusmillError(f"the model {self.model} has no label {self.label!r}; it has: {known}")
        return len(labels)

    def measure(self, docs: Documents) -> Documents:
        from .text.shingles import normalize

        count = self._labels()
        texts = _prepared(docs.memo("normalized", lambda: normalize(docs.text)))
        scores = _probabilities(load_fasttext(Path(self.model)), self.label, texts, count)
        return docs.with_signals({"quality_score": scores})


@dataclass(frozen=True, slots=True)
class ClassifierReport:
    """What a trained classifier is worth, measured on texts that it was not trained on, at probability 0.5."""

    model: str
    train_positive: int
    train_negative: int
    held_out_positive: int
    held_out_negative: int
    repeated: int
    """Texts left out because an equal one (once prepared) was there already."""
    contradictory: int
    """Texts left out because they were given as positive and as negative."""
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    """Chance that a positive text scores higher than a negative one."""
    settings: dict[str, Any]


def train_classifier(
    positive: Iterable[str],
    negative: Iterable[str],
    output: str | Path,
    *,
    seed: int = 0,
    held_out: float = 0.1,
    epochs: int = 10,
    learning_rate: float = 0.2,
    dimensions: int = 32,
    word_ngrams: int = 3,
    buckets: int = 1 << 18,
) -> ClassifierReport:
    """Trains a fastText model that tells `positive` texts from `negative` ones, and says how well it does.

    Writes the model to `output` (.bin) and the report with all settings beside it (.json). The same texts in any order,
    with the same settings, give the same model: one thread, and an order made by a seeded hash. A text goes to the
    held-out share by its hash as well, and repeats are left out, so none is on both sides.

    Raises CorpusmillError when either kind has too few texts to train on or to judge by.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is a share of the texts, between 0 and 1, and is {held_out}")
    import fasttext

    good, bad = list(positive), list(negative)
    texts = {POSITIVE: dict.fromkeys(prepare_texts(good)), NEGATIVE: dict.fromkeys(prepare_texts(bad))}
    both = texts[POSITIVE].keys() & texts[NEGATIVE].keys()
    every = [(text, label) for label, found in texts.items() for text in found if text and text not in both]
    order = {text: xxhash.xxh3_64_intdigest(text.encode(), seed) for text, _ in every}
    every.sort(key=lambda item: (order[item[0]], item[0]))
    limit = int(held_out * 2**64)
    test = [item for item in every if order[item[0]] < limit]
    train = [item for item in every if order[item[0]] >= limit]
    counts = {(part, label): sum(1 for _, other in items if other == label)
              for part, items in (("train", train), ("test", test)) for label in (POSITIVE, NEGATIVE)}  # fmt: skip
    for label, kind in ((POSITIVE, "positive"), (NEGATIVE, "negative")):
        if counts["train", label] < MIN_TEXTS or not counts["test", label]:
            raise CorpusmillError(
                f"too few {kind} texts: {counts['train', label]} different ones to train on and {counts['test', label]} "
                f"held out; give at least {MIN_TEXTS} and 1, that is more texts"
            )
    settings = {
        "seed": seed, "held_out": held_out, "epochs": epochs, "learning_rate": learning_rate, "dimensions": dimensions,
        "word_ngrams": word_ngrams, "buckets": buckets, "max_bytes": MAX_BYTES, "threads": 1,
    }  # fmt: skip
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".training-") as folder:
        lines = Path(folder) / "train.txt"
        lines.write_text("".join(f"{_PREFIX}{label} {text}\n" for text, label in train), encoding="utf-8")
        model = fasttext.train_supervised(
            input=str(lines), lr=learning_rate, dim=dimensions, epoch=epochs, wordNgrams=word_ngrams, bucket=buckets,
            minCount=1, thread=1, seed=seed, verbose=0,
        )  # fmt: skip
        scores = _probabilities(model, POSITIVE, [text for text, _ in test], 2)
        truth = np.array([label == POSITIVE for _, label in test])
        report = ClassifierReport(
            model=output.name,
            train_positive=counts["train", POSITIVE],
            train_negative=counts["train", NEGATIVE],
            held_out_positive=counts["test", POSITIVE],
            held_out_negative=counts["test", NEGATIVE],
            repeated=len(good) + len(bad) - sum(len(found) for found in texts.values()),
            contradictory=len(both),
            **binary_metrics(truth, scores),
            settings=settings,
        )
        model.save_model(str(Path(folder) / "model.bin"))
        about = Path(folder) / "report.json"
        about.write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(Path(folder) / "model.bin", output)
        os.replace(about, output.with_suffix(".json"))
    return report


def prepare_texts(texts: pa.LargeStringArray | Sequence[str]) -> list[str]:
    """Texts as the classifier reads them: lower-case tokens with one space between them, on one line.

    Every Han character, kana and punctuation mark is a token of its own; in scripts with spaces, every word is.
    Characters, not words, for Chinese: a model must not change with the version of a segmenter's dictionary, cutting
    costs nothing, and n-grams of characters find most words (docs/language.md has the figures for both).
    """
    from .text.shingles import normalize

    return _prepared(normalize(texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())))


def _prepared(normalized: TextBuffers) -> list[str]:
    from .text.shingles import spaced

    found = spaced(normalized, MAX_BYTES)
    data, offsets = found.data.tobytes(), found.offsets.tolist()
    return [data[a:b].decode() for a, b in pairwise(offsets)]


def binary_metrics(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, precision, recall and F1 at score 0.5, and the area under the ROC curve (ties count half)."""
    said = scores >= 0.5
    hits = int((said & truth).sum())
    precision = hits / int(said.sum()) if said.any() else 0.0
    recall = hits / int(truth.sum()) if truth.any() else 0.0
    positives, negatives = int(truth.sum()), int((~truth).sum())
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]
    wins = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return {
        "accuracy": float((said == truth).mean()) if len(truth) else 0.0,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if hits else 0.0,
        "auc": wins / (positives * negatives) if positives and negatives else float("nan"),
    }


def _probabilities(model: Any, label: str, texts: list[str], labels: int) -> NDArray[np.float64]:
    """The probability of `label` for each prepared text; 0 for one without a token."""
    if not texts:
        return np.zeros(0)
    wanted = _PREFIX + label
    names, values = model.predict(texts, k=labels)
    found = np.zeros(len(texts))
    for row, (row_names, row_values) in enumerate(zip(names, values, strict=True)):
        if texts[row]:
            # fastText's softmax can add up to a little more than 1.
            found[row] = min(float(row_values[row_names.index(wanted)]), 1.0)
    return found
