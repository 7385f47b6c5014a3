"""Dropouts and activations with noise: PyTorch's own draws, under the same seed."""

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from ..both import t as t
from .side_by_side import agree, differentiable, numbers, refused, same_on

PROGRAMS = {
    "dropout3d": (lambda f, x: f.dropout3d(x, 0.4), (2, 5, 2, 2, 2)),
    "dropout3d-unbatched": (lambda f, x: f.dropout3d(x, 0.4), (5, 2, 2, 2)),
    "alpha_dropout": (lambda f, x: f.alpha_dropout(x, 0.3, True), (4, 5)),
    "alpha_dropout-all": (lambda f, x: f.alpha_dropout(x, 1.0, True), (4, 5)),
    "feature_alpha_dropout": (lambda f, x: f.feature_alpha_dropout(x, 0.3, True), (3, 4, 2)),
    "rrelu": (lambda f, x: f.rrelu(x, training=True), (4, 5)),
    "rrelu-eval": (lambda f, x: f.rrelu(x, 0.1, 0.5), (4, 5)),
    "gumbel_softmax": (lambda f, x: f.gumbel_softmax(x, 0.7), (4, 5)),
    "gumbel_softmax-hard": (lambda f, x: f.gumbel_softmax(x, hard=True, dim=0) * x, (4, 5)),
    "hardshrink": (lambda f, x: f.hardshrink(x, 0.7), (4, 5)),
    "softshrink": (lambda f, x: f.softshrink(x, 0.7), (4, 5)),
    "tanhshrink": (lambda f, x: f.tanhshrink(x), (4, 5)),
}


def seeded(program):
    def call(lib, x):
        lib.manual_seed(5)
        return program(lib.nn.functional, x)

    return call


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_pytorch_s(name):
    program, shape = PROGRAMS[name]
    agree(seeded(program), numbers(*shape), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_every_device(name, device):
    program, shape = PROGRAMS[name]
    same_on(device, seeded(program), numbers(*shape))


@pytest.mark.parametrize("name", ["alpha_dropout", "rrelu", "softshrink", "hardshrink"])
def test_they_differentiate_twice(name):
    program, shape = PROGRAMS[name]
    differentiable(lambda lib, x: seeded(program)(lib, x) * x, numbers(*shape))


@pytest.mark.parametrize("name", ["dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu"])
def test_in_place(t, name):
    function = getattr(t.nn.functional, name)
    x = t.randn(2, 3, 2, 2, 2)
    t.manual_seed(1)
    expected = function(x, training=True)
    t.manual_seed(1)
    y = x.clone()
    assert function(y, training=True, inplace=True) is y
    assert t.allclose(y, expected)


def test_alpha_dropout_keeps_mean_and_variance():
    x = tg.randn(200_000)
    y = F.alpha_dropout(x, 0.2, training=True)
    assert abs(float(y.mean())) < 0.01 and abs(float(y.var()) - 1) < 0.01


@pytest.mark.parametrize("name", ["Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "RReLU"])
def test_layers_draw_while_training_only(t, name):
    layer = getattr(t.nn, name)()
    x = -t.ones(2, 8, 2, 2, 2)
    assert not t.equal(layer(x), layer(x))
    layer.eval()
    assert t.equal(layer(x), layer(x))
    assert (name == "RReLU") or t.equal(layer(x), x)


def test_the_package_s_own_names(t):
    """torch.dropout(input, p, train) and its siblings, and the forms in place."""
    x = t.ones(2, 4, 3)
    for name in ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"):
        assert t.equal(getattr(t, name)(x, 0.5, False), x)
        t.manual_seed(2)
        expected = getattr(t, name)(x, 0.5, True)
        t.manual_seed(2)
        y = x.clone()
        assert getattr(t, f"{name}_")(y, 0.5, True) is y and t.allclose(y, expected)
    y = t.tensor([-1.0, 1.0])
    assert t.selu_(y.clone()).tolist() == t.selu(y).tolist()
    assert t.celu_(y.clone(), 2.0).tolist() == t.celu(y, 2.0).tolist()
    assert t.threshold_(y.clone(), 0.0, 7.0).tolist() == t.threshold(y, 0.0, 7.0).tolist()
    assert t.rrelu_(y.clone(), 0.5, 0.5).tolist() == t.rrelu(y, 0.5, 0.5).tolist()
    assert t.prelu(y, t.tensor([0.5])).tolist() == [-0.5, 1.0]
    assert t.hardshrink(y, 2.0).tolist() == y.hardshrink(2.0).tolist() == [0.0, 0.0]
    assert y.prelu(t.tensor([0.5])).tolist() == [-0.5, 1.0]


def f(name, *args, **options):
    return lambda lib: getattr(lib.nn.functional, name)(lib.ones(4), *args, **options)


REFUSED = [
    (f("softshrink", -1.0), "lambda must be in range [0, "),
    (f("alpha_dropout", 1.5, True), "dropout probability has to be between 0 and 1"),
    (f("feature_alpha_dropout", 0.5, True), "at least 2 dimensions"),
    (f("rrelu", 0.5, 0.2, True), "ower bound should be less than or equal to the upper bound"),
    (lambda lib: lib.nn.Softmax2d()(lib.ones(3)), "expected input to be 3D or 4D"),
    (lambda lib: lib.nn.AlphaDropout(2.0), "dropout probability has to be between 0 and 1"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_errors_are_pytorch_s(case):
    refused(*case)


def test_integers_are_refused():
    for program in (lambda x: F.dropout(x), lambda x: F.rrelu(x, training=True),
                    lambda x: nn.Hardshrink()(x)):  # fmt: skip
        with pytest.raises((RuntimeError, NotImplementedError), match="float"):
            program(tg.tensor([1, 2]))
