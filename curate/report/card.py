"""The dataset card: README.md of a corpus, with the YAML header that dataset hubs read."""

from __future__ import annotations

from typing import Any

import yaml


def dataset_card(manifest: dict[str, Any]) -> str:
    """A dataset card in English and Chinese from a run's manifest."""
    counts = manifest["counts"]
    codes = [row["language"] for row in manifest["languages"] if row["language"] not in (None, "und")]
    header: dict[str, Any] = {
        "pretty_name": manifest["name"],
        "task_categories": ["text-generation"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "train/*.parquet"},
                    {"split": "validation", "path": "validation/*.parquet"},
                ],
            }
        ],
    }
    if codes:
        header["language"] = sorted(set(codes))
    languages = "\n".join(
        f"| {r['language'] or '-'} | {r['script'] or '-'} | {r['documents']:,} | {r['bytes'] / 1e6:,.2f} |"
        for r in manifest["languages"]
    )
    steps = "\n".join(f"1. `{s['label']}` (version {s['version']})" for s in manifest["steps"])
    return f"""---
{yaml.safe_dump(header, allow_unicode=True, sort_keys=False).strip()}
---

# {manifest["name"]}

{counts["train"]:,} training and {counts["validation"]:,} validation documents, made by corpusmill {manifest["corpusmill"]}
from {counts["read"]:,} documents read; {counts["dropped"]:,} were dropped (`ledger/`, each with its reason) and
{counts["quarantined"]:,} could not be processed (`quarantine/`). `report.html` shows the whole account.

训练集 {counts["train"]:,} 篇，验证集 {counts["validation"]:,} 篇；共读入 {counts["read"]:,} 篇，丢弃 {counts["dropped"]:,} 篇
（`ledger/` 逐篇记有原因），无法处理 {counts["quarantined"]:,} 篇（`quarantine/`）。完整说明见 `report.html`。

| language | script | documents | MB of text |
|---|---|---|---|
{languages}

Steps, in order 处理步骤:

{steps}

Each row has `id`, `text`, `source`, `language`, `script`, `language_score`, `signals` (what the filters measured) and
the columns that the input carried. Read it with `datasets.load_dataset("parquet", data_dir=...)` or
`polars.scan_parquet("train/*.parquet")`.

The licence is that of the sources: see to it before you share this corpus. 语料的许可以其来源为准，分享前请先确认。
"""
