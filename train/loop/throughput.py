"""How much arithmetic training takes, and how much a device could do: their quotient is the MFU."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

import torch

from ..model.presets import ModelConfig

PEAK_BFLOAT16 = {
    "B300": 2250e12,
    "B200": 2250e12,
    "GB200": 2500e12,
    "H200": 989e12,
    "GH200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "H800": 989e12,
    "H20": 148e12,
    "A100": 312e12,
    "A800": 312e12,
    "A40": 150e12,
    "A30": 165e12,
    "A10G": 70e12,
    "A10": 125e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
    "RTX PRO 6000": 504e12,
    "RTX 6000 Ada": 364e12,
    "RTX A6000": 155e12,
    "RTX 5090": 210e12,
    "RTX 4090": 165e12,
    "RTX 4080": 98e12,
    "RTX 3090": 71e12,
    "V100": 125e12,
    "T4": 65e12,
}
"""Dense bfloat16 (V100 and T4: float16) operations a second with float32 sums, from the makers' data sheets."""


def flops_per_token(config: ModelConfig) -> float:
    """Operations that training spends on a token: forward and twice that backward, as PaLM counts them (appendix B).

    6 a weight of every matrix product, the head among them but not the embedding, which is a look-up; and 12 a head's
    width, head, layer and token of context for attention. Recomputed activations are not counted: MFU, not HFU.
    """
    width, inner = config.hidden_size, config.heads * config.head_dim
    attention = 2 * width * inner + 2 * width * config.kv_heads * config.head_dim
    matrices = config.layers * (attention + 3 * width * config.intermediate_size) + width * config.vocab_size
    return 6.0 * matrices + 12.0 * config.layers * inner * config.context


def halves_are_native() -> bool:
    """Whether this processor has instructions for products of bfloat16 (AVX512-BF16, AMX): about twice float32's rate."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in every torch that we take
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def peak_flops(device: torch.device) -> float | None:
    """Operations a second that the device is sold for; of a CPU, what a large matrix product reaches here and now.

    None for a GPU of unknown name.
    """
    if device.type == "cuda":
        return peak_of_gpu(torch.cuda.get_device_name(device))
    return _cpu_peak(torch.get_num_threads()) if device.type == "cpu" else None


def peak_of_gpu(name: str) -> float | None:
    """The peak of a GPU by its product name, as `nvidia-smi` prints it."""
    # Longest first, so that "H100 PCIe" is not taken for the H100; whole words, so that an A4000 is not an A40.
    for known in sorted(PEAK_BFLOAT16, key=len, reverse=True):
        if re.search(rf"\b{re.escape(known)}\b", name, re.IGNORECASE):
            return PEAK_BFLOAT16[known]
    return None


@cache
def _cpu_peak(threads: int) -> float:
    side = 768  # 0.9 billion operations: some 10 ms a core, once a process
    matrix = torch.ones(side, side)
    matrix @ matrix
    fastest = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        matrix @ matrix
        fastest = min(fastest, time.perf_counter() - begun)
    return 2.0 * side**3 / fastest
