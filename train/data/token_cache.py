"""A corpus tokenized once, into a cache that is memory-mapped: tokens, and where each document begins and came from.

Work is cut into pieces whose bounds depend on the corpus alone; any number of processes write them, and they are joined
in order: the bytes do not depend on the processes. A piece is there when its `.arrow` file is, so a tokenization that
was killed goes on with the pieces that are missing.

    tokens.bin     uint16, or uint32 for large vocabularies: `<|endoftext|> t1 ... tn` of each document
    offsets.npy    where each document begins, and the end of the last
    sizes.npy language.npy domain.npy file.npy     bytes of its text; indices into the lists of cache.json
    ids.arrow      its id
    cache.json     what it was made of, and checksums; written last
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from ...curate.errors import InputError, RunError
from ...curate.executors.processes import Processes
from ..loop.progress import task_progress
from ..tokenizer.bpe import Tokenizer
from .corpus import Unit, read_unit, split_fingerprint, split_units

FORMAT = 2
CHECKED_BYTES = 1 << 30
"""Files up to this size are checked byte by byte when a cache is opened (under a second), larger ones by length."""
IN_PROCESS_BYTES = 64 << 20
"""A corpus smaller than this is tokenized in this process: starting others would take longer."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Ints = NDArray[np.int64]

_PIECE = pa.schema(
    [
        ("id", pa.string()),
        ("tokens", pa.int64()),
        ("bytes", pa.int64()),
        ("language", pa.string()),
        ("domain", pa.string()),
        ("file", pa.string()),
    ]
)


class TokenCache:
    """A tokenized split, read-only. Nothing of it is in memory until it is looked at."""

    def __init__(self, folder: Path) -> None:
        """Raises RunError if a file is missing, damaged or shorter than it was written."""
        self.folder = folder
        try:
            self.about: dict[str, Any] = json.loads((folder / "cache.json").read_text("utf-8"))
            for name, (size, checksum) in self.about["files"].items():
                found = (folder / name).stat().st_size
                if found != size:
                    raise ValueError(f"{name} holds {found:,} bytes where {size:,} were written")
                if size <= CHECKED_BYTES and _checksum(folder / name) != checksum:
                    raise ValueError(f"{name} has changed since it was written")
            self.offsets: Ints = _mapped(folder / "offsets.npy")
            self.sizes: Ints = _mapped(folder / "sizes.npy")
            self.language: NDArray[np.int16] = _mapped(folder / "language.npy")
            self.domain: NDArray[np.int32] = _mapped(folder / "domain.npy")
            self.file: NDArray[np.int32] = _mapped(folder / "file.npy")
            self.tokens: NDArray[Any] = np.memmap(folder / "tokens.bin", self.about["dtype"], "r").view(np.ndarray)
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"the token cache {folder} cannot be read ({error}): delete it, it will be made again"
            ) from error

    def __len__(self) -> int:
        """Documents."""
        return len(self.offsets) - 1

    @property
    def token_count(self) -> int:
        return int(self.offsets[-1])

    @property
    def languages(self) -> list[str]:
        return list(self.about["languages"])

    @property
    def domains(self) -> list[str]:
        return list(self.about["domains"])

    @property
    def end_of_text(self) -> int:
        """The token every document begins with."""
        return int(self.tokens[0])

    def document(self, index: int) -> NDArray[Any]:
        """The tokens of a document, its leading <|endoftext|> included."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def origin(self, index: int) -> dict[str, Any]:
        """Where a document came from: `corpus`, `file`, `id`, `language`, `domain`."""
        return {
            "corpus": self.about["path"],
            "file": f"{self.about['split']}/{self.about['inputs'][self.file[index]]}",
            "id": self._ids[index].as_py(),
            "language": self.languages[self.language[index]],
            "domain": self.domains[self.domain[index]],
        }

    @cached_property
    def _ids(self) -> pa.ChunkedArray:
        return pa.ipc.open_file(pa.memory_map(str(self.folder / "ids.arrow"))).read_all().column("id")

    def check_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Raise RunError if the cache was made with another tokenizer."""
        if self.about["tokenizer"] != tokenizer.fingerprint():
            raise RunError(
                f"the token cache {self.folder} was made with another tokenizer than the one given: "
                "give that tokenizer, or delete the cache to have it made again"
            )


