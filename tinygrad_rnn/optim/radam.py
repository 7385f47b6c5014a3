"""RAdam."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import (
    at_least_zero,
    average_in,
    check_betas,
    check_common,
    count_step,
    decayed,
    shrink,
)


class RAdam(Optimizer):
    """Adam whose first steps are plain momentum: param -= lr * r * m / (sqrt(v) + eps) as soon as
    the average v is over enough steps for a rectification r, before that param -= lr * m; m and v
    are Adam's averages (Liu et al., 2019).

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size.
        betas: how much of the old averages m and v is kept in each step.
        eps: is added to the root of v, before v is corrected for its start at zero.
        weight_decay: this times param is added to grad first.
        decoupled_weight_decay: shrink param by lr * weight_decay instead.
        maximize: step uphill.
        foreach, capturable, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for negative options and betas outside [0, 1).

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.RAdam([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        at_least_zero("epsilon value", eps)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        beta1, beta2 = map(float, group["betas"])
        grad = decayed(grad, x, group)
        t = count_step(state)
        if "exp_avg" not in state:
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(param), zeros_like(param)
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
        average_in(m, grad, beta1)
        average_in(v, grad * grad, beta2)
        step = m * (float(group["lr"]) / (1 - beta1**t))
        # the length of a plain average that varies as much as v does: in the end, and now
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        if length > 5:
            now, in_the_end = (n / ((n - 4) * (n - 2)) for n in (length, longest))
            divisor = xp.sqrt(v)
            divisor += float(group["eps"])
            step *= math.sqrt(in_the_end / now * (1 - beta2**t))
            step /= divisor
        shrink(x, group)
        x -= step
