"""Reads inputs to the end, for the tests of the readers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from corpusmill.curate.readers import Bad, Input, Plan, Unit, plan_units, read_unit


@dataclass
class Whole:
    """All documents and unreadable records of some inputs, in order."""

    plan: Plan
    rows: list[dict[str, Any]] = field(default_factory=list)
    bads: list[Bad] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.rows]

    @property
    def errors(self) -> list[str]:
        return [bad.error for bad in self.bads]

    def fields(self, i: int) -> dict[str, Any]:
        return json.loads(self.rows[i]["metadata"] or "{}")


def read_whole(*inputs: Input | str, unit_bytes: int = 32 << 20, **options: Any) -> Whole:
    """Plans and reads; units travel through JSON, as they do to workers."""
    found = [i if isinstance(i, Input) else Input(path=str(i), **options) for i in inputs]
    whole = Whole(plan_units(found, unit_bytes))
    for unit in whole.plan.units:
        for table, bads in read_unit(Unit.from_json(json.loads(json.dumps(unit.to_json()))), found):
            assert table.schema.names == ["id", "text", "source", "metadata"]
            whole.rows += table.to_pylist()
            whole.bads += bads
            whole.tables.append(len(table))
    return whole
