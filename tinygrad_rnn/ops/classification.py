"""Cross entropy and its relatives: losses of scores for classes."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of, device_of, is_host
from ..dtypes import float32, int64, of_array
from . import reduction
from .arithmetic import mul
from .choice import where
from .conversion import cast
from .loss import reduce_losses, reduction_of
from .shape import shape_of

# ----- primitives on rows: scores (N, C), targets (N) in [0, C) -----

# Where all scores are this close to 0, their exponentials and quotients of them fit float32
_ORDINARY = 30.0


@primitive
def _cross_entropy(xp: Backend, input: Array, target: Array) -> tuple[Array, Array]:
    """-log(softmax(row)[target]) of each row, and all the softmax, which backward needs.

    To keep exp from overflowing one takes each row's maximum off first. On the host that takes
    longer than the exponentials, so there it is left out where no score is large.
    """
    x = input.astype(float32.array) if input.dtype == "float16" else input
    rows = xp.arange(len(x))
    if is_host(x) and x.size and x.max() <= _ORDINARY and x.min() >= -_ORDINARY:
        powers = xp.exp(x)
        sums = _row_sums(xp, powers)
        losses = xp.log(sums / powers[rows, target])
    else:
        shifted = x - x.max(axis=1, keepdims=True) if x.size else x
        powers = xp.exp(shifted)
        sums = _row_sums(xp, powers)
        losses = xp.log(sums) - shifted[rows, target]
    powers /= sums[:, None]
    return losses.astype(input.dtype, copy=False), powers.astype(input.dtype, copy=False)


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


def _cross_entropy_rule(g: Any, y: Any, _x: Any, target: Any) -> Any:
    of_losses, of_probabilities = g
    probabilities = y[1]
    result = None
    if of_losses is not None:
        result = _softmax_less_one(of_losses, probabilities, target)
    if of_probabilities is not None:  # in derivatives of higher order: softmax's own rule
        weighted = of_probabilities * probabilities
        part = weighted - probabilities * reduction._sum(weighted, dims=(1,), keepdim=True)
        result = part if result is None else result + part
    return result


def _column(g: Any) -> Any:
    return g.reshape((-1, 1))


_cross_entropy.gradients(_cross_entropy_rule, None)
_softmax_less_one.gradients(
    lambda g, _y, _g, p, t: reduction._sum(g * p, dims=(1,), keepdim=False) - _pick(g, t),
    lambda g, _y, g_losses, _p, _t: g * _column(g_losses),
    None,
)
_pick.gradients(lambda g, _y, x_shape, t: _place(g, t, width=x_shape[1]), None)
_place.gradients(lambda g, _y, _x, t, *, width: _pick(g, t), None)


# ----- arguments -----


class _Targets(NamedTuple):
    """Class indices, checked and flattened.

    Attributes:
        rows: the scores as (N, C).
        index: (N), int64, each in [0, C); 0 for those to ignore.
        kept: a mask (N) of those not to ignore, None if there are none to ignore.
        weights: (N), the weight of each target's class, None without weights.
        shape: of a loss per target.
    """

    rows: Any
    index: Any
    kept: Array | None
    weights: Array | None
    shape: tuple[int, ...]


def _rows(input: Any) -> Any:
    """Scores (C), (N, C) or (N, C, ...) as (N, C), the class dimension last."""
    ndim = len(shape_of(input))
    if ndim == 2:
        return input
    classes = shape_of(input)[1 if ndim > 1 else 0]
    last = input.movedim(1, -1) if ndim > 2 else input
    return last.reshape((math.prod(shape_of(last)[:-1]), classes))


def _check_shapes(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Raise ValueError or RuntimeError unless targets (N, ...) fit scores (N, C, ...)."""
    if not input:
        raise ValueError("Expected 1 or more dimensions (got 0): the input is (C) or (N, C, ...)")
    if len(input) == 1:
        if len(target) > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target not in ((), (1,)):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {target[0]}"
            )
        return
    expected = (input[0], *input[2:])
    if target == expected:
        return
    hint = ""
    if len(input) > 2 and math.prod(target) == math.prod(input[:-1]):
        hint = (
            f". If the input {list(input)} is (N, T, C), move the classes to the second place, "
            "input.transpose(1, 2), or flatten: input.reshape(-1, C) with target.reshape(-1)"
        )
    batch = target[0] if target else 0
    if batch != input[0]:
        raise ValueError(
            f"Expected input batch_size ({input[0]}) to match target batch_size ({batch}).{hint}"
        )
    if len(input) == 2:
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported: got an input of shape "
            f"{list(input)} and a target of shape {list(target)}; use target.squeeze(1)"
        )
    raise RuntimeError(f"Expected target size {list(expected)}, got {list(target)}{hint}")


