"""A worker of `corpusmill recall`: unit numbers in, one a line, an answer in JSON for each.

python -m corpusmill.curate.recall_worker WORK PHASE
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

    work, phase = Path(sys.argv[1]), sys.argv[2]
    for line in sys.stdin:
        answer: dict[str, str | int]
        try:
            answer = {"documents": run_task(work, phase, int(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
