"""Near-duplicates of millions of documents under a memory limit: time by phase, and the memory of all processes.

Documents are resampled from real text: each is six sentences or so, drawn at random from real Chinese and English ones;
a fifth of them are variants of another document that end differently. The whole run is timed, from Parquet to corpus,
and its clustering, which is all phases from the exact hashes to the decisions, beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from documents import real_documents
from machine import about, save

FILE_ROWS = 500_000

DRIVER = """
import json, sys, time
from corpusmill.curate import Pipeline
from corpusmill.curate.executors import local
from corpusmill.filters import MinHashDedup
seconds = {}
original = local.Display.phase
import contextlib
@contextlib.contextmanager
def phase(self, what, tasks):
    started = time.perf_counter()
    with original(self, what, tasks) as meter:
        yield meter
    seconds[what] = seconds.get(what, 0) + time.perf_counter() - started
local.Display.phase = phase
started = time.perf_counter()
result = Pipeline([MinHashDedup()], keep_dropped_text=False).run(
    sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), memory=sys.argv[4], quiet=True, overwrite=True
)
print(json.dumps({"seconds": time.perf_counter() - started, "phases": seconds, "counts": result.counts}))
"""


def sentences() -> list[str]:
    """Real sentences of 30 to 120 characters' worth, both languages."""
    _, documents = real_documents(20)
    found: set[str] = set()
    for language, texts in documents.items():
        least, most = (12, 60) if language == "zh" else (30, 120)
        mine: set[str] = set()
        for text in texts:
            mine.update(
                s.strip() for s in re.split(r"(?<=[。！？.!?])\s*|\n+", text) if least <= len(s.strip()) <= most
            )
        found.update(sorted(mine)[:60_000])
    return sorted(found)


def write(folder: Path, count: int, pool: pa.Array, seed: int = 0) -> None:
    """So many documents as Parquet, in files of half a million."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for first in range(0, count, FILE_ROWS):
        n = min(FILE_ROWS, count - first)
        chosen = random.integers(0, len(pool), (n, 7))
        # Every fifth is a variant of one of the documents before it in the file: all but its last sentence.
        variants = np.flatnonzero((random.random(n) < 0.2) & (np.arange(n) > 0))
        for row in variants.tolist():
            chosen[row, :6] = chosen[int(random.integers(0, row)), :6]
        lists = pa.ListArray.from_arrays(
            pa.array(np.arange(0, 7 * n + 1, 7, dtype=np.int32)), pool.take(pa.array(chosen.ravel()))
        )
        ids = pc.binary_join_element_wise(f"{first}", pa.array(np.arange(n)).cast(pa.string()), "-")
        table = pa.table({"id": ids, "text": pc.binary_join(lists, " ")})
        pq.write_table(table, folder / f"part-{first:010}.parquet", compression="lz4", row_group_size=8192)


def resident(pid: int) -> tuple[int, int]:
    """(memory, of it what no file backs) of a process and its children, in MB."""
    whole = anonymous = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if int(fields["Pid"]) == pid or int(fields["PPid"]) == pid:
            whole += int(fields.get("VmRSS", "0").split()[0])
            anonymous += int(fields.get("RssAnon", "0").split()[0])
    return whole >> 10, anonymous >> 10


def run(inputs: Path, output: Path, workers: int, memory: str) -> dict[str, object]:
    command = [sys.executable, "-c", DRIVER, str(inputs), str(output), str(workers), memory]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, peak_anonymous = 0, 0
    while process.poll() is None:
        whole, anonymous = resident(process.pid)
        peak, peak_anonymous = max(peak, whole), max(peak_anonymous, anonymous)
        time.sleep(0.2)
    assert process.stdout is not None
    if process.returncode:
        raise SystemExit(f"the run failed with code {process.returncode}")
    found = json.loads(process.stdout.read().splitlines()[-1])
    clustering = sum(s for what, s in found["phases"].items() if what.startswith("minhash_dedup"))
    return {
        "seconds": round(found["seconds"], 1),
        "clustering_seconds": round(clustering, 1),
        "phases": {k: round(v, 1) for k, v in found["phases"].items()},
        "peak_mb": peak,
        "peak_anonymous_mb": peak_anonymous,
        "dropped": found["counts"]["dropped"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 20])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--folder", type=Path, help="where to work; about 2.5 GB a million documents")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-bench-", dir=options.folder))
    pool = pa.array(sentences(), pa.string())
    rows = []
    for millions in options.millions:
        write(folder / "raw", int(millions * 1e6), pool)
        size = sum(p.stat().st_size for p in (folder / "raw").iterdir()) / 1e6
        rows.append(
            {
                "documents": int(millions * 1e6),
                "stored_mb": round(size),
                **run(folder / "raw", folder / "out", options.workers, options.memory),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        shutil.rmtree(folder / "raw")
        shutil.rmtree(folder / "out")
    shutil.rmtree(folder)
    save(
        "dedup_scale",
        {
            "about": about(("corpusmill", "pyarrow", "polars", "numba")),
            "sentences": len(pool),
            "workers": options.workers,
            "memory": options.memory,
            "cores": os.cpu_count(),
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
