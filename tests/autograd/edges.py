"""Calls at points where a gradient is a choice: at kinks, among equal numbers, at 0 and at the ends
of a domain. PyTorch's choices are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import test_stability as stability

Call = Callable[..., Any]


def at(*numbers: Any) -> np.ndarray:
    return np.array(numbers, float)


def _f(name: str, *args: Any, **options: Any) -> Call:
    """A function of nn.functional."""
    return lambda t, *x: getattr(t.nn.functional, name)(*x, *args, **options)


def _t(name: str, *args: Any, **options: Any) -> Call:
    """A function of the library."""
    return lambda t, *x: getattr(t, name)(*x, *args, **options)


def _l(name: str) -> Call:
    """A function of linalg."""
    return lambda t, x: getattr(t.linalg, name)(x)


def _row(call: Call, *numbers: Any) -> tuple[Any, ...]:
    return call, at(*numbers)


TIES = at([2, 1, 2], [0, 0, 0], [-1, 3, 3])
ACTIVATION = {
    "leaky_relu": _row(_f("leaky_relu", 0.2), 0, -0.0, 1, -1),
    "prelu": (lambda t, x, w: t.nn.functional.prelu(x, w), at(0, -0.0, 1, -1), at(0.3)[None][0]),
    "elu": _row(_f("elu", 1.7), 0, -1e-9, 1e-9, 800, -800),
    "selu": _row(_f("selu"), 0, 800, -800),
    "softplus": _row(_f("softplus", 0.5, 3.0), 0, 5, 6, 7, 8, 13),
    "hardsigmoid": _row(_f("hardsigmoid"), -4, -3.5, -3, -2.9, 0, 2.9, 3, 3.5, 4),
    "hardswish": _row(_f("hardswish"), -4, -3.5, -3, -2.9, 0, 2.9, 3, 3.5, 4),
    "hardtanh": _row(_f("hardtanh", -0.5, 2.0), -1, -0.5, 0, 2, 3),
    "relu6": _row(_f("relu6"), -1, 0, 1, 6, 7),
    "threshold": _row(_f("threshold", 0.5, 9.0), 0.4, 0.5, 0.6),
    "hardshrink": _row(_f("hardshrink", 0.5), -0.6, -0.5, 0, 0.5, 0.6),
    "softshrink": _row(_f("softshrink", 0.5), -0.6, -0.5, 0, 0.5, 0.6),
    "relu": _row(_t("relu"), 0, -0.0, 1, -1),
    "gelu-tanh": _row(_f("gelu", approximate="tanh"), -12, -9.9, 9.9, 11),
}
CHOICES = {
    "maximum": (_t("maximum"), at(1, 2, 3), at(1, 3, 2)),
    "minimum": (_t("minimum"), at(1, 2, 3), at(1, 3, 2)),
    "fmax": (_t("fmax"), at(1, 2, 3), at(1, 3, 2)),
    "fmin": (_t("fmin"), at(1, 2, 3), at(1, 3, 2)),
    "clamp": _row(_t("clamp", -1, 2), -2, -1, 0, 2, 3),
    "clamp-below": _row(_t("clamp", -1), -2, -1, 0),
    "clamp-above": (lambda t, x: x.clamp(max=2), at(1, 2, 3)),
    "clamp-tensors": (_t("clamp"), at(0, 1, 1.5, 2, 3), at([1], [3]), at([2], [2])),
    "clamp-low": (lambda t, x, low: x.clamp(low), at(0, 1, 2), at(1, 1, 1)),
    "clamp-high": (lambda t, x, high: x.clamp(None, high), at(0, 1, 2), at(1, 1, 1)),
    "clamp-equal": (_t("clamp"), at(0, 1, 2), at(1, 1, 1), at(1, 1, 1)),
    "abs": _row(_t("abs"), 0, -0.0, 1, -2),
    "sign": _row(_t("sign"), 0, 1, -2),
    "nan_to_num": _row(_t("nan_to_num"), 0, 1, np.nan, np.inf, -np.inf),
    "copysign": (_t("copysign"), at(0, 1, -2, 3, 0), at(-1, -1, 1, 2, 2)),
    "frexp": (lambda t, x: t.frexp(x).mantissa, at(0, 3, -5, 0.3, np.inf)),
    "logit": _row(_t("logit"), 0.25, 0.5, 1, -0.1, 1.1),
    "sinc": _row(_t("sinc"), 0, 0.5, 1e-200, -2),
    "xlogy": (_t("xlogy"), at(0, 0, 0, 1, 2), at(-1, 0, 2, 0, 3)),
    "xlog1py": (
        lambda t, x, y: t.special.xlog1py(x, y),
        at(0, 0, 0, 0, 1, 2),
        at(-2, -1, -0.5, 2, -1, 3),
    ),
    "pow": (_t("pow"), at(0, 0, 0, 0, 2, -2, 0.5), at(0, 1, 2, 0.5, 0, 3, 0)),
    **{f"pow {p}": _row(lambda t, x, p=p: x**p, 0, 1, -2) for p in (0, 1, 2)},
    **{f"{b} to": _row(lambda t, x, b=b: b**x, 0, 1, 2) for b in (0, 1, 2, -2)},
    "atan2": (_t("atan2"), at(0, 0, 1, -1), at(1, -1, 0, 0)),
    "hypot": (_t("hypot"), at(0, 0, 3), at(0, 2, -4)),
    "i1": _row(lambda t, x: t.special.i1(x), 0, 0.5, -2),
    "div-trunc": (lambda t, x, y: x * t.div(x, y, rounding_mode="trunc"), at(7, -7), at(2, 2)),
    "div-floor": (lambda t, x, y: x * t.div(x, y, rounding_mode="floor"), at(7, -7), at(2, 2)),
    "angle": _row(_t("angle"), 1, -2, 0),
}
REDUCED = {
    **{name: (_t(name, 1), TIES) for name in ("amax", "amin", "logsumexp", "cumprod", "prod")},
    **{name: (lambda t, x, name=name: getattr(x, name)(1).values, TIES)
       for name in ("max", "min", "median", "cummax", "cummin", "mode", "sort")},
    "max of all": (_t("max"), TIES),
    "aminmax": (lambda t, x: t.aminmax(x, dim=1), TIES),
    "prod of all": (_t("prod"), at(0, 2, 3)),
    "prod of two zeros": (_t("prod"), at(0, 0, 3)),
    "prod of zeros": (_t("prod"), at(0, 0)),
    "prod of three": (lambda t, x: x.prod(0), at([0, 2], [3, 4], [5, 0])),
    "cumprod": (_t("cumprod", 0), at(2, 0, 3, 4)),
    "std of equals": (_t("std", 1), at([1, 1, 1, 1], [1, 2, 3, 5])),
    "var": (_t("var", 1), at([1, 1, 1, 1], [1, 2, 3, 5])),
    "var of one": (_t("var", 1), at([1], [2])),
    "norm 2": (lambda t, x: x.norm(2, 1), at([0, 0], [3, 4])),
    "norm 3": (lambda t, x: x.norm(3, 1), at([0, 0], [3, 4])),
    "norm inf": (lambda t, x: x.norm(np.inf, 1), at([2, -2], [3, 4])),
    "logsumexp of nothing": (_t("logsumexp", 1), at([-np.inf, 0], [1, np.inf])),
    **{f"scatter_reduce {how}": (lambda t, x, s, how=how: x.scatter_reduce(
        1, t.as_tensor(np.array([[0, 1, 0, 1]])), s, how), at([2, 0, 1]), at([2, 3, 0, 3]))
       for how in ("amax", "amin", "prod", "mean")},
    "scatter_reduce prod of two zeros": (lambda t, x, s: x.scatter_reduce(
        1, t.as_tensor(np.array([[0, 0, 1, 1, 1]])), s, "prod"), at([2, 3]), at([0, 5, 0, 0, 4])),
    "scatter_reduce prod of one zero": (lambda t, x, s: x.scatter_reduce(
        1, t.as_tensor(np.array([[0, 0, 1]])), s, "prod"), at([2, 3]), at([0, 5, 7])),
}  # fmt: skip
MATRICES = {
    "cholesky": (_l("cholesky"), at([2, 0.5, 0], [0.5, 3, -0.4], [0, -0.4, 1.5])),
    "qr of all columns": (
        lambda t, x: t.linalg.qr(x, "complete")[0][..., :2],
        np.cos(np.arange(18.0)).reshape(3, 3, 2),
    ),
    "slogdet sign": (lambda t, x: t.linalg.slogdet(x)[0], at([2, 0.5], [0.5, 3])),
    "slogdet": (lambda t, x: t.linalg.slogdet(x), at([2, 0.5], [0.7, -3])),
    "eigvalsh": (_l("eigvalsh"), at([2, 0.5], [0.5, 3])),
    "svdvals": (_l("svdvals"), at([2, 0.5, 1], [0.5, 3, -1])),
}
LOSSES = {
    "l1_loss": (_f("l1_loss", reduction="none"), at(1, 2, 3), at(1, 3, 2)),
    "smooth_l1_loss": (_f("smooth_l1_loss", reduction="none", beta=1.0), at(0, 1, 3), at(0, 2, 2)),
    "huber_loss": (_f("huber_loss", reduction="none", delta=1.0), at(0, 1, 3), at(0, 2, 2)),
    "bce": (_f("binary_cross_entropy", reduction="none"), at(0.5, 0.2, 1e-13), at(1, 0, 0.5)),
    "bce pos_weight": (lambda t, x, y, w: t.nn.functional.binary_cross_entropy_with_logits(
        x, y, pos_weight=w.detach()), at(-1, 0, 2), at(0, 0.3, 1), at(0.5, 2, 3)),
    "hinge_embedding_loss": (lambda t, x: t.nn.functional.hinge_embedding_loss(
        x, t.as_tensor(np.array([1, -1, -1]))), at(1, 1, 0.5)),
    "margin_ranking_loss": (lambda t, x, y: t.nn.functional.margin_ranking_loss(
        x, y, t.as_tensor(np.array([1, -1, 1])), 1.0), at(1, 1, 3), at(1, 0, 2)),
    "embedding padding": (lambda t, w: t.nn.functional.embedding(
        t.as_tensor(np.array([[0, 1], [2, 0]])), w, padding_idx=0), at([1, 2], [3, 4], [5, 6])),
    "embedding by frequency": (lambda t, w: t.nn.functional.embedding(
        t.as_tensor(np.array([[0, 1], [2, 0]])), w, scale_grad_by_freq=True),
        at([1, 2], [3, 4], [5, 6])),
    **{f"ctc_loss {reduction} {zero}": (lambda t, x, how=reduction, zero=zero: (
        t.nn.functional.ctc_loss(
            x.log_softmax(2), t.as_tensor(np.array([[1, 1, 2], [3, 2, 1], [2, 0, 0], [1, 1, 1]])),
            (7, 5, 6, 3), (3, 2, 0, 3), reduction=how, zero_infinity=zero)),
        np.cos(np.arange(112.0)).reshape(7, 4, 4))
       for reduction in ("sum", "mean", "none") for zero in (True, False)},
    "ctc_loss of no probabilities": (lambda t, x: t.nn.functional.ctc_loss(
        x, t.as_tensor(np.array([[1, 2]])), (5,), (2,)), np.cos(np.arange(15.0)).reshape(5, 1, 3)),
    "nll_loss of none": (lambda t, x: t.nn.functional.nll_loss(
        x, t.as_tensor(np.array([-100, 1])), reduction="sum"), at([1, 2], [3, 4])),
}  # fmt: skip
EDGES: dict[str, tuple[Any, ...]] = {**ACTIVATION, **CHOICES, **REDUCED, **MATRICES, **LOSSES}


def calls() -> Iterator[tuple[Call, list[np.ndarray]]]:
    """All of these, and those with numbers that are not ordinary."""
    yield from ((call, arrays) for call, *arrays in EDGES.values())
    yield from ((call, stability.line("float64")) for call in stability.ELEMENTWISE.values())
    yield from ((call, stability.pairs("float64")) for call in stability.OF_TWO.values())
    yield from ((call, stability.rows("float64")) for call in stability.OF_ROWS.values())
