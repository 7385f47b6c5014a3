"""The losses that PyTorch has in the torch namespace, too: those of `nn.functional` with the
reduction as a number, 0 for "none" (which is what they do by default, unlike those), 1 for "mean",
2 for "sum"."""

from __future__ import annotations

from typing import Any

from . import ctc, likelihood, loss, margin_losses

_NAMES = {0: "none", 1: "mean", 2: "sum"}


def _named(reduction: int) -> str:
    """The name of a reduction. Raises ValueError for other numbers."""
    if reduction not in _NAMES:
        raise ValueError(
            f"{reduction!r} is not a valid value for reduction: expected 0 (none), 1 (mean) or "
            "2 (sum); nn.functional takes their names"
        )
    return _NAMES[reduction]


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 0
) -> Any:
    """`nn.functional.binary_cross_entropy_with_logits` with a number as reduction: of (*)
    a scalar, or with 0 (*).

    >>> torch.binary_cross_entropy_with_logits(torch.zeros(2), torch.ones(2))
    tensor([0.6931, 0.6931])
    """
    return loss.binary_cross_entropy_with_logits(
        input, target, weight, reduction=_named(reduction), pos_weight=pos_weight
    )


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 0
) -> Any:
    """`nn.functional.cosine_embedding_loss` with a number as reduction: of (N, D) and target (N) a
    scalar, or with 0 (N).

    >>> x = torch.tensor([[1.0, 0.0]])
    >>> torch.cosine_embedding_loss(x, torch.tensor([[3.0, 4.0]]), torch.tensor([1]))
    tensor([0.4000])
    """
    return margin_losses.cosine_embedding_loss(
        input1, input2, target, margin, reduction=_named(reduction)
    )


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Any:
    """`nn.functional.ctc_loss` with a number as reduction: of (T, N, C) a scalar, or with 0 (N).

    >>> even = torch.full((2, 3), 1 / 3).log()
    >>> torch.ctc_loss(even, torch.tensor([1]), [2], [1], reduction=2).exp()
    tensor(3.)
    """
    return ctc.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, _named(reduction), zero_infinity
    )


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: int = 0) -> Any:
    """`nn.functional.hinge_embedding_loss` with a number as reduction: of (*) a scalar, or with 0
    (*).

    >>> torch.hinge_embedding_loss(torch.tensor([0.25, 0.25]), torch.tensor([1, -1]), reduction=0)
    tensor([0.2500, 0.7500])
    """
    return margin_losses.hinge_embedding_loss(input, target, margin, reduction=_named(reduction))


def kl_div(input: Any, target: Any, reduction: int = 0, *, log_target: bool = False) -> Any:
    """`nn.functional.kl_div` with a number as reduction: of (*) a scalar, or with 0 (*).

    >>> torch.kl_div(torch.tensor([0.25, 0.75]).log(), torch.tensor([0.5, 0.5]), 2)
    tensor(0.1438)
    """
    return loss.kl_div(input, target, reduction=_named(reduction), log_target=log_target)


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 0
) -> Any:
    """`nn.functional.margin_ranking_loss` with a number as reduction: of (*) a scalar, or with 0
    (*).

    >>> torch.margin_ranking_loss(torch.tensor([2.0]), torch.tensor([1.5]), torch.tensor([-1]))
    tensor([0.5000])
    """
    return margin_losses.margin_ranking_loss(
        input1, input2, target, margin, reduction=_named(reduction)
    )


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int
) -> Any:
    """`nn.functional.poisson_nll_loss` with a number as reduction: of (*) a scalar, or with 0 (*).

    >>> torch.poisson_nll_loss(torch.zeros(2), torch.tensor([2.0, 0.0]), True, False, 1e-8, 1)
    tensor(1.)
    """
    return likelihood.poisson_nll_loss(
        input, target, log_input, full, eps=eps, reduction=_named(reduction)
    )


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Any:
    """`nn.functional.triplet_margin_loss` with a number as reduction: of (N, D) a scalar, or with 0
    (N).

    >>> a, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    >>> torch.triplet_margin_loss(a, a, n, margin=6.0)
    tensor([1.0000])
    """
    return margin_losses.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=_named(reduction)
    )
