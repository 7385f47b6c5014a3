"""Statistics of samples: covariance, mode, histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..backends import HostScalar, backend_of
from ..dtypes import bool_, float16, float32, int64, of_array
from ..warning import warn
from . import return_types
from .conversion import cast
from .gathering import picked
from .names import second_names
from .order import _not_empty
from .reduction import sum
from .shape import new_sizes, reshape, shape_of, transpose, unsqueeze
from .sorting import _picked, _sorted_indices, _with_dims

# ----- covariance -----


def _weights(name: str, weights: Any, columns: int, kind: str) -> Any:
    """The weights. Raises RuntimeError unless there is one of that kind for each column."""
    array = weights._array
    if array.ndim > 1 or array.size != columns:
        raise RuntimeError(
            f"cov(): expected {name} to have one weight for each of {columns} observations, got "
            f"shape {list(array.shape)}"
        )
    if array.dtype.kind not in kind:
        raise RuntimeError(
            f"cov(): expected {name} to have {'floating' if kind == 'f' else 'integral'} dtype, "
            f"but got {of_array(array.dtype)}"
        )
    if bool((array < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances (n, n) of variables, the n rows of input (or its only one, a vector: then a
    scalar), over its columns: how often each was observed is in fweights (integers), how much it
    counts in aweights, vectors of as many elements as columns.

    >>> torch.cov(torch.tensor([[0.0, 1, 2], [2, 1, 0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    shape = shape_of(input)
    if len(shape) > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with "
            f"{len(shape)} dimensions"
        )
    if input._array.dtype == bool_.array:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    if input._array.dtype == float16.array:  # sums and products may not fit
        wide = cov(
            cast(input, float32), correction=correction, fweights=fweights, aweights=aweights
        )
        return cast(wide, float16)
    x = input if len(shape) == 2 else reshape(input, (1, input._array.size))
    columns = shape_of(x)[1]
    w: Any = None
    if fweights is not None:
        w = _weights("fweights", fweights, columns, "iu")
    if aweights is not None:
        aweights = _weights("aweights", aweights, columns, "f")
        w = aweights if w is None else w * aweights
    total: Any = columns if w is None else sum(w)
    if w is not None and not total.item():
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = sum(x if w is None else x * w, 1) / total
    norm = total - correction
    if aweights is not None and correction:
        norm = total - correction * sum(w * aweights) / total
    if norm <= 0:
        warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the "
            "number of observations."
        )
        norm = norm * 0
    x = x - unsqueeze(mean, 1)
    return ((x @ transpose(x if w is None else x * w, 0, 1)) / norm).squeeze()


def corrcoef(input: Any) -> Any:
    """The correlations (n, n) between variables, the n rows of input, over its columns.

    >>> torch.corrcoef(torch.tensor([[0.0, 1, 2], [2, 1, 0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if len(shape_of(input)) > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{len(shape_of(input))} dimensions"
        )
    if input._array.dtype == float16.array:  # covariances may not fit
        return cast(corrcoef(cast(input, float32)), float16)
    c = cov(input)
    if not shape_of(c):
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / unsqueeze(deviation, 1) / unsqueeze(deviation, 0)).clip(-1, 1)


# ----- how often values occur -----


@second_names
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> return_types.ValuesIndices:
    """The most frequent element along dim, which goes, or becomes 1 with keepdim, the smallest of
    several; and where it is.

    >>> torch.tensor([3, 1, 1, 2]).mode().values
    tensor(1)
    """
    x, dim = _with_dims(input, dim)
    _not_empty(x._array, (dim,), IndexError)
    order = _sorted_indices(x, dim)
    sorted = picked(x.detach(), dim, order)._array
    xp: Any = backend_of(sorted)
    lines = xp.moveaxis(sorted, dim, -1)
    place = xp.arange(lines.shape[-1])
    # For each element the place where its equals begin, so that the later ones are further from it
    begin = xp.zeros(lines.shape, int64.array)
    begin[..., 1:] = xp.where(lines[..., 1:] != lines[..., :-1], place[1:], 0)
    step = 1
    while step < len(place):
        begin[..., step:] = xp.maximum(begin[..., step:], begin[..., :-step].copy())
        step *= 2
    best = xp.argmax(place - begin, axis=-1, keepdims=True)
    indices = picked(order, dim, input._wrap(xp.moveaxis(best, -1, dim)))
    return _picked(return_types.mode, x, dim, indices, input, "ModeBackward0", keepdim)


def _check_edges(x: Any, bins: Any) -> None:
    """Raise RuntimeError for what are no bin edges for elements x."""
    if len(shape_of(bins)) != 1 or not shape_of(bins)[0]:
        raise RuntimeError(
            "torch.histogramdd: bins tensor should have one dimension, and an element or more, but "
            f"got a bins tensor of shape {list(shape_of(bins))}"
        )
    if bins._array.dtype != x._array.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
            f"input with dtype {of_array(x._array.dtype)} and bins with dtype "
            f"{of_array(bins._array.dtype)}"
        )


def _edges(x: Any, bins: Any, range: Sequence[float] | None) -> Any:
    """Rising bin edges: those given, or of a number of equal bins from end to end."""
    if isinstance(bins, Variable):
        _check_edges(x, bins)
        return bins
    whole: Any = int | HostScalar
    if not isinstance(bins, whole):
        raise TypeError(f"argument 'bins' must be int or Tensor, not {type(bins).__name__}")
    xp: Any = backend_of(x._array)
    if range is not None:
        low, high = range
    elif x._array.size:
        low, high = x._array.min().item(), x._array.max().item()
    else:
        low, high = 0.0, 1.0
    if bins <= 0:
        raise RuntimeError(f"histogramdd(): bins must be > 0, but got {bins}")
    new_sizes((bins + 1,))
    if low > high or not math.isfinite(high - low):
        raise RuntimeError(
            "torch.histogramdd: min must be less than max, and both finite, got range "
            f"[{low}, {high}]"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return x._wrap(xp.linspace(low, high, bins + 1, dtype=x._array.dtype))


def histogramdd(
    input: Any, bins: Any, range: Sequence[float] | None = None, weight: Any = None,
    density: bool = False,
) -> return_types.Histogram:  # fmt: skip
    """How many points, the rows of input (..., N), lie in each box of a grid in N dimensions: of
    bins (one number, or one for each dimension, or a vector of edges for each) between the limits
    in range (two for each dimension). Counts are in input's dtype, or sums of weights; with
    density=True divided by their sum and the boxes' volumes. Points outside do not count.

    >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 1.0]]), 2).hist
    tensor([[0., 1.],
            [0., 1.]])
    """
    if len(shape_of(input)) < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if not input.is_floating_point():
        raise NotImplementedError(
            f"histogramdd is not implemented for {of_array(input._array.dtype)}"
        )
    points = reshape(input.detach(), (-1, shape_of(input)[-1]))
    n = shape_of(points)[1]
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError(
            f"torch.histogramdd: expected {n} sequences of bin edges or numbers of bins, one for "
            f"each dimension, but got {len(bins)}"
        )
    if range is not None and len(range) != 2 * n:
        raise RuntimeError(f"torch.histogramdd: expected {2 * n} elements in range")
    if weight is not None and shape_of(weight) != shape_of(input)[:-1]:
        raise RuntimeError(
            "torch.histogramdd: weight must have the shape of input without its last dimension, "
            f"{list(shape_of(input)[:-1])}, but it has {list(shape_of(weight))}"
        )
    xp: Any = backend_of(points._array)
    place: Any = 0
    inside, volumes, all_edges = True, xp.ones(()), []
    for d, x in enumerate(points.unbind(1)):
        edges = _edges(x, bins[d], None if range is None else range[2 * d : 2 * d + 2])
        line, count = edges._array, edges._array.size - 1
        found = xp.asarray(xp.searchsorted(line, x._array, "right")) - 1
        found = xp.where(x._array == line[-1], count - 1, found)  # the last edge belongs to its bin
        inside = inside & (found >= 0) & (found < count)
        place = place * count + found
        volumes = volumes[..., None] * (line[1:] - line[:-1])
        all_edges.append(edges)
    weights = None if weight is None else weight._array.reshape(-1)[inside]
    sums = xp.bincount(place[inside], weights, volumes.size).reshape(volumes.shape)
    sums = sums.astype(points._array.dtype)
    if density:
        sums = sums / sums.sum() / volumes.astype(sums.dtype)
    return return_types.histogramdd(input._wrap(sums), tuple(all_edges))


def histogram(
    input: Any, bins: Any = 100, *, range: Sequence[float] | None = None, weight: Any = None,
    density: bool = False,
) -> return_types.Histogram:  # fmt: skip
    """How many elements lie in each of bins (a number of equal ones between the two limits in
    range, or from the smallest to the largest element; or a vector of edges): the vectors
    hist (bins) and bin_edges (bins + 1).

    >>> torch.histogram(torch.tensor([1.0, 2, 1]), bins=2).hist
    tensor([2., 1.])
    """
    if not shape_of(input):
        input, weight = reshape(input, (1,)), None if weight is None else reshape(weight, (1,))
    found = histogramdd(unsqueeze(input, -1), [bins], range=range, weight=weight, density=density)
    return return_types.histogram(found.hist, found.bin_edges[0])
