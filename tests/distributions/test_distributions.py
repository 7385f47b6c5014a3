"""Each distribution against PyTorch's: what it says of itself, densities, gradients, draws."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours

from .cases import CASES, make, tensor

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")
on_both_devices = pytest.mark.usefixtures("default_device")

ASKED = ("mean", "mode", "variance", "stddev", "entropy", "perplexity")
NO_MODE_HERE = {"Kumaraswamy"}  # PyTorch's has no power 1 / concentration1
# Their draws take other words than PyTorch's
OTHER_NUMBERS = {
    "Beta", "Binomial", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma",
    "LKJCholesky", "Multinomial", "NegativeBinomial", "Poisson", "StudentT", "VonMises", "Wishart",
}  # fmt: skip
TOLERANCE = {
    "float32": {"rtol": 1e-6, "atol": 1e-6},
    "float64": {"rtol": 1e-9, "atol": 1e-11},
    "int64": {},
}
ROUGH = {  # in PyTorch
    "VonMises": {"rtol": 1e-4, "atol": 1e-6},  # a Bessel function by a polynomial
    "Multinomial": {"rtol": 1e-6},  # a logarithm in float32
    "Normal-numbers": {"rtol": 1e-6},  # the constants of the parameters, which are float32
}


def both(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(ours, name, **options), make(torch, name, **options)


def array(x: Any) -> Any:
    return x.detach().cpu().numpy()


def same(mine: Any, theirs: Any, what: str = "", **tolerance: float) -> None:
    assert mine.dtype == getattr(ours, str(theirs.dtype).removeprefix("torch.")), what
    assert tuple(mine.shape) == tuple(theirs.shape), what
    np.testing.assert_allclose(
        array(mine),
        array(theirs),
        err_msg=what,
        equal_nan=True,
        **(tolerance or TOLERANCE[str(theirs.dtype).removeprefix("torch.")]),
    )


def answer(distribution: Any, what: str) -> Any:
    try:
        found = getattr(distribution, what)
        return found() if callable(found) else found
    except NotImplementedError:
        return NotImplementedError


@pytest.mark.parametrize("name", CASES)
def test_what_it_is(name):
    (mine, _, _), (theirs, _, _) = both(name)
    assert mine.batch_shape == tuple(theirs.batch_shape)
    assert mine.event_shape == tuple(theirs.event_shape)
    assert mine.has_rsample == theirs.has_rsample or name in ("RelaxedBernoulli",)
    assert mine.has_enumerate_support == theirs.has_enumerate_support
    assert mine.support.event_dim == theirs.support.event_dim
    assert mine.support.is_discrete == theirs.support.is_discrete
    assert repr(mine) == repr(theirs)
    assert {*mine.arg_constraints} == {*theirs.arg_constraints}
    for what in ASKED:
        if what == "mode" and name in NO_MODE_HERE:
            continue
        expected = answer(theirs, what)
        if expected is NotImplementedError:
            continue
        same(answer(mine, what), expected, what, **ROUGH.get(name, {}))


@on_both_devices
@pytest.mark.parametrize("name", CASES)
def test_densities_and_their_gradients(name):
    (mine, x, params), (theirs, y, their_params) = both(name, grad=True)
    for what in ("log_prob", "cdf", "icdf"):
        if what == "icdf":
            x, y = (lib.tensor([0.1] * x.shape[-1]).double() for lib in (ours, torch))
        try:
            expected = getattr(theirs, what)(y)
        except (NotImplementedError, ValueError, RuntimeError):  # RuntimeError: float64
            continue
        found = getattr(mine, what)(x)
        same(found, expected, what, **ROUGH.get(name, {}))
        leaves = [p for p in their_params if p.is_floating_point()]
        try:
            slopes = torch.autograd.grad(expected.sum(), leaves, allow_unused=True)
        except RuntimeError:
            continue
        mine_slopes = ours.autograd.grad(found.sum(), params, allow_unused=True)
        for one, other in zip(mine_slopes, slopes, strict=True):
            if other is not None and not other.isnan().any():
                same(one, other, f"{what}'s gradient", **ROUGH.get(name, {}))


@pytest.mark.parametrize("name", CASES)
def test_expand(name):
    (mine, x, _), (theirs, y, _) = both(name)
    shape = (2, *mine.batch_shape) if mine.batch_shape else (3,)
    mine, theirs = mine.expand(shape), theirs.expand(shape)
    assert mine.batch_shape == tuple(theirs.batch_shape) == shape
    if CASES[name][0] != "GeneralizedPareto":  # PyTorch's is in float32
        same(mine.log_prob(x), theirs.log_prob(y), **ROUGH.get(name, {}))
    assert mine.sample((2,)).shape == (2, *shape, *mine.event_shape)
    if answer(theirs, "variance") is not NotImplementedError:
        same(mine.variance, theirs.variance, **ROUGH.get(name, {}))


@on_both_devices
@pytest.mark.parametrize("name", CASES)
def test_draws(name):
    (mine, _, _), (theirs, _, _) = both(name)
    chosen = "Categorical" in name or name == "Multinomial"
    for shape in ((), (3,), (2, 1 if chosen else 0)):  # multinomial draws at least one
        draw = mine.sample(shape)
        assert draw.shape == (*shape, *mine.batch_shape, *mine.event_shape)
        assert not draw.requires_grad
        assert bool(mine.support.check(draw).all())
    if CASES[name][0] in OTHER_NUMBERS:
        return
    for shape in ((), (5,)):
        ours.manual_seed(3), torch.manual_seed(3)
        draws = mine.sample(shape), theirs.sample(shape)
        same(*draws, "the same seed", rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_draws_are_of_the_distribution(name):
    """By the mean and the spread of many, where these are finite, of 4 standard errors."""
    mine, _, _ = make(ours, name)
    mean = answer(mine, "mean")
    if mean is NotImplementedError or name in ("Cauchy", "HalfCauchy", "VonMises"):
        return
    draws, mean, variance = (array(x) for x in (mine.sample((4000,)), mean, mine.variance))
    usable = np.isfinite(mean) & np.isfinite(variance) & (draws.std(0) > 0)
    error = np.abs(draws.mean(0) - mean) / np.sqrt(np.where(usable, variance, 1) / 4000)
    assert (error[usable] < 4.5).all(), error
    if name not in ("FisherSnedecor", "InverseGamma", "LogNormal", "Pareto", "StudentT"):
        ratio = draws.var(0)[usable] / variance[usable]
        assert (abs(ratio - 1) < 0.25).all(), ratio


DIFFERENTIABLE = [
    name
    for name, (kind, _, _) in CASES.items()
    if getattr(ours.distributions, kind).has_rsample is True
    and "Straight" not in kind
    and "numbers" not in name
]


@on_both_devices
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_gradient_of_draws(name):
    """A draw of a number stays at its quantile: dx/dp = - (dcdf/dp) / density."""
    mine, _, params = make(ours, name, grad=True)
    draw = mine.rsample((50,))
    assert draw.requires_grad
    found = ours.autograd.grad(draw.sum(), params, allow_unused=True)
    assert all(bool(g.isfinite().all()) for g in found if g is not None)
    theirs, _, leaves = make(torch, name, grad=True)
    x = torch.from_numpy(array(draw).copy())
    try:
        chance = theirs.cdf(x)
        chance.sum().backward(retain_graph=True)
    except (NotImplementedError, RuntimeError):
        return
    weights = -theirs.log_prob(x).exp().reciprocal().detach()
    expected = torch.autograd.grad(theirs.cdf(x), leaves, weights, allow_unused=True)
    for one, other in zip(found, expected, strict=True):
        same(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("concentration", [0.01, 0.3, 1.0, 7.0, 99.0, 101.0, 5000.0])
def test_the_gradient_of_gamma_draws(concentration):
    """Against the quotient by differences of the incomplete gamma function."""
    a = ours.full((300,), concentration, dtype=ours.float64, requires_grad=True)
    draw = ours.distributions.Gamma(a, 1.0).rsample()
    draw.sum().backward()
    x, a0 = (torch.from_numpy(array(v).copy()) for v in (draw, a))
    h = 1e-5 * concentration
    lower = torch.special.gammainc(a0, x) < 0.5
    part = torch.special.gammainc, torch.special.gammaincc
    slopes = [(f(a0 + h, x) - f(a0 - h, x)) / (2 * h) for f in part]
    density = ((a0 - 1) * x.log() - x - a0.lgamma()).exp()
    expected = -torch.where(lower, slopes[0], -slopes[1]) / density
    np.testing.assert_allclose(array(a.grad), expected.numpy(), rtol=2e-4)


def test_the_gradient_of_dirichlet_draws():
    """The mean of a function of draws has the gradient of its mean."""
    a = ours.tensor([0.7, 2.0, 1.3], dtype=ours.float64, requires_grad=True)
    d = ours.distributions.Dirichlet(a)
    (found,) = ours.autograd.grad(d.rsample((40000,)).square().mean(0)[0], a)
    (expected,) = ours.autograd.grad((d.variance + d.mean.square())[0], a)
    np.testing.assert_allclose(array(found), array(expected), atol=4e-3)


def test_second_derivatives_of_gamma_draws():
    a = ours.tensor([0.5, 3.0, 150.0], dtype=ours.float64, requires_grad=True)
    d = ours.distributions.Gamma(a, 1.0)
    draw = d.rsample()
    (first,) = ours.autograd.grad(draw.sum(), a, create_graph=True)
    (second,) = ours.autograd.grad(first.sum(), a)
    assert bool(second.isfinite().all())


@pytest.mark.parametrize("name", ["Bernoulli", "Categorical", "OneHotCategorical", "Binomial"])
@pytest.mark.parametrize("expand", [True, False])
def test_enumerate_support(name, expand):
    (mine, _, _), (theirs, _, _) = both(name)
    same(mine.enumerate_support(expand), theirs.enumerate_support(expand))


@pytest.mark.parametrize(
    "name", ["Normal", "Categorical", "Gumbel", "Beta", "MultivariateNormal", "RelaxedBernoulli"]
)
def test_copies(name):
    mine, x, _ = make(ours, name)
    for other in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
        assert bool((other.log_prob(x) == mine.log_prob(x)).all())


def test_parameters_asked_for_without_gradients_have_them():
    logits = ours.zeros(3, requires_grad=True)
    d = ours.distributions.Categorical(logits=logits)
    d.sample()  # computes probs, under no_grad
    d.probs[0].backward()
    assert logits.grad is not None


def test_a_policy_gradient():
    """REINFORCE finds the better of two actions."""
    logits = ours.zeros(2, requires_grad=True)
    optimizer = ours.optim.SGD([logits], lr=0.5)
    for _ in range(60):
        policy = ours.distributions.Categorical(logits=logits)
        action = policy.sample()
        loss = -policy.log_prob(action) * action.float()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logits.softmax(0)[1] > 0.9


def test_large_concentrations_and_float32():
    d = ours.distributions.VonMises(ours.tensor([0.0]), ours.tensor([1e4]))
    assert math.isclose(d.log_prob(ours.tensor([0.0])).item(), 0.5 * math.log(1e4 / 2 / math.pi),
                        rel_tol=1e-4)  # fmt: skip
    gamma = ours.distributions.Gamma(ours.tensor([1e-3] * 100), 1.0).sample()
    assert bool((gamma > 0).all())
    assert tensor(ours, [1]).dtype == ours.int64


def test_generalized_pareto():
    """In float32, in which PyTorch's works."""
    params = [1.0, 1.0, 1.0], [2.0, 0.7, 1.0], [0.0, 0.3, -0.4]
    mine, theirs = (
        lib.distributions.GeneralizedPareto(*map(lib.tensor, params)) for lib in (ours, torch)
    )
    for what in ("log_prob", "cdf", "log_cdf", "log_survival_function"):
        x = [1.5, 2.0, 3.0]
        same(getattr(mine, what)(ours.tensor(x)), getattr(theirs, what)(torch.tensor(x)), what)
