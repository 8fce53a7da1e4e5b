"""pass@k: the chance that one of k generated programs solves a problem, each run against the problem's own tests."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import InputError
from ..finetune.rows import read_rows
from .metrics import mean_interval
from .sandbox import Ran, run_program

STOPS = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\n@", "\nassert ", "<|im_end|>", "<|endoftext|>")
"""Where a model that goes on after its function is cut off: at the first line that begins something else."""
_FENCE = re.compile(r"```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """A programming problem."""

    id: str
    prompt: str
    """What the model continues: usually the head and docstring of a function."""
    check: str
    """Code that raises unless what was defined before it is right."""
    entry_point: str | None = None
    """The function that is asked for."""


def read_problems(path: str | Path) -> list[Problem]:
    """Problems in the shape of HumanEval (task_id, prompt, test, entry_point) or of MBPP (task_id, text, test_list).

    Raises InputError on a row of another shape.
    """
    problems = []
    for where, row in read_rows(path):
        if {"task_id", "prompt", "test", "entry_point"} <= set(row):
            check = f"{row['test']}\n\ncheck({row['entry_point']})\n"
            problems.append(Problem(str(row["task_id"]), row["prompt"], check, row["entry_point"]))
        elif {"task_id", "test_list"} <= set(row):
            parts = [row.get("test_setup_code") or "", *row["test_list"]]
            problems.append(Problem(str(row["task_id"]), row.get("text") or row.get("prompt") or "", "\n".join(parts)))
        else:
            raise InputError(
                f"{where} is no problem: needs task_id, prompt, test and entry_point, or task_id and test_list; its "
                f"fields are: {', '.join(row)}"
            )
    if not problems:
        raise InputError(f"{path} holds no problems")
    return problems


def program_of(problem: Problem, answer: str) -> str:
    """The program to run for an answer: the code in a fenced block if there is one, else the answer as a continuation.

    A block that defines the function stands alone, after the prompt's imports; all else continues the prompt, up to
    where the function ends.
    """
    fenced = _FENCE.search(answer)
    code = fenced.group(1) if fenced else answer
    if problem.entry_point is None:
        body = code
    elif re.search(rf"^(?:async )?def {re.escape(problem.entry_point)}\b", code, re.MULTILINE):
        imports = [line for line in problem.prompt.splitlines() if line.startswith(("import ", "from "))]
        body = "\n".join([*imports, code])
    else:
        body = problem.prompt + code[: min((at for stop in STOPS if (at := code.find(stop)) >= 0), default=len(code))]
    return f"{body}\n\n{problem.check}"


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Chance that at least one of k, drawn without replacement from `samples` of which `right` pass, passes.

    The unbiased estimate of Chen et al. 2021 ("Evaluating Large Language Models Trained on Code", eq. 1), exactly.
    """
    if not 0 <= right <= samples or not 1 <= k <= samples:
        raise ValueError(f"need 0 <= right <= samples and 1 <= k <= samples, and got {right}, {samples}, k = {k}")
    return 1 - math.comb(samples - right, k) / math.comb(samples, k)


def evaluate_code(
    problems: Sequence[Problem],
    answers: Mapping[str, Sequence[str]],
    *,
    ks: Sequence[int] = (1,),
    seconds: float = 5.0,
    memory: int = 512 << 20,
    workers: int = 2,
) -> dict[str, Any]:
    """Run the answers to each problem (by its id): `pass@k` with its interval over problems, and how each program ended.

    Raises InputError if a problem has fewer answers than the largest k, RunError where code cannot be locked in.
    """
    from rich.progress import track

    from ..loop.progress import console

    short = [p.id for p in problems if len(answers.get(p.id, ())) < max(ks)]
    if short:
        raise InputError(f"pass@{max(ks)} needs {max(ks)} answers a problem; too few for: {', '.join(short[:5])}")
    jobs = [(problem, answer) for problem in problems for answer in answers[problem.id]]

    def run(job: tuple[Problem, str]) -> Ran:
        return run_program(program_of(*job), seconds=seconds, memory=memory)

    with ThreadPoolExecutor(workers) as pool:
        ran = list(track(pool.map(run, jobs), "running programs", len(jobs), console=console()))
    results: dict[str, list[Ran]] = {}
    for (problem, _), one in zip(jobs, ran, strict=True):
        results.setdefault(problem.id, []).append(one)
    found: dict[str, Any] = {}
    intervals = {}
    for k in ks:
        each = [pass_at_k(len(runs), sum(r.status == "passed" for r in runs), k) for runs in results.values()]
        found[f"pass@{k}"] = sum(each) / len(each)
        intervals[f"pass@{k}"] = mean_interval(each)
    return {
        **found,
        "intervals": intervals,
        "problems": len(problems),
        "programs": len(jobs),
        "ended": dict(Counter(r.status for r in ran)),
        "locks": sorted(set.intersection(*(set(r.locks) for r in ran))),
        "results": {
            id: [{"status": r.status, "error": r.error, "seconds": round(r.seconds, 3)} for r in runs]
            for id, runs in results.items()
        },
    }
