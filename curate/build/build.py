"""A pack's recipe run over a pile of files, a GPT trained and scored on what it keeps, and one page about all of it.

    OUT/recipe.yaml   the pack's recipe with these inputs; `corpusmill run` makes the same corpus from it
    OUT/corpus/       the corpus, with its ledger and report.html
    OUT/domain.json   what there is of the domain
    OUT/model/        tokenizer, checkpoints, result.json, report.html
    OUT/index.html    the page that shows it all

Every part goes on where it was stopped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError, MissingExtra
from ..files import whole
from ..run.job import parts
from .domain import domain_report
from .page import build_page

PROMPT_CHARS = 24
"""Characters of a validation document that the model is asked to go on with."""
SAMPLES = 3
SAMPLE_TOKENS = 60


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made; its page shows the same."""

    output: Path
    counts: dict[str, int]
    """Of the curation run: read, train, validation, dropped, quarantined, augmented."""
    domain: dict[str, Any]
    """What `domain_report` found."""
    model: dict[str, Any] | None
    """The fields of the trainer's PretrainResult, with `samples`; null without `train`."""
    page: Path


def build(
    recipe: str,
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    train: str | None = None,
    minutes: float | None = None,
    validation: float | None = None,
    workers: int | None = None,
    memory: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> BuildResult:
    """Curate `inputs` by a pack's recipe (`legal-zh`), and with `train` (a preset such as `nano`) train a GPT on the result.

    `minutes` ends training by the clock, else the preset's budget does; `validation` replaces the recipe's share. Raises
    MissingExtra without corpusmill[train] before anything is read, PackError for an unknown recipe, RecipeError for
    inputs that are not there, InputError where nothing is left to train on or to measure with.
    """
    from ...domain_packs import packs, recipe_text
    from ..recipe import load_recipe

    if train is not None:
        if any(find_spec(module) is None for module in ("torch", "tokenizers", "safetensors")):
            raise MissingExtra("training", "train")
        from ...train import load_presets

        if train not in (known := load_presets()):
            raise InputError(f"there is no preset {train!r}. Valid: {', '.join(known)}")
    folder = Path(output)
    text = with_inputs(recipe_text(recipe), [{"path": str(path)} for path in inputs], folder / "corpus", validation)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    run = load_recipe(folder / "recipe.yaml").run(workers=workers, memory=memory, overwrite=overwrite, quiet=quiet)
    domain = domain_report(run.output, packs()[recipe.rpartition("-")[0]])
    with whole(folder / "domain.json") as draft:
        draft.write_text(json.dumps(domain, ensure_ascii=False, indent=1), "utf-8")
    model = None
    if train is not None:
        needed = [split for split in ("train", "validation") if not run.counts[split]]
        if needed:
            raise InputError(
                f"no document for {' and '.join(needed)} among the {run.counts['train'] + run.counts['validation']} that "
                f"{recipe} kept of {run.counts['read']}, so no GPT can be trained and measured: see {folder / 'corpus'}"
                "/report.html for what was dropped, give more files, or a larger --validation, such as 0.1"
            )
        model = _train(folder / "model", run.output, train, minutes, overwrite)
    page = folder / "index.html"
    with whole(page) as draft:
        draft.write_text(build_page(recipe, run.manifest, domain, model), "utf-8")
    return BuildResult(folder, run.counts, domain, model, page)


def with_inputs(text: str, inputs: Sequence[Mapping[str, str]], output: Path, validation: float | None = None) -> str:
    """A recipe's text with other inputs, output and, where given, validation share; every comment and step stays.

    Raises InputError if the text is not laid out as the packs' recipes are.
    """
    lines = ["inputs:"]
    for item in inputs:
        # JSON is YAML, and its quoting is safe for any path.
        lines.append("  - " + "\n    ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in item.items()))
    lines.append(f"output: {json.dumps(str(output), ensure_ascii=False)}\n")
    text, found = re.subn(r"^inputs:\n(?:[ #].*\n)+output: .*\n", lambda _: "\n".join(lines), text, flags=re.MULTILINE)
    if validation is not None:
        text, shares = re.subn(r"^validation: \S+", f"validation: {validation}", text, flags=re.MULTILINE)
        found = min(found, shares)
    if found != 1:
        raise InputError(
            "this recipe is not laid out as the packs' are (inputs:, output: and validation: each at the start of a line, "
            "output right behind inputs): write it with `corpusmill init`, and use `corpusmill run`"
        )
    return text


def _train(folder: Path, corpus: Path, preset: str, minutes: float | None, overwrite: bool) -> dict[str, Any]:
    from ...train import PretrainConfig, pretrain, sample

    found = pretrain(
        PretrainConfig(corpus=corpus, preset=preset, output=folder, max_minutes=minutes, overwrite=overwrite)
    )
    result = asdict(found)
    prompts = _prompts(corpus)
    result["samples"] = [(p, sample(folder, p, max_new_tokens=SAMPLE_TOKENS, seed=1).text) for p in prompts]
    return result


def _prompts(corpus: Path) -> list[str]:
    """How the first validation documents begin: the model has not seen them."""
    import polars as pl

    texts = pl.concat([pl.read_parquet(path, columns=["text"]) for path in parts(corpus, "validation")])["text"]
    return [" ".join(text.split())[:PROMPT_CHARS] for text in texts.head(SAMPLES).to_list()]
