"""Stochastic gradient descent."""

from __future__ import annotations

from ..backends import Array
from ..backends.capture import host_numbers
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import at_least_zero, check_common, directed


class SGD(Optimizer):
    """param -= lr * grad; with momentum param -= lr * buffer, buffer = momentum * buffer +
    (1 - dampening) * grad (in the first step buffer = grad).

    Args:
        params: of any shape, see `Optimizer`.
        lr: the step size.
        weight_decay: this times param is added to grad first.
        nesterov: step along grad + momentum * buffer instead (Sutskever et al., 2013).
        maximize: step uphill.
        foreach, fused, differentiable: accepted for PyTorch's sake (differentiable must be False).

    Raises ValueError for negative options, and for nesterov without momentum or with dampening.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.8000], requires_grad=True)
    """

    in_graphs = True

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_common(lr, weight_decay, differentiable, foreach, fused)
        at_least_zero("momentum value", momentum)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening, got "
                f"momentum={momentum}, dampening={dampening}"
            )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        x = param._array
        grad = directed(grad, x, group)
        momentum, kept = float(group["momentum"]), 1 - float(group["dampening"])
        if momentum:
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = param._wrap(grad.copy())
                buffer = state["momentum_buffer"]._array
            else:
                buffer = state["momentum_buffer"]._array
                buffer *= momentum
                buffer += grad if kept == 1 else grad * kept
            grad = grad + buffer * momentum if group["nesterov"] else buffer
        (lr,) = host_numbers(lambda: (float(group["lr"]),), 1, x)
        x -= grad * lr
