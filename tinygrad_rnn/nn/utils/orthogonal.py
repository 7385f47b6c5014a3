"""Orthogonal weights: matrices whose columns (or rows, if there are fewer) are orthonormal."""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd import no_grad
from ...creation import eye, zeros_like
from ...dtypes import finfo
from ...ops.comparison import allclose
from ...ops.decompositions import qr
from ...ops.joining import cat
from ...ops.matrix_functions import matrix_exp
from ...ops.solving import solve
from ...tensor import Tensor
from ..module import Module
from .parametrize import register_parametrization

M = TypeVar("M", bound=Module)


def _unit(like: Tensor, n: int) -> Tensor:
    return eye(n, dtype=like.dtype, device=like.device)


def _reflected(X: Tensor) -> Tensor:
    """The first k columns of a product of k reflections, (..., n, k): column i of X, with 1 in
    place i and 0 above, is the normal of the i-th.

    I - V T^-1 V^T with T the upper triangle of V^T V, its diagonal halved (Schreiber and Van Loan,
    "A storage-efficient WY representation", 1989).
    """
    n, k = X.shape[-2:]
    V = X.tril(-1) + _unit(X, n)[:, :k]
    inner = V.mT @ V
    T = inner.triu() - 0.5 * inner * _unit(X, k)
    return _unit(X, n)[:, :k] - V @ solve(T, V[..., :k, :].mT)


def _normals(Q: Tensor) -> Tensor:
    """The X with signs on its diagonal, of which `_reflected(X) * signs` is the orthonormal Q."""
    k = Q.shape[-1]
    A, X = Q.clone(), zeros_like(Q)
    for i in range(k):
        column = A[..., i:, i]
        # Away from 0. Reflections alone, also where the column is a unit vector already
        sign = 1 - 2 * (column[..., :1] >= 0).to(Q.dtype)
        v = column.clone()
        v[..., :1] -= sign * column.norm(dim=-1, keepdim=True)
        v = v / v[..., :1]
        X[..., i:, i] = v
        X[..., i, i] = sign[..., 0]
        v = v.unsqueeze(-1)
        A[..., i:, :] -= (2 / (v * v).sum(-2, True)) * v @ (v.mT @ A[..., i:, :])
    return X


def _orthonormalized(A: Tensor) -> Tensor:
    """The Q of a QR decomposition whose R has a positive diagonal."""
    Q, R = qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(
        self, shape: tuple[int, ...], orthogonal_map: str, use_trivialization: bool
    ) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        n, k = X.shape[-2:]
        if self.orthogonal_map == "householder":
            Q = _reflected(X) * X.diagonal(dim1=-2, dim2=-1).detach().trunc().unsqueeze(-2)
        else:
            lower = X.tril()
            if n != k:
                lower = cat([lower, X.new_zeros((*X.shape[:-2], n, n - k))], -1)
            skew = lower - lower.mT
            if self.orthogonal_map == "matrix_exp":
                Q = matrix_exp(skew)
            else:
                unit = _unit(X, n)
                Q = solve(unit - 0.5 * skew, unit + 0.5 * skew)
            Q = Q[..., :k]
        if self.use_trivialization:
            if self.base is None:
                raise RuntimeError("orthogonal: there is no base yet; assign a value first")
            Q = self.base @ Q
        return Q.mT if wide else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        with no_grad():
            if Q.shape != self.shape:
                raise ValueError(
                    f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor "
                    f"of shape {Q.shape}."
                )
            wide = Q.shape[-2] < Q.shape[-1]
            tall = Q.mT if wide else Q
            n, k = tall.shape[-2:]
            if not self.use_trivialization:
                if self.orthogonal_map != "householder":
                    raise NotImplementedError(
                        "It is not possible to assign to the matrix exponential or the Cayley "
                        "parametrizations when use_trivialization=False."
                    )
                X = _normals(_orthonormalized(tall))
                return X.mT if wide else X
            if n != k:
                more = tall.new_empty((*tall.shape[:-2], n, n - k)).normal_()
                tall = _orthonormalized(cat([tall, more], -1))
            elif not allclose(tall.mT @ tall, _unit(Q, n), atol=10 * n * finfo(Q.dtype).eps):
                tall = _orthonormalized(tall)
            self.base = tall.clone()
            start = zeros_like(Q)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return start


def orthogonal(
    module: M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> M:
    """Compute a weight such that its columns (or rows, if there are fewer) stay orthonormal.

    Args:
        module, name: whose parameter; a matrix or a batch of matrices.
        orthogonal_map: "matrix_exp" (of a skew-symmetric matrix), "cayley" (its rational
            approximation), or "householder" (a product of reflections); the first for square
            matrices, the last for others, if None.
        use_trivialization: compute base @ map(parameter), with a base that is set by assigning, so
            that any value may be assigned (Lezcano-Casado, 2019).

    Returns the module. Raises ValueError for another map, no such tensor, and one without two
    dimensions.

    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(20, 40))
    >>> torch.allclose(layer.weight.T @ layer.weight, torch.eye(20), atol=1e-5)
    True
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    made = _Orthogonal(weight.shape, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
