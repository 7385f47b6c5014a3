"""Padding: a tensor made larger at its edges."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import of_array
from .conversion import without_overflow
from .indexing import _look_up, along
from .shape import new_sizes, shape_of


@primitive(name="ConstantPadNdBackward0")
def _pad_constant(
    xp: Backend, input: Array, *, pads: tuple[tuple[int, int], ...], value: float
) -> Array:
    shape = tuple(n + a + b for n, (a, b) in zip(input.shape, pads, strict=True))
    result = xp.full(shape, value, input.dtype)
    result[_inner(shape, pads)] = input
    return result


def _inner(shape: Sequence[int], pads: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    """Where the input is in the result."""
    return tuple(slice(a, n - b) for n, (a, b) in zip(shape, pads, strict=True))


_pad_constant.gradients(lambda g, _y, _x, *, pads, value: g[_inner(shape_of(g), pads)])


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """The input made larger at its edges; negative sizes make it smaller.

    Args:
        input: of any shape.
        pad: how much, in front and behind, of the last dimension, then of the one before, ...:
            ``(1, 2, 0, 3)`` adds 1 column on the left, 2 on the right, and 3 rows below.
        mode: "constant"; or "reflect" (about the first and last element), "replicate" (of them)
            or "circular".
        value: the constant, 0 by default.

    Raises RuntimeError for sizes that do not fit the input; NotImplementedError for another mode,
    and for modes other than "constant" unless pad is of the last 1, 2 or 3 dimensions, in front of
    which there are one or two more.

    >>> F.pad(torch.tensor([[1, 2]]), (1, 2))
    tensor([[0, 1, 2, 0, 0]])
    >>> F.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 0), mode="reflect")
    tensor([[3., 2., 1., 2., 3.]])
    """
    shape = shape_of(input)
    sizes = tuple(operator.index(n) for n in pad)
    if len(sizes) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(sizes)}")
    if len(sizes) > 2 * len(shape):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(sizes)} and input of dimension {len(shape)}"
        )
    untouched = len(shape) - len(sizes) // 2
    pads = ((0, 0),) * untouched + tuple(
        (sizes[i], sizes[i + 1]) for i in range(len(sizes) - 2, -1, -2)
    )
    for dim, (n, (a, b)) in enumerate(zip(shape, pads, strict=True)):
        if n + a + b < 0 or n + min(a, 0) + min(b, 0) < 0:
            raise RuntimeError(
                f"pad {(a, b)} at dimension {dim} leaves a negative size: the input has size {n}"
            )
    if mode in ("constant", "circular") and any(n < 0 for n in sizes):
        input = input[_inner(shape, tuple((max(-a, 0), max(-b, 0)) for a, b in pads))]
        pads = tuple((max(a, 0), max(b, 0)) for a, b in pads)
    new_sizes(tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True)))
    if isinstance(value, complex):
        raise RuntimeError(f"pad: value {value} cannot be converted to a real number")
    kind = of_array(input._array.dtype)
    if value and mode == "constant":
        value = without_overflow(value, kind)
    if mode == "constant":
        return _pad_constant(input, pads=pads, value=0 if value is None else value)
    if mode not in _SOURCES:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}: expected constant, {', '.join(_SOURCES)}"
        )
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    padded = len(sizes) // 2
    if not 1 <= padded <= 3 or len(shape) not in (padded + 1, padded + 2):
        raise NotImplementedError(
            f"Padding size {len(sizes)} is not supported for {len(shape)}D input tensor. Supported "
            f"combinations for non-constant padding, such as {mode}: 2 for 2D or 3D input, 4 for "
            "3D or 4D input, 6 for 4D or 5D input"
        )
    for dim, (a, b) in enumerate(pads):
        if a or b:
            input = _pad_from_within(input, dim, a, b, mode)
    return input


# For each mode: which elements of n stand at places i, and the largest padding there is
_SOURCES: dict[str, tuple[Any, Any]] = {
    "reflect": (lambda i, n: n - 1 - abs(n - 1 - abs(i)), lambda n: n - 1),
    "replicate": (lambda i, n: i.clip(0, n - 1), lambda n: None if n else 0),
    "circular": (lambda i, n: i % n, lambda n: n),
}


def _pad_from_within(input: Any, dim: int, before: int, after: int, mode: str) -> Any:
    """One dimension padded with elements of the input."""
    source, most = _SOURCES[mode]
    n = shape_of(input)[dim]
    limit = most(n)
    if limit is not None and max(before, after) > limit:
        raise RuntimeError(
            f"Padding size for mode {mode} should be at most {limit} at dimension {dim} of input "
            f"{list(shape_of(input))}, but got padding {(before, after)}"
        )
    xp: Any = backend_of(input._array)
    places = source(xp.arange(-before, n + after), n)
    return _look_up(input, index=along(dim, places))  # unchecked: a check waits for a GPU
