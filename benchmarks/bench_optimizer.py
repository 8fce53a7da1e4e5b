"""Muon beside AdamW: does it reach AdamW's final loss in 80 % of its steps?

Characters of tiny Shakespeare and of Chinese text, one small model, three seeds. Every run has its own cosine down to a
tenth, so a run of fewer steps is a whole run, not the beginning of a longer one. AdamW has the best two rates of `--sweep` on
seed 0 of Shakespeare, Muon its default; the figures are of seeds 1 to 3. The time a step tells what Muon's fewer steps cost.
Arguments: --steps N, --sweep.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from bench_shakespeare import CONTEXT, ROWS, batches, shakespeare
from machine import about, save
from torch import Tensor

from corpusmill.train import GPT, ModelConfig
from corpusmill.train.loop.optim import build_optimizer, cosine, set_learning_rate

WIDTH, LAYERS, WARMUP, CHARACTERS, SHARE = 64, 4, 50, 2000, 0.8
RATES = {"adamw": (2e-3, 0.0), "adamw, double rate": (4e-3, 0.0), "muon": (2e-3, 0.02)}
"""AdamW's rate at width 256, and Muon's. AdamW is judged by the better of its two."""
GRID = {"adamw": [(r, 0.0) for r in (5e-4, 1e-3, 2e-3, 4e-3)], "muon": [(2e-3, m) for m in (0.01, 0.02, 0.05)]}


def chinese() -> str:
    folder = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    with gzip.open(folder / "zh" / "wiki_hans.jsonl.gz", "rt", encoding="utf-8") as file:
        return "\n".join(json.loads(line)["text"] for line in file)[:1_000_000]


def split(text: str) -> tuple[Tensor, Tensor, int]:
    """Ids of the first 90 % and of the last 10 %; characters beyond the commonest are one."""
    known = [c for c, _ in Counter(text).most_common(CHARACTERS)]
    number = {c: i for i, c in enumerate(sorted(known))}
    ids = torch.tensor([number.get(c, len(number)) for c in text])
    cut = int(0.9 * len(ids))
    return ids[:cut], ids[cut:], len(number) + 1


def run(
    corpus: tuple[Tensor, Tensor, int], kind: str, rates: tuple[float, float], steps: int, seed: int
) -> dict[str, float]:
    """Train; the mean nats a held-out character, and the seconds a step (processor time)."""
    train, held_out, vocabulary = corpus
    torch.manual_seed(seed)
    model = GPT(
        ModelConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=176,
            layers=LAYERS,
            heads=2,
            kv_heads=2,
            head_dim=32,
            context=CONTEXT,
        )
    )
    optimizer = build_optimizer(model, kind, learning_rate=rates[0], muon_learning_rate=rates[1] or 1.0)  # type: ignore[arg-type]
    source, begun = batches(train, seed), time.process_time()
    for step in range(steps):
        set_learning_rate(optimizer, cosine(step, step / steps, warmup=WARMUP, floor=0.1))
        tokens, targets = next(source)
        optimizer.zero_grad(set_to_none=True)
        (model.loss(model(tokens), targets) / targets.numel()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = (time.process_time() - begun) / steps
    model.eval()
    rows = min((len(held_out) - 1) // CONTEXT, 512)
    tokens, targets = (held_out[i : i + rows * CONTEXT].view(rows, CONTEXT) for i in (0, 1))
    with torch.no_grad():
        pairs = zip(tokens.split(ROWS * 4), targets.split(ROWS * 4), strict=True)
        nats = sum(float(model.loss(model(x), y)) for x, y in pairs)
    return {"loss": nats / targets.numel(), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--sweep", action="store_true")
    options = parser.parse_args()
    corpora = {"tiny Shakespeare": split(shakespeare()), "Chinese": split(chinese())}
    if options.sweep:
        for name, corpus in corpora.items():
            for kind, grid in GRID.items():
                for rates in grid:
                    print(name, kind, rates, run(corpus, kind, rates, options.steps, seed=0), flush=True)
        return
    fewer = round(SHARE * options.steps)
    result: dict[str, Any] = {
        **about(("torch",)),
        "steps": {"adamw": options.steps, "muon": fewer},
        "rates": RATES,
        "model": {"layers": LAYERS, "width": WIDTH, "batch": [ROWS, CONTEXT]},
        "corpora": {},
    }
    for name, corpus in corpora.items():
        found: dict[str, list[dict[str, float]]] = {kind: [] for kind in RATES}
        for seed in (1, 2, 3):
            for kind, rates in RATES.items():
                muon = kind == "muon"
                found[kind].append(
                    run(corpus, "muon" if muon else "adamw", rates, fewer if muon else options.steps, seed)
                )
            print(name, seed, {kind: round(runs[-1]["loss"], 4) for kind, runs in found.items()}, flush=True)
        result["corpora"][name] = {
            kind: {
                "loss": round(statistics.mean(r["loss"] for r in runs), 4),
                "losses": [round(r["loss"], 4) for r in runs],
                "processor_ms_a_step": round(1000 * statistics.median(r["seconds"] for r in runs), 1),
            }
            for kind, runs in found.items()
        }
        means = result["corpora"][name]
        adamw = min(means[kind]["loss"] for kind in RATES if kind != "muon")
        means["muon reaches it"] = means["muon"]["loss"] <= adamw
    save("optimizer" if options.steps == 300 else "optimizer-trial", result)


if __name__ == "__main__":
    main()
