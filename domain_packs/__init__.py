"""Recipes, lexicons and steps for a domain, loaded by name."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs instead")

from .catalogue import Pack, packs, recipe_names, recipe_text
from .general.steps import WebBoilerplate
from .legal.completeness import LegalCompleteness
from .legal.steps import LegalSignals
from .medical.steps import MedicalSignals

__all__ = [
    "LegalCompleteness",
    "LegalSignals",
    "MedicalSignals",
    "Pack",
    "WebBoilerplate",
    "packs",
    "recipe_names",
    "recipe_text",
]
