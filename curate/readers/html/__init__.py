"""Pages: their main text as Markdown."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.readers.html instead")
