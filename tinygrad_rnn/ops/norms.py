"""Norms and distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, packed
from ..dtypes import dtype, float16, float32, of_array
from .arithmetic import abs, pow, sign, sub
from .choice import where
from .conversion import cast
from .decompositions import svdvals
from .names import second_names
from .order import amax, amin
from .reduction import Axes, _sum, axes_of, evenly, floating, root, spread
from .shape import Dims, movedim, shape_of, unsqueeze, wrap_dims


@primitive
def _largest_magnitude(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return packed(xp.absolute(input).max(axis=dims, keepdims=keepdim))


@primitive
def _smallest_magnitude(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return packed(xp.absolute(input).min(axis=dims, keepdims=keepdim))


for _magnitude in (_largest_magnitude, _smallest_magnitude):
    _magnitude.gradients(
        lambda g, y, x, *, dims, keepdim: (
            sign(x) * evenly(g, spread(y, shape_of(x), dims) == abs(x), dims)
        )
    )


@second_names
def vector_norm(
    x: Any, ord: float = 2, dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The norm (sum |x| ** ord) ** (1 / ord) over dim (all dimensions if None), which goes, or
    becomes 1 with keepdim; ord inf and -inf are the largest and the smallest magnitude, 0 the
    number of nonzero elements.

    >>> torch.linalg.vector_norm(torch.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1)
    tensor([ 5., 10.])
    """
    x = floating(x, "linalg.vector_norm", dtype)
    if isinstance(ord, Variable):  # of one number
        ord = ord.item()
    if x._array.dtype == float16.array:  # powers would overflow
        return cast(vector_norm(cast(x, float32), ord, dim, keepdim), float16)
    dims = axes_of(x, dim)
    _check_sizes(shape_of(x), dims, ord)
    if ord == math.inf:
        return _largest_magnitude(x, dims=dims, keepdim=keepdim)
    if ord == -math.inf:
        return _smallest_magnitude(x, dims=dims, keepdim=keepdim)
    if ord == 0:
        return _sum(where(x == 0, x * 0, 1.0), dims=dims, keepdim=keepdim)
    if ord == 1:
        return _sum(abs(x), dims=dims, keepdim=keepdim)
    return root(_sum(_powers(x, ord), dims=dims, keepdim=keepdim), degree=ord)


def _check_sizes(shape: tuple[int, ...], dims: Axes, ord: float) -> None:
    """Raises RuntimeError for a norm that nothing does not have."""
    empty = [d for d in (range(len(shape)) if dims is None else dims) if not shape[d]]
    if empty and (ord < 0 or ord == math.inf):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on the dimension {empty[0]} because "
            "this dimension is empty and the operation does not have an identity"
        )


def _powers(x: Any, ord: float) -> Any:
    """|x| ** ord; at 0 the gradient is taken as 0."""
    if ord >= 2:
        return x * x if ord == 2 else pow(abs(x), ord)
    zero = x == 0
    return where(zero, 0.0 if ord > 0 else math.inf, pow(abs(where(zero, 1.0, x)), ord))


@second_names
def matrix_norm(
    A: Any, ord: float | str = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The norm of matrices in two dimensions, which go, or become 1 with keepdim: "fro" (of all
    elements as a vector), 1 and -1 (the largest and smallest sum of a column's magnitudes), inf and
    -inf (of a row's), 2 and -2 (the largest and smallest singular value), "nuc" (the sum of the
    singular values).

    >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    A = floating(A, "linalg.matrix_norm", dtype)
    dims = wrap_dims(tuple(dim), len(shape_of(A)))
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {tuple(dim)}")
    if ord == "fro":
        return vector_norm(A, 2, dims, keepdim)
    if ord in (2, -2, "nuc"):
        return _spectral(A, ord, dims, keepdim)
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(
            f"linalg.matrix_norm: Order {ord} not supported; use 'fro', 'nuc', or one of 1, -1, 2, "
            "-2, inf, -inf"
        )
    row, column = dims
    summed, kept = (column, row) if ord in (math.inf, -math.inf) else (row, column)
    sums = _sum(abs(A), dims=(summed,), keepdim=True)
    if ord > 0 and not shape_of(sums)[kept]:
        extreme = _sum(sums, dims=(kept,), keepdim=True)  # the largest of none is 0
    else:
        extreme = (amax if ord > 0 else amin)(sums, kept, True)
    return extreme if keepdim else extreme.squeeze(dims)


def _spectral(A: Any, ord: float | str, dims: tuple[int, ...], keepdim: bool) -> Any:
    """The norms that singular values make."""
    s = svdvals(movedim(A, dims, (-2, -1)))
    result = _sum(s, dims=(len(shape_of(s)) - 1,), keepdim=False)
    if ord != "nuc" and (shape_of(s)[-1] or ord == -2):
        result = (amax if ord == 2 else amin)(s, -1)
    if not keepdim:
        return result
    for dim in sorted(dims):
        result = unsqueeze(result, dim)
    return result


@second_names
def norm(
    input: Any, p: float | str | None = "fro", dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The p-norm over dim (all dimensions if None), which goes, or becomes 1 with keepdim; "fro"
    is p = 2.

    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if p == "nuc":
        return matrix_norm(input, p, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)  # type: ignore[arg-type]
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm(): p must be a number, 'fro' or 'nuc', not {p[:20]!r}")
    order = 2.0 if p in ("fro", None) else float(p)
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of all elements of input - other, which broadcast: a scalar.

    >>> torch.dist(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return vector_norm(sub(input, other), p)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Any:
    """The p-norm distances (..., P, R) between the rows of x1 (..., P, M) and x2 (..., R, M).

    >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    for x in (x1, x2):
        if len(shape_of(x)) < 2:
            raise RuntimeError("cdist only supports at least 2D tensors")
    for label, x in (("X1", x1), ("X2", x2)):
        if x._array.dtype.kind != "f":
            kind = of_array(x._array.dtype)
            raise RuntimeError(f"cdist only supports floating-point dtypes, {label} got: {kind}")
    if shape_of(x1)[-1] != shape_of(x2)[-1]:
        raise RuntimeError("X1 and X2 must have the same number of columns")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    differences = sub(unsqueeze(x1, -2), unsqueeze(x2, -3))
    if not shape_of(differences)[-1]:
        p = 1  # no coordinates: whatever the norm, a distance of 0
    return vector_norm(differences, p, -1)


def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """The input, in its shape, with those of its slices along dim whose p-norm is larger than
    maxnorm scaled down to it.

    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.1, 0.2]]), p=2, dim=0, maxnorm=1)
    tensor([[0.6000, 0.8000],
            [0.1000, 0.2000]])
    """
    ndim = len(shape_of(input))
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    if p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: p must be positive and maxnorm not negative: {p}, {maxnorm}")
    if input._array.dtype == float16.array:  # a norm that is too large would leave nothing
        return cast(renorm(cast(input, float32), p, dim, maxnorm), float16)
    (dim,) = wrap_dims(dim, ndim)
    norms = vector_norm(input, p, tuple(d for d in range(ndim) if d != dim), True)
    return input * where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)
