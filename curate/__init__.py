"""The engine: documents, steps, pipelines, recipes, readers, writers, executors, reports."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate instead")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .datatrove import DatatroveFilter, DatatroveFormatter, as_datatrove
    from .documents import Documents
    from .errors import CorpusmillError, InputError, MissingExtra, RecipeError, RunError
    from .mix import Mixed, mix_corpora
    from .pipeline import Applied, Pipeline, RunResult
    from .readers import Input
    from .recipe import Recipe, load_recipe
    from .step import Above, AtLeast, AtMost, Below, Filter, Global, Step, Threshold, Transform

_HOME = {
    "datatrove": ("DatatroveFilter", "DatatroveFormatter", "as_datatrove"),
    "documents": ("Documents",),
    "errors": ("CorpusmillError", "InputError", "MissingExtra", "RecipeError", "RunError"),
    "mix": ("Mixed", "mix_corpora"),
    "pipeline": ("Applied", "Pipeline", "RunResult"),
    "readers": ("Input",),
    "recipe": ("Recipe", "load_recipe"),
    "step": ("Above", "AtLeast", "AtMost", "Below", "Filter", "Global", "Step", "Threshold", "Transform"),
}

__all__ = [
    "Above",
    "Applied",
    "AtLeast",
    "AtMost",
    "Below",
    "CorpusmillError",
    "DatatroveFilter",
    "DatatroveFormatter",
    "Documents",
    "Filter",
    "Global",
    "Input",
    "InputError",
    "MissingExtra",
    "Mixed",
    "Pipeline",
    "Recipe",
    "RecipeError",
    "RunError",
    "RunResult",
    "Step",
    "Threshold",
    "Transform",
    "as_datatrove",
    "load_recipe",
    "mix_corpora",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used: a filter does not pay for the whole engine."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
