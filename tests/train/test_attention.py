from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from corpusmill.train import GPT, ModelConfig
from corpusmill.train.model import attention
from corpusmill.train.model.attention import KVCache, RotaryTable, boundaries, make_layout, rotary_frequencies
from corpusmill.train.model.presets import RopeScaling

CONFIG = ModelConfig(
    vocab_size=128, hidden_size=64, intermediate_size=96, layers=2, heads=4, kv_heads=2, head_dim=16, context=64
)
WINDOW = CONFIG.model_copy(update={"sliding_window": 8})
SEGMENTS = torch.tensor([[0] * 12 + [1] * 20 + [2] * 8, [3] * 33 + [-1] * 7])
TOKENS = torch.randint(0, 128, (2, 40), generator=torch.Generator().manual_seed(1))


def model(config: ModelConfig) -> GPT:
    torch.manual_seed(0)
    return GPT(config).eval()


def by_documents(q: Tensor, k: Tensor, v: Tensor, starts: Tensor, _: Tensor, *sizes: int, **options: Any) -> Tensor:
    """varlen_attn's contract, a document at a time; it runs on a CPU."""
    left, right = options["window_size"]
    assert right == 0
    assert sizes[0] >= int(starts.diff().max())
    found = []
    for a, b in zip(starts.tolist(), starts.tolist()[1:], strict=False):
        scores = torch.einsum("qhd,khd->hqk", q[a:b], k[a:b]) / q.shape[-1] ** 0.5
        back = torch.arange(b - a)[:, None] - torch.arange(b - a)
        seen = (back >= 0) & ((back <= left) if left >= 0 else True)
        found.append(torch.einsum("hqk,khd->qhd", scores.masked_fill(~seen, -torch.inf).softmax(-1), v[a:b]))
    return torch.cat(found)


