"""The CPU under the names that GPUs have in `cuda`."""

from __future__ import annotations

import contextlib
from typing import Any

from . import amp as amp


def is_available() -> bool:
    """True.

    >>> torch.cpu.is_available()
    True
    """
    return True


def is_initialized() -> bool:
    """True.

    >>> torch.cpu.is_initialized()
    True
    """
    return True


def device_count() -> int:
    """1.

    >>> torch.cpu.device_count()
    1
    """
    return 1


def current_device() -> str:
    """ "cpu".

    >>> torch.cpu.current_device()
    'cpu'
    """
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one.

    >>> torch.cpu.set_device("cpu")
    """


def synchronize(device: Any = None) -> None:
    """Nothing: work on the CPU is done when a call returns.

    >>> torch.cpu.synchronize()
    """


class Stream:
    """The one line of work that the CPU has.

    >>> torch.cpu.current_stream().synchronize()
    """

    def __init__(self, priority: int = -1) -> None:
        pass

    def synchronize(self) -> None:
        """Nothing: work on the CPU is done when a call returns."""

    def wait_stream(self, stream: Any) -> None:
        """Nothing: work on the CPU is done when a call returns."""


class Event:
    """A point in the work of a `Stream`.

    >>> torch.cpu.Event().query()
    True
    """

    def query(self) -> bool:
        """True: it was reached."""
        return True

    def record(self, stream: Any = None) -> None:
        """Nothing: work on the CPU is done when a call returns."""

    def synchronize(self) -> None:
        """Nothing: work on the CPU is done when a call returns."""

    def wait(self, stream: Any = None) -> None:
        """Nothing: work on the CPU is done when a call returns."""


_stream = Stream()


def current_stream(device: Any = None) -> Stream:
    """The CPU's line of work.

    >>> torch.cpu.current_stream() is torch.cpu.current_stream("cpu")
    True
    """
    return _stream


def stream(stream: Stream | None) -> contextlib.AbstractContextManager[Any]:
    """A block whose work is given to a stream, of which there is one.

    >>> with torch.cpu.stream(torch.cpu.Stream()): torch.ones(1)
    tensor([1.])
    """
    return contextlib.nullcontext(stream)
