"""`corpusmill train evaluate`: scores of classifiers, answers and code, cross-validation, leaks between two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Score a model: classes, answers, code; cross-validate; look for leaks.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Folder for result.json and report.html.")]
Text = Annotated[str | None, typer.Option("--text", help="Field with the text; else the usual names are tried.")]
Label = Annotated[str | None, typer.Option("--label", help="Field with the label; else the usual names are tried.")]
Threshold = Annotated[
    float, typer.Option("--threshold", min=0.1, max=1, help="Similarity from which two texts are the same.")
]


@app.command("classifier")
def classifier_command(
    run: Annotated[Path, typer.Argument(help="Run folder of `corpusmill train finetune classify`.")],
    data: Annotated[Path, typer.Argument(help="Test data: .jsonl, .csv or .parquet.")],
    against: Annotated[Path | None, typer.Option("--against", help="Another run, to be compared with.")] = None,
    train: Annotated[
        Path | None, typer.Option("--train", help="Training data to look for leaks in; without it, the run's own.")
    ] = None,
    keep_leaks: Annotated[bool, typer.Option("--keep-leaks", help="Score leaked test texts as well.")] = False,
    text: Text = None,
    label: Label = None,
    threshold: Threshold = 0.8,
    output: Output = None,
) -> None:
    """Score a fine-tuned classifier on test data that the training data do not hold.

    Example: `corpusmill train evaluate classifier runs/reviews test.jsonl --against runs/older -o scores`
    """
    from .evaluate.runs import evaluate_classifier

    result = evaluate_classifier(
        run, data, against=against, train=train, keep_leaks=keep_leaks, text=text, label=label, threshold=threshold
    )
    _show(result["models"], result, output, data.name)


@app.command("crossval")
def crossval_command(
    data: Annotated[Path, typer.Argument(help="Labelled texts: .jsonl, .csv or .parquet.")],
    model: Annotated[
        list[str], typer.Option("--model", "-m", help="fasttext, tfidf, or a pretrained run to fine-tune; may repeat.")
    ] = ["tfidf"],  # noqa: B006 - typer reads it
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds.")] = 5,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Times over, with other folds.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Decides the folds and each model's training.")] = 0,
    text: Text = None,
    label: Label = None,
    threshold: Threshold = 0.8,
    output: Output = None,
) -> None:
    """Cross-validate classifiers: stratified folds, near-duplicates always in one fold.

    Example: `corpusmill train evaluate crossval reviews.jsonl -m tfidf -m fasttext -m runs/nano -o scores`
    """
    from .evaluate.crossval import Fit, cross_validate, fit_fasttext, fit_gpt, fit_tfidf
    from .evaluate.leakage import near_duplicate_groups
    from .finetune.samples import read_examples

    examples = read_examples(data, text, label)
    if any(example.labels is not None for example in examples):
        typer.echo("texts with several labels: each combination of labels counts as one class", err=True)
    groups = near_duplicate_groups([example.text for example in examples], threshold=threshold)
    models = {}
    for name in model:
        fit: Fit = fit_fasttext() if name == "fasttext" else fit_tfidf() if name == "tfidf" else fit_gpt(name)
        models[name] = cross_validate(examples, fit, folds=folds, repeats=repeats, seed=seed, groups=groups)
    _show(models, {"models": models}, output, data.name)


@app.command("answers")
def answers_command(
    data: Annotated[Path, typer.Argument(help="Rows with a model's answer and the right ones.")],
    answer: Annotated[str, typer.Option("--answer", help="Field with the model's answer.")] = "answer",
    references: Annotated[
        str, typer.Option("--references", help="Field with the right answer, or a list of them.")
    ] = "references",
    output: Output = None,
) -> None:
    """Exact match and token F1 of answers: Chinese by character, English by word.

    Example: `corpusmill train evaluate answers answered.jsonl --references answers`
    """
    from ..curate.errors import InputError
    from .evaluate.answers import answer_metrics
    from .finetune.rows import read_rows
    from .finetune.samples import parsed

    said, right = [], []
    for where, row in read_rows(data):
        if answer not in row or references not in row:
            raise InputError(f"{where} has no field {answer!r} and {references!r}; its fields are: {', '.join(row)}")
        some = parsed(row[references])
        some = [str(one) for one in (some if isinstance(some, list) else [some]) if one is not None]
        if not some:
            raise InputError(f"{where}: {references} holds no right answer")
        said.append("" if row[answer] is None else str(row[answer]))
        right.append(some)
    result = answer_metrics(said, right)
    _show({"answers": result}, result, output, data.name)


@app.command("code")
def code_command(
    problems: Annotated[Path, typer.Argument(help="Problems in the shape of HumanEval or MBPP.")],
    answers: Annotated[Path, typer.Argument(help="Rows with task_id and completion, several a problem.")],
    k: Annotated[list[int], typer.Option("--k", "-k", min=1, help="The k of pass@k; may repeat.")] = [1],  # noqa: B006
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Time that a program has.")] = 5.0,
    memory: Annotated[int, typer.Option("--memory", min=128, help="MB of memory that a program has.")] = 512,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Programs that run at once.")] = 2,
    output: Output = None,
) -> None:
    """pass@k of generated programs, run where they can neither open a file, a socket nor a process (Linux).

    Example: `corpusmill train evaluate code HumanEval.jsonl.gz samples.jsonl -k 1 -k 10`
    """
    from ..curate.errors import InputError
    from .evaluate.passk import evaluate_code, read_problems
    from .finetune.rows import read_rows

    given: dict[str, list[str]] = {}
    for where, row in read_rows(answers):
        if "task_id" not in row or not isinstance(row.get("completion"), str):
            raise InputError(f"{where} needs task_id and completion; its fields are: {', '.join(row)}")
        given.setdefault(str(row["task_id"]), []).append(row["completion"])
    result = evaluate_code(
        read_problems(problems), given, ks=tuple(k), seconds=seconds, memory=memory << 20, workers=workers
    )
    _show({answers.name: result}, result, output, problems.name)


@app.command("leaks")
def leaks_command(
    train: Annotated[Path, typer.Argument(help="Training data.")],
    test: Annotated[Path, typer.Argument(help="Test data.")],
    text: Text = None,
    threshold: Threshold = 0.8,
) -> None:
    """Name the test texts that the training data hold, equal or nearly so. Exit code 1 if there are any.

    Example: `corpusmill train evaluate leaks train.jsonl test.jsonl`
    """
    from .evaluate.leakage import without_leaks
    from .finetune.samples import read_texts

    sides = [read_texts(path, text) for path in (train, test)]
    report = without_leaks(*sides, remove=None, threshold=threshold)[2]
    typer.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    if report.leaked_test:
        raise typer.Exit(1)


def _show(models: dict[str, Any], result: dict[str, Any], output: Path | None, title: str) -> None:
    from .evaluate.report import evaluation_table, write_evaluation

    if "leakage" in result:
        typer.echo(result["leakage_said"])
    typer.echo(evaluation_table(models))
    if output is not None:
        write_evaluation(output, title, models, result)
        typer.echo(f"{output / 'report.html'}")
