"""The table of signals cannot drift from the filters."""

from __future__ import annotations

import re
from pathlib import Path

from corpusmill.filters.chinese import ChineseQuality, ChineseSpam
from corpusmill.filters.fineweb2 import FineWeb2
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition
from corpusmill.filters.refinedweb import RefinedWebLines, RefinedWebQuality

STEPS = (
    GopherQuality(),
    GopherRepetition(),
    FineWebQuality(),
    FineWeb2(),
    C4Lines(),
    C4Quality(),
    RefinedWebLines(),
    RefinedWebQuality(),
    ChineseQuality(),
    ChineseSpam(),
)


def test_the_table_lists_every_signal_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if re.match(r"\| `\w+`( \.\.\. `\w+`)? \| \w", line)]
    listed: dict[str, set[str]] = {}
    for _, names, _, _, steps, *_ in rows:
        first, *last = re.findall(r"`(\w+)`", names)
        numbers = [int(re.findall(r"\d+", name)[0]) for name in (first, *last)] if last else []
        spread = [re.sub(r"\d+", str(n), first) for n in range(numbers[0], numbers[1] + 1)] if last else [first]
        for name in spread:
            listed[name] = set(re.findall(r"`(\w+)`", steps))
    measured: dict[str, set[str]] = {}
    for step in STEPS:
        for signal in step.signal_names:
            measured.setdefault(signal, set()).add(step.name)
    assert listed == measured
