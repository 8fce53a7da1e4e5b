"""The loop that pretraining and fine-tuning share: accumulate, clip, step, evaluate, stop early, save, resume.

Every process of a distributed run goes through the same loop and decides the same: what could differ among them (the
clock, a signal) is agreed on once a step. The first process alone writes and prints.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Generic, Literal, Protocol, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from ...curate.errors import RunError
from ..model.gpt import GPT
from ..tokenizer.bpe import Tokenizer
from .checkpoint import Checkpoints
from .distributed import World, whole
from .guards import WINDOW, check_skipped, is_spike, skipped_because
from .optim import cosine, set_learning_rate, warmup_stable_decay
from .progress import MetricsLog, Throughput, TrainingProgress
from .trackers import TrackerName, open_trackers

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
    schedule: Literal["cosine", "wsd"] = "cosine"
    """The learning rate after its warm-up: a `cosine` down to the end, or `wsd`, level and then falling."""
    decay: float = Field(default=0.2, gt=0, le=1)
    """The share of the budget over which wsd's rate falls."""
    final_learning_rate: float = Field(default=0.1, ge=0, le=1)
    """Where the rate ends, as a share of the peak."""
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
    max_skipped: PositiveInt = 5
    """Batches skipped in a row, for a loss or gradient that is not finite or for want of targets, that stop the run."""
    spike_threshold: PositiveFloat | None = 8.0
    """Spreads above the median of the last 64 losses that make a spike; null looks for none."""
    on_spike: Literal["report", "rollback"] = "report"
    """`rollback` goes back to the latest checkpoint and on with the data that follow, so that what lay between is skipped."""
    max_rollbacks: NonNegativeInt = 3
    """After this many rollbacks, spikes are only reported."""
    trackers: list[TrackerName] = []
    """Where metrics go besides metrics.jsonl: `tensorboard`, `wandb`."""
    seed: NonNegativeInt = 0
    """Decides initial weights, order of data and dropout."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1` ...; `auto` takes a GPU if there is one."""

    def rate(self, step: int, fraction: float) -> float:
        """Factor on the peak learning rate at a step, when `fraction` of the budget is used."""
        warmup, floor = self.warmup_steps, self.final_learning_rate
        if self.schedule == "cosine":
            return cosine(step, fraction, warmup=warmup, floor=floor)
        return warmup_stable_decay(step, fraction, warmup=warmup, floor=floor, decay=self.decay)


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
    world: World = field(default_factory=World)
    """The processes that train together."""
    last_micro_batch: Callable[[bool], None] = lambda last: None
    """Told before each micro-batch whether it is the step's last, when gradients are exchanged (`distributed.spread`)."""
    exchange: Callable[[Sequence[Tensor]], None] = lambda parameters: None
    """Told a step's gradients when all are there: for a model that nothing spreads, `World.mean_gradients`."""
    flops_per_token: float | None = None
    """Operations that training spends on a target, for the MFU."""


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
    batches: int = 0
    """Batches drawn: more than steps once there were rollbacks."""
    skipped: int = 0
    skipped_in_a_row: list[str] = field(default_factory=list)
    spikes: int = 0
    rollbacks: int = 0
    recent: list[float] = field(default_factory=list)
    """The last losses, against which a spike is judged."""


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

    def asked(self, world: World) -> bool:
        """Whether any process was asked to stop; all of them then do."""
        self.name = next((name for name in world.gather(self.name) if name), None)
        return self.name is not None

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.name is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name


def train_loop(task: Task[B], config: LoopConfig, run: Path) -> LoopResult:
    """Train until a budget is used up, the monitored figure stops improving, or a signal asks to stop.

    Goes on from the latest checkpoint in `run` if there is one, exactly: on one CPU the weights at the end are
    bit-identical to those of a run that was never stopped. Raises RunError on too many batches in a row that have no
    targets or give no finite gradient, on a disk that is full, or on a checkpoint of another corpus or tokenizer.
    """
    world = task.world
    checkpoints = Checkpoints(run, config.keep, world)
    checkpoints.clear()
    latest = checkpoints.latest()
    state = LoopState() if latest is None else _restore(task, checkpoints, latest)
    log = MetricsLog(
        run / "metrics.jsonl",
        None if latest is None else state.step,
        open_trackers(config.trackers, run, config.model_dump(mode="json")) if world.first else None,
    )
    if not (task.max_steps or task.max_tokens or config.max_minutes):
        raise ValueError("train_loop needs max_steps, max_tokens or max_minutes")
    parameters = [p for group in task.optimizer.param_groups for p in group["params"]]
    begun, before = time.perf_counter(), state.seconds
    status = "finished"

    def fraction() -> float:
        used = [state.step / task.max_steps] if task.max_steps else []
        used += [state.tokens / task.max_tokens] if task.max_tokens else []
        used += [state.seconds / (60 * config.max_minutes)] if config.max_minutes else []
        return min(1.0, max(used))

    def clock() -> float:
        return world.agree(before + time.perf_counter() - begun)

    def save() -> Path:
        saved = {**asdict(state), "source": task.source.state(), "fingerprints": task.fingerprints}
        return checkpoints.save(state.step, task.model, task.tokenizer, saved, task.optimizer, task.extra)

    task.model.train()
    with StopSignal() as stop, TrainingProgress(world.first) as progress, log:
        speed = Throughput(world, task.flops_per_token)
        while True:
            due = state.step % task.evaluate_every == 0 or fraction() >= 1
            if due and state.evaluation.get("step") != state.step:
                improved = _evaluate(task, state)
                state.seconds = clock()
                log.add(step=state.step, tokens=state.tokens, epochs=task.source.epochs,
                        seconds=round(state.seconds, 3), **{k: v for k, v in state.evaluation.items() if k != "step"})  # fmt: skip
                if improved:
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
            if stop.asked(world):
                status = "interrupted"
                break

            started = time.perf_counter()
            rate = set_learning_rate(task.optimizer, config.rate(state.step, fraction()))
            loss, norm, count = _gradient(task, parameters, config.clip)
            skipped = skipped_because(loss, norm, count)
            if skipped is None:
                task.optimizer.step()
                state.train_loss = loss
            state.step += 1
            state.batches += 1
            state.tokens += count
            seconds = time.perf_counter() - started
            state.training_seconds += seconds
            state.seconds = clock()
            spike = _watch(state, config, loss, skipped)
            log.add(step=state.step, tokens=state.tokens, epochs=round(task.source.epochs, 4), batch=state.batches,
                    learning_rate=rate, **speed.add(count, seconds),
                    **({"skipped": skipped} if skipped else {"train_loss": loss, "gradient_norm": norm}),
                    **({"spike": True} if spike else {}))  # fmt: skip
            progress.update(state.step, fraction(), f"loss {state.train_loss or loss:.3f}  {speed}")
            if skipped:
                progress.say(f"step {state.step}: batch skipped ({skipped}); {state.skipped} so far")
                check_skipped(state.skipped_in_a_row, config.max_skipped, state.step)
            if spike:
                progress.say(f"step {state.step}: the loss jumped to {loss:.3f}")
                target = checkpoints.latest()
                if config.on_spike == "rollback" and state.rollbacks < config.max_rollbacks and target is not None:
                    spiked = state.step
                    _roll_back(task, checkpoints, target, state)
                    log.roll_back(spiked, state.step)
                    progress.say(f"went back to step {state.step}; the data in between are skipped")
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


