"""PDF with a text layer."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.readers.pdf instead")
