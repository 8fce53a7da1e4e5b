"""Word documents."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.readers.docx instead")
