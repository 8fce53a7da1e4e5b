"""Text of no particular domain, in Chinese and English."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs.general instead")
