"""Numbers on a GPU that must be in a range: looked at there, complained of when the host waits.

A check costs two small kernels and no waiting. Each keeps, in its place of one array per GPU, the
largest number it has seen; negative ones count as larger than all others. Whoever reads values
for a user, and `synchronize`, looks at that array too. Until then a wrong index is harmless: CuPy
wraps it around. With CUDA_LAUNCH_BLOCKING=1 in the environment every check waits, so that the
traceback shows the operation itself.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import cupy
import numpy as np

from .capture import capture
from .deferred import deferred

PLACES = 256  # checks that differ before the host has to look
at_once = os.environ.get("CUDA_LAUNCH_BLOCKING") == "1"

_HELP = (
    " (found on a GPU by an operation that ran before this one: set CUDA_LAUNCH_BLOCKING=1 to have "
    "it raised there)"
)


class Check(NamedTuple):
    """What is asked for: low <= number < high, or else an error with the number in its message."""

    low: int
    high: int
    error: type[Exception]
    message: str
    below: str

    def complaint(self, number: int) -> Exception:
        text = self.below if number < 0 and self.below else self.message
        return self.error(text.format(number) + ("" if at_once else _HELP))


class _Seen:
    """What the checks on one GPU have seen: the largest distance of a number from its low end."""

    def __init__(self) -> None:
        self.largest = cupy.zeros(PLACES, "uint64")
        self.places: dict[Check, int] = {}
        self.free = list(range(PLACES))
        self.in_graphs: set[Check] = set()  # whose places are written to by launches of graphs

    def place(self, check: Check) -> cupy.ndarray:
        """Where the check keeps what it has seen, of shape (1,)."""
        if capture.work is not None:
            self.in_graphs.add(check)
        if check not in self.places:
            if not self.free:
                self.look()
                self.largest.fill(0)
                others = [other for other in self.places if other not in self.in_graphs]
                self.free = [self.places.pop(other) for other in others]
            self.places[check] = self.free.pop()
        place = self.places[check]
        return self.largest[place : place + 1]

    def look(self) -> None:
        """Raise the error of a check that saw a wrong number; forget what was seen."""
        largest = self.largest.get()
        for check, place in self.places.items():
            if largest[place] >= check.high - check.low:
                self.largest.fill(0)
                number = int(largest[place].astype(np.int64)) + check.low
                raise check.complaint(number)


_seen: dict[int, _Seen] = {}


def check_range(
    index: cupy.ndarray, low: int, high: int, error: type[Exception], message: str, below: str = ""
) -> None:
    if not index.size:
        return
    distance = index.astype(np.int64, copy=False)
    if low:
        distance = distance - low
    place = prepare().place(Check(low, high, error, message, below))
    cupy.maximum(place, distance.view("uint64").max(), out=place)
    deferred.waiting = True
    if at_once:
        report()


def check_index(
    index: cupy.ndarray, size: int, what: str, error: type[Exception] = IndexError
) -> None:
    message = f"index {{}} is out of bounds for {what} with size {size}"
    check_range(index, -size, size, error, message)


def prepare() -> _Seen:
    """What was seen on the current GPU; there must be one before a graph is captured."""
    here = cupy.cuda.runtime.getDevice()
    if here not in _seen:
        _seen[here] = _Seen()
    return _seen[here]


def report() -> None:
    """Wait for the GPUs that checks ran on, and raise what one of them found."""
    deferred.waiting = False
    for device, seen in _seen.items():
        with cupy.cuda.Device(device):
            seen.look()


def forget() -> None:
    """As if nothing had been checked yet."""
    deferred.waiting = False
    _seen.clear()


deferred.report = report
