"""What is checked, and the errors: the same in this library and in PyTorch."""

from __future__ import annotations

import pytest

from ..both import t as t

BAD_PARAMETERS = [
    ("Normal", {"loc": 0.0, "scale": -1.0}, "parameter scale"),
    ("Normal", {"loc": float("nan"), "scale": 1.0}, "parameter loc"),
    ("Bernoulli", {"probs": 1.5}, "parameter probs"),
    ("Bernoulli", {}, "Either `probs` or `logits`"),
    ("Bernoulli", {"probs": 0.5, "logits": 0.0}, "Either `probs` or `logits`"),
    ("Geometric", {"probs": 0.0}, "to be positive"),
    ("Uniform", {"low": 2.0, "high": 1.0}, "parameter low"),
    ("Gamma", {"concentration": 0.0, "rate": 1.0}, "parameter concentration"),
    ("Poisson", {"rate": -1.0}, "parameter rate"),
    ("LKJCholesky", {"dim": 1}, "Expected dim to be an integer greater than or equal to 2"),
    ("Normal", {"loc": "a", "scale": 1.0}, "Input arguments must all be instances of Number"),
]
BAD_TENSORS = [
    ("Categorical", {"probs": [-0.5, 1.5]}, "parameter probs"),
    ("Categorical", {"probs": [0.0, 0.0]}, "parameter probs"),
    ("Categorical", {"logits": [[0.0, float("nan")]]}, "parameter logits"),
    ("Categorical", {"probs": 0.5}, "`probs` parameter must be at least one-dimensional"),
    ("Categorical", {"logits": 0.5}, "`logits` parameter must be at least one-dimensional"),
    ("Dirichlet", {"concentration": 1.0}, "must be at least one-dimensional"),
    ("Dirichlet", {"concentration": [1.0, 0.0]}, "parameter concentration"),
    ("MultivariateNormal", {"loc": [0.0, 0.0]}, "Exactly one of"),
    ("MultivariateNormal", {"loc": 0.0, "scale_tril": [[1.0]]}, "loc must be at least"),
    ("MultivariateNormal", {"loc": [0.0], "scale_tril": [1.0]}, "must be at least two-dim"),
    ("MultivariateNormal", {
        "loc": [0.0, 0.0], "covariance_matrix": [[1.0, 2.0], [2.0, 1.0]]}, "PositiveDefinite"),
    ("MultivariateNormal", {
        "loc": [0.0, 0.0], "scale_tril": [[1.0, 2.0], [2.0, 1.0]]}, "LowerCholesky"),
    ("LowRankMultivariateNormal", {
        "loc": [0.0, 0.0], "cov_factor": [[1.0]], "cov_diag": [1.0, 1.0]}, "shape 2 x m"),
]  # fmt: skip
BAD_VALUES = [
    ("Bernoulli", {"probs": 0.5}, 0.5, "within the support"),
    ("Categorical", {"probs": [0.5, 0.5]}, 2, "within the support"),
    ("Poisson", {"rate": 1.0}, 1.5, "within the support"),
    ("Exponential", {"rate": 1.0}, -1.0, "within the support"),
    ("Uniform", {"low": 0.0, "high": 1.0}, 2.0, "within the support"),
    ("Dirichlet", {"concentration": [1.0, 1.0]}, [0.5, 0.6], "within the support"),
    ("Normal", {"loc": [0.0, 0.0], "scale": 1.0}, [1.0, 2.0, 3.0], "not broadcastable"),
    ("OneHotCategorical", {"probs": [0.5, 0.5]}, [1.0, 0.0, 0.0], "match event_shape"),
    ("OneHotCategorical", {"probs": [0.5, 0.5]}, [1.0, 1.0], "within the support"),
]


def tensors(t, arguments):
    return {k: t.tensor(v) if isinstance(v, list | float) else v for k, v in arguments.items()}


