"""What `paper_back_matter` cuts of papers' back matter, and of everything else.

Papers: the five of the development data, as plain text in six layouts (their own references, numbered, bracketed, by author,
wrapped at 80 columns, without a heading, in Markdown), with their tables as Markdown or as columns of blanks. What ought to
go is known. Harm: every other document of the folders medical, legal, zh and en, none of which has a list of references.

    python benchmarks/bench_back_matter.py          needs the development data (CORPUSMILL_TEST_DATA, else ../shared/data)
"""

from __future__ import annotations

import re
import tarfile
import textwrap
import time
from collections.abc import Iterator
from typing import Any

from bench_kept_spans import DATA, texts
from lxml import etree  # type: ignore[import-untyped]
from machine import about, save

from corpusmill.curate.documents import Documents
from corpusmill.curate.readers.xml.jats import article
from corpusmill.domain_packs import PaperBackMatter

LAYOUTS = ("numbered", "bracketed", "by author", "wrapped", "no heading", "markdown")
THANKS = [
    (
        "Acknowledgements",
        "We thank the nurses of the ward, who collected every sample, and two reviewers for their advice.",
    ),
    ("Conflict of Interest", "The authors declare that they have no competing interests."),
    (
        "Author Contributions",
        "AB designed the study. CD did the analysis. All authors read and approved the manuscript.",
    ),
]


def reference(ref: Any) -> str:
    """One reference as journals print it, of its parts."""

    def parts(name: str) -> list[str]:
        return ["".join(e.itertext()).strip() for e in ref.iter(name)]

    names = [f"{s} {g}" for s, g in zip(parts("surname"), parts("given-names"), strict=False)][:6] or parts("collab")
    volume, first, last = ((parts(n) or [""])[0] for n in ("volume", "fpage", "lpage"))
    where = f"{volume}:{first}-{last}." if volume and first else ""
    title, source, year = ((parts(n) or [""])[0] for n in ("article-title", "source", "year"))
    return re.sub(r"\s+", " ", f"{', '.join(names)}. {title}. {source} {year};{where}").strip()


def papers() -> Iterator[tuple[str, list[str]]]:
    """(text of the reader, references)"""
    with tarfile.open(DATA / "medical/pmc_articles_nxml.tar.gz") as tar:
        for member in tar:
            if file := tar.extractfile(member):
                root = etree.parse(file, etree.XMLParser(load_dtd=False, no_network=True)).getroot()
                references = [reference(r) for r in root.iter("ref")]
                found = article(root)
                if found:
                    yield found[0], references


def laid_out(text: str, references: list[str], layout: str) -> tuple[list[str], list[str]]:
    """The lines of a paper in one layout: (science, back matter)."""
    plain = layout != "markdown"
    science = [re.sub(r"^#+ ", "", line) if plain else line for line in text.split("\n")]
    if plain:
        science = [re.sub(r" *\| *", "   ", line).strip() if line.startswith("|") else line for line in science]
        science = [line for line in science if not re.fullmatch(r"[- ]+", line) or not line]
    if layout == "by author":
        entries = sorted(references)
    else:
        mark = "[{}] {}" if layout == "bracketed" else "{}. {}"
        entries = [mark.format(i, r) for i, r in enumerate(references, 1)]
    if layout == "wrapped":
        science = [
            w
            for line in science
            for w in (textwrap.wrap(line, 80, break_on_hyphens=False) if not line.count("   ") else [line]) or [""]
        ]
        entries = [w for e in entries for w in textwrap.wrap(e, 80)]
    head = "## " if layout == "markdown" else ""
    back = [
        line for title, words in THANKS for line in (f"{head}{title}", "" if head else words, words if head else "")
    ]
    back += ["Received 3 March 2011; accepted 5 May 2011", ""]
    back += [*([] if layout == "no heading" else [f"{head}References", ""]), *entries]
    return science, back


def main() -> None:
    if not (DATA / "README.md").is_file():
        print(f"skipped: there is no development data at {DATA} (set CORPUSMILL_TEST_DATA)")
        return
    step = PaperBackMatter()
    result: dict[str, Any] = {}
    for layout in LAYOUTS:
        gone = lost = rows = all_rows = back_size = size = 0
        for text, references in papers():
            science, back = laid_out(text, references, layout)
            left = step.transform(Documents.from_texts(["\n".join([*science, "", *back])])).texts[0]
            kept = left.split("\n")
            for line in filter(str.strip, back):
                back_size += len(line)
                gone += len(line) if line not in kept else 0
            for line in filter(str.strip, science):
                numeric = sum(bool(re.fullmatch(r"[\d.,%()±<>-]+", w)) for w in line.split()) >= 3
                size += len(line)
                all_rows += numeric
                if line not in kept:
                    lost += len(line)
                    rows += numeric
                    print(f"lost ({layout}): {line[:100]!r}")
        result[layout] = {"back_matter_cut": round(gone / back_size, 4), "science_cut": round(lost / size, 6), "lines_of_numbers": all_rows, "lines_of_numbers_cut": rows}  # fmt: skip
        print(layout, result[layout], flush=True)
    documents = changed = cut = characters = 0
    seconds = 0.0
    for folder in ("medical", "legal", "zh", "en"):
        for path in sorted((DATA / folder).iterdir()):
            batch = [t for t in texts(path) if t and len(t) < 400_000]
            if not batch or "nxml" in path.name:
                continue
            docs = Documents.from_texts(batch)
            begun = time.process_time()
            docs = step.transform(docs)
            seconds += time.process_time() - begun
            documents, characters = documents + len(batch), characters + sum(map(len, batch))
            changed += len({r.row for r in docs.removed})
            cut += sum(len(r.text) for r in docs.removed)
            for r in docs.removed:
                print(f"cut in {path.name}: {r.rule}: {r.text[:120]!r}")
    harm = {"documents": documents, "documents_changed": changed, "characters_cut": cut, "characters": characters}
    speed = round(characters / seconds / 1e6, 1)
    save("back_matter", {"layouts": result, "harm": harm, "million_characters_a_second": speed, **about(())})


if __name__ == "__main__":
    main()
