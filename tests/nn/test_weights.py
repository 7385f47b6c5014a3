"""Weight and spectral normalisation, parametrisations, `skip_init`."""

import copy

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn.utils import parametrizations, parametrize

from ..both import t as t
from .side_by_side import numbers, pytorch

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")


def both(make):
    """A layer in both libraries with the same draws, in float64."""
    torch = pytorch()
    torch.manual_seed(0), tg.manual_seed(0)
    return torch, make(tg).double(), make(torch).double()


def compare(mine, theirs):
    assert list(mine) == list(theirs)
    for key, value in mine.items():
        np.testing.assert_allclose(
            value.numpy(force=True), theirs[key].detach().numpy(), rtol=1e-5, atol=1e-6, err_msg=key
        )


NORMS = {
    "weight_norm": lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(4, 3)),
    "weight_norm-1": lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(4, 3), dim=1),
    "weight_norm-all": lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(4, 3), dim=None),
    "spectral_norm": lambda lib: lib.nn.utils.spectral_norm(lib.nn.Linear(4, 3)),
    "spectral_norm-1": lambda lib: lib.nn.utils.spectral_norm(
        lib.nn.Linear(4, 3), n_power_iterations=3, dim=1),
    "parametrizations.weight_norm": lambda lib: lib.nn.utils.parametrizations.weight_norm(
        lib.nn.Linear(4, 3)),
    "parametrizations.spectral_norm": lambda lib: lib.nn.utils.parametrizations.spectral_norm(
        lib.nn.Linear(4, 3)),
    "parametrizations.spectral_norm-bias": lambda lib: (
        lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(4, 3), "bias")),
    "weight_norm-lstm": lambda lib: lib.nn.utils.weight_norm(
        lib.nn.LSTM(4, 3), "weight_hh_l0"),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMS)
def test_training_is_pytorch_s(name):
    """Three steps of SGD and an evaluation: results, gradients, states."""
    torch, mine, theirs = both(NORMS[name])
    x = numbers(5, 4)
    for lib, layer in ((tg, mine), (torch, theirs)):
        optimizer = lib.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            y = layer(lib.as_tensor(x))
            ((y[0] if isinstance(y, tuple) else y) ** 2).sum().backward()
            optimizer.step()
        layer.eval()
    results = [layer(lib.as_tensor(x)) for lib, layer in ((tg, mine), (torch, theirs))]
    a, b = (r[0] if isinstance(r, tuple) else r for r in results)
    np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), rtol=1e-5, atol=1e-6)
    compare(mine.state_dict(), theirs.state_dict())
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert repr(mine) == repr(theirs)


@pytest.mark.parametrize("what", ["weight_norm", "spectral_norm"])
def test_removed_again(t, what):
    layer, x = t.nn.Linear(4, 3), t.randn(2, 4)
    getattr(t.nn.utils, what)(layer)
    layer(x)
    expected = layer.eval()(x)
    getattr(t.nn.utils, f"remove_{what}")(layer)
    assert set(layer.state_dict()) == {"bias", "weight"}
    assert isinstance(layer.weight, t.nn.Parameter) and t.allclose(layer(x), expected, atol=1e-6)
    with pytest.raises(ValueError, match="not found in"):
        getattr(t.nn.utils, f"remove_{what}")(layer)
    getattr(t.nn.utils, what)(layer)
    with pytest.raises(RuntimeError, match="Cannot register two"):
        getattr(t.nn.utils, what)(layer)


@pytest.mark.parametrize("where", ["utils", "utils.parametrizations"])
def test_two_calls_of_spectral_norm_before_backward(t, where):
    module = t.nn.utils if where == "utils" else t.nn.utils.parametrizations
    layer = module.spectral_norm(t.nn.Linear(4, 3))
    x = t.randn(2, 4)
    (layer(x) + layer(x)).sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_spectral_norm_finds_the_largest_singular_value():
    layer = parametrizations.spectral_norm(nn.Linear(30, 20), n_power_iterations=30).double()
    for _ in range(20):
        weight = layer.weight
    assert abs(np.linalg.norm(weight.numpy(force=True), 2) - 1) < 1e-5


def test_weight_norm_states_of_the_old_form_are_understood(t):
    old = t.nn.utils.weight_norm(t.nn.Linear(4, 3))
    new = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(4, 3))
    new.load_state_dict(old.state_dict())
    assert t.allclose(new.weight, old.weight)


# ----- parametrisations -----


def symmetric(t):
    class Symmetric(t.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x):
            return x.triu()

    return Symmetric()


def exponential(t, inverse=True):
    class Exponential(t.nn.Module):
        def forward(self, x):
            return x.exp()

    if inverse:
        Exponential.right_inverse = lambda self, x: x.log()
    return Exponential()


