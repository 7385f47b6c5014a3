"""Activations: by definition, by finite differences, and against PyTorch."""

import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.ops.error_function import erf

from ..both import t as t
from .side_by_side import agree, differentiable, numbers, pytorch, refused, same_on

PROGRAMS = {
    "relu": lambda lib, x: lib.nn.functional.relu(x),
    "relu6": lambda lib, x: lib.nn.functional.relu6(x * 3),
    "leaky_relu": lambda lib, x: lib.nn.functional.leaky_relu(x),
    "leaky_relu-steep": lambda lib, x: lib.nn.functional.leaky_relu(x, 3.0),
    "elu": lambda lib, x: lib.nn.functional.elu(x),
    "elu-alpha": lambda lib, x: lib.nn.functional.elu(x, alpha=0.3),
    "elu-negative-alpha": lambda lib, x: lib.nn.functional.elu(x, -2.0),
    "selu": lambda lib, x: lib.nn.functional.selu(x),
    "celu": lambda lib, x: lib.nn.functional.celu(x),
    "celu-alpha": lambda lib, x: lib.nn.functional.celu(x, alpha=2.5),
    "gelu": lambda lib, x: lib.nn.functional.gelu(x),
    "gelu-tanh": lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh"),
    "silu": lambda lib, x: lib.nn.functional.silu(x),
    "mish": lambda lib, x: lib.nn.functional.mish(x),
    "softplus": lambda lib, x: lib.nn.functional.softplus(x),
    "softplus-beta": lambda lib, x: lib.nn.functional.softplus(x, beta=3.0, threshold=4.0),
    "softsign": lambda lib, x: lib.nn.functional.softsign(x),
    "sigmoid": lambda lib, x: lib.nn.functional.sigmoid(x),
    "logsigmoid": lambda lib, x: lib.nn.functional.logsigmoid(x),
    "tanh": lambda lib, x: lib.nn.functional.tanh(x),
    "hardtanh": lambda lib, x: lib.nn.functional.hardtanh(x),
    "hardtanh-limits": lambda lib, x: lib.nn.functional.hardtanh(x, -1.5, 0.5),
    "hardswish": lambda lib, x: lib.nn.functional.hardswish(x * 3),
    "threshold": lambda lib, x: lib.nn.functional.threshold(x, 0.3, -7.0),
    "softmax": lambda lib, x: lib.nn.functional.softmax(x, dim=-1),
    "softmax-first": lambda lib, x: lib.nn.functional.softmax(x, 0),
    "log_softmax": lambda lib, x: lib.nn.functional.log_softmax(x, dim=1),
    "softmin": lambda lib, x: lib.nn.functional.softmin(x, dim=-1),
    "glu": lambda lib, x: lib.nn.functional.glu(x),
    "glu-first": lambda lib, x: lib.nn.functional.glu(x, dim=0),
}
KINKED = numbers(4, 6)  # no element is near a kink


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_pytorch_s(name):
    agree(PROGRAMS[name], KINKED)


