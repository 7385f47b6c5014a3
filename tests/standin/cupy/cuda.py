"""Two imaginary GPUs: `cupy.cuda`, as far as tinygrad_rnn uses it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import _driver as driver, _graph
from .standin import synchronized

_COUNT = 2
_TOTAL = 16 << 30
_current = 0


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class runtime:
    """CUDA's functions, under their own names."""

    CUDARuntimeError = CUDARuntimeError

    @staticmethod
    def getDeviceCount() -> int:
        return _COUNT

    @staticmethod
    def getDevice() -> int:
        return _current

    @staticmethod
    def setDevice(index: int) -> None:
        global _current
        if not 0 <= index < _COUNT:
            raise CUDARuntimeError(101, "cudaErrorInvalidDevice: invalid device ordinal")
        _current = index
        _enter(_streams[index][-1])

    @staticmethod
    def getDeviceProperties(index: int) -> dict[str, Any]:
        return {
            "name": b"Stand-in for a GPU",
            "major": 9,
            "minor": 0,
            "totalGlobalMem": _TOTAL,
            "multiProcessorCount": 4,
            "warpSize": 32,
            "l2CacheSize": 1 << 20,
        }

    @staticmethod
    def memGetInfo() -> tuple[int, int]:
        return _TOTAL - _default.used_bytes(), _TOTAL

    @staticmethod
    def driverGetVersion() -> int:
        return 13000

    @staticmethod
    def runtimeGetVersion() -> int:
        return 13000


class Device:
    """A device by number (None: the current one); as a context manager, the current device."""

    def __init__(self, device: int | Device | None = None) -> None:
        self.id = _current if device is None else int(device)
        self._outer: list[int] = []

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    __hash__ = None  # type: ignore[assignment]

    def __enter__(self) -> Device:
        self._outer.append(_current)
        runtime.setDevice(self.id)
        return self

    def __exit__(self, *exception: object) -> None:
        runtime.setDevice(self._outer.pop())

    def use(self) -> None:
        runtime.setDevice(self.id)

    @property
    def attributes(self) -> dict[str, int]:
        return dict(driver.ATTRIBUTES)

    @property
    def compute_capability(self) -> str:
        return driver.COMPUTE_CAPABILITY

    def synchronize(self) -> None:
        synchronized("Device.synchronize()")

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


# ----- streams, events, graphs -----


class Stream:
    """A queue of work of the device that was current; without ``null`` one of its own."""

    _number = 2

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False,
        priority: int | None = None,
    ) -> None:  # fmt: skip
        Stream._number += 1
        self.ptr = 0 if null else Stream._number
        self.device_id = -1 if null else _current
        self.priority = priority or 0
        self._recording: _graph.Recording | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __hash__(self) -> int:
        return self.ptr

    def _check_device(self) -> None:
        if self.device_id not in (-1, _current):
            raise RuntimeError(
                f"The device that the stream is created on ({self.device_id}) does not match with "
                f"the current device ({_current})"
            )

    def __enter__(self) -> Stream:
        self._check_device()
        _streams[_current].append(self)
        _enter(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _streams[_current].pop()
        _enter(_streams[_current][-1])

    def use(self) -> Stream:
        self._check_device()
        _streams[_current][-1] = self
        _enter(self)
        return self

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        synchronized("Stream.synchronize()")

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        pass

    def begin_capture(self, mode: int | None = None) -> None:
        if not self.ptr:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self._recording is not None:
            raise CUDARuntimeError(900, "cudaErrorIllegalState: the stream captures already")
        self._recording = _graph.Recording()
        _enter(_streams[_current][-1])

    def end_capture(self) -> Graph:
        recording, self._recording = self._recording, None
        _enter(_streams[_current][-1])
        if recording is None:
            raise CUDARuntimeError(901, "cudaErrorStreamCaptureInvalidated: it does not capture")
        return Graph(recording)

    def is_capturing(self) -> bool:
        return self._recording is not None


def _enter(stream: Stream) -> None:
    _graph.capturing = stream._recording


Stream.null = Stream(null=True)  # type: ignore[attr-defined]
_streams: list[list[Stream]] = [[Stream.null] for _ in range(_COUNT)]  # type: ignore[attr-defined]


def get_current_stream(device_id: int = -1) -> Stream:
    return _streams[_current if device_id < 0 else device_id][-1]


class Event:
    """A moment of a stream. Here all work is done when it is given, so that is now."""

    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.timed, self.time = not disable_timing, 0.0

    def record(self, stream: Stream | None = None) -> None:
        self.time = time.perf_counter()

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        synchronized("Event.synchronize()")


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    if not (start_event.timed and end_event.timed and start_event.time and end_event.time):
        raise CUDARuntimeError(400, "cudaErrorInvalidResourceHandle: invalid resource handle")
    return (end_event.time - start_event.time) * 1e3


class Graph:
    """Work that was written down, to be done at once and again."""

    def __init__(self, recording: _graph.Recording) -> None:
        self._recording = recording

    def launch(self, stream: Stream | None = None) -> None:
        if (stream or get_current_stream()).is_capturing():
            raise CUDARuntimeError(900, "cudaErrorStreamCaptureUnsupported: a graph in a graph")
        with np.errstate(all="ignore"):
            for work in self._recording.work:
                work()

    def upload(self, stream: Stream | None = None) -> None:
        pass


# ----- memory -----


class MemoryHook:
    """Whose methods are told, inside a ``with`` block, of memory that is taken and given back."""

    def __enter__(self) -> MemoryHook:
        _hooks.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _hooks.remove(self)

    def malloc_postprocess(self, **details: Any) -> None: ...

    def free_postprocess(self, **details: Any) -> None: ...


_hooks: list[MemoryHook] = []


class MemoryPool:
    """Memory of the devices, counted."""

    def __init__(self, allocator: Any = None) -> None:
        self._used = [0] * _COUNT

    def malloc(self, size: int) -> Any:
        """What `using_allocator` is given."""
        raise NotImplementedError

    def taken(self, device: int, size: int) -> None:
        self._used[device] += size
        for hook in _hooks:
            hook.malloc_postprocess(device_id=device, size=size, mem_size=size, mem_ptr=1)

    def freed(self, device: int, size: int) -> None:
        self._used[device] -= size
        for hook in _hooks:
            hook.free_postprocess(device_id=device, mem_size=size)

    def used_bytes(self) -> int:
        return self._used[_current]

    total_bytes = used_bytes

    def free_all_blocks(self) -> None:
        """Nothing is kept that no array uses."""


_default = MemoryPool()
_pool = _default


def allocate(size: int) -> MemoryPool:
    """Take memory of the current device, and return whose it is."""
    if _graph.capturing is not None and _pool is _default:
        raise RuntimeError(
            "memory of the default pool inside a graph: others will get it, and launches of the "
            "graph write into it"
        )
    _pool.taken(_current, size)
    return _pool


@contextlib.contextmanager
def using_allocator(allocator: Callable[[int], Any]) -> Iterator[None]:
    """Inside the block memory comes from the pool whose `malloc` this is."""
    global _pool
    before, _pool = _pool, allocator.__self__  # type: ignore[attr-defined]
    try:
        yield
    finally:
        _pool = before


class PinnedMemoryPointer(bytearray):
    """Memory of the host that a GPU reads by itself."""


# CuPy's module is what loads cuBLAS; the library itself is then there for ctypes
cublas = None
