"""Linear maps along one dimension of which each result is a blend of few elements: what
resampling and adaptive averages are made of."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.primitive import primitive
from ..backends import CPU, Array, Backend, backend_for
from ..dtypes import int64


class Taps:
    """out[i] = weight[0][i] * input[index[0][i]] + weight[1][i] * input[index[1][i]] + ...

    Attributes:
        size: of the input.
        index, weight: lists of as many lists as elements are blended; weight is None for copies.
    """

    def __init__(
        self, size: int, index: Sequence[list[int]], weight: Sequence[list[float]] | None = None
    ) -> None:
        self.size, self.index, self.weight = size, index, weight

    @functools.cached_property
    def transposed(self) -> Taps:
        """The adjoint map, which is one of this kind, too."""
        count = len(self.index[0])
        weights = self.weight or [[1.0] * count]
        read: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        for indices, factors in zip(self.index, weights, strict=True):
            for i, (j, factor) in enumerate(zip(indices, factors, strict=True)):
                read[j].append((i, factor))
        result = _of_rows(count, read)
        result.transposed = self
        return result


def _of_rows(size: int, rows: Sequence[Sequence[tuple[int, float]]]) -> Taps:
    """From the pairs (element, weight) of each result; shorter ones get weights 0."""
    depth = max(1, *map(len, rows)) if rows else 1
    filled = [[*row, *[(row[-1][0] if row else 0, 0.0)] * (depth - len(row))] for row in rows]
    return Taps(
        size,
        [[row[k][0] for row in filled] for k in range(depth)],
        [[row[k][1] for row in filled] for k in range(depth)],
    )


@primitive
def blend(xp: Backend, input: Array, *, taps: Taps, dim: int) -> Array:
    """The map along a dimension, which is counted from the end."""
    if taps.weight is None:
        return xp.take(input, xp.asarray(taps.index[0], int64.array), axis=dim)
    if not taps.size:
        shape = list(input.shape)
        shape[dim] = len(taps.index[0])
        return xp.zeros(tuple(shape), input.dtype)
    total = None
    for index, weight in zip(taps.index, taps.weight, strict=True):
        factors = xp.asarray(weight, input.dtype).reshape((-1,) + (1,) * (-dim - 1))
        part = xp.take(input, xp.asarray(index, int64.array), axis=dim) * factors
        total = part if total is None else total + part
    return total


blend.gradients(lambda g, _y, _x, *, taps, dim: blend(g, taps=taps.transposed, dim=dim))


# ----- averages of neighbours -----


def parts(xp: Any, size: int, count: int) -> tuple[Array, Array]:
    """Where each of `count` parts of `size` elements, which share elements if they do not come out,
    begins and ends."""
    i = xp.arange(count)
    return i * size // count, -(-(i + 1) * size // count)


@functools.lru_cache(maxsize=64)
def mean_taps(size: int, count: int) -> Taps:
    """The mean of each of `count` parts."""
    xp: Any = backend_for(CPU)
    begin, end = parts(xp, size, count)
    width = end - begin
    depth = range(int(width.max()) if count else 1)
    index = [xp.minimum(begin + k, end - 1).tolist() for k in depth]
    return Taps(size, index, [xp.where(k < width, 1 / width, 0.0).tolist() for k in depth])


# ----- interpolation -----
# `scale` is how much larger the result is meant to be; None: count / size. Positions are computed
# in the dtype of the values (`kind`), as PyTorch does: it decides which neighbour is the nearest.


def _step(size: int, count: int, scale: float | None, corners: bool) -> float:
    if corners:
        return (size - 1) / (count - 1) if count > 1 else 0.0
    return 1 / scale if scale else size / count


def _positions(size: int, count: int, scale: float | None, corners: bool, kind: str) -> Array:
    """Where the results are, in elements of the input."""
    xp = backend_for(CPU)
    step = _step(size, count, scale, corners)
    places = xp.arange(count, dtype=kind)
    return places * step if corners else (places + 0.5) * step - 0.5


@functools.lru_cache(maxsize=64)
def nearest_taps(size: int, count: int, scale: float | None, exact: bool, kind: str) -> Taps:
    """The element at the middle of each result or, not exact, at its beginning."""
    xp = backend_for(CPU)
    places = xp.arange(count, dtype=kind)
    step = _step(size, count, scale, False)
    at = xp.floor((places + 0.5 if exact else places) * step)
    if not exact and count in (size, 2 * size):  # whatever the scale says
        at = xp.arange(count) // (count // size)
    return Taps(size, [xp.minimum(at, size - 1).astype("int64").tolist()])


@functools.lru_cache(maxsize=64)
def linear_taps(size: int, count: int, scale: float | None, corners: bool, kind: str) -> Taps:
    """Blends of the elements on both sides."""
    xp = backend_for(CPU)
    at = xp.maximum(_positions(size, count, scale, corners, kind), 0)
    left = xp.minimum(xp.floor(at), size - 1)
    share = xp.clip(at - left, 0, 1)
    index = left.astype("int64")
    right = xp.minimum(index + 1, size - 1)
    return Taps(size, [index.tolist(), right.tolist()], [(1 - share).tolist(), share.tolist()])


def _cubic(x: Any, a: float) -> tuple[Any, Any]:
    """The cubic convolution kernel at distances x from 0 to 1, and at those from 1 to 2 (Keys,
    1981)."""
    return ((a + 2) * x - (a + 3)) * x * x + 1, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def cubic_weights(t: Any) -> list[Any]:
    """Those of the two neighbours on the left and on the right, for a place t behind the nearer
    left one."""
    near = [_cubic(t, -0.75)[0], _cubic(1 - t, -0.75)[0]]
    return [_cubic(t + 1, -0.75)[1], *near, _cubic(2 - t, -0.75)[1]]


@functools.lru_cache(maxsize=64)
def cubic_taps(size: int, count: int, scale: float | None, corners: bool, kind: str) -> Taps:
    """Blends of the two elements on both sides each."""
    xp = backend_for(CPU)
    at = _positions(size, count, scale, corners, kind)
    left = xp.floor(at)
    t = at - left
    weights = cubic_weights(t)
    first = left.astype("int64") - 1
    indices = [xp.clip(first + k, 0, size - 1) for k in range(4)]
    return Taps(size, [i.tolist() for i in indices], [w.tolist() for w in weights])


def _triangle(x: float) -> float:
    return max(0.0, 1 - abs(x))


def _keys(x: float) -> float:
    near, far = _cubic(abs(x), -0.5)
    return near if abs(x) < 1 else far if abs(x) < 2 else 0.0


def _lanczos(x: float) -> float:
    if not x:
        return 1.0
    turn = math.pi * x
    return 3 * math.sin(turn) * math.sin(turn / 3) / turn**2 if abs(x) < 3 else 0.0


# For each mode: the filter, and how far it reaches
_FILTERS: dict[str, tuple[Callable[[float], float], int]] = {
    "bilinear": (_triangle, 1), "bicubic": (_keys, 2), "lanczos": (_lanczos, 3),
}  # fmt: skip


@functools.lru_cache(maxsize=64)
def smooth_taps(mode: str, size: int, count: int, scale: float | None, corners: bool) -> Taps:
    """Blends of all elements that a result covers, so that nothing is skipped (antialiasing)."""
    weigh, reach = _FILTERS[mode]
    step = _step(size, count, scale, corners)
    widen = max(step, 1.0)
    rows = []
    for i in range(count):
        centre = step * (i + 0.5)
        first = max(int(centre - reach * widen + 0.5), 0)
        last = min(int(centre + reach * widen + 0.5), size)
        weights = [weigh((j - centre + 0.5) / widen) for j in range(first, last)]
        total = sum(weights)
        rows.append([(first + k, w / total) for k, w in enumerate(weights)])
    return _of_rows(size, rows)
