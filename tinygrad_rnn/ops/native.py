"""Operations under the names that PyTorch's own code calls them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import int64
from .grids import grid_sample
from .joining import cat
from .masking import nonzero
from .normalization import group_norm, layer_norm
from .padding import pad as padded
from .shape import shape_of

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def constant_pad_nd(input: Any, pad: Sequence[int], value: float = 0) -> Any:
    """`torch.nn.functional.pad` with a constant, for input of any shape.

    >>> torch.constant_pad_nd(torch.tensor([1, 2]), (1, 0), 7)
    tensor([7, 1, 2])
    """
    return padded(input, pad, "constant", value)


def fill(input: Any, value: Any) -> Any:
    """The value, a number or a 0-d tensor, in input's shape and dtype.

    >>> torch.fill(torch.ones(2), 3)
    tensor([3., 3.])
    """
    if isinstance(value, Variable) and value._array.ndim:
        raise RuntimeError(
            "fill only supports 0-dimension value tensor but got tensor with "
            f"{value._array.ndim} dimensions."
        )
    return input.new_empty(shape_of(input)).copy_(input).fill_(value)


def native_layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    """`torch.nn.functional.layer_norm`, with the means and 1 / sqrt(variance + eps), of size 1 in
    the dimensions of normalized_shape.

    >>> torch.native_layer_norm(torch.tensor([1.0, 3.0]), (2,), None, None, 0.0)
    (tensor([-1.,  1.]), tensor([2.]), tensor([1.]))
    """
    output = layer_norm(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(-len(normalized_shape), 0))
    return output, *_statistics(as_parameter(input.detach(), weight, bias), dims, eps)


def as_parameter(x: Any, *parameters: Any) -> Any:
    """x in the dtype of the parameters, which may be wider than its own."""
    return x.to(next((p for p in parameters if p is not None), x).dtype)


def _statistics(x: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    variance = x.var(dims, correction=0, keepdim=True)
    return x.mean(dims, keepdim=True), (variance + eps).rsqrt()


def native_group_norm(
    input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Any, Any, Any]:
    """`torch.nn.functional.group_norm` of N times C channels of HxW elements, with the means and
    1 / sqrt(variance + eps), each (N, group).

    >>> torch.native_group_norm(torch.tensor([[1.0, 3.0]]), None, None, 1, 2, 1, 1, 0.0)[1]
    tensor([[2.]])
    """
    output = group_norm(input, group, weight, bias, eps)
    x = as_parameter(input, weight, bias).reshape(N, group, C // group * HxW)
    mean, scale = _statistics(x, (-1,), eps)
    return output, mean.squeeze(-1), scale.squeeze(-1)


def grid_sampler_2d(
    input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """`torch.nn.functional.grid_sample` of pictures (N, C, H, W), with numbers for the modes: 0
    bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.

    >>> torch.grid_sampler_2d(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[1.]]]])
    """
    for name, mode, known in (
        ("interpolation_mode", interpolation_mode, _MODES),
        ("padding_mode", padding_mode, _PADDINGS),
    ):
        if not 0 <= mode < len(known):
            raise RuntimeError(f"grid_sampler: {name} must be below {len(known)}, but got {mode}")
    return grid_sample(
        input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners
    )


def grid_sampler_3d(
    input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """`grid_sampler_2d` of volumes (N, C, D, H, W).

    >>> torch.grid_sampler_3d(torch.ones(1, 1, 2, 2, 2), torch.zeros(1, 1, 1, 1, 3), 0, 0, True)
    tensor([[[[[1.]]]]])
    """
    return grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)


def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
    """The first `size` rows of `torch.nonzero`, and rows of fill_value where there are fewer: a
    matrix (size, dimensions).

    >>> torch.nonzero_static(torch.tensor([0, 5]), size=2)
    tensor([[ 1],
            [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    found = nonzero(input)[:size]
    missing = size - shape_of(found)[0]
    rest = input.new_empty((missing, len(shape_of(input))), dtype=int64).fill_(fill_value)
    return cat([found, rest]) if missing else found
