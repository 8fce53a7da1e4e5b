"""Our models under EleutherAI's lm-eval, unchanged, through the Hugging Face export."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from corpusmill.train import export_hf
from corpusmill.train.evaluate.scoring import load_scorer

pytestmark = pytest.mark.skipif(find_spec("lm_eval") is None, reason="needs lm-eval, which is no dependency of ours")

TEXTS = [
    "The court heard a new contract.",
    "患者描述了漫长的故事。",
    "A small river ran by the house.",
    "医生的建议很清楚。",
]
TASK = """
task: made_text
dataset_path: json
dataset_kwargs: {{data_files: {{validation: {data}}}}}
validation_split: validation
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list: [{{metric: bits_per_byte}}]
metadata: {{version: 1}}
"""


def test_bits_per_byte_agree(run: Path, tmp_path: Path) -> None:
    data = tmp_path / "texts.jsonl"
    data.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS), "utf-8")
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "made.yaml").write_text(TASK.format(data=data), "utf-8")
    folder = export_hf(run, tmp_path / "hf")
    command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", f"pretrained={folder},dtype=float32"]
    command += ["--tasks", "made_text", "--include_path", tasks, "--device", "cpu", "--batch_size", "1"]
    offline = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*map(str, command), "--output_path", str(tmp_path / "out")],
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (found,) = (tmp_path / "out").rglob("results_*.json")
    theirs = json.loads(found.read_text("utf-8"))["results"]["made_text"]["bits_per_byte,none"]
    nats, _ = load_scorer(run, "cpu").score(TEXTS, [False] * len(TEXTS))
    ours = nats.sum() / math.log(2) / sum(len(text.encode()) for text in TEXTS)
    assert theirs == pytest.approx(ours, rel=1e-4)
