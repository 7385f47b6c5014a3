"""Pooling: what is largest, the mean or the p-norm in each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, float16, float32, iinfo, int64, of_array
from .activation import relu
from .arithmetic import abs, div, mul, pow, sign
from .conversion import cast
from .shape import shape_of
from .windows import Sizes, Windows, each, extent, sum_windows, taps

Ints = int | Sequence[int]

# ----- the largest -----


def _lowest(array: Array) -> float:
    kind = of_array(array.dtype)
    return -math.inf if kind.is_floating_point else iinfo(kind).min


def _name(node: Any) -> str:
    return f"MaxPool{len(node.params['windows'].sizes)}DWithIndicesBackward0"


@primitive(name=_name)
def max_windows(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """(..., *sizes) to (..., *counts): the largest of each window."""
    shape = (*input.shape[: -len(windows.sizes)], *windows.counts)
    result = xp.full(shape, _lowest(input), input.dtype)
    for _, there, here in taps(windows):
        result[there] = xp.maximum(result[there], input[here])
    return result


@primitive
def which_max(xp: Backend, input: Array, *, windows: Windows) -> Array:
    """The number of the first largest element of each window; a nan is larger than all."""
    shape = (*input.shape[: -len(windows.sizes)], *windows.counts)
    best = xp.full(shape, _lowest(input), input.dtype)
    result = xp.zeros(shape, "uint8" if windows.area < 256 else "int32")
    for tap, there, here in taps(windows):
        now, before = xp.ascontiguousarray(input[here]), best[there]  # it is read three times
        better = (now > before) | (now != now)
        best[there] = xp.maximum(before, now)
        # taps come in order, so the last one that was better is the largest number of these
        result[there] = xp.maximum(result[there], better * result.dtype.type(tap))
    return result


@primitive
def pick(xp: Backend, input: Array, which: Array, *, windows: Windows) -> Array:
    """Of each window the element of this number."""
    result = xp.zeros(which.shape, input.dtype)
    for tap, there, here in taps(windows):
        result[there] = xp.where(which[there] == tap, input[here], result[there])
    return result


@primitive
def place(xp: Backend, input: Array, which: Array, *, windows: Windows) -> Array:
    """The adjoint of `pick`: each number added to the element of this number of its window."""
    shape = (*which.shape[: -len(windows.sizes)], *windows.sizes)
    result = xp.zeros(shape, input.dtype)
    for tap, there, here in taps(windows):
        result[here] += input[there] * (which[there] == tap)
    return result


max_windows.gradients(
    lambda g, _y, x, *, windows: place(g, which_max(x, windows=windows), windows=windows)
)
pick.gradients(lambda g, _y, _x, which, *, windows: place(g, which, windows=windows), None)
place.gradients(lambda g, _y, _x, which, *, windows: pick(g, which, windows=windows), None)


def coordinates(which: Array, windows: Windows) -> list[Array]:
    """Where in the input the elements of these numbers are: an array for each dimension."""
    xp: Any = backend_of(which)
    found: list[Array] = []
    rest = which.astype(int64.array)
    ndim = len(windows.sizes)
    for dim in reversed(range(ndim)):
        _, count, kernel, stride, dilation, before = (part[dim] for part in windows)
        first = xp.arange(count) * stride - before
        at = first.reshape((-1,) + (1,) * (ndim - 1 - dim)) + rest % kernel * dilation
        found.insert(0, xp.maximum(at, 0))  # a window of nothing but -inf: its first inside
        rest = rest // kernel
    return found


def flat_places(coordinates: Sequence[Array], sizes: Sizes) -> Array:
    """Coordinates as numbers of the elements of a flattened plane or volume."""
    flat = 0
    for at, size in zip(coordinates, sizes, strict=True):
        flat = flat * size + at
    return flat


# ----- where the windows lie -----


def _check(name: str, input: Any, ndim: int) -> None:
    """Raise unless the input is a tensor of channels of that many dimensions."""
    shape = shape_of(input)
    if len(shape) not in (ndim + 1, ndim + 2) and ndim > 1:
        raise RuntimeError(
            f"{name}: non-empty {ndim + 1}D or {ndim + 2}D (batch mode) tensor expected for input, "
            f"but got: {list(shape)}"
        )
    if len(shape) not in (ndim + 1, ndim + 2) or not all(shape[-ndim - 1 :]):
        raise RuntimeError(
            f"{name}: Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got: {list(shape)}"
        )
    if of_array(input._array.dtype) is bool_:
        raise NotImplementedError(f"{name} is not implemented for torch.bool")


def _windows(
    name: str, input: Any, ndim: int, kernel_size: Ints, stride: Ints | None, padding: Ints,
    dilation: Ints, ceil_mode: bool,
) -> Windows:  # fmt: skip
    """The windows of a pooling. Raises RuntimeError for numbers that make no sense."""
    if not isinstance(input, Variable):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")

    def positive(what: str, value: Any) -> Sizes:
        found = each(value, ndim, f"{name}: {what} must be a single int, or a tuple of {ndim} ints")
        if min(found) < 1:
            raise RuntimeError(f"{name}: {what} must be greater than zero, but got {value}")
        return found

    kernel = positive("kernel_size", kernel_size)
    same = stride is None or (isinstance(stride, tuple | list) and not stride)
    steps = kernel if same else positive("stride", stride)
    apart = positive("dilation", dilation)
    before = each(padding, ndim, f"{name}: padding must be a single int, or a tuple of {ndim} ints")
    for k, p, d in zip(kernel, before, apart, strict=True):
        if p < 0:
            raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {p}")
        if p > extent(k, d) // 2:
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    _check(name, input, ndim)
    sizes = shape_of(input)[-ndim:]
    counts = []
    for n, k, s, p, d in zip(sizes, kernel, steps, before, apart, strict=True):
        room = n + 2 * p - extent(k, d)
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + p:  # one more, that starts inside
            count += 1
        counts.append(count)
    if min(counts) < 1:
        raise RuntimeError(
            f"{name}: Given input size: {sizes}. Calculated output size: {tuple(counts)}. Output "
            "size is too small"
        )
    return Windows(sizes, tuple(counts), kernel, steps, apart, before)


# ----- max pooling -----


def _max_pool(
    name: str, ndim: int, input: Any, kernel_size: Ints, stride: Ints | None, padding: Ints,
    dilation: Ints, ceil_mode: bool, return_indices: bool = False,
) -> Any:  # fmt: skip
    windows = _windows(name, input, ndim, kernel_size, stride, padding, dilation, ceil_mode)
    if ndim == 1 and not input.is_floating_point():
        raise NotImplementedError(f"{name} is not implemented for {input.dtype}")
    result = max_windows(input, windows=windows)
    if not return_indices:
        return result
    found = coordinates(which_max(input._array, windows=windows), windows)
    return result, input._wrap(flat_places(found, windows.sizes))


def max_pool1d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """As `max_pool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: of a window.
        stride: how far a window is from the next one; kernel_size if None.
        padding: how many elements stand at both ends of each dimension, all of them -infinity.
        dilation: how far elements of a window are from each other.
        ceil_mode: whether a last window may reach over the end.
        return_indices: return a pair: the elements, and their numbers in the flattened plane.

    Returns (N, C, H', W') with H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.
    Raises RuntimeError for shapes and numbers that do not fit.

    >>> x = torch.tensor([[[1.0, 2.0], [4.0, 3.0]]])
    >>> F.max_pool2d(x, 2, return_indices=True)
    (tensor([[[4.]]]), tensor([[[2]]]))
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """As `max_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


