"""Tiny random models that transformers itself wrote: loaded, compared, saved back, compared again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import Tokenizer, export_hf
from corpusmill.train.loop.checkpoint import load_model
from corpusmill.train.model.hf_format import config_from_hf, config_to_hf
from corpusmill.train.model.importing import import_hf, load_hf_model
from corpusmill.train.model.sampling import generate

transformers = pytest.importorskip("transformers")

SHAPE = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen3": ("Qwen3", {"head_dim": 32, "tie_word_embeddings": True}),
    "qwen3 untied, windowed": (
        "Qwen3",
        {"head_dim": 16, "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    ),
    "qwen3 windowed by layer": (
        "Qwen3",
        {"head_dim": 16, "use_sliding_window": True, "sliding_window": 5,
         "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]},
    ),
    "qwen2 with biases": ("Qwen2", {"tie_word_embeddings": True}),
    "llama": ("Llama", {"rms_norm_eps": 1e-5}),
    "llama 3.1": ("Llama", {"head_dim": 16, "rope_parameters": LLAMA3}),
    "llama stretched": ("Llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}}),
    "gpt2": ("GPT2", {}),
}  # fmt: skip


def made(case: str, folder: Path, vocabulary: int) -> Any:
    family, options = CASES[case]
    if family == "GPT2":
        config = transformers.GPT2Config(
            n_embd=64, n_layer=3, n_head=4, n_positions=128, vocab_size=vocabulary, bos_token_id=0, eos_token_id=0
        )
        kind = transformers.GPT2LMHeadModel
    else:
        ids = {"vocab_size": vocabulary, "eos_token_id": 0, "bos_token_id": 0}
        config = getattr(transformers, f"{family}Config")(**SHAPE, **ids, **options)
        kind = getattr(transformers, f"{family}ForCausalLM")
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        # As made, gains are 1, biases 0, and weights so small that a wrong mask would hardly show.
        for name, p in model.named_parameters():
            p.add_(0.2 * torch.randn_like(p) if p.dim() == 1 else 3 * p)
            assert torch.isfinite(p).all(), name
    model.save_pretrained(folder)
    return model


@torch.no_grad()
@pytest.mark.parametrize("case", CASES)
def test_logits_are_equal_in_and_out(case: str, tokenizer_folder: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(tokenizer_folder)
    theirs = made(case, tmp_path / "source", len(tokenizer))
    tokenizer.save(tmp_path / "source")
    tokens = torch.randint(0, len(tokenizer), (2, 48))
    expected = theirs(tokens).logits
    assert expected.std() > 0.1
    mine = load_hf_model(tmp_path / "source")
    torch.testing.assert_close(mine.logits(mine(tokens)), expected, atol=1e-4, rtol=0)

    imported = import_hf(tmp_path / "source", tmp_path / "ours")
    model, _, _ = load_model(imported)
    assert model.config == mine.config
    exported = export_hf(imported, tmp_path / "out")
    again = transformers.AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    assert type(again) is type(theirs)
    torch.testing.assert_close(again(tokens).logits, expected, atol=1e-4, rtol=0)
    prompt = tokens[0, :10].tolist()
    new, _ = generate(model, prompt, stop=(-1,), temperature=0, max_new_tokens=20)
    greedy = theirs.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, 10, dtype=torch.long), max_new_tokens=20,
        do_sample=False, eos_token_id=-1, pad_token_id=0,
    )  # fmt: skip
    assert greedy[0, 10:].tolist() == new


def test_configs_survive_the_round_trip(tmp_path: Path) -> None:
    for case in CASES:
        made(case, tmp_path, 96)
        config = config_from_hf(json.loads((tmp_path / "config.json").read_text("utf-8")))
        assert config_from_hf(config_to_hf(config)) == config, case
        # Readers older than layer_types have only "from this layer on".
        if config.sliding_window and config.full_attention_layers == (0,):
            assert config_to_hf(config)["max_window_layers"] == 1


@torch.no_grad()
def test_missing_control_tokens_are_added_and_nothing_else_changes(tmp_path: Path) -> None:
    import tokenizers

    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        ["The court heard 患者描述了"] * 4,
        tokenizers.trainers.BpeTrainer(vocab_size=270, special_tokens=["</s>"], initial_alphabet=alphabet),
    )
    size = backend.get_vocab_size()
    theirs = made("llama", tmp_path / "source", size + 1)
    backend.save(str(tmp_path / "source" / "tokenizer.json"))
    with pytest.raises(InputError, match="control tokens"):
        Tokenizer.load(tmp_path / "source")
    model, tokenizer, _ = load_model(import_hf(tmp_path / "source", tmp_path / "ours"))
    # One spare row was there; three more were needed, in both matrices.
    assert model.config.vocab_size == len(tokenizer) == size + 4
    tokens = torch.tensor([tokenizer.encode("The court heard 患者")])
    assert tokens.max() < size
    logits = model.logits(model(tokens))
    torch.testing.assert_close(logits[..., :size], theirs(tokens).logits[..., :size], atol=1e-4, rtol=0)
    for matrix in (model.model.embed_tokens.weight, model.head):
        assert torch.equal(matrix[tokenizer.end_of_text], matrix[0])
        assert torch.equal(matrix[tokenizer.im_end], matrix[0])
        assert not torch.equal(matrix[tokenizer.pad], matrix[0])
    sums = [t.abs().sum() for t in (model.head[tokenizer.im_start], model.head[tokenizer.pad])]
    assert min(sums) > 0


def test_half_precision_and_shards_are_read(tokenizer_folder: Path, tmp_path: Path) -> None:
    theirs = made("qwen3", tmp_path / "whole", 512)
    theirs.bfloat16().save_pretrained(tmp_path / "shards", max_shard_size="100KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    mine = load_hf_model(tmp_path / "shards")
    assert {p.dtype for p in mine.parameters()} == {torch.float32}
    weights = dict(theirs.named_parameters())
    for name, p in mine.named_parameters():
        assert torch.equal(p, weights[name].float()), name


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json"):
        load_hf_model(tmp_path)
    made("llama", tmp_path, 96)
    about = json.loads((tmp_path / "config.json").read_text("utf-8"))

    def refused(match: str, **changes: Any) -> None:
        (tmp_path / "config.json").write_text(json.dumps(about | changes), "utf-8")
        with pytest.raises(InputError, match=match):
            load_hf_model(tmp_path)

    refused("'mamba'", model_type="mamba")
    refused("attention_bias is True", attention_bias=True)
    refused("'yarn'", rope_parameters={"rope_type": "yarn", "factor": 4.0})
    refused("do not fit", num_hidden_layers=4)
    made("qwen3", tmp_path, 96)
    about = json.loads((tmp_path / "config.json").read_text("utf-8"))
    refused(r"no lm_head\.weight", tie_word_embeddings=False)
    (tmp_path / "config.json").write_text(json.dumps(about), "utf-8")
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        import_hf(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match="safetensors"):
        load_hf_model(tmp_path)
