"""PyTorch's switches of products on GPUs. CuPy computes them in full precision, as far as its own
environment variable CUPY_TF32 does not say otherwise, so they switch nothing."""

from __future__ import annotations

from types import SimpleNamespace

from .device import cuda_device_count

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
)


def is_built() -> bool:
    """Whether GPUs can be used, which here needs no building.

    >>> torch.backends.cuda.is_built() == torch.cuda.is_available()
    True
    """
    return cuda_device_count() > 0
