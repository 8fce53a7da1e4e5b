"""What curation by a pack is worth to a model: bits per byte on unseen text of the domain, at equal bytes of training text.

For each recipe of law and medicine: a pile of files (`pack_inputs.py`), of which domain documents were held out before
anything else, whole sources among them. The same GPT (two layers, one tokenizer for both) is trained on so many bytes
of (pack) what the recipe keeps and (input) a random sample of what the readers give, one pass, three seeds; a seed decides
the sample, the order and the weights. Scored once, at the end, on the held-out documents as they are in their sources, and
on the same documents with their format mended (line ends, blanks, widths): what a model pays for a habit of the source's
format, which the pack takes out of the training text, is no knowledge of the domain.

    OMP_NUM_THREADS=1 python bench_pack_models.py [RECIPE ...] [--seeds 3] [--megabytes 1] [--work FOLDER]

What is in the work folder already (runs, corpora) is not made again. Without the development data it does nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from bench_recall import DATA
from machine import RESULTS, about, save
from pack_inputs import DOMAINS, HELD_BYTES, INPUT_BYTES, SHARES, Named, make_pile

from corpusmill.curate.documents import Documents
from corpusmill.curate.pipeline import Pipeline
from corpusmill.curate.recipe import parse_recipe
from corpusmill.domain_packs import recipe_text
from corpusmill.filters.cleanup import FixFormat
from corpusmill.train import PretrainConfig, evaluate_corpus, pretrain, train_tokenizer
from corpusmill.train.data.mix import CorpusShare

ARMS = ("pack", "input")
VOCABULARY = 4096
TRAINING: dict[str, Any] = {
    "preset": "d2",
    "optimizer": "muon",
    "precision": "bfloat16",
    "final_learning_rate": 0.0,
}
"""Otherwise the defaults. With one or two MB a small model and Muon learn most in a given time: in 130 steps of the defaults
nano gets little further than the frequencies of tokens, where all texts of a language are alike."""
PIECE = 4_000
"""Characters of a piece. Samples are of pieces, not of documents: one contract can be a tenth of all there is to train on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=list(DOMAINS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=1.0, help="of training text for a model")
    parser.add_argument("--work", type=Path, default=Path("runs/pack_models"))
    options = parser.parse_args()
    if not (DATA / "README.md").is_file():
        print(f"skipped: there is no development data at {DATA} (set CORPUSMILL_TEST_DATA)")
        return
    size = round(options.megabytes * 1e6)
    for recipe in options.recipes:
        keep({recipe: prepare(recipe, options.work / recipe, size, options.seeds)}, size)
    for seed in range(options.seeds):
        for recipe in options.recipes:
            for arm in ARMS:
                trained(options.work / recipe, arm, seed)
            keep({recipe: compared(options.work / recipe, seed + 1)}, size)


def keep(found: dict[str, Any], size: int) -> None:
    """Add what was found on recipes to the results; of the others what earlier calls found stays."""
    path = RESULTS / "pack_models.json"
    result = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    result |= {
        "about": about(("corpusmill", "torch")),
        "input": {"bytes": INPUT_BYTES, "shares": SHARES, "held_out_bytes_of_each_source": HELD_BYTES},
        "training": {**TRAINING, "bytes": size, "epochs": 1, "vocabulary": VOCABULARY},
    }
    for recipe, of in found.items():
        result[recipe] = {**result.get(recipe, {}), **of}
    save("pack_models", result)


