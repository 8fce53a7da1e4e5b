"""Write docs/cli.md from the command's own help, so that it cannot drift (a test compares them)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from corpusmill.curate.cli.app import app

TARGET = Path(__file__).with_name("cli.md")


def reference() -> str:
    """The reference of every command as Markdown."""
    root = typer.main.get_command(app)
    lines = ["# Command line", "", "Made by `make docs` from the command's own help.", ""]
    _walk(root, "corpusmill", lines, 2)
    return "\n".join(lines).rstrip() + "\n"


def _walk(command: Any, path: str, lines: list[str], level: int) -> None:
    context = command.context_class(command, info_name=path, terminal_width=100, max_content_width=100)
    lines += [f"{'#' * min(level, 4)} {path}", "", "```", command.get_help(context).strip(), "```", ""]
    for name, inner in getattr(command, "commands", {}).items():
        _walk(inner, f"{path} {name}", lines, level + 1)


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
