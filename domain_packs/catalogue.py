"""The packs that exist: our own, and those that other packages offer as entry points.

A pack is a Python package (a folder with an `__init__.py`) that holds

    pack.yaml               what it is (`Manifest`): summary, training preset, and the files below by their use
    recipe-zh.yaml ...      one recipe a language, which `corpusmill init NAME-zh` prints
    terms-*.txt             lexicons, each with its source in its first lines
    steps.py                its own steps, if it has any
    README.md, README.zh-CN.md
    seed-zh.jsonl ...       texts of the domain to start a classifier from

Our own are the folders beside this file; nothing else names them. A third party names its pack in the group
`corpusmill.packs` (`tax = "tax_corpus.pack"`), and the modules with its steps in the group `corpusmill.steps`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module, resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..curate.errors import CorpusmillError
from ..curate.registry import suggestion

ENTRY_POINTS = "corpusmill.packs"
MANIFEST = "pack.yaml"


class PackError(CorpusmillError):
    """There is no such pack or recipe, or a pack lacks something that it must have."""


class Evaluation(BaseModel):
    """A set that the corpus must not contain."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Its name in `decontaminate: {sets: {NAME: ...}}`."""
    file: str | None = None
    """A file of the pack that holds it."""
    where: str | None = None
    """Where to get it, if its licence does not let the pack carry it."""


class Manifest(BaseModel):
    """What pack.yaml says. File names are relative to the pack's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    summary: str = Field(min_length=1)
    """One sentence: what the pack is for."""
    preset: str = Field(min_length=1)
    """The training preset that suits it."""
    lexicons: list[str] = []
    """Term lists that tell the domain; by default every terms-*.txt."""
    steps: list[str] = []
    """Names of the pack's own steps."""
    seeds: dict[str, str] = {}
    """Texts of the domain by language, to start a classifier from (`corpusmill recall --seed`)."""
    protected: list[str] = []
    """Term lists that typo fixing and augmentation must leave alone (their option `terms`)."""
    typos: dict[str, str] = {}
    """Resources of `fix_typos` by option: `confusions`."""
    augmentation: dict[str, str] = {}
    """Resources of `augment` by option: `synonyms`."""
    evaluation: list[Evaluation] = []
    """Sets to decontaminate against."""

    def files(self) -> list[str]:
        """Every file that it names."""
        sets = [e.file for e in self.evaluation if e.file is not None]
        return [*self.lexicons, *self.seeds.values(), *self.protected, *self.typos.values(), *self.augmentation.values(), *sets]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pack:
    """A domain: what it is for, the training preset that suits it, its recipes by language, and its files."""

    name: str
    module: str
    """The package that holds it; a folder's path for one that is not installed."""
    manifest: Manifest
    languages: tuple[str, ...]
    folder: Any
    """Where its files are (a Traversable)."""

    @property
    def summary(self) -> str:
        return self.manifest.summary

    @property
    def preset(self) -> str:
        return self.manifest.preset

    def recipe_text(self, language: str) -> str:
        """The recipe for one language, as YAML with comments. Raises PackError that lists the languages."""
        if language not in self.languages:
            raise PackError(f"pack {self.name!r} has no recipe for {language!r}{suggestion(language, self.languages)}")
        return self.read(f"recipe-{language}.yaml")

    def read(self, file: str) -> str:
        """A file of the pack, as text. Raises PackError when there is none."""
        try:
            return str((self.folder / file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"pack {self.name!r} has no readable file {file}: {error}") from error

    def lexicons(self) -> tuple[str, ...]:
        """Names of the term lists that tell the domain."""
        return tuple(self.manifest.lexicons) or tuple(n for n in self.names() if re.fullmatch(r"terms-.+\.txt", n))

    def terms(self) -> tuple[str, ...]:
        """All terms of its lexicons."""
        from .lexicon import terms_of

        return tuple(term for file in self.lexicons() for term in terms_of(self.read(file)))

    def names(self) -> list[str]:
        """Names of its files and folders, sorted."""
        return sorted(f.name for f in self.folder.iterdir())

    def path(self) -> Path:
        """Its folder on disk. Raises PackError for one inside an archive."""
        if not isinstance(self.folder, Path):
            raise PackError(f"pack {self.name!r} lies inside an archive; unpack its package to use its files by path")
        return self.folder


def packs() -> dict[str, Pack]:
    """Every pack by name, sorted; a third party's pack cannot take the name of one of ours."""
    found = {name: _installed(name, f"{__package__}.{name}") for name in own_packs()}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: (p.name, p.value)):
        if point.name in found:
            raise PackError(f"two packs are called {point.name!r}: {found[point.name].module} and {point.value}")
        found[point.name] = _installed(point.name, point.value)
    return dict(sorted(found.items()))


