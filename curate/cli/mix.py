"""`corpusmill mix`: one corpus from several, by shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..errors import RecipeError


def mix_command(
    corpora: Annotated[list[str], typer.Argument(help="Corpus folders with their shares: corpus/law=0.7.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    size: Annotated[
        str | None, typer.Option("--size", help="Text to draw, e.g. 2GB; by default all that the shares allow.")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Take a document so many times at most.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Decides the draw.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete an earlier mix in the output first.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Mix corpora by their shares of the text: a domain's with enough general text that continued pretraining does not forget.

    Examples:

      corpusmill mix corpus/legal-zh=0.7 corpus/general-zh=0.3 -o corpus/mixed

      corpusmill mix corpus/law=5 corpus/news=3 corpus/web=2 -o corpus/mixed --size 2GB --repeat 4
    """
    from ..mix import mix_corpora
    from ..run.memory import parse_size

    shares: dict[str | Path, float] = {}
    for corpus in corpora:
        path, equals, share = corpus.rpartition("=")
        try:
            shares[path] = float(share)
        except ValueError:
            equals = ""
        if not equals or not path:
            raise RecipeError([f"{corpus} names no share: write it as {corpus.partition('=')[0] or 'corpus/law'}=0.7"])
    wanted = None if size is None else parse_size(size)
    mixed = mix_corpora(shares, output, size=wanted, repeat=repeat, seed=seed, overwrite=overwrite, quiet=quiet)
    table = Table("corpus", "wanted", "share", "documents", "of", "bytes", "times", "validation", box=None)
    for part in mixed.corpora:
        table.add_row(
            part.name, f"{part.wanted:.1%}", f"{part.share:.1%}", f"{part.documents:,}", f"{part.read:,}",
            f"{part.bytes:,}", f"{part.times:.2f}", f"{part.validation:,}",
        )  # fmt: skip
    out = Console(highlight=False)
    out.print(table)
    for part in mixed.corpora:
        left = [f"{part.repeated:,} with a text that was there already"] if part.repeated else []
        left += [f"{part.in_validation:,} with a text of a validation split"] if part.in_validation else []
        if left:
            out.print(f"{part.name}: left out {' and '.join(left)}", markup=False)
    out.print(f"{mixed.documents:,} documents, {mixed.bytes:,} bytes in {output}", markup=False)
