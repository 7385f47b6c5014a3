"""Samples for parts of gradient rules that simpler ones do not reach: broadcast values, single
elements, parts that nobody uses, derivatives of third order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.ops.classification import _pick
from tinygrad_rnn.ops.standardization import normalize

from .sample import POSITIVE, S, on

CLASSES = torch.tensor([1, 2, 0])
LABELS = torch.tensor([[1, 2], [2, 0], [0, 0], [1, 0]])
STEPS = torch.tensor([1, 0, 2])
PLACES = torch.tensor([[0, 2, 0], [1, 1, 2]])


def _with_slope(call: Callable[..., Any]) -> Callable[..., Any]:
    """A result and its gradient with respect to the first input, so that a check of second order
    is one of third order, and both meet in one graph."""

    def both(x: Any, *others: Any) -> Any:
        y = call(x, *others)
        weights = on(y, torch.arange(1.0, y.numel() + 1).cos().reshape(y.shape).to(y.dtype))
        (g,) = torch.autograd.grad((y * weights).sum(), x, create_graph=True)
        return y, g * g

    return both


def _assigned(*index: Any) -> Callable[..., Any]:
    def call(x: Any, value: Any) -> Any:
        y = x * 1
        y[index] = value
        return y * y

    return call


def _lstm(x: Any) -> Any:
    """A wide one, of which only the input has a gradient."""
    weights = [
        on(x, torch.arange(float(80 * n)).cos().reshape(80, n)).to(x.dtype) * 0.3 for n in (2, 20)
    ]
    layer = nn.LSTM(2, 20, bias=False)
    for name, weight in zip([*layer.state_dict()], weights, strict=True):
        delattr(layer, name)
        setattr(layer, name, weight)
    return layer(x)[0]


def _all(x: Any, w: Any, b: Any) -> Any:
    return normalize(x, w, b, dims=(1, 2), eps=0.1)


def _part_of_svd(x: Any) -> tuple[Any, ...]:
    """What is certain of all singular vectors: the first ones, up to their sign."""
    u, s, v = torch.linalg.svd(x)
    count = s.shape[0]
    return u[:, :count].abs(), s, v[:count].abs()


def _distinct(x: Any) -> Any:
    return x + on(x, 3.0 * x.new_ones(x.shape).cumsum(-1)) * 1.5


PARTS = [
    S("setitem-repeated", _assigned(0), (2, 3), (1,)),
    S("setitem-number", _assigned(slice(None), 1), (2, 3), ()),
    S("setitem-more-dimensions", _assigned(0), (2, 3), (1, 1, 3)),
    S("setitem-both", _assigned(slice(1, None)), (3, 3), (1, 1, 1, 3)),
    S("index_put-more-dimensions", lambda a, b: a.index_put(
        (torch.tensor([1]),), b) ** 2, (2, 3), (1, 1, 3)),
    S("unbind-one-of-three", lambda a: a.unbind(1)[1] ** 2, (2, 3, 4)),
    S("split-one-of-three", lambda a: a.split(2, 1)[1] ** 2, (2, 5, 3)),
    S("scatter-smaller", lambda a, b: a.scatter(1, on(a, PLACES[:1, 1:]), b) ** 2, (2, 3), (2, 3)),
    S("nextafter-both", torch.nextafter, (3,), (3,)),
    S("pick", lambda a: _pick(a, on(a, CLASSES)) ** 3, (3, 4)),
    S("conv2d-dilated", lambda x, w: F.conv2d(x, w, dilation=(2, 3)), (1, 1, 5, 6), (1, 1, 2, 2)),
    S("LSTM-first-state-constant", _lstm, (2, 2, 2)),
    S("roll-flat", lambda a: a.roll(1) * a, (2, 3)),
    S("mean-of-one", lambda a: a.mean(1) ** 2, (3, 1)),
    S("mse_loss-of-one", lambda a, b: F.mse_loss(a, b), (1,), (1,)),
    S("var-of-four", lambda a: a.var((0, 1)), (2, 3)),
    S("normalize-all", _all, (2, 3, 2), (3, 1), (3, 1)),
    S("normalize-one", lambda a: normalize(a, None, None, dims=(1,), eps=0.1), (3, 1)),
    S("normalize-mean", lambda a: normalize(a, None, None, dims=(0,), eps=0.1)[1] ** 2, (3, 2)),
    S("normalize-variance", lambda a: normalize(a, None, None, dims=(0,), eps=0.1)[2], (3, 2)),
    S("conv3d-uneven", lambda x, w: F.conv3d(
        x, w, stride=(1, 2, 1), padding=(1, 0, 2), dilation=(1, 1, 2)),
        (1, 2, 2, 3, 4), (1, 2, 1, 2, 3)),
    S("matmul-of-a-broadcast-batch", lambda a, b: a @ b, (3, 1, 2, 4), (2, 4, 3)),
    S("prod-at-zero", lambda a: (a + on(a, STEPS).to(a.dtype)).prod(), (3,), low=0, high=0),
    S("cumprod-at-zero", lambda a: (a + on(a, STEPS).to(a.dtype)).cumprod(0), (3,), low=0, high=0),
    S("ctc_loss-short", lambda a: F.ctc_loss(
        a.log_softmax(2), on(a, LABELS), (4, 1, 3, 2), (2, 1, 0, 1), reduction="none"), (4, 4, 3)),
    S("rotated-einsum", lambda a, b: torch.einsum("abc,ca->b", a, b), (2, 3, 4), (4, 2)),
]  # fmt: skip

SLOPES = [
    S("cross_entropy-slope", _with_slope(lambda a: F.cross_entropy(a, on(a, CLASSES))), (3, 4)),
    S("nll_loss-slope", _with_slope(lambda a: F.nll_loss(
        a.log_softmax(1), on(a, CLASSES), reduction="none")), (3, 4)),
    S("max_pool1d-slope", _with_slope(lambda x: F.max_pool1d(_distinct(x), 2) ** 3), (1, 4)),
    S("softmax-slope", _with_slope(lambda a: a.softmax(1)), (2, 3)),
    S("layer_norm-slope", _with_slope(lambda a, w: F.layer_norm(a, (3,), w)), (2, 3), (3,)),
    S("tanh-slope", _with_slope(torch.tanh), (3,)),
    S("matmul-slope", _with_slope(lambda a, b: (a @ b) ** 3), (2, 3), (3, 2)),
    S("embedding-slope", _with_slope(lambda w: F.embedding(on(w, PLACES), w) ** 3), (3, 2)),
    S("getitem-slope", _with_slope(lambda a: a[torch.tensor([0, 1, 1]), 1:] ** 3), (2, 3)),
    S("cumprod-slope", _with_slope(lambda a: a.cumprod(0)), (3,), **POSITIVE),
]  # fmt: skip

MATRICES = [
    S("svd-tall", lambda a: torch.linalg.svd(a, full_matrices=False)[0].abs(), (4, 2)),
    S("svd-wide", lambda a: torch.linalg.svd(a, full_matrices=False)[2].abs(), (2, 4)),
    S("svd-full", _part_of_svd, (4, 2)),
    S("svd-full-wide", _part_of_svd, (2, 4)),
    S("svd-batch", lambda a: torch.linalg.svd(a, full_matrices=False)[0].abs(), (2, 3, 2)),
    S("svd-values", lambda a: torch.linalg.svdvals(a), (3, 2)),
    S("eigvalsh", lambda a: torch.linalg.eigvalsh(a + a.t()), (3, 3)),
    S("eigh-vectors", lambda a: torch.linalg.eigh(a + a.t())[1].abs(), (3, 3)),
    S("qr-tall", lambda a: torch.linalg.qr(a)[0], (4, 2)),
    S("qr-batch", lambda a: torch.linalg.qr(a)[0], (3, 4, 2)),
    S("qr-triangle", lambda a: torch.linalg.qr(a)[1], (3, 3)),
    S("det-of-two", lambda a: torch.linalg.det(a), (2, 3, 3)),
    *(
        S(f"polygamma-{n}-negative", lambda a, n=n: torch.polygamma(n, a * 0.2 - 1.4) / 9**n, (3,))
        for n in (1, 2, 3)
    ),
    S("digamma-negative", lambda a: torch.digamma(a * 0.2 - 0.5), (3,)),
]

RULES = PARTS + SLOPES + [replace(sample, half=False) for sample in MATRICES]
