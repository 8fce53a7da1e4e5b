"""A pretrained GPT on a task: classes, instructions, preferences; the search for settings."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.finetune instead")
