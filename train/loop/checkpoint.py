"""Checkpoints: weights, optimizer, random state and loader position in one folder that is there whole or not at all.

checkpoints/step-00000200/   model.safetensors model.json training.pt state.json tokenizer.json ... checksums.json
checkpoints/best.json        names the step with the best validation figure; that folder is never pruned

Weights and optimizer are written whole, however many processes hold parts of them, so a checkpoint goes on in any number.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...curate.errors import InputError, RunError
from ..model.gpt import GPT
from ..model.lora import merge
from ..model.presets import ModelConfig
from ..tokenizer.bpe import Tokenizer
from .distributed import World, like, whole
from .files import full_disk, write_whole

WEIGHTS, SHAPE, TRAINING, STATE, SUMS = "model.safetensors", "model.json", "training.pt", "state.json", "checksums.json"


class Checkpoints:
    """The checkpoints of a run: the last `keep` and the best."""

    def __init__(self, run: Path, keep: int = 2, world: World | None = None) -> None:
        self.folder = run / "checkpoints"
        self.keep = keep
        self.world = world or World()

    def all(self) -> list[Path]:
        """Finished checkpoints, oldest first."""
        return sorted(path.parent for path in self.folder.glob(f"step-*/{SUMS}"))

    def latest(self) -> Path | None:
        found = self.all()
        return found[-1] if found else None

    def best(self) -> Path | None:
        """The checkpoint with the best validation figure, if one was marked."""
        pointer = self.folder / "best.json"
        if not pointer.is_file():
            return None
        return self.folder / str(json.loads(pointer.read_text("utf-8"))["checkpoint"])

    def mark_best(self, checkpoint: Path, monitor: str, value: float) -> None:
        if self.world.first:
            with full_disk(self.folder / "best.json"):
                write_whole(self.folder / "best.json", json.dumps({"checkpoint": checkpoint.name, monitor: value}))
            self._prune()  # the best before this one may go now

    def save(
        self,
        step: int,
        model: GPT,
        tokenizer: Tokenizer,
        state: dict[str, Any],
        optimizer: torch.optim.Optimizer,
        extra: dict[str, Tensor] | None = None,
    ) -> Path:
        """Commit a checkpoint by renaming a finished folder. `extra` are tensors beside the model's (a head).

        All processes call this, the first one writes. Raises RunError, in all, if it cannot be written (a full disk); the
        checkpoints before it stay as they are.
        """
        final = self.folder / f"step-{step:08d}"
        if self.world.agree((final / SUMS).is_file()):
            return final
        weights = {name: whole(tensor) for name, tensor in {**model.state_dict(), **(extra or {})}.items()}
        training = {"optimizer": _whole(optimizer.state_dict()), "random": self.world.gather(_random(self.world))}
        problem = None
        if self.world.first:
            try:
                with full_disk(final):
                    self._write(final, weights, model, tokenizer, state, training)
            except RunError as error:
                problem = str(error)
        problem = self.world.agree(problem)
        if problem is not None:
            raise RunError(problem)
        return final

    def _write(
        self,
        final: Path,
        weights: dict[str, Tensor],
        model: GPT,
        tokenizer: Tokenizer,
        state: dict[str, Any],
        training: dict[str, Any],
    ) -> None:
        draft = self.folder / f".{final.name}.{os.getpid()}"
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            _save_tensors(draft, weights, model)
            tokenizer.save(draft, model.config.context)
            torch.save(training, draft / TRAINING)
            (draft / STATE).write_text(json.dumps(state, indent=2), "utf-8")
            sums = {path.name: _sum(path) for path in sorted(draft.iterdir())}
            (draft / SUMS).write_text(json.dumps(sums, indent=2), "utf-8")
            _discard(final)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._prune()

    def restore(
        self,
        checkpoint: Path,
        model: GPT,
        optimizer: torch.optim.Optimizer,
        extra: dict[str, Tensor] | None = None,
    ) -> dict[str, Any]:
        """Load weights (`extra` included), optimizer and random state in place; returns the state saved with them.

        Raises RunError if the checkpoint is damaged.
        """
        verify(checkpoint)
        tensors = load_file(checkpoint / WEIGHTS)
        with torch.no_grad():
            for name, tensor in {**model.state_dict(), **(extra or {})}.items():
                tensor.copy_(like(tensors[name], tensor))
        training = torch.load(checkpoint / TRAINING, map_location="cpu", weights_only=True)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for index, values in training["optimizer"]["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor) and value.shape == parameters[index].shape:
                    values[name] = like(value, parameters[index])
        optimizer.load_state_dict(training["optimizer"])
        # A process that was not there when the checkpoint was written keeps the state it began with.
        if self.world.rank < len(training["random"]):
            mine = training["random"][self.world.rank]
            torch.set_rng_state(mine["torch"])
            if self.world.device.type == "cuda" and "cuda" in mine:
                torch.cuda.set_rng_state(mine["cuda"], self.world.device)
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
        return state

    def clear(self) -> None:
        """Remove what a killed run left half-written."""
        for path in self.folder.glob(".*") if self.world.first else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _prune(self) -> None:
        best = self.best()
        for path in self.all()[: -self.keep]:
            if path != best:
                _discard(path)


def _discard(folder: Path) -> None:
    """Remove a checkpoint; under a hidden name first, so that a kill meanwhile leaves none that looks whole."""
    if folder.is_dir():
        hidden = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(hidden, ignore_errors=True)
        folder.rename(hidden)
        shutil.rmtree(hidden)


def _random(world: World) -> dict[str, Tensor]:
    found = {"torch": torch.get_rng_state()}
    if world.device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(world.device)
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, Tensor):
        return whole(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _save_tensors(folder: Path, tensors: dict[str, Tensor], model: GPT) -> None:
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / WEIGHTS, {"format": "pt"})
    (folder / SHAPE).write_text(model.config.model_dump_json(indent=2), "utf-8")


def save_weights(folder: Path, model: GPT, extra: dict[str, Tensor] | None = None) -> None:
    """Write model.safetensors and model.json; `extra` tensors are kept beside the model's."""
    tensors = {**model.state_dict(), **(extra or {})}
    _save_tensors(folder, {name: tensor.detach().cpu() for name, tensor in tensors.items()}, model)


