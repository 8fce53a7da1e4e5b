"""The loop that pretraining and fine-tuning share: accumulate, clip, step, evaluate, stop early, save, resume."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from ..curate.errors import RunError
from .checkpoint import Checkpoints
from .model import GPT
from .optim import cosine, set_learning_rate
from .progress import MetricsLog, TrainingProgress
from .tokenizer import Tokenizer

B = TypeVar("B")


class LoopConfig(BaseModel):
    """What every kind of training lets one set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: PositiveInt | None = None
    """Stop after this many optimizer steps."""
    max_minutes: PositiveFloat | None = None
    """Stop after this much time (and one last evaluation); the learning rate then follows the clock, so that it is fully
    decayed in time, and two runs are not bit-identical."""
    warmup_steps: NonNegativeInt = 20
    """Steps over which the learning rate rises."""
    final_learning_rate: float = Field(default=0.1, ge=0, le=1)
    """Where the cosine ends, as a share of the peak."""
    weight_decay: float = Field(default=0.1, ge=0)
    """AdamW's decay, on matrices only."""
    clip: PositiveFloat = 1.0
    """Largest norm of the gradient."""
    evaluate_every: PositiveInt | None = None
    """Steps between evaluations; by default 100 in pretraining, half an epoch in fine-tuning."""
    checkpoint_every: PositiveInt | None = None
    """Steps between checkpoints; by default one is written at evaluations that improve, and at the end."""
    keep: PositiveInt = 2
    """Checkpoints kept, besides the best."""
    patience: PositiveInt | None = 5
    """Evaluations without improvement after which training stops; null never stops early."""
    seed: NonNegativeInt = 0
    """Decides initial weights and order of data."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1` ...; `auto` takes a GPU if there is one."""

    def torch_device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


class Source(Protocol[B]):
    """Batches without end, whose place can be saved."""

    @property
    def epochs(self) -> float: ...
    def next(self) -> list[B]: ...
    def state(self) -> dict[str, int]: ...
    def load_state(self, state: dict[str, int]) -> None: ...


@dataclass
class Task(Generic[B]):
    """What is trained, on what, and how it is judged."""

    model: GPT
    tokenizer: Tokenizer
    optimizer: torch.optim.Optimizer
    source: Source[B]
    loss: Callable[[B], Tensor]
    """Loss of a micro-batch in nats, summed over its targets."""
    count: Callable[[B], int]
    """Targets in a micro-batch: tokens, or samples."""
    evaluate: Callable[[], dict[str, Any]]
    monitor: str
    """The figure of `evaluate` that decides which checkpoint is best."""
    evaluate_every: int
    max_steps: int | None = None
    max_tokens: int | None = None
    higher_is_better: bool = False
    extra: dict[str, Tensor] | None = None
    """Tensors trained beside the model's, saved in its checkpoints (a classifier's head)."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """What must be the same on resume: tokenizer, corpus."""


@dataclass
class LoopState:
    """Where a run stands; everything but tensors that a resume needs."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    training_seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    train_loss: float | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)


@dataclass
class LoopResult:
    """How the loop ended: `status` is `finished`, `stopped early` or `interrupted`."""

    status: str
    state: LoopState
    checkpoint: Path
    best_checkpoint: Path

    @property
    def tokens_per_second(self) -> float:
        return self.state.tokens / max(self.state.training_seconds, 1e-9)


