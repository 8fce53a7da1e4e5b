"""Runs training in processes of its own, forked after torch was imported once: `forked.py JOBS` (JSON).

A job: {"kind": "PretrainConfig", "config": its fields as JSON, "ranks": 2, "kill_after": seconds, "file_limit": bytes}, all but the
first two optional. Jobs run one after the other. With several ranks, torchrun's environment is set for each. Prints the exit codes
(a list a job) as JSON; errors go to standard error, those meant for the user as their sentence.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed.fsdp
import torch.distributed.tensor
from pydantic import BaseModel

from corpusmill.curate.errors import CorpusmillError
from corpusmill.train import (
    ClassifierConfig,
    InstructConfig,
    PreferenceConfig,
    Preset,
    PretrainConfig,
    finetune_classifier,
    finetune_instructions,
    finetune_preferences,
    pretrain,
)
from corpusmill.train.model import presets

TRAINERS: dict[str, tuple[type[BaseModel], Callable[[Any], object]]] = {
    "PretrainConfig": (PretrainConfig, pretrain),
    "ClassifierConfig": (ClassifierConfig, finetune_classifier),
    "InstructConfig": (InstructConfig, finetune_instructions),
    "PreferenceConfig": (PreferenceConfig, finetune_preferences),
}


def start(kind: str, config: str, rank: int, ranks: int, port: int, file_limit: int | None) -> int:
    child = os.fork()
    if child:
        return child
    if ranks > 1:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    code = 1
    faulthandler.dump_traceback_later(120, exit=True)
    try:
        read, train = TRAINERS[kind]
        train(read.model_validate_json(config))
        code = 0
    except CorpusmillError as error:
        print(error, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def run(job: dict[str, Any]) -> list[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = int(str(job.get("ranks", 1)))
    children = [
        start(job["kind"], json.dumps(job["config"]), rank, ranks, port, job.get("file_limit")) for rank in range(ranks)
    ]
    if job.get("kill_after") is not None:
        time.sleep(float(str(job["kill_after"])))
        for child in children:
            os.kill(child, signal.SIGKILL)
    codes: dict[int, int] = {}
    while len(codes) < len(children):
        child, status = os.wait()
        codes[child] = os.waitstatus_to_exitcode(status)
        if codes[child]:
            # As torchrun does: the others would wait for the one that failed.
            for other in set(children) - set(codes):
                os.kill(other, signal.SIGKILL)
    return [codes[child] for child in children]


if __name__ == "__main__":
    torch.set_num_threads(1)
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    tiny = Preset.model_validate(given["preset"])
    presets.load_presets = lambda: {"tiny": tiny}  # type: ignore[assignment]
    print(json.dumps([run(job) for job in given["jobs"]]))
