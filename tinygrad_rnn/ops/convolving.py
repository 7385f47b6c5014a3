"""The primitives of convolution, over any number of dimensions.

As matrices: the windows of an input are the columns of one (im2col), the kernels the rows of
another. With input x, kernels w and output y, <y, x * w> is linear in each of the three, and the
three primitives are its derivatives; so the gradients of each are the other two, at any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of, is_host
from .reduction import _sum
from .shape import shape_of
from .windows import Sizes, Windows, add_columns, empty_columns, extent, fill_columns


def _step(array: Array, windows: Windows, channels: int) -> int:
    """Of how many samples the columns stay in a processor's cache, or fit a GPU's memory."""
    limit = 2**20 if is_host(array) else 2**27
    return max(1, limit // max(1, channels * windows.area * math.prod(windows.counts)))


def _columns(
    xp: Backend, input: Array, windows: Windows, groups: int
) -> Iterator[tuple[slice, Array]]:
    """The batch in parts, and the windows of each group as columns, always in the same memory."""
    n, c = input.shape[:2]
    rows, length = c // groups * windows.area, math.prod(windows.counts)
    if windows.area == 1 and windows.inside and windows.sizes == windows.counts:
        yield slice(n), input.reshape((n, groups, rows, length))
        return
    step = min(n, _step(input, windows, c))
    columns = empty_columns(xp, input, windows, step)
    for first in range(0, n, step or 1):
        part = slice(first, first + step)
        found = columns[: len(input[part])]
        fill_columns(input[part], windows, found)
        yield part, found.reshape((len(found), groups, rows, length))


def _kernels(weight: Array, groups: int) -> Array:
    """The kernels of each group as rows."""
    return weight.reshape((groups, len(weight) // groups, math.prod(weight.shape[1:])))


def _rows(output: Array, groups: int) -> Array:
    """The channels of each group as rows."""
    n, c = output.shape[:2]
    return output.reshape((n, groups, c // groups, math.prod(output.shape[2:])))


def _with_bias(result: Array, bias: Array | None) -> Array:
    if bias is not None:
        result += bias.reshape((-1,) + (1,) * (result.ndim - 2))
    return result


@primitive(name="ConvolutionBackward0")
def convolve(
    xp: Backend, input: Array, weight: Array, bias: Array | None, *, windows: Windows, groups: int
) -> Array:
    """y of x (N, C, *sizes) and w (O, C / groups, *kernel): (N, O, *counts)."""
    kernels = _kernels(weight, groups)
    result = xp.empty((len(input), len(weight), *windows.counts), input.dtype)
    rows = _rows(result, groups)
    for part, columns in _columns(xp, input, windows, groups):
        xp.matmul(kernels, columns, out=rows[part])
    return _with_bias(result, bias)


@primitive(name="ConvolutionBackward0")
def convolve_transposed(
    xp: Backend, input: Array, weight: Array, bias: Array | None, *, windows: Windows, groups: int
) -> Array:
    """x of y (N, O, *counts) and w: (N, C, *sizes)."""
    kernels = _kernels(weight, groups).swapaxes(1, 2)
    n, channels = len(input), weight.shape[1] * groups
    add, counts = add_columns, windows.counts
    if all(stride == 1 for stride in windows.stride):
        add, counts = _add_shifted, (counts[0], *_padded(windows)[1:])
        wide = xp.zeros((*input.shape[:2], *counts), input.dtype)
        wide[(..., *map(slice, windows.counts))] = input
        input = wide
    rows = _rows(input, groups)
    result = xp.zeros((n, channels, *windows.sizes), input.dtype)
    step = _step(input, windows, channels)
    for first in range(0, n, step):
        part = slice(first, first + step)
        products = xp.matmul(kernels, rows[part])
        add(
            products.reshape((len(products), channels, windows.area, *counts)),
            windows,
            result[part],
        )
    return _with_bias(result, bias)


def _padded(windows: Windows) -> Sizes:
    """How much of the input and the zeros around it windows of stride 1 reach."""
    reaches = map(extent, windows.kernel, windows.dilation)
    return tuple(count + reach - 1 for count, reach in zip(windows.counts, reaches, strict=True))


def _add_shifted(columns: Array, windows: Windows, result: Array) -> None:
    """`add_columns` for windows of stride 1, of columns with rows as long as those of the padded
    input, zeros at their ends. All of an element of the kernel is then added in one long run,
    which takes half the time of adding row by row."""
    xp: Any = backend_of(columns)
    n, c, area = columns.shape[:3]
    padded = _padded(windows)
    columns = columns.reshape((n, c, area, math.prod(columns.shape[3:])))
    length = columns.shape[3]
    starts = [0]
    for dim, (kernel, apart) in enumerate(zip(windows.kernel, windows.dilation, strict=True)):
        far = apart * math.prod(padded[dim + 1 :])
        starts = [start + k * far for start in starts for k in range(kernel)]
    total = xp.zeros((n, c, length + starts[-1]), columns.dtype)
    for tap, start in enumerate(starts):
        total[:, :, start : start + length] += columns[:, :, tap]
    total = total[:, :, : math.prod(padded)].reshape((n, c, *padded))
    sides = zip(windows.before, windows.sizes, strict=True)
    inside = total[(..., *(slice(before, before + size) for before, size in sides))]
    result[(..., *map(slice, inside.shape[2:]))] += inside


@primitive(name="ConvolutionBackward0")
def correlate(xp: Backend, input: Array, output: Array, *, windows: Windows, groups: int) -> Array:
    """w of x and y: (O, C / groups, *kernel)."""
    shape = (output.shape[1], input.shape[1] // groups, *windows.kernel)
    total = xp.zeros((groups, math.prod(shape[1:]), shape[0] // groups), input.dtype)
    rows = _rows(output, groups)
    for part, columns in _columns(xp, input, windows, groups):  # turning them is dearer than rows
        total += xp.sum(xp.matmul(columns, rows[part].swapaxes(2, 3)), axis=0)
    return total.swapaxes(1, 2).reshape(shape)


def _of_bias(g: Any) -> Any:
    return _sum(g, dims=(0, *range(2, len(shape_of(g)))), keepdim=False)


convolve.gradients(
    lambda g, _y, x, w, _b, **how: convolve_transposed(g, w, None, **how),
    lambda g, _y, x, w, _b, **how: correlate(x, g, **how),
    lambda g, _y, _x, _w, _b, **how: _of_bias(g),
)
convolve_transposed.gradients(
    lambda g, _y, y, w, _b, **how: convolve(g, w, None, **how),
    lambda g, _y, y, w, _b, **how: correlate(g, y, **how),
    lambda g, _y, _x, _w, _b, **how: _of_bias(g),
)
correlate.gradients(
    lambda g, _y, x, y, **how: convolve_transposed(y, g, None, **how),
    lambda g, _y, x, y, **how: convolve(x, g, None, **how),
)
