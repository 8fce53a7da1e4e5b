"""The tokenizer: byte-level BPE trained on a sample of the corpus, in the files that Hugging Face readers expect."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import tokenizers
import xxhash
from tokenizers import decoders, models, pre_tokenizers, trainers

from ..curate.errors import InputError
from .corpus import bytes_by_language, read_split, split_files

END_OF_TEXT, IM_START, IM_END, PAD = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
SPECIAL_TOKENS = [END_OF_TEXT, IM_START, IM_END, PAD, *(f"<|reserved_{i}|>" for i in range(12))]
"""Control tokens, ids 0 to 15. The form <|...|> is what llama.cpp takes for a control token; the reserved ones are for
whoever fine-tunes for tools or other roles later."""

QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's pattern (its tokenizer.json): one digit a token, and a regex that llama.cpp and vLLM know by name."""

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


def train_tokenizer(
    corpus: str | Path,
    output: str | Path,
    *,
    vocab_size: int = 16384,
    sample_bytes: int = 24 << 20,
    progress: bool | None = None,
) -> Tokenizer:
    """Train a byte-level BPE on `<corpus>/train` and write it to `output`, with `report.json` beside it.

    At most `sample_bytes` of text are read into the trainer, shared so that no language crowds out another (see
    `shares`); the documents are chosen evenly over the corpus, so two runs give the same tokenizer. The report gives
    bytes per token by language on the validation split (on train, where there is none).
    """
    corpus, output = Path(corpus), Path(output)
    if vocab_size < 256 + len(SPECIAL_TOKENS):
        raise InputError(
            f"vocab_size is {vocab_size}; byte-level BPE needs at least {256 + len(SPECIAL_TOKENS)}: "
            "256 bytes and the control tokens"
        )
    sizes = bytes_by_language(corpus, "train")
    if not sizes:
        raise InputError(f"the corpus {corpus} has no text in train: a tokenizer needs documents to learn from")
    budget = shares(sizes, sample_bytes)
    backend = tokenizers.Tokenizer(models.BPE(byte_fallback=False))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(
        _sample(corpus, sizes, budget),
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            special_tokens=SPECIAL_TOKENS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            # A run of Chinese is one piece until the next mark; without a bound whole sentences become tokens.
            max_token_length=24,
            show_progress=sys.stderr.isatty() if progress is None else progress,
        ),
    )
    tokenizer = Tokenizer(backend)
    tokenizer.save(output)
    split = "validation" if any((corpus / "validation").glob("*.parquet")) else "train"
    report = {
        "vocab_size": len(tokenizer),
        "sampled_bytes": budget,
        "bytes_per_token": bytes_per_token(tokenizer, corpus, split),
        "measured_on": split,
    }
    (output / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    return tokenizer


def shares(sizes: dict[str, int], total: int) -> dict[str, int]:
    """How many of `total` bytes each language gives: equal parts, what one cannot fill going to the others."""
    left, given = total, {}
    waiting = sorted(sizes, key=lambda language: (sizes[language], language))
    for i, language in enumerate(waiting):
        given[language] = min(sizes[language], left // (len(waiting) - i))
        left -= given[language]
    return dict(sorted(given.items()))


def bytes_per_token(tokenizer: Tokenizer, corpus: str | Path, split: str, limit: int = 4 << 20) -> dict[str, float]:
    """UTF-8 bytes that a token stands for, by language and in `all`, on at most about `limit` bytes a language."""
    corpus = Path(corpus)
    split_files(corpus, split)
    size: dict[str, int] = {}
    count: dict[str, int] = {}
    for texts, languages in read_split(corpus, split):
        lengths = pc.binary_length(texts).to_pylist()
        rows = [i for i, language in enumerate(languages) if size.get(language, 0) < limit]
        strings = texts.to_pylist()
        for i, ids in zip(rows, tokenizer.encode_batch([strings[i] for i in rows]), strict=True):
            size[languages[i]] = size.get(languages[i], 0) + lengths[i]
            count[languages[i]] = count.get(languages[i], 0) + len(ids)
    table = {language: size[language] / count[language] for language in sorted(size)}
    if count:
        table["all"] = sum(size.values()) / sum(count.values())
    return table


def _sample(corpus: Path, sizes: dict[str, int], budget: dict[str, int]) -> Iterator[str]:
    """Texts spread evenly over the corpus: a document is taken whenever its language has fallen behind its share."""
    seen = dict.fromkeys(sizes, 0)
    taken = dict.fromkeys(sizes, 0)
    for texts, languages in read_split(corpus, "train"):
        for text, language, size in zip(texts.to_pylist(), languages, pc.binary_length(texts).to_pylist(), strict=True):
            seen[language] += size
            if taken[language] * sizes[language] <= budget[language] * (seen[language] - size):
                taken[language] += size
                yield text
