"""Decontamination: how long n-grams should be, in characters and in words, and how fast documents are searched.

`n`: for each length of n-gram, the share of documents that are taken for contaminated and hold no item (those of another
field; those of the items' own field quote what the items quote, so not all that is found there is false), and the share
of planted items that are found, as they are (in other width, case and punctuation) and with one token in twenty or in ten
replaced, left out or doubled. Three rules: `any` common n-gram, an item `covered` to the default share, and `enough` of
it as well, the default. Chinese dictionary words are measured by writing each as a token of letters.

`clauses`: how many whole clauses of a length stand in documents that have nothing to do with their own: what a short text
that is looked for as a whole would find.

`joined`: how many items are found in all documents, and in all of them joined to one: what a book of stock phrases would
cover by accident.

`options`: what it costs to look for options and answers alone.

    CORPUSMILL_TEST_DATA=... python bench_decontamination.py [--items 2000] [--megabytes 6] [--no-lengths]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from documents import real_documents
from machine import about, save

from corpusmill.filters.decontaminate.items import build_index, read_items
from corpusmill.filters.decontaminate.steps import Decontaminate
from corpusmill.filters.text.buffers import TextBuffers
from corpusmill.filters.text.folded import Tokens
from corpusmill.filters.text.overlap import Grams, OverlapIndex, Passages, find_overlaps
from corpusmill.filters.text.zh_words import cut_text

SETS = {
    "zh": {
        "legal/law_exam_mcq": ("text",),
        "sft/alpaca_zh": ("instruction", "output"),
        "sft/medical_zh_machine": ("instruction", "output"),
        "sft/oasst_zh_human": ("instruction",),
    },
    "en": {
        "sft/gsm8k_train2k": ("question", "answer"),
        "sft/alpaca_en": ("instruction", "output"),
        "medical/pubmedqa_train": ("question",),
        "sft/humaneval": ("prompt",),
        "sft/seed_tasks_175": ("instruction",),
    },
}
"""Questions and answers that stand in for evaluation sets."""

UNRELATED = {
    "zh": ("zh/news_docs", "zh/wiki_hans", "zh/cluecorpus_web", "classify/chnsenticorp_train", "web/zh_web_raw"),
    "en": ("web/c4_docs", "web/quality_labelled", "web/article_benchmark_truth", "en/us_speeches",
           "classify/movie_reviews", "dedup/news_plagiarism_1000"),
}  # fmt: skip
SAME_FIELD = {"zh": ("legal/zh_statutes",), "en": ("medical/en_patient_qa",)}
"""Documents of the field that a set asks about. They quote what it quotes, so what is found here is not all false."""

LENGTHS = {"zh": (8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), "zh words": (5, 6, 7, 8, 9, 10, 11, 12, 13), "en": (8, 9, 10, 11, 12, 13)}  # fmt: skip
SHORTEST = {"zh": (6, 7, 8, 9, 10, 11, 12, 14, 16), "en": (4, 5, 6, 7, 8, 9, 10, 12)}
CLAUSES = {
    "zh": (
        ("zh/wiki_hans", "legal/zh_statutes", "zh/news_docs", "sft/legal_counsel_zh", "sft/alpaca_zh"),
        ("zh/cluecorpus_web", "classify/chnsenticorp_train", "web/zh_web_raw", "zh/wiki_hant"),
    ),
    "en": (
        ("web/c4_docs", "medical/en_patient_qa", "en/us_speeches", "legal/terms_of_service"),
        ("web/quality_labelled", "web/article_benchmark_truth", "classify/movie_reviews",
         "dedup/news_plagiarism_1000", "legal/en_contracts"),
    ),
}  # fmt: skip
EDITS = (0.0, 0.05, 0.1)
_DEFAULTS = {name: info.default for name, info in Decontaminate.model_fields.items()}
COVERAGE, MAX_ITEMS = float(_DEFAULTS["max_item_coverage"]), int(_DEFAULTS["max_items"])
DEFAULT = (int(_DEFAULTS["words"]), int(_DEFAULTS["chars"]), int(_DEFAULTS["min_words"]), int(_DEFAULTS["min_chars"]))
OVERLAP = int(_DEFAULTS["overlap_words"]), int(_DEFAULTS["overlap_chars"])


def texts_of(folder: Path, names: Sequence[str], fields: Sequence[str] = ("text",)) -> list[str]:
    found = []
    for name in names:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                found += [t for f in fields if (t := record.get(f)) and isinstance(t, str)]
    return list(dict.fromkeys(found))


def by_words(texts: Sequence[str]) -> list[str]:
    """Each dictionary word as a token of letters."""
    spelled = str.maketrans("0123456789", "ghijklmnop")

    def token(word: str) -> str:
        return "".join(f"{ord(c):x}".translate(spelled) for c in word) if word[0].isalnum() else ""

    return [" ".join(token(w) for w in cut_text(text.lower())) for text in texts]


def edited(text: str, language: str, share: float, rng: random.Random) -> str:
    """In other punctuation, width and case; and this share of words (characters) replaced, left out or doubled."""
    tokens = list(text) if language == "zh" else text.split(" ")
    pool = [t for t in tokens if t.strip()]
    for k in rng.sample(range(len(tokens)), round(share * len(tokens))):
        tokens[k] = rng.choice((rng.choice(pool), "", tokens[k] + ("" if language == "zh" else " ") + tokens[k]))
    out = ("" if language == "zh" else " ").join(tokens)
    out = out.replace("，", ",").replace("。", ". ").replace('"', "'").replace("？", "?")
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() and rng.random() < 0.2 else c for c in out)


def planted(items: Sequence[str], hosts: Sequence[str], language: str, share: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    out = []
    for item in items:
        host = rng.choice(hosts)[:400]
        out.append(f"{host[:200]}\n{edited(item, language, share, rng)}\n{host[200:]}")
    return out


def index_of(items: TextBuffers, grams: Grams) -> OverlapIndex:
    n = len(items)
    return OverlapIndex.of(Passages(items, np.zeros(n, np.int64), np.arange(n)), grams, [n])


def flagged(documents: TextBuffers, index: OverlapIndex, wanted: bool, share: float) -> float:
    """Share of documents with an item covered to that share; where `wanted`, with the item of its own number."""
    found = find_overlaps(documents, index)
    right = found.enough & (found.coverage >= share)
    if wanted:
        right &= index.items[found.passages] == found.rows
    return round(len(np.unique(found.rows[right])) / len(documents), 5)


def measured(texts: dict[str, TextBuffers], n: tuple[int, int, int, int]) -> dict[str, Any]:
    whatever = index_of(texts["items"], Grams(*n, 1, 1, MAX_ITEMS))
    enough = index_of(texts["items"], Grams(*n, *OVERLAP, MAX_ITEMS))
    row: dict[str, Any] = {}
    for name, documents in texts.items():
        if name != "items":
            wanted = name.startswith("planted")
            row[name] = {
                "any": flagged(documents, whatever, wanted, 0),
                "covered": flagged(documents, whatever, wanted, COVERAGE),
                "enough": flagged(documents, enough, wanted, COVERAGE),
            }
    return row


def lengths(folder: Path, n_items: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for language, sets in SETS.items():
        items = [t for name, fields in sets.items() for t in texts_of(folder, [name], fields)]
        random.Random(0).shuffle(items)
        items = [t for t, size in zip(items, sizes_of(items), strict=True) if size >= 8][:n_items]
        hosts = texts_of(folder, UNRELATED[language])
        texts = {"items": items, "unrelated": hosts, "same field": texts_of(folder, SAME_FIELD[language])}
        for share in EDITS:
            texts[f"planted, {share:.0%} edited"] = planted(items, hosts, language, share, 1)
        counts = {name: len(found) for name, found in texts.items() if not name.startswith("planted")}
        tables = {language: texts}
        if language == "zh":
            tables["zh words"] = {name: by_words(found) for name, found in texts.items()}
        for table, found in tables.items():
            buffers = {name: TextBuffers.of_strings(documents) for name, documents in found.items()}
            out[table] = {"counts": counts, "n": {n: measured(buffers, (n, n, n, n)) for n in LENGTHS[table]}}
            if table == language:
                out[table]["default"] = measured(buffers, DEFAULT)
    return out


def sizes_of(texts: Sequence[str]) -> list[int]:
    """Words and characters that say something."""
    tokens = Tokens.of(TextBuffers.of_strings(list(texts)))
    return np.diff(tokens.measure(1, 1)[tokens.rows]).tolist()  # type: ignore[no-any-return]


def clauses(folder: Path, most: int = 5000) -> dict[str, Any]:
    """By length: whole clauses of some sources, and the share of them that documents of others have."""
    out: dict[str, Any] = {}
    for language, (own, others) in CLAUSES.items():
        mark = r"[，。！？；：,.!?;:\n、（）()“”\"]+" if language == "zh" else r"[.!?\n]+"
        texts = texts_of(folder, own, ("text", "output", "response", "answer"))
        found = sorted({clause.strip() for text in texts for clause in re.split(mark, text)})
        random.Random(0).shuffle(found)
        sizes = sizes_of(found)
        documents = TextBuffers.of_strings(texts_of(folder, others))
        out[language] = {}
        for n in SHORTEST[language]:
            chosen = [clause for clause, size in zip(found, sizes, strict=True) if size == n][:most]
            index = index_of(TextBuffers.of_strings(chosen), Grams(64, 64, n, n, *OVERLAP, MAX_ITEMS))
            overlaps = find_overlaps(documents, index)
            hit = np.unique(index.items[overlaps.passages[overlaps.enough]])
            out[language][n] = {"clauses": len(chosen), "found elsewhere": round(len(hit) / len(chosen), 5)}
    return out


def joined(folder: Path) -> dict[str, Any]:
    """By n: items found in documents of all fields, each for itself and all as one."""
    out: dict[str, Any] = {}
    for language, lengths_tried in (("zh", (8, 10, 12, 14, 16)), ("en", (8, 10, 13))):
        items = [t for name, fields in SETS[language].items() for t in texts_of(folder, [name], fields)]
        items = [t for t, size in zip(items, sizes_of(items), strict=True) if size >= 8]
        documents = texts_of(folder, (*SAME_FIELD[language], *UNRELATED[language]))
        megabytes = round(sum(len(t.encode()) for t in documents) / 1e6, 1)
        out[language] = {"items": len(items), "documents": len(documents), "megabytes": megabytes}
        for n in lengths_tried:
            index = index_of(TextBuffers.of_strings(items), Grams(n, n, n, n, *OVERLAP, MAX_ITEMS))
            row = []
            for texts in (documents, ["\n".join(documents)]):
                found = find_overlaps(TextBuffers.of_strings(texts), index)
                row.append(len(np.unique(index.items[found.passages[found.enough & (found.coverage >= COVERAGE)]])))
            out[language][n] = {"each": row[0], "all as one": row[1]}
    return out


def options(folder: Path) -> dict[str, Any]:
    """Chinese statutes that a law exam's items are found in, when every option is looked for alone and as it is done."""
    exam, laws = "legal/law_exam_mcq", TextBuffers.of_strings(texts_of(folder, SAME_FIELD["zh"]))
    step = Decontaminate(sets={"exam": str(folder / f"{exam}.jsonl.gz")})
    items = read_items("exam", step.sets["exam"], None)
    texts = TextBuffers.of_strings([field.text for item in items for field in item])
    of_item = np.repeat(np.arange(len(items)), [len(item) for item in items])
    grams = step.grams()
    alone = OverlapIndex.of(Passages(texts, np.zeros(len(of_item), np.int64), of_item), grams, [len(items)])
    questions = Decontaminate(sets=step.sets, fields=["text"])
    return {
        "statutes": len(laws),
        "options alone": flagged(laws, alone, False, COVERAGE),
        "default": flagged(laws, build_index(step.sets, None, grams), False, COVERAGE),
        "questions only": flagged(laws, build_index(step.sets, questions.fields, grams), False, COVERAGE),
    }


