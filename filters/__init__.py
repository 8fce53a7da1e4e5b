"""What a step can do: one family of steps a file."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters instead")
