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

from ...curate.errors import InputError

SHOWN = 5
"""Mistakes that an error lists before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its label."""

    text: str
    label: str
    """All of them joined, where a text has several."""
    labels: tuple[str, ...] | None = None
    """The labels of a text that may have several, or none; null where each text has one."""


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation: role is `system`, `user`, `assistant` or `tool`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to the same conversation, the first of them the better."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str


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


TEXT_FIELDS = ("text", "sentence", "content", "review", "title", "query", "文本", "内容")
LABEL_FIELDS = ("labels", "label", "category", "class", "sentiment", "intent", "topic", "标签", "类别")
"""Names that are tried, in this order, where none is given."""


def read_examples(path: str | Path, text: str | None = None, label: str | None = None) -> list[Example]:
    """The labelled texts of a file; the fields are told from TEXT_FIELDS and LABEL_FIELDS where they are not named.

    A label that is a list (in CSV, a JSON list) gives each text several. Raises InputError that lists, with their lines,
    rows without a text or a label.
    """
    found: list[tuple[str, str, Any]] = []
    wrong: list[str] = []
    for where, row in read_rows(path):
        text = _field(row, text, TEXT_FIELDS, "text", where)
        label = _field(row, label, LABEL_FIELDS, "label", where)
        value, name = row[text], _parsed(row[label])
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"{where}: {text} is empty or not text")
        elif isinstance(name, list) and all(isinstance(n, str | int | float) and str(n).strip() for n in name):
            found.append((where, value, sorted({str(n).strip() for n in name})))
        elif name is None or isinstance(name, dict | list) or not str(name).strip():
            wrong.append(f"{where}: {label} is empty or not one value or a list of them")
        else:
            found.append((where, value, str(name).strip()))
    several = any(isinstance(name, list) for _, _, name in found)
    examples = []
    for where, value, name in found:
        if several and not isinstance(name, list):
            wrong.append(f"{where}: {label} is one value where other rows have lists")
        elif several:
            examples.append(Example(value, " + ".join(name), tuple(name)))
        else:
            examples.append(Example(value, name))
    _raise(wrong)
    if not examples:
        raise InputError(f"{path} holds no examples")
    return examples


def _field(row: dict[str, Any], given: str | None, known: Sequence[str], what: str, where: str) -> str:
    names = (given,) if given is not None else known
    for name in names:
        if name in row:
            return name
    wanted = f"no field {given!r}" if given is not None else f"no field for the {what} ({', '.join(known)})"
    raise InputError(f"{where} has {wanted}; its fields are: {', '.join(map(str, row))}. Name it with --{what}")


def _parsed(value: Any) -> Any:
    """A CSV cell that holds a JSON list, as that list."""
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "function_call"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation"), "tool"),
}

QUESTIONS = (("instruction", "output"), ("prompt", "completion"), ("prompt", "response"), ("question", "answer"),
             ("query", "response"))  # fmt: skip
"""Pairs of fields with a question and its answer."""


def read_conversations(path: str | Path) -> list[list[Message]]:
    """Conversations in any of the common shapes, each told from its fields.

    `messages` (role, content), ShareGPT's `conversations` (from, value), or one of QUESTIONS with an optional `input`,
    `system` and `history` of pairs. Raises InputError that lists rows of no known shape or without an answer.
    """
    conversations, wrong = [], []
    for where, row in read_rows(path):
        try:
            conversation = _conversation(row)
            if not any(m.role == "assistant" and m.content for m in conversation):
                raise ValueError("no answer to learn from")
        except ValueError as error:
            wrong.append(f"{where}: {error}")
            continue
        conversations.append(conversation)
    _raise(wrong)
    if not conversations:
        raise InputError(f"{path} holds no conversations")
    return conversations


