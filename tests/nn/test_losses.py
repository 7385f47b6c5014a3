"""Losses of two tensors of the same shape, and all losses as modules."""

import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from .side_by_side import agree, differentiable, numbers, pytorch, refused, same_on

REDUCTIONS = ["mean", "sum", "none"]


def loss(name, **options):
    return lambda lib, *args: getattr(lib.nn.functional, name)(*args, **options)


# ----- the other losses -----

PAIRS = {
    "mse_loss": [{}],
    "l1_loss": [{}],
    "smooth_l1_loss": [{}, {"beta": 0.3}, {"beta": 0.0}],
    "huber_loss": [{}, {"delta": 0.4}],
}
PAIR_OPTIONS = [(name, options) for name, each in PAIRS.items() for options in each]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), PAIR_OPTIONS)
def test_regression(name, options, reduction):
    program = loss(name, reduction=reduction, **options)
    values = numbers(3, 4), numbers(3, 4, seed=1)
    agree(program, *values)
    differentiable(program, *values)
    agree(program, numbers(1)[0], numbers(1, seed=1)[0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_regression_with_weights(name, reduction):
    def program(lib, input, target, weight):
        return getattr(lib.nn.functional, name)(input, target, reduction=reduction, weight=weight)

    agree(program, numbers(3, 4), numbers(3, 4, seed=1), numbers(3, 4, low=0.1))


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_that_broadcast_warn(name):
    with pytest.warns(UserWarning, match=r"Using a target size .*\[3\].* different") as caught:
        losses = getattr(F, name)(tg.zeros(3, 1), tg.ones(3), reduction="none")
    assert losses.shape == (3, 3) and caught[0].filename == __file__


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy(reduction):
    values = numbers(3, 4, low=0.05, high=0.95), numbers(3, 4, low=0, high=1, seed=1)
    program = loss("binary_cross_entropy", reduction=reduction)
    agree(program, *values, rtol=1e-8)
    differentiable(program, *values)
    weighted = lambda lib, x, t, w: program_with_weight(lib, x, t, w, reduction)  # noqa: E731
    agree(weighted, *values, numbers(4, low=0.1), rtol=1e-8)


def program_with_weight(lib, input, target, weight, reduction):
    return (
        lib.nn.functional.binary_cross_entropy(input, target, weight.detach(), reduction=reduction)
        + 0 * weight.sum()
    )


def test_binary_cross_entropy_at_the_ends():
    ends, targets = np.array([0.0, 1.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    x, t = tg.tensor(ends, requires_grad=True), tg.tensor(targets)
    losses = F.binary_cross_entropy(x, t, reduction="none")
    assert losses.tolist() == [100.0, 100.0, 0.0, 0.0]
    losses.sum().backward()
    assert x.grad.tolist() == [-1e12, 1e12, 0.0, 0.0]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("pos_weight", [None, [0.5, 2.0, 1.0, 3.0]])
def test_binary_cross_entropy_with_logits(pos_weight, reduction):
    def program(lib, x, t):
        own = None if pos_weight is None else lib.tensor(pos_weight, dtype=x.dtype)
        return lib.nn.functional.binary_cross_entropy_with_logits(
            x, t, own, pos_weight=own, reduction=reduction
        )

    values = numbers(3, 4), numbers(3, 4, low=0, high=1, seed=1)
    agree(program, *values)
    differentiable(program, *values)
    agree(program, 500 * values[0], values[1])


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", ["batchmean", *REDUCTIONS])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
def test_kl_div(reduction, log_target):
    program = loss("kl_div", reduction=reduction, log_target=log_target)
    values = numbers(3, 4, high=0), numbers(3, 4, low=0.1, high=1, seed=1)
    agree(program, *values)
    differentiable(program, *values)


def test_kl_div_of_target_zero_is_zero():
    x = tg.tensor([-1.0, -2.0], requires_grad=True)
    losses = F.kl_div(x, tg.tensor([0.0, 1.0]), reduction="none")
    losses.sum().backward()
    assert losses.tolist() == [0.0, 2.0] and x.grad.tolist() == [0.0, -1.0]
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(x, tg.tensor([0.5, 0.5]))


# ----- on every device -----

ON_DEVICES = {
    "mse": (loss("mse_loss"), numbers(3, 4), numbers(3, 4, seed=1)),
    "huber": (loss("huber_loss"), numbers(3, 4), numbers(3, 4, seed=1)),
    "bce": (loss("binary_cross_entropy"), numbers(3, low=0.1, high=0.9), np.array([0.0, 1.0, 1.0])),
    "kl": (loss("kl_div", reduction="sum"), numbers(3, 4), numbers(3, 4, low=0.1, high=1)),
}


@pytest.mark.parametrize("name", ON_DEVICES)
def test_on_every_device(name, device):
    same_on(device, *ON_DEVICES[name])


# ----- modules -----

MODULES = {
    "CrossEntropyLoss": (
        {"ignore_index": 1, "label_smoothing": 0.1, "reduction": "sum"},
        "classes",
    ),
    "NLLLoss": ({"ignore_index": 1}, "classes"),
    "MSELoss": ({"reduction": "sum"}, "pair"),
    "L1Loss": ({"reduction": "none"}, "pair"),
    "SmoothL1Loss": ({"beta": 0.5}, "pair"),
    "HuberLoss": ({"reduction": "sum", "delta": 0.5}, "pair"),
    "BCELoss": ({"reduction": "sum"}, "probabilities"),
    "BCEWithLogitsLoss": ({"reduction": "none"}, "pair"),
    "KLDivLoss": ({"reduction": "batchmean", "log_target": True}, "pair"),
}
INPUTS = {
    "classes": (numbers(5, 4), np.array([3, 0, 1, 2, 3])),
    "pair": (numbers(3, 4), numbers(3, 4, seed=1)),
    "probabilities": (numbers(3, 4, low=0.1, high=0.9), numbers(3, 4, low=0, high=1)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    torch = pytorch()
    options, kind = MODULES[name]
    assert repr(getattr(nn, name)()) == repr(getattr(torch.nn, name)()) == f"{name}()"

    def program(lib, *args):
        return getattr(lib.nn, name)(**options)(*args)

    agree(program, *INPUTS[kind], rtol=1e-8)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"])
def test_weights_are_buffers(name):
    criterion = getattr(nn, name)(weight=tg.ones(4))
    assert list(criterion.state_dict()) == ["weight"]
    assert criterion.double().weight.dtype is tg.float64
    assert not getattr(nn, name)().state_dict()
    assert list(nn.BCEWithLogitsLoss(pos_weight=tg.ones(4)).state_dict()) == ["pos_weight"]


def test_the_old_names_of_reductions():
    x, t = tg.as_tensor(numbers(3, 4)), tg.as_tensor(numbers(3, 4, seed=1))
    for old, new in (({"size_average": False}, "sum"), ({"reduce": False}, "none"),
                     ({"size_average": True}, "mean"), ({"reduce": True}, "mean")):  # fmt: skip
        with pytest.warns(UserWarning, match=f"please use reduction='{new}'"):
            assert tg.equal(F.mse_loss(x, t, **old), F.mse_loss(x, t, reduction=new))
        with pytest.warns(UserWarning, match=f"please use reduction='{new}'"):
            assert nn.MSELoss(**old).reduction == new
    with pytest.warns(UserWarning, match="elementwise_mean"):
        assert tg.equal(nn.MSELoss(reduction="elementwise_mean")(x, t), F.mse_loss(x, t))


# ----- errors -----

REFUSED = {
    "mse": (lambda lib: lib.nn.functional.mse_loss(lib.zeros(2).long(), lib.zeros(2).long()),
            "not implemented for"),
    "mse weight": (lambda lib: lib.nn.functional.mse_loss(lib.zeros(2), lib.zeros(2),
                                                          weight=lib.ones(3)),
                   "Weights and input must have the same size"),
    "module reduction": (lambda lib: lib.nn.MSELoss(reduction="x")(lib.zeros(2), lib.zeros(2)),
                         "x is not a valid value for reduction"),
    "beta": (lambda lib: lib.nn.functional.smooth_l1_loss(lib.zeros(2), lib.zeros(2), beta=-1),
             "does not support negative values for beta"),
    "delta": (lambda lib: lib.nn.functional.huber_loss(lib.zeros(2), lib.zeros(2), delta=0),
              "does not support non-positive values for delta"),
    "bce shape": (lambda lib: lib.nn.BCELoss()(lib.zeros(3, 1), lib.zeros(3)),
                  "is deprecated. Please ensure they have the same size."),
    "bce range": (lambda lib: lib.nn.BCELoss()(lib.full((3,), 1.5), lib.zeros(3)),
                  "all elements of input should be between 0 and 1"),
    "bce dtype": (lambda lib: lib.nn.BCELoss()(lib.zeros(3), lib.zeros(3).long()), "expected"),
    "logits shape": (lambda lib: lib.nn.BCEWithLogitsLoss()(lib.zeros(3, 1), lib.zeros(3)),
                     "must be the same as input size"),
    "logits dtype": (lambda lib: lib.nn.BCEWithLogitsLoss()(lib.zeros(3), lib.zeros(3).long()), ""),
    "kl": (lambda lib: lib.nn.KLDivLoss(reduction="x")(lib.zeros(2), lib.zeros(2)),
           "x is not a valid value for reduction"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_nothing_warns_in_ordinary_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, (options, kind) in MODULES.items():
            getattr(nn, name)(**options)(*(tg.as_tensor(x) for x in INPUTS[kind]))


KINDS = [((3,), "int64"), ((), "float64"), ((3,), "float16"), ((3,), "float32"), ((), "float32")]
LOSSES = ["l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss",
          "binary_cross_entropy_with_logits", "hinge_embedding_loss",
          "poisson_nll_loss"]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_two_dtypes(name):
    """In PyTorch's dtype, which is a rule of its own for each loss."""
    torch = pytest.importorskip("torch")

    options = {"full": True} if name == "poisson_nll_loss" else {}

    def outcome(t, a, b, reduction):
        x, y = (t.full(shape, 0.5).to(getattr(t, kind)) for shape, kind in (a, b))
        try:
            return str(getattr(t.nn.functional, name)(x, y, reduction=reduction, **options).dtype)
        except (RuntimeError, ValueError) as error:
            return type(error)

    for a in KINDS:
        for b in KINDS:
            for reduction in ("none", "mean"):
                assert outcome(tg, a, b, reduction) == outcome(torch, a, b, reduction), (a, b)