@torch.no_grad()
@pytest.mark.parametrize("config", [CONFIG, WINDOW], ids=["full", "window"])
def test_varlen_and_block_mask_agree(config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    gpt = model(config)
    masked = gpt(TOKENS, SEGMENTS)
    monkeypatch.setattr(attention, "varlen_attention", lambda *_: by_documents)
    monkeypatch.setattr(attention, "_varlen", lambda: by_documents)
    layout = make_layout(config, RotaryTable(config), TOKENS, SEGMENTS, 0)
    assert layout.mask is None
    assert layout.bounds is not None
    assert layout.bounds.tolist() == [0, 12, 32, 40, 73, 80]
    real = SEGMENTS >= 0
    torch.testing.assert_close(gpt(TOKENS, SEGMENTS)[real], masked[real], atol=1e-5, rtol=0)


def test_boundaries_begin_every_row() -> None:
    # The same number at the end of one row and the start of the next is still two documents' rows.
    assert boundaries(torch.tensor([[4, 4, 5], [5, 5, 5]])).tolist() == [0, 2, 3, 6]


@torch.no_grad()
def test_no_mask_where_every_row_is_one_document() -> None:
    gpt = model(CONFIG)
    segments = torch.tensor([[7] * 40, [9] * 33 + [-1] * 7])
    layout = make_layout(CONFIG, RotaryTable(CONFIG), TOKENS, segments, 0)
    assert layout.mask is None
    assert make_layout(CONFIG, RotaryTable(CONFIG), TOKENS, SEGMENTS, 0).mask is not None
    real = segments >= 0
    torch.testing.assert_close(gpt(TOKENS, segments)[real], gpt(TOKENS)[real], atol=1e-6, rtol=0)


@torch.no_grad()
def test_window_hides_what_is_further_back() -> None:
    one_layer = model(WINDOW.model_copy(update={"layers": 1}))
    changed = TOKENS.clone()
    changed[:, 10] = (changed[:, 10] + 1) % 128
    moved = (one_layer(TOKENS) - one_layer(changed)).abs().amax(-1)[0]
    assert moved[10:18].min() > 0
    assert moved[18:].max() == 0
    free = model(WINDOW.model_copy(update={"layers": 1, "full_attention_layers": (0,)}))
    assert (free(TOKENS) - free(changed)).abs().amax(-1)[0, 18:].min() > 0


@torch.no_grad()
def test_window_with_a_cache_gives_the_same() -> None:
    gpt = model(WINDOW.model_copy(update={"full_attention_layers": (1,)}))
    whole = gpt(TOKENS)
    cache = KVCache(2)
    parts = [gpt(TOKENS[:, :20], cache=cache)]
    parts += [gpt(TOKENS[:, i : i + 1], cache=cache) for i in range(20, 40)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_rotation_is_by_angle_times_distance() -> None:
    table = RotaryTable(CONFIG)
    cos, sin = table(32, torch.device("cpu"))
    torch.manual_seed(0)
    q, k = torch.randn(16), torch.randn(16)

    def score(i: int, j: int) -> float:
        a, b = (attention.rotate(x[None], (cos[p][None], sin[p][None])) for x, p in ((q, i), (k, j)))
        return float((a * b).sum())

    assert score(5, 2) == pytest.approx(score(30, 27), abs=1e-4)
    assert score(5, 2) != pytest.approx(score(5, 4), abs=1e-2)
    # Against complex numbers: each pair turns by its frequency.
    z = torch.complex(q[:8], q[8:]) * torch.exp(1j * 5 * rotary_frequencies(16, CONFIG.rope_theta, None))
    torch.testing.assert_close(attention.rotate(q[None], (cos[5][None], sin[5][None]))[0], torch.cat([z.real, z.imag]))


def test_scaled_frequencies() -> None:
    plain = rotary_frequencies(64, 5e5, None)
    torch.testing.assert_close(rotary_frequencies(64, 5e5, RopeScaling(kind="linear", factor=4)), plain / 4)
    llama = rotary_frequencies(64, 5e5, RopeScaling(kind="llama3", factor=8, original_context=8192))
    assert torch.equal(llama[:8], plain[:8])
    torch.testing.assert_close(llama[-4:], plain[-4:] / 8)


def test_dropout_is_for_training_only() -> None:
    config = CONFIG.model_copy(update={"dropout": 0.3})
    gpt = model(config)
    assert torch.equal(gpt(TOKENS, SEGMENTS), model(CONFIG)(TOKENS, SEGMENTS))
    gpt.train()
    torch.manual_seed(3)
    first = gpt(TOKENS, SEGMENTS)
    assert not torch.equal(first, gpt(TOKENS, SEGMENTS))
    torch.manual_seed(3)
    assert torch.equal(first, gpt(TOKENS, SEGMENTS))


def test_recomputing_blocks_changes_no_gradient_and_keeps_less() -> None:
    def run(recompute: bool) -> tuple[list[Tensor], int]:
        gpt = model(CONFIG.model_copy(update={"dropout": 0.1})).train()
        gpt.recompute = recompute
        torch.manual_seed(5)
        kept = 0

        def count(x: Tensor) -> Tensor:
            nonlocal kept
            kept += x.numel()
            return x

        with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
            loss = gpt.loss(gpt(TOKENS, SEGMENTS), TOKENS)
        loss.backward()
        return [p.grad for p in gpt.parameters() if p.grad is not None], kept

    (plain, most), (again, least) = run(False), run(True)
    assert len(plain) == len(again) > 20
    for a, b in zip(plain, again, strict=True):
        assert torch.equal(a, b)
    assert least < most / 3


def test_a_mask_that_would_exhaust_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "MASK_LIMIT", 1000)
    with pytest.raises(ValueError, match="micro_batch_tokens"):
        model(CONFIG)(TOKENS, SEGMENTS)


@torch.no_grad()
def test_gpt2_shape_has_its_own_positions() -> None:
    config = CONFIG.model_copy(update={"architecture": "gpt2", "kv_heads": 4})
    gpt = model(ModelConfig(**config.model_dump()))
    assert gpt.model.embed_positions.weight.shape == (64, 64)
    hidden = gpt(TOKENS, SEGMENTS)
    torch.testing.assert_close(hidden[0, 12:32], gpt(TOKENS[:1, 12:32])[0], atol=1e-5, rtol=0)
    assert not torch.allclose(F.normalize(hidden[0]), F.normalize(gpt(TOKENS.flip(1))[0]))
    with pytest.raises(ValueError, match="64 positions"):
        gpt(torch.zeros(1, 65, dtype=torch.long))


def test_half_precision_keeps_the_norms_whole() -> None:
    gpt = model(CONFIG)
    exact = gpt(TOKENS, SEGMENTS)
    # Warnings are errors here: torch warns where a norm gets two types and falls back to slow code.
    with torch.autocast("cpu", torch.bfloat16):
        found = gpt(TOKENS, SEGMENTS)
    assert not torch.equal(found, exact)
    assert (found - exact).norm() / exact.norm() < 0.03


@torch.no_grad()
@pytest.mark.parametrize("segments", [None, SEGMENTS], ids=["one document", "packed"])
@pytest.mark.parametrize("config", [CONFIG, WINDOW], ids=["full", "window"])
def test_plain_products_give_what_torchs_kernel_gives(
    config: ModelConfig, segments: Tensor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt = model(config)
    real = torch.ones_like(TOKENS, dtype=torch.bool) if segments is None else segments >= 0
    with torch.autocast("cpu", torch.bfloat16):
        plain = gpt(TOKENS, segments)[real]
        monkeypatch.setattr(attention, "DENSE_LIMIT", 0)
        kernel = gpt(TOKENS, segments)[real]
    assert not torch.equal(plain, kernel)  # so the two are indeed two ways
    assert (plain - kernel).norm() / kernel.norm() < 0.01


def test_plain_products_drop_shares_while_training() -> None:
    q, k, v = torch.randn(3, 1, 2, 16, 8, generator=torch.Generator().manual_seed(0))
    whole = attention.attend_dense(q, k, v, None, 0.0)
    torch.testing.assert_close(whole, F.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-5, rtol=0)
    assert not torch.equal(attention.attend_dense(q, k, v, None, 0.5), whole)