class StopSignal:
    """Turns SIGTERM and the first Ctrl-C into a request to save and stop; the second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        # Only the main thread may set handlers; elsewhere the loop simply runs without them.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.name is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name


def train_loop(task: Task[B], config: LoopConfig, run: Path) -> LoopResult:
    """Train until a budget is used up, the monitored figure stops improving, or a signal asks to stop.

    Goes on from the latest checkpoint in `run` if there is one, exactly: on one CPU the weights at the end are
    bit-identical to those of a run that was never stopped. Raises RunError on a loss that is not finite, a batch
    without targets, or a checkpoint of another corpus or tokenizer.
    """
    checkpoints = Checkpoints(run, config.keep)
    state = _resume(task, checkpoints)
    log = MetricsLog(run / "metrics.jsonl", state.step if checkpoints.latest() else None)
    limits = [x for x in (task.max_steps, task.max_tokens, config.max_minutes) if x is not None]
    if not limits:
        raise ValueError("train_loop needs max_steps, max_tokens or max_minutes")

    def fraction() -> float:
        used = [state.step / task.max_steps] if task.max_steps else []
        used += [state.tokens / task.max_tokens] if task.max_tokens else []
        used += [state.seconds / (60 * config.max_minutes)] if config.max_minutes else []
        return min(1.0, max(used))

    def save() -> Path:
        saved = {**asdict(state), "source": task.source.state(), "fingerprints": task.fingerprints}
        return checkpoints.save(state.step, task.model, task.tokenizer, saved, task.optimizer, task.extra)

    def evaluate() -> None:
        task.model.eval()
        with torch.no_grad():
            state.evaluation = task.evaluate()
        task.model.train()
        value = float(state.evaluation[task.monitor])
        if state.best is None or (value > state.best if task.higher_is_better else value < state.best):
            state.best, state.best_step, state.stale = value, state.step, 0
        else:
            state.stale += 1

    parameters = [p for group in task.optimizer.param_groups for p in group["params"]]
    begun, before = time.perf_counter(), state.seconds
    status = "finished"
    task.model.train()
    with StopSignal() as stop, TrainingProgress() as progress:
        while True:
            due = state.step % task.evaluate_every == 0 or fraction() >= 1
            if due and (not state.evaluation or state.evaluation.get("step") != state.step):
                evaluate()
                state.evaluation["step"] = state.step
                state.seconds = before + time.perf_counter() - begun
                log.add(
                    step=state.step,
                    tokens=state.tokens,
                    epochs=task.source.epochs,
                    seconds=round(state.seconds, 3),
                    **{k: v for k, v in state.evaluation.items() if k != "step"},
                )
                if state.best_step == state.step:
                    checkpoints.mark_best(save(), task.monitor, float(state.evaluation[task.monitor]))
                progress.say(_line(state, task))
            # After the evaluation that falls on the same step, so that a resume does not repeat it.
            if config.checkpoint_every and state.step and state.step % config.checkpoint_every == 0:
                save()
            if fraction() >= 1:
                break
            if config.patience is not None and state.stale >= config.patience:
                status = "stopped early"
                break
            if stop.name is not None:
                status = "interrupted"
                break

            started = time.perf_counter()
            rate = set_learning_rate(
                task.optimizer,
                cosine(state.step, fraction(), warmup=config.warmup_steps, floor=config.final_learning_rate),
            )
            state.train_loss, norm, count = _step(task, config, parameters, state.step)
            state.step += 1
            state.tokens += count
            now = time.perf_counter()
            state.training_seconds += now - started
            state.seconds = before + now - begun
            log.add(
                step=state.step,
                tokens=state.tokens,
                epochs=round(task.source.epochs, 4),
                train_loss=state.train_loss,
                learning_rate=rate,
                gradient_norm=norm,
                tokens_per_second=round(count / (now - started), 1),
            )
            speed = state.tokens / state.training_seconds
            progress.update(state.step, fraction(), f"loss {state.train_loss:.3f}  {speed:,.0f} targets/s")
        last = save()
        best = checkpoints.best() or last
        if status == "interrupted":
            progress.say(f"stopped by {stop.name} at step {state.step}; saved. The same command goes on from here.")
        elif status == "stopped early":
            progress.say(
                f"stopped early at step {state.step}: {task.monitor} has not improved on {state.best:.4f} "
                f"(step {state.best_step}) in {state.stale} evaluations; that checkpoint is kept as the best"
            )
    return LoopResult(status, state, last, best)


def _step(task: Task[B], config: LoopConfig, parameters: list[Tensor], step: int) -> tuple[float, float, int]:
    """One optimizer step; returns mean loss, gradient norm, and targets."""
    batches = task.source.next()
    # Divided by the targets of the whole batch, not micro-batch by micro-batch: a mean of means weighs a micro-batch
    # with few targets as much as a full one, and accumulation would then differ from the large batch.
    count = sum(task.count(batch) for batch in batches)
    if count == 0:
        raise RunError(
            f"the batch at step {step} has no targets: every token in it is masked; check the data's answers"
        )
    task.optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for batch in batches:
        loss = task.loss(batch) / count
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, config.clip))
    if not (math.isfinite(total) and math.isfinite(norm)):
        raise RunError(
            f"the loss or its gradient is not finite at step {step} (loss {total}, norm {norm}): lower the learning "
            "rate or raise warmup_steps; the checkpoints written so far are unharmed"
        )
    task.optimizer.step()
    return total, norm, count


def _resume(task: Task[B], checkpoints: Checkpoints) -> LoopState:
    latest = checkpoints.latest()
    if latest is None:
        return LoopState()
    saved = checkpoints.restore(latest, task.model, task.optimizer, task.extra)
    for name, value in saved.pop("fingerprints").items():
        if task.fingerprints.get(name) != value:
            raise RunError(
                f"the {name} has changed since {latest} was written: give the one the run began with, "
                "or choose another output folder"
            )
    task.source.load_state(saved.pop("source"))
    return LoopState(**saved)


def _line(state: LoopState, task: Task[B]) -> str:
    speed = state.tokens / state.training_seconds if state.training_seconds else 0.0
    loss = "-" if state.train_loss is None else f"{state.train_loss:.3f}"
    return (
        f"step {state.step:>6}  epoch {task.source.epochs:.2f}  train loss {loss}  "
        f"{task.monitor} {state.evaluation[task.monitor]:.4f}  {speed:,.0f} targets/s  {state.seconds:.0f} s"
    )
