"""What is left of the tensor's surface: random fills, windows, NumPy's operands, small checks."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_rnn as tg

from ..both import on_the_cpu as on_the_cpu, t as t
from .compare import agree, integers, numbers, torch

# ----- NumPy's arrays as operands -----

OPERATORS = {
    "add": lambda x, a: x + a,
    "sub": lambda x, a: x - a,
    "mul": lambda x, a: x * a,
    "div": lambda x, a: x / a,
    "pow": lambda x, a: x**a,
    "floordiv": lambda x, a: x // a,
    "mod": lambda x, a: x % a,
    "from-an-array": lambda x, a: a / x,
    "eq": lambda x, a: x == a,
    "number": lambda x, a: x * a[0],
    "number-first": lambda x, a: a[0] * x,
}


@on_the_cpu
@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")
@pytest.mark.parametrize("call", OPERATORS.values(), ids=OPERATORS.keys())
def test_arrays_as_operands(t, call):
    x = t.tensor([1.0, 2.0, 4.0])
    a = np.array([1.0, 3.0, 2.0])
    result = call(x, a)
    assert isinstance(result, t.Tensor)
    expected = call(x.numpy(force=True).astype("float64"), a)
    assert result.tolist() == pytest.approx(expected.tolist())
    assert str(result.dtype).startswith("torch.")


@pytest.mark.cpu("NumPy's arrays")
def test_arrays_before_tensors():
    """Where PyTorch raises TypeError; and gradients flow where it raises RuntimeError."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (np.array([3.0, 4.0]) * x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [3, 4]
    assert (x != np.array([1.0, 0.0])).tolist() == [False, True]
    with pytest.raises(TypeError, match="complex128"):
        x * np.array([1j, 2])


# ----- random fills -----

FILLS = {
    "cauchy": lambda x: x.cauchy_(1.0, 0.5),
    "log_normal": lambda x: x.log_normal_(0.5, 0.3),
    "geometric": lambda x: x.geometric_(0.3),
    "exponential": lambda x: x.exponential_(2.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 37])
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS.keys())
def test_fills_are_those_of_pytorch(fill, size, dtype):
    torch.manual_seed(1)
    theirs = fill(torch.empty(size, dtype=getattr(torch, dtype))), torch.rand(3)
    tg.manual_seed(1)
    mine = fill(tg.empty(size, dtype=getattr(tg, dtype))), tg.rand(3)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(
            a.numpy(force=True), b.numpy(force=True), rtol=1e-6 if dtype == "float32" else 1e-14
        )


