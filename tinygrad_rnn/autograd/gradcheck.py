"""Gradients against finite differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..backends import Array, backend_of
from .api import grad
from .graph import Variable


class GradcheckError(RuntimeError):
    """The gradient of a function disagrees with its finite differences.

    >>> x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    >>> try:
    ...     torch.autograd.gradcheck(lambda x: x * x.detach(), x)
    ... except RuntimeError as error:
    ...     print(type(error).__name__)
    GradcheckError
    """


def _differentiable(inputs: Sequence[Any]) -> list[Any]:
    return [x for x in inputs if isinstance(x, Variable) and x._edge is not None]


def _outputs(function: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    result = function(*inputs)
    results = result if isinstance(result, tuple | list) else (result,)
    return [r for r in results if isinstance(r, Variable) and r._edge is not None]


def _projection(shape: tuple[int, ...], like: Variable, number: int) -> Variable:
    """Fixed numbers without any symmetry, to make one number of an output."""
    xp: Any = backend_of(like._array)
    count = 1
    for n in shape:
        count *= n
    numbers = xp.cos(xp.arange(1.0, count + 1.0) * (1.3 + number)) + 0.2
    return like._wrap(numbers.reshape(shape).astype(like._array.dtype))


def _numerical(values: Callable[[], list[float]], array: Array, eps: float) -> list[Array]:
    """The derivatives of each of values() with respect to each element of the array, which is
    changed in place and put back."""
    xp: Any = backend_of(array)
    slopes = []
    for place in itertools.product(*map(range, array.shape)):
        old = array[place].copy()
        array[place] = old + eps
        above = values()
        array[place] = old - eps
        below = values()
        array[place] = old
        slopes.append([(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)])
    return [xp.asarray(s, array.dtype).reshape(array.shape) for s in zip(*slopes, strict=True)]


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_ignored: Any,
) -> bool:
    """Compare gradients with central differences (f(x + eps) - f(x - eps)) / (2 eps).

    Args:
        func: takes the inputs, returns a tensor or several.
        inputs: a tensor of any shape or a tuple; those that require gradients are checked, in
            float64.
        eps, atol, rtol: the step, and the tolerance |a - n| <= atol + rtol |n|.
        raise_exception: raise GradcheckError at a disagreement, instead of returning False.

    Raises ValueError if no input requires a gradient, or one that does is not float64.

    >>> x = torch.rand(3, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, x)
    True
    """
    inputs = inputs if isinstance(inputs, tuple | list) else (inputs,)
    checked = _differentiable(inputs)
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them do"
        )
    for x in checked:
        if x._array.dtype != "float64":
            raise ValueError(
                f"gradcheck needs double precision inputs, got {x._array.dtype}: finite "
                "differences in lower precision are mostly rounding"
            )
    weights = [
        _projection(y._array.shape, checked[0], number)
        for number, y in enumerate(_outputs(func, inputs))
    ]

    def totals() -> list[Any]:
        return [(y * w).sum() for y, w in zip(_outputs(func, inputs), weights, strict=True)]

    def values() -> list[float]:
        return [float(total._array.item()) for total in totals()]

    numerical = [_numerical(values, x._array, eps) for x in checked]
    for number in range(len(weights)):
        analytical = grad(totals()[number], checked, allow_unused=True, materialize_grads=True)
        for place, found in enumerate(analytical):
            if not found._array.size:
                continue
            expected = numerical[place][number]
            error = abs(found._array - expected)
            bad = ~(error <= atol + rtol * abs(expected))
            if bool(bad.any()):
                if not raise_exception:
                    return False
                worst = int(error.argmax())
                raise GradcheckError(
                    f"Jacobian mismatch for output {number} with respect to input {place}: at flat "
                    f"index {worst} analytical {float(found._array.reshape(-1)[worst])!r}, "
                    f"numerical {float(expected.reshape(-1)[worst])!r}"
                )
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_ignored: Any,
) -> bool:
    """`gradcheck` of the gradients of `func`: checks derivatives of second order.

    The gradients are taken with respect to fixed weights of the outputs, which are inputs of the
    check too, unless `grad_outputs`, of the outputs' shapes, are given.

    >>> x = torch.rand(3, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.sin, x)
    True
    """
    inputs = inputs if isinstance(inputs, tuple | list) else (inputs,)
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        starts = [
            _projection(y._array.shape, y, 7 + i).requires_grad_()  # type: ignore[attr-defined]
            for i, y in enumerate(outputs)
        ]
    else:
        starts = list(grad_outputs) if isinstance(grad_outputs, tuple | list) else [grad_outputs]
    count = len(inputs)

    def gradients(*args: Any) -> tuple[Any, ...]:
        checked = _differentiable(args[:count])
        made = _outputs(func, args[:count])
        return grad(
            made, checked, args[count:], create_graph=True, allow_unused=True,
            materialize_grads=True,
        )  # fmt: skip

    if not _outputs(gradients, (*inputs, *starts)):
        return True  # linear in everything: the second derivative is zero
    return gradcheck(
        gradients, (*inputs, *starts), eps=eps, atol=atol, rtol=rtol,
        raise_exception=raise_exception,
    )  # fmt: skip
