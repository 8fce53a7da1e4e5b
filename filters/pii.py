"""Personal data: found by pattern, check digit and context; replaced by a tag, a pseudonym, or nothing.

Look-arounds are spelled out over ASCII: `\\b` does not hold between a Chinese character and a digit, since both are
word characters, and rules built on it miss most Chinese text. What is recognised, and how: docs/privacy.md.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, SecretStr, model_validator

from ..curate.documents import Documents
from ..curate.registry import suggestion
from ..curate.step import Transform
from .pii_patterns import find
from .pii_pseudonyms import pseudonym

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
    "name",
]
KINDS: tuple[PIIKind, ...] = get_args(PIIKind)

SALT_VARIABLE = "CORPUSMILL_PII_SALT"

_CANDIDATE = (
    # Anything that any rule but `name` could start from, in RE2, which scans a batch without leaving C++.
    r"@|[0-9][0-9 .\-()（）]{5,}[0-9Xx]|://[^\s/]*@|[?&][A-Za-z_]*(?:token|key|passw|pwd|secret|sig)[A-Za-z_]*="
    r"|[A-Za-z0-9_\-]{16}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]*:|[A-Z][0-9]{6}"
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]|[0-9]{7}"
)
_NAME_CANDIDATE = r"先生|女士|小姐|太太|姓名|联系人|代表人|Mrs?\b|Ms\b|Miss\b|Dr\b|Prof\b"


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
    signal_names: ClassVar[tuple[str, ...]] = tuple(f"pii_{kind}" for kind in KINDS)

    kinds: Annotated[tuple[PIIKind, ...], BeforeValidator(_check_kinds)] = tuple(k for k in KINDS if k != "name")
    """Types to look for; `name` (after honorifics and labels) is off by default. The signal of a type that is not
    looked for is NaN."""
    mode: Literal["tag", "pseudonym", "drop"] = "tag"
    """`tag` writes `<EMAIL>`; `pseudonym` a fake of the same shape, the same for the same value, that can be nobody's
    (its check digit is wrong, its number is reserved); `drop` writes nothing."""
    salt: SecretStr | None = None
    """The key of the pseudonyms: whoever knows it can test guesses. Better set in the environment as
    CORPUSMILL_PII_SALT than in a recipe; it is never written out."""

    @model_validator(mode="after")
    def _needs_salt(self) -> RedactPII:
        given = self.salt.get_secret_value() if self.salt is not None else ""
        if given and not given.strip("*"):
            raise ValueError("salt is a row of asterisks, as a manifest masks it; give the real one")
        if self.mode == "pseudonym" and not self._salt():
            raise ValueError(f"mode 'pseudonym' needs a salt: set the field or the variable {SALT_VARIABLE}")
        return self

    def _salt(self) -> str:
        given = self.salt.get_secret_value() if self.salt is not None else ""
        return given or os.environ.get(SALT_VARIABLE, "")

    def transform(self, docs: Documents) -> Documents:
        counts = {kind: np.zeros(len(docs), dtype=np.float32) for kind in self.kinds}
        candidate = _CANDIDATE + ("|" + _NAME_CANDIDATE if "name" in self.kinds else "")
        wanted = frozenset(self.kinds)
        salt = self._salt()
        changed: list[int] = []
        texts: list[str] = []
        maybe = pc.fill_null(pc.match_substring_regex(docs.text, candidate), False)
        for row in np.flatnonzero(maybe.to_numpy(zero_copy_only=False)):
            text = docs.text[int(row)].as_py()
            found = find(text, wanted)
            if not found:
                continue
            pieces: list[str] = []
            at = 0
            for start, end, kind in found:
                counts[kind][row] += 1  # type: ignore[index]
                pieces += (text[at:start], self._replacement(kind, text[start:end], salt))
                at = end
            pieces.append(text[at:])
            changed.append(int(row))
            texts.append("".join(pieces))
        signals = {
            f"pii_{kind}": counts[kind] if kind in counts else np.full(len(docs), np.nan, np.float32) for kind in KINDS
        }
        if not changed:
            return docs.with_signals(signals)
        mask = np.zeros(len(docs), dtype=bool)
        mask[changed] = True
        array = pc.replace_with_mask(docs.text, pa.array(mask), pa.array(texts, pa.large_string()))
        return docs.with_texts(array).with_signals(signals)

    def _replacement(self, kind: str, value: str, salt: str) -> str:
        if self.mode == "tag":
            return f"<{kind.upper()}>"
        return pseudonym(kind, value, salt) if self.mode == "pseudonym" else ""
