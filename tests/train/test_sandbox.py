from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from corpusmill.curate.errors import RunError
from corpusmill.train.evaluate.sandbox import Ran, run_program

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="code is locked in by Linux")


def run(program: str, seconds: float = 10.0) -> Ran:
    return run_program(program, seconds=seconds)


def refused(program: str) -> str:
    """What the program was told; it must have raised, not ended in any other way."""
    ran = run(program)
    assert ran.status == "failed", ran
    return ran.error


TOLD = (
    "PermissionError",
    "not permitted",
    "not allowed",
    "can't start",
    "No module named 'multiprocessing.popen_fork'",
)


def test_honest_programs_run() -> None:
    ran = run(
        "import math, collections, typing, datetime, re, statistics, hashlib, decimal, heapq, itertools\n"
        "from typing import List, NamedTuple\n"
        "P = collections.namedtuple('P', 'x y')\n"
        "class Q(NamedTuple):\n    a: int\n"
        "assert P(1, 2).y == 2 and Q(3).a == 3 and math.gcd(12, 18) == 6\n"
        "assert datetime.datetime.strptime('2024-02-29', '%Y-%m-%d').day == 29\n"
        "assert re.sub('a', 'b', 'cat') == 'cbt' and hashlib.md5(b'x').hexdigest()[:4] == '9dd4'\n"
        "print('你好', statistics.mean([1, 2, 3]), decimal.Decimal('0.1') * 3)\n"
    )
    assert (ran.status, ran.output) == ("passed", "你好 2 0.3\n")
    assert {"limits", "seccomp", "audit"} <= set(ran.locks)


def test_wrong_programs_fail_with_their_error() -> None:
    assert run("assert 1 + 1 == 3, '不对'").error == "AssertionError: 不对"
    assert run("def f(:").error.startswith("SyntaxError")
    assert run("raise SystemExit(0)").status == "failed"
    assert run("import numpy").error.startswith("ModuleNotFoundError")
    assert run("class E(Exception):\n  def __str__(self): 1/0\nraise E").status == "failed"


def test_endless_loops_end() -> None:
    began = time.monotonic()
    assert run("while True: pass", 0.5).status == "timeout"
    # One that catches what can be caught, and one that sleeps instead of computing.
    stubborn = (
        "import signal, time\n"
        "for s in range(1, 32):\n    try: signal.signal(s, lambda *a: None)\n    except BaseException: pass\n"
        "while True:\n    try: time.sleep(1)\n    except BaseException: pass\n"
    )
    assert run(stubborn, 0.5).status == "timeout"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "program",
    [
        "import os\nwhile True: os.fork()",
        "import os\nwhile True:\n  try: os.fork()\n  except OSError: raise",
        # Beneath what Python audits: the kernel must refuse it.
        "import _posixsubprocess, os\n"
        "_posixsubprocess.fork_exec([b'/bin/true'], [b'/bin/true'], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, 9,"
        " False, False, 0, None, None, None, -1, None, False)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true') and 1/0\nraise OSError",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import threading\nwhile True: threading.Thread(target=lambda: [0] * 9).start()",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import os, signal; os.killpg(0, signal.SIGKILL)",
    ],
)
def test_no_process_is_started_or_killed(program: str) -> None:
    assert any(word in refused(program) for word in TOLD)


def test_no_file_is_written(tmp_path: Path) -> None:
    target = tmp_path / "written"
    tmp_path.chmod(0o777)
    for program in (
        f"open({str(target)!r}, 'w').write('x')",
        f"import os; os.open({str(target)!r}, os.O_CREAT | os.O_WRONLY)",
        f"import pathlib; pathlib.Path({str(target)!r}).write_text('x')",
        f"import os; os.mkdir({str(target)!r})",
        f"import os; os.mkfifo({str(target)!r})",
        f"import os; os.symlink('/etc', {str(target)!r})",
        "import tempfile; tempfile.TemporaryFile()",
        "import os; os.memfd_create('x')",
        "import shutil; shutil.rmtree('/')",
    ):
        assert "Error" in refused(program)
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_read_or_deleted(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    for name in ("/etc/passwd", str(secret), "/proc/self/environ", "/proc/self/mem", sys.executable):
        assert "Error" in refused(f"print(open({name!r}, 'rb').read())")
        assert "Error" in refused(f"import os; print(os.stat({name!r}))")  # which Python does not audit
        assert "Error" in refused(f"import io; print(io.FileIO({name!r}).read())")
    for program in (f"import os; os.remove({str(secret)!r})", f"import os; os.truncate({str(secret)!r}, 0)"):
        assert "Error" in refused(program)
    assert secret.read_text() == "geheim"


def test_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for program in (
            f"import socket; socket.create_connection(('127.0.0.1', {port}))",
            f"import _socket; _socket.socket().connect(('127.0.0.1', {port}))",
            f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}')",
            "import socket; socket.socketpair()",
        ):
            assert "Error" in refused(program)
        with pytest.raises(TimeoutError):
            server.accept()


def test_memory_and_output_are_bounded() -> None:
    assert run("x = [0] * 10**10").status == "memory"
    assert run("x = []\nwhile True: x.append(bytearray(1 << 24))").status == "memory"
    ran = run("import sys\nfor _ in range(300): sys.stdout.write('x' * (1 << 20))")
    assert ran.status == "passed"
    assert len(ran.output) == 1 << 16


@pytest.mark.parametrize(
    "program",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit(0)",
        "import os, builtins\nos._exit = os.write = exit = builtins.exec = print\n1/0",
        "import os\nfor fd in range(3, 16):\n    try: os.write(fd, b'passed\\n' * 9)\n    except OSError: pass\nos._exit(0)",
        "import atexit, os; atexit.register(lambda: os._exit(0)); assert False",
        "import sys\nsys.excepthook = lambda *a: None\nassert False",
        "import faulthandler; faulthandler._sigsegv(); assert False",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        # For the nonce: up the frames, through the collector, into memory.
        "import sys\nf = sys._getframe()\nwhile f: print(f.f_locals); f = f.f_back\nassert False",
        "import gc; print(gc.get_objects()); assert False",
        "try: 1/0\nexcept Exception as e: print(e.__traceback__.tb_frame.f_back.f_locals)\nassert False",
        "def g():\n  f = h.gi_frame\n  while f: print(f.f_locals, f.f_globals, f.f_code); f = f.f_back\n  yield\n"
        "h = g()\nnext(h)\nassert False",
        "import ctypes; ctypes.string_at(0)",
        "import ctypes; ctypes.CDLL(None).exit(0)",
    ],
)
def test_success_is_not_faked(program: str) -> None:
    ran = run(program, 2)
    assert ran.status != "passed"
    assert " passed" not in ran.output


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_FOR_TESTS", "geheim")
    ran = run("import os; print(dict(os.environ), os.getcwd())")
    assert "geheim" not in ran.output
    assert str(Path.cwd()) not in ran.output


def test_limits_cannot_be_raised() -> None:
    assert "Error" in refused("import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))")
    assert "Error" in refused("import os; os.setuid(0)")


def test_code_is_not_run_where_it_cannot_be_locked_in() -> None:
    with pytest.raises(RunError, match="missing: a-lock-of-the-future"):
        run_program("print('ran')", needed=("limits", "a-lock-of-the-future"))
    with pytest.raises(ValueError, match="at least 128 MB"):
        run_program("", memory=1 << 20)
