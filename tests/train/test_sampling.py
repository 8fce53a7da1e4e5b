from __future__ import annotations

from pathlib import Path

import pytest
import torch

from corpusmill.curate.errors import InputError
from corpusmill.train import sample
from corpusmill.train.model.sampling import choose


@pytest.mark.parametrize(("prompt", "chinese"), [("The court", False), ("患者", True)])
def test_continues_in_the_language_of_the_prompt(run: Path, prompt: str, chinese: bool) -> None:
    found = sample(run, prompt, temperature=0, max_new_tokens=12)
    assert any("\u4e00" <= character <= "\u9fff" for character in found.text) == chinese
    assert len(found.text) > 5
    assert found == sample(run, prompt, temperature=0, max_new_tokens=12, seed=9)


def test_seed_decides(run: Path) -> None:
    texts = {sample(run, "", temperature=1.0, seed=seed, max_new_tokens=20).text for seed in range(6)}
    assert len(texts) > 3
    assert sample(run, "", seed=3) == sample(run, "", seed=3)


def test_stops_where_told(run: Path) -> None:
    short = sample(run, "法院", temperature=0.5, max_new_tokens=2)
    assert (len(short.tokens), short.stopped) == (2, "length")
    with pytest.raises(InputError, match="reads at most 47: shorten it"):
        sample(run, "1234567890" * 10)
    full = sample(run, "1234567890" * 4, temperature=5.0, top_k=None, top_p=1.0, seed=1, max_new_tokens=500)
    assert full.stopped in ("context", "end")
    with pytest.raises(InputError, match="top_p=0"):
        sample(run, "x", top_p=0)


def draws(**options: float | int | None) -> set[int]:
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    random = torch.Generator().manual_seed(0)
    given = {"temperature": 1.0, "top_p": 1.0, "top_k": None} | options
    return {choose(scores, random=random, **given) for _ in range(300)}  # type: ignore[arg-type]


def test_top_k_top_p_and_temperature() -> None:
    assert draws() == {0, 1, 2, 3}
    assert draws(top_k=2) == {0, 1}
    assert draws(top_p=0.75) == {0, 1}
    assert draws(top_p=0.85) == {0, 1, 2}
    assert draws(temperature=0) == {0}
    assert draws(temperature=0.05) == {0}
