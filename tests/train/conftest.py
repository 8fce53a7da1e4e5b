"""A small bilingual corpus, a tiny preset, and one model pretrained on it for all the trainer's tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from made_corpus import documents, write_split

from corpusmill.train import Preset, PretrainConfig, PretrainResult, Tokenizer, pretrain, train_tokenizer
from corpusmill.train.model import presets

TINY = Preset(
    name="tiny",
    depth=1,
    vocab_size=512,
    context=48,
    batch_tokens=384,
    micro_batch_tokens=192,
    train_tokens=20_000,
    validation_tokens=4096,
    about="tests",
)


@contextmanager
def tiny_world() -> Iterator[None]:
    # The models are too small for two threads to help, and threads that wait for one another are slow on a busy machine.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presets, "load_presets", lambda: {"tiny": TINY})
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def _tiny_world() -> Iterator[None]:
    # Of module scope: one of the session would outlive this folder and reach the tests after it.
    with tiny_world():
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_split(folder, "train", documents(300, seed=1))
    write_split(folder, "validation", documents(40, seed=2))
    return folder


@pytest.fixture(scope="session")
def tokenizer_folder(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(corpus, folder, vocab_size=512)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> Tokenizer:
    return Tokenizer.load(tokenizer_folder)


@pytest.fixture(scope="session")
def config(corpus: Path, tokenizer_folder: Path) -> Callable[..., PretrainConfig]:
    def make(output: Path, **fields: object) -> PretrainConfig:
        given: dict[str, object] = {"max_steps": 12, "evaluate_every": 6, "warmup_steps": 2, "device": "cpu"} | fields
        return PretrainConfig(corpus=corpus, output=output, preset="tiny", tokenizer=tokenizer_folder, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def pretrained(config: Callable[..., PretrainConfig], tmp_path_factory: pytest.TempPathFactory) -> PretrainResult:
    with tiny_world():  # a session's fixture is made before the module's
        return pretrain(config(tmp_path_factory.mktemp("run") / "tiny", max_steps=120, evaluate_every=40))


@pytest.fixture(scope="session")
def run(pretrained: PretrainResult) -> Path:
    return Path(pretrained.run)


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[dict[str, Any]]], list[list[int]]]:
    """Runs training jobs in processes of their own (see forked.py); returns their exit codes."""

    def run(jobs: list[dict[str, Any]]) -> list[list[int]]:
        given = tmp_path_factory.mktemp("jobs") / "jobs.json"
        plain = [
            job | {"kind": type(job["config"]).__name__, "config": json.loads(job["config"].model_dump_json())}
            for job in jobs
        ]
        given.write_text(json.dumps({"preset": TINY.model_dump(), "jobs": plain}), "utf-8")
        script = Path(__file__).with_name("forked.py")
        done = subprocess.run(
            [sys.executable, str(script), str(given)], capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        print(done.stderr)
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    return run
