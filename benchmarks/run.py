"""Run every benchmark; each prints its result and writes it to benchmarks/results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    failed = 0
    for script in sorted(here.glob("bench_*.py")):
        print(f"== {script.name}", flush=True)
        failed += subprocess.run([sys.executable, str(script)], cwd=here).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
