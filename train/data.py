"""Token data: a corpus tokenized once into a memory-mapped cache, and packed batches drawn from it.

A document is stored as `<|endoftext|> t1 ... tn`. Documents in an epoch's order make one long stream; a row is
`context` tokens of it, and a token's target is the next token of the stream. So the first token of a document is
predicted from `<|endoftext|>` alone, the last one predicts the next document's `<|endoftext|>`, and every token is a
target exactly once an epoch, with nothing cropped and only the last row padded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
import xxhash
from numpy.typing import NDArray
from torch import Tensor

from ..curate.errors import InputError, RunError
from .corpus import read_split, split_fingerprint
from .model import IGNORE
from .progress import task_progress
from .tokenizer import Tokenizer

FORMAT = 1
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for the model, each tensor (rows, context) of int64."""

    tokens: Tensor
    segments: Tensor
    targets: Tensor
    languages: Tensor
    """Index into the cache's `languages` of the document that each token belongs to; -1 for padding."""

    def to(self, device: torch.device) -> Batch:
        if device.type == "cpu":
            return self
        return Batch(
            *(t.to(device, non_blocking=True) for t in (self.tokens, self.segments, self.targets, self.languages))
        )

    @property
    def target_count(self) -> int:
        return int((self.targets != IGNORE).sum())


class TokenCache:
    """A tokenized split: `tokens.bin` (uint16, or uint32 for large vocabularies) and where each document begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.about: dict[str, Any] = json.loads((folder / "cache.json").read_text("utf-8"))
            self.offsets: Ints = np.load(folder / "offsets.npy")
            self.sizes: Ints = np.load(folder / "sizes.npy")
            self.language: NDArray[np.int16] = np.load(folder / "language.npy")
            self.tokens: NDArray[Any] = np.memmap(folder / "tokens.bin", dtype=self.about["dtype"], mode="r")
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"the token cache {folder} cannot be read ({error}): delete it, it will be made again"
            ) from error
        if len(self.tokens) != int(self.offsets[-1]):
            raise RunError(
                f"the token cache {folder} holds {len(self.tokens)} tokens where {int(self.offsets[-1])} were written: "
                "delete it, it will be made again"
            )

    def __len__(self) -> int:
        """Documents."""
        return len(self.offsets) - 1

    @property
    def token_count(self) -> int:
        return int(self.offsets[-1])

    @property
    def languages(self) -> list[str]:
        return list(self.about["languages"])

    def document(self, index: int) -> NDArray[Any]:
        """The tokens of a document, its leading <|endoftext|> included."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def check_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Raise RunError if the cache was made with another tokenizer."""
        if self.about["tokenizer"] != tokenizer.fingerprint():
            raise RunError(
                f"the token cache {self.folder} was made with another tokenizer than the one given: "
                "give that tokenizer, or delete the cache to have it made again"
            )


def token_cache(corpus: str | Path, split: str, tokenizer: Tokenizer, folder: str | Path) -> TokenCache:
    """The token cache of a split, kept in `folder` under the fingerprint of corpus and tokenizer; made if absent.

    Raises InputError if the split holds no text.
    """
    corpus, folder = Path(corpus), Path(folder)
    source = split_fingerprint(corpus, split)
    key = xxhash.xxh3_64_hexdigest(f"{FORMAT} {source} {tokenizer.fingerprint()}".encode())
    final = folder / f"{split}-{key}"
    if not (final / "cache.json").is_file():
        _write(corpus, split, tokenizer, final, source)
    cache = TokenCache(final)
    cache.check_tokenizer(tokenizer)
    return cache


