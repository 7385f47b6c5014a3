"""Which GPU is meant, and its backend."""

from __future__ import annotations

from typing import Any

from .. import backends

Device = backends.device | str | int | None  # None: the current one


def is_available() -> bool:
    """Whether there is a GPU that can be used.

    >>> torch.cuda.is_available() == (torch.cuda.device_count() > 0)
    True
    """
    return device_count() > 0


def device_count() -> int:
    """How many GPUs can be used.

    >>> torch.cuda.device_count() >= 0
    True
    """
    return backends.cuda_device_count()


def place(device: Device) -> tuple[Any, int]:
    """The backend and the number of a GPU. Raises RuntimeError if there is no such GPU."""
    where = backends.as_device("cuda" if device is None else device)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    backend: Any = backends.backend_for(where)
    return backend, backend.current_device() if where.index is None else where.index
