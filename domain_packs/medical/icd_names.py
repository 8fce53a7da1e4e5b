"""Names of diseases from ICD-10-CM, as people write them: how `icd10cm-names-en.txt` was made, and can be made again.

    python -m corpusmill.domain_packs.medical.icd_names icd10c-tabular-April-1-2026.xml > icd10cm-names-en.txt

The tabular list is a work of the US government (NCHS), in the public domain; the package simple-icd-10-cm 1.5.0 (MIT) holds
its April 2026 edition. WHO's own ICD-10 is not used: its text may not be changed (CC BY-ND), whatever the licence of a
package around it. No ICD-10 in Chinese is under a permissive licence (the national editions are not, and no package has one).

A classification writes "Hypertension, unspecified" and "Other specified disorders of bladder": what no text would say is
left out, and so is a name that holds a shorter one (chronic bronchitis, beside bronchitis), which is found anyway.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE = "icd10cm-names-en.txt"

_LEFT_OUT_CHAPTERS = "STVWXYZ"
"""Injuries by place, external causes, contacts with health services: words of everyday."""

_COUNTED = re.compile(
    r"\b(?:other|elsewhere|with|without|due|classified|encounter|specified|unspecified|side|right|left|initial|subsequent|sequela|"
    r"involving|following|contact|assault|not|and|or|as|by|from|during|status|history|problems?|screening|examination|type|stage|"
    r"grade|level|part|sites?|multiple|causes?|various|any|all|that|which|see|use|code|persons?|child|abuse|neglect|counseling|"
    r"unilateral|bilateral)\b",
    re.I,
)
_EDGE = re.compile(r"\s(?:of|in|to|for|the|a|an|at|on|is|are|into|be)$|^(?:of|in|to|the|a|an)\s")
_ONE_WORD = re.compile(
    r"(?:itis|osis|asis|emia|oma|pathy|algia|uria|rrhea|plegia|paresis|phobia|trophy|plasia|megaly|ectasis|ectasia|stenosis|penia|"
    r"ptosis|cele|pnea|phagia|phasia|philia|ismus|olysis|malacia|edema|syphilis|cholera|measles|mumps|rubella|malaria|rabies|"
    r"tetanus|leprosy|scabies|tularemia|dengue|influenza|hernia|epilepsy|asthma|hypertension|hypotension|tachycardia|"
    r"bradycardia|fibrillation|infarction|embolism|aneurysm|varices|hemorrhoids|jaundice|ascites|gangrene|eczema|urticaria|vertigo|"
    r"tinnitus|cataract|amblyopia|strabismus|rickets|scurvy|pellagra|beriberi|cretinism|goiter|dementia|delirium|autism|anorexia|"
    r"bulimia|insomnia|narcolepsy|migraine|torticollis|hemophilia|porphyria|eclampsia|hydrops|anencephaly|sepsis|hydrocephalus|microcephaly)$"
)
_EVERYDAY = frozenset(("old age", "new growth", "low density", "bat ear"))


def names(described: Iterable[tuple[str, str]]) -> list[str]:
    """The names worth to look for, sorted, of (code, title or inclusion term)."""
    found = {name for code, title in described if code[:1] not in _LEFT_OUT_CHAPTERS and (name := _name(title))}
    kept: set[str] = set()
    for name in sorted(found, key=lambda n: (n.count(" "), n)):
        words = name.split()
        inner = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)} - {name}
        if not inner & kept:
            kept.add(name)
    return sorted(kept - _EVERYDAY)


def _name(title: str) -> str | None:
    title = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", title)
    title = re.sub(r",? unspecified\b.*$|\b(?:NOS|NEC)\b.*$", "", title)
    title = " ".join(title.split()).strip(" .:;-").lower()
    words = title.split()
    if not 1 <= len(words) <= 4 or not 5 <= len(title) <= 44 or not re.fullmatch(r"[a-z][a-z' -]*[a-z]", title):
        return None
    if _COUNTED.search(title) or _EDGE.search(title) or (len(words) == 1 and not _ONE_WORD.search(title)):
        return None
    return title


def tabular(path: Path) -> Iterator[tuple[str, str]]:
    """(code, title or inclusion term) of NCHS's tabular list."""
    from lxml import etree  # type: ignore[import-untyped]

    for diag in etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).iter("diag"):
        code = diag.findtext("name", "")
        yield code, diag.findtext("desc", "")
        for kind in ("inclusionTerm", "includes"):
            yield from ((code, note.text or "") for note in diag.findall(f"{kind}/note"))


def main() -> None:
    print(
        "# Names of diseases in ICD-10-CM, April 2026 (NCHS, a work of the US government: public domain), shortened by"
    )
    print("# medical/icd_names.py from the tabular list in simple-icd-10-cm 1.5.0 (MIT). Lower case, one a line.")
    print("\n".join(names(tabular(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
