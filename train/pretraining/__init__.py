"""A GPT from a corpus, and what is written about it."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.pretraining instead")
