"""Rows of a table looked up by number, and sums, means and maxima of bags of them."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, no_grad, primitive
from ..autograd.trace import CHANGED, refuse
from ..backends import Array, Backend, backend_of, is_host
from ..backends.precision import allow_tf32
from ..dtypes import dtype as DType, float16, float32, int64, of_array
from .checking import check_same_dtype
from .choice import where
from .conversion import cast
from .counting import searchsorted
from .norms import vector_norm
from .order import max as largest
from .rearranging import named_as
from .shape import reshape, shape_of, unsqueeze

# ----- rows by number -----


@primitive
def _embedding(
    xp: Backend, weight: Array, index: Array, *, padding_idx: int | None, by_frequency: bool
) -> Array:
    return weight.take(index, axis=0)


@primitive
def _rows(xp: Backend, table: Array, index: Array) -> Array:
    return table.take(index, axis=0)


_AS_PRODUCT = 2**24  # elements of the first factor


@primitive
def _add_rows(xp: Backend, rows: Array, index: Array, *, shape: tuple[int, ...]) -> Array:
    """Zeros with the rows added at their places."""
    count, width = shape
    if not is_host(rows) and count * index.size <= _AS_PRODUCT and not allow_tf32():
        # A product is fewer kernels than sorting the rows by their places, and as exact
        named = xp.arange(count)[:, None] == index.reshape(-1)
        return xp.matmul(named.astype(rows.dtype), rows.reshape(-1, width))
    result = xp.zeros(shape, rows.dtype)
    if not is_host(rows):
        xp.scatter_add(result, index.reshape(-1), rows.reshape(-1, width))
        return result
    # One index per element instead of one per row: NumPy adds those five times faster
    places = (index.reshape(-1, 1) * width + xp.arange(width)).reshape(-1)
    xp.scatter_add(result.reshape(-1), places, rows.reshape(-1))
    return result


def _tally(xp: Any, numbers: Array, limit: int) -> Array:
    """How often each number below the limit occurs. Unlike bincount's, a GPU's host does not wait
    for it."""
    counts = xp.zeros(limit, int64.array)
    xp.scatter_add(counts, numbers, xp.ones(numbers.shape, int64.array))
    return counts


@primitive
def _frequency(xp: Backend, index: Array, *, rows: int, target: DType) -> Array:
    """How often each number, of which all are below rows, occurs."""
    flat = index.reshape(-1)
    return _tally(xp, flat, rows)[flat].reshape(index.shape).astype(target.array)


def _weighed(g: Any, index: Any, rows: int, padding_idx: int | None, by_frequency: bool) -> Any:
    """The gradients of single rows as they are to be added up: 0 for padding, and with
    by_frequency divided by how often the row was looked up."""
    column = (*shape_of(index), 1)
    if by_frequency and 0 not in column:
        kind = of_array(g._array.dtype if isinstance(g, Variable) else g.dtype)
        g = g / reshape(_frequency(index, rows=rows, target=kind), column)
    if padding_idx is not None:
        g = where(reshape(index != padding_idx, column), g, 0)
    return g


_embedding.gradients(
    lambda g, _y, w_shape, i, *, padding_idx, by_frequency: _add_rows(
        _weighed(g, i, w_shape[0], padding_idx, by_frequency), i, shape=w_shape
    ),
    None,
)
_rows.gradients(lambda g, _y, t_shape, i: _add_rows(g, i, shape=t_shape), None)
_add_rows.gradients(lambda g, _y, _rows_, i, *, shape: _rows(g, i), None)


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of weight that input names.

    Args:
        input: int64 or int32, of any shape.
        weight: the table (rows, width).
        padding_idx: a row that gets no gradient; negative ones count from the end.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in
            the weight itself.
        norm_type: which norm that is: p for (sum |x| ** p) ** (1 / p).
        scale_grad_by_freq: divide the gradient of each row by how often input names it.
        sparse: not supported, NotImplementedError if asked for: gradients are dense.

    Returns (*input.shape, width). Raises IndexError for rows outside [0, rows), RuntimeError for
    an input that is not int64 or int32.

    >>> F.embedding(torch.tensor([2, 0]), torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    tensor([[4., 5.],
            [0., 1.]])
    """
    refuse_sparse(sparse)
    _check_lookup("embedding", input, weight)
    padding_idx = wrap_padding(padding_idx, shape_of(weight)[0])
    if max_norm is not None:
        embedding_renorm_(weight, input, max_norm, norm_type)
    return _embedding(weight, input, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)


