"""Recipes, lexicons and steps for a domain, loaded by name."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs instead")

from .catalogue import Manifest, Pack, find_pack, load_own_steps, packs, recipe_names, recipe_text
from .checking import Finding, check_pack
from .education.steps import EducationSignals, ExamMarks
from .finance.steps import FinanceDisclaimers, FinanceSignals, StockPromotion
from .general.steps import DomainTerms, WebBoilerplate
from .legal.completeness import LegalCompleteness
from .legal.steps import LegalSignals
from .legal.versions import LawMinHashDedup, LawVersion, LawVersions
from .medical.advertising import MedicalAdvertising
from .medical.back_matter import PaperBackMatter
from .medical.sources import SourceTrust
from .medical.steps import MedicalSignals
from .template import new_pack

__all__ = [
    "DomainTerms",
    "EducationSignals",
    "ExamMarks",
    "FinanceDisclaimers",
    "FinanceSignals",
    "Finding",
    "LawMinHashDedup",
    "LawVersion",
    "LawVersions",
    "LegalCompleteness",
    "LegalSignals",
    "Manifest",
    "MedicalAdvertising",
    "MedicalSignals",
    "Pack",
    "PaperBackMatter",
    "SourceTrust",
    "StockPromotion",
    "WebBoilerplate",
    "check_pack",
    "find_pack",
    "new_pack",
    "packs",
    "recipe_names",
    "recipe_text",
]

load_own_steps()
