"""Clinical records, medical definitions, drug labels and articles, in Chinese and English."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs.medical instead")
