"""Documents in Chinese and English made from a small grammar, and a corpus of them."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EN = {
    "who": ["The court", "The patient", "A small river", "The old teacher", "Our neighbour"],
    "did": ["heard", "described", "remembered", "followed", "refused"],
    "what": ["the long story", "a new contract", "the morning train", "every question", "the doctor's advice"],
}
ZH = {
    "who": ["法院", "患者", "一条小河", "老教师", "我们的邻居"],
    "did": ["听取了", "描述了", "记住了", "跟随着", "拒绝了"],
    "what": ["漫长的故事", "一份新合同", "早晨的列车", "每一个问题", "医生的建议"],
}


def documents(n: int, seed: int) -> list[tuple[str, str, str]]:
    """(text, language, script), Chinese and English by turns."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        words, end, script = (ZH, "。", "Hans") if i % 2 else (EN, ". ", "Latn")
        gap = "" if i % 2 else " "
        text = "".join(
            gap.join(rng.choice(words[part]) for part in ("who", "did", "what")) + end for _ in range(rng.randint(1, 9))
        )
        made.append((text.strip(), "zh" if i % 2 else "en", script))
    return made


def write_split(folder: Path, split: str, docs: list[tuple[str, str, str]]) -> None:
    (folder / split).mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "id": pa.array([f"{split}-{i}" for i in range(len(docs))], pa.string()),
            "text": pa.array([d[0] for d in docs], pa.large_string()),
            "source": pa.array(["made"] * len(docs), pa.string()),
            "language": pa.array([d[1] for d in docs], pa.string()),
            "script": pa.array([d[2] for d in docs], pa.string()),
        }
    )
    pq.write_table(table, folder / split / "part-00000.parquet", compression="zstd", row_group_size=50)
