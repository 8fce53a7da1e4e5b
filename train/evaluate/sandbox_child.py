"""The process that runs a program nobody trusts. Started by `sandbox.run_program` as a script: imports nothing of ours.

It reads the program, imports what that names of the standard library, gives up every right it can, says which locks
hold, and only then runs the program. Nothing can be opened from then on, so all imports must have been made before.
"""

from __future__ import annotations

import ast
import ctypes
import json
import os
import resource
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import call
from typing import Any

PRELOADED = """
    abc _strptime array base64 bisect calendar cmath collections collections.abc contextlib copy csv dataclasses datetime
    decimal enum fractions functools hashlib heapq html io itertools json math numbers operator pprint queue random re
    statistics string struct textwrap time traceback types typing unicodedata uuid zlib encodings.idna encodings.gb18030
    encodings.latin_1 encodings.ascii encodings.utf_16
"""
"""What programs use without naming it, or import late."""
REFUSED = {"antigravity", "this", "idlelib", "turtledemo", "turtle", "tkinter", "test", "lib2to3", "ensurepip", "venv"}
"""Modules that do something, or load half the disk, when they are imported."""

X86_64, AARCH64 = 0xC000003E, 0xC00000B7
# Computing, the memory and clock of one's own process, and pipes that are already open. No open, no stat, no socket, no
# fork or thread, no exec, no signal to anyone, no change of rights. Numbers from the kernel's syscall tables.
ALLOWED = {
    X86_64: (
        0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 23, 24, 25, 27, 28, 32, 35, 36, 37, 38, 39, 60, 63, 79, 96,
        97, 98, 99, 100, 102, 104, 107, 108, 110, 131, 158, 186, 201, 202, 204, 219, 228, 229, 230, 231, 270, 271, 273,
        318, 324, 334,
    ),
    AARCH64: (
        17, 23, 57, 62, 63, 64, 65, 66, 67, 72, 73, 80, 93, 94, 98, 99, 101, 102, 103, 113, 114, 115, 123, 124, 128, 132,
        134, 135, 139, 153, 160, 163, 165, 169, 172, 173, 174, 175, 176, 177, 178, 179, 214, 215, 216, 222, 226, 232, 233,
        278, 283, 293,
    ),
}  # fmt: skip
PRLIMIT = {X86_64: 302, AARCH64: 261}
EPERM = 1

AUDITED = """
    open os. socket. subprocess. shutil. tempfile. ctypes. pty. fcntl. mmap. signal. resource. pathlib. glob. webbrowser.
    urllib. http. ftplib. smtplib. sqlite3. syslog. gc. sys._getframe sys.settrace sys.setprofile sys._current_frames
    sys.addaudithook code.__new__ cpython.run_ marshal.
"""
"""Events that Python itself refuses, by how they begin, for a clear message; the kernel refuses what matters anyway."""
HARMLESS = {"os.listdir", "os.scandir", "os.putenv", "os.unsetenv"}


def main() -> None:
    job = json.loads(sys.stdin.buffer.read())
    verdict: int = job["verdict"]
    _import(job["program"])
    locks = _lock(job["limits"], job["root"])
    os.write(verdict, json.dumps({"locks": locks}).encode() + b"\n")
    if not set(job["needed"]) <= set(locks):
        os._exit(3)
    tell, leave, flush, sentence = os.write, os._exit, sys.stdout.flush, _sentence
    try:
        # No name is bound to these calls: a program may walk up the frames and replace any function of any module, but
        # what is to be written at the end it finds nowhere.
        deque(map(call, _calls(job)), maxlen=0)
    except BaseException as error:
        tell(verdict, b"failed " + sentence(error) + b"\n")
    try:
        flush()
    finally:
        leave(0)  # no atexit, no finalizers


