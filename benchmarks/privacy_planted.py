"""Identifiers planted in whole documents: clinical notes and dialogues, patients' questions, facts of judgments.

What a hospital or a court would run on: a document gets one identifier of each type that the profile looks for, in the
forms of `privacy_forms.py`, each in a sentence of its own at a random boundary. Counted are the identifiers of which a
letter or digit is left, and the other tokens (words; in Chinese characters) that were touched.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
from privacy_forms import DRAW, FORMS

from corpusmill.filters.privacy.patterns import find
from corpusmill.filters.privacy.scan import candidates
from corpusmill.filters.privacy.steps import PROFILES

# What courts publish: counsel and judges keep their names.
KEPT_BY_COURTS = re.compile("律师|法官|诉讼代理|警官")


def documents(folder: Path, count: int) -> dict[str, tuple[str, str, list[str]]]:
    """By kind of document: profile, language, texts."""

    def read(name: str, field: str) -> list[str]:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line)[field] for line in lines]

    raw = gzip.decompress((folder / "medical/zh_dialogue_gb18030.csv.gz").read_bytes()).decode("gb18030", "replace")
    rows = list(csv.DictReader(io.StringIO(raw)))
    asked = [f"患者：{row['ask']}\n医生：{row['answer']}" for row in rows]
    found = {
        "clinical notes en": ("medical", "en", read("medical/aci_notes_train", "text")),
        "clinical dialogues en": ("medical", "en", read("medical/clinical_dialogue_train", "dialogue")),
        "patients and doctors zh": ("medical", "zh", asked),
        "facts of judgments zh": ("legal", "zh", read("legal/lecard_cases", "text")),
    }
    draw = random.Random(9)
    return {
        name: (profile, language, [t for t in draw.sample(texts, len(texts)) if len(t) > 100][:count])
        for name, (profile, language, texts) in found.items()
    }


def plant(text: str, profile: str, language: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text with an identifier of each type in it, and where they stand."""
    kinds = PROFILES[profile]  # type: ignore[index]
    column = 3 if language == "zh" else 4
    pieces: list[tuple[str, str, str]] = []
    for kind in kinds:
        rows = [form for form in FORMS if form[0] == kind and form[column]]
        if not rows:
            continue
        form = DRAW.choice(rows)
        carriers = [c for c in form[column] if profile != "legal" or not KEPT_BY_COURTS.search(c)]
        pieces.append((kind, DRAW.choice(carriers), form[2]()))
    ends = [m.end() for m in re.finditer(r"[。！？\n]" if language == "zh" else r"[.!?]\s+|\n", text)] or [len(text)]
    out, at, spans = "", 0, []
    for (kind, carrier, value), place in zip(pieces, sorted(DRAW.choices(ends, k=len(pieces))), strict=True):
        out += text[at:place]
        at = place
        head, tail = carrier.split("{}")
        out += ("" if out.endswith(("\n", "。", " ")) or not out else "\n") + head
        spans.append((len(out), len(out) + len(value), kind))
        out += value + tail + ("。" if language == "zh" else ". ")
    return out + text[at:], spans


def tokens(text: str, language: str) -> list[tuple[int, int]]:
    return [m.span() for m in re.finditer(r"[一-鿿]|[A-Za-z0-9]+" if language == "zh" else r"\w+", text)]


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Recall by type and the share of other tokens touched, by kind of document."""
    out: dict[str, Any] = {}
    for name, (profile, language, texts) in documents(folder, count).items():
        planted = [plant(text, profile, language) for text in texts]
        kinds = frozenset(PROFILES[profile])  # type: ignore[index]
        hits: list[list[tuple[int, int, str]]] = [[] for _ in planted]
        for row, text, places in candidates(pa.array([p[0] for p in planted], pa.large_string()), kinds):
            hits[row] = find(text, kinds, profile == "legal", places)
        by_type: dict[str, list[int]] = {}
        other = touched = 0
        missed: list[str] = []
        for (text, spans), found in zip(planted, hits, strict=True):
            mask, own = bytearray(len(text)), bytearray(len(text))
            for start, end, _ in found:
                mask[start:end] = b"\x01" * (end - start)
            for start, end, kind in spans:
                own[start:end] = b"\x01" * (end - start)
                whole = all(mask[i] for i in range(start, end) if text[i].isalnum())
                counts = by_type.setdefault(kind, [0, 0])
                counts[0] += 1
                counts[1] += whole
                if not whole:
                    missed.append(f"{kind}: {text[max(0, start - 12) : end + 6]}")
            for start, end in tokens(text, language):
                if not any(own[start:end]):
                    other += 1
                    touched += any(mask[start:end])
        out[name] = {
            "documents": len(texts),
            "profile": profile,
            "planted": sum(n for n, _ in by_type.values()),
            "recall": round(sum(f for _, f in by_type.values()) / sum(n for n, _ in by_type.values()), 4),
            "recall by type": {kind: round(f / n, 4) for kind, (n, f) in by_type.items()},
            "other tokens touched": round(touched / other, 5),
            "missed": missed[:20],
        }
    return out
