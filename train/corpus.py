"""Reading the corpus that a run wrote: `<corpus>/<split>/*.parquet`, streamed in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from ..curate.errors import InputError

UNKNOWN = "unknown"
"""The language of documents whose `language` is null or whose corpus has no such column."""


def split_files(corpus: Path, split: str) -> list[Path]:
    """The Parquet files of a split in name order. Raises InputError if there are none."""
    found = sorted((corpus / split).glob("*.parquet"))
    if not found:
        raise InputError(
            f"no Parquet files under {corpus / split}: name a corpus folder that corpusmill wrote "
            "(it holds train/*.parquet and validation/*.parquet)"
        )
    return found


def read_split(corpus: Path, split: str, rows: int = 1024) -> Iterator[tuple[pa.Array, list[str]]]:
    """Batches of (texts, languages) in file order; empty and null texts are left out.

    Raises InputError if a file has no `text` column.
    """
    for path in split_files(corpus, split):
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if "text" not in names:
                raise InputError(f"{path} has no column 'text'; its columns are: {', '.join(names)}")
            wanted = [name for name in ("text", "language") if name in names]
            for batch in file.iter_batches(batch_size=rows, columns=wanted):
                table = pa.table(batch)
                table = table.filter(pc.fill_null(pc.greater(pc.binary_length(table["text"]), 0), False))
                if not table.num_rows:
                    continue
                languages = (
                    pc.fill_null(table["language"], UNKNOWN).to_pylist()
                    if "language" in wanted
                    else [UNKNOWN] * table.num_rows
                )
                yield table["text"].combine_chunks(), languages


def bytes_by_language(corpus: Path, split: str) -> dict[str, int]:
    """UTF-8 bytes of text in a split, by language, sorted by language."""
    sizes: dict[str, int] = {}
    for texts, languages in read_split(corpus, split):
        for language, size in zip(languages, pc.binary_length(texts).to_pylist(), strict=True):
            sizes[language] = sizes.get(language, 0) + size
    return dict(sorted(sizes.items()))


def split_fingerprint(corpus: Path, split: str) -> str:
    """A hash of the files' names and bytes. Reads everything, at disk speed: far cheaper than tokenizing it."""
    state = xxhash.xxh3_128()
    for path in split_files(corpus, split):
        state.update(path.name.encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                state.update(chunk)
    return state.hexdigest()
