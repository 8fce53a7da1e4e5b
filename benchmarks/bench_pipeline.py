"""The whole run, JSONL.gz to Parquet: MB of text a second with one worker and with two, and the peak memory."""

from __future__ import annotations

import gzip
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

from documents import demo_documents
from machine import about, save

from corpusmill.curate import Pipeline
from corpusmill.filters import (
    C4Quality,
    ExactDedup,
    FineWebQuality,
    FixFormat,
    GopherQuality,
    GopherRepetition,
    Language,
    MinHashDedup,
)

MEGABYTES = 12.0


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-bench-"))
    size = 0
    for language, texts in demo_documents(MEGABYTES).items():
        lines = [json.dumps({"text": t}, ensure_ascii=False) for t in texts]
        size += sum(len(t.encode()) for t in texts)
        for k in range(4):
            with gzip.open(folder / f"{language}-{k}.jsonl.gz", "wt", encoding="utf-8") as f:
                f.write("\n".join(lines[k::4]) + "\n")
    filters = [
        FixFormat(),
        Language(keep=["zh", "en"]),
        GopherRepetition(),
        GopherQuality(),
        FineWebQuality(),
        C4Quality(),
    ]
    rows = []
    for name, steps in (
        ("filters", filters),
        ("filters, exact and near duplicates", [*filters, ExactDedup(), MinHashDedup()]),
    ):
        seconds = {}
        for workers in (1, 1, 2):  # the first pass warms the kernels' cache
            output = folder / "out"
            started = time.perf_counter()
            Pipeline(steps).run(str(folder / "*.jsonl.gz"), output, workers=workers, quiet=True, unit_bytes=2 << 20)
            seconds[workers] = time.perf_counter() - started
            shutil.rmtree(output)
        rows.append(
            {
                "steps": name,
                "mb_per_s_1_worker": round(size / 1e6 / seconds[1], 2),
                "mb_per_s_2_workers": round(size / 1e6 / seconds[2], 2),
                "speed_up": round(seconds[1] / seconds[2], 2),
            }
        )
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    shutil.rmtree(folder)
    result = {"text_mb": round(size / 1e6, 1), "rows": rows, "peak_rss_mb": round(peak)}
    save("pipeline", {"about": about(("corpusmill", "pyarrow", "polars", "numba")), **result})


if __name__ == "__main__":
    main()
