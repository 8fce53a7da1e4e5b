"""Batches through Transforms and Filters: reasons, bisecting, what was cut out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from pydantic import SecretStr

from corpusmill.curate.documents import Documents, Removed
from corpusmill.curate.stage import ROW, Processed, from_table, ledger_table, process, stages, to_table
from corpusmill.curate.step import AtLeast, AtMost, Filter, Step, Threshold, Transform


class Length(Filter):
    """Drops texts that are too short or too long."""

    name: ClassVar[str] = "test_length"
    min_chars: Annotated[Threshold, AtLeast("n_chars")] = 2
    max_chars: Annotated[Threshold, AtMost("n_chars")] = {"default": 10, "zh": 5}
    min_twice: Annotated[Threshold, AtLeast("n_chars_twice")] = None

    def measure(self, docs: Documents) -> Documents:
        if "boom" in docs.texts:
            raise ZeroDivisionError("boom")
        n = np.array([len(t) for t in docs.texts])
        return docs.with_signals({"n_chars": n, "n_chars_twice": 2 * n})


class Upper(Transform):
    """Turns text to upper case."""

    name: ClassVar[str] = "test_upper"

    def transform(self, docs: Documents) -> Documents:
        cut = [Removed(i, self.name, "vowel", "a") for i, t in enumerate(docs.texts) if "a" in t]
        return docs.with_texts([t.replace("a", "").upper() for t in docs.texts], cut)


class Twin(Transform):
    """Adds a copy of every document."""

    name: ClassVar[str] = "test_twin"
    appends: ClassVar[bool] = True

    def transform(self, docs: Documents) -> Documents:
        twins = docs.with_columns({"id": [f"{i}~twin" for i in docs.ids], "parent_id": docs.ids})
        return docs.followed_by(twins)


class Loses(Transform):
    """A broken Transform."""

    name: ClassVar[str] = "test_loses"

    def transform(self, docs: Documents) -> Documents:
        return docs.take([0])


def batch(texts: list[str], languages: list[str] | None = None) -> Documents:
    docs = Documents.from_texts(texts, language=languages or ["en"] * len(texts))
    return docs.with_columns({ROW: pa.array(range(len(texts)), pa.int64())})


def run(texts: list[str], *steps: Step, languages: list[str] | None = None) -> Processed:
    return process(batch(texts, languages), [(s.name, s) for s in steps])


def kept_ids(done: Processed) -> list[str]:
    return [i for d in done.kept for i in d.ids]


def test_rules_drop_with_value_and_threshold_by_language() -> None:
    done = run(["x", "fine", "这句话太长了", "much too long a text"], Length(), languages=["en", "en", "zh", "en"])
    assert kept_ids(done) == ["1"]
    ((docs, reasons),) = done.dropped
    assert docs.ids == ["0", "2", "3"]
    found = [[(f.rule, f.value, f.threshold) for f in r] for r in reasons]
    assert found == [[("min_chars", 1.0, 2.0)], [("max_chars", 6.0, 5.0)], [("max_chars", 20.0, 10.0)]]


def test_zero_is_a_threshold_and_none_is_off() -> None:
    assert kept_ids(run(["abc"], Length(max_chars=0))) == []
    assert kept_ids(run(["abc"], Length(max_chars=None, min_chars=None))) == ["0"]
    assert [r.name for r in Length(max_chars=0, min_chars=None).rules()] == ["max_chars"]


def test_all_broken_rules_are_recorded() -> None:
    done = run(["x"], Length(min_twice=4))
    assert [f.rule for f in done.dropped[0][1][0]] == ["min_chars", "min_twice"]


def test_the_document_that_raises_is_alone_in_quarantine() -> None:
    texts = [f"t{i}" for i in range(37)]
    texts[23] = "boom"
    done = run(texts, Upper(), Length())
    assert [(q.id, q.row, q.step) for q in done.quarantined] == []  # upper case came first: no boom
    done = run(texts, Length(), Upper())
    assert [(q.id, q.row, q.step) for q in done.quarantined] == [("23", 23, "test_length")]
    assert done.quarantined[0].error == "ZeroDivisionError: boom"
    assert done.quarantined[0].text == "boom"
    assert sorted(map(int, kept_ids(done))) == [i for i in range(37) if i != 23]


def test_a_transform_that_loses_rows_is_an_error_not_a_loss() -> None:
    done = run(["a", "b"], Loses())
    assert not done.dropped
    # Alone, each document survives the broken step; together they must not vanish.
    assert sorted(kept_ids(done) + [q.id for q in done.quarantined]) == ["0", "1"]


def test_removed_text_follows_its_document() -> None:
    done = run(["banana", "x", "cat"], Upper(), Length())
    kept = done.kept[0]
    assert kept.texts == ["BNN", "CT"]
    assert [(kept.ids[r.row], r.text) for r in kept.removed] == [("0", "a"), ("2", "a")]


def test_only_kept_documents_have_children() -> None:
    done = run(["x", "fine"], Length(), Twin())
    assert kept_ids(done) == ["1", "1~twin"]
    assert done.appended == 1


def test_a_filter_on_an_unmeasured_signal_says_so() -> None:
    class Forgets(Length):
        """Measures nothing."""

        name: ClassVar[str] = "test_forgets"

        def measure(self, docs: Documents) -> Documents:
            return docs

    done = run(["abc"], Forgets())
    assert "nothing measured: n_chars" in done.quarantined[0].error


def test_signals_survive_a_table() -> None:
    docs = batch(["ab", "cd"]).with_signals({"a": [1.5, np.nan]})
    table = to_table(docs, ["a", "b"])
    assert table.column("signals").to_pylist() == [{"a": 1.5, "b": None}, {"a": None, "b": None}]
    back = from_table(table)
    assert list(back.signals) == ["a"]
    assert back.signals["a"][0] == 1.5
    assert np.isnan(back.signals["a"][1])


def test_ledger_rows_hold_the_whole_document() -> None:
    done = run(["x"], Length(min_twice=4))
    docs, reasons = done.dropped[0]
    row = ledger_table(docs, reasons, ["n_chars"]).to_pylist()[0]
    assert (row["id"], row["step"], row["rule"], row["signal"], row["value"]) == (
        "0",
        "test_length",
        "min_chars",
        "n_chars",
        1.0,
    )
    assert row["text"] == "x"
    assert [f["rule"] for f in row["failed"]] == ["min_chars", "min_twice"]


def test_batches_may_be_cut_anywhere() -> None:
    texts = ["a", "bb", "banana", "这句话太长了", "ok"]
    languages = ["en", "en", "en", "zh", "en"]
    whole = run(texts, Upper(), Length(), languages=languages)
    docs = batch(texts, languages)
    parts = Processed()
    for rows in ([0, 1], [2], [3, 4]):
        parts.extend(process(docs.take(rows), [(s.name, s) for s in (Upper(), Length())]))
    assert kept_ids(whole) == kept_ids(parts)
    assert [d.ids for d, _ in parts.dropped] == [["0"], ["3"]]
    assert whole.dropped[0][0].ids == ["0", "3"]


def test_stages_are_cut_at_globals_and_labels_are_unique() -> None:
    from corpusmill.filters.dedup import ExactDedup, MinHashDedup

    found = stages([Upper(), ExactDedup(), MinHashDedup(), Length(), Upper(), ExactDedup()])
    assert [[label for label, _ in s.steps] for s in found] == [["test_upper"], ["test_length", "test_upper_2"]]
    assert [[label for label, _ in s.cuts] for s in found] == [["exact_dedup", "minhash_dedup"], ["exact_dedup_2"]]


def test_texts_must_be_one_a_document() -> None:
    with pytest.raises(ValueError, match="needs 2 texts"):
        batch(["a", "b"]).with_texts(["a"])


def test_a_fingerprint_follows_files_and_secrets_without_showing_them(tmp_path: Path) -> None:
    class Reads(Length):
        """Has a file and a secret."""

        name: ClassVar[str] = "test_reads"
        model: str
        salt: SecretStr

    model = tmp_path / "model"
    model.write_text("one")
    first = Reads(model=str(model), salt=SecretStr("hush")).fingerprint()
    assert "hush" not in str(first)
    assert Reads(model=str(model), salt=SecretStr("other")).fingerprint() != first
    model.write_text("two")
    assert Reads(model=str(model), salt=SecretStr("hush")).fingerprint() != first


def test_a_null_text_is_an_empty_one() -> None:
    from corpusmill.curate import Pipeline

    table = pa.table({"id": ["a", "b", "c"], "text": ["一份合同", None, ""]})
    applied = Pipeline([Length()]).apply(table)
    assert applied.kept.column("id").to_pylist() == ["a"]
    assert applied.ledger.select(["id", "rule"]).to_pylist() == [
        {"id": "b", "rule": "empty_text"},
        {"id": "c", "rule": "empty_text"},
    ]
