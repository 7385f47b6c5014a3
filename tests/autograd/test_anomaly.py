"""Anomaly mode: a nan in a gradient is found, and where in the forward pass it comes from."""

import threading
import warnings

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.autograd import detect_anomaly, set_detect_anomaly

from ..both import t as t

# What NumPy says while pytest.warns listens to everything
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SQRT = "Function 'SqrtBackward0' returned nan values in its 0th output."


def bad(t):
    x = t.tensor([0.0, 4.0], requires_grad=True)
    return (x.sqrt() * 0).sum()  # here the nan comes from


def shown(caught):
    (text,) = [str(w.message) for w in caught if w.category is UserWarning]
    return text


def test_the_operation_is_named_and_shown(t):
    with t.autograd.set_detect_anomaly(True):
        y = bad(t)
        with (
            pytest.warns(UserWarning, match="Error detected in SqrtBackward0") as caught,
            pytest.raises(RuntimeError, match=SQRT),
        ):
            y.backward()
    text = shown(caught)
    assert "return (x.sqrt() * 0).sum()  # here the nan comes from" in text and "bad(t)" in text


def test_the_trace_ends_in_the_users_own_code():
    with set_detect_anomaly(True):
        y = bad(tg)
        with pytest.warns(UserWarning) as caught, pytest.raises(RuntimeError, match=SQRT):
            y.backward()
    lines = shown(caught).rstrip().splitlines()
    assert lines[-1].strip() == "return (x.sqrt() * 0).sum()  # here the nan comes from"


def test_on_and_off(t):
    x = t.tensor([0.0, 4.0], requires_grad=True)
    y = (x.sqrt() * 0).sum()
    t.autograd.set_detect_anomaly(True)
    try:
        assert t.is_anomaly_enabled()
        with (
            pytest.warns(UserWarning, match="Error detected in SqrtBackward0"),
            pytest.raises(RuntimeError, match=SQRT),
        ):
            y.backward(retain_graph=True)  # recorded before: there is nothing to show
    finally:
        t.autograd.set_detect_anomaly(False)
    y.backward()
    assert not t.is_anomaly_enabled() and x.grad.isnan().tolist() == [True, False]


def test_other_threads_too(t):
    seen = []

    def run():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bad(t).backward()
        except RuntimeError as error:
            seen.append(str(error))

    with t.autograd.set_detect_anomaly(True):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert len(seen) == 1 and SQRT in seen[0]


def test_functions_of_the_users(t):
    class Bad(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g * float("nan")

    with t.autograd.set_detect_anomaly(True):
        y = Bad.apply(t.ones(1, requires_grad=True))
        with (
            pytest.warns(UserWarning, match="Error detected in BadBackward"),
            pytest.raises(RuntimeError, match="Function 'BadBackward' returned nan values"),
        ):
            y.backward()


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
def test_traces_without_checks(t):
    with t.autograd.detect_anomaly(check_nan=False):
        bad(t).backward()
    with t.autograd.set_detect_anomaly(False):
        bad(t).backward()


def test_infinities_are_no_anomaly(t):
    x = t.zeros(1, requires_grad=True)
    with t.autograd.set_detect_anomaly(True):
        x.sqrt().sum().backward()
    assert x.grad.tolist() == [float("inf")]


def test_as_a_decorator():
    @detect_anomaly()
    def checked():
        bad(tg).backward()

    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match=SQRT):
        checked()
    assert not tg.is_anomaly_enabled()
    bad(tg).backward()


def test_without_it_nodes_keep_nothing():
    assert bad(tg).grad_fn._extras is None
