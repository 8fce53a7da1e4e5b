"""The quality classifier: what it is worth beside every single signal, and how fast it scores.

Needs pages that people voted on (`web/quality_labelled.jsonl.gz` of the development data: 239 English web pages); its
folder is CORPUSMILL_TEST_DATA, or ../shared/data beside the repository. Speed is measured on the demo's documents.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
from documents import demo_documents
from machine import about, save
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.registry import steps
from corpusmill.curate.step import Filter
from corpusmill.filters import QualityClassifier, train_classifier
from corpusmill.filters.classifier.fasttext_model import load_fasttext
from corpusmill.filters.classifier.metrics import area_under_roc
from corpusmill.filters.classifier.models import prepare_texts

FOLDS, SEEDS = 10, (0, 1)


def main() -> None:
    data = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    votes = data / "web" / "quality_labelled.jsonl.gz"
    if not votes.is_file():
        print(f"skipped: there is no {votes} (set CORPUSMILL_TEST_DATA)")
        sys.exit(0)
    with gzip.open(votes, "rt", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    truth = np.array([row["label"] == 1 for row in rows])
    texts = [row["text"] for row in rows]
    signals = single_signals(texts, truth)
    models = cross_validated(texts, truth)
    speed = throughput()
    save(
        "classifier",
        {
            "about": about(("corpusmill", "fasttext-community", "numba", "numpy")),
            "pages": len(rows),
            "good": int(truth.sum()),
            "best_signal": signals[0],
            "models": models,
            "signals": signals,
            "speed": speed,
        },
    )


def single_signals(texts: list[str], truth: Any) -> list[dict[str, Any]]:
    """AUC of each signal of every filter that needs no file, in the direction that suits it: the best first."""
    docs = Documents.from_texts(texts)
    rows: dict[str, dict[str, Any]] = {}
    known = steps()
    for name in ("language", *(n for n in known if n != "language")):
        if not issubclass(known[name], Filter):
            continue
        try:
            step = known[name]()
        except ValidationError:  # needs a model or another file
            continue
        assert isinstance(step, Filter)
        found = step.measure(docs)
        if name == "language":
            docs = found
        for signal in step.signal_names:
            values = found.signals.get(signal)
            if values is None or np.isnan(values).any():
                continue
            area = area_under_roc(truth, values.astype(np.float64))
            best = {"signal": signal, "step": name, "auc": round(max(area, 1 - area), 4), "wanted": "high" if area > 0.5 else "low"}  # fmt: skip
            rows.setdefault(signal, best)
    return sorted(rows.values(), key=lambda row: -row["auc"])


def cross_validated(texts: list[str], truth: Any) -> list[dict[str, Any]]:
    """Each kind of model, cross-validated over several draws of the folds."""
    good = [t for t, wanted in zip(texts, truth, strict=True) if wanted]
    bad = [t for t, wanted in zip(texts, truth, strict=True) if not wanted]
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("fasttext", "signals", "both"):
            reports = [train_classifier(good, bad, f"{folder}/m.x", kind=kind, folds=FOLDS, seed=s) for s in SEEDS]
            folds = [a for r in reports if r.cross_validation for a in r.cross_validation.auc]
            out.append(
                {
                    "kind": kind,
                    "folds": FOLDS,
                    "draws": len(SEEDS),
                    "auc": round(float(np.mean([r.auc for r in reports])), 4),
                    "fold_auc_mean": round(float(np.mean(folds)), 4),
                    "fold_auc_spread": round(float(np.std(folds)), 4),
                    "average_precision": round(float(np.mean([r.average_precision for r in reports])), 4),
                    "f1": round(float(np.mean([r.f1 for r in reports])), 4),
                    "calibration_error": round(float(np.mean([r.calibration_error for r in reports])), 4),
                }
            )
    return out


def throughput() -> list[dict[str, Any]]:
    """MB of UTF-8 a second on one core: fastText's own predict on Python strings, and ours on Arrow buffers."""
    with tempfile.TemporaryDirectory() as folder:
        return [_speed(language, texts, Path(folder)) for language, texts in demo_documents(4.0).items()]


def _speed(language: str, texts: list[str], folder: Path) -> dict[str, Any]:
    some = [t for t in texts if len(t) > 20][:400]
    for kind in ("fasttext", "signals", "both"):
        # What is learned does not matter here: texts against texts written backwards.
        train_classifier(some[::2], [t[::-1] for t in some[1::2]], folder / f"{kind}.x", kind=kind, epochs=3)
    megabytes = sum(len(t.encode()) for t in texts) / 1e6
    model = load_fasttext(folder / "fasttext.x")
    row: dict[str, Any] = {"language": language, "megabytes": round(megabytes, 1), "documents": len(texts)}
    row["fasttext_predict"] = rate(lambda: model.predict(prepare_texts(texts), k=2), megabytes)
    table = Documents.from_texts(texts, language=[language] * len(texts)).table
    for kind in ("fasttext", "signals", "both"):
        step = QualityClassifier(model=str(folder / f"{kind}.x"))
        row[f"corpusmill_{kind}"] = rate(partial(_score, step, table), megabytes)
    row["ratio"] = round(row["corpusmill_fasttext"] / row["fasttext_predict"], 2)
    return row


def _score(step: QualityClassifier, table: Any) -> None:
    step.measure(Documents(table))  # a new batch: nothing remembered from the last


def rate(work: Callable[[], Any], megabytes: float) -> float:
    """The best of three, after one that compiles and loads."""
    work()
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = max(best, megabytes / (time.perf_counter() - started))
    return round(best, 1)


if __name__ == "__main__":
    main()