def token_cache(
    corpus: str | Path, split: str, tokenizer: Tokenizer, folder: str | Path, *, workers: int | None = None
) -> TokenCache:
    """The token cache of a split, kept in `folder` under the fingerprint of corpus and tokenizer; made if absent.

    `workers` processes tokenize (by default one a core, and this one alone for a small corpus). Several processes may
    ask for the same cache at once: one makes it, the others wait. Raises InputError if the split holds no text,
    RunError if the disk is full; what was done by then is kept, and the same call goes on from there.
    """
    corpus, folder = Path(corpus), Path(folder)
    source = split_fingerprint(corpus, split)
    key = xxhash.xxh3_64_hexdigest(f"{FORMAT} {source} {tokenizer.fingerprint()}".encode())
    final = folder / f"{split}-{key}"
    if not (final / "cache.json").is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(folder / f".{final.name}.lock"):
                if not (final / "cache.json").is_file():
                    _make(corpus, split, tokenizer, final, source, workers)
        except OSError as error:
            if error.errno in FULL:
                raise disk_full(folder) from error
            raise
    cache = TokenCache(final)
    cache.check_tokenizer(tokenizer)
    return cache


def disk_full(folder: Path) -> RunError:
    return RunError(
        f"the disk is full while tokens are written under {folder}: free space or name another place for the cache; "
        "what was tokenized is kept, and the same command goes on from there"
    )


def _make(corpus: Path, split: str, tokenizer: Tokenizer, final: Path, source: str, workers: int | None) -> None:
    draft = final.with_name(f".{final.name}.draft")
    draft.mkdir(exist_ok=True)
    if not (draft / "cache.json").is_file():
        units = split_units(corpus, split)
        _tokenize(corpus, split, units, tokenizer, draft, workers)
        about = _join(draft, len(units), tokenizer)
        if not about["documents"]:
            shutil.rmtree(draft)
            raise InputError(
                f"the corpus {corpus} has no text in {split}: curate more documents, or name another corpus"
            )
        about |= {"format": FORMAT, "corpus": source, "path": str(corpus.resolve()), "split": split}
        (draft / "cache.part").write_text(json.dumps(about, ensure_ascii=False, indent=2), "utf-8")
        (draft / "cache.part").rename(draft / "cache.json")
    # Only now: until the cache is whole, a piece that is missing would be made again.
    for leftover in (*draft.glob("*.arrow"), draft / "job.json", *draft.glob("tokenizer/*")):
        if leftover.name != "ids.arrow":
            leftover.unlink(missing_ok=True)
    (draft / "tokenizer").rmdir()
    draft.rename(final)


def _tokenize(
    corpus: Path, split: str, units: list[Unit], tokenizer: Tokenizer, draft: Path, workers: int | None
) -> None:
    """Write the pieces that are missing."""
    pending = [n for n in range(len(units)) if not _piece(draft, n, "arrow").is_file()]
    workers = workers or (_cores() if sum(unit.size for unit in units) > IN_PROCESS_BYTES else 1)
    tokenizer.save(draft / "tokenizer")
    job = {"corpus": str(corpus.resolve()), "split": split, "units": [asdict(unit) for unit in units]}
    (draft / "job.json").write_text(json.dumps(job), "utf-8")
    with task_progress() as progress:
        task = progress.add_task(f"tokenizing {split}", total=sum(unit.rows for unit in units))
        progress.advance(task, sum(unit.rows for n, unit in enumerate(units) if n not in set(pending)))
        if min(workers, len(pending)) > 1:
            # On an error the pieces under way are dropped, those that are done stay.
            with Processes(f"{__name__}:worker", draft, min(workers, len(pending))) as processes:
                for n, _ in processes.run(pending):
                    progress.advance(task, units[n].rows)
        else:
            for n in pending:
                write_piece(corpus, split, units[n], tokenizer, draft, n, lambda rows: progress.advance(task, rows))


def worker(draft: Path) -> Callable[[int], None]:
    """What a process does with an order, the number of a piece."""
    job = json.loads((draft / "job.json").read_text("utf-8"))
    tokenizer = Tokenizer.load(draft / "tokenizer")

    def tokenize(number: int) -> None:
        try:
            write_piece(Path(job["corpus"]), job["split"], Unit(**job["units"][number]), tokenizer, draft, number)
        except OSError as error:
            raise (disk_full(draft) if error.errno in FULL else RunError(f"tokenizing failed: {error}")) from error

    return tokenize


