"""Convolution layers of as many channels as their first input has."""

from __future__ import annotations

from typing import Any

from ..dtypes import dtype as DType
from ..tensor import Tensor
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Ints,
    _Conv,
    _ConvNd,
    _ConvTranspose,
)
from .lazy import LazyModuleMixin
from .parameter import UninitializedParameter


class _LazyConvNd(LazyModuleMixin, _ConvNd):
    def _forget(self, out_channels: int, bias: bool, device: Any, dtype: DType | None) -> None:
        """Leave the parameters without a shape."""
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Make parameters for the input's channels. Raises RuntimeError for an input of another
        number of dimensions, ValueError unless groups divides the channels."""
        if not isinstance(self.weight, UninitializedParameter):
            return
        if input.dim() not in (self._ndim + 1, self._ndim + 2):
            raise RuntimeError(
                f"Expected {self._ndim + 1}D (unbatched) or {self._ndim + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {list(input.shape)}"
            )
        self.in_channels = input.shape[-self._ndim - 1]
        self._check()
        self.weight.materialize(self._weight_shape())
        if isinstance(self.bias, UninitializedParameter):
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvNd, _Conv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device,
            dtype,
        )  # fmt: skip
        self._forget(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` whose in_channels are the C of its first input, (N, C, L) or (C, L).

    >>> conv = nn.LazyConv1d(3, 2)
    >>> conv(torch.ones(1, 4, 6)).shape
    torch.Size([1, 3, 5])
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` whose in_channels are the C of its first input, (N, C, H, W) or (C, H, W).

    >>> conv = nn.LazyConv2d(3, 2)
    >>> conv(torch.ones(1, 4, 6, 6)).shape
    torch.Size([1, 3, 5, 5])
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` whose in_channels are the C of its first input,
    (N, C, D, H, W) or (C, D, H, W).

    >>> conv = nn.LazyConv3d(3, 2)
    >>> conv(torch.ones(1, 4, 2, 2, 2)).shape
    torch.Size([1, 3, 1, 1, 1])
    """

    cls_to_become = Conv3d


class _LazyConvTranspose(_LazyConvNd, _ConvTranspose):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._forget(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` whose in_channels are the C of its first input, (N, C, L) or (C, L).

    >>> conv = nn.LazyConvTranspose1d(3, 2)
    >>> conv(torch.ones(1, 4, 6)).shape
    torch.Size([1, 3, 7])
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` whose in_channels are the C of its first input,
    (N, C, H, W) or (C, H, W).

    >>> conv = nn.LazyConvTranspose2d(3, 2)
    >>> conv(torch.ones(1, 4, 6, 6)).shape
    torch.Size([1, 3, 7, 7])
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` whose in_channels are the C of its first input,
    (N, C, D, H, W) or (C, D, H, W).

    >>> conv = nn.LazyConvTranspose3d(3, 2)
    >>> conv(torch.ones(1, 4, 2, 2, 2)).shape
    torch.Size([1, 3, 3, 3, 3])
    """

    cls_to_become = ConvTranspose3d
