"""A run on disk: its folder, phases and tasks, and what each hands to the next."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.run instead")
