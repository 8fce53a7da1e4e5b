"""Near-duplicates: ours beside datatrove's four stages, rensa and datasketch, on the same documents in one run.

Four tables. Signatures: MB of raw text a second of one core's time, shingling included. Whole: from JSONL files to the
documents that stay, with time by the clock and by the processor, and peak memory. Truth: recall of the pairs whose exact Jaccard similarity is clearly
above the threshold, and how many removed documents have nothing like them among those that stay. Estimates: the error of
our signatures beside what theory allows.

Similarity, in the truth, is that of runs of five lower-case words (English) or eight characters (Chinese) that Python's
`re` cuts, for all tools alike; each tool shingles in its own way. All are set to find 0.8.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

THRESHOLD = 0.8
SLOTS = 128
SEED = 1
CODES = {"en": "eng", "zh": "zho"}


def shingles(text: str, language: str) -> set[str]:
    """What the rivals without a tokenizer of their own, and the truth, compare."""
    if language == "zh":
        dense = re.sub(r"\W+", "", text.lower())
        return {dense[i : i + 8] for i in range(len(dense) - 7)}
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + 5]) for i in range(len(words) - 4)}


def read(folder: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as f:
            rows += [json.loads(line) for line in f]
    return rows


# Signatures from raw text, as seconds over all documents.


def sign_ours(texts: list[str], language: str) -> None:
    import pyarrow as pa

    from corpusmill.curate.documents import Documents
    from corpusmill.filters import MinHashDedup

    step = MinHashDedup(num_slots=SLOTS)
    for start in range(0, len(texts), 512):
        part = texts[start : start + 512]
        step.sketch(
            Documents(pa.table({"text": pa.array(part, pa.large_string()), "id": [str(i) for i in range(len(part))]}))
        )


def sign_datatrove(texts: list[str], language: str) -> None:
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.utils.logging import logger

    logger.disable("datatrove")
    with tempfile.TemporaryDirectory() as folder:
        step = MinhashDedupSignature(folder, config=_datatrove_config(), language=CODES[language])
        step.run((Document(text=t, id=str(i)) for i, t in enumerate(texts)), 0, 1)


def sign_rensa(texts: list[str], language: str) -> None:
    import rensa

    for start in range(0, len(texts), 512):
        sets = [list(shingles(t, language)) for t in texts[start : start + 512]]
        rensa.RMinHash.digest_matrix_from_token_sets(sets, SLOTS, SEED)


def sign_datasketch(texts: list[str], language: str) -> None:
    from datasketch import MinHash

    for t in texts:
        MinHash(num_perm=SLOTS, seed=SEED).update_batch([s.encode() for s in shingles(t, language)])


def _datatrove_config() -> Any:
    import datatrove.utils.hashes.xxhash as hashes
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from xxhash import xxh64_intdigest

    # It hands text to xxhash, which takes bytes alone from version 4 on.
    hashes.xxhash64 = lambda text: xxh64_intdigest(text.encode())
    return MinhashConfig(n_grams=5)  # 14 buckets of 8 hashes: its own default, for 0.75 to 0.8


# The whole of it: a folder of JSONL to the ids that stay.


def whole_ours(raw: Path, out: Path, language: str) -> list[str]:
    import polars as pl

    from corpusmill.curate import Pipeline
    from corpusmill.filters import MinHashDedup

    step = MinHashDedup(threshold=THRESHOLD, num_slots=SLOTS)
    Pipeline([step], validation=0).run(str(raw / "*.jsonl"), out / "ours", workers=1, quiet=True)
    return pl.read_parquet(out / "ours/train/*.parquet")["id"].to_list()


def whole_datatrove(raw: Path, out: Path, language: str) -> list[str]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.logging import logger

    logger.disable("datatrove")
    config = _datatrove_config()
    parts = {n: str(out / "datatrove" / n) for n in ("signatures", "buckets", "remove", "kept")}
    tasks = len(list(raw.glob("*.jsonl")))
    stages = [
        (
            [
                JsonlReader(str(raw)),
                MinhashDedupSignature(parts["signatures"], config=config, language=CODES[language]),
            ],
            tasks,
        ),
        ([MinhashDedupBuckets(parts["signatures"], parts["buckets"], config=config)], config.num_buckets),
        ([MinhashDedupCluster(parts["buckets"], parts["remove"], config=config)], 1),
        (
            [JsonlReader(str(raw)), MinhashDedupFilter(parts["remove"]), JsonlWriter(parts["kept"], compression=None)],
            tasks,
        ),
    ]
    for i, (pipeline, n) in enumerate(stages):
        logs = str(out / "datatrove" / f"logs-{i}")
        LocalPipelineExecutor(pipeline=pipeline, tasks=n, workers=1, logging_dir=logs).run()
    return [row["id"] for row in read(Path(parts["kept"]))]


def whole_rensa(raw: Path, out: Path, language: str) -> list[str]:
    import rensa

    rows = read(raw)
    kept: list[str] = []
    index = rensa.RMinHashDeduplicator(threshold=THRESHOLD, num_perm=SLOTS, use_lsh=True, num_bands=16, seed=SEED)
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096]
        added = index.add_pairs([(r["id"], list(shingles(r["text"], language))) for r in part])
        kept += [r["id"] for r, new in zip(part, added, strict=True) if new]
    return kept


def whole_datasketch(raw: Path, out: Path, language: str) -> list[str]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=SLOTS)
    kept = []
    for row in read(raw):
        signature = MinHash(num_perm=SLOTS, seed=SEED)
        signature.update_batch([s.encode() for s in shingles(row["text"], language)])
        if not index.query(signature):
            index.insert(row["id"], signature)
            kept.append(row["id"])
    return kept


SIGN: dict[str, Callable[[list[str], str], None]] = {
    "corpusmill": sign_ours, "datatrove": sign_datatrove, "rensa": sign_rensa, "datasketch": sign_datasketch,
}  # fmt: skip
WHOLE: dict[str, Callable[[Path, Path, str], list[str]]] = {
    "corpusmill": whole_ours, "datatrove": whole_datatrove, "rensa": whole_rensa, "datasketch": whole_datasketch,
}  # fmt: skip
SHARE = {"corpusmill": 1.0, "datatrove": 0.03, "rensa": 0.2, "datasketch": 0.05}
"""Share of the documents that a tool signs: enough for each to take some seconds."""


def child(kind: str, tool: str, raw: Path, out: Path, language: str) -> None:
    """One measurement in a process of its own; prints it as JSON."""
    if kind == "sign":
        texts = [r["text"] for r in read(raw)]
        texts = texts[: max(1, int(len(texts) * SHARE[tool]))]
        SIGN[tool](texts[:20], language)  # loads models, compiles
        # Processor time: all use one thread, and a busy machine would otherwise favour whoever ran in a quiet moment.
        size, repeats, started = sum(len(t.encode()) for t in texts), 0, time.process_time()
        while time.process_time() - started < 3:
            SIGN[tool](texts, language)
            repeats += 1
        found: dict[str, Any] = {"mb_per_s": size * repeats / (time.process_time() - started) / 1e6}
    else:
        started = time.perf_counter()
        kept = WHOLE[tool](raw, out, language)
        spent = os.times()
        processor = spent.user + spent.system + spent.children_user + spent.children_system  # imports too
        found = {"seconds": time.perf_counter() - started, "processor_s": processor, "kept": kept}
    print(json.dumps({**found, "peak_mb": peak()}))


def peak() -> int:
    """MB that this process held at most. `ru_maxrss` would be that of whoever started it, if that is more."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) >> 10 for line in f if line.startswith("VmHWM"))


