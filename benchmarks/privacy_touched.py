"""What `redact_pii: {profile: legal}` touches in facts of judgments as they are, each find judged by eye.

The other measure of utility (`privacy_planted.py`) counts every token that is touched beside what was planted, and the
documents hold identifiers of their own. Here nothing is planted. `privacy_touched_checked.tsv` names each different find of
a document by its first place (row of the file, start, end, from 0; no text is kept) and says what it is: `accused`, the name
of somebody accused, whom these judgments name in full; `other`, another person's name; `home`, the address of somebody's
home or stay; `no`, none of these: a business, a scene, an institution, a word. A find that nobody has judged counts as `no`.

    python benchmarks/privacy_touched.py      prints the shares; bench_privacy.py saves them with its own
"""

from __future__ import annotations

import collections
import csv
import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
from privacy_planted import tokens

from corpusmill.filters.privacy.patterns import find
from corpusmill.filters.privacy.scan import candidates
from corpusmill.filters.privacy.steps import PROFILES

FILE = "legal/lecard_cases.jsonl.gz"
CHECKED = Path(__file__).with_name("privacy_touched_checked.tsv")
SAMPLE, SEED = 200, 13


def finds(folder: Path) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Each document and what is found in it."""
    with gzip.open(folder / FILE, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    kinds = frozenset(PROFILES["legal"])
    out: list[tuple[str, list[tuple[int, int, str]]]] = [(text, []) for text in texts]
    for row, text, places in candidates(pa.array(texts, pa.large_string()), kinds):
        out[row] = (text, find(text, kinds, True, places))
    return out


def verdicts(texts: list[str]) -> dict[tuple[int, str], str]:
    """By row and text of a find."""
    with CHECKED.open(encoding="utf-8") as lines:
        rows = list(csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t"))
    return {(int(row), texts[int(row)][int(start) : int(end)]): verdict for row, start, end, _, verdict in rows}


def judged(folder: Path) -> dict[str, Any]:
    """Shares of the tokens (characters of Chinese, words and numbers in ASCII) that are touched, by verdict; the same of a
    random sample of the touched ones."""
    documents = finds(folder)
    known = verdicts([text for text, _ in documents])
    touched: list[str] = []
    total = unjudged = 0
    for row, (text, found) in enumerate(documents):
        label: dict[int, str] = {}
        for start, end, _ in found:
            verdict = known.get((row, text[start:end]), "unjudged")
            label |= dict.fromkeys(range(start, end), verdict)
        for start, end in tokens(text, "zh"):
            total += 1
            verdicts_of = {label[i] for i in range(start, end) if i in label}
            touched += sorted(verdicts_of)[:1]
    unjudged = touched.count("unjudged")
    wrong = touched.count("no") + unjudged
    sample = random.Random(SEED).sample(touched, min(SAMPLE, len(touched)))
    return {
        "documents": len(documents),
        "tokens": total,
        "touched": round(len(touched) / total, 5),
        "touched, by verdict": dict(collections.Counter(touched).most_common()),
        "touched that were no identifiers": round(wrong / total, 5),
        "of these nobody has judged": unjudged,
        "sample": {"touched tokens": len(sample), "no identifiers": sum(v in ("no", "unjudged") for v in sample)},
    }


if __name__ == "__main__":
    print(json.dumps(judged(Path(os.environ["CORPUSMILL_TEST_DATA"])), ensure_ascii=False, indent=1))
