"""ASGD."""

from __future__ import annotations

from ..backends import Array
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import check_common, count_step, directed, scalar


class ASGD(Optimizer):
    """Averaged stochastic gradient descent: param -= eta * (grad + lambd * param), and
    ``state[param]["ax"]`` is the average of what param was after step t0 + 1 (Polyak and
    Juditsky, 1992). In step t = 1, 2, ... eta is lr / (1 + lambd * lr * (t - 1)) ** alpha.

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size at the start.
        lambd, alpha: how param decays, and how eta does.
        t0: when the averaging begins; until then "ax" is param.
        weight_decay: this times param is added to grad first.
        maximize: step uphill.
        foreach, differentiable, capturable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for a negative lr or weight_decay.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.ASGD([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_common(lr, weight_decay, differentiable)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        x = param._array
        lr, lambd = float(group["lr"]), float(group["lambd"])
        grad = directed(grad, x, group)
        t = count_step(state)
        if "ax" not in state:
            state["eta"], state["mu"] = scalar(lr), scalar(1.0)
            state["ax"] = zeros_like(param)
        eta, mu, average = state["eta"].item(), state["mu"].item(), state["ax"]._array
        x *= 1 - lambd * eta
        x -= grad * eta
        if mu == 1:
            average[...] = x
        else:
            average += (x - average) * mu
        # for the next step
        state["eta"] = scalar(lr / (1 + lambd * lr * t) ** float(group["alpha"]))
        state["mu"] = scalar(1 / max(1.0, t - float(group["t0"])))
