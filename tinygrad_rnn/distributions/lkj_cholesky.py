"""The LKJ distribution of correlation matrices."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..autograd import no_grad
from ..creation import arange
from ..dtypes import finfo
from ..ops.gamma import mvlgamma
from ..random import randn
from ..tensor import Tensor
from . import constraints
from .beta import Beta
from .distribution import Distribution, Shape
from .utils import broadcast_all


class LKJCholesky(Distribution):
    """The lower triangular factors L (dim, dim) of correlation matrices, whose density is
    proportional to a power of their determinant, `concentration` - 1: 1 is uniform, more is nearer
    to the identity. `concentration` is a number or a tensor of the batch's shape (Lewandowski,
    Kurowicka and Joe, "Generating random correlation matrices", 2009, the onion method).

    Raises ValueError for a dim below 2.

    >>> factor = torch.distributions.LKJCholesky(3, 1.0).sample()
    >>> torch.allclose((factor @ factor.mT).diagonal(), torch.ones(3))
    True
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            a = self.concentration.unsqueeze(-1) + (self.dim - 2) / 2
            row = arange(self.dim - 1, dtype=a.dtype, device=a.device) / 2  # of all but the first
            radius = Beta(row + 0.5, a - row, validate_args=False).sample(sample_shape).sqrt()
            shape = self._extended_shape(sample_shape)
            direction = randn(shape, dtype=a.dtype, device=a.device).tril(-1)[..., 1:, :]
            direction = direction / direction.norm(dim=-1, keepdim=True)
            factor = a.new_zeros(shape)
            factor[..., 1:, :] = radius.unsqueeze(-1) * direction
            rest = (1 - factor.square().sum(-1)).clamp(min=finfo(a.dtype).tiny)
            return factor + rest.sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a, n = self.concentration, self.dim - 1
        row = arange(2, self.dim + 1, dtype=a.dtype, device=a.device)
        power = 2 * (a - 1).unsqueeze(-1) + self.dim - row
        logs = (power * value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()).sum(-1)
        last = a + n / 2
        norm = n * math.log(math.pi) / 2 + mvlgamma(last - 0.5, n) - n * last.lgamma()
        found: Tensor = logs - norm
        return found
