"""Shrinkage: activations that draw small inputs to 0."""

from __future__ import annotations

from typing import Any

from ..backends import Array, Backend
from .activation import _activation
from .arithmetic import sub
from .choice import where
from .elementwise import tanh


@_activation
def _hardshrink(xp: Backend, input: Array, *, limit: float) -> Array:
    return xp.where((input >= -limit) & (input <= limit), 0, input)


@_activation
def _softshrink(xp: Backend, input: Array, *, limit: float) -> Array:
    return input - xp.clip(input, -limit, limit)


_hardshrink.gradients(lambda g, _y, x, *, limit: where((x >= -limit) & (x <= limit), 0, g))
_softshrink.gradients(lambda g, _y, x, *, limit: where((x >= -limit) & (x <= limit), 0, g))


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """input where its magnitude is above lambd, else 0; elementwise.

    >>> F.hardshrink(torch.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """
    return _hardshrink(input, limit=lambd)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """Each element with lambd taken off its magnitude, 0 where that is not above lambd. Raises
    RuntimeError if lambd is negative.

    >>> F.softshrink(torch.tensor([-2.0, 0.3, 2.0]))
    tensor([-1.5000,  0.0000,  1.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be in range [0, inf), but found {lambd}")
    return _softshrink(input, limit=lambd)


def tanhshrink(input: Any) -> Any:
    """input - tanh(input), elementwise.

    >>> F.tanhshrink(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 1.0360])
    """
    return sub(input, tanh(input))
