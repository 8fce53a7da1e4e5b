"""A real Slurm on this machine, started and ended by the test: the corpus it makes is the local one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.run.job import OUTPUTS, parts
from corpusmill.filters import ExactDedup, FixFormat, Language

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")

CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ctld_port}
SlurmdPort={d_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=3000 State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A one-node cluster on loopback; skipped where Slurm is not installed (Debian: slurm-wlm munge) or without root."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    if missing := [n for n in NEEDED if shutil.which(n, path=path) is None]:
        pytest.skip(f"no {', '.join(missing)} (Debian packages slurm-wlm and munge)")
    if os.geteuid() != 0:
        pytest.skip("slurmd needs root")
    folder = Path("/tmp") / f"corpusmill-slurm-{os.getpid()}"  # munge refuses folders that others may write to
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True, mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    conf = folder / "slurm.conf"
    host = socket.gethostname().split(".")[0]
    conf.write_text(CONFIG.format(host=host, folder=folder, ctld_port=free_port(), d_port=free_port()))
    monkeypatch.setenv("SLURM_CONF", str(conf))
    monkeypatch.setenv("PATH", path)
    where = {n: f"{folder}/munge/{n}" for n in ("socket", "pid-file", "log-file", "seed-file")}
    flags = [f"--{n}={p}" for n, p in where.items()]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(["munged", "--foreground", "--force", f"--key-file={key}", *flags], **quiet),  # type: ignore[call-overload]
        subprocess.Popen(["slurmctld", "-D", "-f", str(conf)], **quiet),  # type: ignore[call-overload]
        subprocess.Popen(["slurmd", "-D", "-f", str(conf)], **quiet),  # type: ignore[call-overload]
    ]
    try:
        for _ in range(60):
            if "idle" in subprocess.run(["sinfo", "-h"], capture_output=True, text=True).stdout:
                break
            time.sleep(0.5)
        else:
            pytest.fail("Slurm did not start; its logs are in " + str(folder))
        yield
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.filterwarnings("ignore")  # datatrove's own
def test_slurm_gives_the_local_bytes(tmp_path: Path, texts: list[str], slurm: None) -> None:
    (tmp_path / "raw").mkdir()
    for i, text in enumerate([*texts[:6], texts[2]]):
        (tmp_path / "raw" / f"{i}.txt").write_text(text, encoding="utf-8")
    pipeline = Pipeline([FixFormat(), Language(keep=["zh", "en"]), ExactDedup()], validation=0.2)
    inputs = str(tmp_path / "raw")
    local = pipeline.run(inputs, tmp_path / "local", workers=1, quiet=True, unit_bytes=1000)
    cluster = {
        "partition": "cpu",
        "time": "00:05:00",
        "mem_per_cpu_gb": 1,
        "venv_path": str(Path(sys.executable).with_name("activate")),
    }
    out = tmp_path / "slurm"
    pipeline.run(inputs, out, workers=2, executor="slurm", cluster=cluster, quiet=True, unit_bytes=1000)
    deadline = time.monotonic() + 240
    while not (out / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(1)
    again = pipeline.run(inputs, out, workers=1, quiet=True, unit_bytes=1000)
    assert again.counts == local.counts
    for kind in OUTPUTS:
        assert [p.read_bytes() for p in parts(out, kind)] == [p.read_bytes() for p in parts(tmp_path / "local", kind)]
