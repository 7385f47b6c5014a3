"""NAdam."""

from __future__ import annotations

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
    scalar,
    shrink,
)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016): in step t

        param -= lr * (a * grad + b * m) / (sqrt(v) + eps)

    with a = (1 - mu[t]) / (1 - product of mu[1] to mu[t]), b = mu[t+1] / (1 - product of mu[1] to
    mu[t+1]), mu[t] = beta1 * (1 - 0.96 ** (t * momentum_decay) / 2), and m, v the running averages
    of grad and of grad ** 2, the latter corrected for its start at zero.

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size.
        betas: how much of the old averages m and v is kept in each step.
        eps: is added to the root of the corrected v.
        weight_decay: this times param is added to grad first.
        momentum_decay: how fast mu grows to beta1.
        decoupled_weight_decay: shrink param by lr * weight_decay instead.
        maximize: step uphill.
        foreach, capturable, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for negative options and betas outside [0, 1).

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.NAdam([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.8944], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        at_least_zero("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        lr, decay = float(group["lr"]), float(group["momentum_decay"])
        beta1, beta2 = map(float, group["betas"])
        grad = decayed(grad, x, group)
        t = count_step(state)
        if "exp_avg" not in state:
            state["mu_product"] = scalar(1.0)
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(param), zeros_like(param)
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
        average_in(m, grad, beta1)
        average_in(v, grad * grad, beta2)
        mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (s * decay)) for s in (t, t + 1))
        state["mu_product"] = state["mu_product"] * mu
        product = state["mu_product"].item()
        divisor = xp.sqrt(v / (1 - beta2**t))
        divisor += float(group["eps"])
        step = grad * (lr * (1 - mu) / (1 - product))
        step += m * (lr * next_mu / (1 - product * next_mu))
        step /= divisor
        shrink(x, group)
        x -= step
