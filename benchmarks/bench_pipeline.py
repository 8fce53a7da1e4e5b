"""The whole run, JSONL.gz to Parquet: MB of text a second with one worker and with two, and the peak memory of each.

Language identification, all rule sets, exact duplicates and MinHash signatures, on real documents. (What the signatures
decide is measured by the benchmark of duplicates.) A run's time is all of it: planning, starting workers, reading,
filtering, writing, the report. The documents are taken `--copies` times, each copy with a line of its own, so that starting
the workers does not count for more than it does in a real run.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from documents import real_documents
from machine import about, save

from corpusmill.curate.run.job import parts

DRIVER = """
import json, resource, sys, time
from typing import ClassVar
from corpusmill.curate import Pipeline
from corpusmill.filters import (
    C4Quality, ExactDedup, FineWebQuality, GopherQuality, GopherRepetition, Language, MinHashDedup,
)
rules = [GopherRepetition(), GopherQuality(), FineWebQuality(), C4Quality()]
class Signatures(MinHashDedup):
    #Signs every document and drops none.

    name: ClassVar[str] = "signatures"

    def passes(self, units, partitions):
        return []

steps = [Language(keep=["zh", "en"]), *rules, ExactDedup(), Signatures()]
started = time.perf_counter()
result = Pipeline(steps).run(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), quiet=True, overwrite=True)
peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"seconds": time.perf_counter() - started, "driver_mb": peak[0], "worker_mb": peak[1]}))
"""


def run(inputs: str, output: Path, workers: int) -> dict[str, float]:
    """One run in a process of its own, so that its memory can be measured."""
    command = [sys.executable, "-c", DRIVER, inputs, str(output), str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=60.0, help="text of each language at most")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each kind; the median counts")
    parser.add_argument("--copies", type=int, default=10, help="how often the documents are taken")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-bench-"))
    where, documents = real_documents(options.megabytes)
    documents = {k: [f"{t}\n{i}" for i in range(options.copies) for t in texts] for k, texts in documents.items()}
    size = sum(len(t.encode()) for texts in documents.values() for t in texts) / 1e6
    for language, texts in documents.items():
        lines = [json.dumps({"text": t}, ensure_ascii=False) for t in texts]
        for k in range(8):
            with gzip.open(folder / f"{language}-{k}.jsonl.gz", "wt", encoding="utf-8") as f:
                f.write("\n".join(lines[k::8]) + "\n")
    inputs, output = str(folder / "*.jsonl.gz"), folder / "out"
    run(inputs, output, 1)  # compiles what is not yet cached
    rows = []
    for workers in (1, 2):
        runs = sorted((run(inputs, output, workers) for _ in range(options.repeat)), key=lambda r: r["seconds"])
        middle = runs[len(runs) // 2]
        rows.append(
            {
                "workers": workers,
                "seconds": round(middle["seconds"], 2),
                "mb_per_s": round(size / middle["seconds"], 2),
                "driver_peak_mb": round(middle["driver_mb"]),
                **({"worker_peak_mb": round(middle["worker_mb"])} if workers > 1 else {}),
            }
        )
    written = sum(p.stat().st_size for kind in ("train", "validation", "ledger") for p in parts(output, kind)) / 1e6
    shutil.rmtree(folder)
    save(
        "pipeline",
        {
            "about": about(("corpusmill", "pyarrow", "polars", "numba")),
            "documents": where,
            "count": sum(map(len, documents.values())),
            "text_mb": round(size, 1),
            "parquet_mb": round(written, 1),
            "rows": rows,
            "speed_up": round(rows[0]["seconds"] / rows[1]["seconds"], 2),
        },
    )


if __name__ == "__main__":
    main()
