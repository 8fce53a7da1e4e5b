"""The wheel as a curation node has it: unpacked alone, without any package of the extras."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXTRAS = (
    "torch",
    "tokenizers",
    "transformers",
    "safetensors",
    "sklearn",
    "matplotlib",
    "ray",
    "datatrove",
    "trafilatura",
    "opencc",
)

BLOCK = f"""
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {EXTRAS!r} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_it_holds_the_package_and_its_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("curate", "filters", "domain_packs", "train"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"corpusmill/{path.relative_to(ROOT).as_posix()}" in names
    assert "corpusmill/py.typed" in names
    assert not [n for n in names if n.startswith(("tests", "benchmarks", ".dev"))]


def test_it_curates_without_the_extras(wheel: Path, tmp_path: Path, texts: list[str]) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONWARNINGS": "error::DeprecationWarning:corpusmill"}

    def corpusmill(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "corpusmill", *args], capture_output=True, text=True, env=env, cwd=tmp_path
        )

    where = subprocess.run(
        [sys.executable, "-c", "import corpusmill; print(corpusmill.__file__)"], capture_output=True, text=True, env=env
    )
    assert where.stdout.strip() == str(site / "corpusmill" / "__init__.py"), where.stderr
    assert corpusmill("--help").returncode == 0
    (tmp_path / "raw").mkdir()
    for i, text in enumerate(texts[:20]):
        (tmp_path / "raw" / f"{i}.txt").write_text(text, encoding="utf-8")
    recipe = corpusmill("init", "general-zh")
    (tmp_path / "recipe.yaml").write_text(recipe.stdout, encoding="utf-8")
    for command in (["plan", "recipe.yaml"], ["run", "recipe.yaml", "-q", "-w", "2", "-o", "out"]):
        done = corpusmill(*command)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "manifest.json").exists()
    trained = corpusmill("train", "pretrain", "out", "-o", "run")
    assert trained.returncode == 1
    assert "pip install 'corpusmill[train]'" in trained.stderr.replace("\n", " ")
    demo = corpusmill("demo")
    assert "pip install 'corpusmill[demo]'" in demo.stderr.replace("\n", " ")
