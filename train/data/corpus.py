"""Reading the corpus that a run wrote: `<corpus>/<split>/*.parquet`, streamed in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from ...curate.errors import InputError

UNKNOWN = "unknown"
"""The language or domain of documents for which the corpus gives none."""

UNIT_BYTES = 32 << 20
"""Row groups that are read together hold about this much, uncompressed."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A batch of documents that have text."""

    text: pa.Array
    languages: list[str]
    domains: list[str]
    """Their `domain` column; without one, the first part of `source` (the name given to an input, or a folder)."""
    ids: list[str]

    def __len__(self) -> int:
        return len(self.languages)

    @property
    def sizes(self) -> list[int]:
        """UTF-8 bytes of each text."""
        return list(pc.binary_length(self.text).to_pylist())


@dataclass(frozen=True, slots=True)
class Unit:
    """Row groups `first` to `last` (exclusive) of one file: a piece of work whose bounds depend on the corpus alone."""

    file: str
    first: int
    last: int
    rows: int
    size: int
    """Bytes of all columns, uncompressed."""


def split_files(corpus: Path, split: str) -> list[Path]:
    """The Parquet files of a split in name order. Raises InputError if there are none."""
    found = sorted((corpus / split).glob("*.parquet"))
    if not found:
        raise InputError(
            f"no Parquet files under {corpus / split}: name a corpus folder that corpusmill wrote "
            "(it holds train/*.parquet and validation/*.parquet)"
        )
    return found


def split_units(corpus: Path, split: str, size: int = UNIT_BYTES) -> list[Unit]:
    """A split cut at row groups into units of about `size` bytes. Raises InputError on a file that is not Parquet."""
    units = []
    for path in split_files(corpus, split):
        with _open(path) as file:
            groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        first = rows = held = 0
        for i, group in enumerate(groups):
            rows, held = rows + group.num_rows, held + group.total_byte_size
            if held >= size or i + 1 == len(groups):
                units.append(Unit(path.name, first, i + 1, rows, held))
                first, rows, held = i + 1, 0, 0
    return units


def read_unit(corpus: Path, split: str, unit: Unit, rows: int = 256) -> Iterator[Texts]:
    """The documents of a unit, `rows` at a time, in file order; empty and null texts are left out.

    Raises InputError if the file has no `text` column or is damaged.
    """
    path = corpus / split / unit.file
    with _open(path) as file:
        names = file.schema_arrow.names
        if "text" not in names:
            raise InputError(f"{path} has no column 'text'; its columns are: {', '.join(names)}")
        wanted = [name for name in ("id", "text", "source", "language", "domain") if name in names]
        seen = sum(file.metadata.row_group(i).num_rows for i in range(unit.first))
        try:
            for batch in file.iter_batches(batch_size=rows, row_groups=range(unit.first, unit.last), columns=wanted):
                table = pa.table(batch)
                here = range(seen, seen + table.num_rows)
                seen += table.num_rows
                keep = pc.fill_null(pc.greater(pc.binary_length(table["text"]), 0), False)
                numbers = pa.array(here).filter(keep.combine_chunks()).to_pylist()
                if numbers:
                    yield _texts(table.filter(keep), [f"{unit.file}:{n}" for n in numbers])
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} cannot be read ({error}): make the corpus again") from error


def read_split(corpus: Path, split: str, every: int = 1) -> Iterator[Texts]:
    """The documents of a split in file order; `every` > 1 reads only each so-manieth row group."""
    units = split_units(corpus, split, size=0) if every > 1 else split_units(corpus, split)
    for unit in units[::every]:
        yield from read_unit(corpus, split, unit)


def split_fingerprint(corpus: Path, split: str) -> str:
    """A hash of the files' names and bytes. Reads everything, at disk speed: far cheaper than tokenizing it."""
    state = xxhash.xxh3_128()
    for path in split_files(corpus, split):
        state.update(path.name.encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                state.update(chunk)
    return state.hexdigest()


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}): make the corpus again") from error


def _texts(table: pa.Table, places: Sequence[str]) -> Texts:
    def column(name: str) -> list[str | None]:
        return table[name].cast(pa.string()).to_pylist() if name in table.column_names else [None] * len(places)

    sources = [None if source is None else source.strip("/").split("/")[0] for source in column("source")]
    return Texts(
        table["text"].combine_chunks(),
        [language or UNKNOWN for language in column("language")],
        [domain or source or UNKNOWN for domain, source in zip(column("domain"), sources, strict=True)],
        [given or place for given, place in zip(column("id"), places, strict=True)],
    )
