"""Adadelta."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import at_least_zero, average_in, check_common, count_step, directed


class Adadelta(Optimizer):
    """param -= lr * step, step = grad * sqrt(u + eps) / sqrt(v + eps), v being a running average
    of grad ** 2, and u one of step ** 2 before this step (Zeiler, 2012).

    Args:
        params: of any shape, see `Optimizer`.
        lr: a factor for the step.
        rho: how much of the old averages is kept in each step.
        eps: is added under both roots.
        weight_decay: this times param is added to grad first.
        maximize: step uphill.
        foreach, capturable, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for negative options and rho above 1.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Adadelta([x])
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9968], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        at_least_zero("rho value", rho)
        if rho > 1:
            raise ValueError(f"Invalid rho value: {rho}, expected a number <= 1")
        at_least_zero("epsilon value", eps)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        rho, eps = float(group["rho"]), float(group["eps"])
        grad = directed(grad, x, group)
        count_step(state)
        if "square_avg" not in state:
            state["square_avg"], state["acc_delta"] = zeros_like(param), zeros_like(param)
        v, u = state["square_avg"]._array, state["acc_delta"]._array
        average_in(v, grad * grad, rho)
        step = xp.sqrt(u + eps)
        step /= xp.sqrt(v + eps)
        step *= grad
        average_in(u, step * step, rho)
        x -= step * float(group["lr"])
