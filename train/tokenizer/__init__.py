"""The tokenizer: trained byte-level BPE, measured beside others' vocabularies."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.tokenizer instead")
