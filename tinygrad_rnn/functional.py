"""PyTorch's file of functions that no other file has; they are the package's own."""

from __future__ import annotations

import sys
from typing import Any

from .nn import functional as F  # noqa: F401  (many programs import it from here)

_NAMES = frozenset(
    """atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod
    cdist chain_matmul einsum lu meshgrid norm split tensordot unique unique_consecutive
    unravel_index""".split()  # noqa: SIM905
)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(sys.modules[__package__], name)
