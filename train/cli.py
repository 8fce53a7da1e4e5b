"""The trainer's commands. `app` is `corpusmill train`; eval, export and sample are commands of their own.

torch is imported when a command runs, so that `--help` works without it. A command's parameters bear the names of its
configuration's fields, so its signature is the one list of them: `_config` reads what was given from the context.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

INTERRUPTED = 75
"""Exit code of a run that a signal ended after it had saved: EX_TEMPFAIL, "run the same command again"."""

app = typer.Typer(
    help="Train a tokenizer, pretrain a GPT, fine-tune it.", no_args_is_help=True, rich_markup_mode="markdown"
)
finetune_app = typer.Typer(help="Fine-tune a pretrained GPT.", no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(finetune_app, name="finetune")

Corpus = Annotated[Path, typer.Argument(help="Corpus folder: holds train/*.parquet and validation/*.parquet.")]
Run = Annotated[Path, typer.Argument(help="Run folder of `corpusmill train`, or one of its checkpoints.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Run folder to write.")]
Base = Annotated[Path, typer.Option("--base", help="Run folder or checkpoint of the pretrained model.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is in the output folder.")]


def _training(
    output: Output,
    max_minutes: Annotated[float | None, typer.Option("--minutes", help="Stop after this much time.")] = None,
    max_steps: Annotated[int | None, typer.Option("--steps", help="Stop after this many optimizer steps.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")] = None,
    warmup_steps: Annotated[
        int | None, typer.Option("--warmup-steps", help="Steps over which the learning rate rises.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="cosine, or wsd: level, then down over the last fifth.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option("--weight-decay", help="Decay of matrices.")] = None,
    evaluate_every: Annotated[int | None, typer.Option("--evaluate-every", help="Steps between evaluations.")] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option("--checkpoint-every", help="Steps between checkpoints, besides the best.")
    ] = None,
    keep: Annotated[int | None, typer.Option("--keep", help="Checkpoints kept, besides the best.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience", help="Evaluations without improvement before stopping; 0 never stops early. 5, classify: 0."
        ),
    ] = None,
    on_spike: Annotated[
        str | None, typer.Option("--on-spike", help="What to do when the loss jumps: report, or rollback.")
    ] = None,
    trackers: Annotated[
        list[str] | None, typer.Option("--tracker", help="tensorboard or wandb; may be given twice.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides initial weights, order of data and dropout.")] = 0,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """The options of every kind of training."""


def _finetuning(
    epochs: Annotated[
        float | None, typer.Option("--epochs", help="Passes over the training data; by default by task and model size.")
    ] = None,
    validation_share: Annotated[
        float | None, typer.Option("--validation-share", help="Share of the data that decides when to stop.")
    ] = None,
    lora_rank: Annotated[
        int | None, typer.Option("--lora-rank", help="Train adapters of this rank (LoRA); 0 trains the whole model.")
    ] = None,
    lora_alpha: Annotated[
        float | None, typer.Option("--lora-alpha", help="Adapters count alpha / rank times; by default twice.")
    ] = None,
    lora_dropout: Annotated[float | None, typer.Option("--lora-dropout", help="Dropout before adapters.")] = None,
    dropout: Annotated[float | None, typer.Option("--dropout", help="Dropout inside the model; 0.1 is usual.")] = None,
    label_smoothing: Annotated[
        float | None, typer.Option("--label-smoothing", help="Share of each target spread over the others.")
    ] = None,
    freeze: Annotated[int | None, typer.Option("--freeze", help="Lowest blocks that do not train.")] = None,
    layer_decay: Annotated[
        float | None, typer.Option("--layer-decay", help="Each block's rate is this times that of the one above.")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option("--accumulate", help="Parts in which a batch goes through the model: less memory.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32 or bfloat16; by default bfloat16 on a GPU.")
    ] = None,
    show: Annotated[int, typer.Option("--show", help="Print so many samples, what is learnt from them in green.")] = 0,
) -> None:
    """The options of every kind of fine-tuning."""


def _trains(command: Callable[..., None], *more: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `_training` and `more` besides its own; it finds all of them in the context."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    shared = [
        p for options in (*more, _training) for p in inspect.signature(options, eval_str=True).parameters.values()
    ]
    # Those without a default must come first.
    together = sorted([*own, *shared], key=lambda p: p.default is not inspect.Parameter.empty)
    names = [p.name for p in own]

    @wraps(command)
    def run(**given: Any) -> None:
        command(**{name: given[name] for name in names})

    run.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in together}
    return run


def _finetunes(command: Callable[..., None]) -> Callable[..., None]:
    """As `_trains`, with the options of `_finetuning`."""
    return _trains(command, _finetuning)


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
@_trains
def pretrain_command(
    ctx: typer.Context,
    corpus: Annotated[
        list[str],
        typer.Argument(
            help="Corpus folder (train/*.parquet, validation/*.parquet), or several, each PATH or PATH=WEIGHT."
        ),
    ],
    preset: Annotated[
        str, typer.Option("--preset", "-p", help="Size of the model: nano, micro, small, base ... (docs/training.md).")
    ] = "nano",
    base: Annotated[
        Path | None, typer.Option("--base", help="Run folder or checkpoint whose model goes on, instead of a preset.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="Trained tokenizer; without it one is trained.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--tokens", help="Stop after this many tokens.")] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="Of a mix without weights; above 1 favours small corpora.")
    ] = None,
    context: Annotated[int | None, typer.Option("--context", help="Tokens a row.")] = None,
    batch_tokens: Annotated[int | None, typer.Option("--batch-tokens", help="Tokens an optimizer step.")] = None,
    micro_batch_tokens: Annotated[
        int | None, typer.Option("--micro-batch-tokens", help="Tokens through the model at once (memory).")
    ] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", help="adamw or muon.")] = None,
    dropout: Annotated[
        float | None, typer.Option("--dropout", help="0.1 to 0.2 helps a small corpus read many times.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32, bfloat16, or auto: bfloat16 on a GPU.")
    ] = None,
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    recompute: Annotated[bool, typer.Option("--recompute", help="Save memory by computing activations twice.")] = False,
    parallel: Annotated[
        str | None, typer.Option("--parallel", help="Under torchrun: ddp, a copy a process; fsdp, a shard.")
    ] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Keep tokenized splits here, to share them.")] = None,
) -> None:
    """Pretrain a GPT on a corpus. The same command goes on with a run that was stopped.

    A signal (SIGTERM, Ctrl-C) saves and ends with exit code 75: run again. Under torchrun the processes share the work.

    Examples: `corpusmill train pretrain corpus -o runs/nano --minutes 3`,
    `corpusmill train pretrain wiki=3 law=1 -o runs/base --preset base --compile`,
    `torchrun --standalone --nproc-per-node 8 -m corpusmill train pretrain corpus -o runs/base --preset base`
    """
    from dataclasses import asdict

    from . import PretrainConfig, pretrain

    result = pretrain(_config(PretrainConfig, ctx, corpus=_shares(corpus)))
    _print(asdict(result))
    if result.status == "interrupted":
        raise typer.Exit(INTERRUPTED)


@app.command("trace")
def trace_command(
    run: Annotated[Path, typer.Argument(help="Run folder of `corpusmill train pretrain`.")],
    step: Annotated[int, typer.Option("--step", help="Optimizer step; the first is 1.")],
) -> None:
    """List the documents that a step of a run saw, one JSON object a line.

    Example: `corpusmill train trace runs/nano --step 1200`
    """
    from .data.trace import trace_step

    for piece in trace_step(run, step):
        typer.echo(json.dumps(piece, ensure_ascii=False))


@finetune_app.command("classify")
@_finetunes
def classify_command(
    ctx: typer.Context,
    train: Annotated[Path, typer.Argument(help="Texts with labels: .jsonl, .csv or .parquet.")],
    base: Base,
    test: Annotated[Path | None, typer.Option("--test", help="Test data; without it a share is held out.")] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Field with the text; the usual names are tried without it.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Field with the label, or a list of labels.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Examples an optimizer step.")] = 32,
    max_length: Annotated[int | None, typer.Option("--max-length", help="Tokens kept of a text.")] = None,
    pooling: Annotated[str | None, typer.Option("--pooling", help="What the head reads: mean, last, or both.")] = None,
    uncased: Annotated[
        bool, typer.Option("--uncased", help="Read texts in one width, without capitals, as the base model's were.")
    ] = False,
    ngrams: Annotated[
        int | None,
        typer.Option("--ngrams", help="Longest n-grams of the regression beside the GPT: 3 for a small one, else 0."),
    ] = None,
    token_dropout: Annotated[
        float | None, typer.Option("--token-dropout", help="Share of a text's tokens left out in training.")
    ] = None,
    language_loss: Annotated[
        float | None, typer.Option("--language-loss", help="Weight of the language model's loss on the same texts.")
    ] = None,
    consistency: Annotated[
        float | None, typer.Option("--consistency", help="R-Drop: weight of two passes' disagreement; twice the time.")
    ] = None,
    choose: Annotated[
        str | None, typer.Option("--choose", help="Checkpoint kept at the end: last, or best on the validation split.")
    ] = None,
    augment: Annotated[
        int | None, typer.Option("--augment", help="Altered copies of each training text to learn from as well.")
    ] = None,
) -> None:
    """Fine-tune a classifier and print its scores on held-out text, with fastText's beside them.

    Example: `corpusmill train finetune classify reviews.csv --base runs/nano -o runs/sentiment`
    """
    from . import ClassifierConfig, finetune_classifier

    _finished(finetune_classifier(_config(ClassifierConfig, ctx)))


@finetune_app.command("instruct")
@_finetunes
def instruct_command(
    ctx: typer.Context,
    train: Annotated[Path, typer.Argument(help="Conversations or instructions: .jsonl, .csv or .parquet.")],
    base: Base,
    batch_tokens: Annotated[int | None, typer.Option("--batch-tokens", help="Tokens an optimizer step.")] = None,
) -> None:
    """Fine-tune on instructions or conversations, with loss on the answers only.

    Example: `corpusmill train finetune instruct questions.jsonl --base runs/nano -o runs/chat`
    """
    from . import InstructConfig, finetune_instructions

    _finished(finetune_instructions(_config(InstructConfig, ctx)))


@finetune_app.command("prefer")
@_finetunes
def prefer_command(
    ctx: typer.Context,
    train: Annotated[Path, typer.Argument(help="Prompts with a chosen and a rejected answer: .jsonl, .csv, .parquet.")],
    base: Base,
    beta: Annotated[float | None, typer.Option("--beta", help="How strongly to stay near the base model; 0.1.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Pairs an optimizer step.")] = 16,
) -> None:
    """Fine-tune on preferences (DPO): of two answers, the chosen one becomes likelier.

    Example: `corpusmill train finetune prefer pairs.jsonl --base runs/chat -o runs/preferred`
    """
    from . import PreferenceConfig, finetune_preferences

    _finished(finetune_preferences(_config(PreferenceConfig, ctx)))


@app.command("search")
def search_command(
    task: Annotated[str, typer.Argument(help="classify, instruct or prefer.")],
    train: Annotated[Path, typer.Argument(help="Training data, as that task takes them.")],
    base: Base,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the table, the page and the trials.")],
    values: Annotated[
        list[str], typer.Option("--try", help="Setting and its values: learning_rate=1e-4,3e-4. May be given again.")
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of all trials: epochs=3. May be given again.")
    ] = None,
    test: Annotated[Path | None, typer.Option("--test", help="Test data (classify): scored with the winner.")] = None,
    halving: Annotated[
        int | None, typer.Option("--halving", help="Train all briefly, one in so many longer, and so on.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same for all trials.")] = 0,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Try settings of fine-tuning and rank them by their validation score. The same command goes on after a stop.

    Example: `corpusmill train search classify reviews.csv --base runs/nano -o runs/search --try learning_rate=2e-4,5e-4,1e-3 --halving 2`
    """
    from pydantic import ValidationError

    from ..curate.errors import RecipeError
    from . import SearchConfig, search_settings

    tried, fixed = _assignments("--try", values), _assignments("--set", settings or [])
    shared = {name: found[0] if len(found) == 1 else found for name, found in fixed.items()}
    shared |= {"train": str(train), "base": str(base), "seed": seed, "device": device}
    if test is not None:
        shared["test"] = str(test)
    try:
        given: Any = {"task": task, "output": output, "values": tried, "settings": shared, "halving": halving}
        config = SearchConfig(**given, overwrite=overwrite)
    except ValidationError as error:
        raise RecipeError([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]) from error
    found = search_settings(config)
    for trial in found["trials"]:
        trial.pop("curve", None)
    if found["best"]:
        found["best"].pop("curve", None)
    _finished(found)


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(help="Folder of a Hugging Face checkpoint: Qwen3, Qwen2, Llama or GPT-2.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write, for --base.")],
    overwrite: Overwrite = False,
) -> None:
    """Take in a Hugging Face checkpoint, to pretrain it further or to fine-tune it.

    Example:

      corpusmill train import Qwen3-0.6B -o runs/qwen3
      corpusmill train pretrain corpus/legal-zh -o runs/legal --base runs/qwen3
    """
    from .model.importing import import_hf

    import_hf(source, output, overwrite=overwrite)
    typer.echo(f"wrote {output}; give it as --base to `train pretrain` or `train finetune`")


