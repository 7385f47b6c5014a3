"""What distributions share: parameters that broadcast, probabilities and their logits, values that
are computed when first asked for."""

from __future__ import annotations

import functools
import sys
from numbers import Number
from typing import Any

from ..autograd import enable_grad
from ..autograd.hints import tell
from ..creation import arange, empty, tensor
from ..dtypes import finfo, get_default_dtype
from ..ops.shape import broadcast_tensors
from ..tensor import Tensor

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Tensor | float) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape. Numbers get the dtype and the device of the
    first tensor. Raises ValueError for anything else.

    >>> torch.distributions.utils.broadcast_all(0.0, torch.ones(2))
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    for value in values:
        if not isinstance(value, Tensor | Number):
            raise ValueError(
                "Input arguments must all be instances of Number or torch.Tensor, but got "
                f"{type(value).__name__}."
            )
    first = next((v for v in values if isinstance(v, Tensor)), None)
    options: dict[str, Any] = {"dtype": get_default_dtype()}
    if first is not None:
        options = {"dtype": first.dtype, "device": first.device}
    found: tuple[Tensor, ...] = broadcast_tensors(
        *(v if isinstance(v, Tensor) else tensor(v, **options) for v in values)
    )
    return found


def standard_normal(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Draws of the standard normal distribution, in a shape, in a tensor's dtype and place."""
    return empty(shape, dtype=like.dtype, device=like.device).normal_()


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions."""
    return value.sum(tuple(range(-dim, 0))) if dim else value


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """The probabilities of logits (..., n): softmax over the last dimension; sigmoid of each
    element if is_binary.

    >>> torch.distributions.utils.logits_to_probs(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """The elements, kept from 0 and 1 by the smallest difference that the dtype has at 1.

    >>> torch.distributions.utils.clamp_probs(torch.tensor([0.5, 0.0])) > 0
    tensor([True, True])
    """
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The logarithms of probabilities, elementwise, finite for 0, too; if is_binary log(p / (1 -
    p)), where 1 stays finite, too.

    >>> torch.distributions.utils.probs_to_logits(torch.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    safe = clamp_probs(probs)
    return safe.log() - (-safe).log1p() if is_binary else safe.log()


def given(probs: Any, logits: Any) -> str:
    """Which of the two is given. Raises ValueError for none or both."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return "logits" if probs is None else "probs"


class lazy_property(functools.cached_property[Any]):
    """A property (of any shape) that is computed when it is first asked for, with gradients even
    under ``no_grad``, and kept.

    >>> class Square:
    ...     side = torch.tensor(3.0)
    ...     @torch.distributions.utils.lazy_property
    ...     def area(self):
    ...         return self.side ** 2
    >>> Square().area
    tensor(9.)
    """

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        with enable_grad():
            return super().__get__(instance, owner)


def _lower(n: int, diag: float, like: Tensor) -> Tensor:
    columns = arange(n, device=like.device)
    return columns < columns.unsqueeze(-1) + (diag + 1)  # PyTorch's also between two diagonals


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of matrices (..., n, n) on and below a diagonal, row by row: (..., k). Raises
    ValueError for a diag outside [-n, n).

    >>> torch.distributions.utils.tril_matrix_to_vec(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 3, 4])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    found: Tensor = mat[..., _lower(n, diag, mat)]
    return found


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Lower triangular matrices (..., n, n) whose elements on and below a diagonal are vectors
    (..., k). Raises ValueError for a k that no n has, TypeError for a diag that is a tensor.

    >>> torch.distributions.utils.vec_to_tril_matrix(torch.tensor([1, 3, 4]))
    tensor([[1, 0],
            [3, 4]])
    """
    if isinstance(diag, Tensor):
        raise TypeError("vec_to_tril_matrix(): argument 'diag' must be int, not Tensor")
    k, shift = vec.shape[-1], 1 + 2 * diag
    n = (-shift + (shift**2 + 8 * k + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > finfo(vec.dtype).eps if vec.is_floating_point() else round(n) != n:
        raise ValueError(
            f"The size of last dimension is {k} which cannot be expressed as the lower triangular "
            "part of a square D x D matrix."
        )
    matrix = vec.new_zeros((*vec.shape[:-1], round(n), round(n)))
    matrix[..., _lower(round(n), diag, vec)] = vec
    return matrix


tell(sys.modules[__name__])
