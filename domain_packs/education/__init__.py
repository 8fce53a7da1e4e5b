"""Textbooks, lesson plans and examinations, in Chinese and English."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs.education instead")
