"""Rows of a table looked up by number."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import of_array
from .choice import where
from .shape import shape_of


@primitive
def _embedding(xp: Backend, weight: Array, index: Array, *, padding_idx: int | None) -> Array:
    return weight.take(index, axis=0)


@primitive
def _embedding_gradient(
    xp: Backend, g: Array, index: Array, *, shape: tuple[int, ...], padding_idx: int | None
) -> Array:
    """Zeros with the rows of g added at their places, and nothing at padding_idx."""
    width = shape[1]
    # One index per element instead of one per row: NumPy adds those five times faster
    places = (index.reshape(-1, 1) * width + xp.arange(width)).reshape(-1)
    result = xp.zeros(shape[0] * width, g.dtype)
    xp.scatter_add(result, places, g.reshape(-1))
    result = result.reshape(shape)
    if padding_idx is not None:
        result[padding_idx] = 0
    return result


def _lookup(g: Any, index: Any, padding_idx: int | None) -> Any:
    rows = _embedding(g, index, padding_idx=padding_idx)
    if padding_idx is None:
        return rows
    return where((index != padding_idx).reshape((*shape_of(index), 1)), rows, 0)


_embedding.gradients(
    lambda g, _y, w_shape, i, *, padding_idx: _embedding_gradient(
        g, i, shape=w_shape, padding_idx=padding_idx
    ),
    None,
)
_embedding_gradient.gradients(
    lambda g, _y, _g, i, *, shape, padding_idx: _lookup(g, i, padding_idx), None
)


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
        max_norm, scale_grad_by_freq, sparse: not supported, NotImplementedError if asked for.

    Returns (*input.shape, width). Raises IndexError for rows outside [0, rows), RuntimeError for
    an input that is not int64 or int32.
    """
    refuse_options(max_norm, scale_grad_by_freq, sparse)
    if not isinstance(input, Variable):
        raise TypeError(f"embedding(): argument 'input' must be Tensor, not {type(input).__name__}")
    index, shape = input._array, shape_of(weight)
    if index.dtype.kind != "i" or index.dtype.itemsize < 4:
        raise RuntimeError(
            "Expected tensor for argument 'input' of embedding to have one of the following "
            f"scalar types: Long, Int; but got {of_array(index.dtype)}; convert with .long()"
        )
    if len(shape) != 2:
        raise RuntimeError(f"'weight' must be 2-D, but got a weight of shape {list(shape)}")
    padding_idx = wrap_padding(padding_idx, shape[0])
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= shape[0]:
            raise IndexError(
                f"index out of range in self: got {low if low < 0 else high}, but the embedding "
                f"has rows 0 to {shape[0] - 1}"
            )
    return _embedding(weight, input, padding_idx=padding_idx)


def refuse_options(max_norm: float | None, scale_grad_by_freq: bool, sparse: bool) -> None:
    """Raise NotImplementedError for what PyTorch has and embeddings here have not."""
    if max_norm is not None:
        raise NotImplementedError(
            "max_norm is not supported: renormalise weight.data yourself before the lookup"
        )
    if scale_grad_by_freq:
        raise NotImplementedError("scale_grad_by_freq=True is not supported")
    if sparse:
        raise NotImplementedError("sparse=True is not supported: gradients are dense here")


def wrap_padding(padding_idx: int | None, rows: int) -> int | None:
    """padding_idx counted from the front. Raises AssertionError (PyTorch's kind) out of range."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: got {padding_idx} for {rows} rows"
        )
    return padding_idx % rows
