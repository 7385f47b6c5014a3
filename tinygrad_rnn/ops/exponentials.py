"""Sums of exponentials: their logarithm, softmax and its logarithm, without overflow."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, is_host, packed
from ..dtypes import dtype, float32, of_array
from .choice import where
from .conversion import cast
from .elementwise import exp
from .names import second_names
from .reduction import Axes, _sum, _summed, axes_of, spread
from .shape import Dims, reshape, shape_of, wrap_dim

# What counts as close to 0: exp(2 * 30) and the sums of many of these fit float32
ORDINARY = 30.0


def _shifted(xp: Backend, input: Array, dims: Axes) -> tuple[Array, Array]:
    """The input less its largest element, for an exp that does not overflow; and that element,
    taken as 0 where it is infinite, since inf - inf is nan."""
    largest = input.max(axis=dims, keepdims=True)
    largest = xp.where(xp.isfinite(largest), largest, xp.asarray(0, input.dtype))
    return input - largest, largest


def _ordinary(input: Array) -> bool:
    """Whether exp can be taken of rows as they are: where all numbers are this close to 0, their
    exponentials and quotients of them fit float32. NumPy finds the largest number of all in less
    time than exp takes, but that of each row in three times as long, if the rows are short."""
    return (
        is_host(input)
        and input.dtype.itemsize >= 4
        and input.shape[-1] <= 128
        and input.max() <= ORDINARY
        and input.min() >= -ORDINARY
    )


@primitive
def _logsumexp(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    if not input.size:
        return xp.log(xp.sum(xp.exp(input), axis=dims, keepdims=keepdim))
    shifted, largest = _shifted(xp, input, dims)
    result = xp.log(xp.sum(xp.exp(shifted), axis=dims, keepdims=True)) + largest
    return packed(result if keepdim else result.squeeze(axis=dims))


@primitive
def _softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    input = xp.ascontiguousarray(input)  # the result is, as in PyTorch
    if not _ordinary(input):
        input = input - input.max(axis=dim, keepdims=True)
    powers = xp.exp(input)
    powers /= _summed(xp, powers, (dim,), True)
    return powers


@primitive
def _log_softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    input = xp.ascontiguousarray(input)
    if _ordinary(input):
        powers = xp.exp(input)
        powers /= _summed(xp, powers, (dim,), True)
        return xp.log(powers, out=powers)
    shifted = input - input.max(axis=dim, keepdims=True)
    shifted -= xp.log(_summed(xp, xp.exp(shifted), (dim,), True))
    return shifted


def _total(g: Any, dim: int) -> Any:
    return _sum(g, dims=(dim,), keepdim=True)


_logsumexp.gradients(
    lambda g, y, x, *, dims, keepdim: (
        spread(g, shape_of(x), dims)
        * exp(x - spread(where(y == -math.inf, 0, y), shape_of(x), dims))
    )
)
_softmax.gradients(lambda g, y, _x, *, dim: y * (g - _total(g * y, dim)))
_log_softmax.gradients(lambda g, y, _x, *, dim: g - exp(y) * _total(g, dim))


@second_names
def logsumexp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    """log(sum(exp(input))) over dim, without overflow; these dimensions go, or become 1 with
    keepdim.

    >>> torch.logsumexp(torch.tensor([[1000.0, 1000.0]]), dim=1)
    tensor([1000.6932])
    """
    input = cast(input, float32) if input._array.dtype.kind != "f" else input
    return _logsumexp(input, dims=axes_of(input, dim), keepdim=keepdim)


def _along(primitive: Any, input: Any, dim: int | None, target: dtype | None) -> Any:
    input = cast(input, target) if target is not None else input
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f"softmax is not implemented for {of_array(input._array.dtype)}; convert with .float()"
        )
    shape = shape_of(input)
    if dim is None:
        raise TypeError("softmax() missing the dimension to normalise over: give dim=")
    dim = wrap_dim(dim, len(shape))
    if not shape:  # a number, alone in its dimension
        return reshape(primitive(reshape(input, (1,)), dim=0), ())
    return primitive(input, dim=dim)


@second_names
def softmax(input: Any, dim: int | None = None, dtype: dtype | None = None) -> Any:
    """exp(input), normalised to sum 1 over dim; of input's shape.

    >>> torch.softmax(torch.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    return _along(_softmax, input, dim, dtype)


@second_names
def log_softmax(input: Any, dim: int | None = None, dtype: dtype | None = None) -> Any:
    """The logarithm of softmax over dim, without its rounding errors; of input's shape.

    >>> torch.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _along(_log_softmax, input, dim, dtype)
