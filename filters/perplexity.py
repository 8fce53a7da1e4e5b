"""How surprising a text is to a language model: bits per byte, and perplexity a token."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..curate.documents import Documents
from ..curate.errors import CorpusmillError, MissingExtra
from ..curate.step import AtLeast, AtMost, Filter, Threshold

if TYPE_CHECKING:
    from ..train.evaluate.scoring import Scorer


class Perplexity(Filter):
    """Measures how well a language model of yours predicts each document, and drops what lies outside your bounds.

    A high figure is text unlike the model's: noise, spam, another domain. A very low one is text that repeats itself.
    Bits per byte can be compared between models and tokenizers; perplexity is 2 to the bits a token (a character for an
    n-gram model), and only comparable within one model. Neither is comparable between languages: a byte of Chinese is a
    third of a character, so give bounds by language. A document without text has no figure and passes.
    """

    name: ClassVar[str] = "perplexity"

    model: str
    """A file that `train_ngram` wrote (fast, no torch), or a run folder or checkpoint of `corpusmill train`."""
    max_bits_per_byte: Annotated[Threshold, AtMost("bits_per_byte")] = None
    """Most bits per byte of UTF-8. The cost of ending the document is in them, where the whole of it was read."""
    min_bits_per_byte: Annotated[Threshold, AtLeast("bits_per_byte")] = None
    """Least bits per byte."""
    max_perplexity: Annotated[Threshold, AtMost("perplexity")] = None
    """Most perplexity."""
    min_perplexity: Annotated[Threshold, AtLeast("perplexity")] = None
    """Least perplexity."""
    max_bytes: int = Field(default=1 << 16, ge=64)
    """Bytes read of each document; of a longer one, half from its start and half from its middle. A GPT on a CPU reads
    some thousand tokens a second: 4096 is enough for a figure."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """For a model of `corpusmill train`: where it runs. `auto` takes a GPU where there is one."""

    def prepare(self) -> None:
        if self._is_gpt():
            self._scorer()
        else:
            from .ngram_model import load_ngram

            load_ngram(Path(self.model))

    def fingerprint(self) -> dict[str, Any]:
        """As for every step, and what the weights are: a run that went on training is another model."""
        found = super().fingerprint()
        if self._is_gpt():
            try:
                from ..train.evaluate.scoring import weights_of
            except ModuleNotFoundError as error:
                raise MissingExtra("perplexity by a trained GPT", "train") from error
            with weights_of(self.model).open("rb") as file:
                found["content"]["model"] = hashlib.file_digest(file, "sha256").hexdigest()
        return found

    def measure(self, docs: Documents) -> Documents:
        bits, sizes, tokens = self._by_gpt(docs) if self._is_gpt() else self._by_ngrams(docs)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return docs.with_signals({"bits_per_byte": bits / sizes, "perplexity": np.exp2(bits / tokens)})

    def _is_gpt(self) -> bool:
        if not Path(self.model).exists():
            raise CorpusmillError(
                f"there is no model at {self.model}; train_ngram makes one, and so does `corpusmill train pretrain`"
            )
        return Path(self.model).is_dir()

    def _scorer(self) -> Scorer:
        try:
            from ..train.evaluate.scoring import load_scorer
        except ModuleNotFoundError as error:
            raise MissingExtra("perplexity by a trained GPT", "train") from error
        return load_scorer(self.model, self.device)

    def _by_ngrams(self, docs: Documents) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        from .ngram_model import load_ngram

        return load_ngram(Path(self.model)).bits(docs.text, self.max_bytes)

    def _by_gpt(self, docs: Documents) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        pieces: list[str] = []
        rows: list[int] = []
        whole: list[bool] = []
        for row, text in enumerate(docs.texts):
            found = sample_pieces(text, self.max_bytes) if text else []
            pieces += found
            rows += [row] * len(found)
            whole += [len(found) == 1] * len(found)
        nats, counts = self._scorer().score(pieces, whole)
        n = len(docs)
        sizes = np.array([len(piece.encode()) for piece in pieces], np.float64)
        bits = np.bincount(rows, weights=nats / math.log(2), minlength=n)
        return bits, np.bincount(rows, weights=sizes, minlength=n), np.bincount(rows, weights=counts, minlength=n)


def sample_pieces(text: str, max_bytes: int) -> list[str]:
    """The text itself, or two pieces of a text of more than `max_bytes`: half from its start, half from its middle."""
    if 4 * len(text) <= max_bytes:
        return [text]
    data = text.encode()
    if len(data) <= max_bytes:
        return [text]
    half, middle = max_bytes // 2, len(data) // 2
    # Cut bytes of half a character fall away; the middle of a long text is whole characters from its first on.
    return [data[a : a + half].decode(errors="ignore") for a in (0, middle)]
