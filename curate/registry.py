"""The steps that exist, by name: our own and those that other packages offer as entry points."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points

from .errors import RecipeError
from .step import Step, registered

ENTRY_POINTS = "corpusmill.steps"
"""Group under which a package names modules that define steps: `my_steps = "my_package.steps"`."""

_loaded = False


def steps() -> dict[str, type[Step]]:
    """Every known step by name, sorted; loads the built-in steps and the entry points once."""
    global _loaded
    if not _loaded:
        _loaded = True
        import_module("corpusmill.filters").load_steps()
        import_module("corpusmill.domain_packs")
        import_module("corpusmill.curate.datatrove")
        for point in entry_points(group=ENTRY_POINTS):
            import_module(point.value)
    return dict(sorted(registered.items()))


def step_class(name: str) -> type[Step]:
    """The step of that name. Raises RecipeError that lists the known names and the closest one."""
    known = steps()
    if name not in known:
        raise RecipeError([f"unknown step {name!r}{suggestion(name, known)}"])
    return known[name]


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean X? Valid: A, B, C`, for an error about an unknown name."""
    valid = sorted(known)
    near = difflib.get_close_matches(str(name), valid, n=1)
    return f"{f'; did you mean {near[0]!r}?' if near else '.'} Valid: {', '.join(valid)}"
