"""Losses of predictions against targets of the same shape: squared, absolute, binary, KL.

They share `reduction`: "mean" (of all elements), "sum", or "none" for a loss per element; any
other value raises ValueError. `size_average` and `reduce` are PyTorch's old way to say the same.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import of_array, promote_types
from ..warning import warn
from .activation import logsigmoid
from .arithmetic import abs, log, mul, sub
from .checking import check_all, refusing
from .choice import _clamp, maximum
from .conversion import cast, promote
from .elementwise import exp, sigmoid, xlogy
from .reduction import _summed
from .shape import broadcast_tensors, shape_of

# ----- reductions -----


def named_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction's name, also where it is asked for in PyTorch's old way."""
    if size_average is None and reduce is None:
        return reduction
    each, total = (given is not None and not given for given in (reduce, size_average))
    reduction = "none" if each else "sum" if total else "mean"
    new = f"reduction='{reduction}'"
    warn(f"size_average and reduce args will be deprecated, please use {new} instead.")
    return reduction


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """As `named_reduction`. Raises ValueError for a name but "none", "mean" and "sum"."""
    reduction = named_reduction(size_average, reduce, reduction)
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction: expected 'none', 'mean' or 'sum'"
        )
    return reduction


def reduce_losses(losses: Any, reduction: str, divisor: Any = None) -> Any:
    """The losses reduced; with "mean", their sum over the divisor if one is given."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if divisor is None else losses.sum() / divisor


def reduced(xp: Backend, losses: Array, reduction: str) -> Array:
    """As `reduce_losses`, of a raw array: for losses that are one operation with the reduction."""
    if reduction == "none":
        return losses
    return _summed(xp, losses, None, False, losses.size if reduction == "mean" else 1)


def each(g: Any, losses: Any, reduction: str) -> Any:
    """What each loss gets of the gradient of all of them, reduced; `losses` has their shape."""
    return g / max(math.prod(shape_of(losses)), 1) if reduction == "mean" else g


def _weighted(losses: Any, input: Any, weight: Any, reduction: str, by_weight: bool = True) -> Any:
    """The losses times a weight per element, reduced; a mean divides by the weights' sum."""
    if weight is None:
        return reduce_losses(losses, reduction)
    if shape_of(weight) != shape_of(input):
        raise ValueError(
            "Weights and input must have the same size: got weight of shape "
            f"{list(shape_of(weight))} and input of shape {list(shape_of(input))}"
        )
    divisor = weight.sum() if by_weight else None
    return reduce_losses(mul(losses, weight), reduction, divisor)


def _other_size(input: Any, target: Any) -> str:
    sizes = [f"torch.Size({list(shape_of(x))})" for x in (target, input)]
    return "Using a target size ({}) that is different to the input size ({})".format(*sizes)


def _pair(input: Any, target: Any, floating: str | None = None) -> tuple[Any, Any]:
    """Input and target in one shape; for a `floating` operation, of this name, as if they were,
    and in one dtype, which may not be of integers. Warns of shapes that broadcast."""
    if shape_of(input) != shape_of(target):
        warn(
            f"{_other_size(input, target)}. This will likely lead to incorrect results due to "
            "broadcasting. Please ensure they have the same size."
        )
    if floating is None:
        return broadcast_tensors(input, target)
    kinds = of_array(input._array.dtype), of_array(target._array.dtype)
    kind = promote_types(*kinds)
    if not kind.is_floating_point:
        raise NotImplementedError(f"{floating}() is not implemented for {kind}; use .float()")
    return (input, target) if kinds[0] is kinds[1] else (cast(input, kind), cast(target, kind))


# ----- regression -----


@primitive(broadcasts=True, prepare=promote)
def _mse_loss(xp: Backend, input: Array, target: Array, *, reduction: str) -> Array:
    difference = xp.asarray(xp.subtract(input, target))
    difference *= difference
    return reduced(xp, difference, reduction)


def _huber_name(node: Any) -> str:
    return "SmoothL1LossBackward0" if node.params["smooth"] else "HuberLossBackward0"


@primitive(broadcasts=True, prepare=promote, name=_huber_name)
def _huber(
    xp: Backend, input: Array, target: Array, *, delta: float, smooth: bool, reduction: str
) -> Array:
    """With `smooth`, divided by delta."""
    size = xp.absolute(xp.subtract(input, target))
    near = xp.clip(size, None, delta)
    losses = near * (size - 0.5 * near)
    return reduced(xp, losses / delta if smooth else losses, reduction)


