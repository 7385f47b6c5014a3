"""What the host has to do for a CUDA graph: to make anew, before each launch, what it gave to the
device while the graph was captured, such as random masks and learning rates.

A graph repeats work of the device only. So what is computed on the host at every step comes
through `host_array` or `host_numbers`: as a function, which a graph calls again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .device import backend_for, device, device_of, is_host, move
from .protocol import Array

_ROOM = 1024  # numbers that go to the device in one copy


class _Numbers:
    """Numbers of one dtype, side by side on the device, and the functions that make them."""

    def __init__(self, like: Array) -> None:
        xp: Any = backend_for(device_of(like))
        self.array = xp.empty(_ROOM, like.dtype)
        self.makers: list[Callable[[], tuple[float, ...]]] = []
        self.used = 0

    def add(self, make: Callable[[], tuple[float, ...]], count: int) -> tuple[Array, ...]:
        start, self.used = self.used, self.used + count
        self.makers.append(make)
        return tuple(self.array[i] for i in range(start, self.used))

    def made(self) -> np.ndarray:
        result = np.zeros(_ROOM, self.array.dtype)
        result[: self.used] = [number for make in self.makers for number in make()]
        return result


class HostWork:
    """What the host does before each launch of one graph, in the order of the capture."""

    def __init__(self) -> None:
        self._arrays: list[tuple[Array, Callable[[], np.ndarray]]] = []
        self._numbers: dict[str, _Numbers] = {}

    def array(self, target: Array, make: Callable[[], np.ndarray]) -> Array:
        """Fill the target, new memory of a device, with what `make` returns before each launch."""
        self._arrays.append((target, make))
        return target

    def numbers(
        self, make: Callable[[], tuple[float, ...]], count: int, like: Array
    ) -> tuple[Array, ...]:
        """0-d arrays of like's dtype beside it, of what `make` returns before each launch."""
        kind = like.dtype.char
        there = self._numbers.get(kind)
        if there is None or there.used + count > _ROOM:
            there = self._numbers[kind] = _Numbers(like)
            self.array(there.array, there.made)
        return there.add(make, count)

    def do(self) -> None:
        """Make everything anew, and send it to the device without waiting."""
        for target, make in self._arrays:
            target[...] = move(make(), device_of(target))


class _State:
    work: HostWork | None = None  # that of the graph which is being captured


capture = _State()


def host_array(
    make: Callable[[], np.ndarray], shape: tuple[int, ...], dtype: np.dtype, where: device
) -> Array:
    """`make()`, an array of this shape and dtype in the host's memory, on a device."""
    if capture.work is None or where.type == "cpu":
        return move(make(), where)
    xp: Any = backend_for(where)
    return capture.work.array(xp.empty(shape, dtype), make)


def host_numbers(make: Callable[[], tuple[float, ...]], count: int, like: Array) -> tuple[Any, ...]:
    """`make()`, so many numbers to compute with beside the array `like`."""
    if capture.work is None or is_host(like):
        return make()
    return capture.work.numbers(make, count, like)
