from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from corpusmill.curate import InputError, RunError, mix_corpora
from corpusmill.curate.cli.app import app
from corpusmill.train.data.corpus import read_split


def corpus(folder: Path, rows: list[tuple[str, str]], held: list[tuple[str, str]] = [], files: int = 2) -> Path:  # noqa: B006
    for split, some in (("train", rows), ("validation", held)):
        (folder / split).mkdir(parents=True)
        for i in range(files if some else 0):
            part = some[i::files]
            table = pa.table({
                "id": [id for id, _ in part], "text": pa.array([text for _, text in part], pa.large_string()),
                "source": ["s"] * len(part), "language": ["zh" if "法" in text else "en" for _, text in part],
                "gopher_words": [1.0] * len(part),
            })  # fmt: skip
            pq.write_table(table, folder / split / f"{i}.parquet")
    return folder


@pytest.fixture
def corpora(tmp_path: Path) -> tuple[Path, Path]:
    law = [(f"law{i}", f"第{i}条 为了规范合同，制定本法。" * (1 + i % 5)) for i in range(400)]
    web = [(f"web{i}", f"Page {i} tells of the weather and the sea. " * (1 + i % 7)) for i in range(900)]
    return (
        corpus(tmp_path / "law", law, [("lawv", "第九百条 法律。")]),
        corpus(tmp_path / "web", web, [("webv", "A page held out.")]),
    )


