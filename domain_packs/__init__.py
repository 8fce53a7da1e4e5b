"""Recipes, lexicons and steps for a domain, loaded by name."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs instead")
