"""PyTorch's question whether it was built with OpenMP."""

from __future__ import annotations


def is_available() -> bool:
    """False: it is not used.

    >>> torch.backends.openmp.is_available()
    False
    """
    return False
