"""Finding a domain's documents in an unlabelled pool: a classifier that learns from what it finds, or resampling.

The classifier's way is DeepSeekMath's (Shao et al. 2024, section 2.1): train on a seed, apply to the pool, feed the sure
hits back, a few rounds. The other is DSIR (Xie et al. 2023): draw from the pool by importance weights of hashed n-grams.

A folder while at work holds `.work/`: what each unit was measured, scored and asked for, and the models. Every file there
is committed by a rename and made from the settings alone, so the same command goes on where it was stopped, and the
result does not depend on the number of workers. `report.json`, written last, says that it is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from ..errors import CorpusmillError
from ..files import whole
from ..progress import Display
from ..readers import Input, Plan, plan_units
from .pool import UnitPool
from .report import report_page, write_samples
from .result import Method, RecallReport, Round, read_report
from .tasks import cut_line, result_path, save_arrays

Rows = NDArray[np.int64]

MIN_SEED = 10
"""Fewest different texts of a seed."""
CANDIDATES = 4
"""Texts that are not known to be of the domain, for each that is, that the start compares with."""
LOW_SHARE, HIGH_SHARE = 0.03, 0.15
"""Of the spies: texts that the start scores below the first train as negatives, above the second as positives."""
NEGATIVES, MIN_NEGATIVES = 2, 1000
"""Negatives for each positive of a group and half, and the fewest: a pool has more kinds of text than a domain."""
MOST_ASKED = 0.7
"""Log-odds: the highest threshold, p = 0.67. Known texts score high, and others of the domain must not be held to that."""
RESAMPLE_BUCKETS = 10_000
RESAMPLE_CHARS = 100
"""DSIR's own: buckets, and the least characters of a text to draw."""
_MODEL = "model.bin"


