"""Losses with margins, and of triplets, as modules: each calls the function of `functional` of its
name with its options."""

from __future__ import annotations

from collections.abc import Callable

from ..tensor import Tensor
from . import functional as F
from .layers import PairwiseDistance
from .losses import _Loss, _WeightedLoss


class HingeEmbeddingLoss(_Loss):
    """The distance `input` itself where target is 1, max(margin - input, 0) where it is -1.

    input and target (*); a scalar, (*) with reduction="none".

    >>> nn.HingeEmbeddingLoss(margin=2.0)(torch.tensor([0.5, 0.5]), torch.tensor([1, -1]))
    tensor(1.)
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 - cos where target is 1, max(cos - margin, 0) where it is -1, for the cosine of the angle
    between input1 and input2, (N, D) with target (N), or (D) with target (); a scalar, or
    target's shape with reduction="none".

    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    >>> nn.CosineEmbeddingLoss()(x, y, torch.tensor([1]))
    tensor(0.4000)
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class MarginRankingLoss(_Loss):
    """max(-target * (input1 - input2) + margin, 0): target 1 wants input1 to be the larger by the
    margin, -1 input2.

    All three (*), or broadcasting to it; a scalar, (*) with reduction="none".

    >>> nn.MarginRankingLoss(1.0)(torch.tensor([2.0]), torch.tensor([1.5]), torch.tensor([1]))
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target * input)), for targets 1 and -1.

    input and target (*); a scalar, (*) with reduction="none".

    >>> nn.SoftMarginLoss()(torch.zeros(3), torch.tensor([1, -1, 1]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """For scores (N, C) or (C) and classes (N) or (), the sum over all other classes i of
    weight[target] * max(margin - input[target] + input[i], 0) ** p, divided by C.

    weight (C); a scalar, or target's shape with reduction="none". Raises ValueError unless p is
    1 or 2 and the weight 1-D.

    >>> nn.MultiMarginLoss()(torch.tensor([[0.1, 0.2, 0.8]]), torch.tensor([2]))
    tensor(0.2333)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(
                f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D "
                "instead"
            )
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(_Loss):
    """For scores (N, C) or (C), and a target of the same shape that lists classes up to the first
    -1: the sum over pairs of a listed class j and one i that is not of
    max(1 - (input[j] - input[i]), 0), divided by C; a scalar, (N) or () with reduction="none".

    >>> scores, classes = torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3, 0, -1, 1])
    >>> nn.MultiLabelMarginLoss()(scores, classes)
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """The binary cross entropy of sigmoid(input) with targets 0 and 1, both (..., C), its mean over
    the classes; weight (C) multiplies the loss of each. A scalar, (...) with reduction="none".

    >>> nn.MultiLabelSoftMarginLoss()(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
    tensor(1.4100)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), for d the distance of order p
    over the last dimension, of `functional.pairwise_distance`. With `swap` the nearer of anchor
    and positive is compared with the negative.

    All three (N, D) or (D); a scalar, (N) or () with reduction="none". Raises ValueError unless
    margin > 0.

    >>> a, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    >>> nn.TripletMarginLoss(margin=6.0)(a, a, n)
    tensor(1.0000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin(self, margin)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap,
            reduction=self.reduction,
        )  # fmt: skip


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with any function of two tensors as the distance (None:
    `PairwiseDistance`); a scalar, or the distances' shape with reduction="none".

    >>> a, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    >>> l1 = lambda x, y: (x - y).abs().sum(-1)
    >>> nn.TripletMarginWithDistanceLoss(distance_function=l1, margin=9.0)(a, a, n)
    tensor(2.)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _check_margin(self, margin)
        self.distance_function = distance_function or PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip


def _check_margin(loss: _Loss, margin: float) -> None:
    if margin <= 0:
        raise ValueError(
            f"{type(loss).__name__}: expected margin to be greater than 0, got {margin} instead"
        )