def _write(corpus: Path, split: str, tokenizer: Tokenizer, final: Path, source: str) -> None:
    dtype = np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)
    lengths: list[int] = []
    sizes: list[int] = []
    language: list[int] = []
    languages: dict[str, int] = {}
    # A folder of its own a process: a killed run leaves litter, never half a cache under the final name.
    draft = final.with_name(f".{final.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with (draft / "tokens.bin").open("wb") as out, task_progress() as progress:
            task = progress.add_task(f"tokenizing {split}", total=None)
            for texts, names in read_split(corpus, split):
                for ids in tokenizer.encode_batch(texts.to_pylist()):
                    out.write(np.array([tokenizer.end_of_text, *ids], dtype=dtype).tobytes())
                    lengths.append(len(ids) + 1)
                sizes.extend(pc.binary_length(texts).to_pylist())
                language.extend(languages.setdefault(name, len(languages)) for name in names)
                progress.update(task, advance=len(names))
        if not lengths:
            raise InputError(
                f"the corpus {corpus} has no text in {split}: curate more documents, or name another corpus"
            )
        np.save(draft / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
        np.save(draft / "sizes.npy", np.array(sizes, dtype=np.int64))
        np.save(draft / "language.npy", np.array(language, dtype=np.int16))
        about = {
            "format": FORMAT,
            "corpus": source,
            "tokenizer": tokenizer.fingerprint(),
            "split": split,
            "dtype": dtype.name,
            "documents": len(lengths),
            "tokens": sum(lengths),
            "languages": list(languages),
        }
        (draft / "cache.json").write_text(json.dumps(about, ensure_ascii=False, indent=2), "utf-8")
        try:
            draft.rename(final)
        except OSError:
            if not (final / "cache.json").is_file():  # else another process finished the same cache first
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class Rows:
    """Documents in a given order as one stream, cut into rows of `context` tokens."""

    def __init__(self, cache: TokenCache, documents: Ints, context: int) -> None:
        self.cache, self.documents, self.context = cache, documents, context
        lengths = np.diff(cache.offsets)[documents]
        self.starts: Ints = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.end_of_text = int(cache.tokens[0])

    def __len__(self) -> int:
        return int(-(-self.starts[-1] // self.context))

    def batch(self, rows: Ints) -> Batch:
        """The rows of these numbers."""
        width = self.context
        tokens = np.full((len(rows), width + 1), self.end_of_text, dtype=np.int64)
        document = np.full((len(rows), width + 1), -1, dtype=np.int64)
        for i, row in enumerate(rows):
            begin, end = int(row) * width, min(int(row) * width + width + 1, int(self.starts[-1]))
            at = int(np.searchsorted(self.starts, begin, side="right")) - 1
            while begin < end:
                stop = min(end, int(self.starts[at + 1]))
                first = int(self.cache.offsets[self.documents[at]]) + begin - int(self.starts[at])
                place = slice(begin - int(row) * width, stop - int(row) * width)
                tokens[i, place] = self.cache.tokens[first : first + stop - begin]
                document[i, place] = at
                begin, at = stop, at + 1
        here = document[:, :-1]
        # After the stream's last token comes the <|endoftext|> that closes it; beyond that is padding without loss.
        targets = np.where(here >= 0, tokens[:, 1:], IGNORE)
        language = np.where(here >= 0, self.cache.language[self.documents[here]], -1)
        return Batch(
            *(
                torch.from_numpy(np.ascontiguousarray(a, dtype=np.int64))
                for a in (tokens[:, :-1], here, targets, language)
            )
        )


class Loader:
    """Packed batches without end: each epoch shuffles documents, then rows, from (seed, epoch) alone.

    Its whole state is (epoch, position), so a resumed run continues with the very next row.
    """

    def __init__(
        self, cache: TokenCache, *, context: int, batch_tokens: int, micro_batch_tokens: int, seed: int
    ) -> None:
        self.cache, self.context, self.seed = cache, context, seed
        self.batch_rows = max(1, batch_tokens // context)
        self.micro_rows = min(self.batch_rows, max(1, micro_batch_tokens // context))
        if cache.token_count < self.batch_rows * context:
            raise InputError(
                f"the corpus has {cache.token_count:,} tokens in train, fewer than one batch of "
                f"{self.batch_rows * context:,}: add documents, or lower batch_tokens"
            )
        self._start(0)

    def _start(self, epoch: int) -> None:
        random = np.random.Generator(np.random.PCG64([self.seed, epoch]))
        self.epoch, self.position = epoch, 0
        self.rows = Rows(self.cache, random.permutation(len(self.cache)), self.context)
        # Rows are shuffled too: the pieces of a long document would otherwise fill batch after batch.
        self.order = random.permutation(len(self.rows))

    @property
    def epochs(self) -> float:
        """Passes over the corpus so far."""
        return self.epoch + self.position / len(self.order)

    def next(self) -> list[Batch]:
        """One optimizer step's micro-batches."""
        left = self.batch_rows
        batches = []
        while left:
            if self.position == len(self.order):
                self._start(self.epoch + 1)
            take = min(left, self.micro_rows, len(self.order) - self.position)
            batches.append(self.rows.batch(self.order[self.position : self.position + take]))
            self.position += take
            left -= take
        return batches

    def state(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state(self, state: dict[str, int]) -> None:
        self._start(state["epoch"])
        self.position = state["position"]


class Validation:
    """A fixed, seeded choice of whole documents, at most `max_tokens` of them in all (but at least one document)."""

    def __init__(self, cache: TokenCache, *, context: int, rows: int, max_tokens: int | None, seed: int) -> None:
        self.cache, self.rows_a_batch = cache, rows
        documents = np.random.Generator(np.random.PCG64([seed, 1 << 20])).permutation(len(cache))
        if max_tokens is not None:
            total = np.cumsum(np.diff(cache.offsets)[documents])
            documents = documents[: max(1, int(np.searchsorted(total, max_tokens, side="right")))]
        self.documents: Ints = np.sort(documents)
        self.rows = Rows(cache, self.documents, context)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self.rows), self.rows_a_batch):
            yield self.rows.batch(np.arange(first, min(first + self.rows_a_batch, len(self.rows))))

    def bytes_by_language(self) -> dict[str, int]:
        """UTF-8 bytes of the chosen documents' texts."""
        language, sizes = self.cache.language[self.documents], self.cache.sizes[self.documents]
        return {
            name: int(sizes[language == i].sum())
            for i, name in enumerate(self.cache.languages)
            if (language == i).any()
        }
