"""Fractional max-pooling: windows at random places (Graham, 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..backends import Array, backend_of
from ..dtypes import of_array
from .gathering import _gather
from .random import uniform
from .shape import reshape, shape_of
from .windows import Sizes, each

Ints = int | Sequence[int]
Ratios = float | Sequence[float]


def _sizes(
    name: str, sizes: Sizes, kernel: Sizes, output_size: Ints | None, output_ratio: Ratios | None
) -> Sizes:
    """How many windows there are to be. Raises ValueError if nothing says so, RuntimeError if they
    do not fit."""
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    ndim = len(sizes)
    if output_size is None:
        given: Any = output_ratio
        ratios = tuple(given) if isinstance(given, Sequence) else (given,) * ndim
        if len(ratios) != ndim:
            raise ValueError(f"{name} requires output_ratio to be one number or {ndim}")
        counts = tuple(int(n * r) for n, r in zip(sizes, ratios, strict=True))
    else:
        counts = each(output_size, ndim, f"{name}: output_size must be a single int or {ndim} ints")
    if min(kernel) < 1 or min(counts) < 0:
        raise RuntimeError(
            f"{name}(): kernel_size must be positive and output_size not negative, got "
            f"kernel_size={kernel} and output_size={counts}"
        )
    for dim, (n, k, m) in enumerate(zip(sizes, kernel, counts, strict=True)):
        if m + k - 1 > n:
            raise RuntimeError(
                f"{name}(): pool size {k} too large relative to input size {n} for {m} windows in "
                f"dimension {dim - ndim}"
            )
    return counts


def _starts(samples: Array, size: int, kernel: int, count: int) -> Array:
    """Where windows begin, (N, C, count): steps of floor or ceil of their mean, the last one at
    the end."""
    xp: Any = backend_of(samples)
    step = samples.dtype.type(size - kernel) / samples.dtype.type(max(count - 1, 1))
    places = xp.arange(count).astype(samples.dtype) + samples[..., None]
    starts = (xp.trunc(places * step) - xp.trunc(samples * step)[..., None]).astype("int64")
    if count:
        starts[..., -1] = size - kernel
    return starts


def _fractional(
    ndim: int, input: Any, kernel_size: Ints, output_size: Ints | None,
    output_ratio: Ratios | None, return_indices: bool, samples: Any,
) -> Any:  # fmt: skip
    name = f"fractional_max_pool{ndim}d"
    if not isinstance(input, Variable):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    shape = shape_of(input)
    if len(shape) not in (ndim + 1, ndim + 2) or not all(shape[-ndim - 1 :]):
        raise RuntimeError(
            f"{name}(): Expected a {ndim + 1}D or {ndim + 2}D tensor with non-zero size for "
            f"non-batch dimensions, but got {list(shape)}"
        )
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point:
        raise NotImplementedError(f"{name} is not implemented for {kind}; convert with .float()")
    sizes = shape[-ndim:]
    kernel = each(kernel_size, ndim, f"{name}: kernel_size must be a single int or {ndim} ints")
    counts = _sizes(name, sizes, kernel, output_size, output_ratio)
    front = (shape[0] if len(shape) == ndim + 2 else 1, shape[-ndim - 1])
    xp: Any = backend_of(input._array)
    if samples is None:
        samples = uniform(input._wrap(xp.empty((*front, ndim), input._array.dtype)))
    given = shape_of(samples)
    if len(given) != 3 or given[1:] != (front[1], ndim) or given[0] < front[0]:
        raise RuntimeError(
            f"{name}: Expect _random_samples of size {[*front, ndim]} or for more samples; got "
            f"{list(given)}."
        )
    flat: Any = 0
    for dim in range(ndim):
        # PyTorch takes the samples of pictures from the last dimension on, those of volumes not
        drawn = samples._array[: front[0], :, 1 - dim if ndim == 2 else dim]
        starts = _starts(drawn, sizes[dim], kernel[dim], counts[dim])
        ones, behind = (1,) * ndim, (1,) * (ndim - 1 - dim)
        starts = starts.reshape((*front, *ones[:dim], counts[dim], *behind, *ones))
        flat = flat * sizes[dim] + starts + xp.arange(kernel[dim]).reshape((-1, *behind))
    flat = flat.reshape((*front, math.prod(counts), math.prod(kernel)))
    planes = reshape(input, (*front, math.prod(sizes)))
    read = xp.take_along_axis(planes._array[:, :, None], flat, axis=-1)
    best = xp.argmax(read, axis=-1)[..., None]
    places = xp.take_along_axis(flat, best, axis=-1)[..., 0]
    whole = (*shape[:-ndim], *counts)
    result = reshape(_gather(planes, input._wrap(places), dim=2), whole)
    return (result, input._wrap(places.reshape(whole))) if return_indices else result


def fractional_max_pool2d(
    input: Any, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: Ratios | None = None, return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:  # fmt: skip
    """The largest elements of windows at random places, whose distances differ by 1 at most.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: of a window.
        output_size: how many windows there are to be, or
        output_ratio: as a share of the input's size.
        return_indices: return a pair: the elements, and their numbers in the flattened plane.
        _random_samples: (N, C, 2), numbers in [0, 1) that say where windows are; drawn if None.

    Raises ValueError if there is neither output_size nor output_ratio, RuntimeError for shapes and
    numbers that do not fit.

    >>> F.fractional_max_pool2d(torch.arange(16.0).reshape(1, 4, 4), 2, output_size=1)
    tensor([[[15.]]])
    """
    return _fractional(
        2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool3d(
    input: Any, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: Ratios | None = None, return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:  # fmt: skip
    """As `fractional_max_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.fractional_max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2, output_size=1)
    tensor([[[[7.]]]])
    """
    return _fractional(
        3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