def _check_lookup(name: str, input: Any, weight: Any) -> None:
    """Raise for numbers that are no integers or name no row, and a weight that is no table."""
    if not isinstance(input, Variable):
        raise TypeError(f"{name}(): the indices must be Tensor, not {type(input).__name__}")
    index, shape = input._array, shape_of(weight)
    if index.dtype.kind != "i" or index.dtype.itemsize < 4:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {of_array(index.dtype)} (while checking arguments for {name}); "
            "convert it with .long()"
        )
    if len(shape) != 2:
        raise RuntimeError(f"'weight' must be 2-D, but got a weight of shape {list(shape)}")
    xp: Any = backend_of(index)
    message = (
        f"index out of range in self: got {{}}, but the embedding has rows 0 to {shape[0] - 1}"
    )
    xp.check_range(index, 0, shape[0], IndexError, message)


def embedding_renorm_(input: Any, indices: Any, max_norm: float, norm_type: float) -> Any:
    """Scale those rows of a table (rows, width) that the indices, of any shape, name and whose norm
    is above max_norm down to it, in place.

    >>> torch.embedding_renorm_(torch.tensor([[3.0, 4.0]]), torch.tensor([0]), 1.0, 2.0)
    tensor([[0.6000, 0.8000]])
    """
    _check_lookup("embedding_renorm_", indices, input)
    with no_grad():
        rows = indices.unique()
        values = _rows(input, rows)
        norms = vector_norm(values, norm_type, 1, True)
        values = where(norms > max_norm, values * (max_norm / (norms + 1e-7)), values)
        input._array[rows._array] = values._array
        refuse(CHANGED)
        input._changes[0] += 1
    return input


def refuse_sparse(sparse: bool) -> None:
    """Raise NotImplementedError for sparse gradients, which are not known here."""
    if sparse:
        raise NotImplementedError(
            "sparse=True is not supported: gradients are dense here; leave it out"
        )