def prepare(recipe: str, work: Path, size: int, seeds: int) -> dict[str, Any]:
    """The input, what the recipe keeps of it, each model's training text and the tokenizer; what they hold."""
    if (work / "prepared.json").is_file():
        return dict(json.loads((work / "prepared.json").read_text("utf-8")))
    pile = make_pile(recipe)
    (work / "raw").mkdir(parents=True, exist_ok=True)
    pl.DataFrame(pile.documents, schema=["id", "text"], orient="row").write_ndjson(work / "raw" / "pile.jsonl")
    curated = parse_recipe(recipe_text(recipe), inputs=[work / "raw"], output=work / "corpus")
    curated.run(workers=1, quiet=True)
    Pipeline([], validation=0.0).run(work / "raw", work / "read", workers=1, quiet=True)
    texts = {"pack": _texts(work / "corpus"), "input": _texts(work / "read")}
    for arm, named in texts.items():
        for seed in range(seeds):
            chosen = sample(named, size, random.Random(seed))
            _write(work / f"{arm}-{seed}" / "text", "train", recipe, chosen)
            _write(work / f"{arm}-{seed}" / "text", "validation", recipe, pile.held_out)
    train_tokenizer(
        [work / f"{arm}-0" / "text" for arm in ARMS], work / "tokenizer", vocab_size=VOCABULARY, progress=False
    )
    found: dict[str, Any] = {
        "held_out": dict(_bytes(pile.held_out)),
        "taken_out_of_the_input_as_leaks": pile.leaked,
        "bytes_by_kind": {arm: _kinds(named) for arm, named in texts.items()},
        "documents_by_kind": {arm: dict(Counter(n.split("/")[0] for n, _ in named)) for arm, named in texts.items()},
        "dropped_by": _dropped(work / "corpus"),
    }
    (work / "prepared.json").write_text(json.dumps(found), encoding="utf-8")
    return found


def _texts(corpus: Path) -> list[Named]:
    files = sorted(corpus.glob("train/*.parquet")) + sorted(corpus.glob("validation/*.parquet"))
    table = pl.concat([pl.read_parquet(file, columns=["id", "text"]) for file in files])
    return sorted(zip(table["id"], table["text"], strict=True))


