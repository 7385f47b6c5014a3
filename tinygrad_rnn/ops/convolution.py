"""Convolution over one, two or three dimensions, and its transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import bool_, float16, float32, int64, of_array
from .conversion import cast
from .convolving import convolve, convolve_transposed
from .indexing import getitem
from .shape import shape_of, squeeze, unsqueeze
from .windows import Sizes, Windows, each, extent

Ints = int | Sequence[int]
Tensors = tuple[Any, Any, Any]  # input, weight, bias


def _per_dim(what: str, value: Any, ndim: int, least: int) -> Sizes:
    """A number per dimension. Raises RuntimeError if there are too many or they are too small."""
    shown = list(value) if isinstance(value, Sequence) else value
    found = each(
        value, ndim,
        f"expected {what} to be a single integer value or a list of {ndim} values to match the "
        f"convolution dimensions, but got {what}={shown}",
    )  # fmt: skip
    if min(found) < least:
        sign, need = ("non-positive", "greater than") if least else ("negative", "at least")
        raise RuntimeError(
            f"{sign} {what} is not supported: {what} should be {need} zero, but got {what}={shown}"
        )
    return found


def _check_tensors(name: str, input: Any, weight: Any, bias: Any) -> None:
    for label, value in (("input", input), ("weight", weight), ("bias", bias)):
        if not isinstance(value, Variable) and not (label == "bias" and value is None):
            raise TypeError(
                f"{name}() received an invalid combination of arguments: argument '{label}' must "
                f"be Tensor, not {type(value).__name__}"
            )
    kind = of_array(input._array.dtype)
    if kind is bool_ or ("transpose" in name and not (kind.is_floating_point or kind is int64)):
        raise NotImplementedError(f"{name} is not implemented for {kind}")
    for label, value in (("weight", weight), ("bias", bias)):
        if value is not None and of_array(value._array.dtype) is not kind:
            raise RuntimeError(
                f"Input type ({kind}) and {label} type ({of_array(value._array.dtype)}) should be "
                "the same"
            )


def _check_shapes(shape: Sizes, weight: Sizes, bias: Any, groups: int, transposed: bool) -> None:
    """Raise RuntimeError unless an input (N, C, ...) fits the weight, and the weight the bias."""
    given = f"Given transposed={int(transposed)}" if transposed else f"Given groups={groups}"
    if len(weight) < 3:
        raise RuntimeError(
            f"weight should have at least three dimensions, but got weight of size {list(weight)}"
        )
    if len(weight) != len(shape):
        raise RuntimeError(
            f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight "
            f"{list(weight)}, but got {len(shape)}-dimensional input of size {list(shape)} instead"
        )
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: got groups={groups}")
    if weight[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {list(weight)} instead"
        )
    if weight[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {list(weight)} instead"
        )
    wanted = weight[0] if transposed else weight[1] * groups
    if shape[1] != wanted:
        raise RuntimeError(
            f"{given}, weight of size {list(weight)}, expected input{list(shape)} to have {wanted} "
            f"channels, but got {shape[1]} channels instead"
        )
    outputs = weight[1] * groups if transposed else weight[0]
    if bias is not None and shape_of(bias) != (outputs,):
        raise RuntimeError(
            f"{given}, weight of size {list(weight)}, expected bias to be 1-dimensional with "
            f"{outputs} elements, but got bias of size {list(shape_of(bias))} instead"
        )
    if min(weight[2:]) <= 0:
        raise RuntimeError(
            f"kernel size should be greater than zero, but got weight of size {list(weight)}"
        )


def _by(sizes: Sequence[int]) -> str:
    return f"({' x '.join(map(str, sizes))})"


def _apply(
    operation: Any, name: str, ndim: int, tensors: Tensors,
    windows: Callable[[Sizes, Sizes], Windows], groups: int,
) -> Any:  # fmt: skip
    """The operation on checked tensors; `windows` tells from the sizes of input and kernel."""
    input, weight, bias = tensors
    _check_tensors(name, input, weight, bias)
    shape, kernel = shape_of(input), shape_of(weight)
    if len(shape) not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Expected {ndim + 1}D (unbatched) or {ndim + 2}D (batched) input to {name}, but got "
            f"input of size: {list(shape)}"
        )
    batched = len(shape) == ndim + 2
    shape = shape if batched else (1, *shape)
    transposed = operation is convolve_transposed
    _check_shapes(shape, kernel, bias, groups, transposed)
    lies = windows(shape[2:], kernel[2:])
    if not all(shape[2:]) and shape[0] and shape[1]:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: "
            f"{list(shape)}"
        )
    kind = of_array(input._array.dtype)
    if kind is float16:  # NumPy would round after each addition
        input, weight, bias = (t if t is None else cast(t, float32) for t in tensors)
    if not batched:
        input = unsqueeze(input, 0)
    result = cast(operation(input, weight, bias, windows=lies, groups=groups), kind)
    if not shape[1]:  # nothing comes of no channels, as in PyTorch
        result = getitem(result, (slice(None), slice(0, 0)))
    return result if batched else squeeze(result, 0)


def _conv(
    name: str, ndim: int, tensors: Tensors, stride: Ints,
    padding: Ints | str, dilation: Ints, groups: int,
) -> Any:  # fmt: skip
    steps = _per_dim("stride", stride, ndim, 1)
    apart = _per_dim("dilation", dilation, ndim, 1)
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise RuntimeError(f"Invalid padding string: '{padding}': expected 'same', 'valid' or ints")
    before = _per_dim("padding", 0 if isinstance(padding, str) else padding, ndim, 0)
    if padding == "same" and any(step != 1 for step in steps):
        raise RuntimeError("padding='same' is not supported for strided convolutions")

    def windows(sizes: Sizes, kernel: Sizes) -> Windows:
        reach = tuple(map(extent, kernel, apart))
        if padding == "same":  # of an odd number one more goes behind the input
            return Windows(sizes, sizes, kernel, steps, apart, tuple((r - 1) // 2 for r in reach))
        padded = tuple(n + 2 * p for n, p in zip(sizes, before, strict=True))
        if any(r > n for r, n in zip(reach, padded, strict=True)):
            raise RuntimeError(
                f"Calculated padded input size per channel: {_by(padded)}. Kernel size: "
                f"{_by(reach)}. Kernel size can't be greater than actual input size"
            )
        counts = tuple((n - r) // s + 1 for n, r, s in zip(padded, reach, steps, strict=True))
        return Windows(sizes, counts, kernel, steps, apart, before)

    return _apply(convolve, name, ndim, tensors, windows, groups)


def _conv_transpose(
    name: str, ndim: int, tensors: Tensors, stride: Ints, padding: Ints,
    output_padding: Ints, groups: int, dilation: Ints,
) -> Any:  # fmt: skip
    if isinstance(padding, str):
        raise TypeError(f"{name}(): argument 'padding' must be tuple of ints, not str")
    steps = _per_dim("stride", stride, ndim, 1)
    apart = _per_dim("dilation", dilation, ndim, 1)
    before = _per_dim("padding", padding, ndim, 0)
    more = _per_dim("output_padding", output_padding, ndim, 0)
    for m, s, d in zip(more, steps, apart, strict=True):
        if m >= s and m >= d:
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding={list(more)}, stride={list(steps)} and dilation={list(apart)}"
            )

    def windows(counts: Sizes, kernel: Sizes) -> Windows:
        sizes = tuple(
            (n - 1) * s - 2 * p + extent(k, d) + m
            for n, s, p, k, d, m in zip(counts, steps, before, kernel, apart, more, strict=True)
        )
        if min(sizes) <= 0 and all(counts):
            raise RuntimeError(
                f"Given input size per channel: {_by(counts)}. Calculated output size per channel: "
                f"{_by(sizes)}. Output size is too small"
            )
        return Windows(sizes, counts, kernel, steps, apart, before)

    return _apply(convolve_transposed, name, ndim, tensors, windows, groups)


# ----- the public functions -----


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """As `conv2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.conv1d(torch.tensor([[[1.0, 2.0, 4.0]]]), torch.tensor([[[-1.0, 1.0]]]))
    tensor([[[1., 2.]]])
    """
    return _conv("conv1d", 1, (input, weight, bias), stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """Each window of the input times each kernel, summed (the kernel is not turned around).

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: the kernels, (O, C / groups, height, width).
        bias: (O), added to the output channels.
        stride: how far a window is from the next one.
        padding: how many zeros stand at both ends of each dimension; "valid" for none, "same" for
            as many as give the output the input's size.
        dilation: how far elements of a window are from each other.
        groups: so many parts of the channels are convolved apart from each other.

    Returns (N, O, H', W') with H' = (H + 2 padding - dilation (height - 1) - 1) // stride + 1.
    Raises RuntimeError for shapes, dtypes and numbers that do not fit.

    >>> F.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), stride=2, padding=1)
    tensor([[[[1., 2.],
              [2., 4.]]]])
    """
    return _conv("conv2d", 2, (input, weight, bias), stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """As `conv2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.conv3d(torch.ones(1, 2, 2, 2, 2), torch.ones(1, 2, 2, 2, 2))
    tensor([[[[[16.]]]]])
    """
    return _conv("conv3d", 3, (input, weight, bias), stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Any:  # fmt: skip
    """As `conv_transpose2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.conv_transpose1d(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[1.0, 3.0]]]))
    tensor([[[1., 5., 6.]]])
    """
    tensors = (input, weight, bias)
    return _conv_transpose(
        "conv_transpose1d", 1, tensors, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` with respect to its input: each element times each kernel, summed
    where the products overlap.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: the kernels, (C, O / groups, height, width).
        bias: (O), added to the output channels.
        stride, padding, dilation, groups: those of the convolution; padding makes the output
            smaller here.
        output_padding: how many rows and columns more the output has at the end, of all those
            that the convolution makes the same size.

    Returns (N, O, H', W') with H' = (H - 1) stride - 2 padding + dilation (height - 1) +
    output_padding + 1. Raises RuntimeError for shapes, dtypes and numbers that do not fit.

    >>> F.conv_transpose2d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """
    tensors = (input, weight, bias)
    return _conv_transpose(
        "conv_transpose2d", 2, tensors, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Any, weight: Any, bias: Any = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Any:  # fmt: skip
    """As `conv_transpose2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.conv_transpose3d(torch.ones(1, 1, 1, 1, 1), torch.ones(1, 1, 1, 1, 2), stride=2)
    tensor([[[[[1., 1.]]]]])
    """
    tensors = (input, weight, bias)
    return _conv_transpose(
        "conv_transpose3d", 3, tensors, stride, padding, output_padding, groups, dilation
    )
