"""Transforms: inverses, Jacobians and shapes, and what constraints they lead to."""

from __future__ import annotations

import copy

import pytest

import tinygrad_rnn as ours

from ..both import t as t

X = [[-1.2, 0.3, 0.8], [0.1, -0.4, 2.0]]
# How to make each, and an input.
TRANSFORMS = {
    "Abs": (lambda d: d.AbsTransform(), X),
    "Affine": (lambda d: d.AffineTransform(1.0, -2.0), X),
    "Affine-vectors": (lambda d: d.AffineTransform(1.0, 3.0, event_dim=1), X),
    "Cat": (lambda d: d.CatTransform(
        [d.ExpTransform(), d.AffineTransform(0.0, 2.0)], dim=1, lengths=[1, 2]), X),
    "Compose": (lambda d: d.ComposeTransform(
        [d.AffineTransform(0.5, 2.0), d.SigmoidTransform(), d.ExpTransform()]), X),
    "Compose-vectors": (lambda d: d.ComposeTransform(
        [d.AffineTransform(0.5, 2.0), d.StickBreakingTransform()]), X),
    "CorrCholesky": (lambda d: d.CorrCholeskyTransform(), X),
    "Cumulative": (lambda d: d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)), X),
    "Exp": (lambda d: d.ExpTransform(), X),
    "Independent": (lambda d: d.IndependentTransform(d.ExpTransform(), 1), X),
    "Inverse": (lambda d: d.SigmoidTransform().inv, [0.1, 0.4]),
    "LowerCholesky": (lambda d: d.LowerCholeskyTransform(), [[0.1, 0.0], [0.4, -1.0]]),
    "PositiveDefinite": (lambda d: d.PositiveDefiniteTransform(), [[0.1, 0.0], [0.4, -1.0]]),
    "Power": (lambda d: d.PowerTransform(2.5), [0.5, 1.0, 3.0]),
    "Reshape": (lambda d: d.ReshapeTransform((3,), (3, 1)), X),
    "Sigmoid": (lambda d: d.SigmoidTransform(), X),
    "Softmax": (lambda d: d.SoftmaxTransform(), X),
    "Softplus": (lambda d: d.SoftplusTransform(), X),
    "Stack": (lambda d: d.StackTransform([d.ExpTransform(), d.TanhTransform()]), X),
    "StickBreaking": (lambda d: d.StickBreakingTransform(), X),
    "Tanh": (lambda d: d.TanhTransform(), X),
    "identity": (lambda d: d.identity_transform, X),
}  # fmt: skip
WITHOUT_JACOBIAN = {"Abs", "LowerCholesky", "PositiveDefinite", "Softmax"}
MATRICES = {"CorrCholesky"}


def transform(t, name, **options):
    make, x = TRANSFORMS[name]
    return make(t.distributions), t.tensor(x, dtype=t.float64, **options)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverses_and_shapes(t, name):
    f, x = transform(t, name)
    y = f(x)
    assert f.forward_shape(x.shape) == y.shape
    assert f.inverse_shape(y.shape) == x.shape
    assert bool(f.codomain.check(y).all())
    if name not in ("Abs", "Softmax"):
        assert t.allclose(f.inv(y), x)
    assert f.inv.inv is f
    assert f.inv.domain.event_dim == f.codomain.event_dim
    assert repr(f)


