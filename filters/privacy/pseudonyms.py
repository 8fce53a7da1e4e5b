"""Fakes for personal data: of the same type and shape, the same for the same value, and nobody's.

Each is made so that our own rules do not take it for personal data: redacting twice changes nothing, and no fake can
reach a living person. Phone numbers use prefixes that are not assigned, checked numbers a wrong check digit, hosts and
mail domains those that the RFCs keep for documents.
"""

from __future__ import annotations

import hashlib
import re

from .patterns import company_code_check, id_cn_check, luhn
from .scan import folded

_GIVEN_ZH = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚"
_NAMES_EN = (
    "Alex Avery Blake Casey Dana Drew Eden Ellis Harper Jamie Jordan Kai Lane Morgan Quinn Reese Riley Sage Taylor"
)


def pseudonym(kind: str, value: str, salt: str) -> str:
    """The fake for `value` under `salt` (BLAKE2b, keyed): separators and case do not matter to which."""
    plain = re.sub(r"[\s\-()（）·]", "", folded(value)).lower()
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    stream = int.from_bytes(hashlib.blake2b(f"{kind}\x00{plain}".encode(), key=key, digest_size=32).digest(), "big")

    def digits(n: int) -> str:
        return str(stream % 10**n).zfill(n)

    if kind == "email":
        return f"user{stream % 16**10:010x}@example.com"
    if kind == "mobile_cn":
        return "100" + digits(8)
    if kind == "landline_cn":
        return "000-" + digits(8)
    if kind == "phone":
        # Only 100 numbers are kept for fiction, so area codes (never assigned: N11) carry the difference.
        return f"+1-{2 + stream % 8}11-555-01{stream // 8 % 100:02d}"
    if kind == "id_cn":
        body = f"{digits(6)}{1950 + stream // 10**6 % 50}01{1 + stream // 10**8 % 28:02d}{stream // 10**10 % 1000:03d}"
        body = "00" + body[2:]
        return body + ("0" if id_cn_check(body) != "0" else "1")
    if kind == "bank_card":
        body = "9900" + digits(11)
        return body + next(c for c in "01" if not luhn(body + c))
    if kind == "company_code_cn":
        body = "910000" + digits(11)
        return body + next(c for c in "01" if company_code_check(body) != c)
    if kind == "passport":
        return "X" + digits(6)
    if kind == "plate_cn":
        return "某A" + digits(5)
    if kind == "ip":
        return (
            f"192.0.2.{stream % 256}" if "." in value else f"2001:db8::{stream % 65536:x}:{stream // 65536 % 65536:x}"
        )
    if kind in ("url_credentials", "api_key"):
        # Secrets have no shape worth keeping, and `user@host` would be taken for an e-mail address.
        return f"<SECRET-{stream % 16**10:010x}>"
    if kind == "ssn_us":
        return f"000-{digits(2)}-{stream // 100 % 10000:04d}"
    if kind == "name":
        if value[0].isascii():
            first = _NAMES_EN.split()
            return f"{first[stream % len(first)]} Nemo-{stream // len(first) % 16**6:06x}"
        given = len(_GIVEN_ZH)
        return "某" + "".join(_GIVEN_ZH[stream // given**i % given] for i in range(3))
    if kind in ("medical_record", "document_number"):
        return "R-" + digits(10)
    if kind == "address":
        return f"<ADDRESS-{stream % 16**8:08x}>"
    if kind == "url":
        return f"<URL-{stream % 16**8:08x}>"
    if kind in ("date", "birth_date"):
        return "<DATE>"
    if kind == "age":
        return "90+"
    raise AssertionError(kind)
