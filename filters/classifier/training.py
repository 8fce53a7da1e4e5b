"""Training a quality model from texts that are wanted and texts that are not, and judging it on others."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from numpy.typing import NDArray

from ...curate.documents import MAX_BATCH_BYTES, MAX_BATCH_ROWS, Documents
from ...curate.errors import CorpusmillError, InputError
from ...curate.step import Filter
from .fasttext_model import PREFIX, multiply_out
from .metrics import Scores, Truth, area_under_roc, binary_metrics, calibration, calibration_error
from .models import (
    FASTTEXT,
    MAX_BYTES,
    NEGATIVE,
    POSITIVE,
    SIGNAL_STEPS,
    FastTextModel,
    Kind,
    Reals,
    SignalModel,
    prepare_texts,
    signals_of,
    standardized,
    sure,
    to_json,
    with_language,
)
from .report import report_page
from .result import ClassifierReport, CrossValidation

if TYPE_CHECKING:
    from ..text.buffers import TextBuffers

MIN_TEXTS = 10
"""Fewest different texts of a class to train on, and fewest of each to judge the model by: 1."""

MIN_LANGUAGE = 50
"""Fewest training texts of a language that get a mean and spread of their own."""

INNER_FOLDS = 5
"""A fastText model scores the texts that it was trained on too well to learn from; these folds give honest scores."""

LIGHTER = 0.1
"""Of `l2`, for fastText's log-odds: one feature that has read every word, beside dozens that say much the same."""

_STEPS = 100
_CLOSE = 1e-8


@dataclass(frozen=True)
class _Settings:
    kind: Kind
    seed: int
    epochs: int | None
    learning_rate: float
    dimensions: int
    word_ngrams: int
    buckets: int
    l2: float


@dataclass(frozen=True)
class _Examples:
    """Texts in an order made by their hashes, so that any share of them is drawn by lot."""

    lines: list[str]
    """Prepared."""
    truth: Truth
    languages: list[str | None]
    features: Reals
    """Signals; no columns for kind `fasttext`."""
    names: tuple[str, ...]
    steps: tuple[Filter, ...]
    hashes: NDArray[np.uint64]

    def buffers(self, rows: NDArray[np.int64]) -> TextBuffers:
        from ..text.buffers import TextBuffers

        return TextBuffers.of_strings([self.lines[r] for r in rows])


