"""Import: a Hugging Face folder (Qwen3, Qwen2, Llama, GPT-2) becomes a model of ours, to continue from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...curate.errors import InputError
from ..loop.checkpoint import save_weights
from ..tokenizer.bpe import END_OF_TEXT, IM_END, IM_START, PAD, Tokenizer
from .gpt import GPT
from .hf_format import config_from_hf, tensors_from_hf
from .presets import ModelConfig


def load_hf_model(folder: str | Path) -> GPT:
    """The model of a folder that holds config.json and safetensors, in float32, ready to evaluate.

    Raises InputError on another architecture, an option it does not share with ours, or weights that do not fit.
    """
    return _model(*_read(Path(folder)))


def import_hf(source: str | Path, output: str | Path, *, overwrite: bool = False) -> Path:
    """Make a Hugging Face folder into one that fine-tuning and pretraining take as their base; returns `output`.

    The control tokens that our chat and packing use (`<|endoftext|>`, `<|im_start|>`, `<|im_end|>`, `<|pad|>`) are added to
    the tokenizer where it lacks them: as ids that the embedding has rows for, else as new rows. `<|endoftext|>` and
    `<|im_end|>` begin as what the model's own end of text is, the others as the mean of all rows. Whatever the model knew
    keeps its ids and its scores. Raises InputError if `output` is there already (unless `overwrite`), or as `load_hf_model`.
    """
    source, output = Path(source), Path(output)
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists: choose another folder, or pass overwrite")
    config, tensors, about = _read(source)
    backend = _tokenizer(source)
    end = _end_of_text(about, backend)
    size = config.vocab_size
    for token in (END_OF_TEXT, IM_START, IM_END, PAD):
        if backend.token_to_id(token) is None:
            backend.add_special_tokens([token])
            config, tensors = _with_row(config, tensors, backend.token_to_id(token), size, _like(token, end))
    model = _model(config, tensors, about)
    draft = output.with_name(f".{output.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_weights(draft, model)
    Tokenizer(backend).save(draft, config.context)
    if output.exists():
        shutil.rmtree(output)
    draft.rename(output)
    return output


def _read(folder: Path) -> tuple[ModelConfig, dict[str, Tensor], dict[str, Any]]:
    from safetensors.torch import load_file

    try:
        about: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} has no readable config.json ({error}): name a Hugging Face model folder") from error
    config = config_from_hf(about)
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    else:
        names = ["model.safetensors"]
    tensors: dict[str, Tensor] = {}
    for name in names:
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name} is missing: weights must be in safetensors; save the model again with "
                "save_pretrained(safe_serialization=True) where it has pytorch_model.bin only"
            )
        tensors |= load_file(folder / name)
    return config, tensors_from_hf(config, tensors), about


def _model(config: ModelConfig, tensors: dict[str, Tensor], about: dict[str, Any]) -> GPT:
    # Weights are not drawn at random first, to be thrown away: a gigabyte of them takes a while.
    with torch.device("meta"):
        model = GPT(config)
    model = model.to_empty(device="cpu")
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error)[:400]  # it may list every tensor there is
        raise InputError(f"the weights do not fit this {about['model_type']} config.json: {reason}") from error
    return model.eval()


def _tokenizer(folder: Path) -> Any:
    import tokenizers

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(
            f"no tokenizer.json in {folder}: transformers writes one with "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
        )
    return tokenizers.Tokenizer.from_file(str(path))


def _end_of_text(about: dict[str, Any], backend: Any) -> int | None:
    end = about.get("eos_token_id")
    end = end[0] if isinstance(end, list) and end else end
    if isinstance(end, int):
        return end
    found = backend.token_to_id(END_OF_TEXT)
    return found if found is None else int(found)


def _like(token: str, end: int | None) -> int | None:
    """The row a new token begins as; None for the mean of all."""
    return end if token in (END_OF_TEXT, IM_END) else None


def _with_row(
    config: ModelConfig, tensors: dict[str, Tensor], token: int, size: int, like: int | None
) -> tuple[ModelConfig, dict[str, Tensor]]:
    """The model with a row for a new token id, in both embeddings; `size` is how many it came with."""
    tensors = dict(tensors)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        if name not in tensors:
            continue
        matrix = tensors[name]
        row = matrix[:size].mean(dim=0) if like is None else matrix[like]
        if token < len(matrix):
            matrix = matrix.clone()
        else:
            matrix = torch.cat([matrix, matrix[:size].mean(dim=0).expand(token + 1 - len(matrix), -1)])
        matrix[token] = row
        tensors[name] = matrix
    rows = max(config.vocab_size, token + 1)
    return ModelConfig(**{**config.model_dump(), "vocab_size": rows}), tensors
