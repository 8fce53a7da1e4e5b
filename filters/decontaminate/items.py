"""Evaluation sets as they lie on disk: files of any format that a run reads, as items and the texts in each."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...curate.errors import CorpusmillError

if TYPE_CHECKING:
    from ...curate.readers.inputs import File
    from ...curate.readers.parts import Part
    from ..text.overlap import Grams, OverlapIndex

JOINED = "\n"


@dataclass(frozen=True, slots=True)
class Field:
    """One text of an item: its name (`A` for an option, empty in a list) and what it says."""

    name: str
    text: str


def files_of(name: str, paths: Sequence[str]) -> list[File]:
    """The files of a set, in order. Raises CorpusmillError when a path names none."""
    from ...curate.readers.inputs import list_files

    found: list[File] = []
    for path in paths:
        try:
            files = list_files(0, path)
        except (OSError, ValueError, ImportError) as error:
            raise CorpusmillError(f"evaluation set {name}: {path} cannot be listed: {error}") from error
        if not files:
            raise CorpusmillError(
                f"evaluation set {name}: no file matches {path}; give the path of its test file, e.g. eval/{name}.jsonl"
            )
        found += files
    return found


def digests(sets: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """SHA-256 of every file of every set: what a resumed run compares."""
    from ...curate.readers.inputs import filesystem

    out: dict[str, list[str]] = {}
    for name, paths in sets.items():
        out[name] = []
        for file in files_of(name, paths):
            fs, inner = filesystem(file.path)
            with fs.open(inner, "rb") as raw:
                out[name].append(hashlib.file_digest(raw, "sha256").hexdigest())
    return out


def read_items(name: str, paths: Sequence[str], fields: Sequence[str] | None) -> list[list[Field]]:
    """The texts of every item of a set: all strings in its record, however deep, or those of the named fields.

    Raises CorpusmillError when a file or record cannot be read, or nothing is found: an item that is passed over
    would be an item that is not looked for.
    """
    items: list[list[Field]] = []
    seen: set[str] = set()
    for file in files_of(name, paths):
        before = len(items)
        for record in _records(name, file):
            seen.update(record)
            chosen = record if fields is None else {k: record[k] for k in fields if k in record}
            items.append(list(_strings("", chosen)))
        if len(items) == before:
            raise CorpusmillError(f"evaluation set {name}: {file.path} holds no item; give a file with its questions")
    if fields is not None and not any(items):
        raise CorpusmillError(
            f"evaluation set {name}: no item has a text in the fields {', '.join(fields)}; its fields are: "
            f"{', '.join(sorted(map(str, seen)))}"
        )
    return items


def _strings(name: str, value: Any) -> Iterator[Field]:
    if isinstance(value, str):
        yield Field(name, value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings("", inner)


def _records(name: str, file: File) -> Iterator[dict[str, Any]]:
    from ...curate.readers.encoding import Undecodable
    from ...curate.readers.formats import file_format, why_refused
    from ...curate.readers.inputs import Input, filesystem
    from ...curate.readers.parts import Part
    from ...curate.readers.streams import Corrupt

    input = Input(path=file.path, id=None, text_documents="paragraph")
    format = file_format(file.relative, input)
    if format is None:
        raise CorpusmillError(f"evaluation set {name}: {file.path}: {why_refused(file.relative)}")
    fs, inner = filesystem(file.path)
    part = Part(file.relative.rsplit("/", 1)[-1], file.relative, format, input, lambda: fs.open(inner, "rb"), file.size)
    read = {"jsonl": _jsonl, "json": _json, "parquet": _parquet, "csv": _csv}.get(format, _documents)
    try:
        yield from read(part)
    except (Corrupt, Undecodable, OSError, ValueError, RecursionError) as error:
        raise CorpusmillError(f"evaluation set {name}: {file.path} cannot be read: {error}") from error


def _jsonl(part: Part) -> Iterator[dict[str, Any]]:
    from ...curate.readers.encoding import decode_line
    from ...curate.readers.parts import stored_encoding

    encoding = part.line_encoding()
    for number, (_, line) in enumerate(part.lines(encoding), 1):
        if line.strip():
            try:
                value = json.loads(decode_line(line, stored_encoding(encoding)))
            except ValueError as error:
                raise ValueError(f"line {number} is no JSON: {error}") from error
            yield value if isinstance(value, dict) else {"text": value}


def _json(part: Part) -> Iterator[dict[str, Any]]:
    """An array of items, an object that holds one under any name (`data`, `examples`), or one item."""
    from ...curate.readers.encoding import decode_document

    text = decode_document(part.whole()).text
    try:
        value = json.loads(text)
    except ValueError:
        if "\n" not in text.strip():
            raise
        yield from _jsonl(part)  # JSON lines under the name of JSON, as many sets come
        return
    if isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list) and v and all(isinstance(x, dict) for x in v)]
        value = lists[0] if len(lists) == 1 else [value]
    for item in value if isinstance(value, list) else [value]:
        yield item if isinstance(item, dict) else {"text": item}


def _parquet(part: Part) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with part.open() as raw:
        for batch in pq.ParquetFile(raw).iter_batches(1024):
            yield from batch.to_pylist()


def _csv(part: Part) -> Iterator[dict[str, Any]]:
    from ...curate.readers.encoding import decode_line
    from ...curate.readers.parts import Part, stored_encoding
    from ...curate.readers.tables import delimiter, read_csv

    encoding = part.line_encoding()
    header = next((line for _, line in part.lines(encoding)), b"")
    names = next(csv.reader([decode_line(header, stored_encoding(encoding))], delimiter=delimiter(part)), [])
    if not names:
        return
    # The reader needs to be told which column is the text; here all are.
    input = part.input.model_copy(update={"text": names[0]})
    for record in _read(Part(part.name, part.origin, part.format, input, part.open, part.size), read_csv):
        yield {names[0]: record.text, **record.fields}


def _documents(part: Part) -> Iterator[dict[str, Any]]:
    """Plain text (a paragraph is an item), pages, web archives; of an archive, members that hold documents."""
    from ...curate.readers.reading import read_part

    for record in _read(part, read_part):
        yield {"text": record.text}


def _read(part: Part, reader: Any) -> Iterator[Any]:
    from ...curate.readers.records import Bad

    for record in reader(part):
        if isinstance(record, Bad):
            raise ValueError(f"{record.source}, position {record.position}: {record.error}")
        yield record


def build_index(sets: Mapping[str, Sequence[str]], fields: Sequence[str] | None, grams: Grams) -> OverlapIndex:
    """The n-grams of all items of all sets; sets and items are numbered from 0 in order.

    Raises CorpusmillError when a set has no item that is long enough to be found.
    """
    from ..text.buffers import TextBuffers
    from ..text.folded import Tokens
    from ..text.overlap import OverlapIndex, Passages

    texts: list[str] = []
    sizes: list[int] = []
    of_set: list[int] = []
    of_item: list[int] = []
    names: list[str] = []
    for s, (name, paths) in enumerate(sets.items()):
        items = read_items(name, paths, fields)
        sizes.append(len(items))
        for number, found in enumerate(items):
            texts += [f.text for f in found]
            names += [f.name for f in found]
            of_set += [s] * len(found)
            of_item += [number] * len(found)

    tokens = Tokens.of(TextBuffers.of_strings(texts))
    measures = np.diff(tokens.measure(grams.overlap_words, grams.overlap_characters)[tokens.rows])
    least = grams.overlap_words * grams.overlap_characters
    alone = _worth_looking_for(measures, of_set, of_item, least).tolist()
    n_texts = len(texts)
    for run in _short_runs((measures < least).tolist(), of_set, of_item):
        if int(measures[run].sum()) >= least:  # one text of what says too little alone
            texts.append(JOINED.join(f"{names[k] if len(names[k]) == 1 else ''} {texts[k]}" for k in run))
            of_set.append(of_set[run[0]])
            of_item.append(of_item[run[0]])
    wanted = [*alone, *range(n_texts, len(texts))]
    passages = Passages(
        TextBuffers.of_strings([texts[k] for k in wanted]),
        np.array([of_set[k] for k in wanted], np.int64),
        np.array([of_item[k] for k in wanted], np.int64),
    )
    index = OverlapIndex.of(passages, grams, sizes)
    for name, size, n in zip(sets, sizes, index.set_sizes(len(sets)).tolist(), strict=True):
        if not n:
            raise CorpusmillError(
                f"evaluation set {name}: none of its {size} items can be looked for: their texts are shorter than "
                f"{grams.min_words} words or {grams.min_characters} characters, or are the same in more than "
                f"{grams.max_items} items; lower min_words and min_chars, raise max_items, or name other fields"
            )
    return index


def _worth_looking_for(
    measures: NDArray[np.int64], of_set: Sequence[int], of_item: Sequence[int], least: int
) -> NDArray[np.int64]:
    """Texts of the least measure or more, and the longest text of each item whatever it measures.

    An option or an answer is often just a name: that of a body of state, as one of four, would cost a corpus every
    document that speaks of it (a sixth of the Chinese statutes for 全国人民代表大会常务委员会 in one item of a law exam).
    """
    sets, items = np.array(of_set, np.int64), np.array(of_item, np.int64)
    order = np.lexsort((-measures, items, sets))
    s, i = sets[order], items[order]
    longest = np.ones(len(order), bool)
    longest[1:] = (s[1:] != s[:-1]) | (i[1:] != i[:-1])
    return np.sort(order[longest | (measures[order] >= least)])


def _short_runs(short: Sequence[bool], of_set: Sequence[int], of_item: Sequence[int]) -> Iterator[list[int]]:
    """Runs of two or more short texts of one item that follow one another: a question and its options."""
    run: list[int] = []
    for k, is_short in enumerate(short):
        if run and (of_set[k], of_item[k]) != (of_set[run[0]], of_item[run[0]]):
            if len(run) > 1:
                yield run
            run = []
        if is_short:
            run.append(k)
        else:
            if len(run) > 1:
                yield run
            run = []
    if len(run) > 1:
        yield run
