from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import PreferenceConfig, Tokenizer, finetune_preferences
from corpusmill.train.finetune.chat import encode_conversation, rows_of
from corpusmill.train.finetune.preference import encode_pair, scores_of
from corpusmill.train.finetune.samples import Message, Preference
from corpusmill.train.loop.checkpoint import load_model


def pairs(path: Path, n: int = 24) -> Path:
    rows: list[dict[str, Any]] = []
    for i in range(n):
        rows.append({"prompt": f"{i} 谁？", "chosen": "法院", "rejected": "医生的建议"})
        rows.append({"prompt": f"{i} who?", "chosen": "The patient", "rejected": "A story"})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_the_margin_of_the_chosen_rises(run: Path, tokenizer: Tokenizer, tmp_path: Path, lora_rank: int) -> None:
    config = PreferenceConfig(
        base=run, train=pairs(tmp_path / "pairs.jsonl"), output=tmp_path / "run", lora_rank=lora_rank, max_steps=16,
        learning_rate=1e-2 if lora_rank else 2e-3, warmup_steps=2, batch_size=8, evaluate_every=4, patience=None,
        device="cpu",
    )  # fmt: skip
    report = finetune_preferences(config)
    # The model is its own reference before the first step: neither answer has gained.
    assert report["first_preference_loss"] == pytest.approx(0.6931, abs=1e-4)
    assert report["preference_loss"] < 0.5
    assert report["last"]["preferred"] == 1.0
    assert (report["adapter"] is not None) == bool(lora_rank)
    unseen = [
        encode_pair(tokenizer, Preference((Message("user", "99 谁？"),), "法院", "医生的建议")),
        encode_pair(tokenizer, Preference((Message("user", "99 who?"),), "The patient", "A story")),
    ]
    before, after = (
        scores_of(load_model(path)[0], tokenizer, unseen, 2, torch.device("cpu")) for path in (run, tmp_path / "run")
    )
    gained = after - before
    assert (gained[:, 0] - gained[:, 1] > 1).all()


@torch.no_grad()
def test_scores_are_those_of_each_answer_alone(run: Path, tokenizer: Tokenizer) -> None:
    prompt = (Message("user", "谁？"), Message("assistant", "法院"), Message("user", "And then?"))
    pair = encode_pair(tokenizer, Preference(prompt, "The patient refused.", "不"))
    for item, answer in ((pair.chosen, "The patient refused."), (pair.rejected, "不")):
        wanted = [*tokenizer.encode(answer), tokenizer.im_end]
        # The answer inside the prompt is no part of what is compared.
        assert [token for token, marked in zip(item.ids, item.answer, strict=True) if marked] == wanted
        assert item.ids == encode_conversation(tokenizer, [*prompt, Message("assistant", answer)]).ids
    model, _, _ = load_model(run)
    found = scores_of(model, tokenizer, [pair, pair], 1, torch.device("cpu"))
    for column, item in enumerate((pair.chosen, pair.rejected)):
        batch = rows_of([item], [[0]], 512, tokenizer.pad)
        alone = -float(model.loss(model(batch.tokens), batch.targets))
        assert found[:, column].tolist() == pytest.approx([alone, alone], rel=1e-5)


def test_answers_that_do_not_fit_are_refused(run: Path, tmp_path: Path) -> None:
    long = [{"prompt": str(i), "chosen": "The court heard. " * 30, "rejected": "no"} for i in range(3)]
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in long))
    with pytest.raises(InputError, match="0 of 3 pairs fit"):
        finetune_preferences(PreferenceConfig(base=run, train=path, output=tmp_path / "run", device="cpu"))
    assert not (tmp_path / "run").exists()