@pytest.mark.parametrize("name", PROGRAMS)
def test_at_kinks_and_ends(name):
    """Where branches meet, and where exponentials overflow: first gradients as PyTorch's."""
    points = np.array([-3, -1.5, -1, 0, 0.3, 0.5, 1, 2, 3, 6, -90, 90, -800, 800.0])
    agree(PROGRAMS[name], np.stack([points, points[::-1]]), second=False, rtol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_those_of_finite_differences(name):
    differentiable(PROGRAMS[name], KINKED[:2, :4])


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_every_device(name, device):
    same_on(device, PROGRAMS[name], KINKED)


@pytest.mark.parametrize("name", PROGRAMS)
def test_large_inputs_have_finite_second_gradients(name):
    x = tg.tensor([[-1e4, -800.0, 800.0, 1e4]] * 2, requires_grad=True)
    (g,) = tg.autograd.grad(PROGRAMS[name](tg, x).sum(), x, create_graph=True)
    assert g.isfinite().all()
    if g.requires_grad:
        (second,) = tg.autograd.grad(g.sum(), x, allow_unused=True, materialize_grads=True)
        assert second.isfinite().all()


@pytest.mark.parametrize("name", ["hardsigmoid", "prelu-one", "prelu-channels"])
def test_those_that_pytorch_differentiates_once_or_with_a_weight(name):
    if name == "hardsigmoid":  # PyTorch computes its gradient in float32
        agree(lambda lib, x: lib.nn.functional.hardsigmoid(x * 3), KINKED, second=False, rtol=1e-7)
        differentiable(lambda lib, x: lib.nn.functional.hardsigmoid(x), KINKED)
    else:
        weight = np.array([0.2]) if name == "prelu-one" else np.array([0.2, -0.4, 1.5])
        x = numbers(2, 3, 4)
        agree(lambda lib, x, w: lib.nn.functional.prelu(x, w), x, weight)
        differentiable(lambda lib, x, w: lib.nn.functional.prelu(x, w), x, weight)


def test_gradients_of_infinities_and_nan_pass_or_stop_whole(t):
    """Where relu is 0, so is its gradient, whatever comes in: a product would make nan."""
    values = t.tensor([-1.0, 2.0, math.nan] * 1000)
    for strange in (math.inf, -math.inf, math.nan):
        x = values.clone().requires_grad_()
        t.relu(x).backward(t.full_like(x, strange))
        assert (x.grad[::3] == 0).all()
        for passed in (x.grad[1::3], x.grad[2::3]):
            assert (passed.isnan() if strange != strange else passed == strange).all()


def test_relu_lets_infinity_pass(t):
    result = t.relu(t.tensor([-0.0, math.inf, -math.inf] * 10))
    assert (result[::3] == 0).all()
    assert (result[1::3] == math.inf).all()
    assert (result[2::3] == 0).all()


def test_logaddexp_of_infinities(t):
    a = t.tensor([math.inf, -math.inf, math.inf, 1000.0, math.nan, -1000.0])
    b = t.tensor([math.inf, -math.inf, -math.inf, 1000.0, 0.0, 1000.0])
    found = str([round(value, 3) for value in t.logaddexp(a, b).tolist()])
    assert found == "[inf, -inf, inf, 1000.693, nan, 1000.0]"


def test_nan_stays_nan():
    x = tg.tensor([math.nan, math.nan])
    for name, program in PROGRAMS.items():
        if name not in ("glu", "glu-first", "log_softmax"):
            assert program(tg, x).isnan().all(), name


# ----- the error function -----


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_erf_is_exact_to_the_last_digits(dtype):
    rng = np.random.default_rng(0)
    points = np.concatenate(
        [np.linspace(-7, 7, 4001), np.logspace(-30, 1, 500), rng.standard_normal(2000)]
    ).astype(dtype)
    exact = np.array([math.erf(x) for x in points.tolist()])
    error = np.abs(erf(tg.as_tensor(points)).numpy(force=True) - exact)
    assert (error <= 5 * np.spacing(np.abs(exact).astype(dtype))).all()


def test_erf_at_the_ends():
    x = tg.tensor([-math.inf, -0.0, 0.0, math.inf, math.nan])
    assert str(erf(x).tolist()) == "[-1.0, -0.0, 0.0, 1.0, nan]"
    assert erf(tg.tensor([1, 2])).dtype is tg.float32
    assert erf(tg.tensor([0.5], dtype=tg.float16)).dtype is tg.float16


def test_erf_is_differentiable():
    differentiable(lambda lib, x: erf(x), numbers(6))


# ----- functions -----


IN_PLACE = ["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh",
            "hardsigmoid", "hardswish"]  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    function = getattr(F, name)
    leaf = tg.tensor([-1.2, 0.4, 2.2], requires_grad=True)
    x = leaf * 1
    result = function(x, inplace=True)
    assert result is x and x._version == 1
    expected = tg.tensor([-1.2, 0.4, 2.2], requires_grad=True)
    (function(expected) ** 2).sum().backward()
    (x**2).sum().backward()
    np.testing.assert_allclose(
        leaf.grad.numpy(force=True), expected.grad.numpy(force=True), rtol=1e-6
    )
    if hasattr(F, f"{name}_"):
        assert getattr(F, f"{name}_")(y := leaf.detach().clone()) is y
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        function(leaf, inplace=True)


def test_integers():
    x = tg.tensor([-1, 2, 9])
    assert F.relu(x).tolist() == [0, 2, 9] and F.relu6(x).tolist() == [0, 2, 6]
    assert F.threshold(x, 2, 0).tolist() == [0, 0, 9] and F.threshold(x, 2, 0).dtype is tg.int64
    for name in ("elu", "gelu", "silu", "softplus", "leaky_relu", "mish", "hardswish"):
        with pytest.raises(NotImplementedError, match=r"torch.int64; convert with .float\(\)"):
            getattr(F, name)(x)


def test_float16_keeps_its_dtype():
    x = tg.tensor([[-1.0, 0.5, 2.0, 3.0]], dtype=tg.float16)
    for program in PROGRAMS.values():
        assert program(tg, x.expand(2, 4)).dtype is tg.float16


def test_softmax_without_a_dimension_warns():
    for function in (F.softmax, F.log_softmax, F.softmin):
        for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((1, 2, 3, 4), 1)):
            x = tg.as_tensor(numbers(*shape))
            with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
                implicit = function(x)
            assert caught[0].filename == __file__
            assert tg.equal(implicit, function(x, dim=dim))
    assert F.softmax(tg.ones(2), dim=0, dtype=tg.float64).dtype is tg.float64


