"""A stand-in for `cupyx`: what matrices without an answer lead to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

linalg_errors = "ignore"


@contextlib.contextmanager
def errstate(*, linalg: str) -> Iterator[None]:
    """Inside the block, "raise" errors of linear algebra or "ignore" them."""
    global linalg_errors
    before, linalg_errors = linalg_errors, linalg
    try:
        yield
    finally:
        linalg_errors = before
