"""Sums with weights: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import INTEGER
from .arithmetic import _scaled, _times_alpha
from .checking import check_same_dtype, refusing
from .choice import Number
from .conversion import promote, result_type


def _lerp_name(node: Any) -> str:
    return f"LerpBackward{int(not node.params['number'])}"


@primitive(broadcasts=True, prepare=promote, name=_lerp_name)
def _lerp(xp: Backend, input: Array, end: Array, weight: Any, *, number: bool) -> Array:
    """From the nearer end, so that weight 1 gives `end` itself."""
    way = xp.subtract(end, input)
    if number:
        return input + weight * way if abs(weight) < 0.5 else end - (1 - weight) * way
    near = xp.absolute(weight) < 0.5
    return xp.where(near, input + weight * way, end - (1 - weight) * way)


_lerp.gradients(
    lambda g, _y, _a, _b, w, *, number: g * (1 - w),
    lambda g, _y, _a, _b, w, *, number: g * w,
    lambda g, _y, a, b, _w, *, number: g * (b - a),
)


_check_lerp = refusing("lerp_kernel", "biu")


def lerp(input: Any, end: Variable, weight: Any) -> Any:
    """input + weight * (end - input), elementwise, broadcast.

    >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    check_same_dtype("lerp", input, end)
    _check_lerp((input, end))
    return _lerp(input, end, weight, number=not isinstance(weight, Variable))


@primitive(broadcasts=True, prepare=refusing("addcmul_cpu_out", "b", promote))
def _addcmul(xp: Backend, input: Array, a: Array, b: Array, *, value: Number) -> Array:
    product = xp.multiply(a, b)
    return xp.add(input, product if value == 1 else _times_alpha(input, product, value))


@primitive(broadcasts=True, prepare=promote)
def _addcdiv(xp: Backend, input: Array, a: Array, b: Array, *, value: Number) -> Array:
    return xp.add(input, _scaled(xp.true_divide(a, b), value))


_addcmul.gradients(
    lambda g, _y, _x, _a, _b, *, value: g,
    lambda g, _y, _x, _a, b, *, value: _scaled(g * b, value),
    lambda g, _y, _x, a, _b, *, value: _scaled(g * a, value),
)
_addcdiv.gradients(
    lambda g, _y, _x, _a, _b, *, value: g,
    lambda g, _y, _x, _a, b, *, value: _scaled(g / b, value),
    lambda g, _y, _x, a, b, *, value: _scaled(-g * a / (b * b), value),
)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Number = 1) -> Any:
    """input + value * tensor1 * tensor2, elementwise, broadcast.

    >>> torch.addcmul(torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), value=10)
    tensor([31., 81.])
    """
    if result_type(input, tensor1, tensor2).category <= INTEGER:
        value = int(value)
    return _addcmul(input, tensor1, tensor2, value=value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Number = 1) -> Any:
    """input + value * tensor1 / tensor2, elementwise, broadcast. Raises RuntimeError for integers.

    >>> torch.addcdiv(torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([4.0, 4.0]))
    tensor([1.2500, 1.5000])
    """
    if result_type(tensor1, tensor2).category <= INTEGER:
        raise RuntimeError("addcdiv divides floating tensors; convert integers with .float()")
    return _addcdiv(input, tensor1, tensor2, value=value)
