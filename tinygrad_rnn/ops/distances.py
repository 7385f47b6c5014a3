"""Lengths, angles and distances of vectors."""

from __future__ import annotations

from typing import Any

from ..dtypes import of_array
from .conversion import promote
from .diagonals import triu
from .masking import nonzero
from .norms import norm, vector_norm
from .shape import broadcast_tensors, shape_of


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """The input, in its shape, divided by its p-norm over dim, or by eps if that is larger.

    >>> F.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return input / norm(input, p, dim, True).clamp(min=eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between x1 and x2 along dim, which goes; norms below eps count as
    eps.

    The shapes broadcast. Raises RuntimeError for integers.

    >>> F.cosine_similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([0.6000])
    """
    if not (x1.is_floating_point() or x2.is_floating_point()):
        raise RuntimeError(
            "expected common dtype to be floating point, yet common dtype is "
            f"{x1.dtype}; convert with .float()"
        )
    x1, x2 = promote(broadcast_tensors(x1, x2))
    lengths = [norm(x, 2, dim, True).clamp(min=eps) for x in (x1, x2)]
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """The p-norm of x1 - x2 + eps over the last dimension, which goes, or becomes 1 with keepdim;
    the shapes broadcast.

    >>> F.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Any, p: float = 2) -> Any:
    """The p-norm distances of all pairs of rows of a matrix (N, M), as a vector of N (N - 1) / 2:
    of row 0 to the rows behind it, of row 1, ...

    Raises RuntimeError for other numbers of dimensions, integers, and negative p.

    >>> F.pdist(torch.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    shape, kind = shape_of(input), of_array(input._array.dtype)
    if len(shape) != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {len(shape)}D")
    if not kind.is_floating_point:
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {kind}")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    pairs = triu(input.new_ones((shape[0], shape[0])), 1)
    first, second = nonzero(pairs, as_tuple=True)
    return vector_norm(input[first] - input[second], p, -1)