# ----- the mean -----


def _within(windows: Windows, dim: int, padded: bool) -> list[int]:
    """How many elements each window has along a dimension inside the input; or, padded, inside it
    and as much padding behind as there is in front."""
    size, count, kernel, stride, _, before = (part[dim] for part in windows)
    starts = range(-before, count * stride - before, stride)
    if padded:
        return [min(start + kernel, size + before) - start for start in starts]
    return [min(start + kernel, size) - max(start, 0) for start in starts]


def average(input: Any, windows: Windows, padded: bool = True, divisor: int | None = None) -> Any:
    """The sum of each window, divided by the divisor or by the number of its elements."""
    kind = of_array(input._array.dtype)
    wide = cast(input, float32) if kind is float16 else input
    total = sum_windows(wide, windows=windows)
    mode = None if kind.is_floating_point else "trunc"
    ndim = len(windows.sizes)
    counts = [_within(windows, dim, padded) for dim in range(ndim)]
    if divisor is None and all(len(set(c)) == 1 for c in counts):
        divisor = math.prod(c[0] for c in counts)
    if divisor is not None:
        return cast(div(total, divisor, rounding_mode=mode), kind)
    xp: Any = backend_of(total._array)
    number: Any = 1
    for dim, count in enumerate(counts):
        column = xp.asarray(count, total._array.dtype)
        number = number * column.reshape((-1,) + (1,) * (ndim - 1 - dim))
    return cast(div(total, input._wrap(number), rounding_mode=mode), kind)


