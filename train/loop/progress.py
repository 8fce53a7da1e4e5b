"""What a run shows and writes while it trains: progress bar, metrics.jsonl, and the loss curve as picture and table."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .files import full_disk, write_whole

if TYPE_CHECKING:
    from .distributed import World
    from .trackers import Tracker


def console() -> Console:
    """Where people read: standard error, so that standard output stays free for results. Under torchrun the first process
    alone is heard."""
    return Console(stderr=True, quiet=os.environ.get("RANK", "0") != "0")


def task_progress() -> Progress:
    """A bar for work that counts documents; silent when standard error is not a terminal."""
    out = console()
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        disable=not out.is_terminal,
        transient=True,
    )


class TrainingProgress:
    """A bar with step, loss, tokens/s and time left, and above it a line an evaluation; on a plain log, the lines."""

    def __init__(self, shown: bool = True) -> None:
        self.console = console()
        self.shown = shown
        self.bar = Progress(
            TextColumn("step {task.fields[step]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[line]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (shown and self.console.is_terminal),
        )
        self.task = self.bar.add_task("training", total=1.0, step=0, line="")

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def update(self, step: int, fraction: float, line: str) -> None:
        self.bar.update(self.task, completed=fraction, step=step, line=line)

    def say(self, message: str) -> None:
        if self.shown:
            self.console.print(message, highlight=False, soft_wrap=True)


class Throughput:
    """Targets a second over all processes, and the share of what the devices could do (MFU) where that is known."""

    def __init__(self, world: World, flops_per_token: float | None) -> None:
        from .throughput import peak_flops

        peak = None if flops_per_token is None else peak_flops(world.device)
        self.mfu_of_speed = flops_per_token / (peak * world.size) if flops_per_token and peak else None
        self.recent: float | None = None

    def add(self, targets: int, seconds: float) -> dict[str, float]:
        """The figures of one step."""
        speed = targets / max(seconds, 1e-9)
        # A moving average over some twenty steps: single ones wobble, and the mean of a day hides a slow hour.
        self.recent = speed if self.recent is None else 0.95 * self.recent + 0.05 * speed
        figures = {"tokens_per_second": round(speed, 1)}
        if self.mfu_of_speed is not None:
            figures["mfu"] = round(speed * self.mfu_of_speed, 4)
        return figures

    def __str__(self) -> str:
        speed = self.recent or 0.0
        mfu = "" if self.mfu_of_speed is None else f"  MFU {speed * self.mfu_of_speed:.0%}"
        return f"{speed:,.0f} targets/s{mfu}"


class MetricsLog:
    """`metrics.jsonl`: one object a record, appended as it happens; trackers hear the same."""

    def __init__(self, path: Path, keep_to_step: int | None = None, trackers: Sequence[Tracker] | None = ()) -> None:
        """Records after `keep_to_step`, the step that training resumes from, are dropped: they will come again.

        `trackers` of None writes nothing at all: only the first process of a distributed run keeps the log.
        """
        self.path, self.trackers = path, trackers
        self._forget(after=keep_to_step)

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        for tracker in self.trackers or ():
            tracker.close()

    def add(self, **record: Any) -> None:
        if self.trackers is None:
            return
        from .trackers import flat

        with full_disk(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        for tracker in self.trackers:
            tracker.add(record["step"], flat(record))

    def roll_back(self, spiked: int, step: int) -> None:
        """Note that training went back from step `spiked` to `step`; the records in between are dropped."""
        self._forget(after=step)
        self.add(step=step, rolled_back_from=spiked)

    def _forget(self, after: int | None) -> None:
        if self.trackers is None:
            return
        kept = [] if after is None else [r for r in read_metrics(self.path) if r["step"] <= after]
        with full_disk(self.path):
            write_whole(self.path, "".join(json.dumps(r) + "\n" for r in kept))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl; a line cut short by a killed run is left out."""
    records = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def write_curve(folder: Path, monitor: str, baselines: dict[str, float] | None = None) -> None:
    """From metrics.jsonl: `loss.csv`, a row a record, and `loss.png`, training loss beside the monitored figure."""
    records = read_metrics(folder / "metrics.jsonl")
    columns = list(dict.fromkeys(key for record in records for key, v in record.items() if not isinstance(v, dict)))
    with (folder / "loss.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    # The object interface: pyplot would pick a display and keep global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    train = [(r["step"], r["train_loss"]) for r in records if "train_loss" in r]
    judged = [(r["step"], r[monitor]) for r in records if monitor in r]
    left.plot([s for s, _ in train], [v for _, v in train], linewidth=1)
    left.set(title="training loss", xlabel="step", ylabel="nats")
    right.plot([s for s, _ in judged], [v for _, v in judged], marker="o", markersize=3, label="model")
    for i, (name, value) in enumerate((baselines or {}).items()):
        right.axhline(value, linestyle="--", linewidth=1, color=f"C{i + 1}", label=name)
    right.set(title=f"validation {monitor.replace('_', ' ')}", xlabel="step")
    right.legend()
    FigureCanvasAgg(figure)
    figure.savefig(folder / "loss.png")
