"""Personal data: found by pattern, check digit and context; replaced by a tag, a pseudonym, or nothing.

Look-arounds are spelled out over ASCII: `\\b` does not hold between a Chinese character and a digit, since both are
word characters, and rules built on it miss most Chinese text. What is recognised, and how: docs/privacy.md.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, SecretStr, model_validator

from ...curate.documents import Documents
from ...curate.registry import suggestion
from ...curate.step import Transform
from .dates import shifted, weeks, year_of
from .patterns import Found, find
from .people import court_names
from .places import county_in
from .pseudonyms import pseudonym
from .scan import candidates, folded

PIIKind = Literal[
    "email",
    "mobile_cn",
    "landline_cn",
    "phone",
    "id_cn",
    "bank_card",
    "company_code_cn",
    "passport",
    "plate_cn",
    "ip",
    "url_credentials",
    "api_key",
    "ssn_us",
    "medical_record",
    "document_number",
    "name",
    "address",
    "birth_date",
    "date",
    "age",
    "url",
]
KINDS: tuple[PIIKind, ...] = get_args(PIIKind)
Profile = Literal["general", "medical", "legal"]

_NUMBERED = KINDS[: KINDS.index("medical_record")]
PROFILES: dict[Profile, tuple[PIIKind, ...]] = {
    "general": _NUMBERED,
    "medical": KINDS,
    "legal": (*_NUMBERED, "medical_record", "document_number", "name", "address", "birth_date"),
}
"""The types that each profile looks for. The company code of a party stays in no published judgment either, but it is
public; it is in `general` because sole traders' codes lead to a person."""

SALT_VARIABLE = "CORPUSMILL_PII_SALT"


def _check_kinds(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    for kind in value:
        if kind not in KINDS:
            raise ValueError(f"unknown type of personal data {kind!r}{suggestion(str(kind), KINDS)}")
    return tuple(value)


class RedactPII(Transform):
    """Replaces personal data. Signals count it by type; what was found is kept nowhere."""

    name: ClassVar[str] = "redact_pii"
    version: ClassVar[int] = 4
    signal_names: ClassVar[tuple[str, ...]] = tuple(f"pii_{kind}" for kind in KINDS)

    profile: Profile = "general"
    """`general` looks for what has a form of its own: numbers, keys, e-mail addresses. `medical` looks for HIPAA's
    identifiers: also names, addresses, dates, ages over 89, record numbers, links. `legal` looks for names, addresses,
    birth dates and numbers as well, and writes names and addresses as courts publish them: 王某, the county."""
    kinds: Annotated[tuple[PIIKind, ...] | None, BeforeValidator(_check_kinds)] = None
    """Types to look for; the profile's when left out. The signal of a type that is not looked for is NaN."""
    mode: Literal["tag", "pseudonym", "drop"] = "tag"
    """`tag` writes `<EMAIL>`; `pseudonym` a fake of the same shape, the same for the same value, that can be nobody's
    (its check digit is wrong, its number is reserved); `drop` writes nothing."""
    salt: SecretStr | None = None
    """The key of the pseudonyms: whoever knows it can test guesses. Better set in the environment as
    CORPUSMILL_PII_SALT than in a recipe; it is never written out. With a salt, the dates of a medical document move by
    a number of weeks of its own; without one they are cut to their year."""

    @model_validator(mode="after")
    def _needs_salt(self) -> RedactPII:
        given = self.salt.get_secret_value() if self.salt is not None else ""
        if given and not given.strip("*"):
            raise ValueError("salt is a row of asterisks, as a manifest masks it; give the real one")
        if self.mode == "pseudonym" and not self._salt():
            raise ValueError(f"mode 'pseudonym' needs a salt: set the field or the variable {SALT_VARIABLE}")
        return self

    @property
    def wanted(self) -> tuple[PIIKind, ...]:
        """The types that it looks for."""
        return PROFILES[self.profile] if self.kinds is None else self.kinds

    def _salt(self) -> str:
        given = self.salt.get_secret_value() if self.salt is not None else ""
        return given or os.environ.get(SALT_VARIABLE, "")

    def fingerprint(self) -> dict[str, Any]:
        """As for every step, and which salt the environment holds: another one writes other text."""
        found = super().fingerprint()
        if self.salt is None and (self.mode == "pseudonym" or self.profile == "medical") and self._salt():
            found["content"]["salt"] = hashlib.sha256(self._salt().encode()).hexdigest()
        return found

    def transform(self, docs: Documents) -> Documents:
        kinds = frozenset(self.wanted)
        counts = {kind: np.zeros(len(docs), dtype=np.float32) for kind in self.wanted}
        salt = self._salt()
        changed: list[int] = []
        texts: list[str] = []
        for row, text, places in candidates(docs.text, kinds):
            found = find(text, kinds, self.profile == "legal", places)
            if not found:
                continue
            replacements = self._replacements(text, found, docs.ids[row], salt)
            pieces: list[str] = []
            at = 0
            for (start, end, kind), new in zip(found, replacements, strict=True):
                if new == text[start:end]:
                    continue
                counts[kind][row] += 1  # type: ignore[index]
                pieces += (text[at:start], new)
                at = end
            if pieces:
                changed.append(row)
                texts.append("".join((*pieces, text[at:])))
        signals = {
            f"pii_{kind}": counts[kind] if kind in counts else np.full(len(docs), np.nan, np.float32) for kind in KINDS
        }
        if not changed:
            return docs.with_signals(signals)
        mask = np.zeros(len(docs), dtype=bool)
        mask[changed] = True
        array = pc.replace_with_mask(docs.text, pa.array(mask), pa.array(texts, pa.large_string()))
        return docs.with_texts(array).with_signals(signals)

    def _replacements(self, text: str, found: list[Found], id_: str, salt: str) -> list[str]:
        """What is written for each find."""
        people: dict[str, str] = {}
        if self.profile == "legal":
            people = court_names(list(dict.fromkeys(text[s:e] for s, e, kind in found if kind == "name")))
        moves = weeks(id_, salt) if salt and (self.profile == "medical" or self.mode == "pseudonym") else 0
        year: int | None = None
        out = []
        for start, end, kind in found:
            value = folded(text[start:end])
            if kind in ("date", "birth_date"):
                stated = re.search(r"(?:18|19|20)[0-9]{2}", value)
                year = int(stated[0]) if stated else year
                new = shifted(value, moves, year) if moves else None
                if new is None and (self.profile == "medical" or (self.profile == "legal" and kind == "birth_date")):
                    new = year_of(value) or None
                out.append(self._plain(kind, value, salt) if new is None else new)
            elif kind == "age" and self.profile == "medical":
                out.append("90+")
            elif kind == "name" and value in people:
                out.append(people[value])
            elif kind == "address" and self.profile == "legal":
                out.append(county_in(text, start, end))
            else:
                out.append(self._plain(kind, value, salt))
        return out

    def _plain(self, kind: str, value: str, salt: str) -> str:
        if self.mode == "tag":
            return f"<{kind.upper()}>"
        return pseudonym(kind, value, salt) if self.mode == "pseudonym" else ""
