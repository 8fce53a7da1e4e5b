"""Augmentation: what 200 children of each operation and language keep, and what they are worth to a small classifier.

Kept: negations, numbers with units, citations and terms are extracted from parent and child by expressions of this
script, not by those of the step, and must be equal (as a multiset where sentences moved). The gate is a character n-gram
model trained on half of the documents, the children come from the other half; the perplexity ratio is that of the whole text.

Worth: TF-IDF (words; characters for Chinese) and logistic regression on 100 labelled documents, with and without children,
five draws of the 100 and five seeds of augmentation, accuracy on 1,000 others. A child gets its parent's label.

Needs the development data (CORPUSMILL_TEST_DATA). Argument: a file to write samples to, for reading.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from machine import about, save
from scipy.sparse import vstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from corpusmill.curate.documents import Documents
from corpusmill.filters.augment.gate import Gate
from corpusmill.filters.augment.steps import OPS, Augment
from corpusmill.filters.ngram_model import train_ngram

SOURCES = {
    "zh": ("legal/lecard_cases", "zh/news_docs", "legal/lawbench_zh", "zh/cluecorpus_web", "legal/zh_statutes"),
    "en": (
        "medical/aci_notes_train",
        "medical/pubmedqa_train",
        "web/c4_docs",
        "en/us_speeches",
        "legal/terms_of_service",
    ),
}
TASKS = {
    "zh": ("classify/chnsenticorp_train", "classify/thucnews_dev", "classify/tnews_train20k"),
    "en": ("classify/sst2_train", "classify/trec6_train", "classify/movie_reviews"),
}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


NEGATION = re.compile(
    "[不没沒無无未非勿莫毋别否]|禁止|拒绝|(?<![a-z])(?:no|not|never|none|nothing|nobody|neither|nor|without|cannot|n't|denies|denied|"
    "negative|absent|unable|refus\\w+|prohibit\\w*)(?![a-z])",
    re.I,
)
NUMBER = re.compile("[A-Za-z]*[0-9０-９]+(?:[.,:/-][0-9]+)*|[零〇一二三四五六七八九十百千万亿两]+")
UNIT = re.compile(
    "(?<=[0-9])\\s?(?:mg|kg|g|ml|mL|mm|cm|m|km|%|℃|°C|mmHg|IU|U|units?|mcg|hours?|days?|weeks?|months?|years?|dollars?)(?![A-Za-z])|"
    "(?<=[0-9零一二三四五六七八九十百千万亿两])(?:元|万|亿|年|月|日|天|小时|分钟|岁|克|毫克|千克|公斤|米|公里|厘米|毫米|升|毫升|条|款|项|号|名|人|次|个|%)"
)
CITATION = re.compile(
    "第[零一二三四五六七八九十百千0-9]+[条款项章节]|《[^》]+》|[（(〔][12][0-9]{3}[)）〕][^，。；\\s]{0,16}号|(?:Section|Article|Clause|Rule|§)\\s?[0-9]+(?:\\([a-z0-9]+\\))*|"
    "[A-Z][a-z]+ v\\. [A-Z][a-z]+|\\[[0-9, ]+\\]|\\([A-Z][a-z]+[^()]{0,30}[12][0-9]{3}\\)"
)


def terms() -> re.Pattern[str]:
    """The lexicons of law and medicine that ship, as whole words."""
    found: set[str] = set()
    for path in (Path(__file__).parents[1] / "domain_packs").glob("*/terms-*.txt"):
        if path.parent.name in ("legal", "medical"):
            found |= {
                line.split("\t")[0].strip() for line in path.read_text("utf-8").splitlines() if not line.startswith("#")
            }
    zh = sorted((t for t in found if t and not t.isascii()), key=len, reverse=True)
    en = sorted((t for t in found if t.isascii() and t), key=len, reverse=True)
    return re.compile(f"{'|'.join(map(re.escape, zh))}|\\b(?:{'|'.join(map(re.escape, en))})\\b", re.I)


def kept(parent: str, child: str, moved: bool, what: dict[str, re.Pattern[str]]) -> list[str]:
    """What differs, by name."""
    out = []
    for name, pattern in what.items():
        before, after = ([m[0] for m in pattern.finditer(t)] for t in (parent, child))
        if (Counter(before) != Counter(after)) if moved else before != after:
            out.append(name)
    return out


def children(texts: list[str], op: str, language: str, seed: int, **options: Any) -> list[tuple[int, str, int]]:
    """(parent, child's text, edits)."""
    step = Augment(ops=[op], share=1, seed=seed, **options)
    docs = step.transform(Documents.from_texts(texts, language=[language] * len(texts)))
    made = docs.table.slice(len(texts)).to_pylist()
    return [(int(row["parent_id"]), row["text"], row["augmentation"]["n_edits"]) for row in made]


def harm(folder: Path, work: Path, samples: list[str]) -> dict[str, Any]:
    what = {"negations": NEGATION, "numbers": NUMBER, "units": UNIT, "citations": CITATION, "terms": terms()}
    result: dict[str, Any] = {}
    for language, names in SOURCES.items():
        pools = []
        for name in names:
            pool = [r["text"][:1500] for r in rows(folder, name) if len(r["text"]) > 80]
            random.Random(3).shuffle(pool)
            pools.append(pool[:400])
        train = [t for pool in pools for t in pool[::2]]
        held = [t for group in zip(*(pool[1::2][:200] for pool in pools), strict=False) for t in group]
        model = work / f"{language}.npz"
        train_ngram(train, model, max_bytes=2 << 20)
        gate = Gate(str(model), 1.2)
        for op in OPS:
            found: list[tuple[str, str, int]] = []
            for seed in range(6):
                for parent, text, edits in children(held, op, language, seed, model=str(model)):
                    if len(found) < 200:
                        found.append((held[parent], text, edits))
                if len(found) >= 200:
                    break
            changed: Counter[str] = Counter()
            for parent_text, child, _ in found:
                changed.update(kept(parent_text, child, op == "recombine", what))
            ratios = [gate.ratio(p, c) for p, c, _ in found]
            result[f"{op} {language}"] = {
                "children": len(found),
                "edits a child": round(float(np.mean([e for *_, e in found])), 1),
                "with something changed": dict(changed),
                "perplexity ratio, median": round(float(np.median(ratios)), 3),
                "perplexity ratio, largest": round(max(ratios), 3),
            }
            for parent_text, child, _ in found[:40]:
                samples += [f"== {op} {language}", *differences(parent_text, child)]
    return result


def differences(before: str, after: str) -> list[str]:
    """The lines that differ, cut to what is around the first differences."""
    out = []
    for a, b in zip(
        re.split("(?<=[。！？])|\n|(?<=[.!?]) ", before), re.split("(?<=[。！？])|\n|(?<=[.!?]) ", after), strict=False
    ):
        if a != b:
            out += [f"- {a[:220]}", f"+ {b[:220]}"]
    return out[:8]


def accuracy(train: Any, labels: list[Any], test: Any, truth: list[Any]) -> float:
    """TF-IDF over hashed counts, so that the test set is counted once for all mixtures."""
    weights = TfidfTransformer(sublinear_tf=True).fit(train)
    model = LogisticRegression(C=10, max_iter=200)
    model.fit(weights.transform(train), labels)
    return float(model.score(weights.transform(test), truth))


def worth(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for language, names in TASKS.items():
        analyzer = {"analyzer": "char", "ngram_range": (1, 2)} if language == "zh" else {"ngram_range": (1, 2)}
        hashed = HashingVectorizer(n_features=1 << 18, alternate_sign=False, norm=None, **analyzer)
        for name in names:
            pairs = [(r["text"][:1000], r["label"]) for r in rows(folder, name)]
            gains: dict[str, list[float]] = {}
            for seed in range(5):
                random.Random(seed).shuffle(pairs)
                texts, labels = (list(column) for column in zip(*pairs[:100], strict=True))
                unseen, truth = (list(column) for column in zip(*pairs[100:1100], strict=True))
                train, test = hashed.transform(texts), hashed.transform(unseen)
                base = accuracy(train, labels, test, truth)
                gains.setdefault("without", []).append(base)
                every, every_labels = [train], list(labels)
                for op in OPS:
                    more = children(texts, op, language, seed, synonym_rate=0.5)
                    if not more:
                        gains.setdefault(op, []).append(0.0)
                        continue
                    made, theirs = hashed.transform([t for _, t, _ in more]), [labels[i] for i, *_ in more]
                    every.append(made)
                    every_labels += theirs
                    gains.setdefault(op, []).append(
                        accuracy(vstack([train, made]), [*labels, *theirs], test, truth) - base
                    )
                gains.setdefault("all operations", []).append(accuracy(vstack(every), every_labels, test, truth) - base)
            result[name] = {
                op: {"mean": round(float(np.mean(v)), 4), "by seed": [round(x, 4) for x in v]}
                for op, v in gains.items()
            }
    mean = {op: round(float(np.mean([t[op]["mean"] for t in result.values()])), 4) for op in (*OPS, "all operations")}
    return {"by task": result, "mean gain over tasks and seeds": mean}


def main() -> None:
    folder = Path(os.environ["CORPUSMILL_TEST_DATA"])
    samples: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        result = {"kept": harm(folder, Path(work), samples)}
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join(samples) + "\n", encoding="utf-8")
    result["worth"] = worth(folder)
    save("augmentation", {**about(("scikit-learn", "numpy")), **result})


if __name__ == "__main__":
    main()