def own_packs() -> list[str]:
    """Names of the packs that ship with corpusmill: the folders here that have a manifest."""
    return sorted(f.name for f in resources.files(__package__ or "").iterdir() if (f / MANIFEST).is_file())


def load_own_steps() -> None:
    """Import the steps of our own packs, so that the registry knows them."""
    for name in own_packs():
        if (resources.files(__package__ or "") / name / "steps.py").is_file():
            import_module(f"{__package__}.{name}.steps")


def find_pack(name: str | Path) -> Pack:
    """The pack of that name, or the one in that folder (installed or not). Raises PackError that lists the names."""
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return _pack(folder.resolve().name, str(folder), folder.resolve())
    inner = sorted(folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
    if len(inner) == 1:  # the project that `corpusmill pack new` writes: the package is inside
        return _pack(inner[0].parent.name.removesuffix("_pack"), str(inner[0].parent), inner[0].parent.resolve())
    known = packs()
    if str(name) not in known:
        raise PackError(
            f"there is no pack {str(name)!r}, and no folder of that name with a {MANIFEST}{suggestion(str(name), known)}"
        )
    return known[str(name)]


def recipe_names() -> list[str]:
    """The names that `recipe_text` takes, such as `legal-zh`."""
    return [f"{pack.name}-{language}" for pack in packs().values() for language in pack.languages]


def recipe_text(name: str) -> str:
    """The recipe `legal-zh`, `medical-en` ..., as YAML with comments. Raises PackError that lists the valid names."""
    if name not in (valid := recipe_names()):
        raise PackError(f"there is no recipe {name!r}{suggestion(name, valid)}")
    pack, _, language = name.rpartition("-")
    return packs()[pack].recipe_text(language)


def _installed(name: str, module: str) -> Pack:
    try:
        folder = resources.files(module)
    except (ImportError, TypeError) as e:
        raise PackError(f"pack {name!r} names the package {module}, which cannot be imported: {e}") from e
    return _pack(name, module, folder)


def _pack(name: str, module: str, folder: Any) -> Pack:
    try:
        manifest = Manifest.model_validate(yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8")))
    except ValidationError as e:
        faults = "; ".join(f"{'.'.join(map(str, f['loc'])) or MANIFEST}: {f['msg']}" for f in e.errors())
        keys = ", ".join(Manifest.model_fields)
        raise PackError(f"pack {name!r} ({module}) needs a pack.yaml with 'summary' and 'preset' that is right: {faults}. Keys: {keys}") from e  # fmt: skip
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise PackError(f"pack {name!r} ({module}) needs a pack.yaml with 'summary' and 'preset': {e}") from e
    recipes = (re.fullmatch(r"recipe-(.+)\.yaml", f.name) for f in folder.iterdir())
    languages = tuple(sorted(match[1] for match in recipes if match))
    if not languages:
        raise PackError(f"pack {name!r} ({module}) holds no recipe: add recipe-zh.yaml or recipe-en.yaml")
    return Pack(name, module, manifest, languages, folder)
