"""Writing several values to one place and keeping their sum, product, mean or extreme; and copies
of a tensor with a slice, a diagonal, ... of it replaced."""

from __future__ import annotations

import functools
import math
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import bool_, float16, float32, iinfo, of_array
from .arithmetic import div, zeros_like
from .choice import where
from .conversion import cast
from .diagonals import _diagonal_scatter, diagonal
from .gathering import (
    _checked,
    _corner,
    _gather,
    _pad_to,
    _place,
    _scatter,
    _scatter_add,
    _scattered,
)
from .indexing import _put, along
from .shape import expand, reshape, shape_of, wrap_dim

# ----- products and extremes of what arrives at one place -----

_FUNCTIONS = {"prod": "multiply", "amax": "maximum", "amin": "minimum"}


@primitive
def _scatter_combine(
    xp: Backend, input: Array, index: Array, src: Array, *, dim: int, reduce: str
) -> Array:
    result = input.copy()
    values = _corner(src, index.shape)
    xp.scatter_combine(result, _place(xp, index, dim), values, _FUNCTIONS[reduce])
    return result


def _ones_like(x: Any) -> Any:
    return zeros_like(x) + 1


def _as_numbers(chosen: Any, like: Any) -> Any:
    return where(chosen, zeros_like(like) + 1, 0)


def _each_share(g: Any, y: Any, x: Any, i: Any, s: Any, dim: int) -> tuple[Any, Any]:
    """A gradient divided among all that are equal to the extreme; and which of src are."""
    winners = _as_numbers(
        _corner(s, shape_of(i)) == _gather(y, i, dim=dim), _corner(s, shape_of(i))
    )
    return g / _scatter_add(_as_numbers(x == y, g), i, winners, dim=dim), winners


def _combine_input(g: Any, y: Any, x: Any, i: Any, s: Any, *, dim: int, reduce: str) -> Any:
    if reduce == "prod":
        return g * _scatter_combine(zeros_like(x) + 1, i, s, dim=dim, reduce=reduce)
    return _each_share(g, y, x, i, s, dim)[0] * _as_numbers(x == y, g)


def _combine_src(g: Any, y: Any, x: Any, i: Any, s: Any, *, dim: int, reduce: str) -> Any:
    if reduce != "prod":
        share, winners = _each_share(g, y, x, i, s, dim)
        return _pad_to(winners * _gather(share, i, dim=dim), shape_of(s))
    # The product of the others: what is left without the factor; without a factor of 0, the product
    # of all that are not 0, unless there is another 0
    factors = _corner(s, shape_of(i))
    zero = factors == 0
    nonzero = where(zero, 1, factors)
    rest = _gather(_scatter_combine(x, i, nonzero, dim=dim, reduce=reduce), i, dim=dim)
    zeros = _scatter_add(zeros_like(x), i, _as_numbers(zero, factors), dim=dim)
    lonely = where(_gather(zeros, i, dim=dim) > 1, 0, rest)
    slope = where(zero, lonely, _gather(y, i, dim=dim) / nonzero)
    return _pad_to(slope * _gather(g, i, dim=dim), shape_of(s))


_scatter_combine.gradients(_combine_input, None, _combine_src)


def _neutral(kind: Any, reduce: str) -> Any:
    """What changes nothing when it is combined with others."""
    if reduce in ("sum", "mean", "prod"):
        return 1 if reduce == "prod" else 0
    if kind.is_floating_point:
        return -math.inf if reduce == "amax" else math.inf
    limits = (False, True) if kind is bool_ else (iinfo(kind).min, iinfo(kind).max)
    return limits[reduce == "amin"]


def _reduced(input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> Any:
    kinds = [of_array(x._array.dtype) for x in (input, src)]
    if reduce in ("mean", "prod") and kinds == [float16, float16]:  # what is on the way may not fit
        input, src = cast(input, float32), cast(src, float32)
        return cast(_reduced(input, dim, index, src, reduce, include_self), float16)
    if not include_self:
        neutral = _neutral(of_array(input._array.dtype), reduce)
        input = _scattered(
            _scatter, input, dim, index, expand(src.new_tensor(neutral), shape_of(index))
        )
    if reduce == "sum":
        return _scattered(_scatter_add, input, dim, index, src)
    if reduce in _FUNCTIONS:
        operation = functools.partial(_scatter_combine, reduce=reduce)
        return _scattered(operation, input, dim, index, src)
    if reduce != "mean":
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    total = _scattered(_scatter_add, input, dim, index, src)
    ones = _ones_like(input) if include_self else zeros_like(input)
    count = _scattered(_scatter_add, ones, dim, index, _ones_like(src)).clamp(min=1)
    floating = of_array(input._array.dtype).is_floating_point
    return div(total, count, rounding_mode=None if floating else "floor")


def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None,
    reduce: str | None = None,
) -> Any:  # fmt: skip
    """A copy of input with src (a tensor, or a number as `value`) written at index along dim, or
    with reduce="add" added to what is there, with reduce="multiply" multiplied with it. index
    has as many dimensions as input and src, sizes of at most src's, and but for dim of at most
    input's.

    >>> torch.zeros(3).scatter(0, torch.tensor([2]), torch.tensor([5.0]))
    tensor([0., 0., 5.])
    """
    src = value if src is None else src
    dim = _checked("scatter", input, dim, index, src)
    if reduce is None:
        return _scattered(_scatter, input, dim, index, src)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if not isinstance(src, Variable):
        src = expand(input.new_tensor(src), shape_of(index))
    return _reduced(input, dim, index, src, "sum" if reduce == "add" else "prod", True)


