"""Readers: from what people have (JSONL, Parquet, CSV, text, HTML, web archives, tar) to documents.

`plan_units` finds the files of some inputs and cuts them into work units; `read_unit` gives a unit's documents as Arrow
tables, and what it could not read as `Bad` records. Reading has one order, whatever the units are.
"""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.readers instead")

from .inputs import Format, Input
from .reading import read_unit
from .records import Bad
from .units import Plan, Span, Unit, plan_units

__all__ = ["Bad", "Format", "Input", "Plan", "Span", "Unit", "plan_units", "read_unit"]
