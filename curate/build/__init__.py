"""From a pile of files to a domain corpus and a GPT in one call: `corpusmill build`."""

from __future__ import annotations

if "." not in __name__:
    raise ImportError("import corpusmill.curate.build instead")

from .build import BuildResult, build

__all__ = ["BuildResult", "build"]
