"""Windows that move over the last dimensions, element by element of their kernel: what
convolution, pooling, unfold and fold have in common."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..autograd.primitive import primitive
from ..backends import Array, Backend

Sizes = tuple[int, ...]


class Windows(NamedTuple):
    """Where windows lie in an input; of each kind one number per dimension.

    A window has `kernel` elements, `dilation` apart; the first starts `before` elements in front
    of the input, the next ones `stride` further each. What is outside the input is not read.
    """

    sizes: Sizes  # of the input
    counts: Sizes  # of windows
    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    before: Sizes

    @property
    def area(self) -> int:
        """How many elements a window has."""
        return math.prod(self.kernel)

    @property
    def inside(self) -> bool:
        """Whether no window reaches over an edge."""
        return not any(self.before) and all(
            (count - 1) * stride + extent(kernel, dilation) <= size
            for size, count, kernel, stride, dilation, _ in zip(*self, strict=True)
        )


def extent(kernel: int, dilation: int) -> int:
    """From the first element of a window to behind the last one."""
    return dilation * (kernel - 1) + 1


Tap = tuple[int, tuple[Any, ...], tuple[Any, ...]]


@functools.lru_cache(maxsize=256)
def spans(windows: Windows, dim: int) -> list[tuple[int, slice, slice]]:
    """For each element of the kernel along one dimension: its number, in which windows it is
    inside the input, and where in the input it is."""
    size, count, kernel, stride, dilation, before = (part[dim] for part in windows)
    found = []
    lowest = max(0, -(-(before - (count - 1) * stride) // dilation))
    for k in range(lowest, min(kernel, (size - 1 + before) // dilation + 1)):
        offset = k * dilation - before
        first = max(0, -(offset // stride))
        last = min(count, (size - 1 - offset) // stride + 1)
        if first < last:
            start = first * stride + offset
            stop = (last - 1) * stride + offset + 1
            found.append((k, slice(first, last), slice(start, stop, stride)))
    return found


@functools.lru_cache(maxsize=64)
def taps(windows: Windows) -> list[Tap]:
    """For each element of the kernel: its number, an index of the windows in which it is inside
    the input, and an index of where it is in the input."""
    found = []
    for parts in itertools.product(*(spans(windows, d) for d in range(len(windows.sizes)))):
        number = 0
        for (k, _, _), size in zip(parts, windows.kernel, strict=True):
            number = number * size + k
        found.append((number, (..., *(p[1] for p in parts)), (..., *(p[2] for p in parts))))
    return found


def empty_columns(xp: Backend, input: Array, windows: Windows, count: int) -> Array:
    """Memory for the columns of `count` inputs, zeros where windows are outside."""
    make = xp.empty if windows.inside else xp.zeros
    return make((count, input.shape[1], windows.area, *windows.counts), input.dtype)


def fill_columns(input: Array, windows: Windows, result: Array) -> None:
    """Write the windows of (N, C, *sizes) into (N, C, area, *counts), but for what is outside."""
    for tap, there, here in taps(windows):
        result[:, :, tap][there] = input[here]


def add_columns(columns: Array, windows: Windows, result: Array) -> None:
    """The adjoint of `fill_columns`: add each element of the columns to where it would be read."""
    for tap, there, here in taps(windows):
        result[here] += columns[:, :, tap][there]


# ----- as operations -----


@primitive(name="Im2ColBackward0")
def read_windows(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """The windows of (N, C, *sizes) as (N, C * area, number of windows)."""
    n, c = input.shape[:2]
    columns = empty_columns(xp, input, windows, n)
    fill_columns(input, windows, columns)
    return columns.reshape((n, c * windows.area, math.prod(windows.counts)))


@primitive(name="Col2ImBackward0")
def add_windows(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """The adjoint of `read_windows`: (N, C, *sizes), where windows overlap, their sum."""
    n, rows = input.shape[:2]
    columns = input.reshape((n, rows // windows.area, windows.area, *windows.counts))
    result = xp.zeros((*columns.shape[:2], *windows.sizes), input.dtype)
    add_columns(columns, windows, result)
    return result


read_windows.gradients(lambda g, _y, _x, *, windows: add_windows(g, windows=windows))
add_windows.gradients(lambda g, _y, _x, *, windows: read_windows(g, windows=windows))


def _along(xp: Backend, input: Array, windows: Windows, dim: int, back: bool) -> Array:
    """Along one dimension the sums of all windows or, back, what each element is in added up."""
    axis = dim - len(windows.sizes)
    shape = list(input.shape)
    shape[axis] = (windows.sizes if back else windows.counts)[dim]
    result = xp.zeros(tuple(shape), input.dtype)
    behind = (slice(None),) * (-axis - 1)
    for _, there, here in spans(windows, dim):
        target, source = (here, there) if back else (there, here)
        result[(..., target, *behind)] += input[(..., source, *behind)]
    return result


@primitive
def sum_windows(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """(..., *sizes) to (..., *counts): the sum of each window, one dimension after the other."""
    for dim in range(len(windows.sizes)):
        input = _along(xp, input, windows, dim, back=False)
    return input


@primitive
def spread_windows(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """The adjoint of `sum_windows`: each number added to all elements of its window."""
    for dim in reversed(range(len(windows.sizes))):
        input = _along(xp, input, windows, dim, back=True)
    return input


sum_windows.gradients(lambda g, _y, _x, *, windows: spread_windows(g, windows=windows))
spread_windows.gradients(lambda g, _y, _x, *, windows: sum_windows(g, windows=windows))


# ----- arguments -----


def each(value: Any, ndim: int, complaint: str) -> Sizes:
    """An int, or a list of one or ndim ints, as one int per dimension.

    Raises RuntimeError with the complaint for another number of them, TypeError for what are no
    ints.
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    try:
        ints = tuple(operator.index(one) for one in values)
    except TypeError as error:  # also where arrays and tensors have several
        raise TypeError(f"{complaint}: ints expected, but got {value!r}") from error
    if any(isinstance(one, bool) for one in values):
        raise TypeError(f"{complaint}: ints expected, but got {value!r}")
    if len(ints) not in (1, ndim):
        raise RuntimeError(complaint)
    return ints * (ndim if len(ints) == 1 else 1)
