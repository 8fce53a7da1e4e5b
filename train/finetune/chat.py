"""Conversations as token ids with a mask: ChatML, loss on the answers only, several conversations packed in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch

from ..data.batches import Batch
from ..loop.progress import console
from ..model.gpt import IGNORE
from ..tokenizer.bpe import END_OF_TEXT, IM_END, IM_START, PAD, Tokenizer
from .samples import Message


@dataclass(frozen=True, slots=True)
class Encoded:
    """Ids of a conversation, and for each id whether it is the assistant's."""

    ids: list[int]
    answer: list[bool]


def encode_conversation(tokenizer: Tokenizer, messages: Sequence[Message]) -> Encoded:
    """A conversation in ChatML: the ids that the chat template gives, the assistant's words and `<|im_end|>` marked.

    Contents are encoded as ordinary text, so no user can close a turn by writing "<|im_end|>".
    """
    ids: list[int] = []
    answer: list[bool] = []

    def add(piece: list[int], marked: bool) -> None:
        ids.extend(piece)
        answer.extend([marked] * len(piece))

    newline = tokenizer.encode("\n")
    for message in messages:
        content = message.content.strip()
        if message.role == "assistant":
            # Cut where generation will begin; elsewhere role and content are encoded in one piece, as the template's
            # reader does.
            add([tokenizer.im_start, *tokenizer.encode("assistant\n")], False)
            # A turn without words would teach to say nothing.
            add([*tokenizer.encode(content), tokenizer.im_end], bool(content))
        else:
            add([tokenizer.im_start, *tokenizer.encode(f"{message.role}\n{content}"), tokenizer.im_end], False)
        add(newline, False)
    return Encoded(ids, answer)


def encode_conversations(
    tokenizer: Tokenizer, conversations: Sequence[Sequence[Message]], context: int
) -> tuple[list[Encoded], dict[str, int]]:
    """Conversations of at most `context` tokens, and what was cut: `truncated` were kept without their end, `refused` had
    no answer left, `tokens_cut` is what the kept ones lost."""
    kept = []
    truncated = refused = tokens_cut = 0
    for messages in conversations:
        encoded = encode_conversation(tokenizer, messages)
        cut = Encoded(encoded.ids[:context], encoded.answer[:context])
        # The first id is never a target.
        if not any(cut.answer[1:]):
            refused += 1
            continue
        lost = max(0, len(encoded.ids) - context)
        truncated += lost > 0
        tokens_cut += lost
        kept.append(cut)
    return kept, {"truncated": truncated, "refused": refused, "tokens_cut": tokens_cut}


def spans(tokenizer: Tokenizer, encoded: Encoded) -> list[tuple[str, bool]]:
    """The text of a conversation in pieces, each with whether it is learnt; control tokens by their names."""
    controls = {
        tokenizer.end_of_text: END_OF_TEXT, tokenizer.im_start: IM_START, tokenizer.im_end: IM_END, tokenizer.pad: PAD
    }  # fmt: skip
    pieces: list[tuple[str, bool]] = []
    for learnt, run in groupby(range(len(encoded.ids)), key=lambda i: encoded.answer[i]):
        text = ""
        for control, some in groupby((encoded.ids[i] for i in run), key=lambda token: controls.get(token)):
            # Decoded together, since a Chinese character may be several tokens.
            tokens = list(some)
            text += control * len(tokens) if control else tokenizer.decode(tokens)
        pieces.append((text, learnt))
    return pieces


def show(tokenizer: Tokenizer, items: Sequence[Encoded], limit: int) -> None:
    """Print samples as the model sees them: what is learnt in green, the rest dim. A sample of `limit` tokens was perhaps cut."""
    from rich.text import Text

    for number, item in enumerate(items, 1):
        learnt = sum(item.answer)
        cut = ", cut at the limit" if len(item.ids) >= limit else ""
        text = Text()
        text.append(f"sample {number}: {len(item.ids)} tokens, {learnt} of them learnt{cut}\n", style="bold")
        for piece, is_learnt in spans(tokenizer, item):
            text.append(piece, style="bold green" if is_learnt else "dim")
        console().print(text, highlight=False)


def pack(lengths: Sequence[int], context: int) -> list[list[int]]:
    """Items put into rows of at most `context` tokens: each into the first of the last few rows that has room."""
    rows: list[list[int]] = []
    room: list[int] = []
    for item, length in enumerate(lengths):
        for row in range(max(0, len(rows) - 32), len(rows)):
            if room[row] >= length:
                rows[row].append(item)
                room[row] -= length
                break
        else:
            rows.append([item])
            room.append(context - length)
    return rows


def rows_of(items: Sequence[Encoded], rows: Sequence[Sequence[int]], context: int, pad: int) -> Batch:
    """The packed rows as tensors, cut to the longest; each conversation a segment, targets on answers only."""
    width = min(context, max(sum(len(items[i].ids) for i in row) for row in rows))
    tokens = np.full((len(rows), width), pad, dtype=np.int64)
    segments = np.full((len(rows), width), -1, dtype=np.int64)
    targets = np.full((len(rows), width), IGNORE, dtype=np.int64)
    for r, row in enumerate(rows):
        at = 0
        for number, i in enumerate(row):
            ids, answer = np.array(items[i].ids), np.array(items[i].answer)
            end = at + len(ids)
            tokens[r, at:end], segments[r, at:end] = ids, number
            targets[r, at : end - 1] = np.where(answer[1:], ids[1:], IGNORE)
            at = end
    languages = np.where(segments >= 0, 0, -1)
    return Batch(*(torch.from_numpy(a) for a in (tokens, segments, targets, languages)))
