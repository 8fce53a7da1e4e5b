"""How good a model is: scores, cross-validation, comparison, code that is run locked down, leaks."""

if "." not in __name__:
    raise ImportError("import corpusmill.train.evaluate instead")
