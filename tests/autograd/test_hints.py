"""Errors of calls with wrong arguments: they name the argument, what it must be, and what came."""

import copy
import pickle
import warnings
from collections.abc import Sequence

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.autograd.hints import told, wrong_argument
from tinygrad_rnn.nn import functional as F

ONE = torch.ones(1)
WRONG = {
    "tensor": (lambda: F.pdist((2, -1)), "pdist(): argument 'input' (position 1) must be Tensor"),
    "of a method": (lambda: ONE.masked_select([2]), "'mask' (position 2) must be Tensor, not list"),
    "in place": (lambda: ONE.heaviside_(2.0), "heaviside_(): argument 'values' (position 2)"),
    "by name": (lambda: F.softmax(ONE, dim=0, dtype=5), "'dtype' must be dtype or None, not int"),
    "number": (
        lambda: F.leaky_relu(ONE, "x"),
        "leaky_relu(): argument 'negative_slope' (position 2) must be number, not str",
    ),
    "int": (lambda: torch.chunk(ONE, (1, 2)), "'chunks' (position 2) must be int, not tuple"),
    "list": (lambda: torch.broadcast_shapes(0.5), "must be int or tuple of ints, not float"),
    "items": (lambda: nn.utils.get_total_norm((2, -1)), "tuple of Tensors, not tuple of (int)"),
    "constructor": (
        lambda: nn.Linear(2, 3, dtype="x"),
        "Linear(): argument 'dtype' must be dtype or None, not str",
    ),
    "module": (lambda: nn.BatchNorm1d(3)("x"), "BatchNorm1d(): argument 'input' (position 1) must"),
    "lazy module": (lambda: nn.LazyConv1d(5, 3)(2), "argument 'input' (position 1) must be Tensor"),
    "optimizer": (lambda: optim.SGD(5), "SGD(): argument 'params' (position 1) must be"),
    "function in place": (lambda: F.hardtanh_(ONE, [3]), "hardtanh_(): argument 'min_val' (pos"),
    "keyword of several": (
        lambda: torch.ones_like(ONE, dtype=[None]),
        "ones_like(): argument 'dtype' must be dtype or None, not list",
    ),
    "by what it lacks": (
        lambda: torch.linalg.cross(ONE, 2),
        "cross(): argument 'other' (position 2) must be Tensor, not int",
    ),
    "by its kind": (
        lambda: optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([ONE])).step([1]),
        "step(): argument 'metrics' (position 1) cannot be list",
    ),
    "too many": (lambda: nn.LazyConv2d(5, 3)(2.0, 3), "LazyConv2d(): too many positional"),
    "kept for later": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(2, 1), 1, norm=-0.5),
        "TransformerEncoder(): argument 'norm' must be callable or None, not float",
    ),
    "generator": (
        lambda: torch.utils.data.SubsetRandomSampler([1], 3),
        "SubsetRandomSampler(): argument 'generator' must be Generator or None, not int",
    ),
    "closure": (lambda: optim.SGD([ONE]).step("x"), "step(): argument 'closure' (position 1) must"),
    "None for an object": (
        lambda: torch.utils.data.SequentialSampler(None),
        "SequentialSampler(): argument 'data_source' must be Sized, not NoneType",
    ),
    "of the class that is made": (
        lambda: nn.Dropout2d("x"),
        "Dropout2d(): argument 'p' (position 1) must be number, not str",
    ),
    "when it is gone through": (
        lambda: list(nn.Linear(1, 1).named_parameters(torch.ones(2).numpy(force=True))),
        "named_parameters(): argument 'prefix' (position 1) must be str, not ndarray",
    ),
    "function": (lambda: nn.scan([1], torch.ones(3, 1), ONE), "scan(): argument 'cell'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_named(name):
    call, text = WRONG[name]
    with pytest.raises(TypeError) as caught:
        call()
    assert text in str(caught.value)


def test_numbers_that_are_too_large_are_named():
    for call, text in (
        (lambda: torch.eye(2**40), r"eye\(\): argument 'n' \(position 1\) is out of range: 1099"),
        (lambda: ONE.logical_and(10**30), r"logical_and\(\): argument 'other'.* is out of range"),
        (lambda: ONE.new_ones(2).unfold(0, 1, 10**30), "out of range"),
    ):
        with pytest.raises(RuntimeError, match=text):
            call()


def test_numbers_that_nothing_can_be_divided_by_are_named():
    with pytest.raises(ValueError, match=r"GroupNorm\(\): argument 'num_groups' \(pos.* not be 0"):
        nn.GroupNorm(0, 4)


def test_what_is_raised_on_purpose_stays():
    with pytest.raises(ValueError, match="must be greater than zero"):
        nn.RNN(2, -1)
    with pytest.raises(RuntimeError, match="expects `chunks` to be greater than 0"):
        torch.chunk([1], 0)


def test_errors_of_the_users_functions_stay():
    def fails(x):
        return x.no_such_thing

    class Net(nn.Module):
        def forward(self, x: int):  # a hint that is wrong
            return fails(x)

    for call in (lambda: torch.autograd.functional.jacobian(fails, ONE), lambda: Net()(ONE)):
        with pytest.raises(AttributeError, match="no_such_thing"):
            call()


def test_right_arguments_are_not_blamed():
    """For errors with other causes."""

    def check(
        a: int,
        b: float,
        c: bool,
        d: torch.Tensor | None,
        e: Sequence[int],
        *f: str,
    ) -> None: ...

    error = None
    try:
        [].no_such_thing  # noqa: B018
    except AttributeError as caught:
        error = caught
        frame = caught.__traceback__.tb_frame
    before = frame.f_globals["__name__"]
    frame.f_globals["__name__"] = "tinygrad_rnn.test"  # as if it came from there
    try:
        good = (1, 2, True, ONE, [1, 2], "x")
        assert wrong_argument(check, good, {}, error) is None
        for place, value in enumerate(("1", "2", 1, 3, [1, "x"], 5)):
            bad = (*good[:place], value, *good[place + 1 :])
            assert f"argument '{'abcdef'[place]}'" in str(wrong_argument(check, bad, {}, error))
    finally:
        frame.f_globals["__name__"] = before


def test_functions_can_still_be_pickled_and_copied():
    for function in (F.softmax, F.dropout, F.cross_entropy, torch.linalg.norm, nn.init.zeros_):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function
    assert told(F.softmax) is F.softmax


def test_warnings_are_shown_at_the_users_line():
    """However deep in the library they come up."""
    for call in (
        lambda: F.mse_loss(torch.ones(2), torch.ones(1)),
        lambda: nn.MSELoss()(torch.ones(2), torch.ones(1)),
        lambda: nn.Sequential(nn.Softmax())(torch.ones(2, 2)),
        lambda: nn.LSTM(2, 2, dropout=0.5),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [warning.filename for warning in caught] == [__file__]


def test_a_backward_pass_that_fails_leaves_all_gradients_as_they_were():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    (a * b).sum().backward()
    fail = []

    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise MemoryError(fail)

    for loss in (
        lambda: (Fails.apply(a) * 2 + b * 3).sum(),
        lambda: (a * 3 + Fails.apply(b)).sum(),
    ):
        with pytest.raises(MemoryError):
            loss().backward()
        assert a.grad.tolist() == b.grad.tolist() == [1.0, 1.0]