def measured(kind: str, tool: str, raw: Path, out: Path, language: str) -> dict[str, Any]:
    env = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1")}
    command = [sys.executable, __file__, "--child", kind, tool, str(raw), str(out), language]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{tool} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def true_pairs(rows: list[dict[str, str]], language: str, least: float) -> dict[tuple[str, str], float]:
    """All pairs whose exact similarity is at least `least`, from an inverted index of all shingles."""
    sets = [shingles(r["text"], language) for r in rows]
    holders: dict[str, list[int]] = defaultdict(list)
    for i, found in enumerate(sets):
        for s in found:
            holders[s].append(i)
    common: dict[tuple[int, int], int] = defaultdict(int)
    for many in holders.values():
        for k, a in enumerate(many):
            for b in many[k + 1 :]:
                common[a, b] += 1
    out = {}
    for (a, b), both in common.items():
        similarity = both / (len(sets[a]) + len(sets[b]) - both)
        if similarity >= least:
            out[rows[a]["id"], rows[b]["id"]] = similarity
    return out


def judged(rows: list[dict[str, str]], pairs: dict[tuple[str, str], float], kept: list[str]) -> dict[str, float]:
    """Recall of the pairs clearly above the threshold, and removed documents without a kept one like them."""
    stays = set(kept)
    clear = [p for p, s in pairs.items() if s >= THRESHOLD + 0.05]
    near: dict[str, list[str]] = defaultdict(list)
    for (a, b), s in pairs.items():
        if s >= THRESHOLD:
            near[a].append(b)
            near[b].append(a)
    removed = [r["id"] for r in rows if r["id"] not in stays]
    wrong = [i for i in removed if not any(o in stays for o in near[i])]
    return {
        "pairs_above": len(clear),
        "recall": round(sum(not (a in stays and b in stays) for a, b in clear) / max(1, len(clear)), 4),
        "removed": len(removed),
        "removed_without_a_kept_one_alike": len(wrong),
    }


