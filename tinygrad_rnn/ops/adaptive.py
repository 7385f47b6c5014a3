"""Adaptive pooling: as many windows as are asked for, whatever the size of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..autograd import Variable
from ..backends import backend_of
from ..dtypes import float16, float32, of_array
from .blending import blend, mean_taps, parts
from .conversion import cast
from .indexing import _look_up, along
from .pooling import average, coordinates, flat_places, max_windows, which_max
from .shape import new_sizes, shape_of
from .windows import Sizes, Windows

Counts = int | None | Sequence[int | None]


def _counts(name: str, input: Any, output_size: Counts, ndim: int) -> Sizes:
    """How many windows there are to be. Raises RuntimeError or ValueError for what can't be."""
    if not isinstance(input, Variable):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    shape = shape_of(input)
    if len(shape) not in (ndim + 1, ndim + 2):
        text = f"{name}(): Expected {ndim + 1}D or {ndim + 2}D tensor, but got {list(shape)}"
        if ndim > 1 and len(shape) <= ndim:
            raise ValueError(f"{text}: Input dimension should be at least {ndim + 1}")
        raise RuntimeError(text)
    for dim in range(-ndim - 1, 0):
        if not shape[dim]:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(shape)} with dimension {len(shape) + dim} being empty"
            )
    if not of_array(input._array.dtype).is_floating_point:
        raise NotImplementedError(
            f"{name} is not implemented for {of_array(input._array.dtype)}; convert with .float()"
        )
    given = list(output_size) if isinstance(output_size, Sequence) else [output_size] * ndim
    if len(given) != ndim:
        need = (
            "'output_size' should contain one int" if ndim == 1 else f"output_size must be {ndim}"
        )
        raise RuntimeError(f"{name}: {need} for {ndim} dimensions, but got {output_size}")
    counts = tuple(n if c is None else c for n, c in zip(shape[-ndim:], given, strict=True))
    if not all(isinstance(count, int) for count in counts):
        raise TypeError(
            f"{name}(): argument 'output_size' must be int or tuple of ints, but got {output_size}"
        )
    if min(counts) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0, but received "
            f"{output_size}"
        )
    new_sizes((*shape[:-ndim], *counts))
    return counts


def _tiles(sizes: Sizes, counts: Sizes, kernel: Sizes) -> Windows:
    """Windows side by side."""
    return Windows(sizes, counts, kernel, kernel, (1,) * len(sizes), (0,) * len(sizes))


def _divide(sizes: Sizes, counts: Sizes) -> bool:
    return all(c and n % c == 0 for n, c in zip(sizes, counts, strict=True))


# ----- the mean -----


def _adaptive_avg(name: str, ndim: int, input: Any, output_size: Counts) -> Any:
    counts = _counts(name, input, output_size, ndim)
    sizes = shape_of(input)[-ndim:]
    if _divide(sizes, counts):
        kernel = tuple(n // c for n, c in zip(sizes, counts, strict=True))
        return average(input, _tiles(sizes, counts, kernel))
    kind = of_array(input._array.dtype)
    result = cast(input, float32) if kind is float16 else input
    for dim, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        result = blend(result, taps=mean_taps(size, count), dim=dim - ndim)
    return cast(result, kind)


def adaptive_avg_pool1d(input: Any, output_size: Counts) -> Any:
    """As `adaptive_avg_pool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0, 6.0]]), 2)
    tensor([[1.5000, 4.0000]])
    """
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Counts) -> Any:
    """The means of output_size windows, as equal in size as can be, that cover the input.

    input is (N, C, H, W) or (C, H, W). output_size is an int or (H', W'), None for what the input
    has. Raises RuntimeError for shapes and numbers that do not fit, NotImplementedError for
    integers.

    >>> F.adaptive_avg_pool2d(torch.arange(4.0).reshape(1, 2, 2), (1, None))
    tensor([[[1., 2.]]])
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Counts) -> Any:
    """As `adaptive_avg_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.adaptive_avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[3.5000]]]])
    """
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


# ----- the largest -----


def _widths(size: int, count: int) -> Iterator[int]:
    """The sizes of the parts that `parts` makes, as the host knows them."""
    return (-(-(i + 1) * size // count) - i * size // count for i in range(count))


def _adaptive_max(
    name: str, ndim: int, input: Any, output_size: Counts, return_indices: bool
) -> Any:
    """Windows of unequal sizes are made equal and put side by side first: shorter ones repeat
    their last element, which changes no maximum."""
    counts = _counts(name, input, output_size, ndim)
    sizes = shape_of(input)[-ndim:]
    xp: Any = backend_of(input._array)
    spread, places, kernel = input, [], []
    for dim, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        begin, end = parts(xp, size, count)
        width = max(_widths(size, count), default=1)
        kernel.append(width)
        source = xp.minimum(begin[:, None] + xp.arange(width), end[:, None] - 1)
        places.append(source.reshape(-1))
        if not count or size % count:
            at = along(len(shape_of(input)) - ndim + dim, places[-1])
            spread = _look_up(spread, index=at)
    windows = _tiles(shape_of(spread)[-ndim:], counts, tuple(kernel))
    result = max_windows(spread, windows=windows)
    if not return_indices:
        return result
    found = coordinates(which_max(spread._array, windows=windows), windows)
    found = [place[at] for place, at in zip(places, found, strict=True)]
    return result, input._wrap(flat_places(found, sizes))


def adaptive_max_pool1d(input: Any, output_size: Counts, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.adaptive_max_pool1d(torch.tensor([[1.0, 6.0, 2.0]]), 2)
    tensor([[6., 6.]])
    """
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Counts, return_indices: bool = False) -> Any:
    """The largest elements of output_size windows, as equal in size as can be, that cover the
    input.

    input is (N, C, H, W) or (C, H, W). output_size is an int or (H', W'), None for what the input
    has. With return_indices the result is a pair: the elements, and their numbers in the flattened
    plane. Raises RuntimeError for shapes and numbers that do not fit, NotImplementedError for
    integers.

    >>> F.adaptive_max_pool2d(torch.arange(4.0).reshape(1, 2, 2), (1, None), True)
    (tensor([[[2., 3.]]]), tensor([[[2, 3]]]))
    """
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Counts, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.adaptive_max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[7.]]]])
    """
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)
