"""Window functions under the names that ``torch`` itself has, of one period unless
periodic=False."""

from __future__ import annotations

from typing import Any

from ..creation import Device
from ..dtypes import dtype as DType
from ..layout import strided
from ..tensor import Tensor
from . import windows


def _window(name: str, length: int, periodic: bool, options: dict[str, Any], **own: Any) -> Tensor:
    """The window of that name. Raises RuntimeError for a size or dtype that is none for it."""
    try:
        return getattr(windows, name)(length, sym=not periodic, **own, **options)
    except ValueError as error:
        raise RuntimeError(str(error)) from None


def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The triangular window of `torch.signal.windows.bartlett`, a vector of window_length weights.

    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {
        "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad
    }  # fmt: skip
    return _window("bartlett", window_length, periodic, options)


def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The window of `torch.signal.windows.blackman`, a vector of window_length weights.

    >>> torch.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    options = {
        "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad
    }  # fmt: skip
    return _window("blackman", window_length, periodic, options)


def hann_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The window of `torch.signal.windows.hann`, a vector of window_length weights.

    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {
        "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad
    }  # fmt: skip
    return _window("hann", window_length, periodic, options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46,
    *, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The weights alpha - beta cos(2 pi n / N), a vector of window_length of them.

    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    options = {
        "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad
    }  # fmt: skip
    return _window("general_cosine", window_length, periodic, options, a=(alpha, beta))


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: DType | None = None,
    layout: Any = strided, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The window of `torch.signal.windows.kaiser`, a vector of window_length weights.

    >>> torch.kaiser_window(4)[1:]
    tensor([0.2157, 1.0000, 0.2157])
    """
    options = {
        "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad
    }  # fmt: skip
    return _window("kaiser", window_length, periodic, options, beta=beta)
