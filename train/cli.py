"""The trainer's commands. `app` is `corpusmill train`; eval, export and sample are commands of their own.

torch is imported when a command runs, so that `--help` works without it.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Train a tokenizer, pretrain a GPT, fine-tune it.", no_args_is_help=True, rich_markup_mode="markdown"
)
finetune_app = typer.Typer(help="Fine-tune a pretrained GPT.", no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(finetune_app, name="finetune")


class PresetName(StrEnum):
    """The sizes of presets.yaml (a test compares them)."""

    nano = "nano"
    micro = "micro"
    small = "small"
    base = "base"


Corpus = Annotated[Path, typer.Argument(help="Corpus folder: holds train/*.parquet and validation/*.parquet.")]
Run = Annotated[Path, typer.Argument(help="Run folder of `corpusmill train`, or one of its checkpoints.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Run folder to write.")]
Base = Annotated[Path, typer.Option("--base", help="Run folder or checkpoint of the pretrained model.")]
Minutes = Annotated[float | None, typer.Option("--minutes", help="Stop after this much time.")]
Steps = Annotated[int | None, typer.Option("--steps", help="Stop after this many optimizer steps.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")]
Patience = Annotated[
    int | None, typer.Option("--patience", help="Evaluations without improvement before stopping; 0 never stops early.")
]
Seed = Annotated[int, typer.Option("--seed", help="Decides initial weights and order of data.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is in the output folder.")]


@app.command("tokenizer")
def tokenizer_command(
    corpus: Corpus,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tokenizer's files.")],
    vocab_size: Annotated[int, typer.Option("--vocab-size", help="Tokens, control tokens included.")] = 16384,
) -> None:
    """Train a byte-level BPE tokenizer on a corpus and print bytes per token by language.

    Example: `corpusmill train tokenizer corpus -o tokenizer --vocab-size 16384`
    """
    from . import train_tokenizer

    train_tokenizer(corpus, output, vocab_size=vocab_size)
    _print(json.loads((output / "report.json").read_text("utf-8")))


@app.command("pretrain")
def pretrain_command(
    corpus: Corpus,
    output: Output,
    preset: Annotated[PresetName, typer.Option("--preset", "-p", help="Size of the model.")] = PresetName.nano,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="Trained tokenizer; without it one is trained.")
    ] = None,
    minutes: Minutes = None,
    steps: Steps = None,
    tokens: Annotated[int | None, typer.Option("--tokens", help="Stop after this many tokens.")] = None,
    context: Annotated[int | None, typer.Option("--context", help="Tokens a row.")] = None,
    batch_tokens: Annotated[int | None, typer.Option("--batch-tokens", help="Tokens an optimizer step.")] = None,
    micro_batch_tokens: Annotated[
        int | None, typer.Option("--micro-batch-tokens", help="Tokens through the model at once (memory).")
    ] = None,
    learning_rate: Rate = None,
    evaluate_every: Annotated[int | None, typer.Option("--evaluate-every", help="Steps between evaluations.")] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option("--checkpoint-every", help="Steps between checkpoints, besides the best.")
    ] = None,
    patience: Patience = 5,
    seed: Seed = 0,
    device: Device = "auto",
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    cache: Annotated[Path | None, typer.Option("--cache", help="Keep tokenized splits here, to share them.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Pretrain a GPT on a corpus. The same command goes on with a run that was stopped.

    Examples: `corpusmill train pretrain corpus -o runs/nano --minutes 3`,
    `corpusmill train pretrain corpus -o runs/base --preset base --compile`
    """
    from dataclasses import asdict

    from . import PretrainConfig, pretrain

    result = pretrain(
        _config(
            PretrainConfig,
            corpus=corpus,
            output=output,
            preset=preset.value,
            tokenizer=tokenizer,
            max_minutes=minutes,
            max_steps=steps,
            max_tokens=tokens,
            context=context,
            batch_tokens=batch_tokens,
            micro_batch_tokens=micro_batch_tokens,
            learning_rate=learning_rate,
            evaluate_every=evaluate_every,
            checkpoint_every=checkpoint_every,
            patience=patience,
            seed=seed,
            device=device,
            compile=compile,
            cache=cache,
            overwrite=overwrite,
        )
    )
    _print(asdict(result))


