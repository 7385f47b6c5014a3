"""Random calls of special functions, of matrices, and of losses of sequences and margins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from .cases import Case, Draw, indices, numbers, shapes
from .cases_layers import REDUCTIONS

# ----- special functions -----

Call = Callable[..., Any]


def _theirs(t: Any) -> bool:
    return bool(t.__name__ == "torch")


POLYNOMIALS = (
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h",
    "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
)  # fmt: skip
OF_ONE: dict[str, tuple[float, float, Call]] = {  # between which limits
    **{name: (0.4, 3.0, lambda t, x, name=name: getattr(t.special, name)(x)) for name in (
        "i0", "i0e", "i1", "i1e", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
        "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
        "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
        "airy_ai", "entr", "erfc", "erfcx", "log_ndtr", "ndtr", "sinc", "digamma")},
    **{name: (0.1, 0.9, lambda t, x, name=name: getattr(t.special, name)(x)) for name in (
        "logit", "ndtri", "erfinv")},
    **{name: (-2.5, 2.5, lambda t, x, name=name: getattr(t, name)(x)) for name in (
        "positive", "angle", "deg2rad", "rad2deg", "nan_to_num", "ceil", "floor", "round")},
    "acosh": (1.3, 3.0, lambda t, x: t.acosh(x)),
    "trunc of a quotient": (-2.5, 2.5, lambda t, x: t.div(x, 0.7, rounding_mode="trunc") * x),
    "number less it": (-2.5, 2.5, lambda t, x: 2 - x * x),
    # (PyTorch's has 1 / 6 in float32)
    "hardsigmoid": (-2.5, 2.5, lambda t, x: t.nn.functional.relu6(x + 3) / 6 if _theirs(
        t) else t.nn.functional.hardsigmoid(x)),
    "frexp": (0.4, 3.0, lambda t, x: t.frexp(x)[0]),
    "nextafter": (0.4, 3.0, lambda t, x: x if _theirs(t) else t.nextafter(x, x + 1)),
    "threshold": (-2.5, 2.5, lambda t, x: t.nn.functional.threshold(x, 0.4, 7.0)),
    "hardshrink": (-2.5, 2.5, lambda t, x: t.nn.functional.hardshrink(x)),
    "gelu tanh": (-2.5, 2.5, lambda t, x: t.nn.functional.gelu(x, approximate="tanh")),
    "polygamma": (0.6, 3.0, lambda t, x: t.polygamma(2, x)),
    "mvlgamma": (1.6, 3.0, lambda t, x: t.mvlgamma(x, 2)),
    "zeta": (1.6, 3.0, lambda t, x: t.special.zeta(t.full_like(x, 2.5), x)),
    "igamma": (0.4, 3.0, lambda t, x: t.igamma(t.full_like(x, 1.3), x)),
    "igammac": (0.4, 3.0, lambda t, x: t.igammac(t.full_like(x, 1.3), x)),
    "xlog1py": (0.4, 3.0, lambda t, x: t.special.xlog1py(x * x, x)),
    "copysign": (0.4, 3.0, lambda t, x: t.copysign(x, -x * x)),
    **{name: (-0.9, 0.9, lambda t, x, name=name: getattr(t.special, name)(x, 4))
       for name in POLYNOMIALS},
}  # fmt: skip


@st.composite
def special(draw: Draw) -> Case:
    name = draw(st.sampled_from([*OF_ONE]))
    low, high, call = OF_ONE[name]
    return Case(name, call, [numbers(draw, draw(shapes()), low, high)])


# ----- matrices -----


def _regular(t: Any, x: Any) -> Any:
    """Of matrices with elements up to 0.3: with values apart from each other, and from 0."""
    rows, columns = x.shape[-2:]
    return x + t.eye(rows, columns, dtype=x.dtype) * t.arange(2.0, 2 + columns, dtype=x.dtype)


def _symmetric(t: Any, x: Any) -> Any:
    return _regular(t, (x + x.mT) / 2)


def _signless(parts: Any) -> tuple[Any, ...]:
    """Vectors whose signs nothing determines, squared."""
    return tuple(part * part for part in parts)


SQUARE: dict[str, Call] = {  # of n x n, and n x k
    "inv": lambda t, a, b: t.linalg.inv(_regular(t, a)),
    "solve": lambda t, a, b: t.linalg.solve(_regular(t, a), b),
    "solve a transposed one": lambda t, a, b: t.linalg.solve(_regular(t, a).mT, b.mT, left=False),
    "solve_triangular": lambda t, a, b: t.linalg.solve_triangular(
        _regular(t, a), b, upper=True),
    "solve_triangular of ones": lambda t, a, b: t.linalg.solve_triangular(
        _regular(t, a).mT, b.mT, upper=False, left=False, unitriangular=True),
    "det": lambda t, a, b: t.linalg.det(_regular(t, a)),
    "slogdet": lambda t, a, b: t.linalg.slogdet(_regular(t, a)).logabsdet,
    "cholesky": lambda t, a, b: t.linalg.cholesky(_symmetric(t, a)),
    "cholesky_solve": lambda t, a, b: t.cholesky_solve(b, t.linalg.cholesky(_symmetric(t, a))),
    "cholesky_inverse": lambda t, a, b: t.cholesky_inverse(t.linalg.cholesky(_symmetric(t, a))),
    "eigh": lambda t, a, b: _signless(t.linalg.eigh(_symmetric(t, a))),
    "eigvalsh": lambda t, a, b: t.linalg.eigvalsh(_symmetric(t, a)),
    "matrix_exp": lambda t, a, b: t.linalg.matrix_exp(a),
    "matrix_power": lambda t, a, b: t.linalg.matrix_power(_regular(t, a), -2),
    "lu": lambda t, a, b: t.linalg.lu(_regular(t, a))[1:],
    "lu_solve": lambda t, a, b: t.linalg.lu_solve(*t.linalg.lu_factor(_regular(t, a)), b),
}  # fmt: skip
ANY: dict[str, Call] = {  # of n x k
    "qr": lambda t, b: tuple(t.linalg.qr(_regular(t, b))),
    "svd": lambda t, b: _signless(t.linalg.svd(_regular(t, b), full_matrices=False)),
    "svdvals": lambda t, b: t.linalg.svdvals(_regular(t, b)),
    "pinv": lambda t, b: t.linalg.pinv(_regular(t, b)),
    "nuclear norm": lambda t, b: t.linalg.matrix_norm(_regular(t, b), "nuc"),
    "largest value": lambda t, b: t.linalg.matrix_norm(_regular(t, b), 2),
}  # fmt: skip


@st.composite
def matrices(draw: Draw) -> Case:
    name = draw(st.sampled_from([*SQUARE, *ANY]))
    batch = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=2))
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    arrays = [numbers(draw, (*batch, n, size), -0.3, 0.3) for size in (n, k)]
    return Case(name, {**SQUARE, **ANY}[name], arrays if name in SQUARE else arrays[1:])


# ----- losses -----


@st.composite
def ctc(draw: Draw) -> Case:
    steps, batch, classes = (
        draw(st.integers(2, 6)),
        draw(st.integers(1, 3)),
        draw(st.integers(2, 4)),
    )
    longest = draw(st.integers(1, 3))
    lengths = [draw(st.integers(1, steps)) for _ in range(batch)]
    wanted = [
        draw(st.integers(0, min(longest, n // 2))) for n in lengths
    ]  # what fits, repeated too
    blank = draw(st.integers(0, classes - 1))
    targets = indices(draw, (batch, longest), classes - 1)
    targets = targets + (targets >= blank)
    options = {"blank": blank, "reduction": draw(REDUCTIONS), "zero_infinity": draw(st.booleans())}

    def call(t: Any, x: Any, y: Any) -> Any:
        return t.nn.functional.ctc_loss(x.log_softmax(2), y, lengths, wanted, **options)

    return Case(f"ctc_loss {lengths} {wanted} {options}", call,
                [numbers(draw, (steps, batch, classes)), targets])  # fmt: skip


MARGINS: dict[str, tuple[int, Call]] = {  # of so many rows, and signs or classes
    "soft_margin_loss": (1, lambda f, y, c, x, **o: f.soft_margin_loss(x, y, **o)),
    "hinge_embedding_loss": (1, lambda f, y, c, x, **o: f.hinge_embedding_loss(x, y, **o)),
    "multi_margin_loss": (1, lambda f, y, c, x, **o: f.multi_margin_loss(x, c, p=2, **o)),
    "multilabel_margin_loss": (1, lambda f, y, c, x, **o: f.multilabel_margin_loss(
        x, c[:, None].expand(tuple(x.shape)), **o)),
    "multilabel_soft_margin_loss": (1, lambda f, y, c, x, **o: f.multilabel_soft_margin_loss(
        x, (y + 1) / 2, **o)),
    "margin_ranking_loss": (2, lambda f, y, c, a, b, **o: f.margin_ranking_loss(
        a, b, y, margin=0.1, **o)),
    "cosine_embedding_loss": (2, lambda f, y, c, a, b, **o: f.cosine_embedding_loss(
        a, b, y[:, 0], margin=-0.9, **o)),
    "gaussian_nll_loss": (2, lambda f, y, c, a, b, **o: f.gaussian_nll_loss(
        a, b, b * b + 0.5, **o)),
    "triplet_margin_loss": (3, lambda f, y, c, a, b, d, **o: f.triplet_margin_loss(
        a, b, d, swap=False, **o)),
}  # fmt: skip


@st.composite
def margin_losses(draw: Draw) -> Case:
    name = draw(st.sampled_from([*MARGINS]))
    count, call = MARGINS[name]
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    signs = indices(draw, (rows, columns), 2) * 2 - 1
    classes, reduction = indices(draw, (rows,), columns), draw(REDUCTIONS)
    # (in whole numbers of their differences, losses have kinks)
    arrays = [numbers(draw, (rows, columns)) * 0.917 + i / 97 for i in range(count)]

    def loss(t: Any, y: Any, c: Any, *x: Any) -> Any:
        return call(t.nn.functional, y.to(x[0].dtype), c, *x, reduction=reduction)

    return Case(f"{name} {reduction}", loss, [signs.astype(np.int64), classes, *arrays])


# ----- steps of one's own -----


def _leaky(t: Any, w: Any, x: Any, h: Any) -> Any:
    return 0.6 * h + 0.4 * t.tanh(x @ w + h)


def _gated(t: Any, w: Any, x: Any, h: Any) -> Any:
    gate = t.sigmoid(h @ w)
    return gate * h + (1 - gate) * x


def _squared(t: Any, w: Any, x: Any, h: Any) -> Any:
    return (x * h + w[0]) / (1 + (h * h).sum(-1, keepdim=True))


@st.composite
def own_steps(draw: Draw) -> Case:
    """As layers here, in segments too; in PyTorch, and for sequences of several lengths, a loop."""
    step = draw(st.sampled_from([_leaky, _gated, _squared]))
    steps, batch, size = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    lengths = draw(st.none() | st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
    every, reverse = draw(st.sampled_from([None, 2, "sqrt"])), draw(st.booleans())

    def loop(t: Any, x: Any, h: Any, w: Any) -> Any:
        rows: list[Any] = [None] * steps
        until = t.tensor(lengths or [steps] * batch)[:, None]
        for i in reversed(range(steps)) if reverse else range(steps):
            running = i < until
            h = t.where(running, step(t, w, x[i], h), h)
            rows[i] = t.where(running, h, t.zeros_like(h))
        return t.stack(rows), h

    def call(t: Any, x: Any, h: Any, w: Any) -> Any:
        if _theirs(t):
            return loop(t, x, h, w)
        cell = lambda x, h: (step(t, w, x, h),) * 2  # noqa: E731
        return t.nn.scan(cell, x, h, lengths=lengths, reverse=reverse, checkpoint_every=every)

    shapes = (steps, batch, size), (batch, size), (size, size)
    name = f"{step.__name__} {lengths} {reverse} {every}"
    return Case(name, call, [numbers(draw, shape) for shape in shapes])
