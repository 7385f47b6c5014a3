"""Losses that are 0 once a margin is kept: hinges, rankings, triplets; and smooth relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of, is_host
from ..dtypes import int64, of_array
from .activation import logsigmoid
from .arithmetic import add, mul, neg, pow, sub
from .choice import clamp_min, minimum, where
from .conversion import cast, fitting, promote
from .distances import pairwise_distance
from .elementwise import relu, sigmoid, sqrt
from .gathering import gather, index_select
from .loss import each, reduce_losses, reduced, reduction_of
from .reduction import sum
from .shape import broadcast_shapes, reshape, shape_of, unsqueeze

# ----- targets 1 and -1 -----


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The distance `input` itself where target is 1, max(margin - input, 0) where it is -1,
    reduced. The shapes broadcast.

    >>> F.hinge_embedding_loss(torch.tensor([0.3, 0.3]), torch.tensor([1, -1]), reduction="none")
    tensor([0.3000, 0.7000])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    kind = of_array(input._array.dtype)
    far = clamp_min(sub(margin if kind.is_floating_point else fitting(int(margin), kind), input), 0)
    losses = add(where(target != 1, far, 0), where(target != -1, input, 0))
    return reduce_losses(losses, reduction)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """1 - cos where target is 1, max(cos - margin, 0) where it is -1, reduced, for the cosine of
    the angle between input1 and input2, (N, D) with target (N), or (D) with target ().

    Raises RuntimeError for other numbers of dimensions.

    >>> x = torch.tensor([[1.0, 0.0]])
    >>> F.cosine_embedding_loss(x, torch.tensor([[3.0, 4.0]]), torch.tensor([1]))
    tensor(0.4000)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    shapes, ndim = [list(shape_of(x)) for x in (input1, input2)], len(shape_of(target))
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if any(len(shape) != ndim + 1 for shape in shapes):
        raise RuntimeError(
            f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes "
            f"{shapes[0]} and {shapes[1]}."
        )
    squares = [add(sum(mul(x, x), -1), 1e-12) for x in (input1, input2)]
    cosine = sum(mul(input1, input2), -1) / sqrt(mul(*squares))
    near = where(target == 1, sub(1, cosine), 0)
    far = where(target == -1, clamp_min(sub(cosine, margin), 0), 0)
    return reduce_losses(add(near, far), reduction)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """max(-target * (input1 - input2) + margin, 0), reduced: target 1 wants input1 to be the
    larger by the margin, -1 input2. The sizes broadcast.

    Raises RuntimeError for different numbers of dimensions.

    >>> F.margin_ranking_loss(torch.tensor([2.0]), torch.tensor([1.5]), torch.tensor([-1]))
    tensor(0.5000)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    shapes = [list(shape_of(x)) for x in (input1, input2, target)]
    if len({len(shape) for shape in shapes}) > 1:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {shapes[0]}, input2: {shapes[1]}, target: {shapes[2]}"
        )
    losses = clamp_min(add(mul(neg(target), sub(input1, input2)), float(margin)), 0)
    return reduce_losses(losses, reduction)


@primitive(broadcasts=True, prepare=promote)
def _soft_margin_loss(xp: Backend, input: Array, target: Array, *, reduction: str) -> Array:
    score = target * input
    losses = xp.log1p(xp.exp(-xp.absolute(score))) - xp.minimum(score, 0)
    return reduced(xp, losses, reduction)


def _soft_margin_rule(g: Any, x: Any, t: Any, reduction: str) -> Any:
    score = t * x
    return each(g, score, reduction) * -t * sigmoid(-score)


_soft_margin_loss.gradients(
    lambda g, _y, x, t, *, reduction: _soft_margin_rule(g, x, t, reduction),
    lambda g, _y, x, t, *, reduction: _soft_margin_rule(g, t, x, reduction),
)


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """log(1 + exp(-target * input)), reduced, for targets 1 and -1; without overflow.

    Raises RuntimeError for an integer input, and for a target that does not broadcast to its shape.

    >>> F.soft_margin_loss(torch.tensor([0.0, 200.0]), torch.tensor([1, -1]), reduction="none")
    tensor([  0.6931, 200.0000])
    """
    reduction = reduction_of(size_average, reduce, reduction)
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point:
        raise RuntimeError(
            "soft_margin_loss: result type Float can't be cast to the desired output type "
            f"{kind.scalar_name}; convert the input with .float()"
        )
    whole = broadcast_shapes(shape_of(input), shape_of(target))
    if tuple(whole) != tuple(shape_of(input)):
        raise RuntimeError(
            f"output with shape {list(shape_of(input))} doesn't match the broadcast shape "
            f"{list(whole)}"
        )
    if input._array.dtype == target._array.dtype:
        return _soft_margin_loss(input, target, reduction=reduction)
    return reduce_losses(cast(_soft_margin_loss(input, target, reduction="none"), kind), reduction)


# ----- one class of several, or some of them -----


def _rows(name: str, input: Any) -> Any:
    """Scores (), (C) or (N, C) as (N, C). Raises RuntimeError for others or without classes,
    NotImplementedError for integers."""
    shape = shape_of(input)
    if len(shape) > 2 or 0 in shape[-1:]:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(shape)}"
        )
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point:
        raise NotImplementedError(f"{name}() is not implemented for {kind}; convert with .float()")
    return input if len(shape) == 2 else reshape(input, (1, -1))


def _check_long(target: Any) -> None:
    kind = of_array(target._array.dtype)
    if kind is not int64:
        raise RuntimeError(
            f"expected scalar type Long but found {kind.scalar_name}: the target has the numbers "
            "of classes, target.long()"
        )


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """For scores (N, C) or (C) and classes (N) or (), the sum over all other classes i of
    weight[target] * max(margin - input[target] + input[i], 0) ** p, divided by C; reduced.

    Args:
        p: 1 or 2.
        weight: (C), the weight of each class.

    Raises ValueError for other p, RuntimeError for shapes, dtypes and classes that do not fit.

    >>> F.multi_margin_loss(torch.tensor([[0.1, 0.2, 0.8]]), torch.tensor([2]))
    tensor(0.2333)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and len(shape_of(weight)) != 1:
        raise ValueError("weight must be one-dimensional")
    rows = _rows("multi_margin_loss", input)
    count, classes = shape_of(rows)
    if len(shape_of(target)) > 1 or target._array.size != count:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{count}], but got "
            f"{list(shape_of(target))}. Input has shape {list(shape_of(input))}."
        )
    _check_long(target)
    index = target._array.reshape(-1)
    xp: Any = backend_of(index)
    message = f"target out of range: got {{}}, but there are {classes} classes"
    xp.check_range(index, 0, classes, RuntimeError, message)
    places = unsqueeze(reshape(target, (-1,)), 1)
    losses = relu(add(sub(rows, gather(rows, 1, places)), margin))
    losses = pow(losses, 2) if p == 2 else losses
    if weight is not None:
        losses = mul(losses, unsqueeze(_weights(weight, input, target, classes), 1))
    own = input._wrap(xp.arange(classes) == index[:, None])
    losses = sum(where(own, 0, losses), 1) / classes
    return reduce_losses(reshape(losses, shape_of(target)), reduction)