def test_bad_parameters_of_fills(t):
    x = t.empty(2)
    for call in (
        lambda: x.cauchy_(0, 0), lambda: x.log_normal_(0, -1), lambda: x.geometric_(0),
        lambda: x.geometric_(1.5), lambda: t.empty(2, dtype=t.int64).cauchy_(),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            call()


def test_counts_at_random(t):
    t.manual_seed(0)
    rates = t.full((4000,), 3.5)
    drawn = t.poisson(rates)
    assert drawn.dtype == rates.dtype and abs(float(drawn.mean()) - 3.5) < 0.15
    assert abs(float(drawn.var()) - 3.5) < 0.4
    drawn = t.binomial(t.full((4000,), 10.0), t.tensor(0.3))
    assert abs(float(drawn.mean()) - 3) < 0.12 and abs(float(drawn.var()) - 2.1) < 0.3
    with pytest.raises(RuntimeError):
        t.poisson(t.tensor([-1.0]))


# ----- windows -----


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows(name):
    for length in (0, 1, 2, 5, 8):
        for periodic in (True, False):
            agree(lambda torch: getattr(torch, f"{name}_window")(length, periodic), rtol=1e-5)  # noqa: B023
            agree(
                lambda torch: getattr(torch.signal.windows, name)(length, sym=not periodic),  # noqa: B023
                rtol=1e-5,
            )
    agree(lambda torch: getattr(torch, f"{name}_window")(-1))
    agree(lambda torch: getattr(torch.signal.windows, name)(-1))
    agree(lambda torch: getattr(torch, f"{name}_window")(3, dtype=torch.int64))


# ----- accuracy of special functions -----


def test_special_functions_have_all_digits():
    x = tg.linspace(-6, 27, 2001, dtype=tg.float64)
    exact = {"erfc": math.erfc, "lgamma": math.lgamma}
    for name, function in exact.items():
        mine = getattr(tg, name)(x[1:]).numpy(force=True)
        wanted = np.array([function(v) for v in x[1:].tolist()])
        np.testing.assert_allclose(mine, wanted, rtol=2e-14, atol=4e-14 if name == "lgamma" else 0)
    y = tg.linspace(-0.999999, 0.999999, 1001, dtype=tg.float64)
    np.testing.assert_allclose(
        tg.erf(tg.erfinv(y)).numpy(force=True), y.numpy(force=True), rtol=1e-15, atol=1e-16
    )
    tiny = tg.tensor([1e-300, 1e-17, 1 - 2**-53], dtype=tg.float64)
    theirs = torch.erfinv(torch.from_numpy(tiny.numpy(force=True))).numpy(force=True)
    np.testing.assert_allclose(tg.erfinv(tiny).numpy(force=True), theirs, rtol=1e-14)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma(n):
    x = np.concatenate([np.linspace(-3.9, -0.15, 13), np.linspace(0.1, 40, 50)])
    agree(lambda torch, x: torch.polygamma(n, x.detach()), x, rtol=1e-10)


# ----- checks in place -----

IN_PLACE_ERRORS = {
    "float_power": lambda t: t.ones(2).float_power_(2),
    "integers-to-floats": lambda t: t.ones(2, dtype=t.int64).exp_(),
    "leaf": lambda t: t.ones(2, requires_grad=True).eq_(1),
    "larger": lambda t: t.ones(2).copysign_(t.ones(3, 2)),
    "shared-memory": lambda t: t.ones(1).expand(2).sinc_(),
    "top-level": lambda t: t.exp_(t.ones(2, dtype=t.int64)),
}


@pytest.mark.parametrize("call", IN_PLACE_ERRORS.values(), ids=IN_PLACE_ERRORS.keys())
def test_errors_in_place(t, call):
    with pytest.raises(RuntimeError):
        call(t)


def test_comparisons_in_place_keep_the_dtype(t):
    x = t.tensor([1.0, 2.0])
    assert x.eq_(t.tensor([1.0, 3.0])) is x and x.tolist() == [1, 0]
    y = t.tensor([1.0, 2.0], requires_grad=True)
    z = (y * 1).ge_(2)
    (z * 3).sum().backward()
    assert y.grad is None or y.grad.tolist() == [0, 0]


# ----- small ones -----


def test_questions(t):
    x = t.ones(2, 3)
    answers = (
        t.is_complex(x), t.is_conj(x), t.is_neg(x), t.is_signed(x), t.is_inference(x),
        x.is_inference(), x.is_conj(), x.is_quantized, x.is_meta, t.is_distributed(x),
    )  # fmt: skip
    assert answers == (False, False, False, True, False, False, False, False, False, False)
    assert x.real is x and t.real(x) is x and x.conj() is x and x.resolve_conj() is x
    assert t.isreal(x).all() and x.H.shape == x.mH.shape == x.adjoint().shape == (3, 2)
    for call in (lambda: x.imag, lambda: t.ones(2, 2, 2).H, lambda: t.ones(2).adjoint()):
        with pytest.raises(RuntimeError):
            call()


FUNCTIONS = {
    "cov-weights": lambda torch, x: torch.cov(
        x, fweights=torch.tensor([1, 2, 3]), aweights=torch.tensor([0.5, 1, 2]).double()
    ),
    "histogram": lambda torch, x: tuple(torch.histogram(x.detach(), 4, range=(-1.0, 1.0))),
    "histogram-density": lambda torch, x: tuple(torch.histogram(
        x.detach(), torch.tensor([-2.0, 0, 0.5, 2]).double(), density=True
    )),
    "histogramdd": lambda torch, x: torch.histogramdd(x.detach(), [2, 2, 3])[0],
    "block_diag": lambda torch, x: torch.block_diag(x, x[0], x[0, 0]),
    "combinations": lambda torch, x: torch.combinations(x[0], 2, with_replacement=True),
    "atleast": lambda torch, x: (torch.atleast_3d(x, x[0]), torch.atleast_2d([x[0, 0], x])),
    "unravel_index": lambda torch, x: torch.unravel_index(torch.tensor([[5, 0]]), (2, 3)),
    "unravel_index-outside": lambda torch, x: torch.unravel_index(torch.tensor([6]), (2, 3)),
    "hsplit": lambda torch, x: (x.hsplit(3), x.vsplit([1]), x[None].dsplit(sections=3)),
    "hsplit-uneven": lambda torch, x: x.hsplit(2),
    "vander": lambda torch, x: (torch.vander(x.detach()[0]), torch.linalg.vander(x.detach(), N=2)),
    "gradient-spacing": lambda torch, x: torch.gradient(x, spacing=[2.0, 0.5]),
    "mode-of-ties": lambda torch, x: torch.tensor([[1, 3, 3, 1], [5, 2, 9, 2]]).mode(1)[0],
    "logit-outside": lambda torch, x: torch.logit(x * 2),
    "scatter-of-a-number": lambda torch, x: x.detach().scatter(
        1, torch.tensor([[0, 0], [1, 2]]), 3.0, reduce="multiply"
    ),
    "unknown-reduction": lambda torch, x: x.scatter_reduce(0, torch.tensor([[0]]), x, "median"),
    "gcd-of-floats": lambda torch, x: torch.gcd(x, x),
    "gcd": lambda torch, x: (torch.gcd(torch.tensor([12, -8, 0]), 6 + 0 * torch.tensor(1)),),
    "ldexp": lambda torch, x: torch.ldexp(x.detach(), torch.tensor([1, -2, 3])),
    "diagonal_scatter-shape": lambda torch, x: x.diagonal_scatter(x[0]),
    "mvlgamma": lambda torch, x: (x.abs() + 2).mvlgamma(p=3),
}  # fmt: skip


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions(call):
    agree(call, numbers(2, 3))


def test_integers():
    agree(lambda torch, x: (x.lcm(x + 7), torch.gcd(x, x + 4), x.copysign(-1)), integers(3, 4))
