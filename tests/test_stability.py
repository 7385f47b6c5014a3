"""The edges of the floating numbers: results and gradients are PyTorch's for 0, subnormal, huge,
infinite and missing numbers and for nothing at all, in float16, float32 and float64."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as tg

from .both import t as t
from .nn.side_by_side import pytorch

inf, nan = math.inf, math.nan

DTYPES = ("float16", "float32", "float64")
SUBNORMAL = {"float16": 6e-8, "float32": 1e-40, "float64": 1e-310}
HUGE = {"float16": 6e4, "float32": 1e30, "float64": 1e30}
CLOSE = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-10}  # relative
# Below this a number may be all rounding: of a sum that would be 0, or of a subnormal number
NOTHING = {"float16": 3e-3, "float32": 5e-6, "float64": 1e-14}


def edges(dtype: str) -> list[float]:
    tiny, huge = SUBNORMAL[dtype], HUGE[dtype]
    ordinary = [1e-4, 0.5, -1.0, 2.0, -17.0, 95.0, 1e4, -1e4]
    return [0.0, -0.0, tiny, -tiny, *ordinary, huge, -huge, inf, -inf, nan]


def line(dtype: str) -> list[np.ndarray]:
    return [np.array(edges(dtype), dtype)]


def pairs(dtype: str) -> list[np.ndarray]:
    """Each with each."""
    both = np.array(list(itertools.product(edges(dtype), repeat=2)), dtype)
    return [both[:, 0].copy(), both[:, 1].copy()]


def rows(dtype: str) -> list[np.ndarray]:
    """Each with each and an ordinary number."""
    a, b = pairs(dtype)
    return [np.stack([a, b, np.full_like(a, 0.5)], 1)]


def outcome(lib: Any, call: Callable[..., Any], arrays: list[np.ndarray]) -> list[Any]:
    """The result and the gradients of its elements' sum with weights; or the kind of the error."""
    inputs = [lib.tensor(a, requires_grad=True) for a in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of both: how they warn is tested elsewhere
        try:
            y = call(lib, *inputs)
        except (RuntimeError, ValueError, IndexError) as error:
            return [type(error)]
        found = [y]
        if y.requires_grad:
            weights = np.resize([0.5, -1.0, 2.0, 1.5], tuple(y.shape)).astype(str(y.dtype)[6:])
            found += lib.autograd.grad(y, inputs, lib.tensor(weights), allow_unused=True)
    return [None if part is None else part.detach().numpy(force=True) for part in found]


def functional(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda t, *x: getattr(t.nn.functional, name)(*x, *args, **options)


def function(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda t, *x: getattr(t, name)(*x, *args, **options)


def norm(p: float) -> Callable[..., Any]:
    return lambda t, x: t.linalg.vector_norm(x, p, 1)


def targets(t: Any, x: Any) -> Any:
    return t.zeros(len(x), dtype=t.int64)


def in_unit_interval(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda t, x: call(t, x[(x >= 0) & (x <= 1)])


ELEMENTWISE = {
    **{name: function(name) for name in (
        "sigmoid", "tanh", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt",
        "rsqrt", "reciprocal", "square", "abs", "sin", "cos", "atan", "sinh", "cosh", "asinh",
        "acosh", "atanh", "asin", "acos", "erf", "erfc", "logit", "sign", "relu", "nan_to_num",
        "lgamma")},
    **{name: functional(name) for name in (
        "logsigmoid", "softplus", "gelu", "silu", "elu", "selu", "celu", "mish", "softsign",
        "hardtanh", "relu6", "hardsigmoid", "hardswish", "leaky_relu", "tanhshrink", "softshrink",
        "hardshrink")},
    "gelu-tanh": functional("gelu", approximate="tanh"),
    "softplus-beta": functional("softplus", 2.0, 5.0),
    "clamp": function("clamp", -1, 1),
    **{f"pow {p}": lambda t, x, p=p: x**p for p in (0, 1, 2, 3, -1, -2, 0.5, 1.5)},
    "base 2": lambda t, x: 2.0**x,
    "base 0": lambda t, x: 0.0**x,
    **{f"bce {y}": in_unit_interval(lambda t, x, y=y: t.nn.functional.binary_cross_entropy(
        x, t.full_like(x, y), reduction="none")) for y in (0.0, 0.3, 1.0)},
    "multilabel_soft_margin_loss": lambda t, x: t.nn.functional.multilabel_soft_margin_loss(
        x[:, None], t.ones_like(x)[:, None], reduction="none"),
}  # fmt: skip

OF_TWO = {
    **{name: function(name) for name in (
        "add", "sub", "mul", "div", "pow", "atan2", "hypot", "logaddexp", "maximum", "minimum",
        "fmax", "fmin", "xlogy", "copysign")},
    **{name: functional(name, reduction="none") for name in (
        "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss",
        "binary_cross_entropy_with_logits")},
    "bce pos_weight": lambda t, x, y: t.nn.functional.binary_cross_entropy_with_logits(
        x, y, reduction="none", pos_weight=t.full((1,), 3.0, dtype=x.dtype)),
}  # fmt: skip

OF_ROWS = {
    **{name: function(name, 1) for name in (
        "softmax", "log_softmax", "logsumexp", "sum", "mean", "prod", "var", "std", "amax", "amin",
        "cumsum", "nansum", "nanmean", "argmax")},
    **{f"norm {p}": norm(p) for p in (0, 0.5, 1, 1.5, 2, 2.5, 3, inf, -inf, -1, -2)},
    "var biased": lambda t, x: x.var(1, correction=0),
    "std biased": lambda t, x: x.std(1, correction=0),
    "normalize": functional("normalize", dim=1),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, (3,)),
    "rms_norm": lambda t, x: t.nn.functional.rms_norm(x, (3,)),
    "batch_norm": lambda t, x: t.nn.functional.batch_norm(x.t(), None, None, training=True),
    "cross_entropy": lambda t, x: t.nn.functional.cross_entropy(
        x, targets(t, x), reduction="none"),
    "cross_entropy sum": lambda t, x: t.nn.functional.cross_entropy(
        x.clamp(-100, 100), targets(t, x), reduction="sum"),
    "cross_entropy smooth": lambda t, x: t.nn.functional.cross_entropy(
        x, targets(t, x), reduction="none", label_smoothing=0.1),
    "cross_entropy probabilities": lambda t, x: t.nn.functional.cross_entropy(
        x, t.full_like(x, 1 / 3), reduction="none"),
    "nll_loss": lambda t, x: t.nn.functional.nll_loss(x, targets(t, x), reduction="none"),
    "cosine_similarity": lambda t, x: t.nn.functional.cosine_similarity(x, x.flip(1), dim=1),
    "pairwise_distance": lambda t, x: t.nn.functional.pairwise_distance(x, x.flip(1)),
    **{f"cdist {p}": lambda t, x, p=p: t.cdist(x[:, None], x.flip(1)[:, None], p)
       for p in (0.5, 2, 3)},
    "renorm": lambda t, x: t.renorm(x, 2, 0, 1.0),
    "attention": lambda t, x: t.nn.functional.scaled_dot_product_attention(
        x[:, None], x[:, None], x[:, None]),
    "glu": lambda t, x: t.nn.functional.glu(x[:, :2], 1),
}  # fmt: skip

EMPTY = {
    **{name: function(name, 1) for name in (
        "softmax", "log_softmax", "logsumexp", "sum", "mean", "prod", "var", "std", "amax",
        "cumsum")},
    **{f"norm {p}": norm(p) for p in (0.5, 1, 2, 3, inf, -inf, -1, -2)},
    "normalize": functional("normalize", dim=1),
    "cross_entropy": OF_ROWS["cross_entropy"],
    "cosine_similarity": OF_ROWS["cosine_similarity"],
    "attention": OF_ROWS["attention"],
    "cdist": lambda t, x: t.cdist(x, x, inf),
    "mse_loss": lambda t, x: t.nn.functional.mse_loss(x, x * 2),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, tuple(x.shape[1:])),
}  # fmt: skip


def _rows_with(which: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.broadcast_to(which(x).any(1, keepdims=True), x.shape)


# Where PyTorch's number is wrong, or hides a nan: places among the inputs
BETTER: dict[str, Callable[..., np.ndarray]] = {
    "gelu result": lambda x: x == inf,  # inf; nan in some of PyTorch's dtypes
    "gelu-tanh gradient": lambda x: abs(x) >= HUGE["float16"],  # 1 and 0; inf * 0 is nan
    "logit gradient": lambda x: x == 0,  # of -0.0: inf, not -inf
    "pow 0.5 gradient": lambda x: (x == 0) | (x == -inf),  # the sign at -0.0
    "hardsigmoid gradient": lambda x: abs(x) < 3,  # 1 / 6 in the dtype, not in float32
    "hypot gradient": lambda x, y: abs(abs(x) + abs(y) - 3e4) > 2.9999e4,  # of float16 only
    "cross_entropy smooth result": lambda x: (abs(x) >= 6e4).any(1),
    "bce 0.3 gradient": lambda x: abs(x) < 1e-12,  # that is in the dtype, not in float32
    "bce 1.0 gradient": lambda x: abs(x) < 1e-12,
    "amax gradient": _rows_with(np.isnan),  # as of max(): all goes to the nan, not nan to all
    "amin gradient": _rows_with(np.isnan),
    "renorm gradient": _rows_with(lambda x: ~np.isfinite(x)),
    "layer_norm result": _rows_with(lambda x: abs(x) >= 1e30),  # nan where squares do not fit
    "layer_norm gradient": lambda x: BETTER["layer_norm result"](x),
    "batch_norm result": lambda x: BETTER["layer_norm result"](x).T,
    "batch_norm gradient": lambda x: BETTER["layer_norm result"](x),
}
BETTER |= {f"norm {p} gradient": lambda x: x == 0 for p in (0.5, 1.5, -1, -2)}  # is 0 there
# PyTorch in float16 overflows, or is mostly rounding: here it is float32, rounded at the end
IN_FLOAT32 = (
    "mse_loss", "prod", "nanmean", "layer_norm", "batch_norm", "pairwise_distance", "renorm",
    "pow 1.5",
    *(name for name in OF_ROWS if name.startswith(("norm ", "cdist"))),
)  # fmt: skip


def agree(name: str, call: Callable[..., Any], arrays: list[np.ndarray]) -> None:
    ours, theirs = outcome(tg, call, arrays), None
    dtype = str(arrays[0].dtype)
    if dtype == "float16" and name in IN_FLOAT32:
        theirs = outcome(pytorch(), call, [a.astype("float32") for a in arrays])
        with np.errstate(over="ignore"):
            theirs = [b if b is None else b.astype(dtype) for b in theirs]
    else:
        theirs = outcome(pytorch(), call, arrays)
    for part, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        what = f"{name} {'gradient' if part else 'result'}"
        if b is None:  # for a gradient of 0
            b = np.where(np.isfinite(a), 0, a)
        if not isinstance(b, np.ndarray):
            assert type(a) is type(b) and a == b, f"{what}: {a!r}, not {b!r}"
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype), what
        limits = (CLOSE[dtype], NOTHING[dtype]) if b.dtype.kind == "f" else (0, 0)
        wrong = ~np.isclose(a.astype(float), b.astype(float), *limits, equal_nan=True)
        if what in BETTER:
            wrong &= ~BETTER[what](*[x.astype(float) for x in arrays])
        places = [(*place,)[: a.ndim] for place in np.argwhere(np.atleast_1d(wrong)).tolist()]
        found = [f"{[x[i[:1]] for x in arrays]} {i[1:]}: {a[i]}, not {b[i]}" for i in places]
        assert not found, f"{what}: {len(found)}: {found[:4]}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_of_one(name, dtype):
    agree(name, ELEMENTWISE[name], line(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO)
def test_of_two(name, dtype):
    agree(name, OF_TWO[name], pairs(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_ROWS)
def test_of_rows(name, dtype):
    agree(name, OF_ROWS[name], rows(dtype))


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0)])
@pytest.mark.parametrize("name", EMPTY)
def test_of_nothing(name, shape):
    agree(name, EMPTY[name], [np.zeros(shape, "float32")])


# ----- reductions of float16, in which the partial results do not fit -----


def places(t: Any, *shape: int) -> Any:
    return t.zeros(*shape, dtype=t.int64)


def of_two(t: Any, x: Any) -> Any:
    """Two variables, the other one far from 0 (in numbers that float16 has)."""
    one, other = (t.arange(n).repeat(1024 // n).to(x) for n in (2, 4))
    return t.stack([x * 128 * one, x * 6e4 + other * 64])


MANY = {
    "sum": lambda t, x: (x * t.tensor([6e4, -6e4]).repeat(512).to(x)).sum(),
    "mean": lambda t, x: (x * 6e4).mean(),
    "norm": lambda t, x: (x * 100).norm(),
    "var": lambda t, x: (x * 200 * t.arange(2).repeat(512).to(x)).var(),
    "softmax": lambda t, x: x.softmax(0).sum(),
    "logsumexp": lambda t, x: x.logsumexp(0),
    "cross_entropy": lambda t, x: t.nn.functional.cross_entropy(
        (x * 6e4)[:, None] * t.tensor([0.0, 1.0]).to(x), t.zeros(1024, dtype=t.int64)),
    "mse_loss": lambda t, x: t.nn.functional.mse_loss(x * 200, x * 0),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(
        x * 6e4 * t.arange(2).repeat(512).to(x), (1024,)).abs().sum(),
    "nanmean": lambda t, x: (x * 6e4).nanmean(),
    "scatter mean": lambda t, x: x.new_zeros(1).scatter_reduce(
        0, places(t, 1024), x * 6e4, "mean", include_self=False).sum(),
    "scatter prod": lambda t, x: x.new_ones(1).scatter_reduce(
        0, places(t, 4), x[:4] * t.tensor([300, 300, 0.01, 0.01]).to(x), "prod").sum(),
    "cov": lambda t, x: t.cov(of_two(t, x)).sum(),
    "corrcoef": lambda t, x: t.corrcoef(of_two(t, x)).sum(),
    "trapezoid": lambda t, x: t.trapezoid(x * 6e4, dx=1e-3),
    "cumulative_trapezoid": lambda t, x: t.cumulative_trapezoid(
        x * 6e4, (x.detach() * t.arange(1024).to(x)) * 2**-10)[-1],
    # of so many ones that a sum in float16, once it is 2048, stays that
    "sum_to_size": lambda t, x: x[:2].repeat(4096, 1).sum_to_size(1, 2).sum(),
    "einsum": lambda t, x: t.einsum("ij->j", x.repeat(4096, 1)[:, :2]).sum(),
    "logcumsumexp": lambda t, x: t.logcumsumexp(x, 0)[-1],
    "scatter_add": lambda t, x: x.new_zeros(1).scatter_add(0, places(t, 4096), x.repeat(4)).sum(),
    "embedding_bag": lambda t, x: t.nn.functional.embedding_bag(
        places(t, 1, 4096), x[:, None], mode="sum").sum(),
    "embedding_bag mean": lambda t, x: t.nn.functional.embedding_bag(
        places(t, 1, 4096), x[:, None]).sum(),
    "embedding": lambda t, x: t.nn.functional.embedding(places(t, 4096), x[:, None]).sum(),
    "matmul of one with many": lambda t, x: (
        x.new_ones(4096, 3, 4) @ x[:4].reshape(1, 4, 1)).sum() * 1e-3,
    "gradients of one for many": lambda t, x: (x[:2] * x.new_ones(4096, 2)).sum(),
    "expand": lambda t, x: x[:2].expand(4096, 2).sum(),
    "repeat": lambda t, x: x[:2].repeat(4096, 1).sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
def test_of_many_in_float16(name, device):
    torch = pytorch()
    expected = torch.ones(1024, requires_grad=True)
    MANY[name](torch, expected).backward()
    with tg.device(device):
        x = tg.ones(1024, dtype=tg.float16, requires_grad=True)
        y = MANY[name](tg, x)
        y.backward()
    assert y.dtype is tg.float16
    assert y.item() == pytest.approx(MANY[name](torch, expected).item(), rel=3e-3)
    np.testing.assert_allclose(x.grad.float().tolist(), expected.grad, 2e-2, 1e-4)


# ----- clipping -----


def gradients(t, values, dtype):
    x = t.zeros(len(values), dtype=getattr(t, dtype), requires_grad=True)
    x.grad = t.tensor(values, dtype=x.dtype)
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, inf])
@pytest.mark.parametrize("values", [
    [0.0, 0.0], ["subnormal", 0.0], [1e4, -3.0], ["huge", 1.0], [inf, 1.0], [nan, 1.0], [],
], ids=str)  # fmt: skip
def test_clip_grad_norm(values, p, dtype):
    torch = pytorch()
    numbers = {"subnormal": SUBNORMAL[dtype], "huge": HUGE[dtype]}
    values = [numbers.get(v, v) for v in values]
    found = []
    for lib in (tg, torch):
        if p == inf and not values:
            return  # neither has the largest of nothing
        x = gradients(lib, values, dtype)
        total = lib.nn.utils.clip_grad_norm_([x], 1.0, norm_type=p)
        found.append([total.item(), *x.grad.tolist()])
    assert found[0] == pytest.approx(found[1], rel=CLOSE[dtype], nan_ok=True)


@pytest.mark.parametrize("values", [[0.0, -0.0, 1e-40, 1e4, -1e30, inf, -inf, nan], []], ids=str)
def test_clip_grad_value(values, t):
    x = gradients(t, values, "float32")
    t.nn.utils.clip_grad_value_([x], 2.0)
    expected = [min(max(v, -2.0), 2.0) if v == v else v for v in values]
    assert x.grad.tolist() == pytest.approx(expected, nan_ok=True)


# ----- the other backend -----


@pytest.mark.parametrize("name", [*OF_ROWS, *ELEMENTWISE])
def test_on_devices(name, device):
    """The bits of the CPU, gradients too, wherever nothing waits for a sum's order."""
    call, arrays = (ELEMENTWISE | OF_ROWS)[name], (line if name in ELEMENTWISE else rows)("float32")
    expected = outcome(tg, call, arrays)
    with tg.device(device):
        found = outcome(tg, call, arrays)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
