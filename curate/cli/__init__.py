"""The command line: one file a family of commands."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.cli instead")
