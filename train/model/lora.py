"""Low-rank adapters on every linear layer (LoRA, Hu et al. 2021), merged into the weights and saved in PEFT's format.

The model's own modules stay as they are: hooks add what an adapter gives, so the state dict keeps its names, tied
embeddings stay one matrix, and a checkpoint holds the untouched weights with the adapter beside them. Whoever loads the
checkpoint gets the merged model (`checkpoint.load_model`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from ...curate.errors import InputError
from .gpt import GPT

PREFIX = "lora."
SCALE = f"{PREFIX}scale"


class Adapter:
    """Adapters of a model's linear layers, attention and feed-forward; the model's own weights no longer train.

    A layer gives `W x + alpha / rank * B A dropout(x)`. B begins at zero, so nothing changes before the first step. The
    output head is left out, as PEFT's "all-linear" does: where it is tied it is the embedding.
    """

    def __init__(self, model: GPT, rank: int, alpha: float | None = None, dropout: float = 0.0) -> None:
        self.rank, self.alpha, self.dropout = rank, alpha if alpha is not None else 2.0 * rank, dropout
        self.scale = self.alpha / rank
        self.matrices: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        model.requires_grad_(False)
        self._hooks = []
        for name, layer in linear_layers(model).items():
            device = layer.weight.device
            down = nn.Parameter(torch.empty(rank, layer.in_features, device=device))
            nn.init.kaiming_uniform_(down, a=math.sqrt(5))  # PEFT's
            up = nn.Parameter(torch.zeros(layer.out_features, rank, device=device))
            self.matrices[name] = down, up
            self._hooks.append(layer.register_forward_hook(self._hook(down, up)))

    def _hook(self, down: Tensor, up: Tensor) -> Any:
        def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = F.dropout(inputs[0], self.dropout, layer.training) if self.dropout else inputs[0]
            return output + self.scale * F.linear(F.linear(x, down), up)

        return add

    def parameters(self) -> dict[str, nn.Parameter]:
        """What trains, by names that tell the layer."""
        pairs = self.matrices.items()
        return {f"{PREFIX}{name}.{side}": m for name, both in pairs for side, m in zip("AB", both, strict=True)}

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps beside the model's weights."""
        return {**self.parameters(), SCALE: torch.tensor(self.scale)}

    def detach(self) -> None:
        """Take the hooks away: the model is again what it was."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def about(self) -> dict[str, Any]:
        """For the report."""
        trained = sum(p.numel() for p in self.parameters().values())
        return {"rank": self.rank, "alpha": self.alpha, "dropout": self.dropout, "parameters": trained}


def linear_layers(model: GPT) -> dict[str, nn.Linear]:
    """The linear layers inside the blocks, by name."""
    named = model.model.named_modules(prefix="model")
    return {name: layer for name, layer in named if isinstance(layer, nn.Linear)}


@torch.no_grad()
def merge(model: GPT, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add what an adapter gives to the weights; returns the tensors that are no adapter's (a head)."""
    layers = linear_layers(model)
    for name, layer in layers.items():
        if f"{PREFIX}{name}.A" in tensors:
            down, up = (tensors[f"{PREFIX}{name}.{side}"].to(layer.weight.device) for side in "AB")
            # In double precision, so that merging costs one rounding and not two.
            delta = tensors[SCALE].double().to(layer.weight.device) * (up.double() @ down.double())
            layer.weight.copy_((layer.weight.double() + delta).to(layer.weight.dtype))
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}


def save_peft(adapter: Mapping[str, Tensor], folder: Path, about: Mapping[str, Any], base: str, kind: str) -> Path:
    """Write adapter_config.json and adapter_model.safetensors as PEFT reads them; returns the folder.

    `adapter` are an adapter's tensors, `about` its rank, alpha and dropout, `base` the model it belongs to (PEFT's
    base_model_name_or_path), `kind` that model's architecture. Raises InputError for GPT-2, where Hugging Face keeps
    queries, keys and values as one matrix and PEFT so too.
    """
    if kind == "gpt2":
        raise InputError(
            "PEFT's format has no place for an adapter of GPT-2's parted matrices: export the merged model"
        )
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Tensor] = {}
    for name, tensor in adapter.items():
        if name != SCALE and name.startswith(PREFIX):
            layer, side = name.removeprefix(PREFIX).rsplit(".", 1)
            found[f"base_model.model.{layer}.lora_{side}.weight"] = tensor.detach().cpu().contiguous()
    save_file(found, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": about["rank"],
        "lora_alpha": about["alpha"],
        "lora_dropout": about["dropout"],
        "target_modules": sorted({name.split(".lora_")[0].rsplit(".", 1)[1] for name in found}),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_rslora": False,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    return folder
