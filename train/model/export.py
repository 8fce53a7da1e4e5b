"""Export: a folder that transformers, vLLM and llama.cpp's converter read as a plain Qwen3 (Qwen2, Llama, GPT-2) model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from ...curate.errors import InputError
from ..loop.checkpoint import WEIGHTS, load_model
from ..tokenizer.bpe import Tokenizer
from .hf_format import config_to_hf, tensors_to_hf
from .presets import ModelConfig


def export_hf(run: str | Path, output: str | Path, *, overwrite: bool = False) -> Path:
    """Write a run's best checkpoint to `output` as a Hugging Face folder; returns `output`.

    What was trained here is a Qwen3 model; what was imported (`import_hf`) is saved in the format it came in.

    The folder appears whole or not at all. Raises InputError if `output` is there already (unless `overwrite`) or the
    run is a classifier, whose head that format cannot hold.
    """
    output = Path(output)
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists: choose another folder, or pass overwrite")
    model, tokenizer, extra = load_model(run)
    if extra:
        raise InputError(
            f"{run} is a classifier ({', '.join(sorted(extra))}): a language model's export would lose its head; "
            "use it through corpusmill.train.classify"
        )
    draft = output.with_name(f".{output.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    tensors = tensors_to_hf(model.config, model.state_dict())
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, draft / WEIGHTS, {"format": "pt"})
    tokenizer.save(draft, model.config.context)
    _write(draft / "config.json", hf_config(model.config, tokenizer))
    _write(
        draft / "generation_config.json",
        {
            "bos_token_id": tokenizer.end_of_text,
            # Chat ends a turn with <|im_end|>, plain text ends with <|endoftext|>.
            "eos_token_id": [tokenizer.im_end, tokenizer.end_of_text],
            "pad_token_id": tokenizer.pad,
            "do_sample": True,
            "temperature": 0.8,
            "top_p": 0.95,
        },
    )
    if output.exists():
        shutil.rmtree(output)
    draft.rename(output)
    return output


def hf_config(config: ModelConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """config.json of the model's architecture."""
    return config_to_hf(config) | {
        "bos_token_id": tokenizer.end_of_text,
        "eos_token_id": tokenizer.end_of_text,
        "pad_token_id": tokenizer.pad,
    }


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")