def _check_tensors(name: str, input: Any, target: Any, weight: Any) -> None:
    """Raise TypeError for what are no tensors, NotImplementedError for scores that are integers,
    RuntimeError for tensors on different devices."""
    for place, value in (("input", input), ("target", target), ("weight", weight)):
        if value is None and place == "weight":
            continue
        if not isinstance(value, Variable):
            raise TypeError(
                f"{name}(): argument '{place}' must be Tensor, not {type(value).__name__}"
            )
        if type(value._array) is not type(input._array):
            raise RuntimeError(
                f"{name}(): expected all tensors to be on the same device, but input is on "
                f"{device_of(input._array)} and {place} on {device_of(value._array)}; move one "
                "with .to(device)"
            )
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f"{name}() is not implemented for an input of {of_array(input._array.dtype)}; it takes "
            "floating scores"
        )


def _check_weight(weight: Any, classes: int, input: Any) -> None:
    if shape_of(weight) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape: {list(shape_of(weight))}"
        )
    if weight._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"expected weight of the input's dtype {of_array(input._array.dtype)} but found "
            f"{of_array(weight._array.dtype)}"
        )


def _check_targets(input: Any, target: Any, weight: Any, ignore_index: int) -> _Targets:
    """The class indices, ready for use. Raises what `cross_entropy` says."""
    _check_shapes(shape_of(input), shape_of(target))
    rows, index, kept = _rows(input), target, None
    classes = shape_of(rows)[1]
    if index._array.dtype not in ("int64", "uint8"):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {of_array(index._array.dtype)}; "
            "class indices: target.long(); probabilities need the input's shape, "
            f"{list(shape_of(input))}"
        )
    index = cast(index, int64)
    if len(shape_of(index)) != 1:
        index = index.reshape((-1,))
    array = index._array
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= classes or low <= ignore_index <= high:
            kept = array != ignore_index
            wrong = kept & ((array < 0) | (array >= classes))
            if wrong.any():
                raise IndexError(
                    f"Target {int(array[wrong][0])} is out of bounds: there are {classes} classes "
                    f"(and ignore_index is {ignore_index})."
                )
            index = index._wrap(array * kept)
    weights = None
    if weight is not None:
        _check_weight(weight, classes, input)
        if weight.requires_grad:
            raise RuntimeError(
                "the loss is not differentiable with respect to argument 'weight' where targets "
                "are class indices: use weight.detach()"
            )
        weights = weight._array[index._array]
    return _Targets(
        rows, index, kept, weights, shape_of(target) if len(shape_of(input)) > 1 else ()
    )


def _reduce(losses: Any, targets: _Targets, reduction: str) -> Any:
    """Losses of rows, without those to ignore, reduced; the mean is over the targets' weights."""
    if targets.kept is not None:
        losses = where(losses._wrap(targets.kept), losses, 0)
    if reduction == "none":
        return losses.reshape(targets.shape)
    weights, kept = targets.weights, targets.kept
    if reduction == "sum" or (weights is None and kept is None):
        return reduce_losses(losses, reduction)
    if kept is not None and not kept.any():
        warnings.warn(
            "every target is ignore_index, so the mean loss is nan: skip such batches, or use "
            "reduction='sum'",
            stacklevel=3,
        )
        return losses.sum() + math.nan  # with gradients of 0
    total: Any = kept if weights is None else weights if kept is None else weights * kept
    return losses.sum() / losses._wrap(total.sum(dtype=losses._array.dtype))


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
    """
    reduction = reduction_of(size_average, reduce, reduction)
    _check_tensors("nll_loss", input, target, weight)
    targets = _check_targets(input, target, weight, ignore_index)
    losses = -_pick(targets.rows, targets.index)
    if targets.weights is not None:
        losses = mul(losses, losses._wrap(targets.weights))
    return _reduce(losses, targets, reduction)


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
    """
    reduction = reduction_of(size_average, reduce, reduction)
    _check_tensors("cross_entropy", input, target, weight)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if shape_of(input) == shape_of(target):
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    targets = _check_targets(input, target, weight, ignore_index)
    if label_smoothing:
        smooth = _smoothed(targets, label_smoothing)
        losses = _soft_cross_entropy(targets.rows, smooth, weight, 1)
    else:
        losses, _ = _cross_entropy(targets.rows, targets.index)
        if targets.weights is not None:
            losses = mul(losses, losses._wrap(targets.weights))
    return _reduce(losses, targets, reduction)


def _soft_cross_entropy(input: Any, probabilities: Any, weight: Any, dim: int) -> Any:
    """-sum(weight * probabilities * log(softmax(input))) over the class dimension dim."""
    weighted = probabilities
    if weight is not None:
        ndim = len(shape_of(input))
        weighted = mul(probabilities, weight.reshape((-1,) + (1,) * (ndim - 1 - dim)))
    return -mul(weighted, reduction.log_softmax(input, dim)).sum(dim)


def _smoothed(targets: _Targets, share: float) -> Any:
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
        _check_weight(weight, classes, input)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    return reduce_losses(_soft_cross_entropy(input, target, weight, dim), method)