def wrap_padding(padding_idx: int | None, rows: int) -> int | None:
    """padding_idx counted from the front. Raises AssertionError (PyTorch's kind) out of range."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: got {padding_idx} for {rows} rows"
        )
    return padding_idx % rows


# ----- bags of rows -----


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of bags of rows of weight.

    Args:
        input: int64 or int32, (bags, length), or (total length) with offsets.
        weight: the table (rows, width).
        offsets: for a 1-D input: where each bag begins; the first is 0.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for `embedding`.
        mode: "sum", "mean" or "max".
        per_sample_weights: what to multiply each row by, of input's shape; for mode "sum".
        include_last_offset: whether a last offset says where the last bag ends.
        padding_idx: a row that counts for nothing and gets no gradient.

    Returns (bags, width), zeros for an empty bag. Raises ValueError for shapes and options that do
    not fit, RuntimeError for bad offsets, IndexError for rows outside [0, rows).

    >>> table = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> F.embedding_bag(torch.tensor([0, 2, 1]), table, torch.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [2., 3.]])
    """
    refuse_sparse(sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, but got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(
                "embedding_bag: per_sample_weights was not None. per_sample_weights is only "
                f"supported for mode='sum' (got mode={mode!r})"
            )
        if shape_of(per_sample_weights) != shape_of(input):
            raise ValueError(
                f"embedding_bag: If per_sample_weights ({list(shape_of(per_sample_weights))}) is "
                "not None, then it must have the same shape as the input "
                f"({list(shape_of(input))})"
            )
        check_same_dtype("embedding_bag", weight, per_sample_weights)
    _check_lookup("embedding_bag", input, weight)
    bag, bags = _bags(input, offsets, include_last_offset)
    if padding_idx is not None:
        padding_idx = wrap_padding(padding_idx, shape_of(weight)[0])
        counted = reshape(input, (-1,)) != padding_idx
    if max_norm is not None:
        embedding_renorm_(weight, input, max_norm, norm_type)
    numbers = reshape(input, (-1,))
    rows = _embedding(weight, numbers, padding_idx=None, by_frequency=scale_grad_by_freq)
    kind = of_array(rows._array.dtype)
    if kind is float16:  # sums may not fit
        rows = cast(rows, float32)
    if per_sample_weights is not None:
        rows = rows * reshape(per_sample_weights, (-1, 1))
    if mode == "max":
        if padding_idx is not None:
            rows, bag = rows[counted], bag[counted]
        return named_as("EmbeddingBagBackward0", cast(_largest(rows, bag, bags), kind))
    if padding_idx is not None:  # goes into one bag more, so that nobody waits to know how many
        bag = where(counted, bag, bags)
    result = _add_rows(rows, bag, shape=(bags + 1, shape_of(weight)[1]))[:bags]
    if mode == "mean":
        result = result / unsqueeze(_counts(bag, bags + 1)[:bags].clamp(min=1), 1)
    return named_as("EmbeddingBagBackward0", cast(result, kind))


def _bags(input: Any, offsets: Any, include_last_offset: bool) -> tuple[Any, int]:
    """For each number in a flattened input which bag it is in, and how many bags there are."""
    shape = shape_of(input)
    xp: Any = backend_of(input._array)
    if len(shape) == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated as a mini-batch "
                f"of fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        return input._wrap(xp.repeat(xp.arange(shape[0]), shape[1])), shape[0]
    if len(shape) != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {len(shape)}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if len(shape_of(offsets)) != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = offsets._array
    if starts.dtype.kind == "f":
        raise RuntimeError(f"offsets has to be of integers, but got {of_array(starts.dtype)}")
    if include_last_offset and not len(starts):
        raise RuntimeError("include_last_offset: number of offsets should be at least 1")
    message = (
        "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
        "position 0. However, got {}"
    )
    xp.check_range(starts[:1], 0, 1, RuntimeError, message)
    message = (
        f"offsets[-1] can not be greater than input's length({shape[0]}), but got offsets[-1] of "
        "{}"
    )
    xp.check_range(starts[-1:], 0, shape[0] + 1, RuntimeError, message)
    bags = len(starts) - include_last_offset
    places = input._wrap(xp.arange(shape[0]))
    return searchsorted(offsets[:bags], places, right=True) - 1, bags


def _counts(bag: Any, bags: int) -> Any:
    """How many numbers each bag has."""
    return bag._wrap(_tally(backend_of(bag._array), bag._array, bags))


def _largest(rows: Any, bag: Any, bags: int) -> Any:
    """The maxima of the rows of each bag, which are in the order of their bags."""
    counts = _counts(bag, bags)
    longest = int(counts.max()) if bags else 0
    if not longest:
        return rows.new_zeros((bags, shape_of(rows)[1]))
    xp: Any = backend_of(rows._array)
    steps = rows.new_tensor(0)._wrap(xp.arange(longest))
    inside = steps < unsqueeze(counts, 1)  # (bags, longest)
    first = unsqueeze(counts.cumsum(0) - counts, 1)
    padded = rows[where(inside, first + steps, 0)]
    found = largest(where(unsqueeze(inside, 2), padded, -math.inf), 1).values
    return where(unsqueeze(counts > 0, 1), found, 0)