@pytest.mark.parametrize(("kind", "arguments", "message"), BAD_PARAMETERS)
def test_parameters_that_are_numbers(t, kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(t.distributions, kind)(**arguments)


@pytest.mark.parametrize(("kind", "arguments", "message"), BAD_TENSORS)
def test_parameters_that_are_tensors(t, kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(t.distributions, kind)(**tensors(t, arguments))


@pytest.mark.parametrize(("kind", "arguments", "value", "message"), BAD_VALUES)
def test_values(t, kind, arguments, value, message):
    d = getattr(t.distributions, kind)(**tensors(t, arguments))
    with pytest.raises(ValueError, match=message):
        d.log_prob(t.tensor(value))


def test_without_validation(t):
    d = t.distributions.Normal(0.0, -1.0, validate_args=False)
    assert d.scale.item() == -1
    assert t.distributions.Poisson(1.0, validate_args=False).log_prob(t.tensor(0.5)).isfinite()
    with pytest.raises(ValueError, match="must be a Tensor"):
        t.distributions.Normal(0.0, 1.0).log_prob(0.5)


def test_the_default(t):
    t.distributions.Distribution.set_default_validate_args(False)
    try:
        t.distributions.Normal(0.0, -1.0)
    finally:
        t.distributions.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="parameter scale"):
        t.distributions.Normal(0.0, -1.0)
    with pytest.raises(ValueError):
        t.distributions.Distribution.set_default_validate_args("yes")


def test_a_distribution_of_ones_own(t):
    class Half(t.distributions.Distribution):
        arg_constraints = {"scale": t.distributions.constraints.positive}  # noqa: RUF012
        support = t.distributions.constraints.positive

        def __init__(self, scale, validate_args=None):
            self.scale = scale
            super().__init__(scale.shape, validate_args=validate_args)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Half, _instance)
            new.scale = self.scale.expand(batch_shape)
            super(Half, new).__init__(batch_shape, validate_args=False)
            return new

        def rsample(self, sample_shape=()):
            return self.scale * t.rand(self._extended_shape(sample_shape))

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return -self.scale.log() + value * 0

    d = Half(t.tensor([1.0, 2.0])).expand((3, 2))
    assert d.batch_shape == (3, 2)
    assert d.sample((4,)).shape == (4, 3, 2)
    assert not d.sample().requires_grad
    with pytest.raises(ValueError, match="parameter scale"):
        Half(t.tensor([-1.0]))
    with pytest.raises(ValueError, match="within the support"):
        Half(t.tensor([1.0, 2.0])).log_prob(t.tensor([-1.0, 1.0]))
    for what in ("mean", "variance", "entropy", "cdf", "icdf", "enumerate_support"):
        with pytest.raises(NotImplementedError):
            found = getattr(d, what)
            found(*[t.ones(2)] if what in ("cdf", "icdf") else ())


def test_a_distribution_that_says_nothing(t):
    class Bare(t.distributions.Distribution):
        pass

    with pytest.warns(UserWarning, match="arg_constraints"):
        bare = Bare()
    with pytest.warns(UserWarning, match="support"):
        bare._validate_sample(t.tensor(1.0))


def test_older_names(t):
    with pytest.warns(FutureWarning, match="sample_n"):
        assert t.distributions.Normal(0.0, 1.0).sample_n(3).shape == (3,)


def test_mixtures_and_transforms_that_do_not_fit(t):
    d = t.distributions
    normal = d.Normal(t.zeros(3), 1.0)
    for mixture, parts in (
        (normal, normal),
        (d.Categorical(t.ones(2)), normal),
        (d.Categorical(t.ones(2, 3)), d.Normal(t.zeros(4, 3), 1.0)),
        (d.Categorical(t.ones(3)), "normal"),
    ):
        with pytest.raises(ValueError):
            d.MixtureSameFamily(mixture, parts)
    for transforms in ("exp", ["exp"]):
        with pytest.raises(ValueError, match="transforms must be a Transform"):
            d.TransformedDistribution(normal, transforms)
    with pytest.raises(ValueError, match="needs to have shape with size at least 1"):
        d.TransformedDistribution(d.Normal(0.0, 1.0), d.StickBreakingTransform())
    with pytest.raises(ValueError, match="Expected reinterpreted_batch_ndims"):
        d.Independent(normal, 2)


def test_reprs(t):
    d = t.distributions
    assert repr(d.Normal(0.0, t.ones(2))) == "Normal(loc: torch.Size([2]), scale: torch.Size([2]))"
    assert "Independent(Normal(" in repr(d.Independent(d.Normal(t.zeros(2), 1.0), 1))
    mixture = d.MixtureSameFamily(d.Categorical(logits=t.ones(2)), d.Normal(t.zeros(2), 1.0))
    assert repr(mixture) == (
        "MixtureSameFamily(\n  Categorical(logits: torch.Size([2])),\n"
        "  Normal(loc: torch.Size([2]), scale: torch.Size([2])))"
    )
    c = d.constraints
    for constraint, words in (
        (c.real, "Real()"),
        (c.positive, "GreaterThan(lower_bound=0.0)"),
        (c.unit_interval, "Interval(lower_bound=0.0, upper_bound=1.0)"),
        (c.nonnegative_integer, "IntegerGreaterThan(lower_bound=0)"),
        (c.real_vector, "IndependentConstraint(Real(), 1)"),
        (c.simplex, "Simplex()"),
    ):
        assert repr(constraint) == words