def speed(megabytes: float, folder: Path | None) -> dict[str, Any]:
    """MB of documents searched in a second of processor time, on one core, against an index of real items."""
    what, documents = real_documents(megabytes)
    out: dict[str, Any] = {"documents": what}
    for language, texts in documents.items():
        if folder is None:
            items, texts = texts[: len(texts) // 4], texts[len(texts) // 4 :]
        else:
            items = [t for name, fields in SETS[language].items() for t in texts_of(folder, [name], fields)]
        given = TextBuffers.of_strings(items)
        index = index_of(given, Decontaminate(sets={"items": "-"}).grams())
        build = _timed(lambda t=given: index_of(t, Decontaminate(sets={"items": "-"}).grams()))  # type: ignore[misc]
        buffers = TextBuffers.of_strings(texts)
        size = float(buffers.offsets[-1] - buffers.offsets[0]) / 1e6
        find_overlaps(buffers, index)
        seconds = min(_timed(lambda b=buffers, i=index: find_overlaps(b, i)) for _ in range(10))  # type: ignore[misc]
        out[language] = {
            "n_grams": len(index.grams.keys),
            "megabytes": round(size, 1),
            "megabytes_a_second": round(size / seconds),
            "index_seconds": round(build, 2),
        }
    return out


def _timed(do: Callable[[], Any]) -> float:
    started = time.process_time()  # of a machine that others use too
    do()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--no-lengths", action="store_true", help="speed alone")
    asked = parser.parse_args()
    given = os.environ.get("CORPUSMILL_TEST_DATA")
    folder = Path(given) if given else None
    result = {"about": about(("numpy", "numba", "pyarrow")), "coverage": COVERAGE}
    result["speed"] = speed(asked.megabytes, folder)
    if folder is not None and not asked.no_lengths:
        result |= {
            "n": lengths(folder, asked.items),
            "clauses": clauses(folder),
            "joined": joined(folder),
            "options": options(folder),
        }
    elif folder is None:
        print("no development data (CORPUSMILL_TEST_DATA): speed alone", file=sys.stderr)
    save("decontamination", result)


if __name__ == "__main__":
    main()
