"""The number of failures before a success."""

from __future__ import annotations

from ..autograd import no_grad
from ..creation import empty
from ..dtypes import finfo
from ..nn.functional import binary_cross_entropy_with_logits
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape
from .utils import broadcast_all


class Geometric(Binary):
    """The number of failures before the first success, each trial with the probability `probs` or
    by `logits`: numbers or tensors of the batch's shape.

    >>> torch.distributions.Geometric(torch.tensor([0.5, 0.1])).mean
    tensor([1., 9.])
    """

    support = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_chances(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and bool((self.probs <= 0).any()):
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n"
                f"{self.probs[self.probs <= 0]}"
            )

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return self.probs.new_zeros(self.probs.shape)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            kind = self.probs.dtype
            draw = empty(
                self._extended_shape(sample_shape), dtype=kind, device=self.probs.device
            ).uniform_(finfo(kind).tiny, 1)
            return (draw.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        failing = probs.masked_fill((probs == 1) & (value == 0), 0.0)  # 0 * -inf is nan
        return value * (-failing).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return (
            binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
        )
