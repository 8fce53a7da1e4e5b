"""Vocabularies of others, where they are on this machine already: what a new tokenizer is compared with.

Nothing is downloaded. Looked for are the ranks of Qwen that the package `dashscope` ships, those of cl100k that `litellm`
ships, files that tiktoken has kept, and Qwen tokenizers in Hugging Face's cache.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from ...curate.errors import InputError

CL100K_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""tiktoken's pattern for cl100k (openai_public.py). Qwen's differs in digits alone, one a token."""

KEPT_BY_TIKTOKEN = {
    name: hashlib.sha1(f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken".encode()).hexdigest()
    for name in ("cl100k_base", "o200k_base")
}
"""tiktoken names a file in its cache by the hash of its address."""

Encode = Callable[[Sequence[str]], list[int]]
"""Numbers of tokens of texts."""


def installed() -> dict[str, Path]:
    """Names and files of the vocabularies found on this machine."""
    found: dict[str, Path] = {}
    for package, name, file in (
        ("dashscope", "qwen (dashscope)", "resources/qwen.tiktoken"),
        ("litellm", "cl100k (litellm)", f"litellm_core_utils/tokenizers/{KEPT_BY_TIKTOKEN['cl100k_base']}"),
    ):
        spec = find_spec(package)  # finds a package without running it
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if (Path(folder) / file).is_file():
                found[name] = Path(folder) / file
    given = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    kept = Path(given) if given else Path(tempfile.gettempdir()) / "data-gym-cache"
    found |= {f"{name} (tiktoken)": kept / file for name, file in KEPT_BY_TIKTOKEN.items() if (kept / file).is_file()}
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    for path in sorted(home.glob("hub/models--Qwen--*/snapshots/*/tokenizer.json")):
        found[f"{path.parts[-4].removeprefix('models--').replace('--', '/')} (Hugging Face)"] = path
    return found


def counter(path: str | Path) -> Encode:
    """Counts tokens with the vocabulary of a file: a tokenizer.json (or its folder), or tiktoken's ranks.

    Raises InputError if it is neither.
    """
    path = Path(path)
    path = path / "tokenizer.json" if path.is_dir() else path
    try:
        if path.suffix == ".json":
            backend = tokenizers.Tokenizer.from_file(str(path))
        else:
            backend = _from_ranks(path, digits=1 if "qwen" in path.name else 3)
    except Exception as error:  # the Rust side raises bare Exception
        raise InputError(
            f"{path} cannot be read as a vocabulary ({error}): give a tokenizer.json or a .tiktoken file"
        ) from error
    backend.no_padding()
    backend.no_truncation()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def _from_ranks(path: Path, digits: int) -> Any:
    """A BPE of tiktoken's file: a token in base64 and its rank, a line each."""
    ranks: dict[bytes, int] = {}
    for line in path.read_bytes().splitlines():
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise ValueError(f"{line[:40]!r} is not a token and its rank") from error
    if not ranks:
        raise ValueError("it is empty")
    letters = _byte_letters()
    vocab = {"".join(letters[b] for b in token): rank for token, rank in ranks.items()}
    # tiktoken keeps no merges. A token's last one is what is left when its bytes are merged by the ranks below its own.
    merges: list[tuple[str, str]] = []
    for token, limit in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1 and len(parts := _merge_below(ranks, token, limit)) == 2:
            left, right = ("".join(letters[b] for b in part) for part in parts)
            merges.append((left, right))
    backend = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=merges))
    split = CL100K_SPLIT if digits == 3 else CL100K_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def _merge_below(ranks: dict[bytes, int], token: bytes, limit: int) -> list[bytes]:
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        rank, at = min((ranks.get(parts[i] + parts[i + 1], limit), i) for i in range(len(parts) - 1))
        if rank >= limit:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _byte_letters() -> dict[int, str]:
    """GPT-2's letter for each byte: itself where it prints, else one from U+0100 on."""
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in printing}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(0x100 + i) for i, byte in enumerate(others)}
