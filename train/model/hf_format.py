"""Hugging Face's config.json and tensors, to our shape and names and back: Qwen3, Qwen2, Llama, GPT-2.

Ours are Qwen3's names; Qwen2 and Llama use the same. GPT-2 stores queries, keys and values as one matrix, and every
matrix input first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...curate.errors import InputError
from .presets import ModelConfig, RopeScaling

ARCHITECTURES = {
    "qwen3": "Qwen3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gpt2": "GPT2LMHeadModel",
}

Json = dict[str, Any]


def config_to_hf(config: ModelConfig) -> Json:
    """config.json for a model of this shape, without the tokenizer's ids."""
    common = {
        "architectures": [ARCHITECTURES[config.architecture]],
        "model_type": config.architecture,
        "vocab_size": config.vocab_size,
        "initializer_range": 0.02,
        "tie_word_embeddings": config.tie_embeddings,
        "use_cache": True,
        "dtype": "float32",
        "torch_dtype": "float32",
    }
    if config.architecture == "gpt2":
        return common | {
            "n_embd": config.hidden_size,
            "n_inner": config.intermediate_size,
            "n_layer": config.layers,
            "n_head": config.heads,
            "n_positions": config.context,
            "n_ctx": config.context,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": config.norm_eps,
            **dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), config.dropout),
        }
    scaling = _rope_to_hf(config)
    found = common | {
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
        # transformers 5 reads rope_parameters, older readers the other two.
        "rope_theta": config.rope_theta,
        "rope_scaling": scaling,
        "rope_parameters": {"rope_theta": config.rope_theta, **(scaling or {"rope_type": "default"})},
        "attention_dropout": config.dropout,
        "attention_bias": False,
    }
    if config.architecture == "llama":
        if config.sliding_window is not None:
            raise InputError("Llama's format has no sliding window: export with architecture qwen3 or without a window")
        return found | {"mlp_bias": False}
    windowed = [i for i in range(config.layers) if config.sliding_window and i not in config.full_attention_layers]
    return found | {
        "use_sliding_window": bool(windowed),
        "sliding_window": config.sliding_window if windowed else None,
        # The older field can say only "from this layer on"; readers that know layer_types go by those.
        "max_window_layers": min(windowed, default=config.layers),
        "layer_types": ["sliding_attention" if i in windowed else "full_attention" for i in range(config.layers)],
    }


