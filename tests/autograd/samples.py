"""Calls of every primitive, for the gradient tests: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn.nn import functional as F

from .sample import POSITIVE, S, Sample as Sample, on
from .samples_functions import FUNCTIONS
from .samples_layers import LAYERS
from .samples_linalg import SURFACE
from .samples_losses import LOSSES
from .samples_recurrent import RECURRENT
from .samples_rules import RULES
from .samples_special import SPECIAL
from .samples_views import VIEWS
from .samples_windows import WINDOWS

CLASSES, WEIGHTS = torch.tensor([1, 2, 0]), torch.tensor([0.5, 1.0, 2.0, 1.5])
COLUMNS, ROWS = torch.tensor([2, 0, 2]), torch.tensor([1, 1])
MASK = torch.tensor([[True, False, True], [False, False, True]])
PAIRS = torch.tensor([[0, 2], [1, 0]])
INDEX = torch.tensor([[0, 2, 1], [1, 1, 0]])


def _changed(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The result of a change in place of a copy of the first input."""

    def call(x: Any, *others: Any) -> Any:
        y = x * 1
        change(y, *others)
        return y * y

    return call


def _set(y: Any, v: Any) -> None:
    y[0, 1:] = v


def _set_many(y: Any, v: Any) -> None:
    y[torch.tensor([0, 1]), torch.tensor([2, 0])] = v


