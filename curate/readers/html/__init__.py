"""Pages: their main text as Markdown."""
