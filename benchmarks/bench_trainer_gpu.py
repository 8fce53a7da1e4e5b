"""Pretraining on one GPU: MFU of a preset in bfloat16 with torch.compile, and nanoGPT's GPU recipe on tiny Shakespeare.

    python bench_trainer_gpu.py                        both, into results/trainer_gpu.json
    python bench_trainer_gpu.py --rows 16,32,64        the micro-batches that are tried, in rows
    python bench_trainer_gpu.py --text input.txt       Shakespeare from this file (plain or .gz)
    python bench_trainer_gpu.py --dry                  everything at a tiny size, on whatever device there is

MFU counts 6 operations a weight of every matrix product and 12 a head's width, head, layer and token of context for
attention, over the device's dense bfloat16 peak (train/loop/throughput.py). Rows are packed with documents of 20 to 2,000
tokens that cannot see one another, as in real training, and the whole step is timed: forward, backward, clip, optimizer.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import about, save

from corpusmill.train import GPT, ModelConfig, load_presets
from corpusmill.train.data.batches import Batch
from corpusmill.train.loop.distributed import World
from corpusmill.train.loop.loop import LoopConfig, Task, train_loop
from corpusmill.train.loop.optim import build_optimizer
from corpusmill.train.loop.throughput import flops_per_token, peak_flops
from corpusmill.train.pretraining.pretrain import Objective
from corpusmill.train.tokenizer.bpe import Tokenizer
from corpusmill.train.tokenizer.training import train_tokenizer

NANOGPT_GPU = {"validation_loss": 1.4697, "source": "nanoGPT's README, train_shakespeare_char on one A100"}


@dataclass(frozen=True)
class Size:
    """What is run: in earnest, or dry."""

    preset: str
    vocabulary: int | None
    context: int | None
    steps: int
    warmup: int
    layers: int
    width: int
    characters: int
    batch: int
    iterations: int


EARNEST = Size("base", None, None, 30, 10, 6, 384, 256, 64, 5000)
DRY = Size("nano", 512, 64, 3, 1, 1, 64, 32, 4, 6)


def packed(rows: int, context: int, vocabulary: int, seed: int) -> Batch:
    """Rows of random tokens in documents whose lengths are spread evenly over their logarithm."""
    random = torch.Generator().manual_seed(seed)
    lengths = (20 * 100 ** torch.rand(rows * context // 20 + 1, generator=random)).long()
    document = torch.repeat_interleave(torch.arange(len(lengths)), lengths)[: rows * context].view(rows, context)
    tokens = torch.randint(vocabulary, (rows, context + 1), generator=random)
    nothing = torch.zeros_like(document)
    return Batch(tokens[:, :-1].contiguous(), document.contiguous(), tokens[:, 1:].contiguous(), nothing)


def speed(size: Size, rows: int, device: torch.device, compiled: bool) -> dict[str, Any]:
    """Tokens a second and MFU at one micro-batch, the median of the timed steps."""
    chosen = load_presets()[size.preset]
    shape = chosen.model(size.vocabulary or chosen.vocab_size, size.context or chosen.context)
    torch.manual_seed(0)
    model = GPT(shape).to(device).train()
    objective = Objective(model)
    if compiled:
        objective.compile()
    optimizer = build_optimizer(model, learning_rate=chosen.learning_rate)
    batches = [packed(rows, shape.context, shape.vocab_size, seed).to(device) for seed in range(4)]
    times = []
    for step in range(size.warmup + size.steps):
        wait(device)
        begun = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = objective(batches[step % len(batches)])
        (loss / (rows * shape.context)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        wait(device)
        times.append(time.perf_counter() - begun)
    tokens_per_second = rows * shape.context / statistics.median(times[size.warmup :])
    peak = peak_flops(device)
    return {
        "micro_batch_rows": rows,
        "context": shape.context,
        "parameters": model.parameter_count(),
        "tokens_per_second": round(tokens_per_second),
        "mfu": None if peak is None else round(tokens_per_second * flops_per_token(shape) / peak, 4),
        "memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 1) if device.type == "cuda" else None,
    }


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


class Windows:
    """A random window of the text a row, as nanoGPT draws them; its place is the number of batches drawn."""

    def __init__(self, ids: torch.Tensor, rows: int, context: int) -> None:
        self.ids, self.rows, self.context, self.drawn = ids, rows, context, 0

    @property
    def epochs(self) -> float:
        return self.drawn * self.rows * self.context / len(self.ids)

    def next(self) -> list[Batch]:
        random = torch.Generator().manual_seed(self.drawn)
        self.drawn += 1
        starts = torch.randint(len(self.ids) - self.context - 1, (self.rows,), generator=random)
        return [rows_of(self.ids, starts, self.context)]

    def state(self) -> dict[str, int]:
        return {"drawn": self.drawn}

    def load_state(self, state: dict[str, int]) -> None:
        self.drawn = state["drawn"]


def rows_of(ids: torch.Tensor, starts: torch.Tensor, context: int) -> Batch:
    rows = ids[starts[:, None] + torch.arange(context + 1)]
    nothing = torch.zeros(len(rows), context).long()
    return Batch(rows[:, :-1].contiguous(), nothing, rows[:, 1:].contiguous(), nothing)


def shakespeare(text: str, size: Size, device: torch.device, compiled: bool, run: Path) -> dict[str, Any]:
    """The recipe through our own loop: best validation loss in nats a character, all of the last tenth scored."""
    known = sorted(set(text))
    number = {character: i for i, character in enumerate(known)}
    ids = torch.tensor([number[c] for c in text])
    train, held_out = ids[: int(0.9 * len(ids))], ids[int(0.9 * len(ids)) :]
    heads = size.width // 64
    torch.manual_seed(1337)
    model = GPT(
        ModelConfig(
            vocab_size=-(-len(known) // 64) * 64,
            hidden_size=size.width,
            intermediate_size=256 * round(size.width * 8 / 3 / 256),
            layers=size.layers,
            heads=heads,
            kv_heads=heads,
            context=size.characters,
            dropout=0.2,
        )
    ).to(device)
    objective = Objective(model)
    if compiled:
        objective.compile()

    def loss(batch: Batch) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            nats: torch.Tensor = objective(batch.to(device))
            return nats

    starts = torch.arange(0, len(held_out) - size.characters - 1, size.characters)

    def evaluate() -> dict[str, Any]:
        batches = [rows_of(held_out, some, size.characters) for some in starts.split(size.batch)]
        return {"loss": sum(float(loss(b)) for b in batches) / sum(b.target_count for b in batches)}

    task = Task(
        model=model,
        tokenizer=_tokenizer(text, run),
        optimizer=build_optimizer(model, "muon", learning_rate=2e-3),
        source=Windows(train, size.batch, size.characters),
        loss=loss,
        count=lambda batch: batch.target_count,
        evaluate=evaluate,
        monitor="loss",
        evaluate_every=max(1, size.iterations // 20),
        max_steps=size.iterations,
        world=World(device=device),
        flops_per_token=flops_per_token(model.config),
    )
    done = train_loop(task, LoopConfig(warmup_steps=100, patience=None, keep=1), run)
    return {
        "parameters": model.parameter_count(),
        "steps": done.state.step,
        "validation_loss": done.state.best,
        "best_step": done.state.best_step,
        "seconds": round(done.state.seconds, 1),
        "nanogpt": NANOGPT_GPU,
    }


def _tokenizer(text: str, run: Path) -> Tokenizer:
    """Checkpoints hold a tokenizer; the characters are numbered without it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = run / "text" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": pa.array([text[:20_000]], pa.large_string())}), folder / "part.parquet")
    return train_tokenizer(run / "text", run / "tokenizer", vocab_size=300)