def train_classifier(
    positive: Iterable[str],
    negative: Iterable[str],
    output: str | Path,
    *,
    kind: Kind = "fasttext",
    seed: int = 0,
    held_out: float = 0.1,
    folds: int | None = None,
    epochs: int | None = None,
    learning_rate: float = 0.5,
    dimensions: int = 32,
    word_ngrams: int = 2,
    buckets: int = 1 << 18,
    l2: float = 30.0,
) -> ClassifierReport:
    """Trains a model that tells `positive` texts from `negative` ones, and says how well it does.

    Writes the model to `output` and the report beside it (`.report.json`, `.report.html`). Kind `fasttext` writes a
    fastText model, to be called .bin; `signals` and `both` write JSON, and `both` a `.fasttext.bin` beside it.

    The same texts in any order, with the same settings, give the same model: one thread, and an order made by a seeded
    hash. Without `epochs`, fastText passes 25 times over up to 500 texts and less often over more, 5 times from 2,500 on:
    more would leave the ranking as it is and make the scores too sure of themselves. A text goes to the held-out share or to its fold by its hash as well, and repeats are left out, so none is on
    both sides. With `folds` every text is judged by a model that was trained without its fold, and the model that is
    written is trained on all of them; otherwise it is trained on what is not held out.

    Raises CorpusmillError when either kind has too few texts to train on or to judge by.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is a share of the texts, between 0 and 1, and is {held_out}")
    if folds is not None and folds < 2:
        raise ValueError(f"folds is {folds}; cross-validation needs at least 2")
    settings = _Settings(kind, seed, epochs, learning_rate, dimensions, word_ngrams, buckets, l2)
    output = Path(output)
    data, counts = _examples(positive, negative, settings)
    everything = np.arange(len(data.lines))
    if folds is None:
        test = data.hashes < np.uint64(int(held_out * 2**64))
        train, judged = everything[~test], everything[test]
        _check(data.truth[train], data.truth[judged])
    else:
        train = judged = everything
        _check(data.truth, data.truth, folds)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".training-") as folder:
        work = Path(folder)
        crossed = None
        if folds is not None:
            odds = np.zeros(len(everything))
            areas = []
            for rows, left in _folds(data.truth, folds):
                odds[left] = _fit(data, rows, settings, work, save=False).log_odds(data, left)
                areas.append(area_under_roc(data.truth[left], odds[left]))
            crossed = CrossValidation(folds, areas, float(np.mean(areas)), float(np.std(areas)))
        fitted = _fit(data, train, settings, work, save=True)
        if folds is None:
            odds = fitted.log_odds(data, judged)
        truth = data.truth[judged]
        scores = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        bins = calibration(truth, scores)
        report = ClassifierReport(
            model=output.name,
            kind=kind,
            train_positive=int(data.truth[train].sum()),
            train_negative=int((~data.truth[train]).sum()),
            held_out_positive=int(truth.sum()),
            held_out_negative=int((~truth).sum()),
            repeated=counts["repeated"],
            contradictory=counts["contradictory"],
            empty=counts["empty"],
            **binary_metrics(truth, scores),
            auc_by_language=_by_language([data.languages[r] for r in judged], truth, scores),
            calibration=bins,
            calibration_error=calibration_error(bins),
            cross_validation=crossed,
            settings={
                **asdict(settings),
                "epochs": epochs or passes(len(train)),
                "held_out": held_out,
                "max_bytes": MAX_BYTES,
                "threads": 1,
            },
            weights=fitted.weights(),
        )
        _write(fitted, report, truth, scores, output, work)
    return report


def read_texts(paths: Sequence[str | Path], *, text: str = "text") -> Iterator[str]:
    """The texts of files, folders and globs, of any format that the readers know; `text` is the field that holds them.

    Warns of what cannot be read. Raises InputError when nothing matches or nothing at all can be read.
    """
    from ...curate.readers import Input, plan_units, read_unit

    inputs = [Input(path=str(path), text=text) for path in paths]
    plan = plan_units(inputs)
    refused = [f"{bad.source}: {bad.error}" for bad in plan.refused]
    found = 0
    for unit in plan.units:
        for table, bad in read_unit(unit, inputs):
            refused += [f"{b.source}: {b.error}" for b in bad]
            found += table.num_rows
            yield from table.column("text").to_pylist()
    if not found:
        raise InputError(f"no text in {', '.join(str(p) for p in paths)}\n" + "\n".join(refused[:5]))
    if refused:
        warnings.warn(f"{len(refused)} records or files cannot be read, e.g. {refused[0]}", stacklevel=2)


def _examples(
    positive: Iterable[str], negative: Iterable[str], settings: _Settings
) -> tuple[_Examples, dict[str, int]]:
    """Different, uncontradicted texts in the order of their hashes, and how many were left out."""
    texts: dict[str, dict[str, str]] = {POSITIVE: {}, NEGATIVE: {}}
    given = empty = 0
    for label, source in ((POSITIVE, positive), (NEGATIVE, negative)):
        for batch in _batches(source):
            given += len(batch)
            for line, raw in zip(prepare_texts(batch), batch, strict=True):
                if line:
                    # The least of the texts that look alike, whatever their order.
                    texts[label][line] = min(raw, texts[label].get(line, raw))
                else:
                    empty += 1
    both = texts[POSITIVE].keys() & texts[NEGATIVE].keys()
    repeated = given - empty - sum(len(found) for found in texts.values())
    every = [
        (xxhash.xxh3_64_intdigest(line.encode(), settings.seed), line, raw, label == POSITIVE)
        for label, found in texts.items()
        for line, raw in found.items()
        if line not in both
    ]
    every.sort(key=lambda item: item[:2])
    steps = _signal_steps() if settings.kind != "fasttext" else ()
    names: tuple[str, ...] = ()
    languages: list[str | None] = []
    parts = []
    for batch in _batches(raw for _, _, raw, _ in every):
        docs = with_language(Documents.from_texts(batch))
        languages += docs.languages
        if steps:
            names = names or _names(docs, steps)
            parts.append(signals_of(docs, steps, names))
    features = np.concatenate(parts) if parts else np.zeros((len(every), 0))
    if steps:
        # What was never measured, or is the same everywhere, teaches nothing.
        tells = np.array([bool((~np.isnan(c)).any()) and float(np.nanstd(c)) > 0 for c in features.T], dtype=bool)
        features, names = features[:, tells], tuple(n for n, use in zip(names, tells, strict=True) if use)
    data = _Examples(
        lines=[line for _, line, _, _ in every],
        truth=np.array([good for *_, good in every], dtype=bool),
        languages=languages,
        features=features,
        names=names,
        steps=steps,
        hashes=np.array([h for h, *_ in every], dtype=np.uint64),
    )
    return data, {"repeated": repeated, "contradictory": len(both), "empty": empty}


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if len(batch) == MAX_BATCH_ROWS or size > MAX_BATCH_BYTES // 2:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _signal_steps() -> tuple[Filter, ...]:
    from ...curate.registry import step_class

    found = [step_class(name)() for name in SIGNAL_STEPS]
    return tuple(step for step in found if isinstance(step, Filter))


def _names(docs: Documents, steps: Sequence[Filter]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for step in steps for name in step.measure(docs).signals))


def _check(train: Truth, judged: Truth, folds: int = 1) -> None:
    for wanted, kind in ((True, "positive"), (False, "negative")):
        n, left = int((train == wanted).sum()), int((judged == wanted).sum())
        if folds > 1:
            if n < MIN_TEXTS + folds:
                raise CorpusmillError(
                    f"too few {kind} texts: {n} different ones for {folds} folds; give at least {MIN_TEXTS + folds}"
                )
        elif n < MIN_TEXTS or not left:
            raise CorpusmillError(
                f"too few {kind} texts: {n} different ones to train on and {left} held out; give at least {MIN_TEXTS} "
                "and 1, that is more texts"
            )


def _folds(truth: Truth, folds: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(rows to train on, rows left out), each fold with its share of both kinds."""
    fold = np.empty(len(truth), np.int64)
    for wanted in (True, False):
        rows = np.flatnonzero(truth == wanted)
        fold[rows] = np.arange(len(rows)) % folds
    for k in range(folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


@dataclass(frozen=True)
class _Fitted:
    fasttext: FastTextModel | None
    signals: SignalModel | None
    file: Path | None
    """fastText's own file."""

    def log_odds(self, data: _Examples, rows: NDArray[np.int64]) -> Scores:
        words = None if self.fasttext is None else self.fasttext.line_log_odds(data.buffers(rows), POSITIVE)
        if self.signals is None:
            assert words is not None
            return words
        features = data.features[rows]
        if words is not None:
            features = np.column_stack([features, sure(words)])
        return self.signals.from_features(features, [data.languages[r] for r in rows])

    def weights(self) -> dict[str, float]:
        if self.signals is None:
            return {}
        pairs = zip(self.signals.features, self.signals.weights.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-abs(pair[1]), pair[0])))


