"""Window functions under the names of ``torch.signal.windows``: vectors of M weights that fade out
to both sides. With sym=True a window is symmetric, for the design of filters; with sym=False it is
one period of M elements, for spectra."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import dtypes
from ..creation import Device, arange, ones
from ..dtypes import dtype as DType, float32, float64
from ..layout import strided
from ..ops.bessel import i0
from ..ops.elementwise import cos, exp, sin, sqrt
from ..tensor import Tensor


def _places(name: str, M: int, dtype: DType | None, layout: Any) -> Tensor:
    """0, 1, ..., M - 1 in float64. Raises ValueError for what is no size or dtype of a window."""
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    kind = dtype or dtypes.get_default_dtype()
    if kind not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    return arange(M, dtype=float64)


def _finished(weights: Tensor, dtype: DType | None, device: Device, requires_grad: bool) -> Tensor:
    if len(weights) == 1:
        weights = ones(1, dtype=float64)
    kind = dtype or dtypes.get_default_dtype()
    return weights.to(device, kind).requires_grad_(requires_grad)


def _intervals(M: int, sym: bool) -> int:
    """How many steps there are from one end of the window to the other."""
    return max(M - 1 if sym else M, 1)


def general_cosine(
    M: int, *, a: Sequence[float], sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The sum of (-1)^i a[i] cos(2 pi i n / (M - 1)), (M).

    >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    n = _places("general_cosine_window", M, dtype, layout)
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    turn = n * (2 * math.pi / _intervals(M, sym))
    weights = sum((-1) ** i * float(c) * cos(i * turn) for i, c in enumerate(a))
    return _finished(weights, dtype, device, requires_grad)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """alpha - (1 - alpha) cos(2 pi n / (M - 1)), (M).

    >>> torch.signal.windows.general_hamming(3, alpha=0.5)
    tensor([0., 1., 0.])
    """
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


def hamming(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The Hamming window (M): `general_hamming` with alpha 0.54.

    >>> torch.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_cosine(
        M, a=[0.54, 0.46], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


def hann(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The Hann window (M): `general_hamming` with alpha 0.5.

    >>> torch.signal.windows.hann(3)
    tensor([0., 1., 0.])
    """
    return general_cosine(
        M, a=[0.5, 0.5], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


def blackman(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The Blackman window (M): `general_cosine` of 0.42, 0.5, 0.08.

    >>> torch.signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    return general_cosine(
        M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


def nuttall(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Nuttall's window (M) of smallest side lobes: `general_cosine` of four terms.

    >>> torch.signal.windows.nuttall(3)[1]
    tensor(1.)
    """
    return general_cosine(
        M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype,
        layout=layout, device=device, requires_grad=requires_grad,
    )  # fmt: skip


def bartlett(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """1 - |2 n / (M - 1) - 1|, a triangle (M).

    >>> torch.signal.windows.bartlett(3)
    tensor([0., 1., 0.])
    """
    n = _places("bartlett_window", M, dtype, layout)
    return _finished(1 - abs(2 * n / _intervals(M, sym) - 1), dtype, device, requires_grad)


def cosine(
    M: int, *, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """sin(pi (n + 1/2) / M), half a wave (M).

    >>> torch.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    n = _places("cosine_window", M, dtype, layout)
    return _finished(
        sin((n + 0.5) * (math.pi / max(M if sym else M + 1, 1))), dtype, device, requires_grad
    )


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """exp(-d^2 / (2 std^2)), (M), for the distance d from the middle. Raises ValueError unless
    std > 0.

    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    n = _places("gaussian_window", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    distance = (n - _intervals(M, sym) / 2) / float(std)
    return _finished(exp(-(distance * distance) / 2), dtype, device, requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True,
    dtype: DType | None = None, layout: Any = strided, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """exp(-d / tau), (M), for the distance d from center (default: the middle). Raises ValueError
    unless tau > 0, and for a center of a symmetric window.

    >>> torch.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    n = _places("exponential_window", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = _intervals(M, sym) / 2 if center is None else float(center)
    return _finished(exp(-abs(n - middle) / float(tau)), dtype, device, requires_grad)


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """i0(beta sqrt(1 - (2 n / (M - 1) - 1)^2)) / i0(beta), (M). Raises ValueError for a negative
    beta.

    >>> torch.signal.windows.kaiser(3, beta=1.0)
    tensor([0.7898, 1.0000, 0.7898])
    """
    n = _places("kaiser_window", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    beta = float(beta)
    height = sqrt((1 - (2 * n / _intervals(M, sym) - 1) ** 2).clamp(0))
    return _finished(i0(beta * height) / i0(n.new_tensor(beta)), dtype, device, requires_grad)