def recall(
    seed: Sequence[str | Path],
    pool: Sequence[str | Path],
    output: str | Path,
    *,
    domain: str | None = None,
    terms: str | Path | None = None,
    rounds: int = 3,
    method: Method = "classifier",
    keep: int | None = None,
    min_keywords: float = 0.03,
    text: str = "text",
    samples: int = 20,
    max_train: int = 50_000,
    random_seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> RecallReport:
    """Finds the documents of a domain in `pool`, given texts of it in `seed`; writes them to `output`.

    `seed` and `pool` are files, folders and globs of any format that is read; `text` is the field that holds the text.
    `domain` names a pack, whose lexicons tell keyword-dense pages; `terms` is a file of your own, one a line. With
    neither, only the seed says what the domain is, and genres unlike it are found late or never.

    Writes `part-*.parquet` (the documents with `score`, the `round` that found them first, and `keywords`, the share of
    their characters in keywords), `model.bin`, `samples.jsonl`, `report.html` and `report.json`. With `method="resample"`
    draws `keep` documents by importance weights instead, without rounds and without a model.

    Deterministic for a `random_seed`; resumable; `overwrite` deletes what another run left in `output` first. Raises
    CorpusmillError when the seed is too small, the output holds something else, or nothing can be read.
    """
    if method == "resample" and keep is None:
        raise CorpusmillError("resampling draws a number of documents: say how many, with keep (--keep 10000)")
    if rounds < 1:
        raise CorpusmillError(f"rounds is {rounds}; at least 1 is needed")
    out = Path(output)
    found_terms = _terms(domain, terms)
    inputs = [Input(path=str(path), text=text) for path in pool]
    plan = plan_units(inputs)
    if not plan.units:
        raise CorpusmillError(f"nothing can be read in {', '.join(str(p) for p in pool)}")
    given = _Seed.read(seed, text)
    settings: dict[str, Any] = {
        "seed": [str(p) for p in seed], "pool": [str(p) for p in pool], "domain": domain,
        "terms": None if terms is None else str(terms), "rounds": rounds, "method": method, "keep": keep,
        "min_keywords": min_keywords, "text": text, "samples": samples, "max_train": max_train, "random_seed": random_seed,
    }  # fmt: skip
    stamp = {
        "settings": settings,
        "pool": plan.fingerprints,
        "seed": xxhash.xxh3_128_hexdigest("\n".join(given.lines).encode()),
        "terms": xxhash.xxh3_128_hexdigest("\n".join(found_terms).encode()),
    }
    done = _open_folder(out, stamp, overwrite)
    if done is not None:
        return done
    display = Display(quiet)
    work = out / ".work"
    plan_json = {
        "inputs": [i.model_dump() for i in inputs],
        "units": [u.to_json() for u in plan.units],
        "terms": found_terms,
    }
    _write_json(work / "plan.json", plan_json)
    with UnitPool(work, len(plan.units), workers or os.cpu_count() or 1, display) as tasks:
        runner = _Recall(out, plan, given, settings, tasks)
        return runner.resample() if method == "resample" else runner.classify()


def _terms(domain: str | None, terms: str | Path | None) -> list[str]:
    from ...domain_packs import lexicon, packs
    from ...domain_packs.catalogue import PackError
    from ..registry import suggestion

    if terms is not None:
        return list(lexicon.own(str(terms)))
    if domain is None:
        return []
    if domain not in (known := packs()):
        raise PackError(f"there is no pack {domain!r}{suggestion(domain, known)}")
    return list(known[domain].terms())


def _write_json(path: Path, data: Any) -> None:
    with whole(path) as draft:
        draft.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _open_folder(out: Path, stamp: dict[str, Any], overwrite: bool) -> RecallReport | None:
    """The report of a finished run of the same settings; otherwise a folder to work in. Raises CorpusmillError."""
    work, report = out / ".work", out / "report.json"
    if overwrite and out.exists():
        shutil.rmtree(work, ignore_errors=True)
        for path in (
            *out.glob("part-*.parquet"),
            *(out / n for n in ("report.json", "report.html", "samples.jsonl", _MODEL)),
        ):
            path.unlink(missing_ok=True)
    mark = report if report.exists() else work / "settings.json"
    if mark.exists():
        before = json.loads(mark.read_bytes())
        before = before["stamp"] if mark == report else before
        if before != json.loads(json.dumps(stamp)):
            raise CorpusmillError(
                f"{out} holds the result of other settings, another seed or another pool; give another folder, or "
                "--overwrite to delete it"
            )
        if mark == report:
            return read_report(out)
    elif out.exists() and any(out.iterdir()):
        raise CorpusmillError(f"{out} holds other files; give a new folder")
    work.mkdir(parents=True, exist_ok=True)
    _write_json(work / "settings.json", stamp)
    return None


@dataclass(frozen=True)
class _Seed:
    """The different texts of the seed, by their hashes."""

    lines: list[str]
    """Prepared."""
    hashes: NDArray[np.uint64]
    groups: NDArray[np.int8]

    @property
    def halves(self) -> NDArray[np.int8]:
        return (self.hashes & np.uint64(1)).astype(np.int8)

    @classmethod
    def read(cls, paths: Sequence[str | Path], text: str) -> _Seed:
        from ...filters.classifier.models import prepare_texts
        from ...filters.classifier.training import read_texts
        from ...filters.domain_recall import group_of
        from ..documents import Documents

        raw = list(read_texts(paths, text=text))
        groups = group_of(Documents.from_texts(raw))
        kept: dict[int, tuple[str, int]] = {}
        for line, group in zip(prepare_texts(raw), groups.tolist(), strict=True):
            if line:
                kept.setdefault(xxhash.xxh3_64_intdigest(line.encode()), (line, group))
        if len(kept) < MIN_SEED:
            raise CorpusmillError(
                f"the seed holds {len(kept)} different texts; give at least {MIN_SEED}, better some hundred, of more "
                "than one genre"
            )
        order = sorted(kept)
        return cls(
            [kept[h][0] for h in order], np.array(order, np.uint64), np.array([kept[h][1] for h in order], np.int8)
        )


class _Recall:
    """One run: the pool's measures, and the rounds over them."""

    def __init__(self, out: Path, plan: Plan, seed: _Seed, settings: dict[str, Any], tasks: UnitPool) -> None:
        self.out, self.work, self.plan, self.seed, self.settings, self.tasks = (
            out,
            out / ".work",
            plan,
            seed,
            settings,
            tasks,
        )
        self.lot = int(settings["random_seed"])
        tasks.run("measure", "measure the pool")
        about = [np.load(result_path(self.work, "measure", u)) for u in range(len(plan.units))]
        self.sizes = [len(a["groups"]) for a in about]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        self.hashes = np.concatenate([a["hashes"] for a in about])
        self.groups = np.concatenate([a["groups"] for a in about])
        self.keywords = np.concatenate([a["keywords"] for a in about])
        self.halves = (self.hashes & np.uint64(1)).astype(np.int8)
        self.dense = (
            self.keywords >= np.float32(settings["min_keywords"])
            if self.keywords.any()
            else np.zeros(len(self.keywords), bool)
        )
        self.warnings: list[str] = []

    # One pass over the pool for texts, one for scores.

    def lines_of(self, phase: str, rows: Rows) -> list[str]:
        """The prepared lines of these rows of the pool, in the same order."""
        self._ask(phase, rows)
        self.tasks.run(phase, "collect texts")
        found: dict[int, str] = {}
        for unit, start in enumerate(self.starts[:-1].tolist()):
            table = pq.read_table(result_path(self.work, phase, unit))
            found.update(zip((table["row"].to_numpy() + start).tolist(), table["line"].to_pylist(), strict=True))
        return [found[row] for row in rows.tolist()]

    def scores(self, name: str) -> NDArray[np.float64]:
        phase = f"score-{name}"
        self.tasks.run(phase, f"score, round {name}" if name.isdigit() else "weigh")
        units = range(len(self.plan.units))
        return np.concatenate([np.load(result_path(self.work, phase, u))["scores"] for u in units]).astype(np.float64)

    def _ask(self, phase: str, rows: Rows) -> None:
        """Tell each unit's task which of its rows a phase is about."""
        (self.work / phase).mkdir(exist_ok=True)
        ordered = np.sort(rows)
        for unit, (start, end) in enumerate(zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True)):
            mine = ordered[np.searchsorted(ordered, start) : np.searchsorted(ordered, end)] - start
            np.save(self.work / phase / f"{unit:05d}.rows.npy", mine)

    def draw(self, wanted: NDArray[np.bool_], most: int) -> Rows:
        from ...filters.domain_recall import drawn

        return drawn(self.hashes, np.flatnonzero(wanted), most, self.lot)

    # The classifier's way.

    def classify(self) -> RecallReport:
        from ...filters.domain_recall import GROUPS, SURE, lowest

        seed_scores, score = self._start()
        low, high = np.full(len(GROUPS), np.inf), np.full(len(GROUPS), np.inf)
        for group in range(len(GROUPS)):
            spies = self._spies(group, seed_scores, score)
            low[group], high[group] = lowest(spies, LOW_SHARE), lowest(spies, HIGH_SHARE)
            if np.isinf(low[group]) and (self.groups == group).any():
                self.warnings.append(
                    f"neither the seed nor the keywords know any text of the group {GROUPS[group]!r}: nothing of it can be found"
                )
        known = np.isfinite(high)
        at = np.maximum(self.groups, 0)
        usable = (self.groups >= 0) & known[at]
        positive = usable & (self.dense | (score >= high[at]))
        negative = usable & ~self.dense & (score < low[at])
        self.first = np.full(len(score), -1, np.int8)
        rounds = [self._round(0, usable & (self.dense | (score >= high[at])), high, seed_scores, 0, 0)]
        for number in range(1, int(self.settings["rounds"]) + 1):
            seed_scores, score, n_high, n_low = self._train(
                number, positive, negative, last=number == self.settings["rounds"]
            )
            limits = np.array([self._limit(g, seed_scores, score) for g in range(len(GROUPS))])
            rounds.append(self._round(number, usable & (score >= limits[at]), limits, seed_scores, n_high, n_low))
            positive = usable & ((score > SURE) | (self.dense & (score > -SURE)))
            negative = usable & ~self.dense & (score < -SURE)
        found = usable & (score >= limits[at])
        chance = 1 / (1 + np.exp(-np.clip(score, -50, 50)))
        with whole(self.out / _MODEL) as draft:
            shutil.copyfile(self.work / "model-final.bin", draft)
        by_language = {g: round(float(1 / (1 + np.exp(-limits[i]))), 4) for i, g in enumerate(GROUPS) if known[i]}
        min_score = {"default": by_language.get("other", 1.0), "zh": by_language.get("zh", 1.0)}
        return self._finish("classifier", rounds, found, chance, _MODEL, min_score)

    def _start(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of the seed and of the pool by n-gram ratios."""
        from ...filters.domain_grams import counts
        from ...filters.domain_recall import BUCKETS, GROUPS, LONGEST, Start
        from ...filters.text.buffers import TextBuffers

        most = int(self.settings["max_train"])
        path = self.work / "start.npz"
        if not path.exists():
            sides = np.zeros((2, 2, len(GROUPS), BUCKETS))
            cells = [(group, half) for group in range(len(GROUPS)) for half in (0, 1)]
            picked = []
            for group, half in cells:
                mine = (self.groups == group) & (self.halves == half)
                picked.append((self.draw(mine & self.dense, most), self.draw(mine & ~self.dense, most * CANDIDATES)))
            lines = iter(self.lines_of("collect-0", np.concatenate([rows for pair in picked for rows in pair])))
            for (group, half), (dense, others) in zip(cells, picked, strict=True):
                known = self._seed_lines(group, half) + list(islice(lines, len(dense)))
                for side, texts in ((0, known), (1, list(islice(lines, len(others))))):
                    for block in range(0, len(texts), 2000):
                        part = TextBuffers.of_strings(texts[block : block + 2000])
                        sides[side, half, group] += counts(part, buckets=BUCKETS, longest=LONGEST, distinct=True)
            save_arrays(path, weights=Start.of_counts(sides[0], sides[1]).weights)
        start = Start(np.load(path)["weights"])
        own = TextBuffers.of_strings(self.seed.lines)
        return start.score(own, self.seed.groups, self.seed.halves), self.scores("0")

    def _seed_lines(self, group: int, half: int) -> list[str]:
        from ...filters.domain_recall import TRAIN_BYTES

        rows = np.flatnonzero((self.seed.groups == group) & (self.seed.halves == half))
        return [cut_line(self.seed.lines[r], TRAIN_BYTES) for r in rows]

    def _spies(self, group: int, seed: NDArray[np.float64], pool: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Scores of texts known to be of the domain, by models that have not seen them: the seed's and the keyword-dense."""
        return [seed[self.seed.groups == group], pool[(self.groups == group) & self.dense]]

    def _limit(self, group: int, seed: NDArray[np.float64], pool: NDArray[np.float64]) -> float:
        """The least score of a hit: even odds, or more where nearly all known texts score more."""
        from ...filters.domain_recall import lowest

        known = lowest(self._spies(group, seed, pool), LOW_SHARE)
        return float(np.clip(known, 0.0, MOST_ASKED)) if np.isfinite(known) else np.inf

    def _train(
        self, number: int, positive: NDArray[np.bool_], negative: NDArray[np.bool_], *, last: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int, int]:
        """Train each half's model, and score the other half with it; after the last round, one model of both."""
        from ...filters.classifier.fasttext_model import load_linear
        from ...filters.classifier.models import POSITIVE, FastTextModel
        from ...filters.domain_recall import GROUPS, train_model
        from ...filters.text.buffers import TextBuffers

        most = int(self.settings["max_train"])
        paths = [self.work / f"model-{number}-{half}.bin" for half in (0, 1)]
        final = self.work / "model-final.bin"
        picked = []
        for half in (0, 1):
            high, low = [], []
            for group in range(len(GROUPS)):
                mine = (self.groups == group) & (self.halves == half)
                high.append(self.draw(mine & positive, most))
                n = len(high[-1]) + int(((self.seed.groups == group) & (self.seed.halves == half)).sum())
                low.append(self.draw(mine & negative, max(NEGATIVES * n, MIN_NEGATIVES)))
            picked.append((np.concatenate(high), np.concatenate(low)))
        lines = iter(self.lines_of(f"collect-{number}", np.concatenate([rows for pair in picked for rows in pair])))
        sides = []
        for half, (high_rows, low_rows) in enumerate(picked):
            known = [line for group in range(len(GROUPS)) for line in self._seed_lines(group, half)]
            sides.append((known + list(islice(lines, len(high_rows))), list(islice(lines, len(low_rows)))))
            if not sides[half][1]:
                raise CorpusmillError(
                    "no text of the pool is unlike the seed, so there is nothing to learn the difference from: give a "
                    "broader pool"
                )
            if not paths[half].exists():
                train_model(*sides[half], paths[half], seed=self.lot)
        if last and not final.exists():
            train_model(sides[0][0] + sides[1][0], sides[0][1] + sides[1][1], final, seed=self.lot)
        seed_lines = TextBuffers.of_strings(self.seed.lines)
        odds = np.zeros(len(self.seed.lines))
        for half in (0, 1):
            model = FastTextModel(load_linear(paths[half]), paths[half])
            other = self.seed.halves != half
            odds[other] = model.line_log_odds(seed_lines, POSITIVE)[other]
        n_high, n_low = (sum(len(sides[half][side]) for half in (0, 1)) for side in (0, 1))
        return odds, self.scores(str(number)), n_high, n_low

    def _round(
        self,
        number: int,
        found: NDArray[np.bool_],
        limits: NDArray[np.float64],
        seed: NDArray[np.float64],
        high: int,
        low: int,
    ) -> Round:
        from ...filters.domain_recall import GROUPS

        new = found & (self.first < 0)
        self.first[new] = number
        holds = self.keywords > 0
        share: Callable[[NDArray[np.bool_]], float] = lambda rows: float(holds[rows].mean()) if rows.any() else 0.0  # noqa: E731
        return Round(
            number=number, positives=high, negatives=low, found=int(found.sum()), new=int(new.sum()),
            thresholds={g: float(limits[i]) for i, g in enumerate(GROUPS) if np.isfinite(limits[i])},
            seed_recall=float((seed >= limits[self.seed.groups]).mean()),
            with_keywords=share(found), elsewhere=share(~found & (self.groups >= 0)),
        )  # fmt: skip

    # DSIR's way.

    def resample(self) -> RecallReport:
        from ...filters.domain_grams import counts, log_ratio
        from ...filters.domain_recall import LONGEST, uniform
        from ...filters.text.buffers import TextBuffers

        path = self.work / "resample.npz"
        if not path.exists():
            rows = self.draw(self.groups >= 0, int(self.settings["max_train"]) * CANDIDATES)
            sides = [self._seed_lines(g, h) for g in (0, 1) for h in (0, 1)], [self.lines_of("collect-pool", rows)]
            totals = [np.zeros(RESAMPLE_BUCKETS), np.zeros(RESAMPLE_BUCKETS)]
            for total, parts in zip(totals, sides, strict=True):
                for part in parts:
                    for block in range(0, len(part), 2000):
                        texts = TextBuffers.of_strings(part[block : block + 2000])
                        total += counts(texts, buckets=RESAMPLE_BUCKETS, longest=LONGEST, distinct=False)
            save_arrays(path, weights=log_ratio(totals[0], totals[1], prior=1.0))
        weight = self.scores("resample")
        # The k largest of weight + Gumbel noise are a draw without replacement in proportion to exp(weight).
        noisy = weight - np.log(-np.log(uniform(self.hashes, self.lot)))
        keep = min(int(self.settings["keep"]), int((self.groups >= 0).sum()))
        self.first = np.zeros(len(weight), np.int8)
        order = np.lexsort((np.arange(len(noisy)), -np.where(self.groups >= 0, noisy, -np.inf)))
        found = np.zeros(len(weight), bool)
        found[order[:keep]] = True
        return self._finish("resample", [], found, weight, None, {})

    def _finish(
        self, method: Method, rounds: list[Round], found: NDArray[np.bool_], score: NDArray[np.float64], model: str | None,
        min_score: dict[str, float],
    ) -> RecallReport:  # fmt: skip
        from ...filters.domain_recall import GROUPS

        rows = np.flatnonzero(found)
        self._ask("found", rows)
        for unit, start in enumerate(self.starts[:-1].tolist()):
            mine = np.load(self.work / "found" / f"{unit:05d}.rows.npy") + start
            marks = {"score": score[mine], "round": self.first[mine], "keywords": self.keywords[mine]}
            kinds = {"score": pl.Float32, "round": pl.Int8, "keywords": pl.Float32}
            pl.DataFrame(marks, schema_overrides=kinds).write_parquet(self.work / "found" / f"{unit:05d}.marks")
        self.tasks.run("found", "write what was found")
        picked = [self.draw(found & (self.first == n), int(self.settings["samples"])) for n in range(len(rounds) or 1)]
        texts = self.lines_of("collect-samples", np.concatenate(picked))
        report = RecallReport(
            method=method, pool=len(score), empty=int((self.groups < 0).sum()), unreadable=len(self.plan.refused),
            seed={g: int((self.seed.groups == i).sum()) for i, g in enumerate(GROUPS)}, found=int(found.sum()),
            found_by_group={g: int((found & (self.groups == i)).sum()) for i, g in enumerate(GROUPS)}, rounds=rounds,
            model=model, min_score=min_score, settings=self.settings, warnings=self.warnings,
        )  # fmt: skip
        samples = [
            {"round": int(self.first[row]), "score": round(float(score[row]), 4), "text": text, "right": None}
            for row, text in zip(np.concatenate(picked).tolist(), texts, strict=True)
        ]
        write_samples(self.out / "samples.jsonl", samples)
        units = [
            u for u in range(len(self.plan.units)) if pq.read_metadata(result_path(self.work, "found", u)).num_rows
        ]
        for number, unit in enumerate(units):
            with whole(self.out / f"part-{number:05d}.parquet") as draft:
                shutil.copyfile(result_path(self.work, "found", unit), draft)
        (self.out / "report.html").write_text(report_page(report, samples), encoding="utf-8")
        stamp = json.loads((self.work / "settings.json").read_bytes())
        _write_json(self.out / "report.json", {"stamp": stamp, "report": asdict(report)})
        shutil.rmtree(self.work)
        return report