def _mse_rule(g: Any, a: Any, b: Any, reduction: str) -> Any:
    difference = a - b
    return difference * (2 * each(g, difference, reduction))


def _huber_rule(g: Any, a: Any, b: Any, delta: float, smooth: bool, reduction: str) -> Any:
    difference = a - b
    slope = _clamp(difference, min=-delta, max=delta)
    return each(g, difference, reduction) * (slope / delta if smooth else slope)


_mse_loss.gradients(
    lambda g, _y, a, b, *, reduction: _mse_rule(g, a, b, reduction),
    lambda g, _y, a, b, *, reduction: _mse_rule(g, b, a, reduction),
)
_huber.gradients(
    lambda g, _y, a, b, **options: _huber_rule(g, a, b, **options),
    lambda g, _y, a, b, **options: _huber_rule(g, b, a, **options),
)


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """(input - target) ** 2, reduced; with a weight per element, a weighted mean.

    input and target (*), which broadcast; a scalar, or (*) with reduction="none".

    >>> F.mse_loss(torch.tensor([1.0, 3.0]), torch.zeros(2))
    tensor(5.)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    input, target = _pair(input, target, "mse_loss")
    if weight is None:
        return _mse_loss(input, target, reduction=reduction)
    return _weighted(_mse_loss(input, target, reduction="none"), input, weight, reduction)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """|input - target|, reduced; with a weight per element, a weighted mean. Shapes as `mse_loss`.

    >>> F.l1_loss(torch.tensor([0.5, -3.0]), torch.zeros(2))
    tensor(1.7500)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    input, target = _pair(input, target)
    return _weighted(abs(sub(input, target)), input, weight, reduction)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """d ** 2 / 2 where d = |input - target| < delta, beyond it delta * (d - delta / 2) (Huber,
    1964), reduced; shapes as `mse_loss`. Raises RuntimeError unless delta > 0.

    >>> F.huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = reduction_of(None, None, reduction)
    kind = of_array(input._array.dtype)  # that of the losses
    input, target = _pair(input, target, "huber_loss")
    if not kind.is_floating_point:
        raise RuntimeError(
            f"huber_loss: the losses, in {of_array(input._array.dtype)}, can't be cast to input's "
            f"dtype {kind}; convert it with .float()"
        )
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got delta={delta}"
        )
    if weight is None and kind is of_array(input._array.dtype):
        return _huber(input, target, delta=delta, smooth=False, reduction=reduction)
    losses = cast(_huber(input, target, delta=delta, smooth=False, reduction="none"), kind)
    if weight is None:
        return reduce_losses(losses, reduction)
    return _weighted(losses, input, weight, reduction, by_weight=False)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """d ** 2 / (2 beta) where d = |input - target| < beta, beyond it d - beta / 2, reduced: for
    beta = 0 the l1_loss. Shapes as `mse_loss`. Raises RuntimeError if beta < 0.

    >>> F.smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    input, target = _pair(input, target, "smooth_l1_loss")
    if beta < 0:
        raise RuntimeError(
            f"smooth_l1_loss does not support negative values for beta, got beta={beta}"
        )
    if beta == 0:
        return reduce_losses(abs(sub(input, target)), reduction)
    return _huber(input, target, delta=beta, smooth=True, reduction=reduction)


# ----- probabilities -----


@primitive
def _binary_cross_entropy(xp: Backend, input: Array, target: Array, *, reduction: str) -> Array:
    hit, miss = xp.maximum(xp.log(input), -100), xp.maximum(xp.log1p(-input), -100)
    return reduced(xp, -(target * hit + (1 - target) * miss), reduction)


@primitive(broadcasts=True, prepare=promote)
def _binary_cross_entropy_with_logits(
    xp: Backend, input: Array, target: Array, pos_weight: Any, *, reduction: str
) -> Array:
    share = _share(target, pos_weight)
    hit = xp.log1p(xp.exp(-xp.absolute(input))) - xp.minimum(input, 0)  # -log(sigmoid(input))
    return reduced(xp, (1 - target) * input + share * hit, reduction)


def _share(target: Any, pos_weight: Any) -> Any:
    """How much -log(sigmoid(input)) counts: 1, and where the target is 1 pos_weight."""
    return 1 if type(pos_weight) is int else (pos_weight - 1) * target + 1


