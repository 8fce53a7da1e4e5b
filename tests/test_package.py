"""The package itself: guards, public names, and that curation never needs torch."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["curate", "filters", "domain_packs", "train"]


def test_every_folder_refuses_to_be_a_top_level_package() -> None:
    for folder in FOLDERS:
        for init in (ROOT / folder).rglob("__init__.py"):
            text = init.read_text(encoding="utf-8")
            assert 'if "." not in __name__:' in text, init
            assert "raise ImportError" in text, init
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {folder}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
        assert f"import corpusmill.{folder} instead" in done.stderr


@pytest.mark.parametrize("name", ["curate", "filters", "domain_packs", "train"])
def test_public_names_are_pinned_and_load(name: str) -> None:
    module = import_module(f"corpusmill.{name}")
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_no_heavy_package_is_imported_by_the_command() -> None:
    code = (
        "import sys; import corpusmill.curate.cli.app, corpusmill.filters; from corpusmill.curate.registry import steps; steps();"
        "heavy = {'torch', 'transformers', 'numba', 'sklearn', 'matplotlib', 'fasttext', 'trafilatura', 'ray', 'datatrove'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_too_large_to_live_in() -> None:
    for path in ROOT.rglob("*.py"):
        if not any(part.startswith(".") or part in ("demo", "build") for part in path.relative_to(ROOT).parts[:-1]):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 800, path
