"""Real documents to measure on, Chinese and English: the development data, or the demo's (fetched by name and hash)."""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
from pathlib import Path

from corpusmill.curate.demo import write_raw

DEVELOPMENT = {
    "en": (
        "web/c4_docs",
        "web/quality_labelled",
        "web/article_benchmark_truth",
        "legal/terms_of_service",
        "medical/pubmedqa_train",
        "medical/en_patient_qa",
        "en/us_speeches",
    ),
    "zh": (
        "zh/wiki_hans",
        "zh/wiki_hant",
        "zh/news_docs",
        "zh/cluecorpus_web",
        "web/zh_web_raw",
        "legal/zh_statutes",
    ),
}
"""Files of the development data that hold pages and other whole documents, by language."""


def real_documents(megabytes: float) -> tuple[str, dict[str, list[str]]]:
    """(what they are, about so many MB of UTF-8 text a language): from the development data if the environment variable
    CORPUSMILL_TEST_DATA names its folder, else the demo's; mixed, the same ones every time."""
    folder = os.environ.get("CORPUSMILL_TEST_DATA")
    if not folder:
        return "documents of the demo", demo_documents(megabytes)
    found = {}
    for language, names in DEVELOPMENT.items():
        texts = []
        for name in names:
            with gzip.open(Path(folder) / f"{name}.jsonl.gz", "rt", encoding="utf-8") as f:
                texts += [json.loads(line)["text"] for line in f]
        random.Random(0).shuffle(texts)
        found[language] = _up_to(texts, megabytes)
    return "development data: " + ", ".join(name for names in DEVELOPMENT.values() for name in names), found


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
