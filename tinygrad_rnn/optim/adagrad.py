"""Adagrad."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..creation import full_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import at_least_zero, check_common, count_step, directed, scalar


class Adagrad(Optimizer):
    """param -= lr / (1 + (t - 1) lr_decay) * grad / (sqrt(sum) + eps) in step t = 1, 2, ..., sum
    being that of all grad ** 2 so far (Duchi et al., 2011).

    Args:
        params: of any shape, see `Optimizer`.
        lr, lr_decay: the step size, and how it falls.
        weight_decay: this times param is added to grad first.
        initial_accumulator_value: where sum starts.
        eps: is added to the root of sum.
        maximize: step uphill.
        foreach, fused, differentiable: accepted for PyTorch's sake (differentiable must be False).

    Raises ValueError for negative options.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Adagrad([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_common(lr, weight_decay, differentiable, foreach, fused)
        at_least_zero("lr_decay value", lr_decay)
        at_least_zero("initial_accumulator_value value", initial_accumulator_value)
        at_least_zero("epsilon value", eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for param in group["params"]:
            self.state[param] = {
                "step": scalar(0.0),
                "sum": full_like(param, group["initial_accumulator_value"]),
            }

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        grad = directed(grad, x, group)
        lr = float(group["lr"]) / (1 + (count_step(state) - 1) * float(group["lr_decay"]))
        total = state["sum"]._array
        total += grad * grad
        divisor = xp.sqrt(total)
        divisor += float(group["eps"])
        step = grad / divisor
        step *= lr
        x -= step
