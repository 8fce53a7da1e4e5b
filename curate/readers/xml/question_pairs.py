"""Questions and answers in the XML of MedQuAD: a topic, its questions, and answers full of runs of blanks."""

from __future__ import annotations

import re
from typing import Any

from .words import inline, local, tidy

_ITEM = re.compile(r"[ \t]{2,}(?=- \S)")


def questions(element: Any) -> tuple[str, dict[str, Any]] | None:
    """(text, metadata) of a `<Document>` with `<QAPairs>`; None if there are none. Pairs without an answer are left out."""
    parts = {local(child): child for child in element}
    if "QAPairs" not in parts:
        return None
    fields: dict[str, Any] = {}
    blocks: list[str] = []
    if "Focus" in parts and (focus := tidy(inline(parts["Focus"]))):
        fields["title"] = focus
        blocks.append(f"# {focus}")
    fields.update(
        {name: element.get(key) for name, key in (("publisher", "source"), ("url", "url")) if element.get(key)}
    )
    for pair in parts["QAPairs"]:
        said = {local(child): inline(child) for child in pair}
        if answer := _paragraphs(said.get("Answer", "")):
            blocks += [f"## {tidy(said.get('Question', ''))}", answer]
    return "\n\n".join(blocks), fields


def _paragraphs(answer: str) -> str:
    """Paragraphs with a blank line between them, items on lines of their own."""
    out = []
    for paragraph in re.split(r"\n[ \t]*\n", answer):
        lines = [tidy(line) for line in _ITEM.sub("\n", paragraph).split("\n- ")]
        if lines[0] or len(lines) > 1:
            out.append("\n- ".join(lines).strip())
    return "\n\n".join(out)
