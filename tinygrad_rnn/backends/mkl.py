"""PyTorch's question whether it was built with Intel's MKL."""

from __future__ import annotations


def is_available() -> bool:
    """False: it is not used.

    >>> torch.backends.mkl.is_available()
    False
    """
    return False
