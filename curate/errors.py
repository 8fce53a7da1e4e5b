"""The errors that corpusmill raises for its user, each in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence


class CorpusmillError(Exception):
    """Base of all errors that are the user's to mend."""


class RecipeError(CorpusmillError, ValueError):
    """A recipe, step or option is wrong. `problems` holds every mistake found, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class InputError(CorpusmillError):
    """The inputs cannot be read as asked: none matched, or none has a reader."""


class RunError(CorpusmillError):
    """A run stopped: too many bad documents, a worker that keeps dying, counts that do not add up."""


class MissingExtra(CorpusmillError, ImportError):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs packages that are not installed: pip install 'corpusmill[{extra}]'")
