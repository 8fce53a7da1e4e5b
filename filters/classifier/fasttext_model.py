"""fastText models, for language identification and for quality: loading them, and applying them to whole batches.

A classifier of fastText's with a softmax is linear up to the softmax: it averages the vectors of a text's words and word
n-grams and multiplies the mean with one vector a label. Multiplied out once, a row of the input matrix becomes one number
a label. That table is small enough for a processor's cache, needs no vector arithmetic per word, and its numbers are
looked up from the batch's own bytes: no Python string is made of a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...curate.errors import CorpusmillError

if TYPE_CHECKING:
    from ..text.buffers import TextBuffers

PREFIX = "__label__"
END_OF_LINE = "</s>"

MAX_LABELS = 64
"""Most labels of a model that is multiplied out: the table has a column for each."""

_BLOCK = 1 << 16


def load_fasttext(path: Path) -> Any:
    """The fastText model at `path`, loaded once a process.

    Raises CorpusmillError when there is no such file or it is not a fastText model.
    """
    return _load(*_identity(path))


def load_linear(path: Path) -> LinearModel | None:
    """The model at `path` multiplied out, once a process; None for a model that cannot be (`multiply_out`).

    Raises CorpusmillError when there is no such file or it is not a fastText model.
    """
    return _load_linear(*_identity(path))


def _identity(path: Path) -> tuple[str, int, int]:
    """By size and time of change too: a model that was trained again is another model."""
    if not path.is_file():
        raise CorpusmillError(f"there is no fastText model at {path}; give the path of a .bin or .ftz file")
    about = path.stat()
    return str(path.resolve()), about.st_size, about.st_mtime_ns


@lru_cache(maxsize=4)
def _load(path: str, size: int, changed: int) -> Any:
    return _read(path)


@lru_cache(maxsize=8)
def _load_linear(path: str, size: int, changed: int) -> LinearModel | None:
    # Not through the cache of whole models: only the table has to stay in memory.
    return multiply_out(_read(path))


def _read(path: str) -> Any:
    import fasttext

    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise CorpusmillError(f"{path} is not a fastText model that can be read: {error}") from error


@dataclass(frozen=True)
class LinearModel:
    """A fastText classifier as one number a label for each word and each bucket of word n-grams."""

    labels: tuple[str, ...]
    """Without `__label__`."""
    weights: NDArray[np.float32]
    """(words + buckets) x labels."""
    words: TextBuffers
    slots: NDArray[np.int32]
    """Open hash table over `words`: a word's number, or -1."""
    end_of_line: int
    """Number of the word that fastText adds to every line, -1 without one."""
    end_hash: int
    buckets: int
    ngrams: int

    def logits(self, texts: TextBuffers) -> NDArray[np.float64]:
        """Texts x labels, before the softmax; NaN for a text of which the model knows nothing.

        A text is words between white space, on one line.
        """
        from .fasttext_kernel import line_logits

        found: NDArray[np.float64] = line_logits(
            texts.data, texts.offsets, self.words.data, self.words.offsets, self.slots, self.weights,
            self.end_of_line, np.uint32(self.end_hash), self.buckets, self.ngrams,
        )  # fmt: skip
        return found

    def log_odds(self, label: str, texts: TextBuffers) -> NDArray[np.float64]:
        """Of `label` against all others; NaN for a text of which the model knows nothing."""
        every = self.logits(texts)
        at = self.labels.index(label)
        rest = np.delete(every, at, axis=1)
        if not rest.shape[1]:
            return np.where(np.isnan(every[:, at]), np.nan, np.inf)
        most = rest.max(axis=1)
        odds: NDArray[np.float64] = every[:, at] - most - np.log(np.exp(rest - most[:, None]).sum(axis=1))
        return odds


def multiply_out(model: Any) -> LinearModel | None:
    """A loaded fastText classifier as a `LinearModel`.

    None for a model that is quantized, cuts words into character n-grams or puts very many together, has another loss than
    softmax or more than `MAX_LABELS` labels, or a dictionary that is not UTF-8: such a one is left to fastText itself.
    """
    from ..text.buffers import TextBuffers, readonly
    from .fasttext_kernel import MAX_NGRAMS, hash_of, hash_table

    args = model.f.getArgs()
    if (
        model.is_quantized()
        or args.model.name != "supervised"
        or args.loss.name != "softmax"
        or args.maxn > 0
        or args.wordNgrams > MAX_NGRAMS
        or len(model.get_labels()) > MAX_LABELS
    ):
        return None
    try:
        words = model.get_words()
        labels = model.get_labels()
    except UnicodeDecodeError:
        return None
    vectors = np.asarray(model.f.getInputMatrix())
    out = np.asarray(model.f.getOutputMatrix()).T
    weights = np.empty((len(vectors), out.shape[1]), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        weights[start : start + _BLOCK] = vectors[start : start + _BLOCK] @ out
    texts = TextBuffers.of_strings(words)
    return LinearModel(
        labels=tuple(label.removeprefix(PREFIX) for label in labels),
        weights=readonly(weights),
        words=texts,
        slots=readonly(hash_table(texts.data, texts.offsets)),
        end_of_line=words.index(END_OF_LINE) if END_OF_LINE in words else -1,
        end_hash=int(hash_of(np.frombuffer(END_OF_LINE.encode(), np.uint8))),
        buckets=int(args.bucket),
        ngrams=int(args.wordNgrams),
    )
