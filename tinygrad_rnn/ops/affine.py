"""Products with something added, as one operation: linear layers, addmm."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Products, Variable, primitive
from ..backends import Array, Backend
from ..dtypes import of_array
from .arithmetic import _scaled, add
from .linalg import _as_one, _matmul, _multipliable, _plus, _turned, matmul, mm
from .reduction import _sum
from .shape import expand, shape_of


def _prepare_linear(args: tuple[Any, ...]) -> tuple[Any, ...]:
    kinds: list[Any] = [a if a is None else of_array(a._array.dtype) for a in args]
    added, input, weight = kinds
    for name, kind in (("mat1", input), ("self", added)):  # self: the bias
        if kind is not None and kind is not weight:
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {kind.scalar_name} and "
                f"{weight.scalar_name}: linear() takes input, weight and bias of one dtype"
            )
    return args


def _linear_name(node: Any) -> str:
    """PyTorch's name for the last operation of several."""
    matrix, bias = len(node._shapes[0]) == 2, node.params["bias"]
    if matrix:
        return "AddmmBackward0" if bias else "MmBackward0"
    return "ViewBackward0" if bias else "UnsafeViewBackward0"


@primitive(prepare=_prepare_linear, name=_linear_name)
def _linear(xp: Backend, added: Array | None, input: Array, weight: Array, *, bias: bool) -> Array:
    """input (..., in) @ weight (out, in).T + added (out), as one product of two matrices."""
    if input.ndim == 2:
        return affine(xp, added, input, weight)
    return affine(xp, added, _as_one(input), weight).reshape((*input.shape[:-1], len(weight)))


def affine(
    xp: Backend, added: Array | None, input: Array, weight: Array, out: Array | None = None
) -> Array:
    """input (rows, in) @ weight (out, in).T + added, in new memory or in that of out."""
    result = xp.matmul(input, weight.T, out=out)
    if added is not None:
        result += added
    return result


def _rows(x: Any) -> Any:
    return x if len(shape_of(x)) == 2 else _as_one(x)


def _of_input(g: Any, x_shape: tuple[int, ...], weight: Any) -> Any:
    result = _matmul(_rows(g), weight)
    return result if len(x_shape) == 2 else result.reshape(x_shape)


def _of_weight(g: Any, x: Any) -> Any:
    g, x = _rows(g), _rows(x)
    return _matmul(_turned(g), x) if isinstance(g, Variable) else Products(g, x)


_linear.gradients(
    lambda g, _y, _b, _x, _w, *, bias: _sum(_rows(g), dims=(0,), keepdim=False),
    lambda g, _y, _b, x, w, *, bias: _of_input(g, shape_of(x), w),
    lambda g, _y, _b, x, _w, *, bias: _of_weight(g, x),
)


def _check_tensor(name: str, value: Any) -> None:
    if not isinstance(value, Variable):
        raise TypeError(f"linear(): argument '{name}' must be Tensor, not {type(value).__name__}")


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias, for input (..., in), weight (out, in) or (in), bias (out).

    Raises RuntimeError if the last size of input is not weight's, or for different dtypes.

    >>> F.linear(torch.ones(5, 3), torch.ones(2, 3), torch.tensor([0.0, 1.0]))[0]
    tensor([3., 4.])
    """
    _check_tensor("input", input)
    _check_tensor("weight", weight)
    if bias is not None:
        _check_tensor("bias", bias)
    shape, own = input._array.shape, weight._array.shape
    if len(own) == 2 and shape:
        if shape[-1] != own[1]:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({math.prod(shape[:-1])}x{shape[-1]} "
                f"and {own[1]}x{own[0]})"
            )
        if bias is None or bias._array.shape == own[:1]:
            return _linear(bias, input, weight, bias=bias is not None)
    result = matmul(input, weight.t())
    return result if bias is None else add(result, expand(bias, shape_of(result)))


# ----- addmm -----


@primitive(broadcasts=True, prepare=_multipliable)
def _addmm(
    xp: Backend, input: Array, mat1: Array, mat2: Array, *, beta: float, alpha: float
) -> Array:
    product = xp.matmul(mat1, mat2)
    if alpha != 1:
        product *= alpha
    if beta == 0:
        return product  # nan in the input must not count
    return xp.add(product, _scaled(input, beta))


_addmm.gradients(
    lambda g, _y, _x, _a, _b, *, beta, alpha: _scaled(g, beta),
    lambda g, _y, _x, _a, b, *, beta, alpha: _scaled(_matmul(g, _turned(b)), alpha),
    lambda g, _y, _x, a, _b, *, beta, alpha: _scaled(_matmul(_turned(a), g), alpha),
)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * mat1 @ mat2, for matrices (n, m) and (m, p); input broadcasts to the
    result (n, p).

    >>> torch.addmm(torch.ones(2), torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 3.],
            [4., 5.]])
    """
    floating = all(
        isinstance(x, Variable) and of_array(x._array.dtype).is_floating_point
        for x in (input, mat1, mat2)
    )
    shapes = [shape_of(x) for x in (mat1, mat2)] if floating else []
    if floating and [len(s) for s in shapes] == [2, 2] and shapes[0][1] == shapes[1][0]:
        rows, columns = shapes[0][0], shapes[1][1]
        wanted = shape_of(input)
        if wanted in ((), (1,), (columns,), (1, columns), (rows, 1), (rows, columns), (1, 1)):
            return _addmm(input, mat1, mat2, beta=beta, alpha=alpha)
    return _plus(input, mm(mat1, mat2), beta, alpha)
