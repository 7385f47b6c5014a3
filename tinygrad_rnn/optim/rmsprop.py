"""RMSprop."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import at_least_zero, average_in, check_common, count_step, directed


class RMSprop(Optimizer):
    """param -= lr * grad / (sqrt(v) + eps), v being a running average of grad ** 2 (Hinton, 2012).

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size.
        alpha: how much of the old v is kept in each step.
        eps: is added to the root of v.
        weight_decay: this times param is added to grad first.
        momentum: how much of the last step is added to each, before the factor lr.
        centered: take the square of the average grad off v (Graves, 2013).
        maximize: step uphill.
        capturable, foreach, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for negative options.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.RMSprop([x], lr=0.01)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        at_least_zero("epsilon value", eps)
        at_least_zero("momentum value", momentum)
        at_least_zero("alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        alpha, momentum = float(group["alpha"]), float(group["momentum"])
        grad = directed(grad, x, group)
        count_step(state)
        if "square_avg" not in state:
            state["square_avg"] = zeros_like(param)
            if momentum:
                state["momentum_buffer"] = zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = zeros_like(param)
        v = state["square_avg"]._array
        average_in(v, grad * grad, alpha)
        if group["centered"]:
            mean = state["grad_avg"]._array
            average_in(mean, grad, alpha)
            v = v - mean * mean
        divisor = xp.sqrt(v)
        divisor += float(group["eps"])
        step = grad / divisor
        if momentum:
            buffer = state["momentum_buffer"]._array
            buffer *= momentum
            buffer += step
            step = buffer
        x -= step * float(group["lr"])
