"""Sampling at any places: grids of coordinates, and what an input has there (Jaderberg et al.,
"Spatial Transformer Networks", 2015)."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..backends import backend_of
from ..dtypes import of_array
from ..warning import warn
from .arithmetic import abs, remainder
from .blending import cubic_weights
from .choice import clamp, where
from .data import evenly
from .gathering import _gather
from .joining import stack
from .linalg import matmul
from .shape import expand, reshape, shape_of, transpose, unsqueeze

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please specify align_corners=True if the old behavior is desired. See the documentation of "
    "grid_sample for details."
)


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The places that affine maps send the pixels of a picture to, for `grid_sample`.

    Args:
        theta: the maps, (N, 2, 3) for pictures or (N, 3, 4) for volumes, of x, y(, z) and 1.
        size: of the picture, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the middles of the outermost pixels, rather than their
            outer edges.

    Returns (N, H, W, 2) or (N, D, H, W, 3). Raises ValueError for shapes and a dtype that do not
    fit, NotImplementedError for a size of another length.

    >>> F.affine_grid(torch.eye(2, 3)[None], (1, 1, 1, 3), align_corners=True)[0, 0, :, 0]
    tensor([-1.,  0.,  1.])
    """
    if align_corners is None:
        warn(_CHANGED)
    dtype = of_array(theta._array.dtype)
    if not dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {dtype}")
    ndim, sizes = len(size) - 2, tuple(size[2:])
    if ndim not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {tuple(size)}."
        )
    if shape_of(theta) != (size[0], ndim, ndim + 1):
        raise ValueError(
            f"Expected a batch of {ndim}D affine matrices of shape Nx{ndim}x{ndim + 1} for size "
            f"{tuple(size)}. Got {list(shape_of(theta))}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    xp: Any = backend_of(theta._array)
    parts = []
    for dim in reversed(range(ndim)):  # x is the last dimension
        n = sizes[dim]
        steps = evenly(xp, -1.0, 1.0, n, dtype).astype(dtype.array)
        if n == 1:
            steps = steps * 0
        elif not align_corners:
            steps = steps * (n - 1) / n
        shape = (1,) * dim + (n,) + (1,) * (ndim - 1 - dim)
        parts.append(expand(theta._wrap(steps.reshape(shape)), sizes))
    parts.append(expand(theta._wrap(xp.ones((1,) * ndim, theta._array.dtype)), sizes))
    points = reshape(stack(parts, -1), (-1, ndim + 1))
    return reshape(matmul(points, transpose(theta, 1, 2)), (size[0], *sizes, ndim))


# ----- reading at places -----


def _inside(at: Any, size: int, padding: str, corners: bool) -> Any:
    """Coordinates brought into the input, as the padding says."""
    if padding == "zeros":
        return at
    if padding == "reflection":
        low, span = (0.0, size - 1) if corners else (-0.5, size)
        if not span:
            return at * 0
        way = remainder(abs(at - low), 2 * span)
        at = span - abs(way - span) + low
    return clamp(at, 0, size - 1)


def _neighbours(at: Any, size: int, mode: str, padding: str, corners: bool) -> list[Any]:
    """The elements that are read along a dimension: pairs of their numbers, arrays, and weights."""
    xp: Any = backend_of(at._array)
    if mode != "bicubic":
        at = _inside(at, size, padding, corners)
    if mode == "nearest":
        return [(xp.rint(at._array), at * 0 + 1)]  # so its gradient is 0, rather than none
    left = xp.floor(at._array)
    t = at - at._wrap(left)
    if mode == "bilinear":
        return [(left, 1 - t), (left + 1, t)]
    places = (at._wrap(left + k) for k in range(-1, 3))
    numbers = [_inside(place, size, padding, corners)._array for place in places]
    return list(zip(numbers, cubic_weights(t), strict=True))


def _check(input: Any, grid: Any, mode: str) -> None:
    for label, value in (("input", input), ("grid", grid)):
        if not isinstance(value, Variable):
            raise TypeError(
                f"grid_sampler(): argument '{label}' must be Tensor, not {type(value).__name__}"
            )
    shape, places = shape_of(input), shape_of(grid)
    met = f"input with sizes {list(shape)} and grid with sizes {list(places)}"
    if input._array.dtype != grid._array.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to have the same dtype, but got "
            f"{of_array(input._array.dtype)} and {of_array(grid._array.dtype)}"
        )
    if not of_array(input._array.dtype).is_floating_point:
        raise NotImplementedError(
            f"grid_sampler is not implemented for {of_array(input._array.dtype)}"
        )
    if shape[:1] != places[:1]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {met}"
        )
    if not places or places[-1] != len(shape) - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but "
            f"got grid with sizes {list(places)}"
        )
    if len(shape) not in (4, 5) or len(shape) != len(places):
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got {met}"
        )
    if not all(shape[2:]):
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
            f"sizes {list(shape)}"
        )
    if mode == "bicubic" and len(shape) != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:  # fmt: skip
    """What the input has at the places of a grid.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: the places, (N, H', W', 2) of x and y or (N, D', H', W', 3) of x, y and z; -1 and 1
            are the edges of the input.
        mode: "nearest", or blends of neighbours: "bilinear", "bicubic" (of pictures).
        padding_mode: what is outside: "zeros", the elements at the "border", or a "reflection".
        align_corners: whether -1 and 1 are the middles of the outermost elements, rather than
            their outer edges.

    Returns (N, C, H', W') or (N, C, D', H', W'). Raises ValueError for unknown modes, RuntimeError
    for shapes and dtypes that do not fit.

    >>> x = torch.tensor([[[[1.0, 3.0]]]])
    >>> F.grid_sample(x, torch.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.]]]])
    """
    for label, value, known in (("mode", mode, _MODES), ("padding_mode", padding_mode, _PADDINGS)):
        if value not in known:
            raise ValueError(
                f"nn.functional.grid_sample(): expected {label} to be one of {known}, but got: "
                f"'{value}'"
            )
    if align_corners is None:
        warn(_CHANGED)
    corners = bool(align_corners)
    _check(input, grid, mode)
    (n, c, *sizes), places = shape_of(input), shape_of(grid)[1:-1]
    flat = reshape(input, (n, c, -1))
    along = []
    for dim, size in enumerate(sizes):
        x = grid[..., len(sizes) - 1 - dim]  # x is the last dimension
        at = (x + 1) * ((size - 1) / 2) if corners else ((x + 1) * size - 1) / 2
        along.append(_neighbours(at, size, mode, padding_mode, corners))
    xp: Any = backend_of(input._array)
    total = None
    for corner in itertools.product(*along):
        number: Any = 0
        valid: Any = True
        for (at, _), size in zip(corner, sizes, strict=True):
            there = (at >= 0) & (at < size)
            valid = there & valid
            number = number * size + xp.where(there, at, 0).astype("int64")
        index = expand(unsqueeze(input._wrap(number.reshape(n, -1)), 1), (n, c, number[0].size))
        values = reshape(_gather(flat, index, dim=2), (n, c, *places))
        weight = functools.reduce(operator.mul, (weight for _, weight in corner))
        part = values * unsqueeze(where(input._wrap(valid), weight, 0.0), 1)
        total = part if total is None else total + part
    return total
