"""Batches: rows of packed documents, in an order that follows from a seed, and which documents a step held.

A document is stored as `<|endoftext|> t1 ... tn`, and a token's target is the token after it; the last one's is the
<|endoftext|> that ends the document. So the first token of a text is predicted from <|endoftext|> alone, and every token
is a target exactly once an epoch. Pieces of documents that share a row are segments, which cannot see one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from torch import Tensor

from ...curate.errors import InputError, RunError
from ..model.gpt import IGNORE
from .mix import CorpusShare, Mix, Source, open_mix
from .packing import Packing, pack, pack_whole, row_count
from .token_cache import TokenCache, token_cache

__all__ = [
    "Batch",
    "CorpusShare",
    "Loader",
    "Mix",
    "Source",
    "TokenCache",
    "Validation",
    "open_mix",
    "token_cache",
    "trace",
]

Ints = NDArray[np.int64]

BLOCK = 1 << 24
"""Tokens that are packed together: some 0.3 s of work, and all of the packing that is ever in memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for the model, each tensor (rows, context) of int64."""

    tokens: Tensor
    segments: Tensor
    """Numbers the pieces of documents in a row; -1 for padding."""
    targets: Tensor
    languages: Tensor
    """Index into the data's `languages` of the document that each token belongs to; -1 for padding."""
    documents: Tensor | None = None
    """Number of that document; -1 for padding. Stays on the CPU."""

    def to(self, device: torch.device) -> Batch:
        """On CUDA copied from pinned memory, so that the copy runs beside the computation before it."""
        if device.type == "cpu":
            return self

        def move(tensor: Tensor) -> Tensor:
            return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)

        return Batch(
            move(self.tokens), move(self.segments), move(self.targets), move(self.languages), documents=self.documents
        )

    @property
    def target_count(self) -> int:
        return int((self.targets != IGNORE).sum())

    def bounds(self) -> tuple[Tensor, int]:
        """What variable-length attention asks for, over the rows laid end to end: where each segment begins (int32, and
        the end of the last one), and the longest segment. Cheap on the CPU; on a GPU it waits for the device."""
        starts = torch.ones_like(self.segments, dtype=torch.bool)
        starts[:, 1:] = self.segments[:, 1:] != self.segments[:, :-1]
        begin = starts.flatten().nonzero().flatten()
        bounds = torch.cat([begin, begin.new_tensor([self.segments.numel()])]).to(torch.int32)
        return bounds, int(bounds.diff().max())


