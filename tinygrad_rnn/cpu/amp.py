"""Mixed precision's names of old: those of `tinygrad_rnn.amp`, for the CPU."""

from __future__ import annotations

from typing import Any

from .. import amp
from ..dtypes import dtype as DType


class autocast(amp.autocast):
    """``amp.autocast("cpu", ...)``.

    >>> with torch.cpu.amp.autocast(enabled=False): torch.ones(1).dtype
    torch.float32
    """

    def __init__(
        self, enabled: bool = True, dtype: DType | None = None, cache_enabled: bool = True
    ) -> None:
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cpu", ...)``.

    >>> torch.cpu.amp.GradScaler(enabled=False).is_enabled()
    False
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("cpu", *args, **kwargs)
