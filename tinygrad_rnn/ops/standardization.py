"""What all normalisations are made of: mean 0 and variance 1 over some dimensions, then a scale
and a shift."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Kept, Variable, named, primitive
from ..backends import Array, Backend, backend_of, packed
from .elementwise import rsqrt
from .reduction import _mean
from .replay import replayed

Dims = tuple[int, ...]


def count(shape: tuple[int, ...], dims: Dims) -> int:
    """How many elements there are over dims."""
    return math.prod(shape[d] for d in dims)


@functools.lru_cache(maxsize=256)
def _layout(shape: tuple[int, ...], dims: Dims) -> tuple[int, int, int, tuple[int, ...]]:
    """How many numbers there are over the first of dims, over what is kept, and over the last of
    dims; and the shape of sums."""
    first, last = 0, len(shape)
    while last and last - 1 in dims:
        last -= 1
    while first < last and first in dims:
        first += 1
    sums = tuple(1 if d in dims else n for d, n in enumerate(shape))
    return math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:]), sums


def _totals(xp: Backend, input: Array, dims: Dims, factors: Array | None = None) -> Array:
    """The sums over dims, which are the first dimensions, the last ones, or both, kept with size
    1; of the products with the factors, which have the sizes of the last. As matrix products,
    which take a third of the time of NumPy's own sums."""
    first, kept, last, sums = _layout(input.shape, dims)
    result = input
    if last != 1:
        column = xp.ones(last, input.dtype) if factors is None else factors.reshape((last,))
        result = xp.matmul(result.reshape((first * kept, last)), column)
    elif factors is not None:
        result = result * factors
    if first != 1:
        result = xp.matmul(xp.ones(first, input.dtype), result.reshape((first, kept)))
    return (input.copy() if result is input else result).reshape(sums)


# Backward reads the standardised input, not the result, which may be changed in place, as by
# ReLU(inplace=True).
@primitive(name=named("NativeBatchNormBackward0"))
def normalize(
    xp: Backend, input: Array, weight: Array | None, bias: Array | None,
    *, dims: Dims, eps: float, name: str = "",
) -> tuple[Any, ...]:  # fmt: skip
    """(input - mean) / sqrt(variance + eps) * weight + bias, and the mean and the variance over
    dims, kept with size 1; weight and bias broadcast to the input."""
    n, input = count(input.shape, dims), packed(input)
    mean = _totals(xp, input, dims) / n
    standard = input - mean
    result = standard * standard
    variance = _totals(xp, result, dims) / n
    scale = variance + eps
    scale = xp.sqrt(scale) / scale  # nan, not 0, where squares do not fit
    standard *= scale
    xp.multiply(standard, 1 if weight is None else weight, out=result)
    if bias is not None:
        result += bias
    return result, mean, variance, Kept((standard, scale))


def _plain(input: Any, weight: Any, bias: Any, *, dims: Dims, eps: float) -> tuple[Any, ...]:
    mean = _mean(input, dims=dims, keepdim=True)
    deviation = input - mean
    variance = _mean(deviation * deviation, dims=dims, keepdim=True)
    result = deviation * rsqrt(variance + eps)
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias, mean, variance


def _broadcast_dims(shape: tuple[int, ...], parameter: Array) -> Dims:
    """The dimensions of `shape` along which a parameter is repeated."""
    lead = len(shape) - parameter.ndim
    return tuple(d for d in range(len(shape)) if d < lead or parameter.shape[d - lead] == 1)


def _gradients(
    g: Sequence[Any], kept: Any, x: Any, weight: Any, bias: Any,
    *, needs: list[bool], dims: Dims, eps: float, name: str = "",
) -> Sequence[Any]:  # fmt: skip
    if isinstance(x, Variable):
        return replayed(g, (x, weight, bias), needs, functools.partial(_plain, dims=dims, eps=eps))
    (of_result, of_mean, of_variance), (standard, scale) = g, kept
    xp: Any = backend_of(x)
    n = max(count(x.shape, dims), 1)
    of_input = of_weight = of_bias = None
    if of_result is not None:
        along = of_result * standard
        if needs[1]:
            of_weight = _totals(xp, along, _broadcast_dims(x.shape, weight)).reshape(weight.shape)
        if needs[2]:
            of_bias = _totals(xp, of_result, _broadcast_dims(x.shape, bias)).reshape(bias.shape)
        if needs[0]:  # Ioffe and Szegedy, "Batch Normalization" (2015), section 3
            of_input = of_result * (1 if weight is None else weight)
            factors = weight
            if weight is not None and weight.shape != x.shape[dims[0] :]:
                along *= weight
                factors = None
            mean_along = _totals(xp, along, dims, factors) / n
            of_input -= _totals(xp, of_input, dims) / n
            xp.multiply(standard, mean_along, out=along)
            of_input -= along
            of_input *= scale
    if needs[0] and of_input is None:
        of_input = xp.zeros_like(x)
    if needs[0] and of_mean is not None:
        of_input += of_mean / n
    if needs[0] and of_variance is not None:
        of_input += standard * (of_variance * (2 / n) / scale)
    return of_input, of_weight, of_bias


normalize.gradients(joint=_gradients)