_binary_cross_entropy.gradients(
    lambda g, _y, p, t, *, reduction: each(g, p, reduction) * (p - t) / maximum(p * (1 - p), 1e-12),
    lambda g, _y, p, t, *, reduction: each(g, p, reduction) * (log(1 - p) - log(p)),
)
_binary_cross_entropy_with_logits.gradients(
    lambda g, _y, x, t, w, *, reduction: (
        each(g, x, reduction)
        * (sigmoid(x) - t if type(w) is int else _share(t, w) * sigmoid(x) - w * t)
    ),
    lambda g, _y, x, _t, w, *, reduction: (
        each(g, x, reduction) * (-x if type(w) is int else (1 - w) * logsigmoid(x) - x)
    ),
    lambda g, _y, x, t, _w, *, reduction: each(g, x, reduction) * -t * logsigmoid(x),
)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """-(target log(input) + (1 - target) log(1 - input)) for probabilities in [0, 1], reduced.

    input and target (*); a scalar, or (*) with reduction="none". The logarithms are kept at or
    above -100. Raises ValueError if the shapes differ, RuntimeError if the dtypes differ or an
    input is outside [0, 1].

    >>> F.binary_cross_entropy(torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0]))
    tensor(0.1643)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if shape_of(input) != shape_of(target):
        raise ValueError(
            f"{_other_size(input, target)} is deprecated. Please ensure they have the same size."
        )
    array = input._array
    if array.dtype.kind != "f" or target._array.dtype != array.dtype:
        raise RuntimeError(
            "binary_cross_entropy: expected input and target of one floating dtype, got "
            f"{of_array(array.dtype)} and {of_array(target._array.dtype)}"
        )
    message = (
        "all elements of input should be between 0 and 1; for scores of any size use "
        "binary_cross_entropy_with_logits"
    )
    check_all((array >= 0) & (array <= 1), RuntimeError, message)
    if weight is None:
        return _binary_cross_entropy(input, target, reduction=reduction)
    losses = mul(_binary_cross_entropy(input, target, reduction="none"), weight)
    return reduce_losses(cast(losses, of_array(array.dtype)), reduction)


_check_logits = refusing("log_sigmoid_cpu", "biu")


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """binary_cross_entropy of sigmoid(input), computed without its overflow, reduced.

    Shapes as `binary_cross_entropy`; weight multiplies each loss, pos_weight the part of target
    alone; both broadcast. Raises ValueError if the shapes of input and target differ, RuntimeError
    for an integer target, NotImplementedError for an integer input.

    >>> F.binary_cross_entropy_with_logits(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))
    tensor(0.2201)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if shape_of(input) != shape_of(target):
        raise ValueError(
            f"Target size (torch.Size({list(shape_of(target))})) must be the same as input size "
            f"(torch.Size({list(shape_of(input))}))"
        )
    _check_logits((input,))
    if target._array.dtype.kind != "f":
        raise RuntimeError(
            "binary_cross_entropy_with_logits: expected a floating target, got "
            f"{of_array(target._array.dtype)}; convert it with .to(input.dtype)"
        )
    share = 1 if pos_weight is None else pos_weight
    same = input._array.dtype == target._array.dtype
    if weight is None and same:
        return _binary_cross_entropy_with_logits(input, target, share, reduction=reduction)
    losses = _binary_cross_entropy_with_logits(input, target, share, reduction="none")
    losses = losses if weight is None else mul(losses, weight)
    return reduce_losses(losses if same else cast(losses, of_array(target._array.dtype)), reduction)


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """target * (log(target) - input), for input = the logarithms of probabilities, reduced.

    Shapes as `mse_loss`. With log_target the target holds logarithms, too. reduction "batchmean",
    the sum divided by the size of the first dimension, is the Kullback-Leibler divergence; "mean"
    divides by the number of elements.

    >>> F.kl_div(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]), reduction="sum")
    tensor(0.3681)
    """
    batchmean = reduction == "batchmean"
    reduction = reduction_of(size_average, reduce, "sum" if batchmean else reduction)
    if reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition."
        )
    if not input._array.dtype.kind == target._array.dtype.kind == "f":
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if log_target:
        losses = mul(exp(target), sub(target, input))
    else:
        losses = sub(xlogy(target, target), mul(target, input))
    total = reduce_losses(losses, reduction)
    return total / shape_of(input)[0] if batchmean and shape_of(input) else total