def read_text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def default_text() -> Path:
    folder = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return folder / "en" / "tinyshakespeare_train.txt.gz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="16,32,64", help="micro-batches to try, in rows")
    parser.add_argument("--text", type=Path, default=default_text(), help="tiny Shakespeare")
    parser.add_argument("--dry", action="store_true", help="a tiny size, on any device, nothing written")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    given = parser.parse_args()
    if not given.dry and not torch.cuda.is_available():
        print("no GPU here: nothing measured (--dry runs everything at a tiny size)", file=sys.stderr)
        return 0
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size, compiled = (DRY, False) if given.dry else (EARNEST, not given.eager)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    tried = [speed(size, int(rows), device, compiled) for rows in ("2" if given.dry else given.rows).split(",")]
    result: dict[str, Any] = {
        "machine": about(("torch", "triton")),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "compile": compiled,
        "speed": tried,
        "best_mfu": max((t["mfu"] for t in tried if t["mfu"] is not None), default=None),
    }
    text = "To be, or not to be: that is the question.\n" * 40 if given.dry else None
    if text is None and given.text.is_file():
        text = read_text(given.text)
    if text is not None:
        with tempfile.TemporaryDirectory() as run:
            result["shakespeare"] = shakespeare(text, size, device, compiled, Path(run))
    if given.dry:
        print(result)
    else:
        save("trainer_gpu", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
