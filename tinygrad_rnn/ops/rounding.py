"""Rounding: its gradients are zero."""

from __future__ import annotations

from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from .arithmetic import sub, zeros_like
from .checking import refusing

_check_frac = refusing("frac_cpu", "biu")


@primitive(prepare=refusing("floor_vml_cpu"))
def floor(xp: Backend, input: Array) -> Array:
    """The largest integer at or below each element, in the same dtype.

    >>> torch.floor(torch.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return input.copy() if input.dtype.kind != "f" else xp.floor(input)


@primitive(prepare=refusing("ceil_vml_cpu"))
def ceil(xp: Backend, input: Array) -> Array:
    """The smallest integer at or above each element, in the same dtype.

    >>> torch.ceil(torch.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return input.copy() if input.dtype.kind != "f" else xp.ceil(input)


@primitive(prepare=refusing("trunc_vml_cpu"))
def trunc(xp: Backend, input: Array) -> Array:
    """The integer part of each element, in the same dtype.

    >>> torch.trunc(torch.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return input.copy() if input.dtype.kind != "f" else xp.trunc(input)


@primitive(prepare=refusing("round_vml_cpu"))
def round(xp: Backend, input: Array, *, decimals: int = 0) -> Array:
    """The integer (or number of `decimals`) nearest to each element, halves to even, in the same
    dtype.

    >>> torch.round(torch.tensor([0.5, 1.5, 1.237]))
    tensor([0., 2., 1.])
    >>> torch.round(torch.tensor([1.237]), decimals=1)
    tensor([1.2000])
    """
    if input.dtype.kind != "f":
        return input.copy()
    scale = 10.0**decimals
    return xp.rint(input) if decimals == 0 else xp.rint(input * scale) / scale


for _rounding in (floor, ceil, trunc, round):
    _rounding.gradients(lambda g, _y, _x, **_: zeros_like(g))


def frac(input: Any) -> Any:
    """The fractional part of each element, with its sign.

    >>> torch.frac(torch.tensor([-1.5, 2.25]))
    tensor([-0.5000,  0.2500])
    """
    _check_frac((input,))
    return sub(input, trunc(input))
