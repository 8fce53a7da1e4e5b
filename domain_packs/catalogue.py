"""The packs that exist: our own three and those that other packages offer as entry points.

A pack is a Python package (a folder with an `__init__.py`) that holds

    pack.yaml               summary: one sentence; preset: the training preset that suits it
    recipe-zh.yaml ...      one recipe a language, which `corpusmill init NAME-zh` prints
    README.md               what it is for
    steps.py, *.txt         its steps and lexicons, if any

A third party names its pack in the group `corpusmill.packs` (`tax = "tax_corpus.pack"`), and the modules with its steps
in the group `corpusmill.steps`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import entry_points

import yaml

from ..curate.errors import CorpusmillError
from ..curate.registry import suggestion

ENTRY_POINTS = "corpusmill.packs"
_OWN = ("general", "legal", "medical")


class PackError(CorpusmillError):
    """There is no such pack or recipe, or a pack lacks something that it must have."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A domain: what it is for, the training preset that suits it, and its recipes by language."""

    name: str
    module: str
    summary: str
    preset: str
    languages: tuple[str, ...]

    def recipe_text(self, language: str) -> str:
        """The recipe for one language, as YAML with comments. Raises PackError that lists the languages."""
        if language not in self.languages:
            raise PackError(f"pack {self.name!r} has no recipe for {language!r}{suggestion(language, self.languages)}")
        return (resources.files(self.module) / f"recipe-{language}.yaml").read_text(encoding="utf-8")


def packs() -> dict[str, Pack]:
    """Every pack by name, sorted; a third party's pack cannot take the name of one of ours."""
    found = {name: _pack(name, f"{__package__}.{name}") for name in _OWN}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: (p.name, p.value)):
        if point.name in found:
            raise PackError(f"two packs are called {point.name!r}: {found[point.name].module} and {point.value}")
        found[point.name] = _pack(point.name, point.value)
    return dict(sorted(found.items()))


def recipe_names() -> list[str]:
    """The names that `recipe_text` takes, such as `legal-zh`."""
    return [f"{pack.name}-{language}" for pack in packs().values() for language in pack.languages]


def recipe_text(name: str) -> str:
    """The recipe `legal-zh`, `medical-en` ..., as YAML with comments. Raises PackError that lists the valid names."""
    if name not in (valid := recipe_names()):
        raise PackError(f"there is no recipe {name!r}{suggestion(name, valid)}")
    pack, _, language = name.rpartition("-")
    return packs()[pack].recipe_text(language)


def _pack(name: str, module: str) -> Pack:
    try:
        folder = resources.files(module)
        about = yaml.safe_load((folder / "pack.yaml").read_text(encoding="utf-8"))
        summary, preset = str(about["summary"]), str(about["preset"])
    except (OSError, ImportError, TypeError, KeyError, yaml.YAMLError) as e:
        raise PackError(f"pack {name!r} ({module}) needs a pack.yaml with 'summary' and 'preset': {e}") from e
    recipes = (re.fullmatch(r"recipe-(.+)\.yaml", f.name) for f in folder.iterdir())
    languages = tuple(sorted(match[1] for match in recipes if match))
    if not languages:
        raise PackError(f"pack {name!r} ({module}) holds no recipe: add recipe-zh.yaml or recipe-en.yaml")
    return Pack(name, module, summary, preset, languages)
