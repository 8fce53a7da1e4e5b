"""A domain's documents in a pool: rounds of a classifier, one task a unit."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.recall instead")
