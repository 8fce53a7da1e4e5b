"""Augmentation: what 200 children of each operation and language keep, and what they are worth to a small classifier.

Kept: negations, numbers with units, citations and terms are extracted from parent and child by expressions of this
script, not by those of the step, and must be equal (as a multiset where sentences moved). The gate is a character n-gram
model trained on half of the documents, the children come from the other half; the perplexity ratio is that of the whole text.

Worth: TF-IDF (words; characters for Chinese) and logistic regression on 100 labelled documents, with and without children,
five draws of the 100 and five seeds of augmentation, accuracy on 1,000 others. A child gets its parent's label. The same
with a fastText classifier (words and pairs of them; characters and pairs for Chinese).

Needs the development data (CORPUSMILL_TEST_DATA). Arguments: a file to write samples to, for reading; `kept` or `worth` for
one part alone, into the figures that are there.
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

import fasttext
import numpy as np
from machine import about, save
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
    "zh": ("classify/chnsenticorp_train", "classify/thucnews_dev"),
    "en": ("classify/sst2_train", "classify/trec6_train"),
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
            pools.append(pool)
        train = [t for pool in pools for t in pool[:400:2]]
        held = [t for group in zip(*(pool[1:400:2] for pool in pools), strict=False) for t in group]
        # Few paragraphs have sentences that may change places, so many are read.
        many = [*held, *(t for pool in pools for t in pool[400:4000])]
        model = work / f"{language}.npz"
        train_ngram(train, model, max_bytes=2 << 20)
        gate = Gate(str(model), 1.2)
        for op in OPS:
            found: list[tuple[str, str, int]] = []
            texts = many if op == "recombine" else held
            for seed in range(1 if op == "recombine" else 6):
                for parent, text, edits in children(texts, op, language, seed, model=str(model)):
                    if len(found) < 200:
                        found.append((texts[parent], text, edits))
                if len(found) >= 200:
                    break
            changed: Counter[str] = Counter()
            for parent_text, child, _ in found:
                changed.update(kept(parent_text, child, op == "recombine", what))
            ratios = [gate.ratio(p, c) for p, c, _ in found]
            result[f"{op} {language}"] = {
                "children": len(found),
                "documents read": len(texts),
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


def fasttext_accuracy(
    texts: list[str], labels: list[Any], unseen: list[str], truth: list[Any], language: str, seed: int, work: Path
) -> float:
    """A fastText classifier of fifty dimensions, fifty epochs: settings that suit a hundred documents, the same for all."""

    def words(text: str) -> str:
        return " ".join(text if language == "zh" else re.findall(r"[\w']+|[^\w\s]", text.lower())).replace("\n", " ")

    path = work / "train.txt"
    lines = [f"__label__{label} {words(text)}" for text, label in zip(texts, labels, strict=True)]
    random.Random(seed).shuffle(lines)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = fasttext.train_supervised(
        str(path), dim=50, epoch=50, lr=0.5, wordNgrams=2, bucket=100_000, thread=1, seed=seed, verbose=0
    )
    told = model.f.multilinePredict([words(text) + "\n" for text in unseen], 1, 0.0, "strict")[0]
    return float(np.mean([row[0] == f"__label__{label}" for row, label in zip(told, truth, strict=True)]))


def worth(folder: Path, work: Path) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for language, names in TASKS.items():
        analyzer = {"analyzer": "char", "ngram_range": (1, 2)} if language == "zh" else {"ngram_range": (1, 2)}
        hashed = HashingVectorizer(n_features=1 << 16, alternate_sign=False, norm=None, **analyzer)
        for name in names:
            pairs = [(r["text"][:1000], r["label"]) for r in rows(folder, name)]
            gains: dict[str, dict[str, list[float]]] = {"TF-IDF": {}, "fastText": {}}
            made_by: Counter[str] = Counter()
            for seed in range(5):
                random.Random(seed).shuffle(pairs)
                texts, labels = (list(column) for column in zip(*pairs[:100], strict=True))
                unseen, truth = (list(column) for column in zip(*pairs[100:1100], strict=True))
                test = hashed.transform(unseen)

                def score(more: list[str], theirs: list[Any]) -> dict[str, float]:
                    all_texts, all_labels = [*texts, *more], [*labels, *theirs]  # noqa: B023
                    return {
                        "TF-IDF": accuracy(hashed.transform(all_texts), all_labels, test, truth),  # noqa: B023
                        "fastText": fasttext_accuracy(all_texts, all_labels, unseen, truth, language, seed, work),  # noqa: B023
                    }

                base = score([], [])
                every: tuple[list[str], list[Any]] = ([], [])
                sets: dict[str, tuple[list[str], list[Any]]] = {}
                for op in OPS:
                    made = children(texts, op, language, seed, synonym_rate=0.5)
                    sets[op] = [t for _, t, _ in made], [labels[i] for i, *_ in made]
                    made_by[op] += len(made)
                    for whole, part in zip(every, sets[op], strict=True):
                        whole.extend(part)
                sets["all operations"] = every
                # Each document once more: what more passes over the same documents bring.
                sets["copies of the documents"] = (texts, labels)
                for kind in gains:
                    gains[kind].setdefault("without", []).append(base[kind])
                for op, (more, theirs) in sets.items():
                    scores = score(more, theirs) if more else base
                    for kind in gains:
                        gains[kind].setdefault(op, []).append(scores[kind] - base[kind])
            result[name] = {
                "children of 500 documents": dict(made_by),
                **{
                    kind: {
                        op: {"mean": round(float(np.mean(v)), 4), "by seed": [round(x, 4) for x in v]}
                        for op, v in found.items()
                    }
                    for kind, found in gains.items()
                },
            }
    mean = {
        kind: {
            op: round(float(np.mean([task[kind][op]["mean"] for task in result.values()])), 4)
            for op in (*OPS, "all operations", "copies of the documents")
        }
        for kind in ("TF-IDF", "fastText")
    }
    return {"by task": result, "mean gain over tasks and seeds": mean}


def main() -> None:
    folder = Path(os.environ["CORPUSMILL_TEST_DATA"])
    samples: list[str] = []
    parts = [a for a in sys.argv[1:] if a in ("kept", "worth")] or ["kept", "worth"]
    path = Path(__file__).parent / "results" / "augmentation.json"
    result = json.loads(path.read_text("utf-8")) if path.exists() else {}
    with tempfile.TemporaryDirectory() as work:
        if "kept" in parts:
            result["kept"] = harm(folder, Path(work), samples)
        if "worth" in parts:
            result["worth"] = worth(folder, Path(work))
    for name in sys.argv[1:]:
        if name not in ("kept", "worth"):
            Path(name).write_text("\n".join(samples) + "\n", encoding="utf-8")
    save("augmentation", {**result, **about(("scikit-learn", "numpy", "fasttext"))})


if __name__ == "__main__":
    main()
