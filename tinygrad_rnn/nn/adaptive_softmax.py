"""A softmax over many classes that spends little on the rare ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..dtypes import dtype as DType
from ..ops.joining import cat
from ..tensor import Tensor
from . import functional as F
from .containers import ModuleList, Sequential
from .layers import Linear
from .module import Module


class _Result(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The logarithm of the target's probability among many classes, of which the first are the
    most frequent (E. Grave et al., "Efficient softmax approximation for GPUs", ICML 2017).

    `head` scores the classes before the first cutoff and one cluster per further interval between
    cutoffs; a cluster's classes are scored by its module in `tail`, by way of fewer features, and
    only for the rows whose target is there.

    Args:
        in_features: the size of an input.
        n_classes: how many classes there are.
        cutoffs: growing numbers of classes between 1 and n_classes - 1.
        div_value: cluster i has in_features // div_value ** (i + 1) features.
        head_bias: whether the head has a bias.

    input (N, in_features) and target (N), or (in_features) and (); returns a named tuple: output
    (N) or (), and loss, the mean of -output. Raises ValueError for other cutoffs, RuntimeError for
    shapes and targets that do not fit.

    >>> softmax = nn.AdaptiveLogSoftmaxWithLoss(16, n_classes=20, cutoffs=[4, 10])
    >>> output, loss = softmax(torch.randn(3, 16), torch.tensor([0, 5, 19]))
    >>> output.shape, softmax.log_prob(torch.randn(3, 16)).shape
    (torch.Size([3]), torch.Size([3, 20]))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs))
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1, got {cutoffs} with "
                f"n_classes={n_classes}"
            )
        if div_value <= 0:
            raise ValueError(f"div_value should be positive, got {div_value}")
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            width = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, width, bias=False, **made),
                    Linear(width, high - low, bias=False, **made),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for linear in self.modules():
            if isinstance(linear, Linear):
                linear.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _Result:
        self._check(input_, target_)
        batched = target_.dim() == 1
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        outside = (target < 0) | (target >= self.n_classes)
        if bool(outside.any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        column, output = target, input.new_zeros(len(target))
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            here = (target >= low) & (target < high)
            rows = here.nonzero().squeeze(1)
            if len(rows):
                column = column.masked_fill(here, self.shortlist_size + i)
                scores = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
                chosen = (target.index_select(0, rows) - low).unsqueeze(1)
                output = output.index_copy(0, rows, scores.gather(1, chosen).squeeze(1))
        head = F.log_softmax(self.head(input), dim=1)
        output = output + head.gather(1, column.unsqueeze(1)).squeeze(1)
        return _Result(output if batched else output.squeeze(0), -output.mean())

    def _check(self, input: Tensor, target: Tensor) -> None:
        """Raise RuntimeError for shapes that do not fit."""
        ndim = target.dim()
        if ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input.dim() != ndim + 1:
            raise RuntimeError(
                f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with "
                f"size {list(input.shape)}"
            )
        if ndim == 1 and len(input) != len(target):
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension: got "
                f"{len(input)} and {len(target)}"
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """The logarithms of the probabilities of all classes, (N, n_classes), for (N, in_features).

        >>> softmax = nn.AdaptiveLogSoftmaxWithLoss(16, n_classes=20, cutoffs=[4, 10])
        >>> torch.allclose(softmax.log_prob(torch.randn(3, 16)).exp().sum(1), torch.ones(3))
        True
        """
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, scores in enumerate(self.tail):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(scores(input), dim=1) + cluster)
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row, (N), as log_prob(input).argmax(dim=1); clusters are
        looked into for those rows only whose head names one.

        >>> softmax = nn.AdaptiveLogSoftmaxWithLoss(16, n_classes=20, cutoffs=[4, 10])
        >>> softmax.predict(torch.randn(3, 16)).shape
        torch.Size([3])
        """
        best = self.head(input).argmax(dim=1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if not len(rows):
            return best
        return best.index_copy(0, rows, self.log_prob(input.index_select(0, rows)).argmax(dim=1))
