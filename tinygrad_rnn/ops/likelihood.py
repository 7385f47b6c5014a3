"""Negative logarithms of the likelihood of Poisson and of normal distributions."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable
from ..dtypes import of_array
from .arithmetic import add, log, mul, sub
from .checking import check_all
from .choice import clamp, where
from .conversion import cast
from .elementwise import exp, square
from .loss import reduce_losses, reduction_of
from .shape import shape_of, unsqueeze


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Of counts, `target`, the negative log-likelihood under Poisson distributions, reduced.

    input is the logarithm of the expected count: exp(input) - target * input; without log_input
    the count itself: input - target * log(input + eps). What depends on the target alone, log of
    its factorial, is left out; with `full` Stirling's formula approximates it, for targets above 1.
    The shapes broadcast.

    >>> F.poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 0.0]), reduction="none")
    tensor([1.0000, 2.7183])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if log_input:
        losses = sub(exp(input), mul(target, input))
    else:
        losses = sub(input, mul(target, log(add(input, eps))))
    if full:
        large = target > 1
        n = where(large, target, 2)  # keeps logarithms of 0 away, also from the gradients
        stirling = add(sub(mul(n, log(n)), n), log(mul(n, 2 * math.pi)), alpha=0.5)
        kind = of_array(losses._array.dtype)  # also where a target of integers is wider
        losses = add(losses, cast(where(large, stirling, 0), kind))
    return reduce_losses(losses, reduction)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """Of `target` the negative log-likelihood under normal distributions, reduced:
    (log(var) + (input - target) ** 2 / var) / 2, and with `full` log(2 pi) / 2 more.

    Args:
        input: the expected values; the shapes of input and target broadcast.
        var: the variances, a number or a tensor: of input's shape, or without its last dimension,
            or with one dimension of size 1.
        eps: smaller variances count as this, with the gradient of what they count as.

    Raises ValueError for negative variances, or variances of another shape.

    >>> F.gaussian_nll_loss(torch.zeros(2), torch.tensor([0.0, 2.0]), 1.0, reduction="none")
    tensor([0., 2.])
    """
    if not isinstance(var, Variable):
        if not isinstance(var, int | float):
            raise TypeError(
                f"gaussian_nll_loss(): argument 'var' must be Tensor or Number, not "
                f"{type(var).__name__}"
            )
        var = input.new_full(shape_of(input), var)
    check_all(~(var._array < 0), ValueError, "var has negative entry/entries")
    shape, own = shape_of(input), shape_of(var)
    if own != shape:
        if own == shape[:-1]:
            var = unsqueeze(var, -1)
        elif len(own) != len(shape) or [n for m, n in zip(shape, own, strict=True) if m != n] != [
            1
        ]:
            raise ValueError(
                f"var is of incorrect size: got {list(own)} for an input of shape {list(shape)}"
            )
    reduction = reduction_of(None, None, reduction)
    var = add(var, sub(clamp(var, min=eps), var).detach())  # clamped in value alone
    losses = mul(add(log(var), square(sub(input, target)) / var), 0.5)
    if full:
        losses = add(losses, 0.5 * math.log(2 * math.pi))
    return reduce_losses(losses, reduction)
