"""Cross entropy and its relatives: losses of scores for classes."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.broadcast import expand
from ..backends import Array, Backend, backend_of, is_host
from ..dtypes import float16, float32, of_array
from ..warning import warn
from . import exponentials, reduction
from .affine import linear
from .arithmetic import mul
from .choice import where
from .exponentials import ORDINARY
from .loss import reduce_losses, reduction_of
from .rearranging import named_as
from .shape import shape_of
from .targets import Targets, check_targets, check_tensors, check_weight

# ----- primitives on rows: scores (N, C), targets (N) in [0, C) -----


@primitive(name="NllLossBackward0")
def _cross_entropy(
    xp: Backend, input: Array, target: Array, scale: Array | None, divisor: Any, *, summed: bool
) -> tuple[Array, Array]:
    """-log(softmax(row)[target]) of each row, and all the softmax, which backward needs.

    The losses are multiplied by scale (but 0 where that is 0) and, with `summed`, summed and
    divided by the divisor; None is 1. To keep exp from overflowing one takes each row's maximum
    off first. On the host that takes longer than the exponentials, so there it is left out where
    no score is large.
    """
    x = input.astype(float32.array) if input.dtype == "float16" else input
    rows = xp.arange(len(x))
    if is_host(x) and x.size and x.max() <= ORDINARY and x.min() >= -ORDINARY:
        powers = xp.exp(x)
        sums = _row_sums(xp, powers)
        losses = xp.log(sums / powers[rows, target])
    else:
        shifted = x - x.max(axis=1, keepdims=True) if x.size else x
        powers = xp.exp(shifted)
        sums = _row_sums(xp, powers)
        losses = xp.log(sums) - shifted[rows, target]
    powers /= sums[:, None]
    losses = losses.astype(input.dtype, copy=False)
    return _totalled(xp, losses, scale, divisor, summed), powers.astype(input.dtype, copy=False)


@primitive
def _nll_loss(
    xp: Backend, input: Array, target: Array, scale: Array | None, divisor: Any, *, summed: bool
) -> Array:
    """-row[target] of each row; the rest as in `_cross_entropy`."""
    return _totalled(xp, -input[xp.arange(len(input)), target], scale, divisor, summed)


def _totalled(xp: Backend, losses: Array, scale: Array | None, divisor: Any, summed: bool) -> Array:
    if scale is not None:
        losses = xp.where(scale == 0, 0, losses * scale).astype(losses.dtype, copy=False)
    if not summed:
        return losses
    half = losses.dtype == float16.array  # summed in float32, rounded once
    total = xp.sum(losses, dtype=float32.array if half else losses.dtype)
    if divisor is not None:
        total = total / divisor
    return xp.asarray(total, losses.dtype)


def _row_gradients(g: Any, rows: int, scale: Any, divisor: Any, summed: bool) -> Any:
    """What each row's loss, as it was before scale, gets of the gradient."""
    if divisor is not None:
        share = g / divisor
        array = divisor._array if isinstance(divisor, Variable) else divisor
        known = backend_of(array) is None or is_host(array)
        g = share if known else where(divisor == 0, 0, share)  # 0: perhaps all are ignored
    if scale is not None:
        return g * scale
    return expand(g, shape=(rows,)) if summed else g


def _row_sums(xp: Backend, x: Array) -> Array:
    return xp.matmul(x, xp.ones(x.shape[1], x.dtype))  # NumPy's sum takes longer for short rows


@primitive
def _softmax_less_one(xp: Backend, g: Array, probabilities: Array, target: Array) -> Array:
    """g * (probabilities - one at the target), for each row."""
    result = probabilities * g[:, None]
    result[xp.arange(len(g)), target] -= g
    return result


@primitive
def _pick(xp: Backend, input: Array, target: Array) -> Array:
    """The element of each row that the target names."""
    return input[xp.arange(len(input)), target]


@primitive
def _place(xp: Backend, values: Array, target: Array, *, width: int) -> Array:
    """Rows of zeros with the value where the target says."""
    result = xp.zeros((len(values), width), values.dtype)
    result[xp.arange(len(values)), target] = values
    return result


