"""What is written about a corpus: the page, the dataset card, clusters of duplicates."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.report instead")
