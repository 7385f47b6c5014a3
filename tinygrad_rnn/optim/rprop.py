"""Rprop."""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of
from ..creation import full_like, zeros_like
from ..tensor import Tensor
from .optimizer import Group, Optimizer, Params, State
from .shared import check_common, count_step


class Rprop(Optimizer):
    """Resilient propagation: param -= sign(grad) * size, and each element has a size of its own,
    which grows while the sign of its gradient stays and shrinks when it turns; in a step where it
    turned the element stays where it is (Riedmiller and Braun, 1993). For full batches.

    Args:
        params: of any shape, see `Optimizer`.
        lr: the sizes at the start.
        etas: the factors by which a size shrinks and grows.
        step_sizes: the smallest and the largest size.
        maximize: step uphill.
        foreach, capturable, differentiable: accepted for PyTorch's sake (differentiable must be
            False).

    Raises ValueError for a negative lr, and unless 0 < etas[0] < 1 < etas[1].

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Rprop([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_common(lr, 0, differentiable)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(
                f"Invalid eta values: {etas[0]}, {etas[1]}, expected 0 < etas[0] < 1 < etas[1]"
            )
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        xp: Any = backend_of(grad)
        x = param._array
        smaller, larger = map(float, group["etas"])
        smallest, largest = map(float, group["step_sizes"])
        grad = -grad if group["maximize"] else grad
        count_step(state)
        if "prev" not in state:
            state["prev"] = zeros_like(param)
            state["step_size"] = full_like(param, float(group["lr"]))
        before, size = state["prev"]._array, state["step_size"]._array
        turn = xp.sign(grad * before)  # 1: the sign stayed, -1: it turned, 0: one was zero
        factor = xp.maximum(turn, 0) * (larger - 1)
        factor += xp.minimum(turn, 0) * (1 - smaller)
        factor += 1
        size *= factor
        xp.clip(size, smallest, largest, out=size)
        before[...] = xp.where(turn < 0, 0, grad)
        x -= xp.sign(before) * size