# ----- modules -----

MODULES = [
    "ReLU()", "ReLU(True)", "ReLU6()", "LeakyReLU()", "LeakyReLU(0.2, True)", "ELU()",
    "ELU(2.0, True)", "SELU()", "CELU()", "CELU(2.0, True)", "GELU()", "GELU('tanh')", "SiLU()",
    "SiLU(inplace=True)", "Mish()", "Softplus()", "Softplus(2.0, 5.0)", "Softsign()", "Sigmoid()",
    "LogSigmoid()", "Tanh()", "Hardtanh()", "Hardtanh(-2, 2, True)", "Hardsigmoid()",
    "Hardswish(True)", "Threshold(1, 2)", "Threshold(1, 2, True)", "Softmax(1)",
    "LogSoftmax(-1)", "Softmin(0)", "Softmin(1)", "PReLU()", "PReLU(6)", "GLU()", "GLU(0)",
]  # fmt: skip


@pytest.mark.parametrize("call", MODULES)
def test_modules_look_and_act_as_pytorch_s(call):
    torch = pytorch()
    ours, theirs = eval(f"nn.{call}"), eval(f"torch.nn.{call}")
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    values = KINKED.astype("float32")
    np.testing.assert_allclose(
        ours(tg.tensor(values)).numpy(force=True),
        theirs(torch.tensor(values)).numpy(force=True),
        rtol=1e-5,
        atol=1e-6,
    )


def test_prelu_learns_its_weight():
    layer = nn.PReLU(2, init=1)
    assert layer.weight.dtype is tg.float32 and layer.weight.tolist() == [1.0, 1.0]
    layer(tg.tensor([[-1.0, 2.0], [-3.0, -4.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [-4.0, -4.0]
    with tg.no_grad():
        layer.weight.add_(5)
    layer.reset_parameters()
    assert layer.weight.tolist() == [1.0, 1.0]
    assert nn.PReLU(dtype=tg.float64).weight.dtype is tg.float64


# ----- errors -----

REFUSED = {
    "gelu": (lambda lib: lib.nn.GELU("x")(lib.ones(2)), "must be either none or tanh"),
    "prelu": (
        lambda lib: lib.nn.PReLU(5)(lib.ones(4, 3)),
        "Found parameter numbers = 5 and channel size = 3.",
    ),
    "prelu-vector": (lambda lib: lib.nn.PReLU(3)(lib.ones(3)), "channel size = 1."),
    "prelu-matrix": (
        lambda lib: lib.nn.functional.prelu(lib.ones(2, 3), lib.ones(3, 1)),
        "Expected `weight` to be a scalar or 1D tensor, but got: ndim = 2",
    ),
    "glu": (
        lambda lib: lib.nn.GLU()(lib.ones(4, 3)),
        "Halving dimension must be even, but dimension 1 is size 3",
    ),
    "glu-scalar": (lambda lib: lib.nn.functional.glu(lib.ones(())), "does not support scalars"),
    "Hardtanh": (lambda lib: lib.nn.Hardtanh(1, -1), "max_val (-1) must be greater than min_val"),
    "hardtanh": (
        lambda lib: lib.nn.functional.hardtanh(lib.ones(2), 1, -1),
        "min_val cannot be greater than max_val",
    ),
    "celu": (
        lambda lib: lib.nn.functional.celu(lib.ones(2), 0.0),
        "ZeroDivisionError: alpha cannot be 0 for CELU",
    ),
    "integers": (lambda lib: lib.nn.functional.elu(lib.ones(2).long()), "not implemented for"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])
