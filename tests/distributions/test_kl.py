"""Kullback-Leibler divergences against PyTorch's, of every pair that PyTorch knows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours
from tinygrad_rnn.distributions.kl import _REGISTRY

from .cases import CASES, make

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")

WRONG_THERE = {("ContinuousBernoulli", "Uniform"), ("Uniform", "ContinuousBernoulli")}
PAIRS = sorted(
    {
        (p.__name__, q.__name__)
        for p, q in torch.distributions.kl._KL_REGISTRY
        if p.__name__ in CASES
        and q.__name__ in CASES
        and {p.__name__, q.__name__} != {"MultivariateNormal", "LowRankMultivariateNormal"}
    }
)


def of(library: Any, p: str, q: str) -> tuple[Any, Any]:
    """A p, and a q with other parameters."""
    one, other = make(library, p)[0], make(library, q)[0]
    if p == q and one.batch_shape and p != "Binomial":
        turned = {
            name: value.flip(0) if value.dim() == len(one.batch_shape) else value
            for name, value in vars(other).items()
            if isinstance(value, library.Tensor) and name in other.arg_constraints
        }
        for name, value in turned.items():
            setattr(other, name, value)
    return one, other


def test_the_pairs_are_those_of_pytorch():
    mine = {(p.__name__, q.__name__) for p, q in _REGISTRY}
    theirs = {(p.__name__, q.__name__) for p, q in torch.distributions.kl._KL_REGISTRY}
    assert theirs - mine == set()


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_pairs(p, q, default_device):
    mine = ours.distributions.kl_divergence(*of(ours, p, q))
    theirs = torch.distributions.kl_divergence(*of(torch, p, q))
    assert tuple(mine.shape) == tuple(theirs.shape)
    if (p, q) not in WRONG_THERE:
        np.testing.assert_allclose(mine.cpu().numpy(), theirs.numpy(), rtol=1e-6, atol=1e-9)


def test_where_pytorch_is_wrong():
    """Its divergences are infinite already where the ends are the same."""
    d, (p, _, _) = ours.distributions, make(ours, "ContinuousBernoulli")
    unit = d.Uniform(ours.zeros(3, dtype=ours.float64), 1.0)
    np.testing.assert_allclose(
        d.kl_divergence(p, unit).numpy(force=True), -p.entropy().numpy(force=True)
    )
    x = (ours.arange(20_000, dtype=ours.float64).unsqueeze(1) + 0.5) / 20_000
    np.testing.assert_allclose(
        d.kl_divergence(unit, p).numpy(force=True),
        -p.log_prob(x).mean(0).numpy(force=True),
        rtol=1e-6,
    )


@pytest.mark.parametrize("turned", [False, True])
def test_nearly_diagonal_covariances(turned):
    """Those of the same distributions with whole matrices."""
    d = ours.distributions
    low, _, _ = make(ours, "LowRankMultivariateNormal")
    whole = d.MultivariateNormal(low.loc, low.covariance_matrix)
    other = d.MultivariateNormal(ours.ones(3, dtype=ours.float64), 2 * ours.eye(3).double())
    pairs = ((low, other), (whole, other)) if not turned else ((other, low), (other, whole))
    found, expected = (d.kl_divergence(*pair).numpy(force=True) for pair in pairs)
    np.testing.assert_allclose(found, expected)


def test_made_of_others():
    d = ours.distributions
    p, q = (d.Normal(ours.tensor([[0.0, loc]] * 3), 1.0) for loc in (1.0, 3.0))
    plain = d.kl_divergence(p, q)
    whole = d.kl_divergence(d.Independent(p, 1), d.Independent(q, 1))
    assert whole.tolist() == plain.sum(-1).tolist() == [2.0, 2.0, 2.0]
    logs = d.kl_divergence(d.LogNormal(0.0, 1.0), d.LogNormal(1.0, 1.0))
    assert logs.item() == pytest.approx(0.5)
    with pytest.raises(NotImplementedError):
        d.kl_divergence(d.Independent(p, 1), d.Independent(q, 2))


def test_families_by_their_normalizers():
    """The Bregman divergence and entropy of all that have natural parameters."""
    general = ours.distributions.kl._exponential_family
    for name in ("Bernoulli", "Beta", "Dirichlet", "Exponential", "Gamma", "Normal", "Poisson",
                 "ContinuousBernoulli", "Wishart"):  # fmt: skip
        p, q = of(ours, name, name)
        found = general(p, q)
        if name != "Wishart":
            expected = ours.distributions.kl_divergence(p, q)
            rtol = 1e-4 if name == "ContinuousBernoulli" else 1e-7
            np.testing.assert_allclose(
                found.numpy(force=True), expected.numpy(force=True), rtol=rtol
            )
        assert found.shape == p.batch_shape
    for name in ("Bernoulli", "Exponential", "Gamma", "Normal"):
        p = make(ours, name)[0]
        entropy = ours.distributions.ExponentialFamily.entropy(p)
        np.testing.assert_allclose(
            entropy.numpy(force=True), p.entropy().numpy(force=True), rtol=1e-9
        )


def test_absent_outcomes():
    d = ours.distributions
    for kind in (d.Categorical, d.OneHotCategorical):
        p, q = kind(ours.tensor([0.0, 1.0])), kind(ours.tensor([0.5, 0.5]))
        assert d.kl_divergence(p, q).item() == pytest.approx(math.log(2))
        assert d.kl_divergence(q, p).item() == math.inf
    sure, fair = d.Bernoulli(ours.tensor([0.0, 1.0])), d.Bernoulli(0.5)
    assert d.kl_divergence(sure, fair).tolist() == pytest.approx([math.log(2)] * 2)
    assert d.kl_divergence(fair, sure).tolist() == [math.inf] * 2


def test_misuse_and_registration():
    d = ours.distributions
    with pytest.raises(NotImplementedError, match=r"No KL\(p \|\| q\)"):
        d.kl_divergence(d.Uniform(0.0, 1.0), d.Poisson(1.0))
    with pytest.raises(TypeError, match="type_q"):
        d.register_kl(d.Normal, int)
    with pytest.raises(NotImplementedError, match="different exponential families"):
        d.kl_divergence(d.Normal(0.0, 1.0), d.Poisson(1.0))
    with pytest.raises(ValueError, match="different event shapes"):
        d.kl_divergence(
            d.MultivariateNormal(ours.zeros(2), ours.eye(2)),
            d.MultivariateNormal(ours.zeros(3), ours.eye(3)),
        )

    class One(d.Normal):
        pass

    class Two(One):
        pass

    @d.register_kl(One, d.Normal)
    def first(p, q):
        return "first"

    @d.register_kl(d.Normal, Two)
    def second(p, q):
        return "second"

    one, two, normal = One(0.0, 1.0), Two(0.0, 1.0), d.Normal(0.0, 1.0)
    assert d.kl_divergence(two, normal) == "first"
    assert d.kl_divergence(normal, two) == "second"
    with pytest.warns(RuntimeWarning, match="Ambiguous"):
        assert d.kl_divergence(one, two) == "first"


def test_gradients_of_a_variational_autoencoder():
    """KL(N(mean, exp(log_var)) || N(0, 1)) is -1/2 sum(1 + log_var - mean^2 - exp(log_var))."""
    mean = ours.tensor([0.3, -1.0], dtype=ours.float64, requires_grad=True)
    log_var = ours.tensor([0.1, -0.5], dtype=ours.float64, requires_grad=True)
    normal = ours.distributions.Normal
    divergence = ours.distributions.kl_divergence(
        normal(mean, (log_var / 2).exp()), normal(ours.zeros_like(mean), 1.0)
    ).sum()
    assert divergence.item() == pytest.approx(
        (-0.5 * (1 + log_var - mean**2 - log_var.exp())).sum().item()
    )
    divergence.backward()
    np.testing.assert_allclose(mean.grad.numpy(force=True), mean.numpy(force=True))
    np.testing.assert_allclose(
        log_var.grad.numpy(force=True), (log_var.detach().exp().numpy(force=True) - 1) / 2
    )