def write_piece(
    corpus: Path,
    split: str,
    unit: Unit,
    tokenizer: Tokenizer,
    draft: Path,
    number: int,
    advance: Callable[[int], Any] = lambda rows: None,
) -> None:
    """Tokenize one unit into `<number>.bin` and `<number>.arrow`; the second is named last and makes the piece whole."""
    dtype = _dtype(tokenizer)
    tokens, table = _piece(draft, number, "bin"), _piece(draft, number, "arrow")
    with (
        tokens.open("wb") as out,
        table.with_suffix(".part").open("wb") as about,
        pa.ipc.new_file(about, _PIECE) as writer,
    ):
        for texts in read_unit(corpus, split, unit):
            ids = [[tokenizer.end_of_text, *found] for found in tokenizer.encode_batch(texts.text.to_pylist())]
            lengths = [len(found) for found in ids]
            out.write(np.fromiter(chain.from_iterable(ids), dtype, count=sum(lengths)).tobytes())
            columns = [texts.ids, lengths, texts.sizes, texts.languages, texts.domains, [unit.file] * len(texts)]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, _PIECE, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=_PIECE))
            advance(len(texts))
    table.with_suffix(".part").rename(table)


def _join(draft: Path, pieces: int, tokenizer: Tokenizer) -> dict[str, Any]:
    """One cache of all pieces, in their order; says what cache.json is to hold."""
    dtype = _dtype(tokenizer)
    numbers: dict[str, list[Any]] = {name: [] for name in ("tokens", "bytes", "language", "domain", "file")}
    known: dict[str, dict[str, int]] = {"language": {}, "domain": {}, "file": {}}
    end = 0
    # Opened so that a join that was killed goes on: the pieces whose tokens it had taken over are gone.
    with (
        (draft / "tokens.bin").open("ab") as out,
        (draft / "ids.arrow").open("wb") as ids,
        pa.ipc.new_file(ids, pa.schema([("id", pa.string())])) as id_writer,
    ):
        for number in range(pieces):
            with _piece(draft, number, "arrow").open("rb") as about:
                table = pa.ipc.open_file(about).read_all()
            tokens = _piece(draft, number, "bin")
            if tokens.is_file():
                out.truncate(end)
                with tokens.open("rb") as piece:
                    shutil.copyfileobj(piece, out, 1 << 22)
                out.flush()
                tokens.unlink()
            id_writer.write_table(table.select(["id"]))
            for name, values in numbers.items():
                if name in known:
                    found = table[name].combine_chunks().dictionary_encode()
                    names = known[name]
                    codes = [names.setdefault(value, len(names)) for value in found.dictionary.to_pylist()]
                    values.append(np.array(codes, np.int64)[found.indices.to_numpy()])
                else:
                    values.append(table[name].to_numpy())
            end += int(numbers["tokens"][-1].sum()) * dtype.itemsize
    joined = {name: np.concatenate([np.zeros(0, np.int64), *values]) for name, values in numbers.items()}
    np.save(draft / "offsets.npy", np.concatenate([[0], np.cumsum(joined["tokens"])]).astype(np.int64))
    np.save(draft / "sizes.npy", joined["bytes"].astype(np.int64))
    np.save(draft / "language.npy", joined["language"].astype(np.int16))
    np.save(draft / "domain.npy", joined["domain"].astype(np.int32))
    np.save(draft / "file.npy", joined["file"].astype(np.int32))
    written = ("tokens.bin", "offsets.npy", "sizes.npy", "language.npy", "domain.npy", "file.npy", "ids.arrow")
    return {
        "tokenizer": tokenizer.fingerprint(),
        "dtype": dtype.name,
        "documents": len(joined["tokens"]),
        "tokens": int(joined["tokens"].sum()),
        "languages": list(known["language"]),
        "domains": list(known["domain"]),
        "inputs": list(known["file"]),
        "files": {name: [(draft / name).stat().st_size, _checksum(draft / name)] for name in written},
    }


def _mapped(path: Path) -> NDArray[Any]:
    # As a plain array: a slice of numpy's memmap class costs 5 us.
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array.view(np.ndarray)


def _piece(draft: Path, number: int, ending: str) -> Path:
    return draft / f"{number:06d}.{ending}"


def _dtype(tokenizer: Tokenizer) -> np.dtype[Any]:
    return np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checksum(path: Path) -> str:
    state = xxhash.xxh3_64()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            state.update(chunk)
    return state.hexdigest()


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Holds a lock that the system takes back when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        path.unlink(missing_ok=True)  # whoever still waits on it finds the cache made
