"""`corpusmill pack`: the packs that exist, what one lacks, and a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
out = Console(highlight=False)

Name = Annotated[str, typer.Argument(help="A pack's name, or a folder that holds one.")]


@app.command("list")
def list_command() -> None:
    """List the packs: ours, and those that other packages offer.

    Example: corpusmill pack list
    """
    from ...domain_packs import packs

    table = Table("pack", "languages", "preset", "what it is for", box=None)
    for name, pack in packs().items():
        table.add_row(name, ", ".join(pack.languages), pack.preset, pack.summary)
    out.print(table)


@app.command()
def show(name: Name) -> None:
    """Show what a pack holds, and where its files are.

    Example: corpusmill pack show finance
    """
    from ...domain_packs import find_pack

    pack = find_pack(name)
    rows = {
        "for": pack.summary,
        "folder": str(pack.folder),
        "recipes": ", ".join(f"{pack.name}-{language}" for language in pack.languages),
        "training preset": pack.preset,
        "steps": ", ".join(pack.manifest.steps),
        "lexicons": ", ".join(pack.lexicons()),
        "terms": f"{len(pack.terms()):,}",
        "seeds": ", ".join(pack.manifest.seeds.values()),
        "protected terms": ", ".join(pack.manifest.protected),
        "typos": ", ".join(f"{k}: {v}" for k, v in pack.manifest.typos.items()),
        "augmentation": ", ".join(f"{k}: {v}" for k, v in pack.manifest.augmentation.items()),
        "evaluation": "; ".join(f"{e.name} ({e.file or e.where})" for e in pack.manifest.evaluation),
    }
    for label, value in rows.items():
        out.print(f"{label}: {value or '-'}", markup=False, soft_wrap=True)


@app.command()
def check(name: Name) -> None:
    """Say what a pack lacks. Ends with 1 when something in it cannot work.

    Example: corpusmill pack check finance
    """
    from ...domain_packs import check_pack

    found = check_pack(name)
    for finding in found:
        out.print(f"{finding.level}: {finding.about}: {finding.message}", markup=False, soft_wrap=True)
    wrong = sum(f.level == "wrong" for f in found)
    out.print(f"{wrong} wrong, {len(found) - wrong} missing" if found else "the pack is whole")
    if wrong:
        raise typer.Exit(1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The pack's name: small letters, digits and _.")],
    folder: Annotated[Path | None, typer.Option("--folder", help="Where; by default a folder of that name.")] = None,
) -> None:
    """Start a pack for a field of your own: recipes that run at once, lexicons, a step, seeds, tests.

    Example: corpusmill pack new tax_law --folder tax
    """
    from ...domain_packs import new_pack

    root, steps = new_pack(name, folder)
    out.print(f"{root} holds the pack {name}. Next:", markup=False)
    for step in steps:
        out.print(f"  {step}", markup=False, soft_wrap=True)
