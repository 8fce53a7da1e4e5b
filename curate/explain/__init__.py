"""What became of a document, and what stands for those that were removed."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.explain instead")
