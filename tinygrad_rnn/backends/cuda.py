"""PyTorch's switches of products on GPUs: whether those of float32 may be less exact."""

from __future__ import annotations

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
