"""Kernels on disk: what makes one stale, and that users are told when compilation begins."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpusmill.filters.text import kernel as k

PACKAGE = '''
"""A kernel that uses a constant and a function of another file."""
from corpusmill.filters.text.kernel import kernel
from {name}_base import STEP, scaled

@kernel
def total(n):
    return scaled(n) + STEP
'''
BASE = """
from corpusmill.filters.text.kernel import kernel
STEP = {step}

{comment}
@kernel
def scaled(n):
    return n * {factor}
"""


def run(folder: Path, step: int = 1, factor: int = 2, comment: str = "") -> tuple[str, str]:
    """(what total(10) is, what was said) in a process of its own, with the cache of the ones before."""
    (folder / "uses.py").write_text(PACKAGE.format(name="uses"), encoding="utf-8")
    (folder / "uses_base.py").write_text(BASE.format(step=step, factor=factor, comment=comment), encoding="utf-8")
    code = "import uses; print(uses.total(10), uses.total._cache.__class__.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()[0], done.stderr


def test_cached_until_something_that_matters_changes(tmp_path: Path) -> None:
    value, said = run(tmp_path)
    assert (value, "compiling text kernels" in said) == ("21", True)
    value, said = run(tmp_path, comment="# a comment, and every line moves")
    assert (value, said) == ("21", "")
    # numba's own cache would answer 21 in both: only a file that the kernel does not stand in has changed.
    assert run(tmp_path, factor=3)[0] == "31"
    assert run(tmp_path, step=5)[0] == "25"
    assert run(tmp_path) == ("21", "")


def test_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k, "_said", False)
    with caplog.at_level(logging.WARNING, "corpusmill"):
        k._say_once()
        k._say_once()
    assert len(caplog.records) == 1


def test_equal_functions_have_equal_digests() -> None:
    def make(factor: int) -> Any:
        scope: dict[str, Any] = {"FACTOR": factor, "np": np}
        exec("def f(a):\n    return np.sum(a) * FACTOR\n", scope)
        return scope["f"]

    assert k.digest(make(2)) == k.digest(make(2)) != k.digest(make(3))
