"""What a recall found: rounds, thresholds, counts; written as report.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import CorpusmillError

Method = Literal["classifier", "resample"]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round found. Round 0 is the start: keywords and n-gram ratios, before any classifier."""

    number: int
    positives: int
    """Texts that its models were trained on: the seed, and what the round before was sure of."""
    negatives: int
    found: int
    """Documents of the pool at or above the threshold."""
    new: int
    """Of these, not found by an earlier round."""
    thresholds: dict[str, float]
    """Least score by group (`zh`, `other`)."""
    seed_recall: float
    """Share of the seed found, each text scored by a model that was not trained on it."""
    with_keywords: float
    """Share of the found documents that hold a keyword at all; of the rest of the pool: `elsewhere`."""
    elsewhere: float


@dataclass(frozen=True, slots=True)
class RecallReport:
    """What `recall` found, and how."""

    method: Method
    pool: int
    """Documents read."""
    empty: int
    unreadable: int
    """Files that no reader takes."""
    seed: dict[str, int]
    """Different texts of the seed by group."""
    found: int
    found_by_group: dict[str, int]
    rounds: list[Round]
    model: str | None
    """The classifier's file in the output, to be used as `quality_classifier: {model: ...}`."""
    min_score: dict[str, float]
    """Its threshold by language, as `quality_classifier` takes it."""
    settings: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def read_report(output: str | Path) -> RecallReport:
    """The report of a finished recall. Raises CorpusmillError where there is none."""
    path = Path(output) / "report.json"
    if not path.is_file():
        raise CorpusmillError(f"{output} holds no finished recall; run `corpusmill recall ... -o {output}`")
    data = json.loads(path.read_bytes())["report"]
    data["rounds"] = [Round(**r) for r in data["rounds"]]
    return RecallReport(**data)
