"""Labelled texts, conversations and preferences of any common shape, and what is checked before anything is trained."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from ...curate.errors import InputError
from .rows import read_rows

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
        value, name = row[text], _label(parsed(row[label]))
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"{where}: {text} is empty or not text")
        elif isinstance(name, list) and all(isinstance(n, str | int | float) and str(n).strip() for n in name):
            found.append((where, value, sorted({str(_label(n)).strip() for n in name})))
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


def read_texts(path: str | Path, text: str | None = None) -> list[str]:
    """The texts of a file, labels or none; the field is told from TEXT_FIELDS where it is not named."""
    texts = []
    for where, row in read_rows(path):
        value = row[_field(row, text, TEXT_FIELDS, "text", where)]
        if not isinstance(value, str):
            raise InputError(f"{where} has no text in its field for the text; its fields are: {', '.join(row)}")
        texts.append(value)
    return texts


def _field(row: dict[str, Any], given: str | None, known: Sequence[str], what: str, where: str) -> str:
    names = (given,) if given is not None else known
    for name in names:
        if name in row:
            return name
    wanted = f"no field {given!r}" if given is not None else f"no field for the {what} ({', '.join(known)})"
    raise InputError(f"{where} has {wanted}; its fields are: {', '.join(map(str, row))}. Name it with --{what}")


def _label(value: Any) -> Any:
    """A label that pandas made a float (1.0, nan) because some cells were empty, as what it was."""
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else None if math.isnan(value) else value


def parsed(value: Any) -> Any:
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
            return _begun(row, _messages(row[name], name))
    for asked, answered in QUESTIONS:
        if asked in row and answered in row:
            return _begun(row, [*_asked(row, asked), _message("assistant", row[answered])])
    pairs = ", ".join(f"{a} and {b}" for a, b in QUESTIONS)
    raise ValueError(f"needs messages, conversations, or {pairs}; its fields are: {', '.join(map(str, row))}")


def _begun(row: dict[str, Any], turns: list[Message]) -> list[Message]:
    """The turns behind the row's system prompt, unless they have one; `tools` are listed at its end."""
    own = turns[0].content if turns[0].role == "system" else ""
    rest = turns[1:] if turns[0].role == "system" else turns
    parts = [own or (_message("system", row["system"]).content if row.get("system") else "")]
    tools = parsed(row.get("tools"))
    if tools:
        listed = [json.dumps(tool, ensure_ascii=False) for tool in tools] if isinstance(tools, list) else [str(tools)]
        parts.append("\n".join(["<tools>", *listed, "</tools>"]))
    said = "\n\n".join(part for part in parts if part)
    return [Message("system", said), *rest] if said else rest


def _asked(row: dict[str, Any], name: str) -> list[Message]:
    """Turns before, and the question of a row of fields."""
    turns = []
    for pair in parsed(row.get("history")) or []:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError("history is not a list of pairs (question, answer)")
        turns += [_message("user", pair[0]), _message("assistant", pair[1])]
    question = [_message("user", part).content for part in (row[name], row.get("input")) if part]
    if not any(question):
        raise ValueError(f"{name} is empty")
    return [*turns, Message("user", "\n".join(question))]


def _messages(value: Any, name: str) -> list[Message]:
    value = parsed(value)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{name} is not a list of objects")
    return [_turn(item) for item in value]


def _turn(item: dict[str, Any]) -> Message:
    content = item.get("content", item.get("value"))
    calls = item.get("tool_calls") or ([item["function_call"]] if isinstance(item.get("function_call"), dict) else [])
    if calls:  # OpenAI's shape, whose content may be null; as ShareGPT's function_call writes them
        content = "\n".join([*([content] if isinstance(content, str) and content.strip() else []), *map(_call, calls)])
    return _message(item.get("role", item.get("from")), content)


def _call(call: Any) -> str:
    """A tool call as one line of JSON: name and arguments."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ValueError("a tool call has no function with a name")
    given = function.get("arguments", {})
    with suppress(json.JSONDecodeError):  # what a model wrote that is no JSON is learnt as it stands
        given = json.loads(given) if isinstance(given, str) else given
    return json.dumps({"name": function["name"], "arguments": given}, ensure_ascii=False)


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
        value = parsed(row[name])
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
    given = parsed(row.get("prompt"))
    if not prompt and isinstance(given, list):
        prompt = _messages(given, "prompt")
    elif not prompt:
        lists = [name for name in ("messages", "conversations") if row.get(name)]
        fields = [name for name in ("prompt", "question", "instruction", "query") if isinstance(row.get(name), str)]
        if lists:
            prompt = _messages(row[lists[0]], lists[0])
        elif fields:
            prompt = _asked(row, fields[0])
    if prompt:
        prompt = _begun(row, prompt)
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
