"""Real documents to measure on: those of the demo (fetched by name and hash), Chinese and English."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from corpusmill.curate.demo import write_raw


def demo_documents(megabytes: float) -> dict[str, list[str]]:
    """About so many MB of UTF-8 text a language: `zh` from news and reviews, `en` from licences."""
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-bench-"))
    write_raw(folder, quiet=True)
    out: dict[str, list[str]] = {"zh": [], "en": []}
    for path in sorted(folder.rglob("*")):
        language = "zh" if "zh" in path.relative_to(folder).parts else "en"
        if path.name.endswith(".jsonl.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as f:
                out[language] += [json.loads(line)["text"] for line in f]
        elif path.suffix == ".txt":
            raw = path.read_bytes()
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                text = raw.decode("gb18030", errors="replace")
            out[language] += text.split("\n\n") if language == "zh" else [text]
    return {language: _up_to(texts, megabytes) for language, texts in out.items()}


def _up_to(texts: list[str], megabytes: float) -> list[str]:
    chosen: list[str] = []
    size = 0
    for text in texts:
        if size > megabytes * 1e6:
            break
        if text.strip():
            chosen.append(text)
            size += len(text.encode())
    return chosen
