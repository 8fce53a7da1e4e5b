from __future__ import annotations

import math

import pytest
import torch

from corpusmill.train import GPT, ModelConfig
from corpusmill.train.loop.optim import adamw, cosine, set_learning_rate, warmup_stable_decay
from corpusmill.train.model.gpt import IGNORE, KVCache, positions_in_segments

CONFIG = ModelConfig(
    vocab_size=128, hidden_size=64, intermediate_size=96, layers=2, heads=4, kv_heads=2, head_dim=16, context=64
)


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(CONFIG).eval()


@torch.no_grad()
def test_packed_documents_see_only_themselves(model: GPT) -> None:
    one, two = torch.randint(0, 128, (1, 20)), torch.randint(0, 128, (1, 31))
    packed = torch.cat([one, two], dim=1)
    segments = torch.tensor([[0] * 20 + [1] * 31])
    logits = model.logits(model(packed, segments))
    torch.testing.assert_close(logits[:, :20], model.logits(model(one)), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits[:, 20:], model.logits(model(two)), atol=1e-5, rtol=0)
    # The check must be able to fail: without segments the second document does see the first.
    assert (model.logits(model(packed))[:, 20:] - logits[:, 20:]).abs().max() > 1e-3


@torch.no_grad()
def test_no_token_sees_the_future(model: GPT) -> None:
    tokens = torch.randint(0, 128, (1, 30))
    changed = tokens.clone()
    changed[0, 20] = (changed[0, 20] + 1) % 128
    difference = (model(tokens) - model(changed)).abs().amax(dim=-1)[0]
    assert difference[:20].max() == 0
    assert difference[20:].min() > 0


@torch.no_grad()
def test_cache_gives_the_same_logits(model: GPT) -> None:
    tokens = torch.randint(0, 128, (2, 24))
    whole = model(tokens)
    cache = KVCache(CONFIG.layers)
    parts = [model(tokens[:, :10], cache=cache)]
    parts += [model(tokens[:, i : i + 1], cache=cache) for i in range(10, 24)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="one token at a time"):
        model(tokens, cache=cache)


def test_positions_restart() -> None:
    found = positions_in_segments(torch.tensor([[3, 3, 3, 4, 4, 9], [0, 1, 1, 1, -1, -1]]))
    assert found.tolist() == [[0, 1, 2, 0, 1, 0], [0, 0, 1, 2, 0, 1]]


def test_loss_starts_at_chance_and_ignores_masked(model: GPT) -> None:
    tokens = torch.randint(0, 128, (4, 32))
    targets = torch.randint(0, 128, (4, 32))
    targets[:, 16:] = IGNORE
    loss = model.loss(model(tokens), targets).item() / 64
    assert abs(loss - math.log(128)) < 0.3


def test_state_dict_has_qwen3_names_and_no_second_embedding(model: GPT) -> None:
    names = set(model.state_dict())
    assert "model.layers.0.self_attn.q_norm.weight" in names
    assert "model.layers.1.mlp.gate_proj.weight" in names
    assert not any(name.startswith("lm_head") for name in names)
    untied = GPT(CONFIG.model_copy(update={"tie_embeddings": False}))
    assert "lm_head.weight" in untied.state_dict()
    assert untied.parameter_count() == model.parameter_count() + 128 * 64


def test_schedule_rises_falls_and_ends_at_the_floor() -> None:
    rates = [cosine(step, step / 100, warmup=10, floor=0.1) for step in range(101)]
    assert rates[0] < 0.1
    assert max(rates) == max(rates[8:13])
    assert rates[-1] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.55)


def test_stable_schedule_holds_then_falls_to_the_floor() -> None:
    rates = [warmup_stable_decay(step, step / 100, warmup=10, floor=0.1, decay=0.2) for step in range(101)]
    assert rates[0] < 0.1
    assert set(rates[10:80]) == {1.0}
    assert rates[90] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert warmup_stable_decay(50, 1.0, warmup=0, floor=0.0, decay=0.0) == 1.0


def test_adamw_matches_the_update_rule_and_decays_matrices_only() -> None:
    torch.manual_seed(0)
    matrix, gain = torch.nn.Parameter(torch.randn(3, 3)), torch.nn.Parameter(torch.ones(3))
    before = matrix.detach().clone(), gain.detach().clone()
    optimizer = adamw([matrix, gain], learning_rate=0.1, weight_decay=0.5, betas=(0.9, 0.95))
    assert set_learning_rate(optimizer, 0.5) == 0.05
    matrix.grad, gain.grad = torch.full((3, 3), 2.0), torch.full((3,), -3.0)
    optimizer.step()
    # Adam's first step is the sign of the gradient.
    torch.testing.assert_close(matrix.detach(), before[0] * (1 - 0.05 * 0.5) - 0.05)
    torch.testing.assert_close(gain.detach(), before[1] + 0.05)


# torch's tracer warns of what it does itself.
@pytest.mark.filterwarnings("ignore")
def test_compiled_step_equals_plain() -> None:
    # Traced and differentiated as for a GPU, run by the plain kernels: code generation would take half a minute.
    torch.manual_seed(0)
    gpt = GPT(CONFIG.model_copy(update={"layers": 1})).train()
    tokens = torch.randint(0, 128, (2, 33))
    segments = torch.tensor([[0] * 12 + [1] * 20, [2] * 32])

    def step(tokens: torch.Tensor) -> torch.Tensor:
        return gpt.loss(gpt(tokens[:, :-1], segments), tokens[:, 1:])

    plain = step(tokens)
    expected = torch.autograd.grad(plain, list(gpt.parameters()))
    compiled = torch.compile(step, backend="aot_eager")
    found = compiled(tokens)
    torch.testing.assert_close(found, plain)
    for mine, theirs in zip(torch.autograd.grad(found, list(gpt.parameters())), expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
    torch._dynamo.reset()


def test_z_loss_is_for_training_only() -> None:
    torch.manual_seed(0)
    gpt = GPT(CONFIG).train()
    tokens = torch.randint(0, 128, (2, 16))
    hidden = gpt(tokens)
    plain = gpt.loss(hidden, tokens)
    gpt.z_loss = 0.01
    extra = gpt.logits(hidden).logsumexp(-1).square().sum()
    torch.testing.assert_close(gpt.loss(hidden, tokens), plain + 0.01 * extra)
    assert torch.equal(gpt.eval().loss(hidden, tokens), plain)
