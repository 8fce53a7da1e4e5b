from __future__ import annotations

from importlib.resources import files

import pytest
import torch
import yaml
from torch import Tensor

from corpusmill.curate.errors import RecipeError
from corpusmill.train import GPT, ModelConfig, Preset
from corpusmill.train.loop.optim import build_optimizer, set_learning_rate
from corpusmill.train.model import presets


def shipped() -> dict[str, Preset]:
    # Straight from the file: the trainer's tests replace the table with one tiny preset.
    table = yaml.safe_load(files("corpusmill.train.model").joinpath("presets.yaml").read_text("utf-8"))
    return {name: Preset(name=name, **fields) for name, fields in table.items()}


def parameters(config: ModelConfig) -> int:
    with torch.device("meta"):
        return GPT(config).parameter_count()


def test_presets_follow_the_dial() -> None:
    sizes = {}
    for name, size in shipped().items():
        config = size.model(size.vocab_size)
        sizes[name] = parameters(config)
        assert sizes[name] == config.parameter_count()
        assert config.hidden_size == 64 * size.depth == 64 * config.heads
        assert config.hidden_size % 128 == 0
        assert config.intermediate_size % 256 == 0
        assert size.batch_tokens % size.context == 0
        assert size.micro_batch_tokens % size.context == 0
    assert list(sizes.values()) == sorted(sizes.values())
    assert 3e6 < sizes["nano"] < 6e6
    assert 115e6 < sizes["base"] < 130e6
    assert sizes["xl"] > 1e9


def test_any_depth_is_a_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "load_presets", shipped)
    found = presets.preset("d20")
    assert (found.depth, found.width, found.vocab_size, found.context) == (20, 1280, 65536, 2048)
    assert found.train_tokens == 20 * parameters(found.model(found.vocab_size))
    assert presets.preset("d2").vocab_size == shipped()["nano"].vocab_size
    with pytest.raises(RecipeError, match="nano"):
        presets.preset("d0")


@pytest.mark.parametrize("architecture", ["qwen3", "qwen2", "llama", "gpt2"])
@pytest.mark.parametrize("tied", [True, False])
def test_parameters_are_counted_without_a_model(architecture: str, tied: bool) -> None:
    config = ModelConfig(
        architecture=architecture,  # type: ignore[arg-type]
        vocab_size=96, hidden_size=64, intermediate_size=80, layers=3, heads=4,
        kv_heads=4 if architecture == "gpt2" else 2, head_dim=16, context=32, tie_embeddings=tied,
    )  # fmt: skip
    assert config.parameter_count() == parameters(config)


def test_config_errors_name_the_field() -> None:
    shape = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 64, "layers": 1, "heads": 4, "kv_heads": 2}
    with pytest.raises(ValueError, match="multiple of kv_heads"):
        ModelConfig(**(shape | {"heads": 3}))
    with pytest.raises(ValueError, match="head_dim"):
        ModelConfig(**shape, head_dim=15)
    with pytest.raises(ValueError, match="full_attention_layers"):
        ModelConfig(**shape, full_attention_layers=(1,))
    with pytest.raises(ValueError, match="gpt2"):
        ModelConfig(**shape, architecture="gpt2")


WIDTHS = {"adamw": (128, 512), "muon": (64, 192)}
"""Muon's own cost grows with the cube of the width."""


def coordinates(width: int, kind: str, *, tied: bool = True, plain: bool = False) -> dict[str, list[float]]:
    """Mean size of the residual stream and of the logits before training and after five steps."""
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=64, hidden_size=width, intermediate_size=2 * width, layers=2, heads=width // 64,
        kv_heads=width // 64, context=32, tie_embeddings=tied,
    )  # fmt: skip
    model = GPT(config)
    optimizer = build_optimizer(model, kind, learning_rate=8e-3, muon_learning_rate=0.05, weight_decay=0.0)  # type: ignore[arg-type]
    if plain:
        # What muP is there to prevent: one learning rate for every matrix of every width.
        for group in optimizer.param_groups:
            group["peak"] = 8e-3
    tokens = torch.randint(0, 64, (4, 33), generator=torch.Generator().manual_seed(1))
    found: dict[str, list[float]] = {"stream": [], "logits": []}

    def measure() -> None:
        stream: list[Tensor] = []
        hook = model.model.norm.register_forward_pre_hook(lambda _, inputs: stream.append(inputs[0]))
        with torch.no_grad():
            logits = model.logits(model(tokens[:, :-1]))
        hook.remove()
        found["stream"].append(float(stream[0].abs().mean()))
        found["logits"].append(float(logits.abs().mean()))

    measure()
    for _ in range(5):
        set_learning_rate(optimizer, 1.0)
        optimizer.zero_grad(set_to_none=True)
        (model.loss(model(tokens[:, :-1]), tokens[:, 1:]) / 128).backward()
        optimizer.step()
    measure()
    return found


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("tied", [True, False])
def test_coordinate_check(kind: str, tied: bool) -> None:
    """muP's own test: what training does to activations must not grow with the width."""
    small, large = (coordinates(width, kind, tied=tied) for width in WIDTHS[kind])
    for name in ("stream", "logits"):
        assert 0.3 < large[name][1] / small[name][1] < 2.0, (name, small, large)
        # Training has moved them: the check is not of the initial values.
        assert abs(large[name][1] / large[name][0] - 1) > 0.3


def test_coordinate_check_fails_without_the_rules() -> None:
    small, large = (coordinates(width, "adamw", plain=True) for width in WIDTHS["adamw"])
    assert large["stream"][1] / small["stream"][1] > 5