@pytest.mark.parametrize("name", sorted(TRANSFORMS.keys() - WITHOUT_JACOBIAN))
def test_jacobians(t, name):
    """Against the determinant of all derivatives, event by event."""
    f, x = transform(t, name, requires_grad=True)
    y = f(x)
    found = f.log_abs_det_jacobian(x, y)
    assert t.allclose(f.inv.log_abs_det_jacobian(y, x), -found)
    jacobian = t.autograd.functional.jacobian(f, x.detach())
    jacobian = jacobian.reshape(y.numel(), x.numel())
    if name in ("StickBreaking", "Compose-vectors"):  # the last of each row follows
        keep = [i for i in range(y.numel()) if i % y.shape[-1] != y.shape[-1] - 1]
        jacobian = jacobian[keep]
    if name in MATRICES:  # what is strictly below the diagonal
        keep = [i for i in range(y.numel()) if i % 3 < i // 3 % 3]
        jacobian = jacobian[keep]
    assert t.allclose(found.sum(), jacobian.det().abs().log())


@pytest.mark.parametrize("name", TRANSFORMS)
def test_numbers_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    found, expected = (f(x) for f, x in (transform(lib, name) for lib in (ours, torch)))
    assert torch.allclose(torch.from_numpy(found.numpy(force=True)), expected, rtol=1e-10)


def test_caches(t):
    f = t.distributions.TanhTransform(cache_size=1)
    x = t.tensor([0.5, 30.0])
    y = f(x)
    assert f.inv(y) is x
    assert f.inv.inv is f
    assert f.with_cache(0).inv(y)[1] == float("inf")
    assert copy.deepcopy(f)(x).tolist() == y.tolist()
    whole = t.distributions.ComposeTransform([f, t.distributions.ExpTransform()], cache_size=1)
    assert whole.inv(whole(x)) is x
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        t.distributions.ExpTransform(cache_size=2)


def test_equality_and_signs(t):
    d = t.distributions
    assert d.ExpTransform() == d.ExpTransform() != d.TanhTransform()
    assert d.AffineTransform(0.0, t.ones(2)) == d.AffineTransform(0.0, t.ones(2))
    assert d.AffineTransform(0.0, 1.0) != d.AffineTransform(0.0, 2.0)
    assert d.ExpTransform().inv == d.ExpTransform().inv
    assert d.AffineTransform(0.0, -2.0).sign == -1
    assert d.AffineTransform(0.0, t.tensor([-2.0, 1.0])).sign.tolist() == [-1, 1]
    assert d.ComposeTransform([d.ExpTransform(), d.AffineTransform(0, -1)]).sign == -1
    with pytest.raises(NotImplementedError):
        _ = d.AbsTransform().sign


def test_transformed_distributions(t):
    """The chance below a value, with a transform that falls; events by a transform of vectors."""
    d = t.distributions
    base = d.Normal(t.zeros(3), 1.0)
    down = d.TransformedDistribution(base, [d.AffineTransform(1.0, -2.0), d.ExpTransform()])
    value = t.tensor([0.5, 1.0, 3.0])
    chance = down.cdf(value)
    assert bool((chance[1:] > chance[:-1]).all())
    assert t.allclose(down.icdf(chance), value, rtol=1e-4)
    sticks = d.TransformedDistribution(base, d.StickBreakingTransform())
    assert sticks.event_shape == (4,)
    assert sticks.batch_shape == ()
    assert sticks.expand((2,)).sample((5,)).shape == (5, 2, 4)
    wide = d.TransformedDistribution(d.Normal(0.0, 1.0), d.AffineTransform(t.zeros(2), 1.0))
    assert wide.batch_shape == (2,)
    assert wide.rsample().shape == (2,)


CONSTRAINED = ["real", "positive", "nonnegative", "unit_interval", "simplex", "real_vector",
               "lower_cholesky", "positive_definite", "corr_cholesky"]  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINED)
def test_from_real_numbers_to_a_constraint(t, name):
    d = t.distributions
    constraint = getattr(d.constraints, name)
    x = t.tensor([[0.3, -1.0, 0.5]] * 3, dtype=t.float64)
    assert bool(constraint.check(d.transform_to(constraint)(x)).all())
    if name not in ("lower_cholesky", "positive_definite"):
        f = d.biject_to(constraint)
        assert bool(constraint.check(f(x)).all())
        assert f.bijective


def test_bounds(t):
    d, x = t.distributions, t.tensor([[0.3, -1.0], [0.5, 3.0]])
    c = d.constraints
    for constraint in (
        c.greater_than(2.0),
        c.greater_than_eq(t.tensor([1.0, 3.0])),
        c.less_than(-1.0),
        c.interval(-1.0, t.tensor([2.0, 3.0])),
        c.half_open_interval(2.0, 5.0),
        c.independent(c.positive, 1),
        c.cat([c.positive, c.unit_interval], 1, [1, 1]),
        c.stack([c.positive, c.unit_interval], 0),
    ):
        assert bool(constraint.check(d.transform_to(constraint)(x)).all())
        assert bool(constraint.check(d.biject_to(constraint)(x)).all())
    with pytest.raises(NotImplementedError, match="Cannot transform"):
        d.transform_to(c.boolean)
    with pytest.raises(TypeError, match="Expected constraint"):
        d.biject_to.register(3, lambda c: d.ExpTransform())


def test_misfits(t):
    d = t.distributions
    with pytest.raises(ValueError, match="different numbers of elements"):
        d.ReshapeTransform((2,), (3,))
    with pytest.raises(ValueError, match="Shape mismatch"):
        d.ReshapeTransform((2,), (1, 2)).forward_shape((3,))
    for f, shape in (
        (d.StickBreakingTransform(), ()),
        (d.CorrCholeskyTransform(), (2,)),
        (d.SoftmaxTransform(), ()),
    ):
        with pytest.raises(ValueError):
            f.forward_shape(shape)
    with pytest.raises(ValueError, match="not square"):
        d.CorrCholeskyTransform().inverse_shape((2, 3))
