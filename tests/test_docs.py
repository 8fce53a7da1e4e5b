"""The documentation: both READMEs say the same, their code runs, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def commands(text: str) -> list[str]:
    """The indented commands, without their comments."""
    found = re.findall(r"^    ((?:make|pip|corpusmill) .*)$", text, flags=re.MULTILINE)
    return [line.split("#")[0].strip() for line in found]


def code(path: Path) -> str:
    (found,) = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return str(found)


def test_both_readmes_say_the_same() -> None:
    en, zh = (p.read_text(encoding="utf-8") for p in READMES)
    assert commands(en) == commands(zh)
    assert len(commands(en)) > 10
    assert re.findall(r"\(docs/[^)]*\)", en) == re.findall(r"\(docs/[^)]*\)", zh)
    assert en.count("\n## ") == zh.count("\n## ")


@pytest.mark.parametrize("readme", READMES, ids=lambda p: p.name)
def test_the_python_of_the_readme_runs(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    (tmp_path / "raw").mkdir()
    lines = "\n".join(f'{{"text": "{t}"}}' for t in texts)
    import gzip

    (tmp_path / "raw" / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"table": pa.table({"text": texts})}
    exec(compile(code(readme).replace("workers=8", "workers=1"), readme.name, "exec"), names)
    assert (tmp_path / "corpus" / "manifest.json").exists()


def test_commands_of_the_readme_exist() -> None:
    from typer.main import get_command

    from corpusmill.curate.cli.app import app

    root: Any = get_command(app)
    for line in commands(READMES[0].read_text(encoding="utf-8")):
        words = line.split()
        if words[0] != "corpusmill":
            continue
        command = root
        for word in words[1:]:
            if word not in getattr(command, "commands", {}):
                break
            command = command.commands[word]
        assert command is not root, line


@pytest.mark.parametrize("page", [*READMES, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_ten_lines_run(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一段很短的文字。", encoding="utf-8")
    command = [sys.executable, str(ROOT / "examples" / "ten_lines.py"), str(tmp_path / "a.txt"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "gopher_quality" in done.stdout
    assert "'read': 1" in done.stdout
