"""Normalisation: against PyTorch, finite differences, and the definition."""

import copy

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from ..both import t as t
from .side_by_side import agree, differentiable, numbers, pytorch, refused, same_on

X = numbers(4, 6, 3)
C = numbers(6), numbers(6, seed=1)
PROGRAMS = {
    "layer_norm": (lambda f, x: f.layer_norm(x, (6, 3)), X),
    "layer_norm-affine": (lambda f, x, w, b: f.layer_norm(x, (6, 3), w, b), X, X[0], X[1]),
    "layer_norm-no-bias": (lambda f, x, w: f.layer_norm(x, (3,), w, eps=0.3), X, X[0, 0]),
    "rms_norm": (lambda f, x, w: f.rms_norm(x, (6, 3), w), X, X[0]),
    "rms_norm-eps": (lambda f, x: f.rms_norm(x, (3,), eps=0.5), X),
    "batch_norm": (lambda f, x, w, b: f.batch_norm(x, None, None, w, b, training=True), X, *C),
    "batch_norm-rows": (lambda f, x: f.batch_norm(x, None, None, training=True), X[:, :, 0]),
    "batch_norm-eval": (
        lambda f, x, w, b: f.batch_norm(x, w.detach(), b.detach() ** 2, w, b), X, *C),
    "group_norm": (lambda f, x, w, b: f.group_norm(x, 2, w, b), X, *C),
    "group_norm-rows": (lambda f, x: f.group_norm(x, 2, eps=0.5), X[:, :, 0]),
    "instance_norm": (lambda f, x, w, b: f.instance_norm(x, weight=w, bias=b), X, *C),
    "instance_norm-eval": (
        lambda f, x, w, b: f.instance_norm(x, w.detach(), b.detach() ** 2, w, b, False), X, *C),
    "local_response_norm": (lambda f, x: f.local_response_norm(x, 3, 0.5, 0.6, 2.0), X),
    "local_response_norm-pictures": (
        lambda f, x: f.local_response_norm(x, 2), numbers(2, 5, 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_of_both_orders_are_pytorch_s(name):
    program, *values = PROGRAMS[name]
    agree(lambda lib, *args: program(lib.nn.functional, *args), *values, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_every_device(name, device):
    program, *values = PROGRAMS[name]
    same_on(device, lambda lib, *args: program(lib.nn.functional, *args), *values)


def test_a_batch_of_one():
    """Sums over one row are that row, but not its memory."""
    agree(
        lambda lib, x, w, b: lib.nn.functional.layer_norm(x, (3,), w, b),
        numbers(1, 3), numbers(3), numbers(3),
    )  # fmt: skip


def test_mean_and_variance_are_0_and_1_whatever_they_were():
    x = tg.as_tensor(1e4 + 30 * numbers(50, 400)).float()
    for y in (F.layer_norm(x, (400,)), F.batch_norm(x.t(), None, None, training=True).t()):
        assert y.mean(1).abs().max() < 1e-3
        assert (y.var(1, correction=0) - 1).abs().max() < 1e-3


def test_fused_statistics_differentiate_too():
    """The rule of the fused operation holds for each of its three outputs."""

    def program(lib, x):
        y, mean, variance = tg.ops.standardization.normalize(x, None, None, dims=(1,), eps=0.1)
        return (y * mean + variance * mean).sum() + (variance**2).sum()

    differentiable(program, numbers(3, 4))


@pytest.mark.parametrize("name", ["BatchNorm1d", "LayerNorm"])
@pytest.mark.parametrize("affine", [True, False])
def test_the_result_may_be_changed_in_place(t, name, affine):
    """As ReLU(inplace=True) does behind a normalisation."""
    values, grads = t.randn(4, 3), []
    for inplace in (True, False):
        x = values.clone().requires_grad_()
        option = {"affine" if name == "BatchNorm1d" else "elementwise_affine": affine}
        y = getattr(t.nn, name)(3, **option)(x)
        (t.nn.functional.relu(y, inplace=inplace) ** 2).sum().backward()
        grads.append(x.grad)
    assert t.equal(*grads)


@pytest.mark.parametrize("shape", [(0, 6), (0, 6, 3), (2, 6, 0)])
def test_of_nothing(t, shape):
    x = t.zeros(shape, requires_grad=True)
    y = t.nn.functional.layer_norm(x, shape[1:]) if shape[-1] else x * 1
    norm = t.nn.BatchNorm1d(6)
    y = norm(y)
    y.sum().backward()
    assert tuple(x.grad.shape) == shape
    assert norm.running_mean.tolist() == [0.0] * 6 and norm.running_var.tolist() == [1.0] * 6


# ----- layers -----

LAYERS = {
    "BatchNorm1d": (lambda nn, **o: nn.BatchNorm1d(5, **o), (6, 5)),
    "BatchNorm1d-steps": (lambda nn, **o: nn.BatchNorm1d(5, **o), (4, 5, 3)),
    "BatchNorm2d": (lambda nn, **o: nn.BatchNorm2d(5, **o), (4, 5, 3, 2)),
    "BatchNorm3d": (lambda nn, **o: nn.BatchNorm3d(5, **o), (4, 5, 3, 2, 2)),
    "InstanceNorm1d": (lambda nn, **o: nn.InstanceNorm1d(5, **o), (4, 5, 3)),
    "InstanceNorm2d": (lambda nn, **o: nn.InstanceNorm2d(5, **o), (4, 5, 3, 2)),
}
OPTIONS = [
    {}, {"momentum": None}, {"momentum": 0.3, "eps": 0.1}, {"affine": False},
    {"track_running_stats": False}, {"affine": True, "track_running_stats": True},
    {"affine": True, "bias": False, "track_running_stats": True},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_running_statistics(name, options):
    """Three batches while training, then evaluation: results, states and texts are PyTorch's."""
    torch = pytorch()
    make, shape = LAYERS[name]
    mine, theirs = make(nn, **options).double(), make(torch.nn, **options).double()
    assert repr(mine) == repr(theirs)
    for seed in range(4):
        x = numbers(*shape, seed=seed) * (1 + seed)
        if seed == 3:
            mine.eval(), theirs.eval()
        y, expected = mine(tg.as_tensor(x)), theirs(torch.from_numpy(x))
        np.testing.assert_allclose(y.numpy(force=True), expected.detach().numpy(), atol=1e-12)
    state, expected = mine.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for key, value in state.items():
        np.testing.assert_allclose(value.numpy(force=True), expected[key].numpy(), rtol=1e-12)
        assert str(value.dtype) == str(expected[key].dtype)
    mine.reset_running_stats()
    if mine.running_mean is not None:
        assert not mine.running_mean.any() and int(mine.num_batches_tracked) == 0


def test_half_precision_is_computed_in_single(t):
    x = (t.arange(12.0).reshape(4, 3) * 100).half()
    norm = t.nn.BatchNorm1d(3)  # float32 parameters with a float16 input are fine
    y = norm(x)
    assert y.dtype is t.float16 and norm.running_var.dtype is t.float32
    assert norm.running_var.isfinite().all()  # 135000 is beyond float16
    assert t.nn.functional.rms_norm(x, (3,)).dtype is t.float16


def test_states_of_old_versions_have_no_count(t):
    norm = t.nn.Sequential(t.nn.BatchNorm1d(2))
    state = {k: v for k, v in norm.state_dict().items() if "num_batches" not in k}
    assert norm.load_state_dict(state).missing_keys == []
    complete = norm.state_dict()
    del complete["0.num_batches_tracked"]
    with pytest.raises(RuntimeError, match="Missing key"):
        norm.load_state_dict(complete)


def test_instance_norm_without_a_batch(t):
    x = t.randn(3, 4)
    norm = t.nn.InstanceNorm1d(3)
    assert t.equal(norm(x), norm(x[None])[0])
    with pytest.warns(UserWarning, match="does not match num_features"):
        norm(t.randn(2, 5, 4))
    with pytest.raises(ValueError, match="to match num_features"):
        t.nn.InstanceNorm1d(3, affine=True)(t.randn(2, 5, 4))


# ----- lazy layers -----

LAZY = {
    "LazyLinear": ((3,), (2, 5)),
    "LazyBatchNorm1d": ((), (4, 5)),
    "LazyBatchNorm2d": ((), (2, 5, 3, 3)),
    "LazyBatchNorm3d": ((), (2, 5, 3, 3, 2)),
    "LazyInstanceNorm1d": ((), (2, 5, 3)),
    "LazyInstanceNorm2d": ((), (2, 5, 3, 3)),
    "LazyInstanceNorm3d": ((), (2, 5, 3, 3, 2)),
}


@pytest.mark.parametrize("name", LAZY)
def test_lazy_layers_take_their_sizes_from_the_first_input(t, name):
    arguments, shape = LAZY[name]
    layer = getattr(t.nn, name)(*arguments)
    params = list(layer.parameters())
    assert repr(params[0]) == "<UninitializedParameter>" and layer.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized"):
        params[0].shape  # noqa: B018
    layer.double()
    y = layer(t.ones(shape, dtype=t.float64))
    y.sum().backward()
    assert type(layer) is getattr(t.nn, name.removeprefix("Lazy"))
    kept = {id(p) for p in layer.parameters()}
    assert kept == {id(p) for p in params} and all(p.grad is not None for p in params)
    assert {type(p) for p in params} == {t.nn.Parameter}


@pytest.mark.usefixtures("default_device")
@pytest.mark.parametrize("name", LAZY)
def test_a_state_dict_gives_lazy_layers_their_sizes(name):
    """In PyTorch norms still say that they have 0 features then."""
    arguments, shape = LAZY[name]
    x = tg.randn(*shape)
    trained, again = (getattr(nn, name)(*arguments) for _ in range(2))
    trained(x)
    again.load_state_dict(trained.state_dict())
    assert not again.has_uninitialized_params()
    assert tg.equal(again.eval()(x), trained.eval()(x))
    assert type(again) is type(trained) and repr(again) == repr(trained)


def test_lazy_layers_are_copied_as_such():
    layer = copy.deepcopy(nn.LazyBatchNorm1d())
    layer(tg.ones(2, 3))
    assert layer.num_features == 3 and layer.running_mean.shape == (3,)


def test_lazy_draws_are_those_of_the_layer(t):
    t.manual_seed(1)
    lazy = t.nn.LazyLinear(3)
    lazy(t.ones(2, 5))
    t.manual_seed(1)
    assert t.equal(lazy.weight, t.nn.Linear(5, 3).weight)


# ----- errors -----


def norm(function, *args, **options):
    return lambda lib: getattr(lib.nn.functional, function)(
        *(a(lib) if callable(a) else a for a in args),
        **{k: v(lib) if callable(v) else v for k, v in options.items()},
    )


def ones(*shape, dtype="float32"):
    return lambda lib: lib.ones(*shape, dtype=getattr(lib, dtype))


def layer(name, *args, shape=None):
    def program(lib):
        made = getattr(lib.nn, name)(*args)
        return made if shape is None else made(lib.ones(*shape))

    return program


REFUSED = [
    (norm("layer_norm", ones(3, 4), (5,)), "Given normalized_shape=[5]"),
    (norm("layer_norm", ones(3, 4), ()), "at least 1-dimensional"),
    (norm("layer_norm", ones(3, 4), 4), "must be tuple of ints, not int"),
    (norm("layer_norm", ones(3, 4), (4,), ones(3)), "Expected weight to be of same shape as"),
    (norm("layer_norm", ones(3, 4), (4,), None, ones(3)), "Expected bias to be of same shape"),
    (norm("layer_norm", ones(3, 4), (4,), ones(4, dtype="float64")), "mixed dtype"),
    (norm("layer_norm", ones(3, 4, dtype="int64"), (4,)), "not implemented for"),
    (norm("rms_norm", ones(3, 4), (5,)), "Given normalized_shape=[5]"),
    (norm("batch_norm", ones(4), None, None, training=True), "Dimension out of range"),
    (norm("batch_norm", ones(3, 4), None, None), "running_mean must be defined in evaluation"),
    (norm("batch_norm", ones(3, 4), ones(4), None), "running_var must be defined in evaluation"),
    (norm("batch_norm", ones(3, 4), ones(4), None, training=True), "must either both be None"),
    (norm("batch_norm", ones(3, 4), ones(3), ones(3)), "running_mean should contain 4 elements"),
    (norm("batch_norm", ones(3, 4), None, None, ones(3), training=True), "weight should contain 4"),
    (norm("batch_norm", ones(1, 4), None, None, training=True), "Expected more than 1 value per"),
    (norm("batch_norm", ones(3, 4), None, None, training=True, eps=0), "must be positive"),
    (norm("batch_norm", ones(3, 4), ones(4), ones(4), eps=-1), "must be non-negative"),
    (norm("instance_norm", ones(2, 3, 1)), "Expected more than 1 spatial element"),
    (norm("instance_norm", ones(2, 3, 4), use_input_stats=False), "Expected running_mean and"),
    (norm("group_norm", ones(2, 4, 3), 3), "divisible by num_groups"),
    (norm("group_norm", ones(4), 2), "Expected at least 2 dimensions"),
    (norm("group_norm", ones(2, 4, 3), 2, ones(3)), "Expected weight to be a vector of size"),
    (norm("group_norm", ones(1, 2), 2), "Expected more than 1 value per channel"),
    (norm("local_response_norm", ones(3, 4), 2), "Expected 3D or higher dimensionality"),
    (layer("GroupNorm", 3, 4), "must be divisible by num_groups"),
    (layer("BatchNorm1d", 3, shape=(2, 3, 4, 5)), "expected 2D or 3D input (got 4D input)"),
    (layer("BatchNorm2d", 3, shape=(2, 3)), "expected 4D input (got 2D input)"),
    (layer("InstanceNorm2d", 3, shape=(2, 3)), "expected 3D or 4D input (got 2D input)"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_errors_are_pytorch_s(case):
    refused(*case)