def _fit(data: _Examples, rows: NDArray[np.int64], settings: _Settings, work: Path, *, save: bool) -> _Fitted:
    if settings.kind == "fasttext":
        alone, written = _fit_fasttext(data, rows, settings, work, save=save)
        return _Fitted(alone, None, written)
    features, names = data.features[rows], data.names
    words: FastTextModel | None = None
    file: Path | None = None
    if settings.kind == "both":
        odds = np.zeros(len(rows))
        for inner, left in _folds(data.truth[rows], INNER_FOLDS):
            part, _ = _fit_fasttext(data, rows[inner], settings, work, save=False)
            odds[left] = sure(part.line_log_odds(data.buffers(rows[left]), POSITIVE))
        words, file = _fit_fasttext(data, rows, settings, work, save=save)
        features, names = np.column_stack([features, odds]), (*names, FASTTEXT)
    languages = [data.languages[r] for r in rows]
    standard = _standard(features, languages)
    penalty = np.array([settings.l2 * (LIGHTER if name == FASTTEXT else 1.0) for name in names])
    weights, bias = logistic_regression(standardized(features, languages, standard), data.truth[rows], penalty)
    return _Fitted(words, SignalModel(data.steps, names, standard, weights, bias, words), file)


def _fit_fasttext(
    data: _Examples, rows: NDArray[np.int64], settings: _Settings, work: Path, *, save: bool
) -> tuple[FastTextModel, Path]:
    import fasttext

    lines, file = work / "train.txt", work / "model.bin"
    with lines.open("w", encoding="utf-8") as f:
        for r in rows:
            f.write(f"{PREFIX}{POSITIVE if data.truth[r] else NEGATIVE} {data.lines[r]}\n")
    model = fasttext.train_supervised(
        input=str(lines), lr=settings.learning_rate, dim=settings.dimensions, epoch=settings.epochs or passes(len(rows)),
        wordNgrams=settings.word_ngrams, bucket=settings.buckets, minCount=1, thread=1, seed=settings.seed, verbose=0,
    )  # fmt: skip
    if not save:
        return FastTextModel(multiply_out(model)), file
    model.save_model(str(file))
    return FastTextModel(multiply_out(model), file), file


