"""Windows of pictures as columns and back, and channels as pixels and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import bool_, float16, float32, of_array
from .conversion import cast
from .shape import permute, reshape, shape_of, squeeze, unsqueeze
from .windows import Sizes, Windows, add_windows, each, extent, read_windows

Ints = int | Sequence[int]


def _pairs(**given: Any) -> list[Sizes]:
    """Each argument as a pair. Raises RuntimeError for numbers that make no sense."""
    found = []
    for name, value in given.items():
        pair = each(value, 2, f"It is expected {name} equals to 2 ints, but got {value}")
        least = 0 if name == "padding" else 1
        if min(pair) < least:
            need = "greater than zero" if least else "non-negative"
            raise RuntimeError(f"{name} should be {need}, but got {name}={value}")
        found.append(pair)
    return found


def _blocks(name: str, sizes: Sizes, places: list[Sizes]) -> Windows:
    kernel, apart, before, steps = places
    counts = tuple(
        (n + 2 * p - extent(k, d)) // s + 1
        for n, k, d, p, s in zip(sizes, kernel, apart, before, steps, strict=True)
    )
    if min(counts) < 1:
        raise RuntimeError(
            f"{name}: Given spatial size {sizes}, kernel_size={kernel}, dilation={apart}, "
            f"padding={before}, stride={steps}, calculated shape of the array of sliding blocks as "
            f"{counts}, but its components must be at least one."
        )
    return Windows(sizes, counts, kernel, steps, apart, before)


def _expect(name: str, input: Any, ndim: int, empty_batch: int) -> None:
    if not isinstance(input, Variable):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    shape = shape_of(input)
    if len(shape) not in (ndim - 1, ndim) or not all(shape[-empty_batch:]):
        raise RuntimeError(
            f"{name}: Expected {ndim - 1}D or {ndim}D (batch mode) tensor for input with possibly "
            f"0 batch size and non-zero dimensions for input, but got: {list(shape)}"
        )
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point and kind is not bool_:
        raise NotImplementedError(f"{name} is not implemented for {kind}; convert with .float()")


def unfold(
    input: Any, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Any:
    """The windows of a batch of pictures, each as a column (im2col).

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, dilation, padding, stride: as those of `conv2d`.

    Returns (N, C * elements of a window, number of windows). Raises RuntimeError for shapes and
    numbers that do not fit.

    >>> F.unfold(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    _expect("unfold", input, 4, 3)
    places = _pairs(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    windows = _blocks("unfold", shape_of(input)[-2:], places)
    if len(shape_of(input)) == 3:
        return squeeze(read_windows(unsqueeze(input, 0), windows=windows), 0)
    return read_windows(input, windows=windows)


def fold(
    input: Any, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
    stride: Ints = 1,
) -> Any:  # fmt: skip
    """A batch of pictures put together of windows, which add up where they overlap (col2im).

    Args:
        input: (N, C * elements of a window, number of windows), or without N.
        output_size: of a picture.
        kernel_size, dilation, padding, stride: those of the `unfold` of such a picture.

    Returns (N, C, *output_size). Raises RuntimeError for shapes and numbers that do not fit.

    >>> F.fold(torch.ones(1, 2, 2), (1, 3), (1, 2))
    tensor([[[[1., 2., 1.]]]])
    """
    _expect("fold", input, 3, 2)
    sizes, *places = _pairs(
        output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding,
        stride=stride,
    )  # fmt: skip
    windows = _blocks("fold", sizes, places)
    rows, columns = shape_of(input)[-2:]
    if rows % windows.area:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={rows} and kernel_size={windows.kernel}."
        )
    height, width = windows.counts
    if columns != height * width:
        raise RuntimeError(
            f"Given output_size={sizes}, kernel_size={windows.kernel}, dilation={windows.dilation},"
            f" padding={windows.before}, stride={windows.stride}, expected size of input's "
            f"dimension 2 to match the calculated number of sliding blocks {height} * {width} = "
            f"{height * width}, but got input.size(2)={columns}."
        )
    batched = len(shape_of(input)) == 3
    kind = of_array(input._array.dtype)
    wide = cast(input, float32) if kind is float16 else input
    result = add_windows(wide if batched else unsqueeze(wide, 0), windows=windows)
    return cast(result if batched else squeeze(result, 0), kind)


# ----- channels as pixels -----


def _check_channels(name: str, input: Any, factor_name: str, factor: int) -> Sizes:
    shape = shape_of(input)
    if len(shape) < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with "
            f"{len(shape)} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {factor_name}, but got {factor}")
    return shape


def _after(count: int, *order: int) -> tuple[int, ...]:
    """The order of dimensions of which the first `count` stay."""
    return (*range(count), *(count + dim for dim in order))


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(..., C * r * r, H, W) to (..., C, H * r, W * r), r being upscale_factor: each group of
    channels becomes a square of pixels (Shi et al., 2016).

    Raises RuntimeError unless r * r divides the channels.

    >>> F.pixel_shuffle(torch.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    r = upscale_factor
    *front, channels, height, width = _check_channels("pixel_shuffle", input, "upscale_factor", r)
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    c = channels // (r * r)
    parts = reshape(input, (*front, c, r, r, height, width))
    mixed = permute(parts, _after(len(front), 0, 3, 1, 4, 2))
    return reshape(mixed, (*front, c, height * r, width * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """The inverse of `pixel_shuffle`: (..., C, H * r, W * r) to (..., C * r * r, H, W).

    Raises RuntimeError unless r divides height and width.

    >>> F.pixel_unshuffle(torch.arange(4).reshape(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    r = downscale_factor
    shape = _check_channels("pixel_unshuffle", input, "downscale_factor", r)
    for label, dim in (("height", -2), ("width", -1)):
        if shape[dim] % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {label} to be divisible by downscale_factor, but "
                f"input.size({dim})={shape[dim]} is not divisible by {r}"
            )
    *front, c, height, width = shape
    parts = reshape(input, (*front, c, height // r, r, width // r, r))
    mixed = permute(parts, _after(len(front), 0, 2, 4, 1, 3))
    return reshape(mixed, (*front, c * r * r, height // r, width // r))


def channel_shuffle(input: Any, groups: int) -> Any:
    """The channels of (N, C, ...) in another order: the first of each group, the second of each,
    ... (Zhang et al., 2018).

    Raises RuntimeError unless groups divides C.

    >>> F.channel_shuffle(torch.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    shape = shape_of(input)
    if len(shape) <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}"
        )
    n, c, *rest = shape
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    parts = reshape(input, (n, groups, c // groups, *rest))
    order = (0, 2, 1, *range(3, len(rest) + 3))
    return reshape(permute(parts, order), shape)
