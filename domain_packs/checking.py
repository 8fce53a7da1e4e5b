"""What a pack lacks: each thing a pack should hold, looked for and, where it can be, tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..curate.errors import CorpusmillError, RecipeError
from ..curate.registry import steps
from .catalogue import Pack, find_pack
from .lexicon import terms_of

MIN_SEED = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a pack lacks. `wrong`: it will not work; `missing`: it works, and is not whole."""

    level: Literal["wrong", "missing"]
    about: str
    """The file or the part of the pack."""
    message: str


def check_pack(name: str | Path | Pack) -> list[Finding]:
    """What the pack of that name, or in that folder, lacks; what is wrong first. Empty for a whole pack."""
    pack = name if isinstance(name, Pack) else find_pack(name)
    found = [f for part in (_files, _recipes, _lexicons, _steps, _seeds, _preset, _rest) for f in part(pack)]
    return sorted(found, key=lambda f: (f.level != "wrong", f.about))


def _files(pack: Pack) -> Iterator[Finding]:
    for file in dict.fromkeys(pack.manifest.files()):
        try:
            pack.read(file)
        except CorpusmillError:
            yield Finding("wrong", file, "pack.yaml names it, and it is not there or is no UTF-8 text")
    if "__init__.py" not in pack.names():
        yield Finding(
            "wrong", "__init__.py", "is not there, so the pack is no package and cannot be named as an entry point"
        )


def _recipes(pack: Pack) -> Iterator[Finding]:
    from ..curate.recipe import parse_recipe

    for language in ("zh", "en"):
        if language not in pack.languages:
            yield Finding("missing", f"recipe-{language}.yaml", f"there is no recipe for {language}")
    for language in pack.languages:
        file = f"recipe-{language}.yaml"
        text = pack.recipe_text(language)
        try:
            # Whatever is there as input: what is checked is the recipe, not the user's data.
            parse_recipe(text, where=file, inputs=[str(Path(__file__).parent)])
        except RecipeError as error:
            yield Finding("wrong", file, "; ".join(error.problems))
        lines = text.splitlines()
        for at, line in enumerate(lines):
            if line.startswith("  - ") and not _is_input(lines, at) and not _explained(lines, at):
                yield Finding(
                    "missing", file, f"line {at + 1} ({line.strip()[2:30]}) has no comment above it that says why"
                )


def _is_input(lines: list[str], at: int) -> bool:
    return next((line for line in reversed(lines[:at]) if line and not line.startswith((" ", "#"))), "").startswith(
        "inputs"
    )


def _explained(lines: list[str], at: int) -> bool:
    """Whether the block of steps that this line belongs to begins with a comment; the language needs none."""
    if lines[at].startswith("  - language"):
        return True
    block = next(i for i in range(at, -1, -1) if not lines[i].startswith("  - "))
    return lines[block].startswith("  #")


def _lexicons(pack: Pack) -> Iterator[Finding]:
    if not pack.lexicons() and not [n for n in pack.names() if n.endswith(".txt")]:
        yield Finding("missing", "terms-*.txt", "there is no lexicon, so `recall --domain` has no keywords")
    for file in pack.lexicons():
        if file not in pack.names():
            continue  # said by _files
        text = pack.read(file)
        first = text.lstrip("\ufeff").splitlines()[:1]
        if not first or not first[0].startswith("#") or len(first[0]) < 10:
            yield Finding(
                "missing", file, "its first line does not say where the terms are from (a comment: # source, licence)"
            )
        terms = terms_of(text)
        if not terms:
            yield Finding("wrong", file, "holds no term")
        repeated = sorted({t for t in terms if terms.count(t) > 1})
        if repeated:
            yield Finding("missing", file, f"holds {len(repeated)} terms more than once, e.g. {repeated[0]}")
    for language, mark in (("zh", "zh"), ("en", "en")):
        if pack.lexicons() and language in pack.languages and not any(f"-{mark}" in f for f in pack.lexicons()):
            yield Finding("missing", f"terms-{language}.txt", f"no lexicon is named for {language}")


def _steps(pack: Pack) -> Iterator[Finding]:
    known = steps()
    for step in pack.manifest.steps:
        if step not in known:
            yield Finding(
                "wrong", "steps", f"pack.yaml names the step {step}, which is not known: install the pack's package, with its "
                "module of steps in the entry point group corpusmill.steps",
            )  # fmt: skip
    if "steps.py" in pack.names() and not pack.manifest.steps:
        yield Finding("missing", "pack.yaml", "there is a steps.py, and `steps` names none of its steps")


def _seeds(pack: Pack) -> Iterator[Finding]:
    for language in pack.languages:
        if language not in pack.manifest.seeds:
            yield Finding("missing", "pack.yaml", f"`seeds` names no texts in {language} to start a classifier from")
    for file in pack.manifest.seeds.values():
        if file not in pack.names():
            continue
        try:
            texts = {json.loads(line)["text"] for line in pack.read(file).splitlines() if line.strip()}
        except (ValueError, KeyError, TypeError) as error:
            yield Finding("wrong", file, f'is not JSONL with a field "text": {error}')
            continue
        if len(texts) < MIN_SEED:
            yield Finding(
                "missing", file, f"holds {len(texts)} different texts; `recall` wants {MIN_SEED}, better some hundred"
            )


def _preset(pack: Pack) -> Iterator[Finding]:
    try:
        from ..train.model.presets import load_presets
    except ImportError:  # pragma: no cover - the trainer's extra is not installed
        return
    if pack.preset not in (presets := load_presets()):
        yield Finding(
            "wrong", "pack.yaml", f"there is no training preset {pack.preset!r}; there are {', '.join(presets)}"
        )


def _rest(pack: Pack) -> Iterator[Finding]:
    names = pack.names()
    for file, language in (("README.md", "English"), ("README.zh-CN.md", "Chinese")):
        if file not in names:
            yield Finding("missing", file, f"there is no README in {language}")
    manifest = pack.manifest
    for key, what in (
        ("protected", "term lists that typo fixing and augmentation must leave alone"),
        ("typos", "a file of the domain's confusions"),
        ("augmentation", "a file of the domain's synonyms"),
        ("evaluation", "sets to decontaminate against, or where to get them"),
    ):
        if not getattr(manifest, key):
            yield Finding("missing", "pack.yaml", f"`{key}` names none: {what}")
    for item in manifest.evaluation:
        if item.file is None and item.where is None:
            yield Finding(
                "missing", "pack.yaml", f"evaluation set {item.name} has neither a file nor a place to get it"
            )
