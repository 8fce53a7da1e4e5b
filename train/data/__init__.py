"""From a corpus to batches: tokenized once, mixed, packed without a cut, traceable."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.data instead")