def _bytes(named: list[Named]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, text in named:
        found[name] += len(text.encode())
    return found


def _kinds(named: list[Named]) -> dict[str, int]:
    return dict(_bytes([(name.split("/")[0], text) for name, text in named]))


def _dropped(corpus: Path) -> dict[str, dict[str, int]]:
    """Documents of each kind that each rule dropped, as the ledger names the first."""
    found: dict[str, Counter[str]] = {}
    for file in sorted(corpus.glob("ledger/*.parquet")):
        table = pl.read_parquet(file, columns=["id", "step", "rule"])
        for name, step, rule in table.iter_rows():
            found.setdefault(name.split("/")[0], Counter())[f"{step}.{rule}"] += 1
    return {kind: dict(rules.most_common(6)) for kind, rules in sorted(found.items())}


def sample(named: list[Named], size: int, rng: random.Random) -> list[Named]:
    """Pieces of documents drawn at random to exactly `size` bytes; the last is cut where they are full.

    Raises SystemExit if there are fewer.
    """
    pieces = [(name, text[i : i + PIECE]) for name, text in named for i in range(0, len(text), PIECE)]
    chosen: list[Named] = []
    left = size
    for name, text in rng.sample(pieces, len(pieces)):
        data = text.encode()
        chosen.append((name, data[:left].decode("utf-8", "ignore")))
        left -= len(data)
        if left <= 0:
            return chosen
    raise SystemExit(f"only {size - left:,} bytes to train on; lower --megabytes")


def _write(corpus: Path, split: str, recipe: str, named: list[Named]) -> None:
    (corpus / split).mkdir(parents=True, exist_ok=True)
    names = [name.split("/")[0] if split == "train" else name for name, _ in named]
    pl.DataFrame(
        {
            "id": [f"{name}:{i}" for i, (name, _) in enumerate(named)],
            "text": [text for _, text in named],
            "language": [recipe.rpartition("-")[2]] * len(named),
            "domain": names,
        }
    ).write_parquet(corpus / split / "part-0.parquet")


def trained(work: Path, arm: str, seed: int) -> None:
    """One model and its scores, unless they are there; nothing is chosen by a score, for all are behind the last step."""
    run = work / f"{arm}-{seed}"
    if not (run / "model" / "result.json").is_file():
        train_one(work, run, seed)
    if not (run / "mended.json").is_file():
        held = pl.read_parquet(run / "text" / "validation" / "*.parquet")
        docs = FixFormat().transform(Documents.from_texts(held["text"].to_list(), language=held["language"].to_list()))
        (run / "mended" / "validation").mkdir(parents=True, exist_ok=True)
        held.with_columns(text=pl.Series(docs.texts)).write_parquet(run / "mended" / "validation" / "part-0.parquet")
        scores = evaluate_corpus(run / "model", run / "mended")
        (run / "mended.json").write_text(json.dumps(scores), encoding="utf-8")


def train_one(work: Path, run: Path, seed: int) -> None:
    result = pretrain(
        PretrainConfig(
            corpus=(CorpusShare(path=run / "text", epochs=1),),
            output=run / "model",
            tokenizer=work / "tokenizer",
            evaluate_every=1_000_000,
            validation_tokens=10_000_000,
            train_sample_tokens=0,
            patience=None,
            seed=seed,
            cache=run / "tokens",
            **TRAINING,
        )
    )
    if result.status == "interrupted":
        raise SystemExit("interrupted; the same command goes on from there")


def compared(work: Path, seeds: int) -> dict[str, Any]:
    """Bits per byte of both arms and the difference by seed, on all held-out text and on each source of it."""
    results = {arm: [_result(work / f"{arm}-{seed}") for seed in range(seeds)] for arm in ARMS}

    def bits(form: str) -> dict[str, Any]:
        found = {}
        for source in sorted(results["pack"][0][form]):
            pack, given = ([result[form][source] for result in results[arm]] for arm in ARMS)
            less = _spread([b - a for a, b in zip(pack, given, strict=True)])
            found[source] = {"pack": _spread(pack), "input": _spread(given), "input_minus_pack": less}
        return found

    return {
        "bits_per_byte": bits("as it is"),
        "bits_per_byte_of_mended_format": bits("mended"),
        "steps": {arm: [r["steps"] for r in of] for arm, of in results.items()},
        "tokens": {arm: [r["tokens"] for r in of] for arm, of in results.items()},
        "epochs": {arm: [r["epochs"] for r in of] for arm, of in results.items()},
        "bytes_per_token": {arm: [r["bytes_per_token"] for r in of] for arm, of in results.items()},
        "seconds": {arm: [r["seconds"] for r in of] for arm, of in results.items()},
        "parameters": results["pack"][0]["parameters"],
        "unigram_bits_per_byte": {arm: [r["baselines"]["unigram"] for r in of] for arm, of in results.items()},
        "trained_on": {
            arm: [_kinds(_train_texts(work / f"{arm}-{seed}" / "text")) for seed in range(seeds)] for arm in ARMS
        },
    }


def _result(run: Path) -> dict[str, Any]:
    found = dict(json.loads((run / "model" / "result.json").read_text("utf-8")))
    lines = [json.loads(line) for line in (run / "model" / "metrics.jsonl").read_text("utf-8").splitlines()]
    scores = {
        "as it is": [line for line in lines if "bits_per_byte" in line][-1],
        "mended": json.loads((run / "mended.json").read_text("utf-8")),
    }
    for form, score in scores.items():
        # The mean over sources too: how much of each is held out is our choice.
        by = score["by_domain"]
        found[form] = {"all": score["bits_per_byte"], "mean of sources": statistics.mean(by.values()), **by}
    return found


def _train_texts(corpus: Path) -> list[Named]:
    table = pl.read_parquet(corpus / "train" / "*.parquet", columns=["domain", "text"])
    return list(zip(table["domain"], table["text"], strict=True))


def _spread(values: list[float]) -> dict[str, Any]:
    return {
        "mean": round(statistics.mean(values), 4),
        "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else None,
        "each": [round(v, 4) for v in values],
    }


if __name__ == "__main__":
    main()
