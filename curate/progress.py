"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

LOG_EVERY = 15.0
"""Seconds between lines where there is no terminal."""


class Meter(Protocol):
    """Told what was done: `advance(tasks, documents, bytes)`."""

    def advance(self, tasks: int = 0, documents: int = 0, size: int = 0) -> None: ...


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0
        documents = task.fields.get("documents", 0)
        rate = documents / seconds if seconds > 0.5 else 0
        return Text(f"{documents:,} docs  {rate:,.0f}/s" if documents else "", style="cyan")


class _Bar:
    def __init__(self, progress: Progress, what: str, tasks: int) -> None:
        self._progress = progress
        self._id = progress.add_task(what, total=max(tasks, 1), documents=0)
        self._documents = 0

    def advance(self, tasks: int = 0, documents: int = 0, size: int = 0) -> None:
        self._documents += documents
        self._progress.update(self._id, advance=tasks, documents=self._documents)


class _Lines:
    def __init__(self, console: Console, what: str, tasks: int) -> None:
        self._console, self._what, self._tasks = console, what, max(tasks, 1)
        self._done = self._documents = 0
        self._started = self._said = time.monotonic()

    def advance(self, tasks: int = 0, documents: int = 0, size: int = 0) -> None:
        self._done += tasks
        self._documents += documents
        now = time.monotonic()
        if now - self._said > LOG_EVERY:
            self._said = now
            seconds = now - self._started
            left = f", {seconds / self._done * (self._tasks - self._done):.0f} s left" if self._done else ""
            self._console.print(
                f"{self._what}: {self._done}/{self._tasks} tasks, {self._documents:,} documents, "
                f"{self._documents / seconds:,.0f}/s{left}",
                highlight=False,
            )


class Silent:
    """Says nothing."""

    def advance(self, tasks: int = 0, documents: int = 0, size: int = 0) -> None:
        pass


class Display:
    """Where the phases of a run show how far they are."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(file=sys.stderr)

    def say(self, message: str) -> None:
        if not self._quiet:
            self._console.print(message, highlight=False)

    @contextmanager
    def phase(self, what: str, tasks: int) -> Iterator[Meter]:
        if self._quiet:
            yield Silent()
        elif not self._console.is_terminal:
            yield _Lines(self._console, what, tasks)
        else:
            columns = (
                TextColumn("{task.description:<18}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                _Rate(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=self._console) as progress:
                yield _Bar(progress, what, tasks)
