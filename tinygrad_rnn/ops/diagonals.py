"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of, packed
from ..dtypes import bool_
from .checking import refusing
from .masking import masked_fill
from .reduction import sum
from .shape import reshape, shape_of, wrap_dim

# ----- diagonals -----


@primitive(view=True)
def _diagonal(xp: Backend, input: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    return xp.diagonal(input, offset, dim1, dim2)


@primitive
def _diagonal_scatter(
    xp: Backend, input: Array, *, shape: tuple[int, ...], offset: int, dim1: int, dim2: int
) -> Array:
    moved = xp.zeros(shape, input.dtype)
    plane = xp.moveaxis(moved, (dim1, dim2), (-2, -1))
    n = input.shape[-1]
    i = xp.arange(n)
    plane[..., i + max(-offset, 0), i + max(offset, 0)] = input
    return moved


_diagonal.gradients(lambda g, _y, x_shape, **place: _diagonal_scatter(g, shape=x_shape, **place))
_diagonal_scatter.gradients(lambda g, _y, _x, *, shape, **place: _diagonal(g, **place))


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A view of the diagonals of the planes dim1, dim2, as the last dimension.

    >>> torch.diagonal(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    ndim = len(shape_of(input))
    a, b = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = shape_of(input)[a], shape_of(input)[b]
    offset = min(max(offset, -rows), columns)  # beyond them is nothing, however far
    return _diagonal(input, offset=offset, dim1=a, dim2=b)


_plane = diagonal  # where a parameter has its name


def diag(input: Any, diagonal: int = 0) -> Any:
    """The diagonal (k) of a matrix (m, n), k the smaller of m and n, or the square matrix (n, n)
    with a vector (n) on its diagonal, which an offset `diagonal` makes larger.

    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    >>> torch.diag(torch.tensor([[1, 2], [3, 4]]), 1)
    tensor([2])
    """
    ndim = len(shape_of(input))
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    return _plane(input, diagonal) if ndim == 2 else diag_embed(input, diagonal)


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Square matrices, in the planes dim1, dim2 of the result, with the last dimension of input
    on their diagonals, and zeros elsewhere.

    >>> torch.diag_embed(torch.ones(5, 3)).shape
    torch.Size([5, 3, 3])
    """
    *shape, n = shape_of(input) or (1,)
    a, b = (wrap_dim(d, len(shape) + 2) for d in (dim1, dim2))
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    for d in sorted((a, b)):
        shape.insert(d, n + abs(offset))
    return _diagonal_scatter(
        reshape(input, shape_of(input) or (1,)), shape=tuple(shape), offset=offset, dim1=a, dim2=b
    )


def diagflat(input: Any, offset: int = 0) -> Any:
    """The square matrix (n, n) with all n elements of input on its diagonal; larger by the offset.

    >>> torch.diagflat(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(input, (-1,)), offset)


_check_trace = refusing("trace")


def trace(input: Any) -> Any:
    """The sum of a matrix's diagonal, a scalar.

    >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if len(shape_of(input)) != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got tensor with dim {len(shape_of(input))}"
        )
    _check_trace((input,))
    return sum(_diagonal(input, offset=0, dim1=0, dim2=1))


def fill_diagonal(input: Any, fill_value: Any, wrap: bool = False) -> Any:
    """A copy of a matrix with one value on its diagonal."""
    if len(shape_of(input)) != 2 or wrap:
        raise NotImplementedError("fill_diagonal_ is for matrices, without wrap")
    xp: Any = backend_of(input._array)
    eye = xp.eye(*shape_of(input), dtype=bool_.array)
    return masked_fill(input, input._wrap(eye), fill_value)


# ----- triangles -----


@primitive(name=lambda node: f"Tri{'ul'[not node.params['upper']]}Backward0")
def _triangle(xp: Backend, input: Array, *, diagonal: int, upper: bool) -> Array:
    return packed((xp.triu if upper else xp.tril)(input, diagonal))


_triangle.gradients(lambda g, _y, _x, **which: _triangle(g, **which))


def _matrix(input: Any, name: str) -> Any:
    if len(shape_of(input)) < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return input


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of matrices (..., m, n), zeros above; the shape stays.

    >>> torch.tril(torch.ones(3, 3), -1)
    tensor([[0., 0., 0.],
            [1., 0., 0.],
            [1., 1., 0.]])
    """
    return _triangle(_matrix(input, "tril"), diagonal=diagonal, upper=False)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of matrices (..., m, n), zeros below; the shape stays.

    >>> torch.triu(torch.ones(3, 3), 1)
    tensor([[0., 1., 1.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    return _triangle(_matrix(input, "triu"), diagonal=diagonal, upper=True)
