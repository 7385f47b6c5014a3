"""What a stream does with kernels: it runs them, or writes them down while it captures a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Work = Callable[[], Any]
_GARBAGE = {"f": np.nan, "i": 7, "u": 7, "b": False}


class Recording:
    """The work of a graph, in order, and the memory that it uses."""

    def __init__(self) -> None:
        self.work: list[Work] = []
        self.memory: list[Any] = []


capturing: Recording | None = None  # that of the current stream


def change(work: Work) -> None:
    """A kernel that writes into memory that is there. A stream that captures does not run it."""
    if capturing is None:
        with np.errstate(all="ignore"):  # a GPU says nothing about infinities
            work()
    else:
        capturing.work.append(work)


def made(work: Work, results: list[np.ndarray]) -> None:
    """Note what made new memory. Until a graph is launched nothing is in it that means anything."""
    if capturing is None:
        return

    def again() -> None:
        new = work()
        for result, values in zip(
            results, new if isinstance(new, tuple | list) else [new], strict=True
        ):
            result[...] = values

    capturing.work.append(again)
    for result in results:
        spoil(result)


def spoil(new: np.ndarray) -> None:
    """Make memory look as if nothing meaningful was in it; while a graph is captured, keep it."""
    new.fill(_GARBAGE[new.dtype.kind])
    if capturing is not None:
        capturing.memory.append(new)
