"""PyTorch's switches of opt_einsum, which is not used here: `einsum` chooses its order itself."""

from __future__ import annotations

enabled: bool = False
strategy: str | None = None


def is_available() -> bool:
    """False: opt_einsum is not used.

    >>> torch.backends.opt_einsum.is_available()
    False
    """
    return False
