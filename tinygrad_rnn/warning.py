"""Warnings that are shown at the line of the user's program that caused them."""

from __future__ import annotations

import sys
import warnings

_HERE = f"{__package__}."


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of something at the innermost line that is not this library's."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
