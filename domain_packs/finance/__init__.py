"""Reports, announcements and financial news, in Chinese and English."""

if "." not in __name__:
    raise ImportError("import corpusmill.domain_packs.finance instead")
