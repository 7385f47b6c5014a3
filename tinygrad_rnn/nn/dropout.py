"""Dropout layers: while training each calls the function of `functional` of its name."""

from __future__ import annotations

from ..ops.stochastic import check_probability
from ..tensor import Tensor
from . import functional as F
from .module import Module


class _DropoutNd(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.inplace = check_probability(p), inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """While training, elements become 0 with probability p and the others grow by 1 / (1 - p).

    Input and output of any shape. Raises ValueError unless p is in [0, 1].

    >>> nn.Dropout(p=1.0)(torch.ones(2))
    tensor([0., 0.])
    >>> nn.Dropout(p=1.0).eval()(torch.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """As `Dropout`, for whole channels of (N, C, L) or (C, L).

    >>> nn.Dropout1d(p=0.5)(torch.ones(1, 4, 2)).sum(2).unique()
    tensor([0., 4.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """As `Dropout`, for whole channels of (N, C, H, W).

    >>> nn.Dropout2d(p=0.5)(torch.ones(1, 4, 2, 2)).shape
    torch.Size([1, 4, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """As `Dropout`, for whole channels of (N, C, D, H, W) or (C, D, H, W).

    >>> nn.Dropout3d(p=0.5)(torch.ones(1, 4, 2, 2, 2)).shape
    torch.Size([1, 4, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout for layers with SELU: mean 0 and variance 1 stay (Klambauer et al., 2017). See
    `functional.alpha_dropout`; `inplace` has no effect, as in PyTorch. Input and output of any
    shape.

    >>> nn.AlphaDropout(p=0.5)(torch.zeros(8)).unique()
    tensor([-0.7792,  0.7792])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """As `AlphaDropout`, for whole channels of (N, C, ...).

    >>> nn.FeatureAlphaDropout(p=0.5)(torch.zeros(1, 8, 2)).unique()
    tensor([-0.7792,  0.7792])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
