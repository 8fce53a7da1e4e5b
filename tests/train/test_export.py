from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import Tokenizer, export_hf
from corpusmill.train.loop.checkpoint import load_model
from corpusmill.train.model.sampling import generate

TEXTS = [
    "The court heard a new contract. ",
    "患者描述了漫长的故事。",
    "合同 contract 第12条，price $3.50 —— “ok”\n\n  done",
]


@pytest.fixture(scope="module")
def folder(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_hf(run, tmp_path_factory.mktemp("export") / "hf")


@torch.no_grad()
@pytest.mark.parametrize("text", TEXTS)
def test_transformers_gives_the_same_logits_and_tokens(run: Path, folder: Path, text: str) -> None:
    from transformers import AutoModelForCausalLM

    model, tokenizer, _ = load_model(run)
    other = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    assert type(other).__name__ == "Qwen3ForCausalLM"
    ids = [tokenizer.end_of_text, *tokenizer.encode(text)]
    tokens = torch.tensor([ids])
    mine, theirs = model.logits(model(tokens)), other(tokens).logits
    assert (mine - theirs).abs().max() < 1e-4
    # The comparison is not of two constants.
    assert mine.std() > 0.1
    assert other.config.head_dim == 64
    assert other.config.rope_parameters["rope_theta"] == 1e6
    prompt = ids[:6]
    new, _ = generate(model, prompt, stop=(-1,), temperature=0, max_new_tokens=30)
    greedy = other.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, 6, dtype=torch.long), max_new_tokens=30, do_sample=False,
        eos_token_id=-1, pad_token_id=tokenizer.pad, temperature=None, top_p=None,
    )  # fmt: skip
    assert greedy[0, 6:].tolist() == new


def test_auto_tokenizer_gives_the_same_ids(tokenizer: Tokenizer, folder: Path) -> None:
    from transformers import AutoTokenizer

    other = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert other(text)["input_ids"] == ids
        assert other.decode(ids) == text
    assert (other.eos_token_id, other.pad_token_id) == (tokenizer.end_of_text, tokenizer.pad)
    chat = other.apply_chat_template(
        [{"role": "user", "content": " 你好 "}], tokenize=False, add_generation_prompt=True
    )
    assert chat == "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n"


def test_config_states_what_readers_differ_on(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 1e6
    assert config["head_dim"] == 64
    assert config["vocab_size"] % 64 == 0
    generation = json.loads((folder / "generation_config.json").read_text("utf-8"))
    assert len(generation["eos_token_id"]) == 2


def test_export_does_not_overwrite_unasked(run: Path, folder: Path) -> None:
    (folder / "note").write_text("mine")
    with pytest.raises(InputError, match="exists"):
        export_hf(run, folder)
    assert (folder / "note").read_text() == "mine"
    export_hf(run, folder, overwrite=True)
    assert not (folder / "note").exists()
    with pytest.raises(InputError, match="no model in"):
        export_hf(folder.parent / "nothing", folder.parent / "out")
