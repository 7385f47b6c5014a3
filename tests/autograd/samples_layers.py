"""Normalisation and layers that are more than a function of each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn.nn import functional as F

from .sample import S, on

NORMALIZATION = [
    S("layer_norm", lambda a: F.layer_norm(a, (3,)), (2, 3)),
    S("layer_norm-affine", lambda a, w, b: F.layer_norm(
        a, (2, 3), w, b), (2, 2, 3), (2, 3), (2, 3)),
    S("layer_norm-bias", lambda a, b: F.layer_norm(a, (3,), None, b), (2, 3), (3,)),
    S("rms_norm", lambda a, w: F.rms_norm(a, (3,), w, 0.1), (2, 3), (3,)),
    S("batch_norm", lambda a, w, b: F.batch_norm(
        a, None, None, w, b, training=True), (2, 3, 2), (3,), (3,)),
    S("batch_norm-eval", lambda a, w, b: F.batch_norm(
        a, (w * 0).detach(), (b * 0 + 2).detach(), w, b), (2, 3), (3,), (3,)),
    S("group_norm", lambda a, w, b: F.group_norm(a, 2, w, b), (2, 4, 2), (4,), (4,)),
    S("instance_norm", lambda a, w: F.instance_norm(a, weight=w), (2, 2, 3), (2,)),
    S("local_response_norm", lambda a: F.local_response_norm(a, 2), (1, 3, 2)),
]  # fmt: skip


def _seeded(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that draws, with the same draws each time."""

    def seeded(*inputs: Any) -> Any:
        torch.manual_seed(5)
        return call(*inputs)

    return seeded


NUMBERS, OFFSETS = torch.tensor([1, 0, 1, 2]), torch.tensor([0, 3])


def _bag(mode: str) -> Callable[..., Any]:
    return lambda w: F.embedding_bag(on(w, NUMBERS), w, on(w, OFFSETS), mode=mode) ** 2


STOCHASTIC = [
    S("dropout", _seeded(lambda a: F.dropout(a) * a), (3, 3)),
    S("alpha_dropout", _seeded(lambda a: F.alpha_dropout(a, training=True) * a), (3, 3)),
    S("rrelu", _seeded(lambda a: F.rrelu(a, training=True) * a), (3, 3)),
    S("gumbel_softmax", _seeded(F.gumbel_softmax), (2, 3)),
    S("hardshrink", lambda a: F.hardshrink(a) * a, (3, 3)),
    S("softshrink", lambda a: F.softshrink(a) * a, (3, 3)),
    S("tanhshrink", F.tanhshrink, (2, 3)),
]

PRODUCTS = [
    S("embedding_bag-sum", _bag("sum"), (3, 2)),
    S("embedding_bag-mean", _bag("mean"), (3, 2)),
    S("embedding_bag-max", _bag("max"), (3, 2)),
    S("bilinear", F.bilinear, (3, 2), (3, 2), (2, 2, 2)),
    S("pairwise_distance", F.pairwise_distance, (2, 3), (2, 3)),
    S("pdist", F.pdist, (3, 2)),
    S("attention", F.scaled_dot_product_attention, (2, 3), (3, 3), (3, 2)),
    S("attention-causal", lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, is_causal=True), (3, 2), (3, 2), (3, 2)),
]  # fmt: skip

LAYERS = NORMALIZATION + STOCHASTIC + PRODUCTS
