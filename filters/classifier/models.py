"""Quality models: what scores a batch. Three kinds with one interface.

`fasttext` reads words and word n-grams; `signals` is a logistic regression over the signals of the quality filters;
`both` is a logistic regression over those signals and the fastText model's log-odds. fastText needs thousands of texts to
learn words; the signals of a page's shape say something after a hundred.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...curate.documents import Documents
from ...curate.errors import CorpusmillError
from ...curate.step import Filter
from .fasttext_model import PREFIX, LinearModel, load_fasttext, load_linear

if TYPE_CHECKING:
    from ..text.buffers import TextBuffers

Kind = Literal["fasttext", "signals", "both"]
Reals = NDArray[np.float64]

POSITIVE, NEGATIVE = "high", "low"
MAGIC = "corpusmill quality classifier"
FORMAT = 1

MAX_BYTES = 1 << 16
"""Bytes of a text that the words of a classifier are read from, from its start, in training as in use."""

SIGNAL_STEPS = (
    "gopher_quality",
    "gopher_repetition",
    "fineweb_quality",
    "c4_quality",
    "chinese_quality",
    "chinese_spam",
)
"""Filters whose signals a model of kind `signals` looks at, with their defaults."""

_SURE = 20.0
"""Log-odds beyond which a fastText model's certainty means nothing more."""
_FAR = 5.0
"""Standard deviations beyond which a signal counts no further: one odd page must not decide by one odd number."""


class QualityModel(Protocol):
    """Gives log-odds of the wanted kind."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def log_odds(self, docs: Documents, label: str) -> Reals:
        """Of `label`, one a document; -inf for a document without a token."""
        ...


@dataclass(frozen=True)
class FastTextModel:
    """A fastText classifier; through fastText itself where it cannot be multiplied out."""

    linear: LinearModel | None
    path: Path | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        if self.linear is not None:
            return self.linear.labels
        assert self.path is not None
        return tuple(label.removeprefix(PREFIX) for label in load_fasttext(self.path).get_labels())

    def log_odds(self, docs: Documents, label: str) -> Reals:
        return self.line_log_odds(lines_of(docs), label)

    def line_log_odds(self, lines: TextBuffers, label: str) -> Reals:
        """The same for prepared lines."""
        if self.linear is not None:
            found = self.linear.log_odds(label, lines)
        else:
            assert self.path is not None
            found = _by_fasttext(load_fasttext(self.path), label, strings(lines))
        found[(np.diff(lines.offsets) == 0) | np.isnan(found)] = -np.inf
        return found


def _by_fasttext(model: Any, label: str, lines: list[str]) -> Reals:
    """Log-odds from the model's own probabilities."""
    if not lines:
        return np.zeros(0)
    wanted = PREFIX + label
    names, values = model.predict(lines, k=len(model.get_labels()))
    found = np.array(
        [row[given.index(wanted)] if wanted in given else 0.0 for given, row in zip(names, values, strict=True)]
    )
    # fastText's softmax can add up to a little more than 1.
    found = np.clip(found.astype(np.float64), 1e-9, 1 - 1e-9)
    odds: Reals = np.log(found) - np.log1p(-found)
    return odds


@dataclass(frozen=True)
class SignalModel:
    """A logistic regression over signals, and over a fastText model's log-odds if it has one.

    Signals are compared with the mean and the spread of their own language in training, where it had enough texts:
    the words of a Chinese sentence are shorter, which says nothing about its quality.
    """

    steps: tuple[Filter, ...]
    features: tuple[str, ...]
    standard: Mapping[str, tuple[Reals, Reals]]
    """Language, or `default` -> centre and scale of each feature."""
    weights: Reals
    bias: float
    fasttext: FastTextModel | None = None

    labels = (POSITIVE, NEGATIVE)

    def log_odds(self, docs: Documents, label: str) -> Reals:
        docs = with_language(docs)
        columns = [signals_of(docs, self.steps, [f for f in self.features if f != FASTTEXT])]
        if self.fasttext is not None:
            columns.append(sure(self.fasttext.log_odds(docs, POSITIVE))[:, None])
        odds = self.from_features(np.hstack(columns), docs.languages)
        odds[np.diff(lines_of(docs).offsets) == 0] = -np.inf
        return odds if label == POSITIVE else np.where(np.isinf(odds), odds, -odds)

    def from_features(self, features: Reals, languages: Sequence[str | None]) -> Reals:
        found: Reals = standardized(features, languages, self.standard) @ self.weights + self.bias
        return found


FASTTEXT = "fasttext_log_odds"
"""Name of the feature that is not a signal."""


def sure(odds: Reals) -> Reals:
    """Log-odds as a feature: bounded."""
    return np.clip(odds, -_SURE, _SURE)


def standardized(
    features: Reals, languages: Sequence[str | None], standard: Mapping[str, tuple[Reals, Reals]]
) -> Reals:
    """Features in standard deviations from their language's mean; one that was not measured is at the mean."""
    known = [language if language is not None and language in standard else "default" for language in languages]
    out = np.zeros(features.shape)
    for name in sorted(set(known)):
        centre, scale = standard[name]
        rows = np.array([k == name for k in known])
        out[rows] = (features[rows] - centre) / scale
    return np.clip(np.nan_to_num(out, nan=0.0), -_FAR, _FAR)


