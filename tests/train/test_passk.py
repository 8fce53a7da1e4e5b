from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import pytest

from corpusmill.curate.errors import InputError
from corpusmill.train.evaluate.passk import Problem, evaluate_code, pass_at_k, program_of, read_problems

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="code is locked in by Linux")

PROMPT = 'from typing import List\n\ndef total(xs: List[int]) -> int:\n    """列表之和"""\n'
TEST = "def check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0"
ROW = {"task_id": "Made/0", "prompt": PROMPT, "test": TEST, "entry_point": "total", "canonical_solution": ""}


def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one() -> None:
    for n, c, k in ((5, 2, 1), (5, 2, 3), (6, 0, 2), (4, 4, 2), (7, 1, 7)):
        draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    with pytest.raises(ValueError, match="k = 3"):
        pass_at_k(2, 1, 3)


def test_an_answer_becomes_a_program() -> None:
    problem = Problem("0", PROMPT, "check(total)", "total")
    assert (
        program_of(problem, "    return sum(xs)\n\nprint(total([1]))")
        == f"{PROMPT}    return sum(xs)\n\n\ncheck(total)"
    )
    fenced = "好的：\n```python\ndef total(xs: List[int]) -> int:\n    return sum(xs)\n```\n以上。"
    expected = "from typing import List\ndef total(xs: List[int]) -> int:\n    return sum(xs)\n\n\ncheck(total)"
    assert program_of(problem, fenced) == expected
    assert program_of(Problem("1", "", "assert f(1)"), "```\ndef f(x): return x\n```").startswith(
        "def f(x): return x\n"
    )


@linux
def test_programs_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    other = {"task_id": 7, "text": "Double it.", "test_list": ["assert double(2) == 4"], "code": ""}
    path.write_text("".join(json.dumps(row) + "\n" for row in (ROW, other)), "utf-8")
    problems = read_problems(path)
    answers = {
        "Made/0": ["    return sum(xs)", "    return xs[0]", "    import os\n    os._exit(0)", "    while 1: pass"],
        "7": [
            "def double(x): return 2 * x",
            "double = lambda x: x << 1",
            "def double(x): return 2 * x",
            "double = abs",
        ],
    }
    found = evaluate_code(problems, answers, ks=(1, 2), seconds=1.5)
    assert found["pass@1"] == pytest.approx((1 / 4 + 3 / 4) / 2)
    assert found["pass@2"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["ended"] == {"passed": 4, "failed": 2, "died": 1, "timeout": 1}
    assert found["intervals"]["pass@1"] == (0.25, 0.75)
    assert "seccomp" in found["locks"]
    assert [r["status"] for r in found["results"]["Made/0"]] == ["passed", "failed", "died", "timeout"]
    json.dumps(found)


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_text('{"question": "?"}\n', "utf-8")
    with pytest.raises(InputError, match=r"problems.jsonl:1 is no problem.*question"):
        read_problems(path)
    with pytest.raises(InputError, match=r"pass@2 needs 2 answers a problem; too few for: a"):
        evaluate_code([Problem("a", "", "")], {"a": ["x"]}, ks=(1, 2))


@linux
@pytest.mark.slow
def test_the_solutions_of_human_eval_pass() -> None:
    data = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = data / "sft" / "humaneval.jsonl.gz"
    if not path.is_file():
        pytest.skip("no development data")
    from corpusmill.train.finetune.rows import read_rows

    solutions = {str(row["task_id"]): [row["canonical_solution"]] for _, row in read_rows(path)}
    found = evaluate_code(read_problems(path), solutions, seconds=20)
    wrong = {id: runs for id, runs in found["results"].items() if runs[0]["status"] != "passed"}
    assert not wrong
    empty = {id: ["    pass\n"] for id in solutions}
    assert evaluate_code(read_problems(path), empty, seconds=20)["pass@1"] < 0.02
