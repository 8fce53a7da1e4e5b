"""The five sets of `bench_accuracy.py`, split, and the text its two GPTs are pretrained on.

Pretraining text is of the shared data's general folders, and the sets' own training texts without their labels
(task-adaptive pretraining, Gururangan et al. 2020). No test text is in it: what equals one nearly or holds most of one is
taken out first and counted.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.filters import Decontaminate
from corpusmill.train.evaluate.crossval import grouped_folds
from corpusmill.train.evaluate.leakage import near_duplicate_groups, without_leaks
from corpusmill.train.finetune.samples import Example, guard, read_examples

FOLDS = 10


@dataclass(frozen=True)
class Set:
    """A public set: its language, its training file, and the file that is its development set, if it has one."""

    language: str
    train: str
    test: str | None = None


SETS = {
    "chnsenticorp": Set("zh", "chnsenticorp_train", "chnsenticorp_dev"),
    "tnews": Set("zh", "tnews_train20k"),
    "thucnews": Set("zh", "thucnews_dev"),
    "trec6": Set("en", "trec6_train"),
    "sst2": Set("en", "sst2_train"),
}

GENERAL: dict[str, dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "zh": {
        "general": (
            ("zh/cluecorpus_web", ("text",)),
            ("zh/news_docs", ("text",)),
            ("zh/wiki_hans", ("text", "questions")),
            ("classify/cold_train", ("text",)),
            ("sft/oasst_zh_human", ("instruction", "output")),
            ("sft/alpaca_zh", ("instruction", "output")),
            ("spell/sighan14_train_hans", ("target",)),
            ("spell/sighan15_train_hans", ("target",)),
        ),
    },
    "en": {
        "reviews": (("classify/movie_reviews", ("text",)),),
        "general": (
            ("en/wikitext2_train", ()),
            ("web/c4_docs", ("text",)),
            ("web/quality_labelled", ("text",)),
            ("web/article_benchmark_truth", ("text",)),
            ("dedup/news_plagiarism_1000", ("text",)),
            ("classify/toxic_tweets_en", ("text",)),
            ("sft/alpaca_en", ("instruction", "output")),
            ("sft/gsm8k_train2k", ("question",)),
            ("medical/en_patient_qa", ("question", "detail")),
        ),
    },
}
"""Files and fields of the general text, by language and kind: what people wrote about things, not laws or abstracts."""

WEIGHTS = {"zh": {"sets": 0.4, "general": 0.6}, "en": {"sets": 0.1, "reviews": 0.35, "general": 0.55}}
"""Shares of the tokens: the sets' own texts and film reviews are read more often than their size alone would have it."""

ADAPTED = {"en": {"sets": 0.2, "reviews": 0.4, "general": 0.4}}
"""Shares of a second stage, where most of the first was of other kinds."""

HELD_OUT = 50
"""One general document in so many is held out, to see how pretraining goes."""


def folded(text: str) -> str:
    """One form for full and half width, and no capitals: so small a model has none to spare for variants."""
    return unicodedata.normalize("NFKC", text).lower()


def split(folder: Path, name: str, test_file: str | None = None) -> tuple[list[Example], list[Example], dict[str, Any]]:
    """Training and test examples that share nothing, and how many were taken out.

    The test is the file named, or the set's own development file, or a tenth of the set in whole groups of near-duplicates.
    """
    about = SETS[name]
    examples, removed = guard(read_examples(folder / f"{about.train}.jsonl.gz", "text", "label"), [])
    counts = {"repeated": removed.duplicates, "contradictory": removed.conflicting}
    given = test_file or (folder / f"{about.test}.jsonl.gz" if about.test else None)
    if given is None:
        groups = near_duplicate_groups([example.text for example in examples])
        names = sorted({example.label for example in examples})
        labels = np.array([names.index(example.label) for example in examples])
        held = grouped_folds(labels, groups, FOLDS, seed=0) == 0
        train = [example for example, out in zip(examples, held, strict=True) if not out]
        test = [example for example, out in zip(examples, held, strict=True) if out]
    else:
        train, test = examples, read_examples(given, "text", "label")
    train, test, leaks = without_leaks(train, test)
    return train, test, {**counts, "leaked_train": leaks.leaked_train, "train": len(train), "test": len(test)}


def write_corpora(
    data: Path, language: str, splits: dict[str, tuple[list[Example], list[Example], dict[str, Any]]], output: Path
) -> dict[str, Any]:
    """A corpus for each kind of text in `output`; returns what each holds and what was taken out."""
    tests = [example.text for _, test, _ in splits.values() for example in test]
    kinds: dict[str, list[tuple[str, str]]] = {
        "sets": [
            (name, example.text)
            for name, (train, _, _) in splits.items()
            if SETS[name].language == language
            for example in train
        ]
    }
    for kind, files in GENERAL[language].items():
        kinds[kind] = [(source, text) for source, fields in files for text in read(data, source, fields)]
    found: dict[str, Any] = {}
    for kind, texts in kinds.items():
        clean, removed = without_tests(texts, tests)
        write(output / kind, language, [(source, folded(text)) for source, text in clean])
        found[kind] = {
            "documents": len(clean),
            "characters": sum(len(t) for _, t in clean),
            "like_a_test_text": removed,
        }
    return found


def read(data: Path, source: str, fields: tuple[str, ...]) -> Iterator[str]:
    """The texts of a file; an article is a document of one without fields (wikitext)."""
    if not fields:
        text = gzip.decompress((data / f"{source}.txt.gz").read_bytes()).decode()
        # Tokenized text: joined again, and without the marks of what its makers left out.
        text = text.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".").replace("<unk>", "")
        yield from (a.strip() for a in re.split(r"\n (?== [^=].* = \n)", text) if len(a) > 200)
        return
    with gzip.open(data / f"{source}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            values = [row.get(field) for field in fields]
            parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
            text = "\n".join(dict.fromkeys(str(part).strip() for part in parts if part))
            if text:
                yield text


def without_tests(texts: list[tuple[str, str]], tests: list[str]) -> tuple[list[tuple[str, str]], int]:
    """The texts that are not nearly a test text, nor hold most of one; and how many are."""
    kept, _, _ = without_leaks(texts, [("", test) for test in tests], text=lambda item: item[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tests.jsonl"
        path.write_text("".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in tests), encoding="utf-8")
        step = Decontaminate(sets={"tests": str(path)})
        step.prepare()
        bad = {row for row, *_ in failures(step, step.measure(Documents.from_texts([text for _, text in kept])))}
    clean = [item for row, item in enumerate(kept) if row not in bad]
    return clean, len(texts) - len(clean)


def write(corpus: Path, language: str, texts: list[tuple[str, str]]) -> None:
    for split_name, keep in (("train", False), ("validation", True)):
        some = [item for i, item in enumerate(texts) if (i % HELD_OUT == HELD_OUT - 1) == keep]
        table = pa.table(
            {
                "id": [f"{source}:{i}" for i, (source, _) in enumerate(some)],
                "text": pa.array([text for _, text in some], pa.large_string()),
                "language": [language] * len(some),
                "domain": [source for source, _ in some],
            }
        )
        (corpus / split_name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, corpus / split_name / "part-0.parquet")
