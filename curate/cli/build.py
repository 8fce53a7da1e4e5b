"""`corpusmill build`: from a pile of files to a domain corpus and, with `--train`, a GPT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def build_command(
    recipe: Annotated[
        str, typer.Argument(help="A pack's recipe, such as legal-zh; `corpusmill pack list` names them.")
    ],
    inputs: Annotated[list[str], typer.Argument(help="Files, folders or quoted globs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for all of it.")] = Path("build"),
    train: Annotated[
        str | None, typer.Option("--train", help="Train a GPT of this preset on what is kept: nano, micro, small ...")
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="End training by the clock.")] = None,
    validation: Annotated[
        float | None,
        typer.Option("--validation", min=0, max=0.5, help="Share of the documents to measure on, not the recipe's."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-w", min=1, help="Processes that curate.")] = None,
    memory: Annotated[str | None, typer.Option("--memory", help="What all of them may hold, such as 2GB.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the output folder.")] = False,
) -> None:
    """Curate files by a pack's recipe, train and score a GPT on them, and write one page that shows it all.

    Example: corpusmill build medical-zh raw -o build --train nano --minutes 5
    """
    from ..build import build

    found = build(
        recipe,
        inputs,
        output,
        train=train,
        minutes=minutes,
        validation=validation,
        workers=workers,
        memory=memory,
        overwrite=overwrite,
    )
    out = Console(highlight=False)
    table = Table("read", "kept", "dropped", "quarantined", box=None)
    counts = found.counts
    kept = counts["train"] + counts["validation"]
    table.add_row(*(f"{n:,}" for n in (counts["read"], kept, counts["dropped"], counts["quarantined"])))
    out.print(table)
    if found.model is not None:
        score, baselines = found.model["bits_per_byte"], found.model["baselines"]
        beside = ", ".join(f"{name} {value:.3f}" for name, value in baselines.items())
        out.print(f"bits per byte of validation documents: {score:.3f} ({beside})")
    out.print(f"open {found.page}", markup=False, soft_wrap=True)
    if found.model is not None and found.model["status"] == "interrupted":
        raise typer.Exit(75)
