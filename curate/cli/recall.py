"""`corpusmill recall`: a domain's documents in an unlabelled pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from ..errors import RecipeError


def recall_command(
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    seed: Annotated[
        list[str] | None, typer.Option("--seed", help="Texts of the domain: a file, folder or quoted glob; repeat it.")
    ] = None,
    pool: Annotated[
        list[str] | None, typer.Option("--pool", help="Where to look: a file, folder or quoted glob; repeat it.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for what is found.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="A pack, whose lexicons are the keywords.")] = None,
    terms: Annotated[Path | None, typer.Option("--terms", help="Keywords of your own, one a line.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of training and feeding back.")] = 3,
    method: Annotated[
        Literal["classifier", "resample"],
        typer.Option("--method", help="A classifier in rounds, or DSIR's resampling."),
    ] = "classifier",
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Documents to draw, with --method resample.")
    ] = None,
    min_keywords: Annotated[
        float,
        typer.Option("--min-keywords", min=0, max=1, help="Share of keywords of a page that is surely of the domain."),
    ] = 0.03,
    text: Annotated[str, typer.Option("--text", help="Field that holds the text.")] = "text",
    samples: Annotated[int, typer.Option("--samples", min=0, help="Samples of each round, to be judged.")] = 20,
    random_seed: Annotated[int, typer.Option("--random-seed", help="Decides every draw.")] = 0,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes; all cores by default.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete what another recall left in the output first.")
    ] = False,
    judged: Annotated[
        Path | None,
        typer.Option(
            "--judged", help="Only write the report of this folder anew, with what you set in its samples.jsonl."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Find a domain's documents in a pool of anything, from a seed of it. Interrupted, the same command goes on.

    Examples:

      corpusmill recall --seed 'seed/*.jsonl' --pool 'pool/*.parquet' --domain legal -o found --rounds 3

      corpusmill recall --seed 'seed/*.jsonl' --pool 'pool/*.parquet' -o drawn --method resample --keep 10000

      corpusmill recall --judged found
    """
    out = Console(highlight=False)
    if judged is not None:
        from ..recall.report import judge

        for number, n, right, least, most in judge(judged):
            out.print(f"round {number}: {right} of {n} right, purity {least:.2f} to {most:.2f} (95 %)")
        out.print(f"see {judged / 'report.html'}", markup=False)
        return
    if more:
        raise RecipeError(
            [
                f"{more[0]} belongs to no option: put a glob in quotes, so that the shell leaves it whole (--seed 'seed/*.jsonl')"
            ]
        )
    absent = [name for name, value in (("--seed", seed), ("--pool", pool), ("--output", output)) if not value]
    if absent or seed is None or pool is None or output is None:
        raise RecipeError(
            [f"{', '.join(absent)} must be given, e.g. --seed 'seed/*.jsonl' --pool 'pool/*.parquet' -o found"]
        )
    from ..recall.rounds import recall

    report = recall(
        seed, pool, output, domain=domain, terms=terms, rounds=rounds, method=method, keep=keep, min_keywords=min_keywords,
        text=text, samples=samples, random_seed=random_seed, workers=workers, overwrite=overwrite, quiet=quiet,
    )  # fmt: skip
    for warning in report.warnings:
        out.print(f"warning: {warning}", markup=False, style="yellow")
    if report.rounds:
        table = Table("round", "trained on (+ / -)", "found", "new", "seed found", "with keywords", box=None)
        for r in report.rounds:
            trained = f"{r.positives:,} / {r.negatives:,}" if r.number else "keywords, n-grams"
            table.add_row(
                str(r.number), trained, f"{r.found:,}", f"{r.new:,}", f"{r.seed_recall:.3f}", f"{r.with_keywords:.3f}"
            )
        out.print(table)
    out.print(f"{report.found:,} of {report.pool:,} documents in {output}; see {output / 'report.html'}", markup=False)
    if report.model:
        scores = ", ".join(f"{k}: {v}" for k, v in report.min_score.items())
        out.print(
            f"for a recipe: - quality_classifier: {{model: {output / report.model}, min_score: {{{scores}}}}}",
            markup=False,
            soft_wrap=True,
        )
