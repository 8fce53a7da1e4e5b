"""nanoGPT's CPU recipe: our model beside a plain loop in nanoGPT's style, same parameters, data, batches and clock.

Characters of tiny Shakespeare, 0.8 M parameters, 2,000 steps of 12 x 64 tokens. Both sides train in turns, a hundred steps
each, so that whatever else the machine does slows both alike; the ratio of tokens a second is what to quote, in processor
time where others use the machine too. The plain side is LayerNorm, learned positions and GELU under torch's plain AdamW,
as its recipe runs: without torch.compile. Ours runs in two sizes: `ours` as many parameters as the recipe, `lean` a
quarter fewer (one key and value head, a narrower SwiGLU). Matrix products are two thirds of the plain loop's time and as
fast as the processor allows in float32, so at equal parameters and precision little is left to gain. Sides whose names
end in `half` have their matrix products in bfloat16, which processors with AVX512-BF16 or AMX do about twice as fast.
Arguments: --steps N, --eager (ours without torch.compile too), --sides ours,plain.
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from machine import about, save
from torch import Tensor, nn

from corpusmill.train import GPT, ModelConfig
from corpusmill.train.loop.optim import build_optimizer, cosine, set_learning_rate

ROWS, CONTEXT, LAYERS, HEADS, WIDTH, WARMUP = 12, 64, 4, 4, 128, 100
NANOGPT = {"validation_loss": 1.88, "source": "nanoGPT's README, CPU recipe"}
RATE, PLAIN_RATE = 2e-3, 1e-3
"""Ours at width 256 (hidden matrices: twice that at 128); the recipe's own."""
SIDES = ("ours", "ours-half", "lean", "plain", "plain-half")
PIECE = 100
"""Steps before the next side has its turn."""


def shakespeare() -> str:
    folder = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return gzip.decompress((folder / "en" / "tinyshakespeare_train.txt.gz").read_bytes()).decode()


def characters(text: str) -> tuple[Tensor, Tensor, int]:
    """Ids of the first 90 % and the last 10 %, and how many different ones there are."""
    known = sorted(set(text))
    number = {character: i for i, character in enumerate(known)}
    ids = torch.tensor([number[c] for c in text])
    cut = int(0.9 * len(ids))
    return ids[:cut], ids[cut:], len(known)


def batches(ids: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    random = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(ids) - CONTEXT - 1, (ROWS,), generator=random)
        rows = ids[starts[:, None] + torch.arange(CONTEXT + 1)]
        yield rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


class PlainBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows, time_, _ = x.shape
        q, k, v = (t.view(rows, time_, HEADS, -1).transpose(1, 2) for t in self.qkv(self.norm1(x)).split(WIDTH, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(rows, time_, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Plain(nn.Module):
    """GPT-2 in its plainest form."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(PlainBlock() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = self.embed(tokens) + self.positions(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.embed.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Side:
    """One trainer with its own batches and clock."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[Tensor, Tensor], Tensor], ids: Tensor
    ) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.batches, self.done = batches(ids, seed=1), 0

    def train(self, steps: int, of: int) -> None:
        """Train on, towards `of` steps in all."""
        self.model.train()
        for _ in range(steps):
            factor = cosine(self.done, self.done / of, warmup=WARMUP, floor=0.1)
            set_learning_rate(self.optimizer, factor)
            loss = self.loss(*next(self.batches))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            loss.item()
            self.done += 1

    @torch.no_grad()
    def validate(self, ids: Tensor) -> float:
        """Mean nats a character over the whole held-out text, cut into rows of CONTEXT."""
        self.model.eval()
        rows = (len(ids) - 1) // CONTEXT
        tokens, targets = ids[: rows * CONTEXT].view(rows, CONTEXT), ids[1 : rows * CONTEXT + 1].view(rows, CONTEXT)
        pairs = zip(tokens.split(ROWS), targets.split(ROWS), strict=True)
        return sum(self.loss(x, y).item() * x.numel() for x, y in pairs) / tokens.numel()


SHAPES = {"ours": (336, HEADS), "ours-half": (336, HEADS), "lean": (256, 1)}
"""Width of the SwiGLU, and key and value heads."""


def ours(shape: str, vocabulary: int, ids: Tensor, kind: str, rate: float, seed: int, compiled: bool) -> Side:
    torch.manual_seed(seed)
    inner, kv_heads = SHAPES[shape]
    model = GPT(
        ModelConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=inner,
            layers=LAYERS,
            heads=HEADS,
            kv_heads=kv_heads,
            head_dim=WIDTH // HEADS,
            context=CONTEXT,
        )
    )

    def loss(tokens: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=shape.endswith("half")):
            return model.loss(model(tokens), targets) / targets.numel()

    optimizer = build_optimizer(model, kind, learning_rate=rate, betas=(0.9, 0.99))  # type: ignore[arg-type]
    return Side(model, optimizer, torch.compile(loss) if compiled else loss, ids)


def plain(vocabulary: int, ids: Tensor, seed: int, half: bool) -> Side:
    torch.manual_seed(seed)
    model = Plain(vocabulary)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() == 2], "weight_decay": 0.1, "peak": PLAIN_RATE},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0, "peak": PLAIN_RATE},
    ]

    def loss(tokens: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            found: Tensor = model(tokens, targets)
            return found

    return Side(model, torch.optim.AdamW(groups, lr=PLAIN_RATE, betas=(0.9, 0.99)), loss, ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--optimizer", default="adamw")
    parser.add_argument("--rate", type=float, default=RATE)
    options = parser.parse_args()
    train, held_out, vocabulary = characters(shakespeare())
    tokens, targets = next(batches(train, 2))
    sides: dict[str, Side] = {}
    compile_seconds: dict[str, float] = {}
    for name in options.sides.split(","):
        if name.startswith("plain"):
            sides[name] = plain(vocabulary, train, 0, name.endswith("half"))
            continue
        sides[name] = ours(name, vocabulary, train, options.optimizer, options.rate, 0, not options.eager)
        # The first call compiles; it is timed apart.
        begun = time.perf_counter()
        sides[name].loss(tokens, targets).backward()
        sides[name].model.zero_grad(set_to_none=True)
        compile_seconds[name] = round(time.perf_counter() - begun, 1)
    pieces: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    curves: dict[str, dict[int, float]] = {name: {} for name in sides}
    for done in range(0, options.steps, PIECE):
        for name, side in sides.items():
            clock, processor = time.perf_counter(), time.process_time()
            side.train(min(PIECE, options.steps - done), options.steps)
            pieces[name].append((time.perf_counter() - clock, time.process_time() - processor))
            if side.done % 500 == 0 or side.done == options.steps:
                curves[name][side.done] = round(side.validate(held_out), 4)
                print(
                    name,
                    side.done,
                    curves[name][side.done],
                    f"{side.done / sum(t for t, _ in pieces[name]):.1f} steps/s",
                    flush=True,
                )
    result: dict[str, Any] = {
        **about(("torch",)),
        "threads": torch.get_num_threads(),
        "data": "tiny Shakespeare, characters, first 90 % of the training part against its last 10 %",
        "tokens": options.steps * ROWS * CONTEXT,
        "published": NANOGPT,
        "compiled": not options.eager,
        "compile_seconds": compile_seconds,
        "sides": {
            name: {
                "parameters": sum(p.numel() for p in side.model.parameters()),
                "optimizer": "adamw" if name.startswith("plain") else options.optimizer,
                "learning_rate": PLAIN_RATE if name.startswith("plain") else options.rate,
                "validation_loss": curves[name],
                "tokens_per_second": round(PIECE * ROWS * CONTEXT / statistics.median(t for t, _ in pieces[name])),
                "processor_ms_a_step": round(1000 / PIECE * statistics.median(t for _, t in pieces[name]), 1),
            }
            for name, side in sides.items()
        },
    }
    if "plain" in sides:
        for name in sides:
            pairs = list(zip(pieces["plain"], pieces[name], strict=True))
            result["sides"][name]["speed_to_plain"] = round(statistics.median(a[0] / b[0] for a, b in pairs), 3)
            result["sides"][name]["speed_to_plain_processor"] = round(
                statistics.median(a[1] / b[1] for a, b in pairs), 3
            )
    whole = options.steps == 2000 and set(sides) == set(SIDES)
    save("shakespeare" if whole else "shakespeare-trial", result)


if __name__ == "__main__":
    main()
