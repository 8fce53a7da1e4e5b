"""The demo: real text from fetched packages, curated by the packs, and a GPT trained on it."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.demo instead")

from .raw import Source, write_raw
from .story import run_demo

__all__ = ["Source", "run_demo", "write_raw"]
