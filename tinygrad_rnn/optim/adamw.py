"""Adam with weight decay of its own."""

from __future__ import annotations

from ..tensor import Tensor
from .adam import Adam
from .optimizer import Params


class AdamW(Adam):
    """Adam that shrinks param, of any shape, by lr * weight_decay instead of adding to grad
    (Loshchilov and Hutter, 2017). Arguments and errors as for `Adam`.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.AdamW([x], lr=0.1)
    >>> (x**2).sum().backward(); optimizer.step(); x
    tensor([0.8990], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
