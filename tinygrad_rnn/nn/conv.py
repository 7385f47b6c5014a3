"""Convolution layers, and their transposes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..autograd.annotations import fits
from ..creation import empty
from ..dtypes import dtype as DType
from ..tensor import Tensor
from . import functional as F, init
from .module import Module
from .parameter import Parameter

Ints = int | tuple[int, ...]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def as_tuple(value: Any, count: int) -> tuple[Any, ...]:
    """A number as a tuple of that many, anything else as the tuple it is."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count


class _ConvNd(Module):
    weight: Parameter
    bias: Parameter | None
    transposed: bool
    _ndim: int
    _function: Callable[..., Tensor]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints,
        padding: Ints | str, dilation: Ints, output_padding: Ints, groups: int, bias: bool,
        padding_mode: str, device: Any, dtype: DType | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = as_tuple(kernel_size, self._ndim)
        self.stride = as_tuple(stride, self._ndim)
        self.padding = padding if isinstance(padding, str) else as_tuple(padding, self._ndim)
        self.dilation = as_tuple(dilation, self._ndim)
        self.output_padding = as_tuple(output_padding, self._ndim)
        self.padding_mode = padding_mode
        self._check()
        self.weight = Parameter(empty(*self._weight_shape(), device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def _check(self) -> None:
        for name in ("kernel_size", "stride", "padding", "dilation", "output_padding"):
            value = getattr(self, name)
            if not isinstance(value, str) and not all(fits(n, int) for n in value):
                raise TypeError(f"{name} should be an int or a tuple of ints, got: {value}")
        if self.groups <= 0:
            raise ValueError(f"groups must be a positive integer, but got {self.groups}")
        for name in ("in_channels", "out_channels"):
            if not isinstance(getattr(self, name), int):
                kind = type(getattr(self, name)).__name__
                raise TypeError(f"{name} should be of type int, got: {kind}")
            if getattr(self, name) % self.groups:
                raise ValueError(
                    f"{name} must be divisible by groups, but got {getattr(self, name)} and "
                    f"groups={self.groups}"
                )
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ValueError(
                f"Invalid padding string {self.padding!r}, should be one of 'same', 'valid'"
            )
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {PADDING_MODES}, but got "
                f"padding_mode='{self.padding_mode}'"
            )

    def _weight_shape(self) -> tuple[int, ...]:
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        return (first, second // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            inputs = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(inputs) if inputs else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


# ----- convolution -----


class _Conv(_ConvNd):
    transposed = False

    def __init__(
        self,
        in_channels: int,
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
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _around(self) -> list[int]:
        """The padding as `functional.pad` takes it."""
        if isinstance(self.padding, str):
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            if self.padding == "valid":
                total = [0] * self._ndim
        else:
            total = [2 * p for p in self.padding]
        return [side for n in reversed(total) for side in (n // 2, n - n // 2)]

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._around(), mode=self.padding_mode), 0
        return self._function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv1d(_Conv):
    """As `Conv2d`, over one dimension: (N, C, L) to (N, out_channels, L'), or without N.

    >>> nn.Conv1d(2, 3, 5)(torch.ones(1, 2, 7)).shape
    torch.Size([1, 3, 3])
    """

    _ndim = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Windows of a picture times kernels that are learned; see `functional.conv2d`.

    Args:
        in_channels, out_channels: C of the input and of the output.
        kernel_size, stride, padding, dilation: ints, or one for height and one for width; padding
            may be "same" or "valid".
        groups: so many parts of the channels are convolved apart from each other.
        bias: whether there is one; else `bias` is None.
        padding_mode: what stands around the picture: "zeros", or what `functional.pad` calls
            "reflect", "replicate" and "circular".

    input (N, C, H, W) or (C, H, W), output (N, out_channels, H', W') or without N; weight
    (out_channels, in_channels / groups, *kernel_size) and bias (out_channels), both drawn from
    U(-1/sqrt(n), 1/sqrt(n)), n being the elements of a kernel. Raises ValueError for
    arguments that do not fit; when called, RuntimeError for such inputs.

    >>> nn.Conv2d(1, 6, 5, padding="same")(torch.ones(2, 1, 28, 28)).shape
    torch.Size([2, 6, 28, 28])
    """

    _ndim = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """As `Conv2d`, over three dimensions: (N, C, D, H, W) to (N, out_channels, D', H', W'), or
    without N.

    >>> nn.Conv3d(1, 2, 3)(torch.ones(1, 4, 4, 4)).shape
    torch.Size([2, 2, 2, 2])
    """

    _ndim = 3
    _function = staticmethod(F.conv3d)


# ----- transposed -----


class _ConvTranspose(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
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
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, but got '
                f'padding_mode="{padding_mode}"'
            )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def _more(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output_padding that leads to the size asked for."""
        if output_size is None:
            return self.output_padding
        wanted, front = list(output_size), input.dim() - self._ndim
        if front not in (1, 2):
            raise IndexError(
                f"{type(self).__name__}: expected input of {self._ndim + 1} or {self._ndim + 2} "
                f"dimensions, got {input.dim()}"
            )
        if len(wanted) == front + self._ndim:
            wanted = wanted[front:]
        if len(wanted) != self._ndim:
            raise ValueError(
                f"{type(self).__name__}: for {input.dim()}D input, output_size must have "
                f"{self._ndim} or {front + self._ndim} elements (got {len(wanted)})"
            )
        for name in ("stride", "padding", "dilation", "kernel_size"):
            if len(getattr(self, name)) != self._ndim:
                raise ValueError(
                    f"{type(self).__name__}: with output_size, {name} must have {self._ndim} "
                    f"elements, but got {getattr(self, name)}"
                )
        places = zip(
            input.shape[front:], self.stride, self.padding, self.dilation, self.kernel_size,
            strict=True,
        )  # fmt: skip
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in places]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        if any(not a <= n <= b for n, a, b in zip(wanted, least, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to "
                f"{most} (for an input of {list(input.shape[front:])})"
            )
        return tuple(n - a for n, a in zip(wanted, least, strict=True))

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The output has the size output_size, one of those that are pooled to the input's."""
        return self._function(
            input, self.weight, self.bias, self.stride, self.padding,
            self._more(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose1d(_ConvTranspose):
    """As `ConvTranspose2d`, over one dimension: (N, C, L) to (N, out_channels, L'), or without N.

    >>> nn.ConvTranspose1d(2, 3, 5)(torch.ones(1, 2, 3)).shape
    torch.Size([1, 3, 7])
    """

    _ndim = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a `Conv2d`, from small pictures to large ones; see
    `functional.conv_transpose2d`.

    Args:
        in_channels, out_channels: C of the input and of the output.
        kernel_size, stride, padding, output_padding, dilation: ints, or one for height and one
            for width.
        groups, bias: as those of `Conv2d`.
        padding_mode: "zeros".

    input (N, C, H, W) or (C, H, W), output (N, out_channels, H', W') or without N; when called,
    output_size=(H', W') may stand for output_padding.
    weight (in_channels, out_channels / groups, *kernel_size), bias (out_channels). Raises
    ValueError for arguments that do not fit; when called, RuntimeError for such inputs.

    >>> up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
    >>> up(torch.ones(1, 4, 5, 5), output_size=(10, 10)).shape
    torch.Size([1, 2, 10, 10])
    """

    _ndim = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """As `ConvTranspose2d`, over three dimensions: (N, C, D, H, W) to (N, out_channels, D', H',
    W'), or without N.

    >>> nn.ConvTranspose3d(1, 2, 3)(torch.ones(1, 2, 2, 2)).shape
    torch.Size([2, 4, 4, 4])
    """

    _ndim = 3
    _function = staticmethod(F.conv_transpose3d)