def read_preferences(path: str | Path) -> list[Preference]:
    """Prompts with a `chosen` and a `rejected` answer.

    The answers are texts, single messages, or whole conversations that differ in their last turn; the prompt is a
    `prompt` (a text or messages), `question`, `instruction` with `input`, `messages` or `conversations`. Raises InputError
    that lists rows of no known shape, with an empty answer, or with two that are equal.
    """
    preferences, wrong = [], []
    for where, row in read_rows(path):
        try:
            preferences.append(_preference(row))
        except ValueError as error:
            wrong.append(f"{where}: {error}")
    _raise(wrong)
    if not preferences:
        raise InputError(f"{path} holds no preferences")
    return preferences


def _conversation(row: dict[str, Any]) -> list[Message]:
    for name in ("messages", "conversations"):
        if row.get(name):
            begun = [Message("system", row["system"].strip())] if isinstance(row.get("system"), str) else []
            turns = _messages(row[name], name)
            return turns if turns[0].role == "system" or not begun or not begun[0].content else begun + turns
    for asked, answered in QUESTIONS:
        if asked in row and answered in row:
            return [*_asked(row, asked), _message("assistant", row[answered])]
    pairs = ", ".join(f"{a} and {b}" for a, b in QUESTIONS)
    raise ValueError(f"needs messages, conversations, or {pairs}; its fields are: {', '.join(map(str, row))}")


def _asked(row: dict[str, Any], name: str) -> list[Message]:
    """System prompt, turns before, and the question of a row of fields."""
    turns = [_message("system", row["system"])] if row.get("system") else []
    for pair in _parsed(row.get("history")) or []:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError("history is not a list of pairs (question, answer)")
        turns += [_message("user", pair[0]), _message("assistant", pair[1])]
    question = [_message("user", part).content for part in (row[name], row.get("input")) if part]
    if not any(question):
        raise ValueError(f"{name} is empty")
    return [*turns, Message("user", "\n".join(question))]


def _messages(value: Any, name: str) -> list[Message]:
    value = _parsed(value)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{name} is not a list of objects")
    return [_turn(item) for item in value]


def _turn(item: dict[str, Any]) -> Message:
    return _message(item.get("role", item.get("from")), item.get("content", item.get("value")))


def _message(role: Any, content: Any) -> Message:
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; known: {', '.join(ROLES)}")
    if isinstance(content, list) and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in content):
        content = "".join(p["text"] for p in content)  # OpenAI's list of parts
    if not isinstance(content, str):
        raise ValueError(f"the {role} turn is not text")
    return Message(ROLES[role], content.strip())


def _preference(row: dict[str, Any]) -> Preference:
    if "chosen" not in row or "rejected" not in row:
        raise ValueError(f"needs chosen and rejected; its fields are: {', '.join(map(str, row))}")
    prompt: list[Message] = []
    ends: list[str] = []
    for name in ("chosen", "rejected"):
        value = _parsed(row[name])
        if isinstance(value, list):
            turns = _messages(value, name)
        else:
            turns = [_turn(value) if isinstance(value, dict) else _message("assistant", value)]
        if turns[-1].role != "assistant" or not turns[-1].content:
            raise ValueError(f"{name} does not end in an answer")
        if ends and len(turns) > 1 and turns[:-1] != prompt:
            raise ValueError("chosen and rejected differ before their last turn")
        prompt = turns[:-1]
        ends.append(turns[-1].content)
    if ends[0] == ends[1]:
        raise ValueError("chosen and rejected are equal")
    given = _parsed(row.get("prompt"))
    if not prompt and isinstance(given, list):
        prompt = _messages(given, "prompt")
    elif not prompt:
        lists = [name for name in ("messages", "conversations") if row.get(name)]
        fields = [name for name in ("prompt", "question", "instruction", "query") if isinstance(row.get(name), str)]
        if lists:
            prompt = _messages(row[lists[0]], lists[0])
        elif fields:
            prompt = _asked(row, fields[0])
    if not any(m.role == "user" for m in prompt):
        raise ValueError("no prompt: a preference needs prompt, question, instruction, messages or conversations")
    return Preference(tuple(prompt), ends[0], ends[1])


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
