"""One corpus from several, each with its share of the text: a domain's with enough general text that a model forgets nothing.

Documents are drawn whole, at random by a seed, without repetition unless asked for, so that the shares of the text in bytes
come out as wanted, to within a document. The corpora are read twice, and what is held is 24 bytes a document.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from .errors import InputError, RunError
from .files import whole
from .progress import Display, Meter

COLUMNS = {
    "id": pa.string(), "text": pa.large_string(), "source": pa.string(), "language": pa.string(), "script": pa.string(),
    "domain": pa.string(), "metadata": pa.large_string(),
}  # fmt: skip
"""What a mix holds of a document; `domain` is the corpus's name, unless the corpus says more. Signals stay behind: corpora have
different ones."""
SPLITS = ("train", "validation")
SHARD_BYTES = 128 << 20
MOST_SHARDS = 256
"""A shard is put in order in memory; above 32 GiB they grow."""
ROWS = 4096

_Hashes = NDArray[np.uint64]


@dataclass
class Part:
    """A corpus of the mix, and what was taken from it."""

    name: str
    path: str
    wanted: float
    """Share of the training text in bytes."""
    share: float = 0.0
    documents: int = 0
    bytes: int = 0
    read: int = 0
    """Training documents it has."""
    repeated: int = 0
    """Documents left out because an earlier corpus, or an earlier document, has the same text."""
    in_validation: int = 0
    """Documents left out because a validation split has the same text."""
    renamed: int = 0
    """Documents whose id another corpus has too: theirs begins with the corpus's name."""
    validation: int = 0
    times: float = 0.0
    """How often its documents were taken, on average; over 1 with repetition."""


@dataclass
class Mixed:
    """A mix that was written; also in its manifest.json."""

    output: str
    seed: int
    documents: int
    bytes: int
    corpora: list[Part] = field(default_factory=list)


@dataclass
class _Stock:
    """Of each training document of a corpus, in order: its place in the draw, its size, and whether it may be drawn."""

    keys: _Hashes
    sizes: NDArray[np.int64]
    free: NDArray[np.bool_]
    renamed: NDArray[np.bool_]

    @property
    def available(self) -> int:
        return int(self.sizes[self.free].sum())