def verify(checkpoint: Path) -> None:
    """Raise RunError unless every file of the checkpoint has the checksum it was written with."""
    try:
        sums = json.loads((checkpoint / SUMS).read_text("utf-8"))
        bad = [
            name
            for name, value in sums.items()
            if not (checkpoint / name).is_file() or _sum(checkpoint / name) != value
        ]
    except (OSError, ValueError) as error:
        raise RunError(
            f"the checkpoint {checkpoint} cannot be read ({error}): delete that folder to go on from the one before"
        ) from error
    if bad:
        raise RunError(
            f"the checkpoint {checkpoint} is damaged ({', '.join(bad)} differ from what was written): "
            "delete that folder to go on from the one before"
        )


def find_checkpoint(path: str | Path) -> Path:
    """The folder that holds a model: a run's best checkpoint (else its latest), or `path` itself if it is one.

    Raises InputError if there is no model.
    """
    path = Path(path)
    if (path / SHAPE).is_file() and (path / WEIGHTS).is_file():
        return path
    checkpoints = Checkpoints(path)
    found = checkpoints.best() or checkpoints.latest()
    if found is None or not found.is_dir():
        raise InputError(f"no model in {path}: name a run folder of `corpusmill train`, or one of its checkpoints")
    return found


def load_model(path: str | Path) -> tuple[GPT, Tokenizer, dict[str, Tensor]]:
    """The model and tokenizer of a run or checkpoint, and any tensors beside the model's; ready to evaluate.

    An adapter that was trained beside the weights is merged into them.

    Raises InputError if there is no model, RunError if the checkpoint is damaged.
    """
    folder = find_checkpoint(path)
    if (folder / SUMS).is_file():
        verify(folder)
    model = GPT(ModelConfig.model_validate_json((folder / SHAPE).read_text("utf-8")))
    tensors = load_file(folder / WEIGHTS)
    model.load_state_dict(_only_model(tensors))
    others = {name: tensor for name, tensor in tensors.items() if not _is_model(name)}
    return model.eval(), Tokenizer.load(folder), merge(model, others)


def _is_model(name: str) -> bool:
    return name.startswith(("model.", "lm_head."))


def _only_model(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if _is_model(name)}


def _sum(path: Path) -> str:
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            state.update(chunk)
    return state.hexdigest()
