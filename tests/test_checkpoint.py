"""`utils.checkpoint`: the same gradients, of any order, from less memory."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import tinygrad_rnn as ours
from tinygrad_rnn import nn
from tinygrad_rnn.utils.checkpoint import CheckpointError, checkpoint

from .both import t as t


def saving(t: Any) -> Any:
    """The library's module: PyTorch's is imported by itself."""
    return __import__(f"{t.__name__}.utils.checkpoint", fromlist=["checkpoint"])


def model(t: Any) -> Any:
    t.manual_seed(1)
    return t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Dropout(0.5), t.nn.Linear(4, 2))


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradients_are_the_same(t: Any, reentrant: bool):
    net = model(t)
    x = t.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    results = []
    for run in (net, lambda x: saving(t).checkpoint(net, x, use_reentrant=reentrant)):
        t.manual_seed(3)
        net.zero_grad()
        x.grad = None
        y = run(x)
        drawn = t.rand(2)
        y.pow(2).sum().backward()
        after = t.rand(2)  # the second run leaves the generator as it was
        results.append([y, drawn, after, x.grad, *(p.grad for p in net.parameters())])
    for one, other in zip(*results, strict=True):
        t.testing.assert_close(other, one)


def test_inputs_without_gradients_and_other_arguments(t: Any):
    w = t.tensor([1.5, 2.0], requires_grad=True)

    def function(x: Any, scale: float, *, parts: dict[str, Any]) -> dict[str, Any]:
        y = (x * w).exp() * scale
        return {"y": [y, parts["z"] * y], "n": 3, "i": t.arange(2)}

    z = t.tensor(2.0, requires_grad=True)
    options = {"use_reentrant": False, "parts": {"z": z}}
    result = saving(t).checkpoint(function, t.ones(2), 2.0, **options)
    assert result["n"] == 3 and result["i"].tolist() == [0, 1]
    gradients = t.autograd.grad(result["y"][1].sum(), [w, z])
    expected = t.autograd.grad(((t.ones(2) * w).exp() * 2 * z).sum(), [w, z])
    for one, other in zip(gradients, expected, strict=True):
        t.testing.assert_close(one, other)


def test_in_no_grad_and_without_anything_to_record(t: Any):
    with t.no_grad():
        y = saving(t).checkpoint(
            lambda x: x.exp(), t.ones(1, requires_grad=True), use_reentrant=False
        )
    assert not y.requires_grad
    assert not saving(t).checkpoint(lambda x: x.exp(), t.ones(1), use_reentrant=False).requires_grad


def test_a_second_backward(t: Any):
    x = t.ones(2, requires_grad=True)
    y = saving(t).checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    y.backward()
    t.testing.assert_close(x.grad, 2 * t.cos(x.detach().exp()) * x.detach().exp())
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_higher_orders():
    def function(x: Any) -> Any:
        return checkpoint(lambda x: x.tanh() * x.exp(), x)

    x = ours.tensor([0.3, -0.7], dtype=ours.float64, requires_grad=True)
    assert ours.autograd.gradcheck(function, x) and ours.autograd.gradgradcheck(function, x)


def test_checkpoints_in_checkpoints(t: Any):
    def inner(x: Any) -> Any:
        return x.sin().exp()

    def outer(x: Any) -> Any:
        return saving(t).checkpoint(inner, x * 2, use_reentrant=False) * x

    x = t.tensor([0.5, 1.0], requires_grad=True)
    saving(t).checkpoint(outer, x, use_reentrant=False).sum().backward()
    y = x.detach().requires_grad_()
    (inner(y * 2) * y).sum().backward()
    t.testing.assert_close(x.grad, y.grad)


def test_recurrent_layers_and_truncated_backpropagation():
    layer = nn.LSTM(3, 4)
    x = ours.rand(5, 2, 3)
    grads = []
    for run in (layer, lambda *args: checkpoint(layer, *args)):
        layer.zero_grad()
        output, state = run(x)
        second, _ = run(x, tuple(part.detach() for part in state))
        (output.sum() + second.pow(2).sum()).backward()
        grads.append([p.grad for p in layer.parameters()])
    for one, other in zip(*grads, strict=True):
        ours.testing.assert_close(other, one)


def test_nothing_is_kept():
    kept: list[Any] = []

    def function(x: Any) -> Any:
        y = x * 1.0
        kept.append(weakref.ref(y._array))
        return (y * y).exp().sum()  # y is saved for its square

    x = ours.ones(1000, requires_grad=True)
    gc.disable()
    try:
        y = checkpoint(function, x)
        assert kept[0]() is None
        z = function(x)
        assert kept[1]() is not None
        y.backward()
        assert kept[2]() is None
        del y, z
        assert kept[1]() is None
    finally:
        gc.enable()


def test_another_second_run_is_noticed():
    state = {"power": 1, "size": 2}

    def function(x: Any) -> Any:
        for _ in range(state["power"]):
            x = x.exp()
        return x[: state["size"]]

    def lost(**change: int) -> Any:
        state.update(power=1, size=2)
        y = checkpoint(function, ours.ones(3, requires_grad=True)).sum()
        state.update(change)
        y.backward()

    lost()
    with pytest.raises(CheckpointError, match="different metadata"):
        lost(size=1)
    with pytest.raises(RuntimeError, match=r"(different number|different metadata)"):
        lost(power=2)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(function, ours.ones(1), determinism_check="some")


def test_a_parameter_changed_in_between_is_noticed():
    w = ours.ones(2, requires_grad=True)
    y = checkpoint(lambda: (w * w).sum())
    with ours.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_contexts():
    entered = []

    class Context:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            entered.append(self.name)

        def __exit__(self, *error: Any) -> None:
            pass

    x = ours.ones(1, requires_grad=True)
    contexts = lambda: (Context("first"), Context("second"))  # noqa: E731
    y = checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=contexts)
    assert entered == ["first"]
    y.backward()
    assert entered == ["first", "second"]


@pytest.mark.parametrize("segments", [1, 2, 3, 4])
def test_a_sequence_in_segments(t: Any, segments: int):
    net = model(t).eval()
    x = t.ones(2, 3)
    run = saving(t).checkpoint_sequential
    for functions in (net, list(net)):
        net.zero_grad()
        y = run(functions, segments, x, use_reentrant=False)
        t.testing.assert_close(y, net(x))
        y.sum().backward()
        assert all(p.grad is not None for p in net.parameters())