def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of input where each place along dim that index names has the "sum", "prod", "mean",
    "amax" or "amin" of the elements of src that index sends there, and of what was there unless
    include_self is False. Shapes are those of `scatter`. Raises RuntimeError for another reduce,
    and for what does not fit.

    >>> x, index = torch.zeros(2), torch.tensor([0, 0, 1])
    >>> x.scatter_reduce(0, index, torch.tensor([1.0, 2.0, -3.0]), "amax")
    tensor([2., 0.])
    """
    dim = _checked("scatter_reduce", input, dim, index, src)
    return _reduced(input, dim, index, src, reduce, include_self)


def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of input where the slices along dim that a vector of indices names have the "prod",
    "mean", "amax" or "amin" of the slices of source for it, and of what was there unless
    include_self is False.

    >>> x, index = torch.ones(2, 2), torch.tensor([0, 0])
    >>> x.index_reduce(0, index, torch.tensor([[2.0, 3], [4, 5]]), "prod")
    tensor([[ 8., 15.],
            [ 1.,  1.]])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either prod, mean, amax or amin, got {reduce}."
        )
    dim = wrap_dim(dim, len(shape_of(input)))
    if len(shape_of(index)) > 1:
        raise IndexError("index_reduce_(): Index is expected to be a vector")
    if shape_of(source)[dim : dim + 1] not in ((), (math.prod(shape_of(index)),)):
        raise IndexError("index_reduce_(): Number of indices should be equal to self.size(dim)")
    if len(shape_of(source)) != len(shape_of(input)):
        raise RuntimeError(
            "index_reduce_(): source and self should have the same number of dimensions, got "
            f"{len(shape_of(source))} and {len(shape_of(input))}"
        )
    if not shape_of(input):
        return scatter_reduce(
            input, 0, reshape(index, ()), reshape(source, ()), reduce, include_self=include_self
        )
    line = [1] * len(shape_of(source))
    line[dim] = -1
    places = expand(reshape(index, line), shape_of(source))
    return scatter_reduce(input, dim, places, source, reduce, include_self=include_self)


# ----- a part replaced -----


def _check_part(src: Any, wanted: tuple[int, ...]) -> None:
    if shape_of(src) != tuple(wanted):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(shape_of(src))}, slice size = {list(wanted)}"
        )


def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Any:  # fmt: skip
    """A copy of input with ``input[start:end:step]``, counted along dim, replaced by src, of the
    shape of that part.

    >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), start=2)
    tensor([0., 0., 1., 1.])
    """
    shape = shape_of(input)
    if not shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    index = along(dim, slice(start, end, step))
    _check_part(src, (*shape[:dim], len(range(*index[dim].indices(shape[dim]))), *shape[dim + 1 :]))
    return _put(input, cast(src, of_array(input._array.dtype)), index=index, accumulate=False)


def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy of input with the slice number index along dim replaced by src, which has input's
    shape without dim.

    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    shape = shape_of(input)
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at "
            f"dimension {dim}"
        )
    _check_part(src, (*shape[:dim], *shape[dim + 1 :]))
    src = cast(src, of_array(input._array.dtype))
    return _put(input, src, index=along(dim, index), accumulate=False)


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy of input with the diagonals that `diagonal` names replaced by src, of their shape.

    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    _check_part(src, shape_of(diagonal(input.detach(), offset, dim1, dim2)))
    a, b = (wrap_dim(d, len(shape_of(input))) for d in (dim1, dim2))
    place: Any = {"shape": shape_of(input), "offset": offset, "dim1": a, "dim2": b}
    src = cast(src, of_array(input._array.dtype))
    mask = _diagonal_scatter(cast(_ones_like(src), bool_), **place)
    return where(mask, _diagonal_scatter(src, **place), input)