@finetune_app.command("classify")
def classify_command(
    train: Annotated[Path, typer.Argument(help="Texts with labels: .jsonl, .csv or .parquet.")],
    base: Base,
    output: Output,
    test: Annotated[Path | None, typer.Option("--test", help="Test data; without it a share is held out.")] = None,
    text: Annotated[str, typer.Option("--text", help="Field with the text.")] = "text",
    label: Annotated[str, typer.Option("--label", help="Field with the label.")] = "label",
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the training data.")] = 5.0,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Examples an optimizer step.")] = 32,
    max_length: Annotated[int | None, typer.Option("--max-length", help="Tokens kept of a text.")] = None,
    minutes: Minutes = None,
    learning_rate: Rate = None,
    patience: Patience = 5,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Fine-tune a classifier and print its scores on held-out text, with fastText's beside them.

    Example: `corpusmill train finetune classify reviews.csv --base runs/nano -o runs/sentiment`
    """
    from . import ClassifierConfig, finetune_classifier

    _print(
        finetune_classifier(
            _config(
                ClassifierConfig,
                train=train,
                base=base,
                output=output,
                test=test,
                text=text,
                label=label,
                epochs=epochs,
                batch_size=batch_size,
                max_length=max_length,
                max_minutes=minutes,
                learning_rate=learning_rate,
                patience=patience,
                seed=seed,
                device=device,
                overwrite=overwrite,
            )
        )
    )


@finetune_app.command("instruct")
def instruct_command(
    train: Annotated[Path, typer.Argument(help="Conversations or instructions: .jsonl, .csv or .parquet.")],
    base: Base,
    output: Output,
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the training data.")] = 3.0,
    batch_tokens: Annotated[int, typer.Option("--batch-tokens", help="Tokens an optimizer step.")] = 4096,
    minutes: Minutes = None,
    learning_rate: Rate = None,
    patience: Patience = 5,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Fine-tune on instructions or conversations, with loss on the answers only.

    Example: `corpusmill train finetune instruct questions.jsonl --base runs/nano -o runs/chat`
    """
    from . import InstructConfig, finetune_instructions

    _print(
        finetune_instructions(
            _config(
                InstructConfig,
                train=train,
                base=base,
                output=output,
                epochs=epochs,
                batch_tokens=batch_tokens,
                max_minutes=minutes,
                learning_rate=learning_rate,
                patience=patience,
                seed=seed,
                device=device,
                overwrite=overwrite,
            )
        )
    )


def eval_command(
    run: Run,
    corpus: Annotated[Path, typer.Argument(help="Corpus folder to score the model on.")],
    split: Annotated[str, typer.Option("--split", help="Split of the corpus.")] = "validation",
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Score at most this many tokens.")] = None,
) -> None:
    """Print a model's bits per byte on a corpus, by language.

    Example: `corpusmill eval runs/nano corpus`
    """
    from . import evaluate_corpus

    _print(evaluate_corpus(run, corpus, split=split, max_tokens=max_tokens))


def export_command(
    run: Run,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a model as a Hugging Face Qwen3 folder for transformers, vLLM and others.

    Example: `corpusmill export runs/nano -o nano-hf`
    """
    from . import export_hf

    typer.echo(export_hf(run, output, overwrite=overwrite))


def sample_command(
    run: Run,
    prompt: Annotated[str, typer.Argument(help="Text to continue.")] = "",
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", help="Longest continuation.")] = 200,
    temperature: Annotated[float, typer.Option("--temperature", help="0 takes the likeliest token.")] = 0.8,
    top_p: Annotated[
        float, typer.Option("--top-p", help="Draw from the likeliest tokens of this total chance.")
    ] = 0.95,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Draw from this many likeliest tokens.")] = 50,
    seed: Seed = 0,
    chat: Annotated[bool, typer.Option("--chat", help="Answer the prompt as a user's message.")] = False,
) -> None:
    """Continue a text.

    Examples: `corpusmill sample runs/nano "今天天气"`, `corpusmill sample runs/chat --chat "What is a contract?"`
    """
    from . import sample

    found = sample(
        run,
        prompt,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        seed=seed,
        chat=chat,
    )
    typer.echo(("" if chat else prompt) + found.text)


def _config(kind: Any, **fields: Any) -> Any:
    """A configuration from options; `None` means the option was not given, and every bad one is reported at once."""
    from pydantic import ValidationError

    from ..curate.errors import RecipeError

    given = {name: value for name, value in fields.items() if value is not None}
    if given.get("patience") == 0:
        given["patience"] = None
    try:
        return kind(**given)
    except ValidationError as error:
        raise RecipeError(
            [f"--{'-'.join(str(p) for p in e['loc']).replace('_', '-')}: {e['msg']}" for e in error.errors()]
        ) from error


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