def _cross_entropy_rule(
    g: Any, y: Any, _x: Any, target: Any, scale: Any, divisor: Any, *, summed: bool
) -> Any:
    of_losses, of_probabilities = g
    probabilities = y[1]
    result = None
    if of_losses is not None:
        rows = _row_gradients(of_losses, len(target), scale, divisor, summed)
        result = _softmax_less_one(rows, probabilities, target)
    if of_probabilities is not None:  # in derivatives of higher order: softmax's own rule
        weighted = of_probabilities * probabilities
        part = weighted - probabilities * reduction._sum(weighted, dims=(1,), keepdim=True)
        result = part if result is None else result + part
    return result


def _column(g: Any) -> Any:
    return g.reshape((-1, 1))


_cross_entropy.gradients(_cross_entropy_rule, None, None, None)
_nll_loss.gradients(
    lambda g, _y, x_shape, t, scale, divisor, *, summed: _place(
        -_row_gradients(g, x_shape[0], scale, divisor, summed), t, width=x_shape[1]
    ),
    None, None, None,
)  # fmt: skip
_softmax_less_one.gradients(
    lambda g, _y, _g, p, t: reduction._sum(g * p, dims=(1,), keepdim=False) - _pick(g, t),
    lambda g, _y, g_losses, _p, _t: g * _column(g_losses),
    None,
)
_pick.gradients(lambda g, _y, x_shape, t: _place(g, t, width=x_shape[1]), None)
_place.gradients(lambda g, _y, _x, t, *, width: _pick(g, t), None)


# ----- reductions over targets -----


def _divisor(targets: Targets, reduction: str) -> Any:
    """What the sum of the losses is divided by: for a mean, the sum of the targets' weights."""
    if reduction != "mean":
        return None
    if targets.any_kept is False:
        warn(
            "every target is ignore_index, so the mean loss is nan: skip such batches, or use "
            "reduction='sum'"
        )
        return None
    scale = targets.scale
    return len(targets.index) if scale is None else scale.sum(dtype=scale.dtype)


def _finished(losses: Any, targets: Targets, reduction: str) -> Any:
    """The losses in the targets' shape; a mean of none is nan, with gradients of 0."""
    if reduction == "none":
        return losses if len(targets.shape) == 1 else losses.reshape(targets.shape)
    none = targets.any_kept is False  # on a GPU the mean was divided by 0
    return losses + math.nan if none and reduction == "mean" else losses


def _of_indices(operation: Any, targets: Targets, reduction: str) -> Any:
    """Losses of rows by `_cross_entropy` or `_nll_loss`, reduced."""
    divisor = _divisor(targets, reduction)
    result = operation(
        targets.rows, targets.index, targets.scale, divisor, summed=reduction != "none"
    )
    return _finished(result[0] if type(result) is tuple else result, targets, reduction)


