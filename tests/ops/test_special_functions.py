"""Special functions against tables, recurrences and identities; and out= in ``torch.special``."""

import math

import pytest

import tinygrad_rnn as torch

pytestmark = pytest.mark.usefixtures("default_device")

# To 17 digits, by mpmath 1.3 with 30: x, and the function of it
BESSEL = {
    "bessel_j0": [
        (0.5, 0.9384698072408129), (2.0, 0.22389077914123567), (5.5, -0.0068438694178191968),
        (30.0, -0.086367983581040211), (-3.0, -0.26005195490193344),
    ],
    "bessel_j1": [
        (0.5, 0.24226845767487389), (2.0, 0.57672480775687339), (5.5, -0.34143821542904335),
        (30.0, -0.11875106261662294), (-3.0, -0.33905895852593646),
    ],
    "bessel_y0": [
        (0.5, -0.44451873350670656), (2.0, 0.51037567264974512), (5.5, -0.33948059288191104),
        (30.0, -0.11729573168666403),
    ],
    "bessel_y1": [
        (0.5, -1.4714723926702431), (2.0, -0.10703243154093755), (5.5, -0.023758238956389618),
        (30.0, 0.084425570661747235),
    ],
    "modified_bessel_k0": [
        (0.5, 0.92441907122766586), (2.0, 0.11389387274953344), (30.0, 2.1324774964630564e-14),
    ],
    "modified_bessel_k1": [
        (0.5, 1.6564411200033009), (2.0, 0.13986588181652243), (30.0, 2.1677320018915494e-14),
    ],
    "scaled_modified_bessel_k0": [
        (0.5, 1.5241093857739095), (700.0, 0.047362369454613572),
    ],
    "scaled_modified_bessel_k1": [
        (0.5, 2.7310097082117857), (700.0, 0.047396187653494544),
    ],
    "airy_ai": [
        (-20.0, -0.17640612707798469), (-2.0, 0.22740742820168558), (0.5, 0.23169360648083349),
        (5.0, 0.00010834442813607442),
    ],
}  # fmt: skip
EDGES = {
    "bessel_j0": [(0.0, 1.0), (math.nan, math.nan)],
    "bessel_j1": [(0.0, 0.0)],
    "bessel_y0": [(0.0, -math.inf), (-1.0, math.nan)],
    "bessel_y1": [(0.0, -math.inf), (-1.0, math.nan)],
    "modified_bessel_k0": [(0.0, math.inf), (-1.0, math.nan), (math.inf, 0.0)],
    "modified_bessel_k1": [(0.0, math.inf), (-1.0, math.nan), (math.inf, 0.0)],
    "scaled_modified_bessel_k0": [(0.0, math.inf), (math.inf, 0.0)],
    "scaled_modified_bessel_k1": [(0.0, math.inf), (math.inf, 0.0)],
    "airy_ai": [(math.inf, 0.0), (200.0, 0.0), (math.nan, math.nan)],
}
POLYNOMIALS = [name for name in torch.special.__all__ if "_polynomial_" in name]


@pytest.mark.parametrize("name", BESSEL)
def test_tables(name):
    x, expected = zip(*(BESSEL[name] + EDGES[name]), strict=True)
    for dtype, rtol in ((torch.float64, 3e-14), (torch.float32, 1e-6)):
        found = getattr(torch.special, name)(torch.tensor(x, dtype=dtype))
        torch.testing.assert_close(
            found, torch.tensor(expected, dtype=dtype), rtol=rtol, atol=1e-15, equal_nan=True
        )


def test_the_wronskian_holds_where_formulas_meet():
    x = torch.linspace(0.1, 60, 5000, dtype=torch.float64)
    j0, j1 = torch.special.bessel_j0(x), torch.special.bessel_j1(x)
    y0, y1 = torch.special.bessel_y0(x), torch.special.bessel_y1(x)
    found, expected = (j1 * y0 - j0 * y1) * x, torch.full_like(x, 2 / math.pi)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
    i0, i1 = torch.special.i0e(x), torch.special.i1e(x)
    k0, k1 = torch.special.scaled_modified_bessel_k0(x), torch.special.scaled_modified_bessel_k1(x)
    torch.testing.assert_close((i0 * k1 + i1 * k0) * x, torch.ones_like(x), rtol=1e-13, atol=0)


