"""Metrics sent to TensorBoard or Weights & Biases beside metrics.jsonl. Both packages are optional and load on use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from ...curate.errors import InputError

TrackerName = Literal["tensorboard", "wandb"]


class Tracker(Protocol):
    def add(self, step: int, figures: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Writes event files to `<run>/tensorboard`; look with `tensorboard --logdir RUN`."""

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                "logging to TensorBoard needs the package tensorboard: pip install tensorboard, "
                "or leave out the tracker; metrics.jsonl and report.html are written in any case"
            ) from error
        self.writer: Any = SummaryWriter(str(run / "tensorboard"))

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """Logs to W&B, into `<run>/wandb`; WANDB_MODE=offline keeps it on this machine."""

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        try:
            wandb: Any = import_module("wandb")  # no stubs where it is not installed
        except ImportError as error:
            raise InputError(
                "logging to Weights & Biases needs the package wandb: pip install wandb, "
                "or leave out the tracker; metrics.jsonl and report.html are written in any case"
            ) from error
        # The id is the folder's name, so that a run that goes on goes on there too.
        self.run = wandb.init(
            project="corpusmill", id=run.name, name=run.name, dir=str(run), config=dict(settings), resume="allow"
        )

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        self.run.log(dict(figures), step=step)

    def close(self) -> None:
        self.run.finish()


def open_trackers(names: Sequence[TrackerName], run: Path, settings: Mapping[str, Any]) -> list[Tracker]:
    """The trackers of those names. Raises InputError that names the package to install."""
    kinds: dict[TrackerName, type[TensorBoard] | type[WeightsAndBiases]] = {
        "tensorboard": TensorBoard,
        "wandb": WeightsAndBiases,
    }
    return [kinds[name](run, settings) for name in names]


def flat(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a metrics record; those of an inner object as `name/key`."""
    figures: dict[str, float] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            figures |= {f"{name}/{key}": float(v) for key, v in value.items() if isinstance(v, int | float)}
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "step":
            figures[name] = float(value)
    return figures