# ----- functions -----


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """-input at the target's class, for input = the logarithms of probabilities.

    Shapes, weight, ignore_index, reductions and errors are those of `cross_entropy` with class
    indices.

    >>> log_probabilities = torch.tensor([[0.5, 0.5], [0.1, 0.9]]).log()
    >>> F.nll_loss(log_probabilities, torch.tensor([0, 1]), reduction="none")
    tensor([0.6931, 0.1054])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    check_tensors("nll_loss", input, target, weight)
    targets = check_targets(input, target, weight, ignore_index)
    return _of_indices(_nll_loss, targets, reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log(softmax(input)) at the target's class: the negative log-likelihood of the targets.

    Args:
        input: scores of any size, floating, (C), (N, C) or (N, C, d1, ...).
        target: class indices, int64 or uint8, (), (N) or (N, d1, ...); or probabilities of the
            classes, floating, of input's shape.
        weight: (C), the weight of each class.
        ignore_index: targets of this value count for nothing.
        reduction: "none" (a loss per target), "sum", or "mean", which divides by the sum of the
            targets' weights (for probabilities, by their number). With every target ignored the
            mean is nan, and a UserWarning says so.
        label_smoothing: the share, in [0, 1], of each target that is spread evenly over all
            classes (Szegedy et al., 2015).

    Raises IndexError for a target outside [0, C), ValueError and RuntimeError for shapes, dtypes
    and options that do not fit.

    >>> scores, target = torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])
    >>> F.cross_entropy(scores, target)
    tensor(0.4100)
    >>> F.cross_entropy(scores, target, reduction="none")
    tensor([0.1269, 0.6931])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    check_tensors("cross_entropy", input, target, weight)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if shape_of(input) == shape_of(target):
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    targets = check_targets(input, target, weight, ignore_index)
    if not label_smoothing:
        return _of_indices(_cross_entropy, targets, reduction)
    losses = _soft_cross_entropy(targets.rows, _smoothed(targets, label_smoothing), weight, 1)
    divisor = _divisor(targets, reduction)
    if targets.kept is not None:
        losses = where(losses._wrap(targets.kept), losses, 0)
    if reduction != "none":
        losses = losses.sum()
    if divisor is not None:
        losses = losses / (divisor if isinstance(divisor, int) else losses._wrap(divisor))
    return named_as("AddBackward0", _finished(losses, targets, reduction))


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Any:
    """`cross_entropy` of the scores that a linear map makes of the input.

    Args:
        input: (in) or (N, in).
        linear_weight: (C, in), or (C, d1, ..., in) for scores (N, C, d1, ...) of a batch.
        linear_bias: of linear_weight's shape without its last dimension.
        options: there are none: PyTorch's say how to compute the same in parts.

    The others are those of `cross_entropy`; ignore_index None is -100. Raises RuntimeError for
    shapes that do not fit, NotImplementedError for options.

    >>> F.linear_cross_entropy(torch.ones(1, 2), torch.eye(2), torch.tensor([0]))
    tensor(0.6931)
    """
    if options is not None:
        raise NotImplementedError("linear_cross_entropy takes no options: use options=None")
    shape, own = shape_of(input), shape_of(linear_weight)
    if len(shape) not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {len(shape)}")
    if len(own) < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {len(own)}")
    if shape[-1] != own[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{shape[-1]} and {own[-1]}, respectively"
        )
    if linear_bias is not None and shape_of(linear_bias) != own[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {own[:-1]}, got {tuple(shape_of(linear_bias))}"
        )
    if len(own) > 2 and len(shape) == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {own} requires batched input, "
            f"(N, {shape[-1]}), got unbatched input with shape {shape}"
        )
    scores = linear(
        input,
        linear_weight.reshape((-1, own[-1])),
        None if linear_bias is None else linear_bias.reshape((-1,)),
    ).reshape((*shape[:-1], *own[:-1]))
    if ignore_index is not None and shape_of(target) == shape_of(scores):
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    return cross_entropy(
        scores, target, weight, reduction=reduction, label_smoothing=label_smoothing,
        ignore_index=-100 if ignore_index is None else ignore_index,
    )  # fmt: skip


def _soft_cross_entropy(input: Any, probabilities: Any, weight: Any, dim: int) -> Any:
    """-sum(weight * probabilities * log(softmax(input))) over the class dimension dim."""
    weighted = probabilities
    if weight is not None:
        ndim = len(shape_of(input))
        weighted = mul(probabilities, weight.reshape((-1,) + (1,) * (ndim - 1 - dim)))
    return -mul(weighted, exponentials.log_softmax(input, dim)).sum(dim)


def _smoothed(targets: Targets, share: float) -> Any:
    """The targets as probabilities, with a share of each spread over all classes."""
    array = targets.rows._array
    xp: Any = backend_of(array)
    count, classes = array.shape
    result = xp.full_like(array, share / classes)
    result[xp.arange(count), targets.index._array] += 1 - share
    return targets.rows._wrap(result)


def _of_probabilities(
    input: Any, target: Any, weight: Any, ignore_index: int, method: str, label_smoothing: float
) -> Any:
    if target._array.dtype.kind != "f":
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{of_array(target._array.dtype)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    shape = shape_of(input)
    dim = 1 if len(shape) > 1 else 0
    classes = shape[dim] if shape else 1
    if weight is not None:
        check_weight(weight, classes, input)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    losses = reduce_losses(_soft_cross_entropy(input, target, weight, dim), method)
    if method == "none":
        return losses
    return named_as("DivBackward1" if method == "mean" else "NegBackward0", losses)
