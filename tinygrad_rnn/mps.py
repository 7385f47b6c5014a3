"""PyTorch's functions for Apple's GPUs, which there is no backend for."""

from __future__ import annotations

from typing import NoReturn


def _none(name: str) -> NoReturn:
    raise RuntimeError(f"mps.{name}(): there is no backend for Apple's GPUs; see mps.is_available")


def is_available() -> bool:
    """False: there is no backend for Apple's GPUs.

    >>> torch.mps.is_available()
    False
    """
    return False


def device_count() -> int:
    """0: there is no backend for Apple's GPUs.

    >>> torch.mps.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is one generator for all devices, which `torch.manual_seed` seeds.

    >>> torch.mps.manual_seed(0)
    """


def empty_cache() -> None:
    """Nothing: there is no such GPU.

    >>> torch.mps.empty_cache()
    """


def synchronize() -> None:
    """Raises RuntimeError: there is no such GPU.

    >>> if torch.mps.is_available(): torch.mps.synchronize()
    """
    _none("synchronize")


def current_allocated_memory() -> int:
    """Raises RuntimeError: there is no such GPU.

    >>> torch.mps.current_allocated_memory() if torch.mps.is_available() else 0
    0
    """
    _none("current_allocated_memory")