def _weights(weight: Any, input: Any, target: Any, classes: int) -> Any:
    """The weight of each target's class."""
    if shape_of(weight) != (classes,):
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(shape_of(weight))}"
        )
    kinds = [of_array(x._array.dtype) for x in (input, weight)]
    if kinds[0] is not kinds[1]:
        raise RuntimeError(
            f"expected scalar type {kinds[0].scalar_name} but found {kinds[1].scalar_name}: "
            "weight must have the input's dtype"
        )
    return index_select(weight, 0, reshape(target, (-1,)))


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """For scores (N, C) or (C), and a target of the same shape that lists classes up to the first
    -1: the sum over pairs of a listed class j and one i that is not listed of
    max(1 - (input[j] - input[i]), 0), divided by C; reduced.

    Raises RuntimeError for shapes, dtypes and classes that do not fit.

    >>> scores, classes = torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3, 0, -1, 1])
    >>> F.multilabel_margin_loss(scores, classes)
    tensor(0.8500)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    rows = _rows("multilabel_margin_loss", input)
    if shape_of(target) != shape_of(input):
        raise RuntimeError(
            f"inconsistent target size: {list(shape_of(target))} for input of size: "
            f"{list(shape_of(input))}"
        )
    _check_long(target)
    count, classes = shape_of(rows)
    listed = target._array.reshape(count, classes)
    xp: Any = backend_of(listed)
    message = (
        f"argument #2 'target' is out of range: got {{}}, but there are {classes} classes, and -1 "
        "ends a list"
    )
    xp.check_range(listed, -1, classes, RuntimeError, message)
    valid = xp.cumsum((listed < 0).astype(int64.array), 1) == 0
    most = classes  # a GPU would have to be asked for less
    if is_host(listed):
        most = int(valid.sum(axis=1).max()) if count else 0
    listed, valid = (listed * valid)[:, :most], valid[:, :most]
    times = xp.zeros((count, classes), int64.array)
    xp.scatter_add(times, (xp.arange(count)[:, None], listed), valid.astype(int64.array))
    pairs = valid[:, :, None] & (times == 0)[:, None, :]
    scores = unsqueeze(gather(rows, 1, input._wrap(listed)), 2)
    losses = relu(add(sub(unsqueeze(rows, 1), scores), 1))
    losses = sum(where(input._wrap(pairs), losses, 0), (1, 2)) / classes
    return reduce_losses(reshape(losses, shape_of(input)[:-1]), reduction)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The binary cross entropy of sigmoid(input) with targets 0 and 1, its mean over the classes
    in the last dimension; reduced. weight (C) multiplies the loss of each class.

    Raises IndexError for a 0-d input.

    >>> F.multilabel_soft_margin_loss(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
    tensor(1.4100)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if not shape_of(input):
        raise IndexError("multilabel_soft_margin_loss: the input needs a dimension of classes")
    hit, miss = mul(target, logsigmoid(input)), mul(sub(1, target), logsigmoid(neg(input)))
    losses = neg(add(hit, miss))
    losses = losses if weight is None else mul(losses, weight)
    return reduce_losses(sum(losses, -1) / shape_of(input)[-1], reduction)


# ----- triplets -----


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), reduced, for d the
    `pairwise_distance` of order p over the last dimension.

    With `swap` the nearer of anchor and positive is compared with the negative (Balntas et al.,
    2016). Raises ValueError unless margin > 0, RuntimeError for different numbers of dimensions.

    >>> a, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    >>> F.triplet_margin_loss(a, a, n, margin=6.0)
    tensor(1.0000)
    """
    reduction = reduction_of(size_average, reduce, reduction)

    def distance(x: Any, y: Any) -> Any:
        return pairwise_distance(x, y, p, eps)

    return _triplet_loss(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """`triplet_margin_loss`, with its shapes, with any function of two tensors as the distance
    (None: `pairwise_distance`).

    >>> a, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    >>> l1 = lambda x, y: (x - y).abs().sum(-1)
    >>> F.triplet_margin_with_distance_loss(a, a, n, distance_function=l1, margin=9.0)
    tensor(2.)
    """
    reduction = reduction_of(None, None, reduction)
    distance = distance_function or pairwise_distance
    return _triplet_loss(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    distance: Callable[[Any, Any], Any],
    margin: float,
    swap: bool,
    reduction: str,
) -> Any:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ndims = [len(shape_of(x)) for x in (anchor, positive, negative)]
    if len(set(ndims)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {ndims[0]}D, positive {ndims[1]}D, and negative "
            f"{ndims[2]}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduce_losses(clamp_min(sub(add(near, margin), far), 0), reduction)
