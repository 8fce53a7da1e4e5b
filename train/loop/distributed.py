"""One process or several, started by torchrun: who this one is, what all agree on, and a model spread over them.

Control messages (a stop request, the clock, counts) travel over gloo on the CPU, so they never wait for a GPU; gradients
and weights travel over nccl where there are GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...curate.errors import RunError

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

T = TypeVar("T")

Parallel = Literal["ddp", "fsdp"]

PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: the first may tokenize a large corpus meanwhile. A process that died does not
make the others wait: torchrun ends them."""


_kept: list[Any] = []
"""Process groups, kept until the program ends. Freeing one joins gloo's thread while holding Python's lock; when that thread
is about to free a tensor it waits for the lock, and both wait for ever (seen at the end of a run on a busy machine)."""


@dataclass(frozen=True)
class World:
    """This process among `size`; the first of them, of rank 0, alone writes and prints."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in float64 on the CPU."""
        values = values.detach().cpu().double()
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gather(self, value: T) -> list[T]:
        """Every process's value, in order of rank."""
        if self.size == 1:
            return [value]
        found: list[T | None] = [None] * self.size
        dist.all_gather_object(found, value)
        return cast(list[T], found)

    def agree(self, value: T) -> T:
        """The first process's value, for all."""
        if self.size == 1:
            return value
        held: list[Any] = [value]
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return cast(T, held[0])

    def mean_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Each gradient becomes its mean over all processes, in which the same parameters have one."""
        for parameter in parameters if self.size > 1 else ():
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= self.size

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The block runs in the first process, then in the others, which find there what the first has made."""
        if not self.first:
            self.gather(None)
        yield
        if self.first:
            self.gather(None)


@contextmanager
def join(device: str = "auto") -> Iterator[World]:
    """The world that torchrun's environment describes, or a world of one.

    `device` is `cpu`, `cuda`, `cuda:1` or `auto`. Raises RunError if there are more processes on this machine than GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if size == 1:
        yield World(device=torch.device(kind))
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = kind.startswith("cuda")
    if on_gpu and local >= torch.cuda.device_count():
        raise RunError(
            f"process {local + 1} of this machine has no GPU of its own ({torch.cuda.device_count()} found): start "
            "torchrun with --nproc-per-node of at most that, or pass --device cpu"
        )
    place = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(place)
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    _kept.append(dist.group.WORLD)
    yield World(dist.get_rank(), size, place)
    # Not after an error: others may be in the middle of an exchange, and nccl would wait for them.
    dist.destroy_process_group()


def refuse_torchrun(what: str) -> None:
    """Raises RunError under torchrun: `what` runs in one process."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RunError(f"{what} runs in one process: start it without torchrun")


@dataclass(frozen=True)
class Spread:
    """A module that trains in all processes: call `module`, and say before each micro-batch whether it is the last."""

    module: nn.Module
    last: Callable[[bool], None]
    """Gradients are exchanged in the backward pass of the last micro-batch only."""


def spread(module: nn.Module, blocks: nn.ModuleList, world: World, how: Parallel) -> Spread:
    """Make `module` train in all processes: as a copy in each (ddp), or in shards block by block (fsdp).

    Gradients come out as the mean over processes. With fsdp the module's parameters become DTensors in place, so the
    optimizer must be made afterwards.
    """
    if world.size == 1:
        return Spread(module, lambda last: None)
    if how == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        copies = DistributedDataParallel(
            module, device_ids=[world.device] if world.device.type == "cuda" else None, gradient_as_bucket_view=True
        )

        def exchange(last: bool) -> None:
            copies.require_backward_grad_sync = last

        return Spread(copies, exchange)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    sharded = fully_shard(module, mesh=mesh)
    assert isinstance(sharded, FSDPModule)
    return Spread(module, sharded.set_requires_gradient_sync)


def whole(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, put together from its shards if it has any; every process must call this."""
    found = tensor.detach()
    return (found.full_tensor() if _is_sharded(found) else found).cpu()


def like(tensor: Tensor, other: Tensor) -> Tensor:
    """`tensor` cut into the shards that `other` is cut into, if it is."""
    if not _is_sharded(other):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(other.device), other.device_mesh, other.placements)


def _is_sharded(tensor: Any) -> TypeGuard[DTensor]:
    # By its attribute: the import takes a second or two, which training in one process need not pay.
    return hasattr(tensor, "placements")
