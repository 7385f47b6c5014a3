"""Adamax."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import at_least_zero, average_in, check_betas, check_common, count_step, directed


class Adamax(Optimizer):
    """Adam with a maximum in the place of the second average: param -= lr * m / u, m being a
    running average of grad, corrected for its start at zero, and u the larger of beta2 * u and
    abs(grad) + eps (Kingma and Ba, 2014).

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size.
        betas: how much of m and of u is kept in each step.
        eps: is added to abs(grad).
        weight_decay: this times param is added to grad first.
        maximize: step uphill.
        foreach, capturable, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for negative options and betas outside [0, 1).

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Adamax([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        at_least_zero("epsilon value", eps)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        beta1, beta2 = map(float, group["betas"])
        grad = directed(grad, x, group)
        t = count_step(state)
        if "exp_avg" not in state:
            state["exp_avg"], state["exp_inf"] = zeros_like(param), zeros_like(param)
        m, u = state["exp_avg"]._array, state["exp_inf"]._array
        average_in(m, grad, beta1)
        u *= beta2
        xp.maximum(u, xp.absolute(grad) + float(group["eps"]), out=u)
        step = m / u
        step *= float(group["lr"]) / (1 - beta1**t)
        x -= step
