"""XML that holds documents: journals, laws, dumps."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.readers.xml instead")
