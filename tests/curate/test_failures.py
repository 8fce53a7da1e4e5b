"""Which documents break a rule: by `failures` while a run goes on, by expressions when stored signals are judged anew."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import Above, AtLeast, AtMost, Below, Filter, Threshold, failures


class Judge(Filter):
    """Rules of all four kinds on one signal; never in the registry, for it has no name of its own."""

    at_least: Annotated[Threshold, AtLeast("x")] = None
    at_most: Annotated[Threshold, AtMost("x")] = None
    above: Annotated[Threshold, Above("x")] = None
    below: Annotated[Threshold, Below("x")] = None

    signal_count: ClassVar[int] = 1

    def measure(self, docs: Documents) -> Documents:
        return docs


LIMITS = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.7, 1.0]))
THRESHOLDS = st.one_of(
    LIMITS,
    st.fixed_dictionaries({"default": LIMITS}, optional={"zh": LIMITS, "en": LIMITS, "zh-Hant": LIMITS}),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.7, 1.0, math.nan]),
        st.sampled_from(["zh", "en", None]),
        st.sampled_from(["Hans", "Hant", None]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.tuples(THRESHOLDS, THRESHOLDS, THRESHOLDS, THRESHOLDS))
def test_both_ways_agree(
    rows: list[tuple[float, str | None, str | None]], limits: tuple[Threshold, Threshold, Threshold, Threshold]
) -> None:
    step = Judge.model_validate(dict(zip(("at_least", "at_most", "above", "below"), limits, strict=True)))
    values, languages, scripts = zip(*rows, strict=True)
    docs = Documents.from_texts(["x"] * len(rows), language=languages, script=scripts).with_signals({"x": values})
    found = [(row, rule.name) for row, rule, _, _ in failures(step, docs)]
    frame = pl.DataFrame(
        {
            "language": pl.Series(languages, dtype=pl.String),
            "script": pl.Series(scripts, dtype=pl.String),
            "x": np.array(values, np.float32),
        }
    )
    expected = [
        (row, rule.name)
        for rule in step.rules()
        for row in np.flatnonzero(frame.select(rule.fails_expr().alias("f"))["f"].to_numpy()).tolist()
    ]
    assert found == expected
    for row, rule, value, limit in failures(step, docs):
        assert value == np.float32(values[row])
        assert limit == rule.threshold_for(languages[row], scripts[row])


def test_the_most_specific_threshold_holds() -> None:
    step = Judge(at_least={"default": 0.1, "zh": 0.7, "zh-Hant": None})
    docs = Documents.from_texts(["x"] * 3, language=["en", "zh", "zh"], script=["Latn", "Hans", "Hant"])
    docs = docs.with_signals({"x": [0.0, 0.0, 0.0]})
    assert [(row, limit) for row, _, _, limit in failures(step, docs)] == [(0, 0.1), (1, 0.7)]
