"""Text kernels that the filters share: segmentation, hashing, n-grams, character classes."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.text instead")
