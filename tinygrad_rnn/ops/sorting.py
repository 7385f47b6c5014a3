"""Sorting, and what is read off a sorted tensor: topk, median, quantile, unique."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable
from ..backends import Array, backend_of
from ..dtypes import of_array
from . import return_types
from .checking import refusing
from .choice import where
from .comparison import isnan
from .conversion import cast
from .gathering import picked
from .mixing import lerp
from .names import second_names
from .reduction import sum
from .return_types import ValuesIndices
from .rounding import ceil, floor, round
from .shape import movedim, reshape, shape_of, wrap_dim

_check_kthvalue, _check_median = refusing("kthvalue_cpu"), refusing("median_cpu")

# ----- sorting -----


def _sorted_indices(input: Any, dim: int, descending: bool = False) -> Any:
    """The indices that sort along dim, equal elements in their order, nan as the largest."""
    array = input._array
    xp: Any = backend_of(array)
    if not descending:
        return input._wrap(xp.argsort(array, axis=dim, kind="stable"))
    # Sorting the reversed array upwards and reversing again keeps equal elements in order
    found = xp.flip(xp.argsort(xp.flip(array, dim), axis=dim, kind="stable"), dim)
    return input._wrap(array.shape[dim] - 1 - found)


def _with_dims(input: Any, dim: int) -> tuple[Any, int]:
    """The input, if it is a number as a vector, and the wrapped dim."""
    dim = wrap_dim(dim, len(shape_of(input)))
    return input if shape_of(input) else reshape(input, (1,)), dim


def _picked(
    kind: type[ValuesIndices], input: Any, dim: int, indices: Any, like: Any, name: str,
    keepdim: bool = True,
) -> ValuesIndices:  # fmt: skip
    """The elements at the indices along dim; numbers again if `like` is one."""
    if not shape_of(like):
        values = picked(input, dim, indices, name)
        return kind(reshape(values, ()), reshape(indices, ()))
    values = picked(input, dim, indices, name, squeezed=not keepdim)
    return kind(values, indices if keepdim else indices.squeeze(dim))


@second_names
def sort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesIndices:
    """The elements sorted along dim, and where they were: both of input's shape. Always stable; nan
    counts as largest.

    >>> values, indices = torch.sort(torch.tensor([3, 1, 2]), descending=True)
    >>> values, indices
    (tensor([3, 2, 1]), tensor([0, 2, 1]))
    """
    x, dim = _with_dims(input, dim)
    indices = _sorted_indices(x, dim, descending)
    return _picked(return_types.sort, x, dim, indices, input, "SortBackward0")


def msort(input: Any) -> Any:
    """The elements sorted along the first dimension, in input's shape.

    >>> torch.msort(torch.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return sort(input, 0).values


@second_names
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The indices, in input's shape, that sort the elements along dim.

    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return sort(input.detach(), dim, descending).indices


@second_names
def topk(
    input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """The k largest (or smallest) elements along dim, whose size becomes k, in order, and where
    they are.

    >>> values, indices = torch.topk(torch.tensor([3, 1, 4, 2]), 2)
    >>> values, indices
    (tensor([4, 3]), tensor([2, 0]))
    """
    if input._array.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes: convert with .int()")
    x, dim = _with_dims(input, dim)
    if not 0 <= k <= shape_of(x)[dim]:
        raise RuntimeError(
            f"selected index k out of range: k={k}, dimension {dim} of {list(shape_of(input))}"
        )
    indices = _sorted_indices(x, dim, largest).narrow(dim, 0, k).contiguous()
    return _picked(return_types.topk, x, dim, indices, input, "TopkBackward0")


@second_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest element along dim (counted from 1), which goes, or becomes 1 with keepdim;
    and where it is.

    >>> values, indices = torch.kthvalue(torch.tensor([3, 1, 2]), 2)
    >>> values, indices
    (tensor(2), tensor(2))
    """
    _check_kthvalue((input,))
    x, dim = _with_dims(input, dim)
    if not 1 <= k <= shape_of(x)[dim]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: {k}")
    indices = _sorted_indices(x, dim).narrow(dim, k - 1, 1)
    kind = return_types.kthvalue
    return _picked(kind, x, dim, indices, input, "KthvalueBackward0", keepdim)


# ----- the middle -----


def _median(input: Any, dim: int | None, keepdim: bool, skip_nan: bool) -> Any:
    if dim is None:
        return _median(reshape(input, (-1,)), 0, False, skip_nan).values
    x, dim = _with_dims(input, dim)
    n = shape_of(x)[dim]
    if not n:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    numbers = sum(~isnan(x), dim, True)
    at = (numbers - 1).clamp(min=0) // 2
    if not skip_nan:
        at = where(numbers == n, at, n - 1)  # nan is sorted behind all numbers
    indices = picked(_sorted_indices(x, dim), dim, at)
    name = "NanmedianBackward1" if skip_nan else "MedianBackward1"
    kind = return_types.nanmedian if skip_nan else return_types.median
    return _picked(kind, x, dim, indices, input, name, keepdim)


@second_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements, or (values, indices) along dim, which goes, or becomes 1
    with keepdim; nan if there is a nan.

    >>> torch.median(torch.tensor([3, 1, 2, 4]))
    tensor(2)
    """
    _check_median((input,))
    return _median(input, dim, keepdim, skip_nan=False)


@second_names
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """As `median`, with its shapes, of the elements that are not nan.

    >>> torch.nanmedian(torch.tensor([1.0, torch.nan, 3.0, 5.0]))
    tensor(3.)
    """
    return _median(input, dim, keepdim, skip_nan=True)


_BETWEEN = {"linear": None, "lower": floor, "higher": ceil, "nearest": round, "midpoint": None}


def _quantile(
    input: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool
) -> Any:
    if not isinstance(q, Variable | float | int):
        raise TypeError(f"quantile(): argument 'q' must be Tensor or float, not {type(q).__name__}")
    asked = shape_of(q) if isinstance(q, Variable) else ()
    q = reshape(q, (-1,)) if isinstance(q, Variable) else input.new_tensor([q])
    _check_quantile(input, q, asked, interpolation)
    x, axis = _with_dims(reshape(input, (-1,)) if dim is None else input, dim or 0)
    x = movedim(sort(x, axis).values, axis, -1)
    n = shape_of(x)[-1]
    numbers = sum(~isnan(x), -1, True)
    # where the quantiles lie among the sorted numbers: (..., number of quantiles)
    rank = cast(numbers - 1, of_array(input._array.dtype)).clamp(min=0) * q
    if not skip_nan:
        rank = where(numbers == n, rank, n - 1)
    towards = _BETWEEN[interpolation]
    rank = rank if towards is None else towards(rank)
    below, above = (picked(x, -1, f(rank.detach()).long()) for f in (floor, ceil))
    weight = 0.5 if interpolation == "midpoint" else rank - floor(rank)
    result = movedim(lerp(below, above, weight), -1, 0)
    rest = shape_of(result)[1:]
    if keepdim:
        rest = tuple(1 if dim is None or d == axis else n for d, n in enumerate(shape_of(input)))
    return reshape(result, (*asked, *rest))


def _check_quantile(input: Any, q: Any, asked: tuple[int, ...], interpolation: str) -> None:
    """Raise RuntimeError, as PyTorch, for arguments that make no sense."""
    if interpolation not in _BETWEEN:
        raise RuntimeError(
            f"quantile() interpolation must be one of {', '.join(_BETWEEN)}, got {interpolation}"
        )
    if input._array.dtype.kind != "f":
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if q._array.dtype != input._array.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if len(asked) > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if not input._array.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")


@second_names
def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Any:  # fmt: skip
    """The values below which a part q (a number, or a vector of them, which come first in the
    shape) of the elements lies: of all, or along dim, which goes, or becomes 1 with keepdim. nan if
    there is a nan.

    >>> torch.quantile(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.5, 1.0]))
    tensor([2.5000, 4.0000])
    """
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=False)


@second_names
def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Any:  # fmt: skip
    """As `quantile`, with its shapes, of the elements that are not nan.

    >>> torch.nanquantile(torch.tensor([1.0, torch.nan, 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=True)


# ----- different elements -----


def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The vector of different elements (or the slices along dim) in rising order; with it, if asked
    for, where in it each element of input is, in input's shape (of a slice: a vector), and a
    vector of how often each occurs.

    >>> torch.unique(torch.tensor([3, 1, 3, 2]))
    tensor([1, 2, 3])
    """
    if dim is not None and not shape_of(input):
        raise IndexError("unique(): a tensor of 0 dimensions has no dim")
    xp: Any = backend_of(input._array)
    if dim is None:
        elements = input._array.reshape(-1)
        order = elements.argsort()
        ordered = elements[order]
        first, place, counts = _runs(xp, ordered)
        values, inverse = ordered[first], xp.empty_like(place)
        inverse[order] = place
        inverse = inverse.reshape(shape_of(input))
    else:
        axis = wrap_dim(dim, len(shape_of(input)))
        values, inverse, counts = xp.unique(
            input._array, return_inverse=True, return_counts=True, axis=axis
        )
        inverse = inverse.reshape(-1)
    return _asked_for(input, values, (return_inverse, inverse), (return_counts, counts))


def _runs(xp: Any, steps: Array) -> tuple[Array, Array, Array]:
    """Of runs of equal steps: whether a step is the first of one, the number of its run, and how
    long each is. A nan is equal to nothing."""
    changed = (steps[1:] != steps[:-1]).any(axis=tuple(range(1, steps.ndim)))
    first = xp.concatenate([xp.ones(min(len(steps), 1), changed.dtype), changed])
    number = xp.cumsum(first) - 1
    return first, number, xp.bincount(number, None, 0)


def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The vector of elements (or the slices along dim) without those equal to the one before; with
    it, if asked for, where in it each element of input is, in input's shape (of a slice: a
    vector), and a vector of how often each occurs in a row.

    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    if dim is not None:
        dim = wrap_dim(dim, len(shape_of(input)))
    array = input._array.reshape(-1) if dim is None or not shape_of(input) else input._array
    xp: Any = backend_of(array)
    steps = xp.moveaxis(array, 0 if dim is None else dim, 0)
    first, inverse, counts = _runs(xp, steps)
    values = xp.moveaxis(steps[first], 0, 0 if dim is None else dim)
    inverse = inverse.reshape(shape_of(input) if dim is None else -1)
    return _asked_for(input, values, (return_inverse, inverse), (return_counts, counts))


def _asked_for(input: Any, values: Any, *others: tuple[bool, Any]) -> Any:
    results = [values, *(other for wanted, other in others if wanted)]
    return input._wrap(values) if len(results) == 1 else tuple(map(input._wrap, results))
