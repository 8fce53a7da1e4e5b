"""From a Parquet corpus to a tokenizer, a GPT, a fine-tuned one and its export."""

if "." not in __name__:
    raise ImportError("import corpusmill.train instead")