def _calls(job: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Run the program; say that it passed. Takes both from the job."""
    return iter(
        [
            partial(exec, job.pop("program"), {"__name__": "__main__"}),
            partial(os.write, job.pop("verdict"), job.pop("nonce").encode() + b" passed\n"),
        ]
    )


def _sentence(error: BaseException) -> bytes:
    try:
        # Only codecs that Python has built in: no other can be imported any more.
        text = f"{type(error).__name__}: {error}"[:500].encode("utf-8", "backslashreplace")
        return text.replace(b"\n", b" ")
    except BaseException:  # the error's own __str__ is the program's as well
        return b"an error that cannot be printed"


def _import(program: str) -> None:
    """Import what the program names of the standard library; what it names besides will not be found."""
    names = set(PRELOADED.split())
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = ast.Module(body=[], type_ignores=[])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    for name in sorted(names):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names and top not in REFUSED:
            try:
                __import__(name)
            except Exception:  # `from math import pi`: math.pi is no module
                continue


def _lock(limits: dict[str, int], root: str) -> list[str]:
    """Give up all rights; the names of the locks that hold."""
    locks = ["limits"]
    # A program may lower these, never raise them. Files of no bytes, no core, no further descriptor, no process.
    wanted = {
        resource.RLIMIT_CPU: limits["seconds"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 16,
    }
    if sys.platform == "linux":
        wanted[resource.RLIMIT_AS] = limits["memory"]
    for name, value in wanted.items():
        resource.setrlimit(name, (value, value))
    libc = ctypes.CDLL(None, use_errno=True)
    os.umask(0o777)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        locks.append("nobody")
    if sys.platform == "linux":
        user, mount, network, ipc, uts = 0x10000000, 0x00020000, 0x40000000, 0x08000000, 0x04000000
        if libc.unshare(user | mount | network | ipc | uts) == 0:
            locks.append("namespaces")
            if libc.chroot(root.encode()) == 0:
                os.chdir("/")
                locks.append("chroot")
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # after unshare, which counts as one
    seccomp = _seccomp(libc) if sys.platform == "linux" else None
    _audit()
    if seccomp is not None and seccomp():
        locks.append("seccomp")
    return [*locks, "audit"]


def _audit() -> None:
    refused, harmless = tuple(AUDITED.split()), frozenset(HARMLESS)

    def hook(
        event: str,
        arguments: tuple[Any, ...],
        # Bound here, where the program cannot replace them.
        refused: tuple[str, ...] = refused,
        harmless: frozenset[str] = harmless,
        startswith: Callable[..., bool] = str.startswith,
    ) -> None:
        if startswith(event, refused) and event not in harmless:
            if event == "sys._getframe":
                raise ValueError("frames are out of reach here")  # which namedtuple and typing put up with
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)


def _seccomp(libc: Any) -> Callable[[], bool] | None:
    """What sets a filter of system calls that the kernel applies to this process and to whatever it might start.

    Built before the audit hook, which forbids ctypes; applied after it.
    """
    machine = {"x86_64": X86_64, "aarch64": AARCH64}.get(os.uname().machine)
    if machine is None or sys.byteorder != "little":
        return None
    load, equal, give = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | EPERM
    steps = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, refuse), (load, 0, 0, 0)]
    for number in ALLOWED[machine]:
        steps += [(equal, 0, 1, number), (give, 0, 0, allow)]
    # prlimit only to ask: its third argument, the new limit, must be a null pointer (both halves of it).
    steps += [
        (equal, 0, 5, PRLIMIT[machine]),
        (load, 0, 0, 32), (equal, 0, 3, 0),
        (load, 0, 0, 36), (equal, 0, 1, 0), (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]  # fmt: skip
    filters = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(filters, len(filters))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(buffer)), 16)
    prctl = libc.prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    if prctl(38, 1, None, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS: nothing started could win rights back
        return None
    address = ctypes.addressof(program)

    def apply(keep: tuple[Any, ...] = (buffer, program)) -> bool:
        return bool(prctl(22, 2, address, 0, 0) == 0)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER

    return apply


if __name__ == "__main__":
    main()
