"""Programs that nobody has read, run where they can do nothing but compute: for scoring generated code.

Each runs in a process of its own (`sandbox_child.py`) with an empty environment, an empty folder, limits on processor
time, memory and output, and no right to open a file, a socket or a process. The kernel enforces that (seccomp; beyond it
namespaces and chroot where it lets us), not Python: a program can undo what Python forbids, but not what the kernel does.

What is not promised: a program written to attack this runner may claim to have passed, since its own process checks it.
It cannot reach anything outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...curate.errors import RunError

CHILD = Path(__file__).with_name("sandbox_child.py")
OUTPUT = 1 << 16
"""Bytes of output that are kept; a program may print more, to no one."""
START = 30.0
"""Seconds that starting Python and importing may take, which are not the program's."""
LEAST_MEMORY = 128 << 20
NEEDED = ("limits", "seccomp")

Status = Literal["passed", "failed", "timeout", "memory", "died"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    status: Status
    """`passed` if it ran to its end; `failed` if it raised; `died` if its process ended without a word, by `os._exit`
    or a signal say; `timeout`, `memory` if it hit that limit."""
    error: str
    output: str
    seconds: float
    locks: tuple[str, ...]
    """What held it: limits, nobody, namespaces, chroot, seccomp, audit."""


def run_program(program: str, *, seconds: float = 5.0, memory: int = 512 << 20, needed: Sequence[str] = NEEDED) -> Ran:
    """Run a Python program to its end, or to its limits.

    `memory` is address space in bytes (Python itself takes about 60 MB). Raises RunError where a `needed` lock cannot be
    had: code is not run unlocked.
    """
    if memory < LEAST_MEMORY:
        raise ValueError(
            f"memory must be at least {LEAST_MEMORY >> 20} MB, which Python itself needs, and is {memory} bytes"
        )
    if os.name != "posix":
        raise RunError("generated code is only run on Linux, whose kernel can lock it in: use a Linux machine, or WSL")
    nonce = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="corpusmill-run-") as folder:
        Path(folder).chmod(0o755)  # the process may give up its user before it enters
        reader, writer = os.pipe()
        job = {
            "program": program,
            "nonce": nonce,
            "verdict": writer,
            "root": folder,
            "needed": list(needed),
            "limits": {"seconds": int(seconds) + 2, "memory": memory},
        }
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={"PYTHONHASHSEED": "0"},
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            said, output, late, took = _follow(process, json.dumps(job).encode(), reader, seconds)
        finally:
            os.close(reader)
            _end(process)
    lines = said.decode("utf-8", "replace").split("\n")
    locks = tuple(json.loads(lines[0])["locks"]) if lines and lines[0].startswith("{") else ()
    if not set(needed) <= set(locks):
        missing = ", ".join(sorted(set(needed) - set(locks))) if locks else output.decode("utf-8", "replace")[-500:]
        raise RunError(
            f"this system cannot lock generated code in (missing: {missing}): run it on Linux (x86-64 or ARM64) where "
            "seccomp is allowed"
        )
    status, error = _verdict(lines[1:], nonce, process.returncode, late)
    return Ran(status, error, output.decode("utf-8", "replace"), took, locks)


def _follow(
    process: subprocess.Popen[bytes], job: bytes, verdict: int, seconds: float
) -> tuple[bytes, bytes, bool, float]:
    """What the process says on the verdict's pipe, what it prints, whether its time ran out, and the seconds it took.

    The clock starts when the process says that it is locked in. Its end is the end of the verdict's pipe.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(job)
        process.stdin.close()
    said, output = bytearray(), bytearray()
    began, deadline = 0.0, time.monotonic() + START
    with selectors.DefaultSelector() as selector:
        selector.register(verdict, selectors.EVENT_READ)
        selector.register(process.stdout.fileno(), selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return bytes(said), bytes(output), True, seconds
            for key, _ in selector.select(left):
                data = os.read(int(key.fd), 1 << 16)
                if key.fd != verdict:
                    output += data[: OUTPUT - len(output)]
                    if not data:
                        selector.unregister(key.fd)
                elif not data or len(said) > OUTPUT:
                    return bytes(said), bytes(output), False, time.monotonic() - began
                else:
                    said += data
                    if not began and b"\n" in said:
                        began = time.monotonic()
                        deadline = began + seconds


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process with all that it could have started (nothing, if the locks hold), and collect it.

    The verdict's pipe may end a moment before the process does; give it that moment to leave its own exit code.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.05)
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _verdict(lines: Sequence[str], nonce: str, code: int | None, late: bool) -> tuple[Status, str]:
    """A program may write that it failed, but not that it passed: it does not know the nonce."""
    for line in lines:
        if line == f"{nonce} passed":
            return "passed", ""
        if line.startswith("failed "):
            error = line.removeprefix("failed ")
            return ("memory" if error.startswith("MemoryError") else "failed"), error
    if late or code == -signal.SIGXCPU:
        return "timeout", "it took too long"
    return "died", f"its process ended without a result (exit code {code})"
