"""What a subject measured: a line of the table for each figure."""

from __future__ import annotations

import sys

HEAD = ("subject", "figure", "value", "limit", "result")


def line(*cells: str) -> str:
    """A line of the table."""
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def figure(subject: str, name: str, value: object, limit: object, kept: bool) -> bool:
    """Print a line of the table, and return whether the limit was `kept`."""
    print(line(subject, name, str(value), str(limit), "ok" if kept else "FAILED"), flush=True)
    return kept


def progress(text: str) -> None:
    """Show how far it is, on a terminal in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"{text:<78}", end="\r", file=sys.stderr, flush=True)
