"""Recipes: a pipeline as a YAML file, checked as a whole before anything starts.

name: legal-zh
inputs:
  - path: raw/**/*.jsonl.gz
output: corpus/legal-zh
steps:
  - fix_format
  - language: {keep: [zh]}
  - gopher_quality: {min_words: 30}
validation: 0.01
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import CorpusmillError, RecipeError
from .pipeline import Pipeline, RunResult
from .readers import Input
from .registry import step_class, suggestion
from .step import Step

Path_ = tuple[str | int, ...]


class _Options(BaseModel):
    """The scalar keys of a recipe."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = "corpus"
    output: str = "corpus"
    validation: float = Field(default=0.01, ge=0, lt=1)
    max_bad_share: float = Field(default=0.05, ge=0, le=1)
    keep_dropped_text: bool = True
    seed: int = 0


KEYS = (*_Options.model_fields, "inputs", "steps")


@dataclass(frozen=True)
class Recipe:
    """A recipe that was found right: `run` runs it."""

    pipeline: Pipeline
    inputs: list[Input]
    output: Path

    def run(self, workers: int | None = None, **options: Any) -> RunResult:
        """`Pipeline.run` over the recipe's inputs; `options` are its other arguments (executor, memory, overwrite, quiet)."""
        return self.pipeline.run(self.inputs, self.output, workers=workers, **options)


def load_recipe(
    path: str | Path, inputs: Sequence[str | Path] | None = None, output: str | Path | None = None
) -> Recipe:
    """Read and check a recipe file; `inputs` and `output` replace the recipe's own.

    Raises RecipeError with every mistake found: unknown keys, steps and fields, wrong types, files that are not there.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError([f"no recipe {file}; write one with: corpusmill init general-zh > {file.name}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError([f"cannot read {file}: {error}"]) from None
    return parse_recipe(text, where=str(path), inputs=inputs, output=output)


def parse_recipe(
    text: str,
    where: str = "recipe",
    inputs: Sequence[str | Path] | None = None,
    output: str | Path | None = None,
) -> Recipe:
    """`load_recipe` on text; `where` names it in errors."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RecipeError([f"{where}{line}: not valid YAML: {getattr(error, 'problem', None) or error}"]) from None
    checker = _Checker(where, node)
    recipe = checker.recipe(data, inputs, output)
    if checker.problems or recipe is None:
        raise RecipeError([message for _, message in sorted(checker.problems)])
    return recipe


