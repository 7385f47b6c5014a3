"""Starting values: the numbers that PyTorch draws for the same seed, and what they must be."""

import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn import init

from .side_by_side import pytorch, refused

# Those made of uniform numbers are equal bit for bit; normal numbers up to the last bits of a
# logarithm, a sine and a cosine.
DRAWS = {
    "uniform_": ({}, 0),
    "uniform_ ab": ({"a": -2.0, "b": 3.0}, 0),
    "xavier_uniform_": ({}, 0),
    "xavier_uniform_ gain": ({"gain": 5 / 3}, 0),
    "kaiming_uniform_": ({}, 0),
    "kaiming_uniform_ a": ({"a": math.sqrt(5)}, 0),
    "kaiming_uniform_ out": ({"mode": "fan_out", "nonlinearity": "relu"}, 0),
    "normal_": ({}, 1e-6),
    "normal_ ms": ({"mean": 1.0, "std": 0.1}, 1e-6),
    "xavier_normal_": ({"gain": 2.0}, 1e-6),
    "kaiming_normal_": ({}, 1e-6),
    "kaiming_normal_ tanh": ({"mode": "fan_out", "nonlinearity": "tanh"}, 1e-6),
    "trunc_normal_": ({}, 1e-6),
    "trunc_normal_ often": ({"mean": 0.5, "std": 2.0, "a": -1.0, "b": 2.0}, 1e-6),
    "trunc_normal_ narrow": ({"std": 5.0, "a": -1.0, "b": 1.0}, 1e-6),
    "trunc_normal_ tail": ({"a": 1.5, "b": 4.0}, 1e-6),
    "orthogonal_": ({}, 1e-4),
    "orthogonal_ gain": ({"gain": 3.0}, 1e-4),
    "sparse_": ({"sparsity": 0.4}, 1e-6),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 5, 2)], ids=str)
@pytest.mark.parametrize("name", DRAWS)
def test_the_numbers_of_pytorch(name, shape, dtype):
    torch = pytorch()
    options, tolerance = DRAWS[name]
    function = name.split()[0]
    if function == "sparse_" and len(shape) != 2:
        shape = shape[:2]
    results = []
    for lib, module in ((tg, init), (torch, torch.nn.init)):
        lib.manual_seed(42)
        weight = lib.zeros(*shape, dtype=getattr(lib, dtype), requires_grad=True)
        assert getattr(module, function)(weight, **options) is weight
        assert weight.is_leaf and weight.requires_grad and weight.grad_fn is None
        results.append((weight.numpy(force=True), lib.rand(1).item()))
    (ours, next_ours), (theirs, next_theirs) = results
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance / 10)
    assert next_ours == next_theirs  # both took the same numbers from the stream


@pytest.mark.parametrize("name", DRAWS)
def test_a_generator_of_one_s_own(name):
    options, _ = DRAWS[name]
    function = getattr(init, name.split()[0])
    tg.manual_seed(0)
    first = function(tg.zeros(6, 4), generator=tg.Generator().manual_seed(5), **options)
    if name != "sparse_":  # as PyTorch's, it draws the places of zeros from the default generator
        assert tg.rand(1).item() == tg.rand(1, generator=tg.Generator().manual_seed(0)).item()
    tg.manual_seed(0)
    second = function(tg.zeros(6, 4), generator=tg.Generator().manual_seed(5), **options)
    assert tg.equal(first, second)


def test_plain_values(device):
    weight = tg.rand(2, 3, device=device).requires_grad_()
    assert init.zeros_(weight).tolist() == [[0.0] * 3] * 2
    assert init.ones_(weight).tolist() == [[1.0] * 3] * 2
    assert init.constant_(weight, 0.3) is weight and weight.mean().item() == pytest.approx(0.3)
    assert init.eye_(weight).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert weight.is_leaf and weight.grad_fn is None and weight.device.type == device
    assert init.uniform_(weight, 1, 2).device.type == device
    assert init.orthogonal_(weight).device.type == device


def test_filling_is_noticed_by_autograd():
    weight = tg.ones(2, requires_grad=True)
    loss = (weight**2).sum()
    init.zeros_(weight)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (10, 4, 5)], ids=str)
def test_orthogonal_rows_or_columns(shape):
    weight = init.orthogonal_(tg.empty(*shape, dtype=tg.float64), gain=2.0)
    matrix = weight.numpy(force=True).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-13)
    assert init.orthogonal_(tg.empty(0, 3)).shape == (0, 3)


def test_fans():
    """What layers that people write take from PyTorch's private names."""
    weight = tg.empty(3, 4, 5, 6)
    assert init._calculate_fan_in_and_fan_out(weight) == (120, 90)
    assert init._calculate_correct_fan(weight, "FAN_OUT") == 90


def test_distributions():
    weight = tg.empty(200, 300, dtype=tg.float64)
    init.kaiming_normal_(weight, nonlinearity="relu")
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 300), rel=0.02)
    init.xavier_normal_(weight)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    for limits in ({"a": -0.5, "b": 1.0}, {"a": 1.0, "b": 1.5}):
        init.trunc_normal_(weight, **limits)
        assert weight.min() >= limits["a"] and weight.max() <= limits["b"]
        cdf = np.vectorize(lambda x: (1 + math.erf(x / math.sqrt(2))) / 2)
        low, high = cdf([limits["a"], limits["b"]])
        quantiles = (cdf(np.sort(weight.numpy(force=True).ravel())[::500]) - low) / (high - low)
        np.testing.assert_allclose(quantiles, np.linspace(0, 1, len(quantiles)), atol=0.02)
    init.sparse_(weight, 0.25)
    assert ((weight == 0).sum(0) == 50).all()


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "conv_transpose1d", "sigmoid", "tanh",
                                          "relu", "leaky_relu", "selu"])  # fmt: skip
@pytest.mark.parametrize("param", [None, 0.2, 1])
def test_gains(nonlinearity, param):
    torch = pytorch()
    ours = init.calculate_gain(nonlinearity, param)
    assert ours == torch.nn.init.calculate_gain(nonlinearity, param)


REFUSED = {
    "xavier": (lambda lib: lib.nn.init.xavier_uniform_(lib.empty(3)),
               "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"),
    "kaiming": (lambda lib: lib.nn.init.kaiming_normal_(lib.empty(3)), "fewer than 2 dimensions"),
    "mode": (lambda lib: lib.nn.init.kaiming_uniform_(lib.empty(3, 2), mode="x"),
             "Mode x not supported, please use one of ['fan_in', 'fan_out']"),
    "gain": (lambda lib: lib.nn.init.calculate_gain("x"), "Unsupported nonlinearity x"),
    "slope": (lambda lib: lib.nn.init.calculate_gain("leaky_relu", "x"),
              "negative_slope x not a valid number"),
    "eye": (lambda lib: lib.nn.init.eye_(lib.empty(3)),
            "Only tensors with 2 dimensions are supported"),
    "sparse": (lambda lib: lib.nn.init.sparse_(lib.empty(3), 0.1),
               "Only tensors with 2 dimensions are supported"),
    "orthogonal": (lambda lib: lib.nn.init.orthogonal_(lib.empty(3)),
                   "Only tensors with 2 or more dimensions are supported"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_warnings_are_shown_where_they_arise():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op") as caught:
        init.kaiming_uniform_(tg.empty(2, 0))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="more than 2 std from") as caught:
        init.trunc_normal_(tg.empty(3), mean=5.0)
    assert caught[0].filename == __file__
