"""The GPU, whatever its make, under PyTorch's names: here it is always one of CUDA's.

device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from . import backends, cuda


def is_available() -> bool:
    """Whether there is a GPU that can be used.

    >>> torch.accelerator.is_available() == torch.cuda.is_available()
    True
    """
    return cuda.is_available()


def device_count() -> int:
    """How many GPUs can be used.

    >>> torch.accelerator.device_count() == torch.cuda.device_count()
    True
    """
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> backends.device | None:
    """``device("cuda")``, or None without a GPU (which is always checked).

    >>> torch.accelerator.current_accelerator() in (None, torch.device("cuda"))
    True
    """
    return backends.device("cuda") if cuda.is_available() else None


def _check() -> None:
    if not cuda.is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The number of the current GPU. Raises RuntimeError without one.

    >>> torch.accelerator.current_device_index() if torch.accelerator.is_available() else 0
    0
    """
    _check()
    return cuda.current_device()


def set_device_index(device: cuda.Device) -> None:
    """Make a GPU the current one. Raises RuntimeError without one.

    >>> if torch.accelerator.is_available(): torch.accelerator.set_device_index(0)
    """
    _check()
    cuda.set_device(device)


def device_index(device: int | None) -> AbstractContextManager[Any]:
    """Make a GPU the current one for a block.

    >>> if torch.accelerator.is_available(): _ = torch.accelerator.device_index(0)
    """
    _check()
    return cuda.device(device)


def synchronize(device: cuda.Device = None) -> None:
    """Wait until a GPU has done all work given to it. Raises RuntimeError without one.

    >>> if torch.accelerator.is_available(): torch.accelerator.synchronize()
    """
    _check()
    cuda.synchronize(device)


def empty_cache() -> None:
    """Give memory that is kept, but not in use, back to the GPUs.

    >>> torch.accelerator.empty_cache()
    """
    cuda.empty_cache()


def memory_allocated(device: cuda.Device = None) -> int:
    """The bytes of a GPU's memory that arrays use.

    >>> torch.accelerator.memory_allocated() >= 0
    True
    """
    return cuda.memory_allocated(device)


def memory_reserved(device: cuda.Device = None) -> int:
    """The bytes of a GPU's memory that this process keeps, in use or not.

    >>> torch.accelerator.memory_reserved() >= 0
    True
    """
    return cuda.memory_reserved(device)
