"""The tokenizer: byte-level BPE in the files that Hugging Face readers expect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
import xxhash

from ...curate.errors import InputError

END_OF_TEXT, IM_START, IM_END, PAD = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
SPECIAL_TOKENS = [END_OF_TEXT, IM_START, IM_END, PAD, *(f"<|reserved_{i}|>" for i in range(12))]
"""Control tokens, ids 0 to 15. The form <|...|> is what llama.cpp takes for a control token; the reserved ones are for
whoever fine-tunes for tools or other roles later."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + (message['content'] | trim) + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML. Without `{% generation %}`: several loaders fail on it, and our loss masks are built in code."""

NO_LIMIT = 1 << 30


class Tokenizer:
    """Text to ids and back. Ordinary text that spells a control token, such as "<|im_end|>", stays ordinary text."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        # Otherwise a document that quotes "<|endoftext|>" would end there, and a user could close a chat turn.
        backend.encode_special_tokens = True
        backend.no_padding()
        backend.no_truncation()
        ids = [backend.token_to_id(token) for token in (END_OF_TEXT, IM_START, IM_END, PAD)]
        if None in ids:
            raise InputError(
                f"the tokenizer lacks one of the control tokens {END_OF_TEXT}, {IM_START}, {IM_END}, {PAD}: "
                "train one with `corpusmill train tokenizer`"
            )
        self.end_of_text, self.im_start, self.im_end, self.pad = ids

    @classmethod
    def load(cls, folder: str | Path) -> Tokenizer:
        """Read `tokenizer.json` from a folder. Raises InputError if it is missing or unreadable."""
        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise InputError(f"no tokenizer.json in {folder}: train one with `corpusmill train tokenizer`")
        try:
            return cls(tokenizers.Tokenizer.from_file(str(path)))
        except InputError:
            raise
        except Exception as error:  # the Rust side raises bare Exception
            raise InputError(f"{path} cannot be read as a tokenizer ({error}): train it again") from error

    def __len__(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, no control tokens added."""
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, for many texts, on all cores."""
        return [e.ids for e in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens left out; ids past the vocabulary (padding rows of the model) too."""
        size = len(self)
        return str(self._backend.decode([i for i in ids if i < size], skip_special_tokens=True))

    def fingerprint(self) -> str:
        """A hash of all that decides how text becomes ids."""
        return xxhash.xxh3_128_hexdigest(self._backend.to_str().encode())

    def save(self, folder: str | Path, context: int | None = None) -> None:
        """Write tokenizer.json, tokenizer_config.json and chat_template.jinja."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._backend.save(str(folder / "tokenizer.json"))
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": context or NO_LIMIT,
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "pad_token": PAD,
            "clean_up_tokenization_spaces": False,
            "additional_special_tokens": [t for t in SPECIAL_TOKENS if t not in (END_OF_TEXT, PAD)],
            "chat_template": CHAT_TEMPLATE,
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2), "utf-8")
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, "utf-8")