def test_parametrize(t):
    p = t.nn.utils.parametrize
    layer = t.nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    assert p.register_parametrization(layer, "weight", symmetric(t)) is layer
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, t.nn.Linear)
    assert p.is_parametrized(layer) and not p.is_parametrized(layer, "bias")
    assert t.equal(layer.weight, layer.weight.t()) and t.equal(layer.weight.triu(), before.triu())
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer(t.ones(2, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    layer.weight = t.eye(3) * 2  # through right_inverse
    assert layer.weight.tolist() == (t.eye(3) * 2).tolist()
    p.remove_parametrizations(layer, "weight")
    assert type(layer) is t.nn.Linear and layer.weight.tolist() == (t.eye(3) * 2).tolist()
    assert list(layer.state_dict()) == ["bias", "weight"]


def test_copies_stay_parametrised():
    """In PyTorch a copy loses its weight when the original's parametrisation is removed."""
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", symmetric(tg))
    copied = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert tg.equal(copied.weight, copied.weight.t())
    copied.weight = tg.eye(3)
    assert not tg.equal(layer.weight, copied.weight)


def test_several_parametrisations_and_tensors(t):
    p = t.nn.utils.parametrize
    layer = t.nn.Linear(3, 3)
    t.nn.init.constant_(layer.weight, 2.0)
    t.nn.init.constant_(layer.bias, 2.0)
    p.register_parametrization(layer, "weight", exponential(t))
    assert t.allclose(layer.weight, t.full((3, 3), 2.0))
    p.register_parametrization(layer, "weight", exponential(t, inverse=False))
    assert t.allclose(layer.weight, t.full((3, 3), 2.0).exp())
    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        layer.weight = t.ones(3, 3)
    p.register_parametrization(layer, "bias", exponential(t, inverse=False))
    assert t.allclose(layer.bias, t.full((3,), 2.0).exp())
    with p.cached():
        assert layer.weight is layer.weight and layer.weight is not layer.bias
    assert layer.weight is not layer.weight
    p.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert layer.bias.tolist() == [2.0] * 3 and p.is_parametrized(layer)
    assert p.type_before_parametrizations(layer) is t.nn.Linear
    other = p.transfer_parametrizations_and_params(layer, t.nn.Linear(3, 3))
    assert t.equal(other.weight, layer.weight)
    assert other.parametrizations.weight.original is layer.parametrizations.weight.original


def test_parametrisations_are_checked(t):
    p = t.nn.utils.parametrize

    class Larger(t.nn.Module):
        def forward(self, x):
            return t.cat([x, x])

    layer = t.nn.Linear(3, 3)
    with pytest.raises(ValueError, match="may not change the shape"):
        p.register_parametrization(layer, "weight", Larger())
    p.register_parametrization(layer, "weight", Larger(), unsafe=True)
    assert layer.weight.shape == (6, 3)
    with pytest.raises(ValueError, match="does not have a parameter, a buffer"):
        p.register_parametrization(layer, "wight", Larger())
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        p.remove_parametrizations(layer, "bias")
    wn = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 3))
    with pytest.raises(ValueError, match="in terms of a sequence of tensors"):
        p.remove_parametrizations(wn, "weight", leave_parametrized=False)
    with pytest.raises(ValueError, match="n_power_iterations"):
        t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(3, 3), n_power_iterations=0)
    with pytest.raises(ValueError, match="no parameter or buffer with name"):
        t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(3, 3), "wight")


# ----- orthogonal weights -----

MAPS = [("matrix_exp", True), ("cayley", True), ("householder", True), ("householder", False)]


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("map, trivial", MAPS)
def test_orthogonal(map, trivial, shape):
    """With PyTorch's state the weight and its gradient are PyTorch's."""
    options = {"orthogonal_map": map, "use_trivialization": trivial}
    torch, mine, theirs = both(lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(*shape[::-1]).double(), **options))  # fmt: skip
    assert list(mine.state_dict()) == list(theirs.state_dict())
    unit = np.eye(min(shape))
    for layer in (mine, theirs):
        w = layer.weight.numpy(force=True)
        np.testing.assert_allclose(w @ w.T if shape[0] < shape[1] else w.T @ w, unit, atol=1e-12)
    start = numbers(*shape) / 3
    if map == "householder":  # whose diagonal holds signs
        start[np.arange(len(unit)), np.arange(len(unit))] = 1
    mine.load_state_dict(theirs.state_dict())
    for lib, layer in ((tg, mine), (torch, theirs)):
        original = layer.parametrizations.weight.original
        original.data.copy_(lib.as_tensor(start))
        (layer.weight**3).sum().backward()
    a, b = (x.weight.numpy(force=True) for x in (mine, theirs))
    np.testing.assert_allclose(a, b, atol=1e-12)
    a, b = (x.parametrizations.weight.original.grad.numpy(force=True) for x in (mine, theirs))
    np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("map, trivial", MAPS)
def test_orthogonal_values_may_be_assigned(t, map, trivial):
    make = t.nn.utils.parametrizations.orthogonal
    layer = make(t.nn.Linear(3, 5).double(), orthogonal_map=map, use_trivialization=trivial)
    given = make(t.nn.Linear(3, 5).double()).weight.detach()
    layer.weight = given
    assert t.allclose(layer.weight, given, atol=1e-10)


def test_orthogonal_is_checked(t):
    make = t.nn.utils.parametrizations.orthogonal
    layer = make(t.nn.Linear(3, 3), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="It is not possible to assign"):
        layer.weight = t.eye(3)
    with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
        make(t.nn.Linear(3, 3), orthogonal_map="qr")
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices"):
        make(t.nn.Linear(3, 3), "bias")


def test_skip_init(t):
    t.manual_seed(0)
    expected = t.rand(3)
    t.manual_seed(0)
    layer = t.nn.utils.skip_init(t.nn.Linear, 5, 2)
    assert layer.weight.shape == (2, 5) and t.equal(t.rand(3), expected)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        t.nn.utils.skip_init(dict)
    with pytest.raises(RuntimeError, match="'device' arg"):
        t.nn.utils.skip_init(t.nn.ReLU)
