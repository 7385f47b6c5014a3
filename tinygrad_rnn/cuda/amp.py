"""Mixed precision's names of old: those of `tinygrad_rnn.amp`, for GPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import amp
from ..dtypes import dtype as DType


class autocast(amp.autocast):
    """``amp.autocast("cuda", ...)``.

    >>> with torch.cuda.amp.autocast(enabled=False): torch.ones(1).dtype
    torch.float32
    """

    def __init__(
        self, enabled: bool = True, dtype: DType | None = None, cache_enabled: bool = True
    ) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cuda", ...)``.

    >>> torch.cuda.amp.GradScaler(enabled=False).is_enabled()
    False
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("cuda", *args, **kwargs)


def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: DType | None = None) -> Any:
    """``amp.custom_fwd(fwd, device_type="cuda", ...)``.

    >>> torch.cuda.amp.custom_fwd(torch.tanh) is torch.tanh
    True
    """
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable[..., Any]) -> Any:
    """``amp.custom_bwd(bwd, device_type="cuda")``.

    >>> torch.cuda.amp.custom_bwd(torch.tanh) is torch.tanh
    True
    """
    return amp.custom_bwd(bwd, device_type="cuda")