def passes(texts: int) -> int:
    """How often fastText goes over so many texts."""
    return min(25, max(5, 12_500 // texts))


def _standard(features: Reals, languages: Sequence[str | None]) -> dict[str, tuple[Reals, Reals]]:
    """Mean and spread of each feature, over all texts and over those of each language that has enough."""
    known = np.array([language or "" for language in languages])
    groups = {"default": np.ones(len(known), dtype=bool)}
    for language in sorted(set(known.tolist()) - {"", "und"}):
        if (known == language).sum() >= MIN_LANGUAGE:
            groups[language] = known == language
    out: dict[str, tuple[Reals, Reals]] = {}
    for name, rows in groups.items():
        seen = ~np.isnan(features[rows])
        n = np.maximum(seen.sum(axis=0), 1)
        filled = np.where(seen, features[rows], 0.0)
        centre = filled.sum(axis=0) / n
        scale = np.sqrt((np.where(seen, features[rows] - centre, 0.0) ** 2).sum(axis=0) / n)
        # A signal that never varies in a language says nothing in it: a large scale keeps it at 0.
        out[name] = (centre, np.where(scale > _CLOSE, scale, 1e9))
    return out


def logistic_regression(features: Reals, truth: Truth, l2: Reals) -> tuple[Reals, float]:
    """Weights and bias that minimise the log-loss, summed over the texts, plus half of each squared weight times its `l2`.

    By Newton's method, halving a step that does not help. The bias is not penalised.
    """
    x = np.column_stack([features, np.ones(len(features))])
    y = truth.astype(np.float64)
    penalty = np.append(l2, 0.0)

    def loss(w: Reals) -> float:
        z = x @ w
        return float(np.sum(np.logaddexp(0, z) - y * z) + 0.5 * np.sum(penalty * w * w))

    w = np.zeros(x.shape[1])
    now = loss(w)
    for _ in range(_STEPS):
        p = np.exp(-np.logaddexp(0, -(x @ w)))
        gradient = x.T @ (p - y) + penalty * w
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty + _CLOSE)
        step = np.linalg.solve(curvature, gradient)
        while loss(w - step) > now and float(np.abs(step).max()) > _CLOSE:
            step = step / 2
        w = w - step
        now = loss(w)
        if float(np.abs(step).max()) < _CLOSE:
            break
    return w[:-1], float(w[-1])


def _by_language(languages: Sequence[str | None], truth: Truth, scores: Scores) -> dict[str, float]:
    known = np.array([language or "und" for language in languages])
    out = {}
    for language in sorted(set(known.tolist())):
        rows = known == language
        if min(int(truth[rows].sum()), int((~truth[rows]).sum())) >= MIN_TEXTS:
            out[language] = area_under_roc(truth[rows], scores[rows])
    return out


def _write(fitted: _Fitted, report: ClassifierReport, truth: Truth, scores: Scores, output: Path, work: Path) -> None:
    """The model last: where it lies, its report does too."""

    (work / "report.json").write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (work / "report.html").write_text(report_page(report, truth, scores), encoding="utf-8")
    os.replace(work / "report.json", output.with_suffix(".report.json"))
    os.replace(work / "report.html", output.with_suffix(".report.html"))
    if fitted.signals is None:
        assert fitted.file is not None
        os.replace(fitted.file, output)
        return
    beside = None
    if fitted.file is not None:
        beside = output.with_suffix(".fasttext.bin")
        os.replace(fitted.file, beside)
    (work / "model.json").write_text(json.dumps(to_json(fitted.signals, beside), indent=1) + "\n", encoding="utf-8")
    os.replace(work / "model.json", output)
