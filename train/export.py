"""Export: a folder that transformers, vLLM and llama.cpp's converter read as a plain Qwen3 model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..curate.errors import InputError
from .checkpoint import WEIGHTS, load_model, save_weights
from .presets import ModelConfig
from .tokenizer import Tokenizer


def export_hf(run: str | Path, output: str | Path, *, overwrite: bool = False) -> Path:
    """Write a run's best checkpoint to `output` as a Hugging Face Qwen3 folder; returns `output`.

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
    save_weights(draft, model)
    (draft / "model.json").unlink()
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
    if not (draft / WEIGHTS).is_file():
        raise AssertionError("save_weights wrote no weights")
    if output.exists():
        shutil.rmtree(output)
    draft.rename(output)
    return output


def hf_config(config: ModelConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """config.json of Qwen3ForCausalLM."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        # Always stated: Qwen3's default is 128, not hidden_size / heads.
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        # transformers 5 reads the second, older readers the first.
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "rope_scaling": None,
        "tie_word_embeddings": config.tie_embeddings,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "sliding_window": None,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": tokenizer.end_of_text,
        "eos_token_id": tokenizer.end_of_text,
        "pad_token_id": tokenizer.pad,
        "dtype": "float32",
        "torch_dtype": "float32",
    }


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")
