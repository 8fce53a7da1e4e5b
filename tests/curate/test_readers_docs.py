"""The example of docs/readers.md runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "readers.md"


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "cases").mkdir()
    (tmp_path / "raw" / "a.jsonl").write_text('{"text": "合同"}\n{"text": "contract"}\noops\n', encoding="utf-8")
    (tmp_path / "cases" / "b.csv").write_text("department,ask\n内科,发热怎么办\n", encoding="gb18030")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("2 documents; [('a.jsonl', 40, 'bad JSON")
    assert out[1] == "1 documents; []"
