"""The GPT: its parts, sizes and adapters, checkpoints of others in and out, text from it."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.model instead")
