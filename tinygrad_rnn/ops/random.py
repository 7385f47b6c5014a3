"""Random numbers in the shape of a tensor. They are drawn on the host and then moved, so that a
seed gives the same numbers on every device."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable
from ..backends import Array, device_of, move
from ..backends.generator import Generator, default_generator
from ..dtypes import of_array


def _like(input: Any, draw: Array) -> Any:
    return input._wrap(move(draw.astype(input._array.dtype, copy=False), device_of(input._array)))


def uniform(
    input: Any,
    from_: float = 0.0,
    to: float = 1.0,
    *,
    generator: Generator | None = None,
    **names: Any,
) -> Any:
    """Uniform on [from, to)."""
    low, high, array = names.get("from", from_), to, input._array
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    source = generator or default_generator
    return _like(input, source.uniform(array.shape, low, high, array.dtype))


def normal(
    input: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Any:
    """Normal with the given mean and standard deviation."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    array = input._array
    return _like(
        input, (generator or default_generator).normal(array.shape, mean, std, array.dtype)
    )


def random(
    input: Any, from_: int | None = None, to: int | None = None, *,
    generator: Generator | None = None, **names: Any,
) -> Any:  # fmt: skip
    """Integers in [from, to), or [0, to), or over the whole range of the dtype."""
    source, array = generator or default_generator, input._array
    low, high = names.get("from", from_), to
    if low is None and high is None:
        return _like(input, source.random(array.shape, array.dtype))
    if high is None:
        low, high = 0, low
    return _like(input, source.integers(array.shape, low or 0, high, array.dtype))


def bernoulli(input: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
    """1 with probability p (a number, or a tensor: one per element), else 0."""
    source = generator or default_generator
    if isinstance(p, Variable):
        draw = _like(p, source.uniform(p._array.shape, 0.0, 1.0, p._array.dtype))
        return (draw < p).to(of_array(input._array.dtype))
    return _like(input, source.bernoulli(input._array.shape, p))


def exponential(input: Any, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Exponential with rate lambd."""
    array = input._array
    return _like(
        input, (generator or default_generator).exponential(array.shape, lambd, array.dtype)
    )
