"""Normalisation over features and groups of channels, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..creation import empty
from ..dtypes import dtype as DType
from ..tensor import Tensor
from . import functional as F, init
from .module import Module
from .parameter import Parameter


class Affine(Module):
    """A layer that may have a weight, which starts as ones, and a bias, which starts as zeros."""

    weight: Parameter | None
    bias: Parameter | None

    def _add_parameters(
        self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: DType | None
    ) -> None:
        for name, wanted in (("weight", weight), ("bias", weight and bias)):
            made = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)

    def reset_parameters(self) -> None:
        """Set the weight to ones, the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        bias = getattr(self, "bias", None)  # RMSNorm has none at all
        if bias is not None:
            init.zeros_(bias)


class GroupNorm(Affine):
    """Groups of channels of each sample brought to mean 0 and variance 1 (Wu and He, 2018).

    Args:
        num_groups: how many groups; it divides num_channels, ValueError otherwise.
        num_channels: C.
        eps: added to the variance.
        affine: whether there is a weight (C), ones at first, and with `bias` a bias (C), zeros.

    Input and output (N, C, ...).

    >>> nn.GroupNorm(2, 4)(torch.tensor([[1.0, 3.0, 5.0, 9.0]])).detach().round()
    tensor([[-1.,  1., -1.,  1.]])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self._add_parameters((num_channels,), affine, bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


# ----- over the last dimensions -----


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(Affine):
    """The last dimensions brought to mean 0 and variance 1 (Ba et al., 2016).

    Args:
        normalized_shape: the sizes of these dimensions; an int for the last one alone.
        eps: added to the variance.
        elementwise_affine: whether there is a weight, ones at first, and with `bias` a bias,
            zeros, of that shape.

    Input and output (*, *normalized_shape). Raises RuntimeError for an input of other sizes.

    >>> nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach().round()
    tensor([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._add_parameters(self.normalized_shape, elementwise_affine, bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Affine):
    """The last dimensions divided by the root of their mean square (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the sizes of these dimensions; an int for the last one alone.
        eps: added to the mean square; that of the dtype if None.
        elementwise_affine: whether there is a weight of that shape, ones at first.

    Input and output (*, *normalized_shape). Raises RuntimeError for an input of other sizes.

    >>> nn.RMSNorm(2)(torch.tensor([[3.0, -3.0]])).detach()
    tensor([[ 1., -1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        made = None
        if elementwise_affine:
            made = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", made)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class LocalResponseNorm(Module):
    """Each element divided by a power of the mean square of `size` neighbouring channels
    (Krizhevsky et al., 2012): see `functional.local_response_norm`. Input and output (N, C, ...).

    >>> nn.LocalResponseNorm(2, alpha=2.0, beta=1.0)(torch.ones(1, 1, 2))
    tensor([[[0.5000, 0.5000]]])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