ARITHMETIC = [
    S("add", lambda a, b: a + b, (2, 3), (3,)),
    S("add-alpha", lambda a, b: torch.add(a, b, alpha=2.5), (2, 3), (2, 1)),
    S("add-number", lambda a: 2 + a, (2, 3)),
    S("sub", lambda a, b: a - b, (2, 1), (1, 3)),
    S("sub-alpha", lambda a, b: torch.sub(a, b, alpha=-2), (2, 3), ()),
    S("rsub", lambda a: 1 - a, (2,)),
    S("mul", lambda a, b: a * b, (2, 3), (3,)),
    S("mul-itself", lambda a: a * a, (2, 3)),
    S("div", lambda a, b: a / b, (2, 3), (3,), **POSITIVE),
    S("div-number", lambda a: 3 / a, (2, 3), **POSITIVE),
    S("floor-divide", lambda a, b: a * (a // b), (3,), (3,), **POSITIVE),
    S("remainder", lambda a, b: a % b, (4,), (4,), **POSITIVE),
    S("fmod", lambda a, b: torch.fmod(a, b), (4,), (4,), **POSITIVE),
    S("pow", lambda a, b: a**b, (2, 3), (3,), **POSITIVE),
    S("pow-number", lambda a: a**3, (2, 3)),
    S("pow-base", lambda a: 2.5**a, (2, 3)),
    S("neg", lambda a: -a * a, (2,)),
    S("positive", lambda a: +a, (2,)),
    S("abs", lambda a: a.abs() * a, (2, 3)),
    S("sign", lambda a: a.sign() * a * a, (3,)),
    S("floor", lambda a: (a * 9).floor() * a, (3,)),
    S("ceil", lambda a: (a * 9).ceil() * a, (3,)),
    S("trunc", lambda a: (a * 9).trunc() * a, (3,)),
    S("round", lambda a: (a * 9).round() * a, (3,)),
    S("frac", lambda a: (a * 9).frac() * a, (3,)),
    S("lerp", lambda a, b, w: torch.lerp(a, b, w), (3,), (3,), (3,)),
    S("addcmul", lambda a, b, c: torch.addcmul(a, b, c, value=2), (3,), (3,), (3,)),
    S("addcdiv", lambda a, b, c: torch.addcdiv(a, b, c, value=2), (3,), (3,), (3,), **POSITIVE),
]

ELEMENTWISE = [
    S("exp", torch.exp, (2, 3)),
    S("exp2", torch.exp2, (2, 3)),
    S("expm1", torch.expm1, (2, 3)),
    S("log", torch.log, (2, 3), **POSITIVE),
    S("log2", torch.log2, (2, 3), **POSITIVE),
    S("log10", torch.log10, (2, 3), **POSITIVE),
    S("log1p", torch.log1p, (2, 3), **POSITIVE),
    S("sqrt", torch.sqrt, (2, 3), **POSITIVE),
    S("rsqrt", torch.rsqrt, (2, 3), **POSITIVE),
    S("square", torch.square, (2, 3)),
    S("reciprocal", torch.reciprocal, (2, 3), **POSITIVE),
    S("logaddexp", torch.logaddexp, (2, 3), (3,)),
    S("sin", torch.sin, (2, 3)),
    S("cos", torch.cos, (2, 3)),
    S("tan", torch.tan, (2, 3)),
    S("asin", torch.asin, (2, 3), low=-0.8, high=0.8),
    S("acos", torch.acos, (2, 3), low=-0.8, high=0.8),
    S("atan", torch.atan, (2, 3)),
    S("atan2", torch.atan2, (2, 3), (3,), **POSITIVE),
    S("sinh", torch.sinh, (2, 3)),
    S("cosh", torch.cosh, (2, 3)),
    S("tanh", torch.tanh, (2, 3)),
    S("asinh", torch.asinh, (2, 3)),
    S("acosh", torch.acosh, (2, 3), low=1.2, high=3.0),
    S("atanh", torch.atanh, (2, 3), low=-0.8, high=0.8),
    S("sigmoid", torch.sigmoid, (2, 3)),
    S("relu", lambda a: torch.relu(a) * a, (2, 3)),
    S("hypot", torch.hypot, (2, 3), (3,), **POSITIVE),
]

CHOICE = [
    S("where", lambda a, b: torch.where(on(a, MASK), a * a, b), (2, 3), (3,)),
    S("maximum", lambda a, b: torch.maximum(a, b) ** 2, (2, 3), (2, 3)),
    S("minimum", lambda a, b: torch.minimum(a, b) ** 2, (2, 3), (2, 3)),
    S("clamp", lambda a: a.clamp(-0.5, 0.5) * a, (2, 3)),
    S("clamp-tensors", lambda a, b: torch.clamp(a, b, b + 0.3), (2, 3), (3,)),
    S("nan_to_num", lambda a: torch.nan_to_num(a) * a, (3,)),
    S("masked_fill", lambda a: a.masked_fill(on(a, MASK), 2.0) * a, (2, 3)),
    S("masked_select", lambda a: a.masked_select(on(a, MASK)) ** 2, (2, 3)),
]

REDUCTION = [
    S("sum", lambda a: a.sum() ** 2, (2, 3)),
    S("sum-dim", lambda a: a.sum((0, 2)) ** 2, (2, 3, 2)),
    S("sum-keepdim", lambda a: a.sum(1, keepdim=True) * a, (2, 3)),
    S("mean", lambda a: a.mean(-1) ** 2, (2, 3)),
    S("var", lambda a: a.var(1), (2, 3)),
    S("std", lambda a: a.std(0, keepdim=True) * a, (3, 2)),
    S("prod", lambda a: a.prod(), (2, 3)),
    S("prod-dim", lambda a: a.prod(1), (2, 3)),
    S("prod-with-zero", lambda a: torch.cat([a, a[:1] * 0]).prod(), (3,)),
    S("cumprod", lambda a: a.cumprod(1), (2, 3)),
    S("cumsum", lambda a: a.cumsum(0) ** 2, (3, 2)),
    S("logsumexp", lambda a: a.logsumexp(1), (2, 3)),
    S("logsumexp-keepdim", lambda a: a.logsumexp((0, 1), keepdim=True) * a, (2, 3)),
    S("softmax", lambda a: a.softmax(1), (2, 3)),
    S("log_softmax", lambda a: a.log_softmax(0), (2, 3)),
    S("norm", lambda a: a.norm(), (2, 3)),
    S("norm-3", lambda a: a.norm(3, 1), (2, 3), **POSITIVE),
    S("norm-inf", lambda a: a.norm(float("inf"), 1) ** 2, (2, 3)),
    S("norm-minus-inf", lambda a: a.norm(-float("inf"), 1) ** 2, (2, 3)),
]

ORDER = [
    S("amax", lambda a: a.amax(1) ** 2, (2, 3)),
    S("amin", lambda a: a.amin((0, 1)) ** 2, (2, 3)),
    S("max", lambda a: a.max() ** 2, (2, 3)),
    S("max-dim", lambda a: a.max(1).values ** 2, (2, 3)),
    S("min-dim", lambda a: a.min(0, keepdim=True)[0] ** 2, (2, 3)),
    S("sort", lambda a: a.sort(descending=True).values ** 2, (2, 3)),
    S("topk", lambda a: a.topk(2).values ** 2, (2, 3)),
    S("kthvalue", lambda a: a.kthvalue(2)[0] ** 2, (2, 3)),
    S("median", lambda a: a.median() ** 2, (5,)),
]

SHAPE = [
    S("reshape", lambda a: a.reshape(3, 2) ** 2, (2, 3)),
    S("view", lambda a: a.view(-1) ** 2, (2, 3)),
    S("permute", lambda a: a.permute(2, 0, 1) ** 2, (2, 3, 2)),
    S("transpose", lambda a: a.transpose(0, 1) ** 2, (2, 3)),
    S("expand", lambda a: a.expand(4, 2, 3) ** 2, (2, 1)),
    S("squeeze", lambda a: a.squeeze() ** 2, (2, 1, 3)),
    S("diagonal", lambda a: a.diagonal(1) ** 2, (3, 4)),
    S("diag", lambda a: a.diag(-1) ** 2, (3,)),
    S("cat", lambda a, b: torch.cat([a, b], 1) ** 2, (2, 3), (2, 1)),
    S("stack", lambda a, b: torch.stack([a, b], 1) ** 2, (2, 3), (2, 3)),
    S("split", lambda a: [part**2 for part in a.split([1, 2], 1)], (2, 3)),
    S("split-one-used", lambda a: a.split(2)[1] ** 2, (5, 2)),
    S("unbind", lambda a: [part**2 for part in a.unbind(1)], (2, 3)),
    S("unbind-one-used", lambda a: a.unbind(0)[1] ** 2, (3, 2)),
    S("select", lambda a: a.select(1, -1) ** 2, (2, 3)),
    S("narrow", lambda a: a.narrow(1, 1, 2) ** 2, (2, 3)),
    S("flip", lambda a: a.flip(0, 1) ** 2, (2, 3)),
    S("roll", lambda a: a.roll((1, 2), (0, 1)) ** 2, (2, 3)),
    S("tril", lambda a: a.tril() ** 2, (3, 3)),
    S("repeat", lambda a: a.repeat(2, 1, 2) ** 2, (2, 3)),
    S("clone", lambda a: a.clone() ** 2, (2,)),
]

INDEXING = [
    S("getitem", lambda a: a[1, :2] ** 2, (2, 3)),
    S("getitem-array", lambda a: a[torch.tensor([0, 1, 1]), 1:] ** 2, (2, 3)),
    S("getitem-mask", lambda a: a[on(a, MASK)] ** 2, (2, 3)),
    S("gather", lambda a: a.gather(1, on(a, INDEX)) ** 2, (2, 3)),
    S("scatter", lambda a, b: a.scatter(1, on(a, PAIRS), b) ** 2, (2, 3), (2, 2)),
    S("scatter-number", lambda a: a.scatter(1, on(a, INDEX), 2.0) ** 2, (2, 3)),
    S("scatter_add", lambda a, b: a.scatter_add(1, on(a, INDEX), b) ** 2, (2, 3), (2, 3)),
    S("scatter_add-part", lambda a, b: a.scatter_add(1, on(a, INDEX[:1]), b) ** 2, (2, 3), (2, 3)),
    S("take_along_dim", lambda a: torch.take_along_dim(a, on(a, INDEX[:1]), 0) ** 2, (3, 3)),
    S("index_select", lambda a: a.index_select(1, on(a, COLUMNS)) ** 2, (2, 3)),
    S("index_add", lambda a, b: a.index_add(0, on(a, ROWS), b) ** 2, (2, 3), (2, 3)),
    S("index_put", lambda a, b: a.index_put((torch.tensor([1]),), b) ** 2, (2, 3), (3,)),
    S("index_put-number", lambda a: a.index_put((torch.tensor([1]),), 2.0) ** 2, (2, 3)),
]

LINALG = [
    S("matmul", lambda a, b: a @ b, (2, 3), (3, 4)),
    S("matmul-vector", lambda a, b: a @ b, (2, 3), (3,)),
    S("matmul-batches", lambda a, b: a @ b, (2, 1, 2, 3), (4, 3, 2)),
    S("matmul-flat", lambda a, b: a @ b, (2, 2, 3), (3, 2)),
    S("dot", torch.dot, (3,), (3,)),
    S("outer", torch.outer, (2,), (3,)),
    S("addmm", lambda a, b, c: torch.addmm(a, b, c, beta=2, alpha=0.5), (2,), (2, 3), (3, 2)),
    S("linear", F.linear, (2, 3), (4, 3), (4,)),
    S("linear-steps", F.linear, (2, 2, 3), (4, 3)),
    S("linear-vector", F.linear, (3,), (4, 3), (4,)),
    S("tensordot", lambda a, b: torch.tensordot(a, b, 2), (2, 3, 2), (3, 2, 4)),
    S("einsum", lambda a, b: torch.einsum("bij,bjk->ik", a, b), (2, 2, 3), (2, 3, 2)),
    S("einsum-diagonal", lambda a: torch.einsum("ii->i", a) ** 2, (3, 3)),
    S("einsum-sum", lambda a, b: torch.einsum("ij,k->k", a, b), (2, 3), (2,)),
]

ACTIVATION = [
    S("elu", lambda a: F.elu(a, 1.3), (2, 3)),
    S("selu", F.selu, (2, 3)),
    S("celu", lambda a: F.celu(a, 1.7), (2, 3)),
    S("gelu", F.gelu, (2, 3)),
    S("gelu-tanh", lambda a: F.gelu(a, approximate="tanh"), (2, 3)),
    S("erf", torch.erf, (2, 3)),
    S("silu", F.silu, (2, 3)),
    S("mish", F.mish, (2, 3)),
    S("leaky_relu", lambda a: F.leaky_relu(a, 0.2) * a, (2, 3)),
    S("prelu", lambda a, w: F.prelu(a, w), (2, 3), (3,)),
    S("hardtanh", lambda a: F.hardtanh(a, -0.5, 0.4) * a, (2, 3)),
    S("hardsigmoid", lambda a: F.hardsigmoid(a * 6) * a, (2, 3)),
    S("hardswish", lambda a: F.hardswish(a * 6) * a, (2, 3)),
    S("threshold", lambda a: F.threshold(a, 0.1, 2.0) * a, (2, 3)),
    S("softplus", lambda a: F.softplus(a, 2.0), (2, 3)),
    S("softsign", F.softsign, (2, 3)),
    S("logsigmoid", F.logsigmoid, (2, 3)),
    S("glu", lambda a: F.glu(a, 1), (2, 4)),
]

LOSS = [
    S("cross_entropy", lambda a: F.cross_entropy(a, on(a, CLASSES)), (3, 4)),
    S("cross_entropy-sum", lambda a: F.cross_entropy(a, on(a, CLASSES), reduction="sum"), (3, 4)),
    S("cross_entropy-smooth", lambda a: F.cross_entropy(
        a, on(a, CLASSES), ignore_index=2, label_smoothing=0.2), (3, 4)),
    S("cross_entropy-weight", lambda a: F.cross_entropy(
        a, on(a, CLASSES), weight=on(a, WEIGHTS.to(a.dtype)), reduction="none"), (3, 4)),
    S("cross_entropy-probabilities", lambda a, t: F.cross_entropy(a, t.softmax(1)), (3, 4), (3, 4)),
    S("cross_entropy-pixels", lambda a: F.cross_entropy(a, on(a, CLASSES[None])), (1, 4, 3)),
    S("nll_loss", lambda a: F.nll_loss(a.log_softmax(1), on(a, CLASSES)), (3, 4)),
    S("mse_loss", F.mse_loss, (2, 3), (2, 3)),
    S("l1_loss", F.l1_loss, (2, 3), (2, 3)),
    S("huber_loss", lambda a, b: F.huber_loss(a, b, delta=0.4), (2, 3), (2, 3)),
    S("smooth_l1_loss", lambda a, b: F.smooth_l1_loss(a, b, beta=0.4), (2, 3), (2, 3)),
    S("binary_cross_entropy", F.binary_cross_entropy, (2, 3), (2, 3), low=0.2, high=0.8),
    S("bce_with_logits", F.binary_cross_entropy_with_logits, (2, 3), (2, 3)),
    S("kl_div", lambda a, b: F.kl_div(a, b, reduction="sum"), (2, 3), (2, 3), **POSITIVE),
    S("xlogy", torch.xlogy, (3,), (3,), **POSITIVE),
    S("embedding", lambda w: F.embedding(on(w, INDEX), w) ** 2, (3, 2)),
    S("embedding-padding", lambda w: F.embedding(
        on(w, INDEX[0, :2]), w, padding_idx=1) ** 2, (3, 2)),
    S("pad", lambda a: F.pad(a, (1, 2, 0, 1)) ** 2, (2, 3)),
]  # fmt: skip

IN_PLACE = [
    S("mul_", _changed(lambda y, b: y.mul_(b)), (2, 3), (3,)),
    S("exp_", _changed(lambda y: y.exp_()), (2, 3)),
    S("setitem", _changed(_set), (2, 3), (2,)),
    S("setitem-array", _changed(_set_many), (2, 3), (2,)),
    S("view-mul_", _changed(lambda y: y[0].mul_(3)), (2, 3)),
    S("view-of-view", _changed(lambda y, b: y.t()[1:].add_(b)), (2, 3), (2, 2)),
    S("fill_", _changed(lambda y, b: y[1].fill_(b)), (2, 3), ()),
    S("copy_", _changed(lambda y, b: y[1].copy_(b)), (2, 3), (3,)),
]

SAMPLES = (
    ARITHMETIC
    + ELEMENTWISE
    + CHOICE
    + REDUCTION
    + ORDER
    + SHAPE
    + INDEXING
    + LINALG
    + ACTIVATION
    + LOSS
    + IN_PLACE
    + LAYERS
    + LOSSES
    + WINDOWS
    + SURFACE
    + RECURRENT
    + RULES
    + SPECIAL
    + VIEWS
    + FUNCTIONS
)
