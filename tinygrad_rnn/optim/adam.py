"""The optimizer Adam."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array, backend_of
from ..backends.capture import host_numbers
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
    scalar,
    shrink,
)


class Adam(Optimizer):
    """param -= lr * m / (sqrt(v) + eps), m and v being running averages of grad and of grad ** 2,
    corrected for their start at zero (Kingma and Ba, 2014).

    Args:
        params: of any shape, see `Optimizer`.
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

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Adam([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    in_graphs = True

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
        check_common(lr, weight_decay, differentiable, foreach, fused)
        at_least_zero("epsilon value", eps)
        check_betas(betas)
        if not (
            all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)
        ):
            raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")
        if foreach and not capturable:
            for label, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
                if isinstance(value, Tensor):
                    raise ValueError(
                        f"{label} as a Tensor is not supported for capturable=False and "
                        "foreach=True"
                    )
        defaults = {
            "lr": lr,
            "betas": tuple(b.item() if isinstance(b, Tensor) else b for b in betas),
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
        eps = float(group["eps"])
        beta1, beta2 = map(float, group["betas"])
        grad = decayed(grad, x, group)
        if "exp_avg" not in state:
            state["step"] = scalar(0.0)
            names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if group["amsgrad"] else 2]
            state.update({name: zeros_like(param) for name in names})
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
        average_in(m, grad, beta1)
        average_in(v, grad * grad, beta2)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]._array
            xp.maximum(largest, v, out=largest)
            v = largest

        # m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps), with the second correction taken
        # out of the quotient
        def factors() -> tuple[float, float]:
            t, lr = count_step(state), float(group["lr"])
            correction = math.sqrt(1 - beta2**t)
            return eps * correction, lr * correction / (1 - beta1**t)

        shift, scale = host_numbers(factors, 2, x)
        divisor = xp.sqrt(v)
        divisor += shift
        step = m / divisor
        step *= scale
        shrink(x, group)
        x -= step
