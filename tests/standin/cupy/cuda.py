"""Two imaginary GPUs: `cupy.cuda`, as far as tinygrad_rnn uses it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .standin import synchronized

_COUNT = 2
_current = 0
used_bytes = [0] * _COUNT  # in arrays that are alive, per device


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

    @staticmethod
    def getDeviceProperties(index: int) -> dict[str, Any]:
        return {"name": b"Stand-in for a GPU"}

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

    def synchronize(self) -> None:
        synchronized("Device.synchronize()")

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


def get_current_stream() -> Any:
    return SimpleNamespace(synchronize=lambda: synchronized("Stream.synchronize()"))


class MemoryPool:
    """The memory of the current device."""

    def used_bytes(self) -> int:
        return used_bytes[_current]

    total_bytes = used_bytes

    def free_all_blocks(self) -> None:
        """Nothing is kept that no array uses."""