def truth_sets(folder: Path) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """Documents with many versions of one another: development data, else documents with edits planted."""
    given = os.environ.get("CORPUSMILL_TEST_DATA")
    names = {"policies in versions": ("en", "terms_versions"), "statutes in versions": ("zh", "zh_law_versions")}
    if given:
        out = {}
        for name, (language, file) in names.items():
            with gzip.open(Path(given) / "dedup" / f"{file}.jsonl.gz", "rt", encoding="utf-8") as f:
                out[name] = (language, [{k: r[k] for k in ("id", "text")} for r in map(json.loads, f)])
        return out
    return {f"planted edits, {k}": (k, planted(v[:400], k)) for k, v in _documents(4).items()}


def planted(texts: list[str], language: str) -> list[dict[str, str]]:
    """Each document and four versions of it, with 1 to 8 % of its words or characters changed."""
    import random

    rng, rows = random.Random(0), []
    for i, text in enumerate(texts):
        tokens = list(text) if language == "zh" else text.split()
        for version in range(5):
            changed = list(tokens)
            for _ in range(len(tokens) * version * rng.randint(0, 2) // 100):
                changed[rng.randrange(len(changed))] = rng.choice(tokens)
            rows.append({"id": f"{i}-{version}", "text": ("" if language == "zh" else " ").join(changed)})
    return rows


def _documents(megabytes: float) -> dict[str, list[str]]:
    from documents import real_documents

    return real_documents(megabytes)[1]


def estimates(trials: int = 200) -> dict[str, dict[str, float]]:
    """By shingles in a document and true similarity: the error of our estimate (root mean square), as a multiple of the
    theoretical standard deviation of so many slots, sqrt(J (1 - J) / k)."""
    import random

    import numpy as np
    import pyarrow as pa

    from corpusmill.filters.text.shingles import jaccard, normalize, shingle_sets, signatures

    rng, out = random.Random(0), {}
    for length in (100, 300, 3000):
        for share in (0.1, 0.3, 0.6, 0.8, 0.95):
            texts = []
            for _ in range(trials):
                common = [f"w{rng.randrange(10**6)}" for _ in range(int(length * share))]
                for _ in range(2):
                    own = [f"w{rng.randrange(10**6)}" for _ in range(length - len(common))]
                    texts.append(" ".join(common + own))
            normal = normalize(pa.array(texts, pa.large_string()))
            found, _ = signatures(normal, slots=SLOTS, words=5, characters=8)
            sets = shingle_sets(normal, words=5, characters=8)
            true = np.array([jaccard(sets[i], sets[i + 1]) for i in range(0, len(sets), 2)])
            error = (found[::2] == found[1::2]).mean(axis=1) - true
            theory = float(np.sqrt(np.mean(true * (1 - true)) / SLOTS))
            ratio = float(np.sqrt(np.mean(error**2))) / theory
            out.setdefault(f"{length} words", {})[f"{true.mean():.2f}"] = round(ratio, 2)
    return out


def write(rows: list[dict[str, str]], folder: Path, files: int = 4) -> Path:
    folder.mkdir(parents=True)
    for k in range(files):
        lines = [json.dumps(r, ensure_ascii=False) for r in rows[k::files]]
        (folder / f"{k:03}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, tool, raw, out, language = sys.argv[2:]
        child(kind, tool, Path(raw), Path(out), language)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=20.0, help="text of each language for the signatures")
    parser.add_argument("--documents", type=int, default=10_000, help="of each language, for the whole of it")
    parser.add_argument("--tools", nargs="+", default=list(SIGN), choices=list(SIGN))
    options = parser.parse_args()
    from machine import about, save

    folder = Path(tempfile.mkdtemp(prefix="corpusmill-bench-"))
    result: dict[str, Any] = {
        "about": about(("corpusmill", "datatrove", "rensa", "datasketch", "numba", "spacy", "jieba"))
    }
    documents = _documents(options.megabytes)
    for language, texts in documents.items():
        raw = write([{"id": f"{language}{i}", "text": t} for i, t in enumerate(texts)], folder / f"sign-{language}")
        rates = {t: measured("sign", t, raw, folder, language)["mb_per_s"] for t in options.tools}
        result.setdefault("signatures", {})[language] = {
            t: {"mb_per_s": round(r, 2), "ours_is": round(rates["corpusmill"] / r, 1)} for t, r in rates.items()
        }
        print(language, result["signatures"][language], flush=True)
        # So many documents: the real ones again and again, each time with some of their lines changed.
        rows = grown(texts, options.documents, language)
        raw = write(rows, folder / f"whole-{language}")
        runs = {t: measured("whole", t, raw, folder / f"out-{language}", language) for t in options.tools}
        result.setdefault("whole", {})[language] = {
            t: {
                "seconds": round(r["seconds"], 1),
                "ours_is": round(r["seconds"] / runs["corpusmill"]["seconds"], 1),
                "processor_s": round(r["processor_s"], 1),
                "ours_is_by_processor": round(r["processor_s"] / runs["corpusmill"]["processor_s"], 1),
                "peak_mb": r["peak_mb"],
                "removed": len(rows) - len(r["kept"]),
            }
            for t, r in runs.items()
        }
        print(language, result["whole"][language], flush=True)
    result["estimates"] = estimates()
    print("estimates", result["estimates"], flush=True)
    for name, (language, rows) in truth_sets(folder).items():
        raw = write(rows, folder / name.replace(" ", "-"), files=1)
        pairs = true_pairs(rows, language, 0.5)
        result.setdefault("truth", {})[name] = {
            t: judged(rows, pairs, measured("whole", t, raw, folder / f"{name}-out", language)["kept"])
            for t in options.tools
        }
        print(name, result["truth"][name], flush=True)
    shutil.rmtree(folder)
    save("dedup", result)


def grown(texts: list[str], count: int, language: str) -> list[dict[str, str]]:
    """`count` documents: the given ones, and then mixtures of their lines, every fifth one a near copy."""
    import random

    rng = random.Random(0)
    lines = [line for t in texts for line in t.splitlines() if line.strip()]
    rows: list[dict[str, str]] = []
    for i in range(count):
        if i < len(texts):
            text = texts[i]
        elif i % 5:
            text = "\n".join(rng.choice(lines) for _ in range(8))
        else:
            text = rows[rng.randrange(i)]["text"] + "\n" + rng.choice(lines)[:40]
        rows.append({"id": f"{language}{i}", "text": text})
    return rows


if __name__ == "__main__":
    main()
