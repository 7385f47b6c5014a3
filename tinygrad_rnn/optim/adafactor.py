"""Adafactor."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..dtypes import finfo
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import average_in, check_common, count_step


class Adafactor(Optimizer):
    """param -= rate * grad / root, limited in its size, where root is that of a running mean of
    grad ** 2: of a matrix the product of those of its rows and of its columns, which takes much
    less memory than a mean of each element (Shazeer and Stern, 2018). In step t = 1, 2, ... the
    rate is min(lr, 1 / sqrt(t)) times the root mean square of param (eps[1] at least), and the new
    square counts t ** beta2_decay in the mean.

    Args:
        params: of any shape, see `Optimizer`; the last two dimensions are the matrix.
        lr: the largest rate.
        beta2_decay: the exponent, 0 or less.
        eps: the least root (None: the dtype's eps), and the least size of a parameter.
        d: the largest root mean square of grad / root, 1 or more.
        weight_decay: params are multiplied by 1 - lr * weight_decay first.
        maximize: step uphill.
        foreach: accepted for PyTorch's sake.

    Raises ValueError for options outside of these bounds.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Adafactor([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() == 1 and float(lr) < 0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        for label, value, holds, bound in (
            ("Learning rate", lr, isinstance(lr, Tensor) or lr >= 0, ">= 0"),
            ("beta2_decay", beta2_decay, beta2_decay <= 0, "<= 0"),
            ("epsilon1", eps[0], eps[0] is None or eps[0] >= 0, ">= 0"),
            ("epsilon2", eps[1], eps[1] >= 0, ">= 0"),
            ("Clipping threshold d", d, d >= 1, ">= 1"),
            ("weight_decay", weight_decay, weight_decay >= 0, ">= 0"),
        ):
            if not holds:
                raise ValueError(f"{label} should be {bound} but is: {value}")
        check_common(lr, weight_decay, False)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x, lr = param._array, float(group["lr"])
        grad = -grad if group["maximize"] else grad
        step = count_step(state)
        least, smallest = group["eps"]
        least = finfo(param.dtype).eps if least is None else least
        kept = 1 - step ** float(group["beta2_decay"])
        rate = min(lr, 1 / math.sqrt(step)) * xp.maximum(_size(xp, x), smallest)
        if group["weight_decay"]:
            x *= 1 - lr * float(group["weight_decay"])
        square = grad * grad
        if grad.ndim > 1:
            if "row_var" not in state:
                state["row_var"] = zeros_like(param[..., :1])
                state["col_var"] = zeros_like(param[..., :1, :])
            rows, columns = state["row_var"]._array, state["col_var"]._array
            average_in(rows, square.mean(-1, keepdims=True), kept)
            average_in(columns, square.mean(-2, keepdims=True), kept)
            mean = xp.matmul(rows, columns)
            mean /= xp.maximum(rows.mean(-2, keepdims=True), least)
        else:
            if "variance" not in state:
                state["variance"] = zeros_like(param)
            average_in(state["variance"]._array, square, kept)
            mean = state["variance"]._array
        change = grad / xp.sqrt(xp.maximum(mean, least * least))
        x -= change * (rate / xp.maximum(_size(xp, change) / float(group["d"]), 1))


def _size(xp: Any, x: Array) -> Array:
    """The root mean square."""
    return xp.sqrt((x * x).sum() / max(x.size, 1))
