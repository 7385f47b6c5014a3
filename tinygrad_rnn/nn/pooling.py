"""Pooling layers; what each does is said at the function of `functional` of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .conv import Ints, as_tuple
from .module import Module

Counts = int | None | Sequence[int | None]

# ----- the largest -----


class _MaxPool(Module):
    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self._function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of (N, C, L) or (C, L): (..., L'); see `MaxPool2d`.

    >>> nn.MaxPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    _function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element of each window of (N, C, H, W) or (C, H, W): (..., H', W').

    Args:
        kernel_size, stride, padding, dilation: ints, or one for height and one for width; stride
            is kernel_size by default.
        return_indices: return a pair: the elements, and their numbers in the flattened plane.
        ceil_mode: whether a last window may reach over the end.

    Raises RuntimeError, when called, for numbers that do not fit; see `functional.max_pool2d`.

    >>> nn.MaxPool2d(2, 2)(torch.ones(1, 6, 28, 28)).shape
    torch.Size([1, 6, 14, 14])
    """

    _function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest element of each window of (N, C, D, H, W) or (C, D, H, W): (..., D', H', W').

    >>> nn.MaxPool3d(2)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[7.]]]])
    """

    _function = staticmethod(F.max_pool3d)


# ----- and back -----


class _MaxUnpool(Module):
    _function: Callable[..., Any]
    _ndim: int

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0) -> None:
        super().__init__()
        self.kernel_size = as_tuple(kernel_size, self._ndim)
        self.stride = as_tuple(kernel_size if stride is None else stride, self._ndim)
        self.padding = as_tuple(padding, self._ndim)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """The output has the size output_size, one of those that are pooled to the input's."""
        return self._function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """What a `MaxPool1d` found put back to where it was, among zeros: (..., L') to (..., L).

    >>> pooled, indices = nn.MaxPool1d(2, return_indices=True)(torch.tensor([[1.0, 3.0]]))
    >>> nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[0., 3.]])
    """

    _ndim = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """What a `MaxPool2d` found put back to where it was, among zeros: (..., H', W') to (..., H, W);
    see `functional.max_unpool2d`.

    >>> nn.MaxUnpool2d(2)(torch.tensor([[[4.0]]]), torch.tensor([[[2]]]))
    tensor([[[0., 0.],
             [4., 0.]]])
    """

    _ndim = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """What a `MaxPool3d` found put back to where it was, among zeros: (..., D', H', W') to
    (..., D, H, W).

    >>> nn.MaxUnpool3d((1, 1, 2))(torch.ones(1, 1, 1, 1), torch.tensor([[[[1]]]]))
    tensor([[[[0., 1.]]]])
    """

    _ndim = 3
    _function = staticmethod(F.max_unpool3d)


# ----- the mean -----


class _AvgPool(Module):
    kernel_size: Ints
    stride: Ints
    padding: Ints

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L) or (C, L): (..., L'); see `AvgPool2d`.

    >>> nn.AvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = as_tuple(kernel_size, 1)
        self.stride = as_tuple(kernel_size if stride is None else stride, 1)
        self.padding = as_tuple(padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip


class _AvgPoolNd(_AvgPool):
    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return self._function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class AvgPool2d(_AvgPoolNd):
    """The mean of each window of (N, C, H, W) or (C, H, W): (..., H', W').

    Args:
        kernel_size, stride, padding: ints, or one for height and one for width; stride is
            kernel_size by default, padding is zeros.
        ceil_mode: whether a last window may reach over the end.
        count_include_pad: whether padding counts as elements of a window.
        divisor_override: what the sums are divided by instead of the number of elements.

    Raises RuntimeError, when called, for numbers that do not fit; see `functional.avg_pool2d`.

    >>> nn.AvgPool2d(2)(torch.tensor([[[1.0, 2.0], [4.0, 3.0]]]))
    tensor([[[2.5000]]])
    """

    _function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolNd):
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W): (..., D', H', W').

    >>> nn.AvgPool3d(2)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[3.5000]]]])
    """

    _function = staticmethod(F.avg_pool3d)


# ----- the p-norm -----


class _LPPool(Module):
    _function: Callable[..., Any]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Ints,
        stride: Ints | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(norm_type, float | int):
            raise TypeError(f"norm_type should be a number, got: {type(norm_type).__name__}")
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self._function(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm, p being norm_type, of each window of (N, C, L) or (C, L): (..., L').

    >>> nn.LPPool1d(2, 2)(torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    _function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The p-norm of each window of (N, C, H, W) or (C, H, W): (..., H', W'); see
    `functional.lp_pool2d`.

    >>> nn.LPPool2d(1, 2)(torch.ones(1, 2, 2))
    tensor([[[4.]]])
    """

    _function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The p-norm of each window of (N, C, D, H, W) or (C, D, H, W): (..., D', H', W').

    >>> nn.LPPool3d(1, 2)(torch.ones(1, 2, 2, 2))
    tensor([[[[8.]]]])
    """

    _function = staticmethod(F.lp_pool3d)


# ----- as many windows as are asked for -----


class _AdaptiveAvgPool(Module):
    _function: Callable[..., Any]

    def __init__(self, output_size: Counts) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return self._function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of output_size windows that cover (N, C, L) or (C, L): (..., output_size).

    >>> nn.AdaptiveAvgPool1d(1)(torch.tensor([[1.0, 3.0, 5.0]]))
    tensor([[3.]])
    """

    _function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of output_size windows that cover (N, C, H, W) or (C, H, W): (..., H', W') for an
    int or (H', W'), None for what the input has. See `functional.adaptive_avg_pool2d`.

    >>> nn.AdaptiveAvgPool2d((1, 1))(torch.ones(2, 512, 7, 7)).shape
    torch.Size([2, 512, 1, 1])
    """

    _function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of output_size windows that cover (N, C, D, H, W) or (C, D, H, W):
    (..., D', H', W').

    >>> nn.AdaptiveAvgPool3d(1)(torch.ones(1, 2, 3, 4))
    tensor([[[[1.]]]])
    """

    _function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Module):
    _function: Callable[..., Any]

    def __init__(self, output_size: Counts, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self._function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that cover (N, C, L) or (C, L):
    (..., output_size).

    >>> nn.AdaptiveMaxPool1d(1)(torch.tensor([[1.0, 5.0, 3.0]]))
    tensor([[5.]])
    """

    _function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that cover (N, C, H, W) or (C, H, W):
    (..., H', W') for an int or (H', W'), None for what the input has. See
    `functional.adaptive_max_pool2d`.

    >>> nn.AdaptiveMaxPool2d((2, None))(torch.ones(1, 5, 7)).shape
    torch.Size([1, 2, 7])
    """

    _function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that cover (N, C, D, H, W) or (C, D, H, W):
    (..., D', H', W').

    >>> nn.AdaptiveMaxPool3d(1)(torch.ones(1, 2, 3, 4))
    tensor([[[[1.]]]])
    """

    _function = staticmethod(F.adaptive_max_pool3d)
