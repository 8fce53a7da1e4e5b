"""Adapters: merged equals unmerged, PEFT reads them, and a fine-tuned Hugging Face checkpoint goes back to transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import GPT, InstructConfig, ModelConfig, Tokenizer, export_hf, finetune_instructions, import_hf
from corpusmill.train.finetune.tuning import FinetuneConfig, build_finetune_optimizer, default_learning_rate, prepare
from corpusmill.train.loop.checkpoint import load_model
from corpusmill.train.loop.distributed import World
from corpusmill.train.model.lora import Adapter, linear_layers, merge, save_peft

transformers = pytest.importorskip("transformers")


def small(**changes: Any) -> GPT:
    torch.manual_seed(0)
    shape = {
        "vocab_size": 96, "hidden_size": 32, "intermediate_size": 48, "layers": 2, "heads": 2, "kv_heads": 1,
        "head_dim": 16, "context": 64,
    }  # fmt: skip
    return GPT(ModelConfig(**{**shape, **changes})).eval()


def disturbed(adapter: Adapter) -> None:
    with torch.no_grad():
        for down, up in adapter.matrices.values():
            down.normal_(std=0.08)
            up.normal_(std=0.08)


@torch.no_grad()
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ["qwen3", "llama", "qwen2", "gpt2"])
@pytest.mark.parametrize("rank", [4, 48])  # 48 is as much as any layer has
def test_merged_equals_unmerged(tied: bool, architecture: str, rank: int) -> None:
    heads = {"heads": 2, "kv_heads": 2} if architecture == "gpt2" else {}
    model = small(architecture=architecture, tie_embeddings=tied, **heads)
    names = set(model.state_dict())
    tokens = torch.randint(0, 96, (2, 20))
    before = model.logits(model(tokens))
    embedding, head = model.model.embed_tokens.weight.clone(), model.head.clone()
    adapter = Adapter(model, rank, alpha=rank)
    assert set(adapter.matrices) == set(linear_layers(model))
    assert len(adapter.matrices) == 2 * (6 if architecture == "gpt2" else 7)
    torch.testing.assert_close(model.logits(model(tokens)), before)  # nothing changes before the first step
    disturbed(adapter)
    unmerged = model.logits(model(tokens))
    assert (unmerged - before).abs().max() > 0.02
    adapter.detach()
    torch.testing.assert_close(model.logits(model(tokens)), before)
    assert merge(model, {**adapter.tensors(), "classifier.weight": head}).keys() == {"classifier.weight"}
    torch.testing.assert_close(model.logits(model(tokens)), unmerged, atol=1e-5, rtol=1e-5)
    assert set(model.state_dict()) == names
    assert torch.equal(model.model.embed_tokens.weight, embedding)
    assert torch.equal(model.head, head)
    assert (model.lm_head is None) == tied


def test_dropout_falls_on_the_adapter_and_only_while_training() -> None:
    model = small()
    adapter = Adapter(model, 4, dropout=0.5)
    disturbed(adapter)
    tokens = torch.randint(0, 96, (1, 20))
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))


def asked(path: Path, n: int = 12) -> Path:
    rows = [{"instruction": f"{i} 谁？", "output": "法院"} for i in range(n)]
    rows += [{"instruction": f"{i} who?", "output": "The patient"} for i in range(n)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_lora_trains_resumes_and_is_read_merged(run: Path, tmp_path: Path) -> None:
    train = asked(tmp_path / "train.jsonl")

    def tuned(output: Path, steps: int) -> dict[str, Any]:
        return finetune_instructions(
            InstructConfig(
                base=run, train=train, output=output, lora_rank=8, lora_dropout=0.1, learning_rate=1e-2, max_steps=steps,
                batch_tokens=192, patience=None, warmup_steps=2, final_learning_rate=1.0, schedule="wsd", decay=1e-6,
                evaluate_every=5, device="cpu",
            )
        )  # fmt: skip

    whole = tuned(tmp_path / "whole", 30)
    assert whole["answer_loss"] < 0.7 * whole["first_answer_loss"]
    assert whole["lora"]["rank"] == 8
    assert whole["lora"]["parameters"] == whole["trained_parameters"] < 0.5 * whole["parameters"]
    assert whole["against_overfitting"]["weight_decay"] == 0.1
    tuned(tmp_path / "parts", 10)
    assert tuned(tmp_path / "parts", 30)["answer_loss"] == whole["answer_loss"]
    model, _, extra = load_model(tmp_path / "whole")
    base, _, _ = load_model(run)
    assert extra == {}
    changed = [name for name, p in base.named_parameters() if not torch.equal(p, model.get_parameter(name))]
    assert sorted(changed) == sorted(f"{name}.weight" for name in linear_layers(base))


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_peft_reads_the_adapter(architecture: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from corpusmill.train.loop.checkpoint import save_weights

    model = small(architecture=architecture, vocab_size=512)
    (tmp_path / "base").mkdir()
    save_weights(tmp_path / "base", model)
    tokenizer.save(tmp_path / "base")
    export_hf(tmp_path / "base", tmp_path / "hf")
    adapter = Adapter(model, 4, alpha=12.0)
    disturbed(adapter)
    save_peft(adapter.tensors(), tmp_path / "adapter", adapter.about(), str(tmp_path / "hf"), architecture)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf", dtype=torch.float32).eval()
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "adapter").eval()
    tokens = torch.randint(0, 512, (2, 20))
    expected = model.logits(model(tokens))
    torch.testing.assert_close(theirs(tokens).logits, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(theirs.merge_and_unload()(tokens).logits, expected, atol=1e-4, rtol=0)


def test_the_adapter_has_pefts_names(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    adapter = Adapter(small(), 4)
    save_peft(adapter.tensors(), tmp_path, adapter.about(), "base", "qwen3")
    found = load_file(tmp_path / "adapter_model.safetensors")
    assert len(found) == 28
    assert found["base_model.model.model.layers.1.mlp.down_proj.lora_A.weight"].shape == (4, 48)
    assert found["base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"].shape == (32, 4)
    about = json.loads((tmp_path / "adapter_config.json").read_text("utf-8"))
    assert (about["r"], about["lora_alpha"], about["peft_type"]) == (4, 8.0, "LORA")
    assert about["target_modules"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    with pytest.raises(InputError, match="GPT-2"):
        save_peft(adapter.tensors(), tmp_path, adapter.about(), "base", "gpt2")


@pytest.mark.parametrize(("family", "lora_rank"), [("Qwen3", 4), ("Llama", 4), ("Llama", 0), ("GPT2", 4)])
def test_a_hugging_face_checkpoint_goes_there_and_back(
    family: str, lora_rank: int, tokenizer_folder: Path, tmp_path: Path
) -> None:
    if family == "GPT2":
        shape = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
    else:
        shape = {
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 64,
            "tie_word_embeddings": family == "Qwen3",
        }  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**shape, vocab_size=512, bos_token_id=0, eos_token_id=0)
    kind = getattr(transformers, "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM")
    kind(config).save_pretrained(tmp_path / "source")
    Tokenizer.load(tokenizer_folder).save(tmp_path / "source")
    base = import_hf(tmp_path / "source", tmp_path / "base")
    report = finetune_instructions(
        InstructConfig(
            base=base, train=asked(tmp_path / "train.jsonl"), output=tmp_path / "run", lora_rank=lora_rank, max_steps=6,
            learning_rate=1e-2, warmup_steps=1, batch_tokens=256, evaluate_every=3, device="cpu",
        )
    )  # fmt: skip
    assert report["answer_loss"] < report["first_answer_loss"]
    assert (report["adapter"] is not None) == (lora_rank > 0 and family != "GPT2")
    exported = export_hf(tmp_path / "run", tmp_path / "out")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    assert type(theirs) is kind
    mine, _, _ = load_model(tmp_path / "run")
    tokens = torch.randint(0, 512, (2, 30))
    with torch.no_grad():
        expected = mine.logits(mine(tokens))
        torch.testing.assert_close(theirs(tokens).logits, expected, atol=1e-4, rtol=0)
        untuned = load_model(base)[0]
        assert (untuned.logits(untuned(tokens)) - expected).abs().max() > 1e-3


def groups(run: Path, **settings: Any) -> tuple[Any, list[dict[str, Any]]]:
    given: dict[str, Any] = {"base": run, "train": run, "output": run, "device": "cpu", "learning_rate": 1.0}
    config = FinetuneConfig(**given, **settings)
    base = prepare(config, World(), language_model=True)
    return base, build_finetune_optimizer(base, config, {}).param_groups


def test_flags_against_overfitting(run: Path) -> None:
    base, found = groups(run, freeze=1, dropout=0.3)
    trained = {name for name, p in base.model.named_parameters() if p.requires_grad}
    assert trained == {"model.norm.weight"}  # one block, and it is frozen with the embedding
    assert sum(len(group["params"]) for group in found) == 1
    base.model.train()
    tokens = torch.randint(0, 400, (1, 20))
    assert not torch.equal(base.model(tokens), base.model(tokens))
    with pytest.raises(InputError, match="has 1 layers"):
        groups(run, freeze=2)
    with pytest.raises(InputError, match="nothing to train"):
        groups(run, freeze=1, lora_rank=2)
    _, found = groups(run, layer_decay=0.5, weight_decay=0.2)
    assert [group["peak"] for group in found] == [1.0, 0.5, 0.5, 0.25]
    assert [group["weight_decay"] for group in found] == [0.0, 0.2, 0.0, 0.2]


def test_learning_rates_by_size() -> None:
    assert default_learning_rate(1_000_000) == default_learning_rate(4_000_000) == 5e-4
    assert default_learning_rate(124_000_000) == pytest.approx(1.27e-4, rel=0.01)
    assert default_learning_rate(7_000_000_000, lora=True) == pytest.approx(2.5e-4, rel=0.02)
