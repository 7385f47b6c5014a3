"""Adam and AdamW."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    at_least_zero,
    average_in,
    check_common,
    count_step,
    directed,
)


class Adam(Optimizer):
    """param -= lr * m / (sqrt(v) + eps), m and v being running averages of grad and of grad ** 2,
    corrected for their start at zero (Kingma and Ba, 2014).

    Args:
        params: see `Optimizer`.
        lr: the step size.
        betas: how much of the old averages m and v is kept in each step.
        eps: is added to the root of the corrected v.
        weight_decay: this times param is added to grad first.
        amsgrad: use the largest v so far (Reddi et al., 2018).
        maximize: step uphill.
        decoupled_weight_decay: shrink param by lr * weight_decay instead: AdamW.
        foreach, capturable, fused, differentiable: accepted for PyTorch's sake (differentiable
            must be False).

    Raises ValueError for negative options and betas outside [0, 1).
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        at_least_zero("epsilon value", eps)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"Invalid betas: expected a pair of numbers, got {betas!r}")
        for place, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(
                    f"Invalid beta parameter at index {place}: {beta}, expected 0 <= beta < 1"
                )
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        lr, eps = float(group["lr"]), float(group["eps"])
        beta1, beta2 = map(float, group["betas"])
        if group["decoupled_weight_decay"]:
            if group["weight_decay"]:
                x *= 1 - lr * float(group["weight_decay"])
            grad = -grad if group["maximize"] else grad
        else:
            grad = directed(grad, x, group)
        t = count_step(state)
        if "exp_avg" not in state:
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(param), zeros_like(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(param)
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
        average_in(m, grad, beta1)
        average_in(v, grad * grad, beta2)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]._array
            xp.maximum(largest, v, out=largest)
            v = largest
        # m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps), with the second correction taken
        # out of the quotient
        correction = math.sqrt(1 - beta2**t)
        divisor = xp.sqrt(v)
        divisor += eps * correction
        step = m / divisor
        step *= lr * correction / (1 - beta1**t)
        x -= step


class AdamW(Adam):
    """Adam that shrinks param by lr * weight_decay instead of adding to grad (Loshchilov and
    Hutter, 2017). Arguments and errors as for `Adam`."""

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=True,
        )  # fmt: skip
