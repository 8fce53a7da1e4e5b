"""Labelled texts and conversations read from JSONL, CSV or Parquet, and what is checked before anything is trained."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from ..curate.errors import InputError

SHOWN = 5
"""Mistakes that an error lists before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation: role is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What the leak guard removed from the training examples."""

    duplicates: int
    """Equal to an earlier one of the same label, after normalisation."""
    conflicting: int
    """Equal to another one of a different label: all of them went, since none can be believed."""
    in_test: int
    """Equal to a test text."""


def read_rows(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`file:line`, row) of a .jsonl, .csv or .parquet file; the first two also .gz or .zst.

    Raises InputError on another ending or a line that is not a JSON object.
    """
    import fsspec

    path = str(path)
    ending = path.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[-1].lower()
    if "://" not in path and not Path(path).is_file():
        raise InputError(f"no file {path}")
    if ending == "parquet":
        import pyarrow.parquet as pq

        with fsspec.open(path, "rb") as raw, pq.ParquetFile(raw) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}: row {number}", row
        return
    if ending not in ("jsonl", "ndjson", "csv"):
        raise InputError(f"{path} is not .jsonl, .csv or .parquet (.gz and .zst are fine): convert it to one of these")
    with fsspec.open(path, "rt", encoding="utf-8-sig", newline="", compression="infer") as file:
        if ending == "csv":
            reader = csv.DictReader(file)
            for row in reader:
                yield f"{path}:{reader.line_num}", row
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}:{number} is not JSON ({error.msg}): one object a line is wanted") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number} is not a JSON object: one object a line is wanted")
            yield f"{path}:{number}", row


def read_examples(path: str | Path, text: str = "text", label: str = "label") -> list[Example]:
    """The (text, label) pairs of a file. Raises InputError that lists rows without a text or a label."""
    examples, wrong = [], []
    for where, row in read_rows(path):
        if text not in row or label not in row:
            raise InputError(f"{where} has no field {text!r} and {label!r}; its fields are: {', '.join(map(str, row))}")
        value, name = row[text], row[label]
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"{where}: {text} is empty or not text")
        elif name is None or isinstance(name, dict | list) or not str(name).strip():
            wrong.append(f"{where}: {label} is empty or not one value")
        else:
            examples.append(Example(value, str(name).strip()))
    _raise(wrong)
    if not examples:
        raise InputError(f"{path} holds no examples")
    return examples


ROLES = {
    **dict.fromkeys(("system",), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt"), "assistant"),
}


def read_conversations(path: str | Path) -> list[list[Message]]:
    """Conversations in any of the common shapes, each told from its fields.

    `messages` (role, content), ShareGPT's `conversations` (from, value), or `instruction`, `input`, `output` with an
    optional `system` and `history` of pairs. Raises InputError that lists rows of no known shape or without an answer.
    """
    conversations, wrong = [], []
    for where, row in read_rows(path):
        try:
            conversation = _conversation(row)
        except ValueError as error:
            wrong.append(f"{where}: {error}")
            continue
        conversations.append(conversation)
    _raise(wrong)
    if not conversations:
        raise InputError(f"{path} holds no conversations")
    return conversations


def _conversation(row: dict[str, Any]) -> list[Message]:
    turns: list[tuple[Any, Any]]
    if row.get("messages"):
        turns = [(m.get("role"), m.get("content")) for m in _dicts(row["messages"], "messages")]
    elif row.get("conversations"):
        turns = [(m.get("from"), m.get("value")) for m in _dicts(row["conversations"], "conversations")]
    elif "instruction" in row and "output" in row:
        question = "\n".join(part for part in (row["instruction"], row.get("input")) if part)
        turns = [("system", row["system"])] if row.get("system") else []
        for asked, answered in row.get("history") or []:
            turns += [("user", asked), ("assistant", answered)]
        turns += [("user", question), ("assistant", row["output"])]
    else:
        raise ValueError(f"needs messages, conversations, or instruction and output; its fields are: {', '.join(row)}")
    messages = []
    for role, content in turns:
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}; known: {', '.join(ROLES)}")
        if not isinstance(content, str):
            raise ValueError(f"the {role} turn is not text")
        messages.append(Message(ROLES[role], content.strip()))
    if not any(m.role == "assistant" and m.content for m in messages):
        raise ValueError("no answer to learn from")
    return messages


def _dicts(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{name} is not a list of objects")
    return value


def _raise(wrong: Sequence[str]) -> None:
    if wrong:
        more = f"\n... and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise InputError("\n".join(wrong[:SHOWN]) + more)


def text_key(text: str) -> bytes:
    """A hash by which two texts that differ in width, case, spaces or punctuation only are the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(c for c in folded if c.isalnum())
    # "！！" and "？" have no letters at all; they are compared as they stand.
    return xxhash.xxh3_128_digest((letters or text).encode())


def guard(train: Sequence[Example], test: Iterable[Example]) -> tuple[list[Example], LeakReport]:
    """The training examples without duplicates, contradictions, and texts of the test set; and how many went."""
    forbidden = {text_key(example.text) for example in test}
    keys = [text_key(example.text) for example in train]
    labels: dict[bytes, set[str]] = {}
    for key, example in zip(keys, train, strict=True):
        labels.setdefault(key, set()).add(example.label)
    kept: list[Example] = []
    seen: set[bytes] = set()
    duplicates = conflicting = in_test = 0
    for key, example in zip(keys, train, strict=True):
        if key in forbidden:
            in_test += 1
        elif len(labels[key]) > 1:
            conflicting += 1
        elif key in seen:
            duplicates += 1
        else:
            seen.add(key)
            kept.append(example)
    return kept, LeakReport(duplicates, conflicting, in_test)


def stratified(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Split off `share` of each label's examples, at least one of every label that has two; (rest, split off)."""
    random = np.random.Generator(np.random.PCG64([seed, len(examples)]))
    rest: list[int] = []
    off: list[int] = []
    for label in sorted({example.label for example in examples}):
        rows = np.array([i for i, example in enumerate(examples) if example.label == label])
        random.shuffle(rows)
        take = max(1, round(share * len(rows))) if len(rows) > 1 else 0
        off.extend(rows[:take].tolist())
        rest.extend(rows[take:].tolist())
    return [examples[i] for i in sorted(rest)], [examples[i] for i in sorted(off)]
