from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_gpu_benchmark_runs_dry() -> None:
    done = subprocess.run(
        [sys.executable, "bench_trainer_gpu.py", "--dry"], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    result = ast.literal_eval(done.stdout)
    assert result["speed"][0]["tokens_per_second"] > 0
    assert 0 < result["best_mfu"] < 2
    assert result["shakespeare"]["steps"] == 6
    assert result["shakespeare"]["validation_loss"] < 4.6  # it has begun to learn
