"""corpusmill: raw text in, a corpus and a GPT out."""

__version__ = "0.1.0"
