"""The loop that all training shares: optimizers, guards, checkpoints, many processes, progress."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.loop instead")
