"""Checkpoints: weights, optimizer, random state and loader position in one folder that is there whole or not at all.

checkpoints/step-00000200/   model.safetensors model.json training.pt state.json tokenizer.json ... checksums.json
checkpoints/best.json        names the step with the best validation figure; that folder is never pruned
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

from ..curate.errors import InputError, RunError
from .model import GPT
from .presets import ModelConfig
from .tokenizer import Tokenizer

WEIGHTS, SHAPE, TRAINING, STATE, SUMS = "model.safetensors", "model.json", "training.pt", "state.json", "checksums.json"


class Checkpoints:
    """The checkpoints of a run: the last `keep` and the best."""

    def __init__(self, run: Path, keep: int = 2) -> None:
        self.folder = run / "checkpoints"
        self.keep = keep

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
        text = json.dumps({"checkpoint": checkpoint.name, monitor: value})
        draft = self.folder / f".best.{os.getpid()}"
        draft.write_text(text, "utf-8")
        draft.replace(self.folder / "best.json")
        self._prune()  # the best before this one may go now

    def save(
        self,
        step: int,
        model: GPT,
        tokenizer: Tokenizer,
        state: dict[str, Any],
        optimizer: torch.optim.Optimizer,
        extra: dict[str, torch.Tensor] | None = None,
    ) -> Path:
        """Commit a checkpoint by renaming a finished folder. `extra` are tensors beside the model's (a head).

        Raises RunError if it cannot be written (a full disk); the checkpoints before it stay as they are.
        """
        final = self.folder / f"step-{step:08d}"
        if (final / SUMS).is_file():
            return final
        draft = self.folder / f".{final.name}.{os.getpid()}"
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            save_weights(draft, model, extra)
            tokenizer.save(draft, model.config.context)
            random: dict[str, Any] = {"torch": torch.get_rng_state()}
            if torch.cuda.is_available():
                random["cuda"] = torch.cuda.get_rng_state_all()
            torch.save({"optimizer": optimizer.state_dict(), "random": random}, draft / TRAINING)
            (draft / STATE).write_text(json.dumps(state, indent=2), "utf-8")
            sums = {path.name: _sum(path) for path in sorted(draft.iterdir())}
            (draft / SUMS).write_text(json.dumps(sums, indent=2), "utf-8")
            shutil.rmtree(final, ignore_errors=True)
            draft.rename(final)
        except (OSError, RuntimeError) as error:  # torch.save reports a full disk as RuntimeError
            shutil.rmtree(draft, ignore_errors=True)
            raise RunError(
                f"the checkpoint {final} could not be written ({error}): free some space and run the same "
                "command again; it goes on from the checkpoint before"
            ) from error
        self._prune()
        return final

    def restore(
        self,
        checkpoint: Path,
        model: GPT,
        optimizer: torch.optim.Optimizer,
        extra: dict[str, torch.Tensor] | None = None,
    ) -> dict[str, Any]:
        """Load weights (`extra` included), optimizer and random state in place; returns the state saved with them.

        Raises RunError if the checkpoint is damaged.
        """
        verify(checkpoint)
        tensors = load_file(checkpoint / WEIGHTS)
        model.load_state_dict(_only_model(tensors))
        for name, tensor in (extra or {}).items():
            tensor.data.copy_(tensors[name])
        training = torch.load(checkpoint / TRAINING, map_location="cpu", weights_only=True)
        optimizer.load_state_dict(training["optimizer"])
        torch.set_rng_state(training["random"]["torch"])
        if torch.cuda.is_available() and "cuda" in training["random"]:
            torch.cuda.set_rng_state_all(training["random"]["cuda"])
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
        return state

    def _prune(self) -> None:
        best = self.best()
        for path in self.all()[: -self.keep]:
            if path != best:
                shutil.rmtree(path)


def save_weights(folder: Path, model: GPT, extra: dict[str, torch.Tensor] | None = None) -> None:
    """Write model.safetensors and model.json; `extra` tensors are kept beside the model's."""
    tensors = {**model.state_dict(), **(extra or {})}
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, folder / WEIGHTS, {"format": "pt"})
    (folder / SHAPE).write_text(model.config.model_dump_json(indent=2), "utf-8")


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


def load_model(path: str | Path) -> tuple[GPT, Tokenizer, dict[str, torch.Tensor]]:
    """The model and tokenizer of a run or checkpoint, and any tensors beside the model's; ready to evaluate.

    Raises InputError if there is no model, RunError if the checkpoint is damaged.
    """
    folder = find_checkpoint(path)
    if (folder / SUMS).is_file():
        verify(folder)
    model = GPT(ModelConfig.model_validate_json((folder / SHAPE).read_text("utf-8")))
    tensors = load_file(folder / WEIGHTS)
    model.load_state_dict(_only_model(tensors))
    others = {name: tensor for name, tensor in tensors.items() if not _is_model(name)}
    return model.eval(), Tokenizer.load(folder), others


def _is_model(name: str) -> bool:
    return name.startswith(("model.", "lm_head."))


def _only_model(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if _is_model(name)}


def _sum(path: Path) -> str:
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            state.update(chunk)
    return state.hexdigest()