def mix_corpora(
    corpora: Mapping[str | Path, float],
    output: str | Path,
    *,
    size: int | None = None,
    repeat: int = 1,
    seed: int = 0,
    overwrite: bool = False,
    quiet: bool = False,
) -> Mixed:
    """Mix corpora (folders with train/ and validation/) into one, by their shares of the training text.

    Shares need not add up to 1. `size` is how many bytes of text to draw; without it, as many as the shares allow with no document
    taken more than `repeat` times. Texts that are equal to one of an earlier corpus are taken once, and none that a validation
    split holds is trained on. The validation splits are all taken. Raises InputError where a corpus is missing, empty or too
    small for what is asked, RunError where `output` holds something.
    """
    out = Path(output)
    parts = _named(corpora)
    if out.exists() and any(out.iterdir()):
        if not overwrite:
            raise RunError(f"{out} is not empty: choose another folder, or pass overwrite (--overwrite)")
        if not (out / "manifest.json").is_file() and not (out / ".mixing").is_dir():
            raise RunError(f"{out} holds something that is no mix: delete it yourself, or choose another folder")
        shutil.rmtree(out)
    display = Display(quiet)
    held = _validation_texts(parts)
    stocks: list[_Stock] = []
    files = [_files(part, "train") for part in parts]
    with display.phase("looking", sum(map(len, files))) as meter:
        seen_texts, seen_ids = np.empty(0, np.uint64), np.empty(0, np.uint64)
        for part, paths in zip(parts, files, strict=True):
            stock, texts, ids = _look(part, paths, seed, held, seen_texts, seen_ids, meter)
            stocks.append(stock)
            seen_texts, seen_ids = np.union1d(seen_texts, texts), np.union1d(seen_ids, ids)
    total = _size(parts, stocks, size, repeat)
    draft = out / ".mixing"
    (draft / "spill").mkdir(parents=True)
    shards = int(np.clip(-(-total // SHARD_BYTES), 1, MOST_SHARDS))
    with display.phase("drawing", sum(map(len, files))) as meter:
        _draw(parts, stocks, files, total, shards, draft / "spill", meter)
    with display.phase("writing", shards) as meter:
        _write(draft, shards, meter)
    _write_validation(parts, draft)
    shutil.rmtree(draft / "spill")
    mixed = Mixed(str(out), seed, sum(p.documents for p in parts), sum(p.bytes for p in parts), parts)
    for part in parts:
        part.share = part.bytes / max(1, mixed.bytes)
    for split in SPLITS:
        (draft / split).rename(out / split)
    draft.rmdir()
    with whole(out / "README.md") as path:
        path.write_text(_card(mixed), encoding="utf-8")
    with whole(out / "manifest.json") as path:
        path.write_text(json.dumps({"mix": asdict(mixed)}, ensure_ascii=False, indent=2), encoding="utf-8")
    return mixed


def _named(corpora: Mapping[str | Path, float]) -> list[Part]:
    if len(corpora) < 2:
        raise InputError("a mix needs two corpora or more: corpus/law=0.7 corpus/general=0.3")
    bad = [str(path) for path, share in corpora.items() if not share > 0]
    if bad:
        raise InputError(f"a share must be above 0, and is not for {', '.join(bad)}")
    total = sum(corpora.values())
    paths = [Path(path) for path in corpora]
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):
        names = ["/".join(path.resolve().parts[-2:]) for path in paths]
    if len(set(names)) < len(names):
        raise InputError(f"each corpus once: {', '.join(map(str, paths))}")
    return [Part(n, str(p), s / total) for n, p, s in zip(names, paths, corpora.values(), strict=True)]


def _files(part: Part, split: str) -> list[Path]:
    found = sorted((Path(part.path) / split).glob("*.parquet"))
    if not found and split == "train":
        raise InputError(
            f"no Parquet files under {Path(part.path) / split}: name a corpus folder that corpusmill wrote"
        )
    return found


def _batches(path: Path, part: Part) -> Iterator[pa.Table]:
    """A file's documents in the columns of a mix, null texts as empty ones."""
    try:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
            if not {"id", "text"} <= names:
                raise InputError(f"{path} has no columns id and text; its columns are: {', '.join(sorted(names))}")
            wanted = [name for name in COLUMNS if name in names]
            for batch in file.iter_batches(ROWS, columns=wanted):
                columns = []
                for name, kind in COLUMNS.items():
                    if name in names:
                        columns.append(batch.column(name).cast(kind))
                    elif name == "domain":
                        columns.append(pa.array([part.name] * len(batch), kind))
                    else:
                        columns.append(pa.nulls(len(batch), kind))
                table = pa.table(columns, names=list(COLUMNS))
                yield table.set_column(1, "text", pc.fill_null(table["text"], ""))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): make the corpus again") from error


def _hashes(values: pa.ChunkedArray, seed: int = 0) -> _Hashes:
    found = (xxhash.xxh3_64_intdigest(value, seed) for value in values.cast(pa.large_binary()).to_pylist())
    return np.fromiter(found, np.uint64, len(values))


def _validation_texts(parts: list[Part]) -> _Hashes:
    found = [np.empty(0, np.uint64)]
    for part in parts:
        found += [_hashes(t["text"]) for path in _files(part, "validation") for t in _batches(path, part)]
    return np.unique(np.concatenate(found))


def _look(
    part: Part, files: list[Path], seed: int, held: _Hashes, seen_texts: _Hashes, seen_ids: _Hashes, meter: Meter
) -> tuple[_Stock, _Hashes, _Hashes]:
    """What a corpus has to draw from, and the hashes of its texts and ids."""
    texts, ids, keys = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    sizes = [np.empty(0, np.int64)]
    for path in files:
        for table in _batches(path, part):
            texts.append(_hashes(table["text"]))
            ids.append(_hashes(table["id"]))
            keys.append(_hashes(table["id"], seed + 1))
            sizes.append(pc.binary_length(table["text"]).to_numpy().astype(np.int64))
            meter.advance(documents=len(table))
        meter.advance(tasks=1)
    text, id = np.concatenate(texts), np.concatenate(ids)
    part.read = len(text)
    first = np.zeros(len(text), np.bool_)
    first[np.unique(text, return_index=True)[1]] = True
    size = np.concatenate(sizes)
    known = (~first | np.isin(text, seen_texts)) & (size > 0)
    validated = np.isin(text, held) & ~known & (size > 0)
    part.repeated, part.in_validation = int(known.sum()), int(validated.sum())
    renamed = np.isin(id, seen_ids)
    return _Stock(np.concatenate(keys), size, ~known & ~validated & (size > 0), renamed), text, id


def _size(parts: list[Part], stocks: list[_Stock], size: int | None, repeat: int) -> int:
    """How many bytes to draw. Raises InputError where a corpus has too few."""
    for part, stock in zip(parts, stocks, strict=True):
        if not stock.available:
            raise InputError(f"{part.path} has no training text that another corpus or a validation split has not")
    most = [repeat * stock.available / part.wanted for part, stock in zip(parts, stocks, strict=True)]
    scarce = parts[int(np.argmin(most))]
    if size is not None and size > min(most):
        times = max(size * part.wanted / stock.available for part, stock in zip(parts, stocks, strict=True))
        raise InputError(
            f"{scarce.path} has too little text: with a share of {scarce.wanted:.1%} the mix can be {int(min(most)):,} bytes, "
            f"not {size:,}; give it a smaller share, or let documents be taken {int(np.ceil(times))} times (--repeat)"
        )
    return int(min(most)) if size is None else size


def _copies(stock: _Stock, wanted: float) -> NDArray[np.int32]:
    """How often each document is taken for `wanted` bytes: all alike often, and the first of the draw once more."""
    times, rest = divmod(wanted, stock.available)
    copies = np.where(stock.free, int(times), 0).astype(np.int32)
    order = np.flatnonzero(stock.free)[np.argsort(stock.keys[stock.free], kind="stable")]
    ends = np.cumsum(stock.sizes[order])
    n = int(np.searchsorted(ends, rest, side="right"))
    # To the nearer side of a document: over many corpora the errors even out.
    if n < len(order) and rest - (ends[n - 1] if n else 0) > ends[n] - rest:
        n += 1
    copies[order[:n]] += 1
    return copies


def _draw(
    parts: list[Part],
    stocks: list[_Stock],
    files: list[list[Path]],
    total: int,
    shards: int,
    folder: Path,
    meter: Meter,
) -> None:
    """Spread the documents that are drawn over the shards, in files of `folder`."""
    schema = pa.schema([*COLUMNS.items(), ("key", pa.uint64())])
    sinks = [pa.ipc.new_file(folder / f"{shard}.arrow", schema) for shard in range(shards)]
    try:
        for part, stock, paths in zip(parts, stocks, files, strict=True):
            copies = _copies(stock, total * part.wanted)
            part.documents, part.bytes = int(copies.sum()), int((copies * stock.sizes).sum())
            part.times = part.bytes / stock.available
            part.renamed = int((stock.renamed & (copies > 0)).sum())
            at = 0
            for path in paths:
                for table in _batches(path, part):
                    here = slice(at, at + len(table))
                    at += len(table)
                    for number in range(int(copies[here].max(initial=0))):
                        rows = np.flatnonzero(copies[here] > number)
                        some = _identified(table.take(rows), part, stock.renamed[here][rows], number)
                        keys = _hashes(some["id"])
                        where = (keys >> np.uint64(32)) % np.uint64(shards)
                        some = some.append_column("key", pa.array(keys))
                        for shard in np.unique(where).tolist():
                            sinks[shard].write_table(some.filter(pa.array(where == shard)))
                    meter.advance(documents=len(table))
                meter.advance(tasks=1)
    finally:
        for sink in sinks:
            sink.close()


def _identified(table: pa.Table, part: Part, renamed: NDArray[np.bool_], number: int) -> pa.Table:
    """Ids that are unique in the mix: with the corpus's name where another has the id, with a number where taken again."""
    if not number and not renamed.any():
        return table
    ids = [
        (f"{part.name}:{id}" if other else id) + (f"#{number + 1}" if number else "")
        for id, other in zip(table["id"].to_pylist(), renamed.tolist(), strict=True)
    ]
    return table.set_column(0, "id", pa.array(ids, pa.string()))


def _write(draft: Path, shards: int, meter: Meter) -> None:
    """Each shard in the order of its keys, so that corpora stand mingled."""
    (draft / "train").mkdir()
    for shard in range(shards):
        spilled = draft / "spill" / f"{shard}.arrow"
        with pa.memory_map(str(spilled)) as file:
            table = pa.ipc.open_file(file).read_all().sort_by("key").drop_columns(["key"])
            pq.write_table(table, draft / "train" / f"part-{shard:05}.parquet", compression="zstd", row_group_size=ROWS)
            meter.advance(tasks=1, documents=len(table))
        spilled.unlink()


def _write_validation(parts: list[Part], draft: Path) -> None:
    (draft / "validation").mkdir()
    seen: set[str] = set()
    for part in parts:
        tables = []
        for path in _files(part, "validation"):
            for table in _batches(path, part):
                ids = table["id"].to_pylist()
                tables.append(_identified(table, part, np.array([id in seen for id in ids], np.bool_), 0))
                seen.update(ids)
        if tables:
            found = pa.concat_tables(tables)
            part.validation = len(found)
            name = part.name.replace("/", "-")
            pq.write_table(found, draft / "validation" / f"{name}.parquet", compression="zstd", row_group_size=ROWS)


def _card(mixed: Mixed) -> str:
    rows = "\n".join(
        f"| {p.name} | {p.wanted:.1%} | {p.share:.1%} | {p.documents:,} of {p.read:,} | {p.bytes:,} | {p.times:.2f} | {p.validation:,} |"
        for p in mixed.corpora
    )
    return (
        f"# A mix of {len(mixed.corpora)} corpora\n\n{mixed.documents:,} documents, {mixed.bytes:,} bytes of text, "
        f"drawn with seed {mixed.seed}.\n\n"
        "| corpus | share wanted | share | documents | bytes | times | validation documents |\n|---|---|---|---|---|---|---|\n"
        f"{rows}\n"
    )


__all__ = ["Mixed", "Part", "mix_corpora"]
