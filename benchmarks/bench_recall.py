"""Recall of a domain from a mixed pool: a seed of one genre, the target in others, Chinese and English together.

The pool is made of the development data (CORPUSMILL_TEST_DATA, or ../shared/data beside the repository): statutes, exam
questions, cases, consultations, contracts and terms of service; papers, patients' questions, notes, dialogues; and
encyclopedias, news, reviews, poems, speeches and web pages, which are taken to be of neither domain (a few are). The
seed's documents are not in the pool. Precision, recall and F1 are of the documents that `corpusmill recall` writes.

    python benchmarks/bench_recall.py [SCENARIO ...] [--rounds 3]
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from machine import about, save

from corpusmill.curate.recall.rounds import recall

DATA = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
SEED_SHARE, SEED_MOST = 0.5, 400

SCENARIOS: dict[str, tuple[str, tuple[str, ...]]] = {
    "law, seed of statutes (zh)": ("legal", ("zh.statutes",)),
    "law, seed of statutes (zh) and contracts (en)": ("legal", ("zh.statutes", "en.contracts")),
    "law, seed of exam questions (zh) and terms of service (en)": ("legal", ("zh.exam", "en.tos")),
    "medicine, seed of papers (en)": ("medical", ("en.papers",)),
    "medicine, seed of papers (en) and consultations (zh)": ("medical", ("en.papers", "zh.consultations")),
}


def rows(path: str, field: str | Callable[[dict[str, Any]], Any] = "text") -> Iterator[Any]:
    with gzip.open(DATA / path, "rt", encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            yield field(record) if callable(field) else record[field]


def xml_texts(path: str) -> Iterator[str]:
    with tarfile.open(DATA / path) as tar:
        for member in tar:
            if member.isfile() and (file := tar.extractfile(member)):
                text = re.sub(r"<\?.*?\?>|<[^>]+>", " ", file.read().decode("utf-8", "replace"))
                yield re.sub(r"\s+", " ", text).strip()


def is_english(text: str) -> bool:
    """Whether the commonest words of terms of service are English: some are German, French, Dutch."""
    return len(re.findall(r"\b(?:the|you)\b", text)) * 60 > len(text) / 5


def consultations() -> Iterator[str]:
    raw = gzip.decompress((DATA / "medical/zh_dialogue_gb18030.csv.gz").read_bytes()).decode("gb18030", "replace")
    for row in csv.DictReader(io.StringIO(raw)):
        yield f"{row['ask']}\n{row['answer']}"


def genres() -> dict[str, dict[str, list[str]]]:
    """Texts by domain (legal, medical, none) and genre, at most 1,500 of each."""

    def joined(*names: str) -> Callable[[dict[str, Any]], str]:
        return lambda r: "\n".join(" ".join(r[n]) if isinstance(r[n], list) else str(r[n]) for n in names)

    found: dict[str, dict[str, Iterator[str]]] = {
        "legal": {
            "zh.statutes": rows("legal/zh_statutes.jsonl.gz"),
            "zh.exam": rows("legal/law_exam_mcq.jsonl.gz"),
            "zh.tasks": rows("legal/lawbench_zh.jsonl.gz"),
            "zh.cases": rows("legal/lecard_cases.jsonl.gz"),
            "zh.counsel": rows("sft/legal_counsel_zh.jsonl.gz", joined("query", "response")),
            "en.contracts": rows("legal/en_contracts.jsonl.gz"),
            "en.tos": filter(is_english, rows("legal/terms_of_service.jsonl.gz")),
            "en.bills": xml_texts("legal/us_bills_xml.tar.gz"),
        },
        "medical": {
            "zh.consultations": consultations(),
            "zh.dialogues": rows("sft/medical_zh_1k.jsonl.gz", lambda r: "\n".join(c["value"] for c in r["conversations"])),
            "zh.qa": rows("sft/medical_zh_machine.jsonl.gz", joined("instruction", "input", "output")),
            "en.papers": rows("medical/pubmedqa_train.jsonl.gz", joined("question", "contexts")),
            "en.patients": rows("medical/en_patient_qa.jsonl.gz"),
            "en.medquad": xml_texts("medical/medquad_xml.tar.gz"),
            "en.notes": rows("medical/aci_notes_train.jsonl.gz"),
            "en.dialogues": rows("medical/clinical_dialogue_train.jsonl.gz", "dialogue"),
            "en.sections": rows("medical/clinical_dialogue_train.jsonl.gz"),
        },
        "none": {
            "zh.news": rows("zh/news_docs.jsonl.gz"),
            "zh.forum": rows("zh/cluecorpus_web.jsonl.gz"),
            "zh.wiki": rows("zh/wiki_hans.jsonl.gz"),
            "zh.wiki_hant": rows("zh/wiki_hant.jsonl.gz"),
            "zh.poems": rows("zh/poetry.jsonl.gz"),
            "zh.reviews": rows("classify/chnsenticorp_train.jsonl.gz"),
            "zh.web": rows("web/zh_web_raw.jsonl.gz"),
            "zh.assistant": rows("sft/oasst_zh_human.jsonl.gz", "output"),
            "en.c4": rows("web/c4_docs.jsonl.gz"),
            "en.web": rows("web/quality_labelled.jsonl.gz"),
            "en.articles": rows("web/article_benchmark_truth.jsonl.gz"),
            "en.speeches": rows("en/us_speeches.jsonl.gz"),
            "en.news": rows("dedup/news_plagiarism_1000.jsonl.gz"),
            "en.reviews": rows("classify/movie_reviews.jsonl.gz"),
            "en.assistant": rows("sft/alpaca_en.jsonl.gz", joined("instruction", "output")),
        },
    }  # fmt: skip
    out: dict[str, dict[str, list[str]]] = {}
    for domain, of in found.items():
        out[domain] = {}
        for genre, texts in of.items():
            different = list(dict.fromkeys(t for t in texts if t and t.strip()))
            random.Random(0).shuffle(different)
            out[domain][genre] = different[:1500]
    return out


def measure(
    domain: str, seeds: tuple[str, ...], texts: dict[str, dict[str, list[str]]], **options: Any
) -> dict[str, Any]:
    """One scenario: rates by language, and the share found of each genre."""
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as folder:
        work = Path(folder)
        pool, known = [], []
        for owner, of in texts.items():
            for genre, found in of.items():
                cut = min(SEED_MOST, int(len(found) * SEED_SHARE)) if owner == domain and genre in seeds else 0
                known += found[:cut]
                pool += [{"id": f"{owner}/{genre}/{i}", "text": t} for i, t in enumerate(found[cut:])]
        random.Random(1).shuffle(pool)
        pl.DataFrame({"text": known}).write_ndjson(work / "seed.jsonl")
        pl.DataFrame(pool).write_parquet(work / "pool.parquet")
        started = time.perf_counter()
        report = recall(
            [work / "seed.jsonl"], [work / "pool.parquet"], work / "found", domain=domain, quiet=True, **options
        )
        seconds = time.perf_counter() - started
        hits = pl.read_parquet(work / "found" / "part-*.parquet", columns=["id", "round"])
    ids = set(hits["id"].to_list())
    size = sum(len(p["text"].encode()) for p in pool)

    def rates(prefix: str, most: int = 99) -> dict[str, float]:
        mine = {p["id"] for p in pool if p["id"].split("/")[1].startswith(prefix)}
        chosen = mine & (ids if most == 99 else set(hits.filter(pl.col("round") <= most)["id"].to_list()))
        true = {i for i in mine if i.startswith(domain)}
        right = len(chosen & true)
        precision, recalled = right / max(1, len(chosen)), right / max(1, len(true))
        f1 = 2 * precision * recalled / max(1e-9, precision + recalled)
        return {"precision": round(precision, 4), "recall": round(recalled, 4), "f1": round(f1, 4)}

    shares: dict[str, float] = {}
    for owner, of in texts.items():
        for genre in of:
            mine = [p["id"] for p in pool if p["id"].startswith(f"{owner}/{genre}/")]
            shares[f"{owner} {genre}"] = round(sum(i in ids for i in mine) / max(1, len(mine)), 3)
    return {
        "pool": len(pool), "seed": len(known), "share_of_domain": round(sum(p["id"].startswith(domain) for p in pool) / len(pool), 3),
        "all": rates(""), "zh": rates("zh"), "en": rates("en"), "found_by_round": [(r.number, r.found, r.new) for r in report.rounds],
        "thresholds": report.rounds[-1].thresholds if report.rounds else {},
        "share_found": shares, "seconds": round(seconds, 1), "mb_per_second": round(size / 1e6 / seconds, 2),
    }  # fmt: skip


def main() -> None:
    if not (DATA / "README.md").is_file():
        print(f"skipped: there is no development data at {DATA} (set CORPUSMILL_TEST_DATA)")
        return
    chosen = [s for s in SCENARIOS if not sys.argv[1:] or any(word in s for word in sys.argv[1:])]
    texts = genres()
    result: dict[str, Any] = {"about": about(("corpusmill", "fasttext-community", "numba", "numpy", "polars"))}
    for name in chosen:
        domain, seeds = SCENARIOS[name]
        result[name] = measure(domain, seeds, texts)
        print(name, json.dumps({k: v for k, v in result[name].items() if k != "share_found"}), flush=True)
    if len(chosen) == len(SCENARIOS):
        save("recall", result)
    else:
        print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
