"""Functions of `nn.functional` that are no activations and no losses."""

import inspect
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn import functional as F

from .side_by_side import agree, differentiable, numbers, pytorch, refused, same_on

# ----- linear and embedding -----


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 5, 3)])
def test_linear(shape):
    def program(lib, x, weight, bias):
        return lib.nn.functional.linear(x, weight, bias)

    agree(program, numbers(*shape), numbers(2, 3), numbers(2))
    agree(lambda lib, x, w: lib.nn.functional.linear(x, w), numbers(*shape), numbers(2, 3))


INDICES = np.array([[1, 4, 1], [0, 4, 4]])


@pytest.mark.parametrize("padding_idx", [None, 4, -5])
def test_embedding(padding_idx):
    def program(lib, weight):
        rows = lib.tensor(INDICES)
        return lib.nn.functional.embedding(rows, weight, padding_idx=padding_idx) ** 2

    agree(program, numbers(5, 3))
    if padding_idx is None:
        differentiable(program, numbers(5, 3))


def test_embedding_gradient_of_the_padding_row_is_zero_at_every_order():
    weight = tg.as_tensor(numbers(5, 3)).requires_grad_()
    result = F.embedding(tg.tensor(INDICES), weight, padding_idx=4)
    (g,) = tg.autograd.grad((result**2).sum(), weight, create_graph=True)
    assert not g[4].any() and g[1].all()
    (second,) = tg.autograd.grad(g.sum(), weight)
    expected = np.zeros((5, 3))
    expected[1], expected[0] = 4, 2  # two rows of the input name row 1
    np.testing.assert_array_equal(second.numpy(force=True), expected)


def test_embedding_of_any_shape_and_integer():
    weight = tg.arange(10.0).reshape(5, 2)
    assert F.embedding(tg.tensor(3), weight).tolist() == [6.0, 7.0]
    assert F.embedding(tg.tensor([3, 0], dtype=tg.int32), weight).tolist() == [[6, 7], [0, 1]]
    empty = F.embedding(tg.zeros(0, 4, dtype=tg.int64), weight)
    assert empty.shape == (0, 4, 2)


def test_embedding_on_every_device(device):
    def program(lib, weight):
        rows = lib.tensor(INDICES, device=weight.device)
        return lib.nn.functional.embedding(rows, weight, padding_idx=0)

    same_on(device, program, numbers(5, 3))


# ----- dropout -----

DROPS = {
    "dropout": ((400, 5), (400, 5)),
    "dropout1d": ((200, 10, 7), (200, 10, 1)),
    "dropout2d": ((200, 10, 3, 2), (200, 10, 1, 1)),
}


@pytest.mark.parametrize("name", DROPS)
def test_dropout_keeps_the_mean_and_drops_the_share(name):
    shape, mask_shape = DROPS[name]
    x = tg.ones(*shape, requires_grad=True)
    y = getattr(F, name)(x, p=0.25)
    kept = y.numpy(force=True) != 0
    np.testing.assert_allclose(y.numpy(force=True)[kept], 4 / 3, rtol=1e-6)
    assert abs(kept.mean() - 0.75) < 4 * math.sqrt(0.25 * 0.75 / math.prod(mask_shape))
    corner = kept[tuple(slice(n) for n in mask_shape)]
    assert (kept == corner).all()  # whole channels
    y.sum().backward()
    assert tg.equal(x.grad, y.detach())


@pytest.mark.parametrize("name", DROPS)
def test_dropout_that_does_nothing_returns_its_input(name):
    x = tg.ones(*DROPS[name][0])
    assert getattr(F, name)(x, p=0.0) is x
    assert getattr(F, name)(x, p=0.5, training=False) is x


def test_dropout_draws_as_bernoulli_does():
    x = tg.ones(1000)
    tg.manual_seed(3)
    dropped = F.dropout(x, 0.3)
    tg.manual_seed(3)
    assert tg.equal(dropped, tg.ones(1000).bernoulli_(0.7) / 0.7)


