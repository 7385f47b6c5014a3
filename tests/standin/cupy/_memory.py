"""Memory of a device, with a dtype and a shape; what a kernel reads of it, makes and changes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _graph, cuda

_NUMBERS = (bool, int, float, complex, np.generic)


class Memory:
    """What an array is for a kernel, and what the host knows of it without asking the device.

    Attributes:
        base: the array that owns the memory, never itself a view; None if this one does.
    """

    __slots__ = ("__weakref__", "_a", "_device", "_pool", "base")
    array: type[Any]  # `ndarray`, of which there are no others

    def __init_subclass__(cls) -> None:
        Memory.array = cls

    def __init__(self, array: np.ndarray, base: Memory | None = None) -> None:
        self._a = array
        self.base = base
        self._device = cuda.runtime.getDevice() if base is None else base._device
        self._pool = cuda.allocate(array.nbytes) if base is None else None

    def __del__(self) -> None:
        pool = getattr(self, "_pool", None)  # None, too, if there was no memory for it
        if pool is not None:
            pool.freed(self._device, self._a.nbytes)

    # ----- what the host knows without asking the device -----

    dtype = property(lambda self: self._a.dtype)
    shape = property(lambda self: self._a.shape)
    strides = property(lambda self: self._a.strides)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    device = property(lambda self: cuda.Device(self._device))
    data = property(lambda self: SimpleNamespace(ptr=self._a.ctypes.data))

    @property
    def flags(self) -> Any:
        flags = self._a.flags
        return SimpleNamespace(
            c_contiguous=flags.c_contiguous,
            f_contiguous=flags.f_contiguous,
            owndata=self.base is None,
        )

    def __len__(self) -> int:
        return len(self._a)


def values(x: Any) -> Any:
    """What a kernel sees of an argument: an array of the current device, or a number."""
    if isinstance(x, Memory):
        if x._device != cuda.runtime.getDevice():
            raise ValueError(
                f"The device where the array resides ({x._device}) is different from the current "
                f"device ({cuda.runtime.getDevice()}). Peer access is unavailable between these "
                "devices."
            )
        return x._a
    if isinstance(x, _NUMBERS):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def computed(function: Callable[[], Any], *sources: Memory) -> Any:
    """What a kernel makes: of memory of its own, or, if NumPy makes a view of a source, a view."""
    with np.errstate(all="ignore"):  # a GPU says nothing about infinities
        result = wrap(function(), *sources)
    parts = result if isinstance(result, tuple | list) else [result]
    old = [id(source) for source in sources]  # arrays compare element by element
    new = [part._a for part in parts if part.base is None and id(part) not in old]
    if new:
        _graph.made(function, new)
    return result


def changed(function: Callable[[], Any], target: Memory) -> Memory:
    """The target, which a kernel has written to."""
    _graph.change(function)
    return target


def not_capturing() -> None:
    """Raise what CuPy raises where a stream that captures would have to copy from the host."""
    if _graph.capturing is not None:
        raise RuntimeError(
            "the current stream is capturing, so synchronous API calls and memory copies are "
            "disallowed"
        )


def library_is_free(name: str) -> None:
    """Raise what CuPy raises where it would call this library while a stream captures."""
    if _graph.capturing is not None:
        raise NotImplementedError(
            f"calling {name} API during stream capture is currently unsupported"
        )


def wrap(result: Any, *sources: Memory) -> Any:
    """A result of NumPy's as device arrays: views of the sources, or owners of their memory."""
    if isinstance(result, tuple | list):
        return type(result)(wrap(part, *sources) for part in result)
    array = np.asarray(result)  # a number stays on the device, as a 0-d array
    for source in sources:
        if array is source._a:
            return source
        owner = source if source.base is None else source.base
        if array.base is owner._a or np.may_share_memory(array, owner._a):
            array.flags.writeable = True  # CuPy has no read-only views
            return Memory.array(array, owner)
    return Memory.array(array if array.base is None else array.copy())