def _gradient(task: Task[B], parameters: list[Tensor], clip: float) -> tuple[float, float, int]:
    """The clipped gradient of the next batch, left in the parameters; returns mean loss, norm before clipping, targets.

    Every process draws the whole batch and takes each `size`-th micro-batch, so what is learnt does not depend on how
    many there are.
    """
    world = task.world
    batches = task.source.next()
    # Divided by the targets of the whole batch, not micro-batch by micro-batch: a mean of means weighs a micro-batch
    # with few targets as much as a full one, and accumulation would then differ from the large batch.
    count = sum(task.count(batch) for batch in batches)
    task.optimizer.zero_grad(set_to_none=True)
    turns = -(-len(batches) // world.size) if count else 0
    losses = []
    for turn in range(turns):
        mine = turn * world.size + world.rank
        task.last_micro_batch(turn == turns - 1)
        # All processes run as many micro-batches, since shards are exchanged in each; one too many counts for nothing.
        # Times the processes, because gradients come out as their mean.
        weight = world.size / count if mine < len(batches) else 0.0
        loss = task.loss(batches[mine] if mine < len(batches) else batches[0]) * weight
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    if not count:
        return float("nan"), float("nan"), 0
    task.exchange(parameters)
    total = float(world.sum(torch.stack(losses).cpu().double().sum())) / world.size
    return total, float(whole(torch.nn.utils.clip_grad_norm_(parameters, clip))), count


def _evaluate(task: Task[B], state: LoopState) -> bool:
    """Judge the model into `state`; returns whether it is the best so far."""
    task.model.eval()
    with torch.no_grad():
        state.evaluation = {**task.world.agree(task.evaluate()), "step": state.step}
    task.model.train()
    value = float(state.evaluation[task.monitor])
    if state.best is None or (value > state.best if task.higher_is_better else value < state.best):
        state.best, state.best_step, state.stale = value, state.step, 0
        return True
    state.stale += 1
    return False


def _watch(state: LoopState, config: LoopConfig, loss: float, skipped: str | None) -> bool:
    """Note a step's loss, or that its batch was skipped; returns whether the loss is a spike."""
    if skipped:
        state.skipped += 1
        state.skipped_in_a_row.append(skipped)
        return False
    state.skipped_in_a_row = []
    spike = config.spike_threshold is not None and is_spike(loss, state.recent, config.spike_threshold)
    state.spikes += spike
    state.recent = [*state.recent, loss][-WINDOW:]
    return spike


def _restore(task: Task[B], checkpoints: Checkpoints, checkpoint: Path) -> LoopState:
    saved = checkpoints.restore(checkpoint, task.model, task.optimizer, task.extra)
    for name, value in saved.pop("fingerprints").items():
        if task.fingerprints.get(name) != value:
            raise RunError(
                f"the {name} has changed since {checkpoint} was written: give the one the run began with, "
                "or choose another output folder"
            )
    task.source.load_state(saved.pop("source"))
    return LoopState(**saved)


def _roll_back(task: Task[B], checkpoints: Checkpoints, checkpoint: Path, state: LoopState) -> None:
    """Weights, optimizer and counts of a checkpoint again, but on with the data that were not seen yet."""
    place = task.source.state()
    old = _restore(task, checkpoints, checkpoint)
    task.source.load_state(place)
    for name in ("step", "tokens", "best", "best_step", "stale", "train_loss", "evaluation", "recent"):
        setattr(state, name, getattr(old, name))
    state.rollbacks += 1


def _line(state: LoopState, task: Task[B]) -> str:
    speed = state.tokens / state.training_seconds if state.training_seconds else 0.0
    loss = "-" if state.train_loss is None else f"{state.train_loss:.3f}"
    return (
        f"step {state.step:>6}  epoch {task.source.epochs:.2f}  train loss {loss}  "
        f"{task.monitor} {state.evaluation[task.monitor]:.4f}  {speed:,.0f} targets/s  {state.seconds:.0f} s"
    )
