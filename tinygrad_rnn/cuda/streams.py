"""Queues of a GPU's work, and moments in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .. import backends
from .places import Device, place


class Stream:
    """A queue of work. What is on one is done in order, what is on two of them at any time.

    Work goes to the default stream, or inside ``with torch.cuda.stream(s):`` to that one. Raises
    RuntimeError without a GPU.

    Args:
        device: the GPU; None: the current one.
        priority: lower numbers go first, with CuPy 14 and newer.

    >>> if torch.cuda.is_available():
    ...     s = torch.cuda.Stream()
    ...     with torch.cuda.stream(s):
    ...         x = torch.ones(2, device="cuda")
    ...     torch.cuda.current_stream().wait_stream(s)
    """

    def __init__(self, device: Device = None, priority: int = 0, **options: Any) -> None:
        if device is not None and not isinstance(device, str | int | backends.device):
            raise TypeError(f"Stream(): device must be a device, got {type(device).__name__}")
        backend, index = place(device)
        self._backend, self._index = backend, index
        self._stream = options.pop("_stream", None)
        if options:
            raise TypeError(f"Stream() got an unexpected keyword argument {next(iter(options))!r}")
        if self._stream is None:
            with backend.on_device(index):
                self._stream = backend.new_stream(priority)
        self.priority = priority

    @property
    def device(self) -> backends.device:
        """The GPU."""
        return backends.device("cuda", self._index)

    @property
    def device_index(self) -> int:
        return self._index

    @property
    def cuda_stream(self) -> int:
        """CUDA's own number of it, 0 for the default stream."""
        return self._stream.ptr

    def query(self) -> bool:
        """Whether all its work is done."""
        return self._stream.done

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self._stream.synchronize()
        self._backend.report()

    def record_event(self, event: Event | None = None) -> Event:
        """Note this moment in an event, a new one if none is given, and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let later work of this stream wait for the event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let later work of this stream wait for what the other one was given so far."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self._index, self.cuda_stream) == (
            other._index,
            other.cuda_stream,
        )

    def __hash__(self) -> int:
        return hash((self._index, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"

    def __enter__(self) -> Stream:
        self._inside = stream(self)
        self._inside.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._inside.__exit__(*exception)


@contextlib.contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Work of the block goes to this stream, and its GPU is the current one; None changes nothing.

    >>> with torch.cuda.stream(None):
    ...     x = torch.ones(2)
    """
    if stream is None:
        yield
        return
    _check(stream)
    with stream._backend.on_device(stream._index), stream._stream:
        yield


def _check(stream: Any) -> None:
    if not isinstance(stream, Stream):
        raise TypeError(f"stream must be a torch.cuda.Stream or None, got {type(stream).__name__}")


def set_stream(stream: Stream | None) -> None:
    """Make it the current stream of its GPU; None changes nothing.

    >>> torch.cuda.set_stream(None)
    """
    if stream is not None:
        _check(stream)
        with stream._backend.on_device(stream._index):
            stream._stream.use()


def current_stream(device: Device = None) -> Stream:
    """The stream that work of a GPU goes to. Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available():
    ...     assert torch.cuda.current_stream() == torch.cuda.default_stream()
    """
    backend, index = place(device)
    with backend.on_device(index):
        return Stream(index, _stream=backend.current_stream())


def default_stream(device: Device = None) -> Stream:
    """The stream that a GPU has from the start. Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available():
    ...     assert torch.cuda.default_stream().cuda_stream == 0
    """
    backend, index = place(device)
    return Stream(index, _stream=backend.null_stream())


class Event:
    """A moment of a stream: to wait for it, and to measure time on the GPU between two.

    Args:
        enable_timing: whether `elapsed_time` can be asked for.
        blocking: whether the host sleeps while it waits, instead of looking again and again.
        interprocess: for processes that share a GPU; not with enable_timing.

    Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available():
    ...     start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    ...     start.record(); end.record(); end.synchronize()
    ...     assert start.elapsed_time(end) >= 0
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self._backend, _ = place(None)
        self._event = self._backend.new_event(enable_timing, blocking, interprocess)
        self._timed, self._recorded = enable_timing, False

    def record(self, stream: Stream | None = None) -> None:
        """Let this be the moment when the stream (None: the current one) has done what it was
        given so far."""
        (current_stream() if stream is None else stream)._stream.record(self._event)
        self._recorded = True

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work of a stream (None: the current one) wait for it."""
        if self._recorded:
            (current_stream() if stream is None else stream)._stream.wait_event(self._event)

    def query(self) -> bool:
        """Whether all work before it is done."""
        return self._event.done

    def synchronize(self) -> None:
        """Wait until all work before it is done."""
        self._event.synchronize()
        self._backend.report()

    def elapsed_time(self, end_event: Event) -> float:
        """The milliseconds from this event to another. Raises ValueError unless both have
        enable_timing and were recorded, RuntimeError before both are there."""
        if not (self._timed and end_event._timed):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if not (self._recorded and end_event._recorded):
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        if not (self.query() and end_event.query()):
            raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return self._backend.elapsed_time(self._event, end_event._event)
