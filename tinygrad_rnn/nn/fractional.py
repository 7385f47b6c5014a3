"""Fractional max-pooling as layers."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .conv import Ints, as_tuple
from .module import Module

Ratios = float | tuple[float, ...]


class _FractionalMaxPool(Module):
    _ndim: int

    def __init__(
        self,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: Ratios | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio: only one "
                f"of output_size and output_ratio may be specified, but got {output_size} and "
                f"{output_ratio}"
            )
        self.kernel_size = as_tuple(kernel_size, self._ndim)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size: Any = None
        self.output_ratio: Any = None
        if output_size is not None:
            self.output_size = as_tuple(output_size, self._ndim)
        else:
            self.output_ratio = as_tuple(output_ratio, self._ndim)
            if not all(0 < ratio < 1 for ratio in self.output_ratio):
                raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest elements of windows of (N, C, H, W) or (C, H, W) at random places.

    Args:
        kernel_size: of a window, an int or two.
        output_size: how many windows there are to be, or
        output_ratio: as a share of the input's size, between 0 and 1.
        return_indices: return a pair: the elements, and their numbers in the flattened plane.
        _random_samples: (N, C, 2), numbers in [0, 1) that say where windows are, instead of new
            ones in each call.

    Raises ValueError unless one of output_size and output_ratio is given; see
    `functional.fractional_max_pool2d`.

    >>> nn.FractionalMaxPool2d(2, output_ratio=0.5)(torch.ones(1, 3, 8, 8)).shape
    torch.Size([1, 3, 4, 4])
    """

    _ndim = 2

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return F.fractional_max_pool2d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            self._random_samples,
        )  # fmt: skip


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest elements of windows of (N, C, D, H, W) or (C, D, H, W) at random places; see
    `FractionalMaxPool2d`.

    >>> nn.FractionalMaxPool3d(2, output_size=2)(torch.ones(1, 4, 4, 4)).shape
    torch.Size([1, 2, 2, 2])
    """

    _ndim = 3

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return F.fractional_max_pool3d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            self._random_samples,
        )  # fmt: skip