def _avg_pool(
    name: str, ndim: int, input: Any, kernel_size: Ints, stride: Ints | None, padding: Ints,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Any:  # fmt: skip
    windows = _windows(name, input, ndim, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    if input._array.dtype.kind != "f" and input._array.dtype != int64.array:
        raise NotImplementedError(f"{name} is not implemented for {input.dtype}")
    return average(input, windows, count_include_pad, divisor_override)


def avg_pool1d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """As `avg_pool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.avg_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W); int64 means are cut to integers.
        kernel_size, stride, padding, ceil_mode: as those of `max_pool2d`; padding is zeros.
        count_include_pad: whether padding counts as elements of a window.
        divisor_override: what the sums are divided by instead of the number of elements.

    Raises RuntimeError for shapes and numbers that do not fit.

    >>> F.avg_pool2d(torch.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2)
    tensor([[[2.5000]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def avg_pool3d(
    input: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """As `avg_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


# ----- the p-norm -----


def _lp_pool(
    name: str, ndim: int, input: Any, norm_type: float, kernel_size: Ints,
    stride: Ints | None, ceil_mode: bool,
) -> Any:  # fmt: skip
    """As PyTorch: of the mean, so of a window over the end not all is in the sum."""
    if not norm_type:
        raise ValueError(f"{name}: norm_type must not be 0")
    area = math.prod(each(kernel_size, ndim, f"{name}: kernel_size must be one int or {ndim}"))
    if math.isinf(norm_type):  # the limits: the largest and the smallest
        toward = 1 if norm_type > 0 else -1
        found = _max_pool(name, ndim, abs(input) * toward, kernel_size, stride, 0, 1, ceil_mode)
        return found * toward
    powers = pow(input, norm_type)
    mean = _avg_pool(name, ndim, powers, kernel_size, stride, 0, ceil_mode, True, None)
    return pow(mul(mul(sign(mean), relu(abs(mean))), area), 1.0 / norm_type)


def lp_pool1d(
    input: Any, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """As `lp_pool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.lp_pool1d(torch.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Any, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """Of each window the sum of the powers norm_type, to the power 1 / norm_type.

    input is (N, C, H, W) or (C, H, W); a window over the end counts for as much as a whole one.

    >>> F.lp_pool2d(torch.tensor([[[3.0, 4.0], [0.0, 0.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Any, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """As `lp_pool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.lp_pool3d(torch.ones(1, 2, 2, 1), 2, (2, 2, 1))
    tensor([[[[2.]]]])
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