class _Checker:
    """Gathers problems, each with its line."""

    def __init__(self, where: str, node: yaml.Node | None) -> None:
        self.where = where
        self.problems: list[tuple[int, str]] = []
        self.lines: dict[Path_, int] = dict(_lines(node, ())) if node is not None else {}
        for path, line in _repeated_keys(node, ()):
            self.problems.append((line, f"{where}:{line}: {_dotted(path)} is given twice"))

    def say(self, path: Path_, message: str) -> None:
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)
        self.problems.append((line, f"{self.where}:{line}: {message}"))

    def recipe(self, data: Any, inputs: Sequence[str | Path] | None, output: str | Path | None) -> Recipe | None:
        if not isinstance(data, dict):
            self.say((), "a recipe is a mapping with the keys " + ", ".join(KEYS))
            return None
        for key in data:
            if key not in KEYS:
                self.say((key,), f"unknown key {key!r}{suggestion(key, KEYS)}")
        options = self.model(_Options, {k: v for k, v in data.items() if k in _Options.model_fields}, (), "")
        steps = self.steps(data.get("steps"))
        found = [Input(path=str(p)) for p in inputs] if inputs else self.inputs(data.get("inputs"))
        for i, item in enumerate(found):
            if not _exists(item.path):
                self.say(("inputs", i, "path"), f"no file matches the input {item.path}")
        if options is None or self.problems:
            return None
        assert isinstance(options, _Options)
        settings = options.model_dump(exclude={"output"})
        return Recipe(Pipeline(steps, **settings), found, Path(output or options.output))

    def steps(self, data: Any) -> list[Step]:
        if not isinstance(data, list) or not data:
            self.say(("steps",), "steps must be a list with at least one step, e.g. '- fix_format'")
            return []
        out = []
        for i, item in enumerate(data):
            path: Path_ = ("steps", i)
            options: Any
            if isinstance(item, str):
                name, options = item, {}
            elif isinstance(item, dict) and len(item) == 1:
                name, options = next(iter(item.items()))
                options = {} if options is None else options
            else:
                self.say(path, "a step is a name, or one name with its options: '- language: {keep: [zh]}'")
                continue
            try:
                cls = step_class(str(name))
            except RecipeError as error:
                self.say(path, error.problems[0])
                continue
            if not isinstance(options, dict):
                self.say(
                    path, f"the options of {name} are a mapping, e.g. {{{next(iter(cls.model_fields), 'option')}: ...}}"
                )
                continue
            step = self.model(cls, options, (*path, name), f"{name}.")
            if isinstance(step, Step):
                try:
                    step.prepare()
                except CorpusmillError as error:
                    self.say(path, f"{name}: {error}")
                out.append(step)
        return out

    def inputs(self, data: Any) -> list[Input]:
        if not isinstance(data, list) or not data:
            self.say(("inputs",), "inputs must be a list with at least one path, e.g. '- path: raw/**/*.jsonl.gz'")
            return []
        out = []
        for i, item in enumerate(data):
            path: Path_ = ("inputs", i)
            if isinstance(item, str):
                item = {"path": item}
            if not isinstance(item, dict):
                self.say(path, "an input is a path, or a mapping with a path: '- path: raw/*.csv'")
                continue
            found = self.model(Input, item, path, "inputs.")
            if isinstance(found, Input):
                out.append(found)
        return out

    def model(self, cls: type[BaseModel], options: Mapping[str, Any], path: Path_, prefix: str) -> BaseModel | None:
        """The model, or None after saying everything that is wrong with its options."""
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            faults: dict[str, list[Any]] = {}
            for fault in error.errors():
                faults.setdefault(str(fault["loc"][0]) if fault["loc"] else "", []).append(fault)
            for field, found in faults.items():
                self.say(self._place(path, found[0]["loc"]), _sentence(f"{prefix}{field}", found, cls))
            return None

    def _place(self, path: Path_, loc: tuple[str | int, ...]) -> Path_:
        """The part of a pydantic location that is in the file (it also names branches of unions)."""
        for part in loc:
            if (*path, part) not in self.lines:
                break
            path = (*path, part)
        return path


def _sentence(name: str, faults: Sequence[Any], cls: type[BaseModel]) -> str:
    """What is wrong with one option; a union's branches each have their say."""
    first = faults[0]
    if first["type"] == "extra_forbidden":
        return f"unknown option {name!r}{suggestion(str(first['loc'][-1]), cls.model_fields)}"
    if first["type"] == "missing":
        return f"{name} is missing"
    said = [f["msg"].removeprefix("Value error, ") for f in faults]
    own = [f["msg"].removeprefix("Value error, ") for f in faults if f["type"] == "value_error"]
    reasons = "; or: ".join(dict.fromkeys(m[0].lower() + m[1:] for m in own or said))
    return f"{name} is {first['input']!r}: {reasons}"


def _lines(node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, key.value)
            yield from _lines(value, inner)
            yield inner, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _lines(value, (*path, i))


def _repeated_keys(node: yaml.Node | None, path: Path_) -> Iterator[tuple[Path_, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*path, key.value), key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated_keys(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _repeated_keys(value, (*path, i))


def _dotted(path: Path_) -> str:
    return ".".join(str(p) for p in path)


def _exists(path: str) -> bool:
    try:
        fs, found = fsspec.core.url_to_fs(path)
        return bool(fs.glob(found)) if any(c in found for c in "*?[") else bool(fs.exists(found))
    except (OSError, ValueError, ImportError):
        return False
