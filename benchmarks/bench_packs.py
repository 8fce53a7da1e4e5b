"""What the packs keep of clean documents of their domain, and what they drop of junk, by genre.

Documents over 200 characters of the development data (CORPUSMILL_TEST_DATA, or ../shared/data beside the repository), through
a recipe's Transforms and Filters, before deduplication. Junk is spam mail, pages of spam and listing tables, in the recipe's
language. What a pack cannot know to be junk (a clean page of another domain) is no junk here; how
much news passes the packs of law and medicine stands apart.

    python benchmarks/bench_packs.py [RECIPE ...]      what is not named stays in the results
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

from bench_recall import DATA, genres, is_english, rows
from machine import RESULTS, about, save

from corpusmill.curate.documents import Documents
from corpusmill.curate.recipe import parse_recipe
from corpusmill.curate.step import Filter, Transform, failures
from corpusmill.domain_packs import recipe_names, recipe_text

MOST, LEAST_CHARS = 1000, 200
CHOSEN_ON = 200
"""Mails of the junk that bounds of the English packs were chosen on; the others stand apart."""
CLEAN = {
    "legal": (
        "legal",
        (
            *("statutes", "cases", "counsel", "contracts", "tos", "tos_contracts", "tos_house_rules"),
            *("tos_others", "tos_others_contracts", "bills"),
        ),
    ),
    "medical": ("medical", ("consultations", "dialogues", "papers", "medquad", "notes", "patients")),
    "general": ("none", ("wiki", "news", "c4")),
}


OF_CONTRACT = re.compile(r"Terms|Privacy|Conditions|Agreement|Licen|Contract|Cookie|Trackers|Imprint|Copyright")
"""In the name of a document: a contract with its users or a notice that law asks for; the others (guidelines, acceptable
use, brands) are rules of the house."""


def by_title(texts: list[str]) -> dict[str, list[str]]:
    """The terms of service, those that are contracts by their titles and the others."""
    names = dict(rows("legal/terms_of_service.jsonl.gz", lambda r: (r["text"], r["id"].rpartition("/")[2])))
    return {
        "en.tos_contracts": [t for t in texts if OF_CONTRACT.search(names[t])],
        "en.tos_house_rules": [t for t in texts if not OF_CONTRACT.search(names[t])],
    }


def of_others() -> dict[str, list[str]]:
    """Terms of services that terms_of_service.jsonl.gz has no document of the same name from, one version of each."""
    known = set(rows("legal/terms_of_service.jsonl.gz", lambda r: r["id"].removesuffix(".md")))
    first: dict[str, str] = {}
    for group, text in rows("dedup/terms_versions.jsonl.gz", lambda r: (r["group"].removesuffix(".md"), r["text"])):
        if group not in known and group not in first and is_english(text):
            first[group] = text
    contracts = [t for group, t in first.items() if OF_CONTRACT.search(group.rpartition("/")[2])]
    return {"en.tos_others": list(first.values()), "en.tos_others_contracts": contracts}


def spam_mail() -> Iterator[str]:
    with tarfile.open(DATA / "web/emails_raw.tar.gz") as tar:
        for member in tar:
            if member.isfile() and "spam" in member.name and (file := tar.extractfile(member)):
                message = email.message_from_bytes(file.read(), policy=email.policy.compat32)
                part = next((p for p in message.walk() if p.get_content_maintype() == "text"), None)
                body = part.get_payload(decode=True) if part is not None else None
                if isinstance(body, bytes):
                    yield re.sub(r"<[^>]+>", " ", body.decode("latin-1"))


def kept(recipe: str, texts: list[str]) -> tuple[float, dict[str, int]]:
    """Share of the texts that pass, and how many each rule dropped."""
    steps = parse_recipe(recipe_text(recipe), inputs=[str(DATA)]).pipeline.steps
    docs, why = Documents.from_texts(texts), dict[str, int]()
    for step in steps:
        if isinstance(step, Transform):
            docs = step.transform(docs)
        elif isinstance(step, Filter):
            docs = step.measure(docs)
            gone: set[int] = set()
            for row, rule, *_ in failures(step, docs):
                why[f"{step.name}.{rule.name}"] = why.get(f"{step.name}.{rule.name}", 0) + 1
                gone.add(row)
            docs = docs.take([row for row in range(len(docs)) if row not in gone])
    return round(len(docs) / max(1, len(texts)), 4), dict(sorted(why.items(), key=lambda item: -item[1])[:4])


def main() -> None:
    if not (DATA / "README.md").is_file():
        print(f"skipped: there is no development data at {DATA} (set CORPUSMILL_TEST_DATA)")
        return
    texts = genres()
    texts["legal"] |= by_title(texts["legal"]["en.tos"]) | of_others()
    mails = list(spam_mail())
    junk = {
        "zh": {"junk": list(rows("web/zh_web_raw.jsonl.gz"))},
        "en": {"junk": mails[:CHOSEN_ON], "junk_others": mails[CHOSEN_ON:]},
    }
    result: dict[str, Any] = {"about": about(("corpusmill", "numba", "polars"))}
    for recipe in recipe_names():
        pack, _, language = recipe.rpartition("-")
        if sys.argv[1:] and recipe not in sys.argv[1:]:
            continue
        domain, names = CLEAN.get(pack, ("", ()))
        found: dict[str, Any] = {}
        for name in names:
            clean = [t for t in texts[domain].get(f"{language}.{name}", []) if LEAST_CHARS < len(t) < 60_000][:MOST]
            if clean:
                share, why = kept(recipe, clean)
                found[name] = {"documents": len(clean), "kept": share, "dropped_by": why}
        if domain in ("legal", "medical"):
            news = [t for t in texts["none"][f"{language}.news"] if LEAST_CHARS < len(t) < 60_000][:MOST]
            share, _ = kept(recipe, news)
            found["news, about anything"] = {"documents": len(news), "kept": share}
        for name, bad in junk[language].items():
            share, why = kept(recipe, bad)
            found[name] = {"documents": len(bad), "dropped": round(1 - share, 4), "dropped_by": why}
        result[recipe] = found
        print(recipe, found, flush=True)
    kept_results = RESULTS / "packs.json"
    if sys.argv[1:] and kept_results.is_file():
        result = json.loads(kept_results.read_text("utf-8")) | result
    save("packs", result)


if __name__ == "__main__":
    main()