def test_dropout_of_everything_has_no_nan():
    x = tg.ones(4, requires_grad=True)
    y = F.dropout(x, 1.0)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == [0.0] * 4


def test_dropout_in_place_and_per_channel():
    x = tg.ones(50) * 1
    assert F.dropout(x, 0.5, inplace=True) is x and set(x.tolist()) == {0.0, 2.0}
    channels = F.dropout1d(tg.ones(30, 4), 0.5)  # (C, L)
    assert (channels == channels[:, :1]).all()
    with pytest.warns(UserWarning, match="dropout2d: expected a 4D input"):
        assert F.dropout2d(tg.ones(2, 3, 4)).shape == (2, 3, 4)


def test_dropout_differentiates_twice():
    def program(lib, x):
        lib.manual_seed(0)
        return lib.nn.functional.dropout(x, 0.5) ** 3

    differentiable(program, numbers(6))


def test_dropout_on_every_device(device):
    def program(lib, x):
        lib.manual_seed(0)
        return lib.nn.functional.dropout(x, 0.5)

    same_on(device, program, numbers(3, 4))


# ----- padding -----

PADS = {
    "columns": ((1, 2), (3, 4)),
    "rows-and-columns": ((1, 0, 2, 3), (3, 4)),
    "three-dimensions": ((1, 1, 0, 2, 1, 0), (2, 3, 2)),
    "smaller": ((-1, -2), (3, 4)),
    "smaller-and-larger": ((-1, 2, 1, -2), (3, 4)),
    "nothing": ((0, 0), (3,)),
}


@pytest.mark.parametrize("name", PADS)
@pytest.mark.parametrize("value", [None, -1.5])
def test_pad_with_a_constant(name, value):
    pad, shape = PADS[name]
    agree(lambda lib, x: lib.nn.functional.pad(x**2, pad, value=value), numbers(*shape))
    differentiable(lambda lib, x: lib.nn.functional.pad(x**2, pad, value=value), numbers(*shape))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(("pad", "shape"), [((1, 2), (2, 4)), ((2, 1, 1, 2), (2, 3, 4))])
def test_pad_with_the_input_s_own_elements(mode, pad, shape):
    agree(lambda lib, x: lib.nn.functional.pad(x**2, pad, mode=mode), numbers(*shape))


def test_pad_integers_and_devices(device):
    x = tg.tensor([1, 2], device=device)
    assert F.pad(x, (1, 1), value=7).tolist() == [7, 1, 2, 7]
    assert F.pad(x[None], [2, 1], mode="replicate").tolist() == [[1, 1, 1, 2, 2]]
    same_on(device, lambda lib, x: lib.nn.functional.pad(x, (1, 0)), numbers(2, 3))


# ----- others -----


def test_one_hot():
    assert F.one_hot(tg.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(tg.tensor([[1]]), num_classes=3).tolist() == [[[0, 1, 0]]]


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_normalize(p, dim):
    agree(lambda lib, x: lib.nn.functional.normalize(x, p=p, dim=dim), numbers(3, 4))


def test_normalize_of_zeros_is_zero():
    x = tg.zeros(2, 3, requires_grad=True)
    y = F.normalize(x)
    y.sum().backward()
    assert y.tolist() == [[0.0] * 3] * 2 and x.grad.isfinite().all()


@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 4), (1, 4)), ((2, 3, 4), (3, 1))])
def test_cosine_similarity(shapes):
    values = numbers(*shapes[0]), numbers(*shapes[1], seed=1)
    agree(lambda lib, a, b: lib.nn.functional.cosine_similarity(a, b), *values)
    agree(lambda lib, a, b: lib.nn.functional.cosine_similarity(a, b, dim=-1), *values)
    assert F.cosine_similarity(tg.zeros(1, 3), tg.ones(1, 3)).tolist() == [0.0]


# ----- arguments -----


