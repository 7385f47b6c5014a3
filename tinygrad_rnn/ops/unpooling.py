"""Max-unpooling: what max-pooling found, put back to where it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..backends import backend_of
from ..dtypes import int64, of_array
from .checking import refusing
from .gathering import _scatter
from .shape import new_sizes, reshape, shape_of
from .windows import Sizes, each

Ints = int | Sequence[int]


def _output_size(default: Sizes, steps: Sizes, output_size: Sequence[int] | None) -> Sizes:
    """The one asked for. Raises ValueError if no max-pooling leads from there to the input."""
    if output_size is None:
        return default
    ndim, wanted = len(default), tuple(output_size)
    if len(wanted) == ndim + 2:
        wanted = wanted[2:]
    if len(wanted) != ndim:
        raise ValueError(
            f"output_size should be a sequence containing {ndim} or {ndim + 2} elements, but it "
            f"has a length of '{len(wanted)}'"
        )
    for dim, (n, usual, step) in enumerate(zip(wanted, default, steps, strict=True)):
        if not usual - step < n < usual + step:
            raise ValueError(
                f'invalid output_size "{wanted}" (dim {dim} must be between {usual - step} and '
                f"{usual + step})"
            )
    return wanted


_check_unpool = refusing("max_unpool", "biu")


def _max_unpool(
    ndim: int, input: Any, indices: Any, kernel_size: Ints, stride: Ints | None, padding: Ints,
    output_size: Sequence[int] | None,
) -> Any:  # fmt: skip
    name = f"max_unpool{ndim}d"
    for label, value in (("input", input), ("indices", indices)):
        if not isinstance(value, Variable):
            raise TypeError(
                f"{name}(): argument '{label}' must be Tensor, not {type(value).__name__}"
            )
    _check_unpool((input,))
    complaint = f"{name}: %s must be a single int, or a tuple of {ndim} ints"
    kernel = each(kernel_size, ndim, complaint % "kernel_size")
    steps = kernel if stride is None else each(stride, ndim, complaint % "stride")
    before = each(padding, ndim, complaint % "padding")
    shape = shape_of(input)
    if len(shape) not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Input to {name} should be a {ndim + 1}d or {ndim + 2}d Tensor, but got a tensor "
            f"with {len(shape)} dimensions."
        )
    usual = tuple(
        (n - 1) * s + k - 2 * p
        for n, s, k, p in zip(shape[-ndim:], steps, kernel, before, strict=True)
    )
    sizes = _output_size(usual, steps, output_size)
    if min(sizes) > 0:
        new_sizes((*shape[:-ndim], *sizes))
    if indices._array.dtype != int64.array:
        raise RuntimeError(
            "elements in indices should be type int64 but got: "
            f"{of_array(indices._array.dtype).scalar_name}"
        )
    if shape_of(indices) != shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({list(shape)}) but got indices tensor with shape: {list(shape_of(indices))}"
        )
    if not all(shape[-ndim - 1 :]) or min(sizes) < 0 or min(steps) < 1:
        raise RuntimeError(
            f"{name}: Expected an input without empty dimensions but the batch's, and positive "
            f"sizes and strides, but got input of size {list(shape)}, an output size of "
            f"{list(sizes)} and stride={list(steps)}"
        )
    xp: Any = backend_of(input._array)
    flat = (*shape[:-ndim], math.prod(shape[-ndim:]))
    places = indices._array.reshape(flat)
    volume = "x".join(map(str, sizes))
    message = f"Found an invalid max index: {{}} (output volumes are of size {volume})"
    xp.check_range(places, 0, math.prod(sizes), RuntimeError, message)
    zeros = input._wrap(xp.zeros((*shape[:-ndim], math.prod(sizes)), input._array.dtype))
    result = _scatter(zeros, input._wrap(places), reshape(input, flat), dim=len(flat) - 1)
    return reshape(result, (*shape[:-ndim], *sizes))


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """As `max_unpool2d`, over one dimension: (N, C, L) or (C, L).

    >>> F.max_unpool1d(torch.tensor([[3.0, 2.0]]), torch.tensor([[1, 2]]), 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """Zeros with the input's elements at the places that indices name.

    Args:
        input: (N, C, H, W) or (C, H, W), a result of `max_pool2d`.
        indices: int64 of that shape, as `max_pool2d` returns them.
        kernel_size, stride, padding: those of the max-pooling.
        output_size: of what was pooled, if strides hide it: (..., H', W').

    Returns (N, C, H', W'), H' being (H - 1) stride - 2 padding + kernel_size by default. Raises
    ValueError for an output_size that can't be, RuntimeError for shapes and indices that do not
    fit.

    >>> F.max_unpool2d(torch.tensor([[[4.0]]]), torch.tensor([[[2]]]), 2)
    tensor([[[0., 0.],
             [4., 0.]]])
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """As `max_unpool2d`, over three dimensions: (N, C, D, H, W) or (C, D, H, W).

    >>> F.max_unpool3d(torch.ones(1, 1, 1, 1), torch.tensor([[[[1]]]]), (1, 1, 2))
    tensor([[[[0., 1.]]]])
    """
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
