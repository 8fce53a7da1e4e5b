"""Statutes, judgments, contracts and licences, in Chinese and English."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs.legal instead")
