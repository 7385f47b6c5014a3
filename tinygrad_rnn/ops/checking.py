"""Questions about the values of a tensor that nobody waits for on a GPU."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..dtypes import int64


def check_all(holds: Array, error: type[Exception], message: str) -> None:
    """Raise the error unless a mask is true everywhere: at once on the CPU, on a GPU when the host
    reads values next."""
    xp: Any = backend_of(holds)
    xp.check_range((~holds).reshape(-1).astype(int64.array), 0, 1, error, message)