class Loader:
    """Batches for one process out of `world`, without end: together the processes hold what one alone would.

    Documents are read in the mix's rounds (of one corpus, its epochs), packed block by block, and each block's rows are
    shuffled. Its whole state is (round, row), the same for all processes, and a step's rows follow from the settings
    and the step alone.
    """

    def __init__(
        self,
        data: TokenCache | Mix,
        *,
        context: int,
        batch_tokens: int,
        micro_batch_tokens: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """Raises InputError on fewer tokens than a batch, or a batch whose rows `world` processes cannot share evenly."""
        self.mix = data if isinstance(data, Mix) else Mix(data)
        self.context, self.seed, self.rank, self.world = context, seed, rank, world
        self.batch_rows = max(1, batch_tokens // context)
        self.micro_rows = min(self.batch_rows, max(1, micro_batch_tokens // context))
        limit = self.mix.token_limit
        if min(self.mix.token_count, self.mix.token_count if limit is None else limit) < self.batch_rows * context:
            raise InputError(
                f"the corpus has {self.mix.token_count:,} tokens in train, fewer than one batch of "
                f"{self.batch_rows * context:,}: add documents, or lower batch_tokens"
            )
        if self.batch_rows % world:
            raise InputError(
                f"a batch of {self.batch_rows} rows cannot be shared evenly by {world} processes: make batch_tokens a "
                f"multiple of {world} x {context}"
            )
        self._place = _Place(self.mix, context, seed)

    @property
    def epochs(self) -> float:
        """Rounds so far: passes over the corpus, of a mix over the source that is read most often."""
        return self._place.plan.number + self._place.fraction

    def passes(self) -> dict[str, float]:
        """Passes over each corpus so far, by its path."""
        return self.mix.passes(self._place.plan.number, self._place.fraction)

    def next(self) -> list[Batch]:
        """One optimizer step's micro-batches for this process; every process gets as many, of the same shapes.

        Raises RunError when the epochs that a mix allows are used up.
        """
        rows = self._place.take(self.batch_rows)[self.rank :: self.world]
        pieces = [self._place.pieces(*row) for row in rows]
        return [
            _batch(self.mix, pieces[first : first + self.micro_rows], self.context)
            for first in range(0, len(pieces), self.micro_rows)
        ]

    def state(self) -> dict[str, int]:
        """Where it stands, the same on every process; plain numbers, for JSON."""
        return {
            "epoch": self._place.plan.number,
            "position": self._place.position,
            "context": self.context,
            "seed": self.seed,
            "data": xxhash.xxh3_64_intdigest(self.mix.fingerprint.encode()) >> 1,
        }

    def load_state(self, state: dict[str, int]) -> None:
        """Go on from a state. Raises RunError if it was of other data, another context or seed: no row would be the same."""
        mine = self.state()
        changed = [name for name in ("context", "seed", "data") if state.get(name) != mine[name]]
        if changed:
            raise RunError(
                f"the {' and '.join(changed)} of the checkpoint's loader differ from those given: give the ones the run "
                "began with, or choose another output folder"
            )
        self._place = _Place(self.mix, self.context, self.seed, state["epoch"], state["position"])

    def trace(self, step: int) -> list[dict[str, Any]]:
        """What the batch of a step held (the first step is 1): for each piece, in the order of the rows, `row`, where
        the document came from (`corpus`, `file`, `id`, `language`, `domain`), its `tokens`, and which of them, `begin`
        to `end`, were there. Packs only the blocks that it names; this loader stays where it is."""
        if step < 1:
            raise InputError(f"step is {step}; the first step is 1")
        place = _Place(self.mix, self.context, self.seed)
        place.skip((step - 1) * self.batch_rows)
        return [
            {"row": row}
            | self.mix.origin(document)
            | {"tokens": int(self.mix.lengths[document]), "begin": begin, "end": begin + length}
            for row, where in enumerate(place.take(self.batch_rows))
            for document, begin, length, _ in place.pieces(*where)
        ]


class _Place:
    """A row of a round, and the way on from there."""

    def __init__(self, mix: Mix, context: int, seed: int, number: int = 0, position: int = 0) -> None:
        self.plan, self.position = _Plan(mix, number, context, seed), position
        self._packed: dict[tuple[int, int], Packing] = {}

    @property
    def fraction(self) -> float:
        """Of the round that is done."""
        return self.position / max(1, len(self.plan))

    def skip(self, count: int) -> None:
        while count:
            count -= len(self._some(count))

    def take(self, count: int) -> list[tuple[_Plan, int]]:
        """The next `count` rows, by plan and number."""
        taken: list[tuple[_Plan, int]] = []
        while len(taken) < count:
            rows = self._some(count - len(taken))
            taken += [(self.plan, row) for row in rows]
        return taken

    def _some(self, count: int) -> range:
        """The next rows of this round, at most `count`; of the next round where this one is done."""
        while self.position == len(self.plan):
            plan = self.plan
            self.plan, self.position = _Plan(plan.mix, plan.number + 1, plan.context, plan.seed), 0
        rows = range(self.position, min(self.position + count, len(self.plan)))
        self.position = rows.stop
        return rows

    def pieces(self, plan: _Plan, row: int) -> list[tuple[int, int, int, int]]:
        """(document, begin, length, skip) of each piece in a row."""
        block = int(np.searchsorted(plan.rows, row, side="right")) - 1
        key = (plan.number, block)
        if key not in self._packed:
            # A batch can lie on the border of two blocks; those before are done with.
            self._packed = dict([*self._packed.items()][-1:])
            self._packed[key] = plan.pack(block)
        return _pieces(self._packed[key], row - int(plan.rows[block]))


class _Plan:
    """The blocks of a round: which documents are packed together, and how many rows they make."""

    def __init__(self, mix: Mix, number: int, context: int, seed: int) -> None:
        self.mix, self.number, self.context, self.seed = mix, number, context, seed
        documents = mix.round(number, seed)
        if documents is None:
            raise RunError(
                f"the epochs allowed for the corpora are used up, after {mix.token_limit:,} tokens: allow more, or train "
                "for fewer tokens"
            )
        self.documents: Ints = documents
        self.lengths = mix.lengths[documents]
        ends = np.cumsum(self.lengths)
        blocks = max(1, round(int(self.lengths.sum()) / BLOCK))
        cuts = np.searchsorted(ends, np.arange(1, blocks) * (int(self.lengths.sum()) / blocks), side="right")
        self.cuts: Ints = np.concatenate([[0], cuts, [len(documents)]]).astype(np.int64)
        tokens = np.diff(np.concatenate([[0], ends])[self.cuts])
        self.rows: Ints = np.concatenate([[0], np.cumsum([row_count(int(n), context) for n in tokens])]).astype(
            np.int64
        )

    def __len__(self) -> int:
        return int(self.rows[-1])

    def pack(self, block: int) -> Packing:
        own = slice(self.cuts[block], self.cuts[block + 1])
        packing = pack(self.lengths[own], self.context)
        order = np.random.Generator(np.random.PCG64([self.seed, self.number, block, 1])).permutation(len(packing))
        return _numbered(packing.reordered(order), self.documents[own])


class Validation:
    """A fixed, seeded choice of whole documents, at most `max_tokens` of them in all (but at least one document).

    Documents that fit in a row are never cut. `overlap` tokens before each chunk of a longer one are given as context: at
    0 its figure errs on the high side, at half the context it costs twice the time.
    """

    def __init__(
        self,
        data: TokenCache | Mix,
        *,
        context: int,
        rows: int,
        max_tokens: int | None,
        seed: int,
        overlap: int = 0,
    ) -> None:
        if not 0 <= overlap < context:
            raise InputError(f"overlap is {overlap}; it must be less than the context of {context}")
        self.cache = data if isinstance(data, Mix) else Mix(data)
        self.context, self.rows_a_batch = context, rows
        documents = np.random.Generator(np.random.PCG64([seed, 1 << 20])).permutation(len(self.cache))
        if max_tokens is not None:
            total = np.cumsum(self.cache.lengths[documents])
            documents = documents[: max(1, int(np.searchsorted(total, max_tokens, side="right")))]
        self.documents: Ints = np.sort(documents)
        self.packing = _numbered(pack_whole(self.cache.lengths[self.documents], context, overlap), self.documents)

    def __len__(self) -> int:
        """Batches."""
        return -(-len(self.packing) // self.rows_a_batch)

    def batch(self, number: int) -> Batch:
        rows = range(number * self.rows_a_batch, min((number + 1) * self.rows_a_batch, len(self.packing)))
        return _batch(self.cache, [_pieces(self.packing, row) for row in rows], self.context)

    def __iter__(self) -> Iterator[Batch]:
        return (self.batch(number) for number in range(len(self)))

    def bytes_by_language(self) -> dict[str, int]:
        """UTF-8 bytes of the chosen documents' texts."""
        return self._bytes_by(self.cache.language, self.cache.languages)

    def bytes_by_domain(self) -> dict[str, int]:
        """UTF-8 bytes of the chosen documents' texts."""
        return self._bytes_by(self.cache.domain, self.cache.domains)

    def _bytes_by(self, group: Ints, names: list[str]) -> dict[str, int]:
        size = np.bincount(group[self.documents], self.cache.sizes[self.documents], len(names))
        return {name: int(n) for name, n in zip(names, size, strict=True) if n}


def trace(data: TokenCache | Mix, step: int, *, context: int, batch_tokens: int, seed: int) -> list[dict[str, Any]]:
    """`Loader.trace` for a loader with these settings."""
    loader = Loader(data, context=context, batch_tokens=batch_tokens, micro_batch_tokens=context, seed=seed)
    return loader.trace(step)


def _numbered(packing: Packing, documents: Ints) -> Packing:
    return Packing(packing.starts, documents[packing.document], packing.begin, packing.length, packing.skip)


def _pieces(packing: Packing, row: int) -> list[tuple[int, int, int, int]]:
    """(document, begin, length, skip) of each piece in a row."""
    own = slice(packing.starts[row], packing.starts[row + 1])
    columns = (packing.document[own], packing.begin[own], packing.length[own], packing.skip[own])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _batch(mix: Mix, rows: Sequence[Sequence[tuple[int, int, int, int]]], context: int) -> Batch:
    shape = (len(rows), context)
    tokens = np.full(shape, mix.end_of_text, np.int64)
    targets = np.full(shape, IGNORE, np.int64)
    segments, languages, documents = (np.full(shape, -1, np.int64) for _ in range(3))
    for r, row in enumerate(rows):
        at = 0
        for segment, (document, begin, length, skip) in enumerate(row):
            text = mix.document(document)
            end = at + length
            tokens[r, at:end] = text[begin : begin + length]
            after = text[begin + skip + 1 : begin + length + 1]
            targets[r, at + skip : at + skip + len(after)] = after
            if len(after) < length - skip:  # the document ends here, and <|endoftext|> follows
                targets[r, end - 1] = mix.end_of_text
            segments[r, at:end], languages[r, at:end], documents[r, at:end] = segment, mix.language[document], document
            at = end
    return Batch(*(torch.from_numpy(a) for a in (tokens, segments, targets, languages, documents)))