def signals_of(docs: Documents, steps: Sequence[Filter], names: Sequence[str]) -> Reals:
    """Documents x signals, large ones by their logarithm.

    Measured anew even where a document carries them: the text may have changed since. What is expensive in them
    (segmentation, counts) is shared through the batch's memory with the filters that ran on this text.
    """
    found: dict[str, Any] = {}
    for step in steps:
        found.update(step.measure(docs).signals)
    every = np.stack([found[name].astype(np.float64) for name in names], axis=1) if names else np.zeros((len(docs), 0))
    scaled: Reals = np.sign(every) * np.log1p(np.abs(every))
    return scaled


def with_language(docs: Documents) -> Documents:
    """Documents with a language: identified here unless a step has done so for any of them."""
    if any(language is not None for language in docs.languages) or not len(docs):
        return docs
    from ..language import Language

    found = Language().measure(docs)
    return docs.with_columns({name: found.table.column(name).combine_chunks() for name in ("language", "script")})


def lines_of(docs: Documents) -> TextBuffers:
    """The batch as the classifier reads it (`prepare_texts`), made once a batch."""
    from ..text.shingles import normalize, spaced

    return docs.memo(
        "classifier_lines", lambda: spaced(docs.memo("normalized", lambda: normalize(docs.text)), MAX_BYTES)
    )


def prepare_texts(texts: pa.LargeStringArray | Sequence[str]) -> list[str]:
    """Texts as the classifier reads them: lower-case tokens with one space between them, on one line.

    Every Han character, kana and punctuation mark is a token of its own; in scripts with spaces, every word is.
    Characters, not words, for Chinese: a model must not change with the version of a segmenter's dictionary, cutting
    costs nothing, and n-grams of characters find most words (docs/classifier.md has the figures for both).
    """
    from ..text.shingles import normalize, spaced

    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    return strings(spaced(normalize(array), MAX_BYTES))


def strings(lines: TextBuffers) -> list[str]:
    data, offsets = lines.data.tobytes(), lines.offsets.tolist()
    return [data[a:b].decode() for a, b in pairwise(offsets)]


def load_model(path: str | Path) -> QualityModel:
    """The model at `path`, of any kind, loaded once a process.

    Raises CorpusmillError when it is missing, broken, or was made for other versions of its steps.
    """
    path = Path(path)
    if not path.is_file():
        raise CorpusmillError(
            f"there is no quality model at {path}; make one with `corpusmill train classifier`, or give the path of a "
            "fastText .bin or .ftz file"
        )
    with path.open("rb") as f:
        is_json = f.read(1) == b"{"
    if not is_json:
        return FastTextModel(load_linear(path), path)
    about = path.stat()
    return _load_signals(str(path.resolve()), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4)
def _load_signals(path: str, size: int, changed: int) -> SignalModel:
    try:
        data = json.loads(Path(path).read_bytes())
        if data["is"] != MAGIC or data["format"] != FORMAT:
            raise KeyError("is")
        return _from_json(data, Path(path))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, CorpusmillError):
            raise
        raise CorpusmillError(f"{path} is not a quality model that this version can read; train it again") from error


def _from_json(data: dict[str, Any], path: Path) -> SignalModel:
    from ...curate.registry import step_class

    steps = []
    for given in data["steps"]:
        cls = step_class(given["name"])
        if cls.version != given["version"]:
            raise CorpusmillError(
                f"{path} was trained on signals of {cls.name} version {given['version']}, and this is version "
                f"{cls.version}; train it again"
            )
        step = cls()
        assert isinstance(step, Filter)
        steps.append(step)
    fasttext = None
    if data["fasttext"] is not None:
        beside = path.parent / data["fasttext"]["file"]
        if not beside.is_file() or _sha256(beside) != data["fasttext"]["sha256"]:
            raise CorpusmillError(
                f"{path} needs the fastText model {beside.name} of the same training beside it, and it is "
                f"{'another one' if beside.is_file() else 'not there'}; copy both files together"
            )
        fasttext = FastTextModel(load_linear(beside), beside)
    standard = {k: (np.array(v["centre"]), np.array(v["scale"])) for k, v in data["standard"].items()}
    return SignalModel(
        tuple(steps), tuple(data["features"]), standard, np.array(data["weights"]), float(data["bias"]), fasttext
    )


def to_json(model: SignalModel, fasttext: Path | None) -> dict[str, Any]:
    """What `load_model` reads; `fasttext` is the model's file, which will lie beside."""
    return {
        "is": MAGIC,
        "format": FORMAT,
        "steps": [{"name": s.name, "version": s.version} for s in model.steps],
        "features": list(model.features),
        "weights": model.weights.tolist(),
        "bias": model.bias,
        "standard": {k: {"centre": c.tolist(), "scale": s.tolist()} for k, (c, s) in sorted(model.standard.items())},
        "fasttext": None if fasttext is None else {"file": fasttext.name, "sha256": _sha256(fasttext)},
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
