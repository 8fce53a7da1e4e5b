"""The same run on Ray and through Slurm's scripts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from corpusmill.curate import Pipeline, RecipeError
from corpusmill.curate.executors import executor
from corpusmill.curate.executors.cluster import RunTask, SlurmExecutor
from corpusmill.curate.pipeline import as_inputs
from corpusmill.curate.run.job import OUTPUTS, Job, parts
from corpusmill.filters import ExactDedup, FixFormat, Language

STEPS = [FixFormat(), Language(keep=["zh", "en"]), ExactDedup()]


@pytest.fixture
def inputs(tmp_path: Path, texts: list[str]) -> str:
    folder = tmp_path / "raw"
    folder.mkdir()
    for i, text in enumerate(texts[:12]):
        (folder / f"{i:02d}.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "again.txt").write_text(texts[3], encoding="utf-8")
    return str(folder)


def contents(output: Path) -> dict[str, bytes]:
    return {p.relative_to(output).as_posix(): p.read_bytes() for k in OUTPUTS for p in parts(output, k)}


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_gives_the_local_bytes(tmp_path: Path, inputs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    for name, value in (("RAY_USAGE_STATS_ENABLED", "0"), ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")):
        monkeypatch.setenv(name, value)
    pipeline = Pipeline(STEPS, validation=0.2)
    assert len(pipeline.plan(inputs, 3000).units) > 1
    local = pipeline.run(inputs, tmp_path / "local", workers=1, quiet=True, unit_bytes=3000)
    on_ray = pipeline.run(inputs, tmp_path / "ray", workers=2, executor="ray", quiet=True, unit_bytes=3000)
    assert on_ray.counts == local.counts
    assert local.counts["dropped"] == 1
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def unfinished_job(tmp_path: Path, inputs: str) -> Job:
    pipeline = Pipeline(STEPS, name="court")
    given = as_inputs(inputs)
    return pipeline._job(tmp_path / "out", given, pipeline.plan(inputs, 900), "f", 1 << 28)


def test_slurm_scripts_chain_the_phases(tmp_path: Path, inputs: str) -> None:
    pytest.importorskip("datatrove")
    job = unfinished_job(tmp_path, inputs)
    options = {"partition": "cpu", "time": "02:00:00", "mem_per_cpu_gb": 4, "venv_path": "/opt/env/bin/activate"}
    chain = SlurmExecutor(8, options).chain(job)
    assert [e.job_name for e in chain] == [f"court-{p.name}" for p in job.phases]
    assert all(e.depends is before for e, before in zip(chain[1:], chain, strict=False))
    units = len(job.units)
    assert units > 3
    script = chain[0].get_launch_file_contents(chain[0].get_sbatch_args(units), "launch_pickled_pipeline x.pik")
    assert f"#SBATCH --array=0-{units - 1}%8" in script
    assert "#SBATCH --partition=cpu" in script
    assert "#SBATCH --mem-per-cpu=4G" in script
    assert re.search(r"source /opt/env/bin/activate\n.*launch_pickled_pipeline", script, re.DOTALL)
    assert subprocess.run(["bash", "-n"], input=script.encode()).returncode == 0


def test_slurm_tasks_run_as_slurm_would_run_them(tmp_path: Path, inputs: str) -> None:
    """Each phase's step, called by rank as in a job array, makes the whole corpus."""
    pytest.importorskip("datatrove")
    job = unfinished_job(tmp_path, inputs)
    for e in SlurmExecutor(8, {"partition": "cpu"}).chain(job):
        (step,) = e.pipeline
        assert isinstance(step, RunTask)
        for rank in reversed(range(e.tasks)):
            step(None, rank, e.tasks)
    Pipeline(STEPS, name="court").run(inputs, tmp_path / "local", workers=1, quiet=True, unit_bytes=900)
    assert contents(job.output) == contents(tmp_path / "local")


def test_wrong_options_are_named() -> None:
    with pytest.raises(RecipeError, match=r"unknown executor 'sge'\. Valid: local, ray, slurm"):
        executor("sge", 1)
    with pytest.raises(RecipeError) as caught:
        executor("slurm", 1, {"partitoin": "cpu"})
    assert "did you mean 'partition'?" in caught.value.problems[0]
    assert "needs a partition" in caught.value.problems[1]
