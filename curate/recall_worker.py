"""A worker of `corpusmill recall`: phases and unit numbers in, one a line, an answer in JSON for each.

python -m corpusmill.curate.recall_worker WORK
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    # What libraries print goes to the error stream: the answers have the other one to themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from .recall_tasks import run_task

    work = Path(sys.argv[1])
    for line in sys.stdin:
        phase, unit = line.split()
        answer: dict[str, str | int]
        try:
            answer = {"documents": run_task(work, phase, int(unit))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
