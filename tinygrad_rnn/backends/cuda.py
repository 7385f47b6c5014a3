"""PyTorch's switches of products on GPUs: whether those of float32 may be less exact."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .device import cuda_device_count
from .precision import allow_tf32 as _allow_tf32, setting


class _Matmul:
    """Products of matrices. They are exact to rounding unless `allow_tf32` is set, which rounds
    the factors of float32 to 10 bits behind the point; the other switches switch nothing.

    >>> torch.backends.cuda.matmul.allow_tf32
    False
    """

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False

    @property
    def allow_tf32(self) -> bool:
        """Whether TF32 may be used: `get_float32_matmul_precision` is another than "highest"."""
        return _allow_tf32()

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        setting.precision = "high" if value else "highest"

    @property
    def fp32_precision(self) -> str:
        """ "tf32" or "ieee"."""
        return "tf32" if _allow_tf32() else "ieee"

    @fp32_precision.setter
    def fp32_precision(self, value: str) -> None:
        if value not in ("ieee", "tf32", "none"):
            raise RuntimeError(f"Invalid precision {value!r}: expected 'ieee', 'tf32' or 'none'")
        self.allow_tf32 = value == "tf32"


matmul = _Matmul()


def is_built() -> bool:
    """Whether GPUs can be used, which here needs no building.

    >>> torch.backends.cuda.is_built() == torch.cuda.is_available()
    True
    """
    return cuda_device_count() > 0


# ----- attention: there is one way to compute it, whatever is switched on or off -----

_ways = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` set.

    >>> torch.backends.cuda.flash_sdp_enabled()
    True
    """
    return _ways["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Keep the switch, which has no effect.

    >>> torch.backends.cuda.enable_flash_sdp(True)
    """
    _ways["flash"] = enabled


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` set.

    >>> torch.backends.cuda.math_sdp_enabled()
    True
    """
    return _ways["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Keep the switch, which has no effect.

    >>> torch.backends.cuda.enable_math_sdp(True)
    """
    _ways["math"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` set.

    >>> torch.backends.cuda.mem_efficient_sdp_enabled()
    True
    """
    return _ways["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Keep the switch, which has no effect.

    >>> torch.backends.cuda.enable_mem_efficient_sdp(True)
    """
    _ways["mem_efficient"] = enabled


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` set.

    >>> torch.backends.cuda.cudnn_sdp_enabled()
    True
    """
    return _ways["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Keep the switch, which has no effect.

    >>> torch.backends.cuda.enable_cudnn_sdp(True)
    """
    _ways["cudnn"] = enabled


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:  # fmt: skip
    """The switches set inside a block, without an effect.

    >>> with torch.backends.cuda.sdp_kernel(enable_flash=False):
    ...     torch.backends.cuda.flash_sdp_enabled()
    False
    """
    before = dict(_ways)
    _ways.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient,
        cudnn=enable_cudnn,
    )  # fmt: skip
    try:
        yield
    finally:
        _ways.update(before)
