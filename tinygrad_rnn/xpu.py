"""PyTorch's functions for Intel's GPUs, which there is no backend for."""

from __future__ import annotations


def is_available() -> bool:
    """False: there is no backend for Intel's GPUs.

    >>> torch.xpu.is_available()
    False
    """
    return False


def device_count() -> int:
    """0: there is no backend for Intel's GPUs.

    >>> torch.xpu.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is one generator for all devices, which `torch.manual_seed` seeds.

    >>> torch.xpu.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Nothing: there is one generator for all devices, which `torch.manual_seed` seeds.

    >>> torch.xpu.manual_seed_all(0)
    """


def empty_cache() -> None:
    """Nothing: there is no such GPU.

    >>> torch.xpu.empty_cache()
    """
