"""Muon."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array, backend_of
from ..creation import zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import average_in

_RATIOS = {
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


class Muon(Optimizer):
    """param -= lr * the orthogonal matrix that is nearest to the momentum, roughly, which a few
    steps of Newton and Schulz's method find (Jordan, 2024). For the matrices inside of a network;
    the rest is for another optimizer. Computed in the parameters' dtype (PyTorch: in bfloat16).

    Args:
        params: matrices (n, m), see `Optimizer`.
        weight_decay: params are multiplied by 1 - lr * weight_decay first.
        momentum: how much of the old momentum is kept.
        nesterov: whether the gradient is averaged in once more.
        ns_coefficients: of x, x x^T x and (x x^T)^2 x in the steps of the method.
        eps: the least norm that the matrix is divided by.
        ns_steps: how many steps, less than 100.
        adjust_lr_fn: "original" (or None): lr times sqrt(max(1, n / m)); "match_rms_adamw": lr
            times 0.2 sqrt(max(n, m)), for the rates and the decay of AdamW.

    Raises ValueError for negative options, and for what is no matrix.

    >>> x = torch.eye(2, requires_grad=True)
    >>> optimizer = optim.Muon([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); bool(x[0, 0] < 1)
    True
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for label, value in (
            ("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay),
        ):  # fmt: skip
            if not value >= 0:
                raise ValueError(f"{label} should be >= 0 but is: {value}")
        if adjust_lr_fn is not None and adjust_lr_fn not in _RATIOS:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if len(ns_coefficients) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        if not isinstance(eps, int | float):
            raise TypeError(f"eps should be a number but is: {eps}")
        if ns_steps >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for param in self.param_groups[-1]["params"]:
            if param.dim() != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{param.size()}"
                )

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        x, lr, kept = param._array, float(group["lr"]), float(group["momentum"])
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(param)
        momentum = state["momentum_buffer"]._array
        average_in(momentum, grad, kept)
        change = (1 - kept) * grad + kept * momentum if group["nesterov"] else momentum
        change = _orthogonal(change, group)
        ratio = _RATIOS[group["adjust_lr_fn"] or "original"](*x.shape)
        x *= 1 - lr * float(group["weight_decay"])
        x -= lr * ratio * change


def _orthogonal(matrix: Array, group: Group) -> Array:
    """The matrix with its singular values made nearly 1."""
    xp: Any = backend_of(matrix)
    a, b, c = group["ns_coefficients"]
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / xp.maximum(xp.sqrt((x * x).sum()), group["eps"])
    for _ in range(group["ns_steps"]):
        square = xp.matmul(x, x.T)
        x = a * x + xp.matmul(b * square + c * xp.matmul(square, square), x)
    return x.T if tall else x