def rows_of(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    return [row for path in sorted((folder / split).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("wanted", [0.7, 0.25, 0.05])
def test_shares_come_out_in_bytes(corpora: tuple[Path, Path], tmp_path: Path, wanted: float) -> None:
    law, web = corpora
    mixed = mix_corpora({law: wanted, web: 1 - wanted}, tmp_path / "mix", quiet=True)
    rows = rows_of(tmp_path / "mix")
    sizes = {name: sum(len(r["text"].encode()) for r in rows if r["domain"] == name) for name in ("law", "web")}
    assert sizes["law"] / sum(sizes.values()) == pytest.approx(wanted, abs=0.01)
    assert [(p.name, p.bytes, p.share) for p in mixed.corpora] == [
        (name, sizes[name], pytest.approx(sizes[name] / mixed.bytes)) for name in ("law", "web")
    ]
    # The scarcer one is used up, and none is taken twice.
    assert max(p.documents / p.read for p in mixed.corpora) > 0.98
    assert len({r["id"] for r in rows}) == len(rows) == mixed.documents
    originals = {r["id"]: r["text"] for folder in corpora for r in rows_of(folder)}
    assert all(originals[r["id"]] == r["text"] for r in rows)
    # They stand mingled, not one behind the other.
    first = [r["domain"] for r in rows[: len(rows) // 2]]
    assert 0 < first.count("law") < len([r for r in rows if r["domain"] == "law"])
    assert {r["id"] for r in rows_of(tmp_path / "mix", "validation")} == {"lawv", "webv"}
    assert json.loads((tmp_path / "mix" / "manifest.json").read_text("utf-8"))["mix"]["bytes"] == mixed.bytes


def test_a_seed_decides_the_draw_and_the_files_do_not(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    law, web = corpora
    whole = rows_of(law)
    again = corpus(
        tmp_path / "other" / "law", [(r["id"], r["text"]) for r in reversed(whole)], [("lawv", "第九百条 法律。")], 5
    )
    found = []
    for i, (first, seed) in enumerate([(law, 0), (again, 0), (law, 1)]):
        mix_corpora({first: 1, web: 1}, tmp_path / f"mix{i}", size=20_000, seed=seed, quiet=True)
        found.append([r["id"] for r in rows_of(tmp_path / f"mix{i}")])
    assert found[0] == found[1]
    assert set(found[0]) != set(found[2])
    assert sum(len(r["text"].encode()) for r in rows_of(tmp_path / "mix0")) == pytest.approx(20_000, rel=0.02)


def test_repetition_is_asked_for(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    law, web = corpora
    with pytest.raises(InputError, match=r"law has too little text: with a share of 50\.0% .*--repeat\)"):
        mix_corpora({law: 1, web: 1}, tmp_path / "no", size=120_000, quiet=True)
    mixed = mix_corpora({law: 1, web: 1}, tmp_path / "mix", size=120_000, repeat=2, quiet=True)
    rows = [r for r in rows_of(tmp_path / "mix") if r["domain"] == "law"]
    assert mixed.corpora[0].times == pytest.approx(
        60_000 / sum(len(r["text"].encode()) for r in rows_of(law)), rel=0.01
    )
    assert len({r["id"] for r in rows}) == len(rows)
    assert {r["id"].removesuffix("#2") for r in rows} == {f"law{i}" for i in range(400)}
    assert mixed.corpora[1].times < 1


def test_what_is_there_twice_is_taken_once(tmp_path: Path) -> None:
    """Equal texts of two corpora, equal ids of different texts, and what a validation split holds."""
    law = corpus(tmp_path / "law", [("a", "法一"), ("b", "法二"), ("c", "法三"), ("e", "")], [("v", "Web held out")])
    web = corpus(
        tmp_path / "web", [("x", "法二"), ("c", "Web c"), ("d", "Web d"), ("y", "Web held out"), ("z", "Web d")]
    )
    mixed = mix_corpora({law: 1, web: 1}, tmp_path / "mix", size=300, repeat=100, quiet=True)
    rows = rows_of(tmp_path / "mix")
    assert {r["id"].partition("#")[0] for r in rows} == {"a", "b", "c", "web:c", "d"}
    assert "Web held out" not in {r["text"] for r in rows}
    assert [(p.repeated, p.in_validation, p.renamed) for p in mixed.corpora] == [(0, 0, 0), (2, 1, 1)]


def test_what_a_mix_cannot_be_made_of(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    law, web = corpora
    with pytest.raises(InputError, match="two corpora or more"):
        mix_corpora({law: 1}, tmp_path / "mix")
    with pytest.raises(InputError, match=r"a share must be above 0, and is not for .*web"):
        mix_corpora({law: 1, web: 0}, tmp_path / "mix")
    with pytest.raises(InputError, match=r"no Parquet files under .*gone/train"):
        mix_corpora({law: 1, tmp_path / "gone": 1}, tmp_path / "mix")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(RunError, match="not empty"):
        mix_corpora({law: 1, web: 1}, tmp_path / "mine", quiet=True)
    with pytest.raises(RunError, match="no mix"):
        mix_corpora({law: 1, web: 1}, tmp_path / "mine", overwrite=True, quiet=True)
    assert (tmp_path / "mine" / "thesis.txt").is_file()
    broken = tmp_path / "broken"
    (broken / "train").mkdir(parents=True)
    (broken / "train" / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="cannot be read"):
        mix_corpora({law: 1, broken: 1}, tmp_path / "mix", quiet=True)
    assert not (tmp_path / "mix" / "manifest.json").exists()


def test_the_command_and_the_trainer(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    law, web = corpora
    out = tmp_path / "mix"
    done = CliRunner().invoke(app, ["mix", f"{law}=0.7", f"{web}=0.3", "-o", str(out), "-q"])
    assert done.exit_code == 0, done.output
    assert "70.0%" in done.output
    texts = list(read_split(out, "train"))
    assert {d for t in texts for d in t.domains} == {"law", "web"}
    assert (
        CliRunner().invoke(app, ["mix", f"{law}=0.7", f"{web}=0.3", "-o", str(out), "-q", "--overwrite"]).exit_code == 0
    )
    wrong = CliRunner().invoke(app, ["mix", str(law), f"{web}=0.3", "-o", str(tmp_path / "x")])
    assert wrong.exit_code != 0
    assert "=0.7" in str(wrong.exception or wrong.output)
