"""Normalisation by statistics of each channel: over batches, and over each sample alone."""

from __future__ import annotations

from typing import Any

from ..creation import ones, tensor, zeros
from ..dtypes import dtype as DType, int64
from ..tensor import Tensor
from ..warning import warn
from . import functional as F
from .lazy import LazyModuleMixin
from .normalization import Affine
from .parameter import UninitializedBuffer, UninitializedParameter

# ----- over batches -----


class _NormBase(Affine):
    """What batch and instance normalisation share: parameters and running statistics (C)."""

    _version = 2
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: tuple[int, ...]  # how many dimensions an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._add_parameters((num_features,), affine, bias, device, dtype)
        self._add_statistics(num_features, device, dtype)
        self.reset_parameters()

    def _add_statistics(self, num_features: int, device: Any, dtype: DType | None) -> None:
        mean = variance = count = None
        if self.track_running_stats:
            mean = zeros(num_features, device=device, dtype=dtype)
            variance = ones(num_features, device=device, dtype=dtype)
            count = tensor(0, dtype=int64, device=device)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", variance)
        self.register_buffer("num_batches_tracked", count)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1, and the count of batches to 0."""
        if self.track_running_stats:
            for statistic, value in (
                (self.running_mean, 0),
                (self.running_var, 1),
                (self.num_batches_tracked, 0),
            ):
                if statistic is not None:
                    statistic.fill_(value)

    def reset_parameters(self) -> None:
        """Reset the statistics; set the weight to ones, the bias to zeros."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in self._dims:
            wanted = " or ".join(f"{n}D" for n in self._dims)
            raise ValueError(f"expected {wanted} input (got {input.dim()}D input)")

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        """States without a count of batches, from before there was one, get the layer's own."""
        if local_metadata.get("version", 1) < 2 and self.num_batches_tracked is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum: Any = 0.0 if self.momentum is None else self.momentum
        tracked = not self.training or self.track_running_stats
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None and self.running_mean is not None:  # the mean of all batches
                momentum = 1.0 / self.num_batches_tracked.to(self.running_mean.dtype)
        mean = self.running_mean if tracked else None
        variance = self.running_var if tracked else None
        training = self.training or (mean is None and variance is None)
        return F.batch_norm(
            input, mean, variance, self.weight, self.bias, training, momentum, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Each channel brought to mean 0 and variance 1 (Ioffe and Szegedy, 2015): while training over
    the batch, whose statistics are collected, in evaluation by those collected.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: how far the running statistics move towards those of each batch; None for their
            mean over all batches.
        affine: whether there is a weight (C), ones at first, and with `bias` a bias (C), zeros.
        track_running_stats: whether statistics are collected: the buffers running_mean and
            running_var, (C), and num_batches_tracked. If not, those of the batch are always used.

    Input and output (N, C) or (N, C, L). Raises ValueError for other numbers of dimensions, and
    for a single value per channel while training.

    >>> bn = nn.BatchNorm1d(2, momentum=0.5)
    >>> bn(torch.tensor([[1.0, 5.0], [3.0, 9.0]])).detach().round()
    tensor([[-1., -1.],
            [ 1.,  1.]])
    >>> bn.running_mean
    tensor([1.0000, 3.5000])
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As `BatchNorm1d`, for (N, C, H, W).

    >>> nn.BatchNorm2d(3)(torch.zeros(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """As `BatchNorm1d`, for (N, C, D, H, W).

    >>> nn.BatchNorm3d(3)(torch.zeros(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    _dims = (5,)


# ----- over single samples -----


class _InstanceNorm(_NormBase):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        alone = input.dim() == self._dims[0]
        dim = input.dim() - self._dims[0]
        if input.shape[dim] != self.num_features:
            got = f"({self.num_features}), but got: {input.shape[dim]}"
            if self.affine:
                raise ValueError(f"expected input's size at dim={dim} to match num_features {got}.")
            warn(
                f"input's size at dim={dim} does not match num_features {got}; it is not used, as "
                "affine=False"
            )
        result = F.instance_norm(
            input.unsqueeze(0) if alone else input, self.running_mean, self.running_var,
            self.weight, self.bias, self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return result.squeeze(0) if alone else result


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sequence brought to mean 0 and variance 1 (Ulyanov et al., 2016).

    The arguments are those of `BatchNorm1d`, but without `affine` and `track_running_stats` there
    are no parameters and no statistics, and the sequence's own are used in evaluation, too.

    Input and output (N, C, L) or (C, L). Raises ValueError for other numbers of dimensions, for
    another C if affine, and for L = 1 while training.

    >>> nn.InstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]]])).round()
    tensor([[[-1.,  1.]]])
    """

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As `InstanceNorm1d`, for pictures (N, C, H, W) or (C, H, W).

    >>> nn.InstanceNorm2d(3)(torch.zeros(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As `InstanceNorm1d`, for (N, C, D, H, W) or (C, D, H, W).

    >>> nn.InstanceNorm3d(3)(torch.zeros(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    _dims = (4, 5)


# ----- of as many channels as the first input has -----


class _LazyNorm(LazyModuleMixin, _NormBase):
    """The constructor's arguments are those of the class it becomes, without num_features."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=int64, device=device)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Make parameters and statistics for the input's channels."""
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            for made in (self.weight, self.bias, self.running_mean, self.running_var):
                if isinstance(made, UninitializedParameter | UninitializedBuffer):
                    made.materialize((self.num_features,))
            self.reset_parameters()
        self.num_features = input.shape[1]  # also if a state dict gave the parameters their shape


class LazyBatchNorm1d(_LazyNorm, _BatchNorm):
    """A `BatchNorm1d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyBatchNorm1d()
    >>> _ = norm(torch.ones(2, 3))
    >>> norm.num_features
    3
    """

    cls_to_become = BatchNorm1d
    _dims = (2, 3)


class LazyBatchNorm2d(_LazyNorm, _BatchNorm):
    """A `BatchNorm2d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyBatchNorm2d()
    >>> _ = norm(torch.ones(2, 3, 4, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = BatchNorm2d
    _dims = (4,)


class LazyBatchNorm3d(_LazyNorm, _BatchNorm):
    """A `BatchNorm3d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyBatchNorm3d()
    >>> _ = norm(torch.ones(2, 3, 4, 4, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = BatchNorm3d
    _dims = (5,)


class LazyInstanceNorm1d(_LazyNorm, _InstanceNorm):
    """A `InstanceNorm1d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyInstanceNorm1d()
    >>> _ = norm(torch.ones(2, 3, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm1d
    _dims = (2, 3)


class LazyInstanceNorm2d(_LazyNorm, _InstanceNorm):
    """A `InstanceNorm2d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyInstanceNorm2d()
    >>> _ = norm(torch.ones(2, 3, 4, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm2d
    _dims = (3, 4)


class LazyInstanceNorm3d(_LazyNorm, _InstanceNorm):
    """A `InstanceNorm3d` with as many channels as dimension 1 of the first input has.

    >>> norm = nn.LazyInstanceNorm3d()
    >>> _ = norm(torch.ones(2, 3, 4, 4, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm3d
    _dims = (4, 5)
