"""Losses of scores for classes as modules: each calls the function of `functional` of its name with
its options."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import dtype as DType
from ..tensor import Tensor
from ..warning import warn
from . import functional as F
from .layers import Linear
from .losses import _Loss, _WeightedLoss


class CrossEntropyLoss(_WeightedLoss):
    """-log(softmax(input)) at the target's class.

    Args:
        weight: (C), the weight of each class.
        ignore_index: targets of this value count for nothing.
        label_smoothing: the share of each target that is spread evenly over all classes.

    input: scores (C), (N, C) or (N, C, d1, ...); target: class indices (), (N) or (N, d1, ...), or
    probabilities of input's shape. See `functional.cross_entropy`, also for what is raised.

    >>> nn.CrossEntropyLoss()(torch.zeros(5, 4), torch.tensor([0, 1, 2, 3, 0]))  # log(4)
    tensor(1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(_WeightedLoss):
    """-input at the target's class, for input = the logarithms of probabilities, (C), (N, C) or
    (N, C, d1, ...); target: class indices (), (N) or (N, d1, ...).

    >>> nn.NLLLoss()(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([0]))
    tensor(1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class NLLLoss2d(NLLLoss):
    """`NLLLoss`, which takes scores (N, C, H, W), too, under its old name.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     loss = nn.NLLLoss2d()
    >>> loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2).long())
    tensor(0.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warn(
            "NLLLoss2d has been deprecated. Please use NLLLoss instead as a drop-in replacement",
            FutureWarning,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class LinearCrossEntropyLoss(_WeightedLoss):
    """A linear map from features to scores, and their `CrossEntropyLoss`.

    Args:
        in_features, num_classes: the last size of the input, and how many classes there are.
        out_features: the sizes d1, ... of scores (N, C, d1, ...).
        bias: whether the map has one.
        options: there are none, NotImplementedError when called with some.

    The others are those of `CrossEntropyLoss`; ignore_index None is -100. The map is `linear`, with
    weight (num_classes * d1 * ..., in_features). input (in_features) or (N, in_features). Raises
    RuntimeError for a weight of another shape and a label_smoothing outside [0, 1].

    >>> loss = nn.LinearCrossEntropyLoss(8, 3)
    >>> loss(torch.randn(5, 8), torch.tensor([0, 1, 2, 1, 0])).shape
    torch.Size([])
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}"
            )
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        size = math.prod(out_features, start=num_classes)
        self.linear = Linear(in_features, size, bias=bias, device=device, dtype=dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, self.linear.in_features), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight,
            reduction=self.reduction, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing, options=self.options,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )


class CTCLoss(_Loss):
    """-log of the likelihood of labels whose places are unknown: the sum over their alignments to
    the time steps.

    Args:
        blank: the class that is no label.
        reduction: "mean" is that of the losses divided by their target_lengths.
        zero_infinity: losses without a possible alignment are 0 instead of infinite.

    log_probs (T, N, C) or (T, C), of log_softmax; targets (N, S), or all labels one after the
    other; input_lengths and target_lengths (N). See `functional.ctc_loss`.

    >>> even = torch.full((2, 1, 3), 1 / 3).log()  # 3 of 9 ways mean "a": aa, a_, _a
    >>> nn.CTCLoss()(even, torch.tensor([[1]]), [2], [1]).exp()
    tensor(3.)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip
