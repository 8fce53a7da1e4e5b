"""XML that holds documents: journals, laws, dumps."""