def _assignments(option: str, given: list[str]) -> dict[str, list[Any]]:
    """`name=1,2` as {"name": [1, 2]}."""
    from ..curate.errors import RecipeError

    found: dict[str, list[Any]] = {}
    for one in given:
        name, equals, values = one.partition("=")
        if not (name and equals and values):
            raise RecipeError([f"{option} {one}: write it as name=value, several values with commas"])
        found[name.strip().replace("-", "_")] = [_value(value.strip()) for value in values.split(",")]
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _finished(report: dict[str, Any]) -> None:
    """Print a report; an interrupted run ends with the exit code that says so."""
    _print(report)
    if report["status"] == "interrupted":
        raise typer.Exit(INTERRUPTED)


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
    seed: Annotated[int, typer.Option("--seed", help="Decides what is drawn.")] = 0,
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


def _config(kind: Any, ctx: typer.Context, **changed: Any) -> Any:
    """A configuration from a command's options; `None` means that one was not given, and all bad ones are reported."""
    from pydantic import ValidationError

    from ..curate.errors import RecipeError

    given = {name: value for name, value in (ctx.params | changed).items() if value is not None}
    if given.get("patience") == 0:
        given["patience"] = None
    # By the names that were typed: `--minutes`, not `max_minutes`.
    typed = {p.name: p.opts[0] for p in ctx.command.params if p.param_type_name == "option"}
    try:
        return kind(**given)
    except ValidationError as error:
        problems = [f"{typed.get(str(e['loc'][0]), e['loc'][0])}: {e['msg']}" for e in error.errors()]
        raise RecipeError(problems) from error


def _shares(corpora: list[str]) -> Any:
    """One corpus by its path alone, or several with their weights."""
    if len(corpora) == 1 and "=" not in corpora[0]:
        return corpora[0]
    shares = []
    for corpus in corpora:
        path, _, weight = corpus.partition("=")
        shares.append({"path": path, "weight": weight or None})
    return shares


def _print(value: Any) -> None:
    if os.environ.get("RANK", "0") == "0":  # torchrun's first process prints for all
        typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