def test_slopes_of_bessel_functions_at_0():
    slopes = {"bessel_j0": 0.0, "bessel_j1": 0.5, "bessel_y0": math.inf, "bessel_y1": math.inf,
              "modified_bessel_k0": -math.inf, "modified_bessel_k1": -math.inf}  # fmt: skip
    for name, slope in slopes.items():
        x = torch.zeros(2, requires_grad=True)
        getattr(torch.special, name)(x).sum().backward()
        assert x.grad.tolist() == [slope, slope], name


def test_airy_solves_its_equation():
    x = torch.linspace(-12, 6, 400, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(torch.special.airy_ai(x).sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    torch.testing.assert_close(bend, x * torch.special.airy_ai(x), rtol=1e-10, atol=1e-11)
    step = 1e-5
    around = torch.special.airy_ai(x + step) - torch.special.airy_ai(x - step)
    torch.testing.assert_close(slope, around / (2 * step), rtol=1e-6, atol=1e-8)


def test_zeta():
    found = torch.special.zeta(torch.tensor([2.0, 4.0, 1.0, 0.5], dtype=torch.float64), 1)
    expected = [math.pi**2 / 6, math.pi**4 / 90, math.inf, math.nan]
    expected = found.new_tensor(expected)
    torch.testing.assert_close(found, expected, rtol=1e-15, atol=0, equal_nan=True)
    q = torch.tensor([0.25, -0.75, -7.3, -4e6 - 0.25, -2.0, 0.0], dtype=torch.float64)
    expected = torch.polygamma(1, q)
    torch.testing.assert_close(torch.special.zeta(2, q), expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(torch.special.zeta(3, q[:3]), -torch.polygamma(2, q[:3]) / 2)
    assert torch.special.zeta(torch.tensor(2.5), -1.5).isnan()
    with pytest.raises(NotImplementedError, match="zeta"):
        torch.special.zeta(torch.tensor(2.0, requires_grad=True), 1).backward()


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name):
    """The values where they are known, from their definitions, and integer and odd arguments."""
    call, n = getattr(torch.special, name), torch.arange(12)
    theta = torch.linspace(0.1, 3, 9, dtype=torch.float64)[:, None]
    shifted = name.startswith("shifted_")
    x = (theta.cos() + 1) / 2 if shifted else theta.cos()
    expected = {
        "t": lambda: (n * theta).cos(),
        "u": lambda: ((n + 1) * theta).sin() / theta.sin(),
        "v": lambda: ((n + 0.5) * theta).cos() / (theta / 2).cos(),
        "w": lambda: ((n + 0.5) * theta).sin() / (theta / 2).sin(),
        "h": lambda: _sums(n, lambda n, k: (-1) ** k * 2 ** (n - 2 * k) * _over(n, k), x, 2),
        "he": lambda: _sums(n, lambda n, k: (-1 / 2) ** k * _over(n, k), x, 2),
        "l": lambda: _sums(n, _laguerre, x, 1),
        "p": lambda: _sums(n, _legendre, x, 2),
    }[name.rpartition("_")[2]]()
    torch.testing.assert_close(call(x, n), expected, rtol=1e-10, atol=1e-9)
    assert call(x.float(), n).dtype is torch.float32
    assert call(torch.tensor([2]), 3).dtype is torch.float32
    assert call(0.5, torch.tensor([-1.0, math.nan, 2.9])).tolist()[:2] == [0, 0]
    assert call(0.5, torch.tensor([2.9])).equal(call(0.5, torch.tensor([2])))
    assert call(torch.ones(0, 3), torch.ones(3)).shape == (0, 3)


def _laguerre(n, k):
    return math.comb(n, k) * (-1) ** (n - k) / math.factorial(n - k)


def _legendre(n, k):
    return (-1) ** k * math.comb(n, k) * math.comb(2 * n - 2 * k, n) / 2**n


def _over(n, k):
    return math.factorial(n) / (math.factorial(k) * math.factorial(n - 2 * k))


def _sums(degrees, coefficient, x, step):
    """Polynomials with a coefficient of x ** (n - step * k)."""
    columns = [
        sum(coefficient(n, k) * x ** (n - step * k) for k in range(n // step + 1))
        for n in degrees.tolist()
    ]
    return torch.cat(columns, -1)


def test_results_go_into_out():
    out = torch.empty(0)
    assert torch.special.bessel_j0(torch.zeros(2), out=out) is out and out.tolist() == [1, 1]
    assert torch.special.legendre_polynomial_p(torch.ones(2), 3, out=out) is out
    values, vectors = torch.empty(2), torch.empty(2, 2)
    found = torch.linalg.eigh(torch.eye(2), out=(values, vectors))
    assert found.eigenvalues is values and values.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.special.i0(torch.ones(2, requires_grad=True), out=out)
