"""The engine: documents, steps, pipelines, recipes, readers, writers, executors, reports."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate instead")
