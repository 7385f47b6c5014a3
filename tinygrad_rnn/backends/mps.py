"""Apple's GPUs, which there is no backend for."""

from __future__ import annotations


def is_available() -> bool:
    """False: there is no backend for Apple's GPUs.

    >>> torch.backends.mps.is_available()
    False
    """
    return False


def is_built() -> bool:
    """False: there is no backend for Apple's GPUs.

    >>> torch.backends.mps.is_built()
    False
    """
    return False
