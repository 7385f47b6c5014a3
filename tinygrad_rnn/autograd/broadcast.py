"""The two operations that undo each other wherever shapes were broadcast."""

from __future__ import annotations

from ..backends import Array, Backend
from ..dtypes import float16, float32
from .primitive import primitive


@primitive
def sum_to(xp: Backend, input: Array, *, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which `shape` would be broadcast to the input's shape."""
    lead = input.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        i + lead for i, n in enumerate(shape) if n == 1 and input.shape[i + lead] != 1
    )
    if input.dtype == float16.array:  # summed in float32, rounded once
        total = xp.sum(input, axis=axes, dtype=float32.array)
        return total.astype(float16.array).reshape(shape)
    return xp.sum(input, axis=axes).reshape(shape)


@primitive(view=True)
def expand(xp: Backend, input: Array, *, shape: tuple[int, ...]) -> Array:
    """A view of the input in a larger shape, by repeating axes of size 1."""
    return xp.broadcast_to(input, shape)


sum_to.gradients(lambda g, _y, x_shape, *, shape: expand(g, shape=x_shape))
expand.gradients(lambda g, _y, x_shape, *, shape: sum_to(g, shape=x_shape))
