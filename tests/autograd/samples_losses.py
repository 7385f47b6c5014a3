"""Losses but for those of classes: with margins, of distributions, of alignments."""

from __future__ import annotations

import tinygrad_rnn as torch
from tinygrad_rnn.nn import functional as F

from .sample import POSITIVE, S, on

SIGNS = torch.tensor([1, -1, -1])
CLASSES = torch.tensor([2, 0, 3])
LISTED = torch.tensor([[2, 0, -1, 1], [-1, 0, 1, 2], [3, 2, 1, 0]])
LABELS = torch.tensor([[1, 1, 2], [2, 1, 0]])

MARGINS = [
    S("hinge_embedding_loss", lambda a: F.hinge_embedding_loss(a, on(a, SIGNS)), (3,)),
    S("cosine_embedding_loss", lambda a, b: F.cosine_embedding_loss(
        a, b, on(a, SIGNS), -1.5), (3, 4), (3, 4)),
    S("margin_ranking_loss", lambda a, b: F.margin_ranking_loss(
        a, b, on(a, SIGNS), 0.3) ** 2, (3,), (3,)),
    S("soft_margin_loss", F.soft_margin_loss, (2, 3), (2, 3)),
    S("soft_margin_loss-none", lambda a, t: F.soft_margin_loss(
        a, t, reduction="none"), (2, 3), (3,)),
    S("multi_margin_loss", lambda a: F.multi_margin_loss(a, on(a, CLASSES), 2), (3, 4)),
    S("multilabel_margin_loss", lambda a: F.multilabel_margin_loss(
        a, on(a, LISTED), reduction="sum") ** 2, (3, 4)),
    S("multilabel_soft_margin_loss", F.multilabel_soft_margin_loss, (3, 4), (3, 4)),
    S("triplet_margin_loss", lambda a, b, c: F.triplet_margin_loss(
        a, b, c, swap=True), (3, 4), (3, 4), (3, 4)),
]  # fmt: skip

DISTRIBUTIONS = [
    S("poisson_nll_loss", lambda a, t: F.poisson_nll_loss(a, t * 3, full=True), (4,), (4,)),
    S("gaussian_nll_loss", F.gaussian_nll_loss, (2, 3), (2, 3), (2, 1), **POSITIVE),
]

ALIGNMENTS = [
    S("ctc_loss", lambda a: F.ctc_loss(
        a.log_softmax(2), on(a, LABELS), [5, 4], [3, 2], reduction="none"), (5, 2, 4)),
    S("ctc_loss-impossible", lambda a: F.ctc_loss(
        a.log_softmax(2), on(a, LABELS), [3, 0], [3, 0], zero_infinity=True) + a.sum() ** 2,
        (3, 2, 3)),
]  # fmt: skip

WITH_REDUCTION = [
    S("mse_loss-sum", lambda a, b: F.mse_loss(a, b, reduction="sum"), (2, 3), (2, 3)),
    S("bce_with_logits-pos_weight", lambda a, t, w: F.binary_cross_entropy_with_logits(
        a, t, pos_weight=w), (2, 3), (2, 3), (3,)),
    S("bce_with_logits-none", lambda a, t: F.binary_cross_entropy_with_logits(
        a, t, reduction="none"), (2, 3), (2, 3)),
    S("nll_loss-none", lambda a: F.nll_loss(a, on(a, CLASSES), reduction="none") ** 2, (3, 4)),
    S("linear_cross_entropy", lambda a, w, b: F.linear_cross_entropy(
        a, w, on(a, CLASSES), linear_bias=b), (3, 2), (4, 2), (4,)),
]  # fmt: skip

LOSSES = MARGINS + DISTRIBUTIONS + ALIGNMENTS + WITH_REDUCTION
