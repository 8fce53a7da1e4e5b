"""Commands that make what filters need. They are mounted on `corpusmill train`, and need no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import RecipeError


def train_classifier_command(
    positive: Annotated[
        list[str], typer.Option("--positive", help="Texts that are wanted: a file, folder or quoted glob; repeat it.")
    ],
    negative: Annotated[
        list[str],
        typer.Option("--negative", help="Texts that are not wanted: a file, folder or quoted glob; repeat it."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")],
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    kind: Annotated[
        Literal["fasttext", "signals", "both"],
        typer.Option("--kind", help="What the model looks at: words, the filters' signals, or both."),
    ] = "fasttext",
    text: Annotated[str, typer.Option("--text", help="Field that holds the text.")] = "text",
    folds: Annotated[int | None, typer.Option("--folds", help="Cross-validate, with so many folds.")] = None,
    held_out: Annotated[float, typer.Option("--held-out", help="Share to judge by, without --folds.")] = 0.1,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Passes of fastText over the texts; 25 for few, 5 for many.")
    ] = None,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="fastText's.")] = 0.5,
    seed: Annotated[int, typer.Option("--seed", help="Decides the held-out texts and fastText's start.")] = 0,
) -> None:
    """Train a quality classifier from texts that you want and texts that you do not, in any format that can be read.

    Example: corpusmill train classifier --positive 'good/*.jsonl' --negative 'bad/*.jsonl' -o quality.bin
    """
    if more:
        raise RecipeError(
            [
                f"{more[0]} belongs to no option: put a glob in quotes, so that the shell leaves it whole "
                "(--positive 'good/*.jsonl'), or repeat the option for each file"
            ]
        )
    from ...filters.classifier.training import read_texts, train_classifier

    report = train_classifier(
        read_texts(positive, text=text),
        read_texts(negative, text=text),
        output,
        kind=kind,
        folds=folds,
        held_out=held_out,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
    )
    typer.echo(
        f"{output}: trained on {report.train_positive:,} wanted and {report.train_negative:,} unwanted texts "
        f"({report.repeated:,} repeated, {report.contradictory:,} contradictory and {report.empty:,} empty ones left out)"
    )
    judged = f"on {report.held_out_positive:,} + {report.held_out_negative:,} texts that it was not trained on"
    typer.echo(
        f"{judged}: AUC {report.auc:.3f}, average precision {report.average_precision:.3f}, precision "
        f"{report.precision:.3f}, recall {report.recall:.3f}, F1 {report.f1:.3f}"
    )
    if report.cross_validation is not None:
        crossed = report.cross_validation
        typer.echo(f"AUC over {crossed.folds} folds: {crossed.auc_mean:.3f} ± {crossed.auc_spread:.3f}")
    typer.echo(f"calibration plot and all figures: {output.with_suffix('.report.html')}")


Texts = Annotated[
    list[str], typer.Argument(help="Clean texts: files, folders or globs, in any format that can be read.")
]
Field = Annotated[str, typer.Option("--text", help="Field that holds the text.")]


def train_ngram_command(
    texts: Texts,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")],
    text: Field = "text",
    order: Annotated[int, typer.Option("--order", min=2, max=8, help="Characters that the model looks at.")] = 5,
) -> None:
    """Train a character n-gram model for the step `perplexity`, in seconds.

    Example: corpusmill train ngram 'clean/*.jsonl' -o zh.ngram
    """
    from ...filters.classifier.training import read_texts
    from ...filters.ngram_model import train_ngram

    report = train_ngram(read_texts(texts, text=text), output, order=order)
    typer.echo(
        f"{output}: {report.characters:,} characters, {sum(report.ngrams.values()):,} n-grams, {report.size:,} bytes"
    )


def train_typos_command(
    texts: Texts,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")],
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="Language of the texts.")],
    text: Field = "text",
    min_precision: Annotated[
        float, typer.Option("--min-precision", min=0, max=1, help="Least precision of edits; as in the step.")
    ] = 0.97,
    max_clean_changed: Annotated[
        float,
        typer.Option("--max-clean-changed", min=0, max=1, help="Most clean Chinese sentences changed; as in the step."),
    ] = 0.002,
) -> None:
    """Train a model for the step `fix_typos` on clean, deduplicated texts of your domain; it measures itself.

    Example: corpusmill train typos 'corpus/train/*.parquet' --language zh -o typos.npz
    """
    from ...filters.classifier.training import read_texts
    from ...filters.typos.model import train_typos

    model = train_typos(
        ((t, language) for t in read_texts(texts, text=text)),
        output,
        min_precision=min_precision,
        max_clean_changed=max_clean_changed,
    )
    for code, measured in model.measured.items():
        unit = "sentences" if code == "zh" else "words"
        typer.echo(
            f"{output}: {code} on injected errors: precision {measured.precision:.3f} (at least "
            f"{measured.precision_low:.3f}), recall {measured.recall:.3f}, clean {unit} changed "
            f"{measured.clean_changed:.3%} (at most {measured.clean_changed_high:.3%}), in {measured.sentences:,} sentences"
        )
        if measured.precision == 0:
            typer.echo("too little text, or too unlike itself, to earn edits: typos will be counted, not fixed")
    if model.changes:
        typer.echo("in the text given as clean it would change, surest first:")
        for change in model.changes[:10]:
            typer.echo(f"  {change}")
        typer.echo("where those are typos of the text itself, --max-clean-changed can be raised, here and in the step")