def config_from_hf(about: Mapping[str, Any]) -> ModelConfig:
    """Our shape for a config.json. Raises InputError that names what this model cannot express."""
    kind = about.get("model_type")
    if kind not in ARCHITECTURES:
        raise InputError(f"cannot load a model of type {kind!r}: {', '.join(ARCHITECTURES)} are supported")
    if kind == "gpt2":
        _refuse(
            about,
            activation_function=("gelu_new", "gelu_pytorch_tanh"),
            scale_attn_weights=(True,),
            scale_attn_by_inverse_layer_idx=(False,),
            add_cross_attention=(False,),
        )
        width, heads = int(about["n_embd"]), int(about["n_head"])
        return ModelConfig(
            architecture="gpt2",
            vocab_size=about["vocab_size"],
            hidden_size=width,
            intermediate_size=about.get("n_inner") or 4 * width,
            layers=about["n_layer"],
            heads=heads,
            kv_heads=heads,
            head_dim=width // heads,
            context=about.get("n_positions", 1024),
            norm_eps=about.get("layer_norm_epsilon", 1e-5),
            tie_embeddings=about.get("tie_word_embeddings", True),
        )
    _refuse(about, hidden_act=("silu",), mlp_bias=(False,), attention_bias=(kind == "qwen2", False))
    heads, layers = int(about["num_attention_heads"]), int(about["num_hidden_layers"])
    theta, scaling = _rope_from_hf(about)
    window = about.get("sliding_window") if about.get("use_sliding_window") else None
    full: tuple[int, ...] = ()
    if window is not None:
        types = about.get("layer_types") or [
            "sliding_attention" if i >= about.get("max_window_layers", 28) else "full_attention" for i in range(layers)
        ]
        full = tuple(i for i, name in enumerate(types) if name == "full_attention")
    return ModelConfig(
        architecture=kind,
        vocab_size=about["vocab_size"],
        hidden_size=about["hidden_size"],
        intermediate_size=about["intermediate_size"],
        layers=layers,
        heads=heads,
        kv_heads=about.get("num_key_value_heads") or heads,
        head_dim=about.get("head_dim") or (128 if kind == "qwen3" else about["hidden_size"] // heads),
        context=about["max_position_embeddings"],
        sliding_window=window,
        full_attention_layers=full,
        rope_theta=theta,
        rope_scaling=scaling,
        norm_eps=about.get("rms_norm_eps", 1e-6),
        tie_embeddings=about.get("tie_word_embeddings", False),
    )


def _refuse(about: Mapping[str, Any], **allowed: tuple[Any, ...]) -> None:
    for name, values in allowed.items():
        if about.get(name, values[0]) not in values:
            raise InputError(
                f"cannot load this {about['model_type']} model: {name} is {about[name]!r}, "
                f"and only {' or '.join(repr(value) for value in values)} is supported"
            )


def _rope_to_hf(config: ModelConfig) -> Json | None:
    scaling = config.rope_scaling
    if scaling is None:
        return None
    if scaling.kind == "linear":
        return {"rope_type": "linear", "factor": scaling.factor}
    return {
        "rope_type": "llama3",
        "factor": scaling.factor,
        "low_freq_factor": scaling.low_frequency,
        "high_freq_factor": scaling.high_frequency,
        "original_max_position_embeddings": scaling.original_context,
    }


def _rope_from_hf(about: Mapping[str, Any]) -> tuple[float, RopeScaling | None]:
    """Base and scaling, from rope_parameters (transformers 5) or rope_theta and rope_scaling (before)."""
    rope: Json = {**(about.get("rope_scaling") or {}), **(about.get("rope_parameters") or {})}
    theta = float(rope.get("rope_theta") or about.get("rope_theta") or 10000.0)
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return theta, None
    if kind == "linear":
        return theta, RopeScaling(kind="linear", factor=rope["factor"])
    if kind == "llama3":
        return theta, RopeScaling(
            kind="llama3",
            factor=rope["factor"],
            low_frequency=rope["low_freq_factor"],
            high_frequency=rope["high_freq_factor"],
            original_context=rope.get("original_max_position_embeddings") or about["max_position_embeddings"],
        )
    raise InputError(
        f"cannot load this model: its rotary positions are of type {kind!r}; linear and llama3 are supported"
    )


GPT2_TOP = {
    "wte.weight": "model.embed_tokens.weight",
    "wpe.weight": "model.embed_positions.weight",
    "ln_f.weight": "model.norm.weight",
    "ln_f.bias": "model.norm.bias",
}
GPT2_LAYER = {
    "ln_1": ("input_layernorm",),
    "attn.c_attn": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attn.c_proj": ("self_attn.o_proj",),
    "ln_2": ("post_attention_layernorm",),
    "mlp.c_fc": ("mlp.up_proj",),
    "mlp.c_proj": ("mlp.down_proj",),
}
"""GPT-2's name of a layer's part, and ours; several of ours stand side by side in one of theirs."""


def tensors_to_hf(config: ModelConfig, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of ours under the format's own names."""
    if config.architecture != "gpt2":
        return dict(tensors)
    found = {f"transformer.{theirs}": tensors[ours] for theirs, ours in GPT2_TOP.items()}
    for layer in range(config.layers):
        for theirs, ours in GPT2_LAYER.items():
            for kind in ("weight", "bias"):
                parts = [tensors[f"model.layers.{layer}.{name}.{kind}"] for name in ours]
                matrix = parts[0].dim() == 2
                found[f"transformer.h.{layer}.{theirs}.{kind}"] = torch.cat(
                    [p.T if matrix else p for p in parts], dim=-1
                )
    if not config.tie_embeddings:
        found["lm_head.weight"] = tensors["lm_head.weight"]
    return found


def tensors_from_hf(config: ModelConfig, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's tensors under our names, float32. What a model does not need is left out."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.float()
        if config.architecture == "gpt2":
            found |= _from_gpt2(name.removeprefix("transformer."), tensor)
        else:
            found[name] = tensor
    if config.tie_embeddings:
        # Some writers store the shared matrix twice.
        found.pop("lm_head.weight", None)
    elif "lm_head.weight" not in found:
        raise InputError("the checkpoint has no lm_head.weight although its config says the embeddings are not tied")
    return {name: tensor for name, tensor in found.items() if not name.endswith("rotary_emb.inv_freq")}


def _from_gpt2(name: str, tensor: Tensor) -> dict[str, Tensor]:
    if name in GPT2_TOP:
        return {GPT2_TOP[name]: tensor}
    match = re.fullmatch(r"h\.(\d+)\.(.+)\.(weight|bias)", name)
    if match is None or match[2] not in GPT2_LAYER:
        # attn.bias and attn.masked_bias of old files are causal masks, not weights.
        return {} if re.search(r"attn\.(masked_)?bias$", name) else {name: tensor}
    ours = GPT2_LAYER[match[2]]
    parts = (tensor.T if tensor.dim() == 2 else tensor).chunk(len(ours))
    return {
        f"model.layers.{match[1]}.{part}.{match[3]}": piece.contiguous()
        for part, piece in zip(ours, parts, strict=True)
    }