def parameters(function):
    """Functions as defaults (each library has its own relu) count by their name."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, getattr(p.default, "__name__", p.default)) for p in found]


@pytest.mark.parametrize("place", ["nn", "nn.functional", "nn.init", "nn.utils", "optim"])
def test_arguments_have_pytorch_s_names_order_and_defaults(place):
    ours, theirs = tg, pytorch()
    for part in place.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    compared = 0
    for name in vars(theirs).keys() & vars(ours).keys() - {"normalize", "Hardtanh", "eye"}:
        own = getattr(ours, name)
        if name.startswith("_") or not callable(own) or "RNN" in name:
            continue
        try:
            expected = parameters(getattr(theirs, name))
        except ValueError:  # written in C++
            continue
        if ("args", inspect.Parameter.VAR_POSITIONAL, "_empty") not in expected:
            found = parameters(own)
            if name in ("GRUCell", "LSTMCell"):  # behind PyTorch's they have options of their own
                found = [p for p in found if p[1] is not inspect.Parameter.KEYWORD_ONLY]
            assert found == expected, name
            compared += 1
    assert compared > 4


# ----- errors -----


def embed(index, **options):
    return lambda lib: lib.nn.functional.embedding(index(lib), lib.ones(5, 2), **options)


REFUSED = {
    "embedding": (embed(lambda lib: lib.tensor([0, 5])), "index out of range in self"),
    "embedding-below": (embed(lambda lib: lib.tensor([-1])), "index out of range in self"),
    "embedding-float": (embed(lambda lib: lib.tensor([1.0])),
                        "to have one of the following scalar types: Long, Int; but got"),
    "embedding-bool": (embed(lambda lib: lib.tensor([True])), "Long, Int; but got"),
    "embedding-uint8": (embed(lambda lib: lib.tensor([1]).byte()), "Long, Int; but got"),
    "embedding-number": (embed(lambda lib: 3), "must be Tensor, not int"),
    "embedding-padding": (embed(lambda lib: lib.tensor([1]), padding_idx=5),
                          "adding_idx must be within num_embeddings"),
    "dropout": (lambda lib: lib.nn.functional.dropout(lib.ones(2), 1.5),
                "dropout probability has to be between 0 and 1, but got 1.5"),
    "dropout-below": (lambda lib: lib.nn.functional.dropout(lib.ones(2), -0.1), "but got -0.1"),
    "dropout-integers": (lambda lib: lib.nn.functional.dropout(lib.ones(2).long(), 0.5), ""),
    "dropout1d": (lambda lib: lib.nn.functional.dropout1d(lib.ones(1, 1, 1, 1), 0.5),
                  "dropout1d: Expected 2D or 3D input, but received a 4D input"),
    "pad-odd": (lambda lib: lib.nn.functional.pad(lib.ones(3), (1,)),
                "Padding length must be divisible by 2"),
    "pad-long": (lambda lib: lib.nn.functional.pad(lib.ones(3), (1, 1, 1, 1)),
                 "but got padding length 4 and input of dimension 1"),
    "pad-negative": (lambda lib: lib.nn.functional.pad(lib.ones(3), (-2, -2)), "negative"),
    "pad-mode": (lambda lib: lib.nn.functional.pad(lib.ones(3), (1, 1), mode="x"),
                 "Unrecognised padding mode x"),
    "pad-value": (lambda lib: lib.nn.functional.pad(lib.ones(1, 3), (1, 1), "replicate", 3),
                  'Padding mode "replicate" doesn\'t take in value argument'),
    "pad-reflect": (lambda lib: lib.nn.functional.pad(lib.ones(1, 3), (3, 1), "reflect"), "(3, 1)"),
    "cosine": (lambda lib: lib.nn.functional.cosine_similarity(lib.ones(3).long(),
                                                               lib.ones(3).long(), 0),
               "expected common dtype to be floating point"),
    "one_hot": (lambda lib: lib.nn.functional.one_hot(lib.tensor([0], dtype=lib.int32)),
                "one_hot is only applicable to index tensor"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_embeddings_have_no_sparse_gradients():
    with pytest.raises(NotImplementedError, match="sparse=True is not supported"):
        F.embedding(tg.tensor([1]), tg.ones(5, 2), sparse=True)
