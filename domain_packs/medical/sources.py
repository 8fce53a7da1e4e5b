"""How far a document's source is trusted, as a signal that rules and deduplication (`prefer: source_trust`) can read."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ...curate.documents import Documents
from ...curate.step import AtLeast, Filter, Threshold

Trust = Annotated[float, Field(ge=0, le=1)]


class SourceTrust(Filter):
    """Gives each document the trust that you put in its source, and drops those below a bound if you set one.

    source_trust: {trust: {"guidelines/*": 1, "pubmed*": 0.9, "*forum*": 0.2}, otherwise: 0.5}
    """

    name: ClassVar[str] = "source_trust"

    trust: dict[str, Trust]
    """Patterns of sources (`*` and `?` match as in a shell, in either case) and the trust in them, 0 to 1. The first
    that matches holds, so write the narrow ones first."""
    otherwise: Trust = 0.5
    """Trust in a source that no pattern matches, or that is not known."""
    min_source_trust: Annotated[Threshold, AtLeast("source_trust")] = None
    """Least trust to keep a document."""

    def measure(self, docs: Documents) -> Documents:
        sources = docs.table.column("source").to_pylist()
        known = {source: self._trust_in(source) for source in set(sources)}
        return docs.with_signals({"source_trust": np.array([known[s] for s in sources], dtype=np.float32)})

    def _trust_in(self, source: str | None) -> float:
        if source is None:
            return self.otherwise
        lower = source.lower()
        return next((t for pattern, t in self.trust.items() if fnmatchcase(lower, pattern.lower())), self.otherwise)
