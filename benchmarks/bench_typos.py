"""Typo fixing: precision, recall and harm on injected and on real errors, in domain and out of it, and sentences a second.

Needs the development data (statutes, medical dialogue, sentence pairs with real errors); its folder is
CORPUSMILL_TEST_DATA, or ../shared/data beside the repository. The models are trained on the statutes, and on medical
dialogue and instructions with the right sides of the first half of the medical pairs. The medical pairs that they are
tested on are others, in two halves by sentence: one that the guards and the classifier's facts were written with in
view, and one that nobody looked at. The legal pairs have all been looked at. The medical model is also trained on parts of
its text, to see what more text would bring. Speed is in processor time on one core.
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
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import xxhash
from machine import about, save

from corpusmill.curate.documents import Documents
from corpusmill.filters import FixTypos, train_typos
from corpusmill.filters.typos.calibrate import lower, upper
from corpusmill.filters.typos.chinese import sentences
from corpusmill.filters.typos.english import sentences_english, words_of
from corpusmill.filters.typos.model import TypoModel

Pairs = list[tuple[str, str]]
GENERAL = 12_000


def main() -> None:
    data = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (data / "spell").is_dir():
        print(f"skipped: there is no {data / 'spell'} (set CORPUSMILL_TEST_DATA)")
        sys.exit(0)
    medical_pairs = pairs(data, "zh_medical_mcsc_valid")
    half = len(medical_pairs) // 2
    general = [
        (s, s)
        for name in ("zh/news_docs", "zh/cluecorpus_web", "zh/wiki_hans")
        for row in rows(data / f"{name}.jsonl.gz")
        for s in sentences(row["text"])
        if 8 <= len(s) <= 300
    ]
    random.Random(0).shuffle(general)
    domains: dict[str, tuple[list[str], dict[str, Pairs]]] = {
        "legal-zh": (
            [row["text"] for row in rows(data / "legal" / "zh_statutes.jsonl.gz")],
            {
                "law exam (EC-LAW train), real errors": pairs(data, "ecspell_law_train"),
                "official documents (EC-ODW train), real errors": pairs(data, "ecspell_odw_train"),
                "out of domain: medical questions": medical_pairs[half:],
            },
        ),
        "medical-zh": (
            dialogue(data) + instructions(data) + [right for _, right in medical_pairs[:half]],
            {
                f"{name}, real errors, {part}": [p for p in found if held_out(p) == (part == "held out")]
                for name, found in (
                    ("medical questions (MCSC valid, 2nd half)", medical_pairs[half:]),
                    ("medical advice (EC-MED train)", pairs(data, "ecspell_med_train")),
                )
                for part in ("developed on", "held out")
            }
            | {
                "out of domain: law exam": pairs(data, "ecspell_law_train"),
            },
        ),
    }
    result: dict[str, Any] = {"about": about(("corpusmill", "numba", "numpy", "symspellpy"))}
    with tempfile.TemporaryDirectory() as folder:
        for name, (texts, tests) in domains.items():
            path = Path(folder) / f"{name}.npz"
            model, found = trained(texts, "zh", path)
            tests |= {"out of domain: news, web, encyclopedia": general[:GENERAL]}
            found["tests"] = {title: chinese(path, test) for title, test in tests.items()}
            found["megabytes"] = round(path.stat().st_size / 1e6, 1)
            result[name] = found
            show(name, found, model)
            if name == "medical-zh":
                result["medical-zh learning curve"] = learning_curve(texts, tests, path)
        for name, texts in english_texts(data).items():
            path = Path(folder) / f"{name}.npz"
            kept = [t for i, t in enumerate(texts) if i % 5]
            model, found = trained(kept, "en", path)
            found["tests"] = {"real misspellings": english(path, texts[::5], misspellings(data), model)}
            result[name] = found
            show(name, found, model)
    save("typos", result)


def learning_curve(texts: list[str], tests: dict[str, Pairs], path: Path) -> list[dict[str, Any]]:
    """What a quarter and a half of the text, by document, would have done."""
    texts = sorted(texts, key=lambda text: xxhash.xxh3_64_intdigest(text.encode()))
    curve = []
    for parts in (4, 2):
        _, found = trained(texts[::parts], "zh", path)
        found["tests"] = {title: chinese(path, test) for title, test in tests.items() if "held out" in title}
        curve.append(found)
        print(f"1/{parts} of the text: {found}")
    return curve


def held_out(pair: tuple[str, str]) -> bool:
    """By the right side: the same sentence with another error is in the same half."""
    return xxhash.xxh3_64_intdigest(pair[1].encode()) % 2 == 1


def trained(texts: list[str], language: str, path: Path) -> tuple[TypoModel, dict[str, Any]]:
    start = time.process_time()
    model = train_typos(((text, language) for text in texts), path)
    seconds = time.process_time() - start
    m = model.measured[language]
    return model, {
        "characters": sum(map(len, texts)),
        "training_s": round(seconds, 1),
        "injected": {
            "sentences": m.sentences,
            "precision": round(m.precision, 4),
            "precision_low": round(m.precision_low, 4),
            "recall": round(m.recall, 3),
            "clean_changed": round(m.clean_changed, 6),
            "clean_changed_high": round(m.clean_changed_high, 6),
        },
    }


def chinese(path: Path, test: Pairs) -> dict[str, Any]:
    """By characters, and the share of clean sentences that were changed. Each sentence is a document of its own."""
    test = [(wrong, right) for wrong, right in test if len(wrong) == len(right)]
    step = FixTypos(model=str(path))
    docs = Documents.from_texts([wrong for wrong, _ in test], language=["zh"] * len(test))
    step.transform(docs.take(list(range(20))))
    start = time.process_time()
    out = step.transform(docs).texts
    seconds = time.process_time() - start
    good = bad = errors = clean = changed = whole = broken = 0
    for (wrong, right), fixed in zip(test, out, strict=True):
        errors += sum(a != b for a, b in zip(wrong, right, strict=True))
        edits = [(b, c) for a, b, c in zip(wrong, fixed, right, strict=True) if a != b]
        good += sum(b == c for b, c in edits)
        bad += sum(b != c for b, c in edits)
        clean += wrong == right
        changed += wrong == right and fixed != wrong
        broken += wrong != right
        whole += wrong != right and fixed == right
    return {
        "sentences": len(test),
        "errors": errors,
        "precision": round(good / (good + bad), 4) if good + bad else None,
        "precision_low": round(lower(good, good + bad), 4),
        "recall": round(good / errors, 3) if errors else None,
        "sentence_recall": round(whole / broken, 3) if broken else None,
        "clean": clean,
        "clean_changed": round(changed / clean, 6),
        "clean_changed_high": round(upper(changed, clean), 6),
        "sentences_per_s": round(len(test) / seconds),
    }


def english(path: Path, held_out: list[str], wrong: dict[str, list[str]], model: TypoModel) -> dict[str, Any]:
    """One word of each held-out sentence misspelt as people did; any word of four letters that a list has."""
    rng = random.Random(0)
    sample = [s for text in held_out for s in sentences_english(text)]
    rng.shuffle(sample)
    sample = sample[:6000]
    clean = Documents.from_texts(sample, language=["en"] * len(sample))
    step = FixTypos(model=str(path), min_precision=0, max_clean_words=1)
    start = time.process_time()
    out = step.transform(clean)
    seconds = time.process_time() - start
    words = sum(1 for s in sample for _ in words_of(s))
    broken: Pairs = []
    for sentence in sample:
        places = [m for m in re.finditer(r"\b[a-z]{4,}\b", sentence) if m[0] in wrong]
        if places:
            m = rng.choice(places)
            broken.append((sentence[: m.start()] + rng.choice(wrong[m[0]]) + sentence[m.end() :], sentence))
    fixed = step.transform(Documents.from_texts([w for w, _ in broken], language=["en"] * len(broken))).texts
    right = sum(f == s for f, (_, s) in zip(fixed, broken, strict=True))
    edited = sum(f != w for f, (w, _) in zip(fixed, broken, strict=True))
    return {
        "sentences": len(sample),
        "errors": len(broken),
        "recall": round(right / len(broken), 3),
        "precision": round(right / max(edited, 1), 4),
        "clean_words_changed": round(float(out.signals["typos_fixed"].sum()) / words, 6),
        "sentences_per_s": round(len(sample) / seconds),
    }


def misspellings(data: Path) -> dict[str, list[str]]:
    """Right words and how people misspelt them, without the ambiguous ones."""
    found: dict[str, list[str]] = {}
    with gzip.open(data / "spell" / "en_common_misspellings.txt.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            wrong, _, right = line.strip().partition("->")
            if right and "," not in right and right.isascii() and right.isalpha() and wrong.isalpha():
                found.setdefault(right, []).append(wrong)
    return found


def english_texts(data: Path) -> dict[str, list[str]]:
    with gzip.open(data / "en" / "wikitext2_train.txt.gz", "rt", encoding="utf-8") as lines:
        wiki = [re.sub(r" ([,.;:!?)])", r"\1", re.sub(r" @(.)@ ", r"\1", line)).strip() for line in lines]
    return {
        "general-en": [line for line in wiki if len(line) > 80],
        "legal-en": [row["text"] for row in rows(data / "legal" / "en_contracts.jsonl.gz")],
        "medical-en": [" ".join(row["contexts"]) for row in rows(data / "medical" / "pubmedqa_train.jsonl.gz")],
    }


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def pairs(data: Path, name: str) -> Pairs:
    return [(row["text"], row["target"]) for row in rows(data / "spell" / f"{name}.jsonl.gz")]


def dialogue(data: Path) -> list[str]:
    raw = gzip.decompress((data / "medical" / "zh_dialogue_gb18030.csv.gz").read_bytes()).decode("gb18030")
    return ["\n".join(row[1:]) for row in list(csv.reader(io.StringIO(raw)))[1:]]


def instructions(data: Path) -> list[str]:
    """Patients' questions with answers, and instructions with answers made by a machine from a knowledge graph."""
    talks = [
        "\n".join(turn["value"] for turn in row["conversations"])
        for row in rows(data / "sft" / "medical_zh_1k.jsonl.gz")
    ]
    return talks + [
        f"{row['instruction']}\n{row['output']}" for row in rows(data / "sft" / "medical_zh_machine.jsonl.gz")
    ]


def show(name: str, found: dict[str, Any], model: TypoModel) -> None:
    print(f"{name}: {found['characters']:,} characters, {found['training_s']} s")
    print(f"  injected: {found['injected']}")
    for title, test in found["tests"].items():
        print(f"  {title}: {test}")
    for change in model.changes[:5]:
        print(f"  in clean text: {change}")


if __name__ == "__main__":
    main()
