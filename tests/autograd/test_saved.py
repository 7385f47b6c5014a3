"""Hooks for what is saved for backward."""

from __future__ import annotations

import gc
import weakref

import pytest

import tinygrad_rnn

from ..both import t as t


def _identity(tensor):
    return tensor


def _twice(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = 2 * x
            ctx.save_for_backward(x, None, y)
            return y

        @staticmethod
        def backward(ctx, g):
            x, nothing, y = ctx.saved_tensors
            assert nothing is None
            return g * y / x

    return Twice.apply


CALLS = {
    "product": lambda t, x: x * x.exp(),
    "several-outputs": lambda t, x: t.sort(x)[0] * t.sort(x)[1],
    "joint": lambda t, x: t.nn.functional.layer_norm(x, (4,)) ** 3,
    "variadic": lambda t, x: t.cat([x, x * x]).prod(),
    "function": lambda t, x: _twice(t)(x) ** 2,
    "lstm": lambda t, x: t.nn.LSTM(4, 3)(x)[0],
    "gru-step": lambda t, x: t.nn.GRUCell(4, 2)(x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_gradients_are_the_same_through_hooks(t, call):
    """Values in other memory, and none kept elsewhere: what is unpacked is what rules read."""
    x = t.tensor([[1.0, -2.0, 0.5, 3.0], [2.0, 1.0, -1.0, 0.25]], requires_grad=True)
    grads, packed = [], []

    def pack(tensor):
        packed.append(tensor.shape)
        return tensor.detach().clone().tolist(), tensor.dtype, tensor.device

    def unpack(kept):
        return t.tensor(kept[0], dtype=kept[1], device=kept[2])

    for hooks in (_identity, _identity), (pack, unpack):
        t.manual_seed(0)
        with t.autograd.graph.saved_tensors_hooks(*hooks):
            y = call(t, x).sum()
        grads += [*t.autograd.grad(y, x, retain_graph=True), *t.autograd.grad(y, x)]
        with pytest.raises(RuntimeError, match="second time"):
            t.autograd.grad(y, x)
    assert packed
    for grad in grads[1:]:
        t.testing.assert_close(grad, grads[0])


def test_which_tensors_they_see(t):
    seen = []

    def pack(tensor):
        seen.append((tensor.tolist(), tensor.requires_grad, t.is_grad_enabled()))
        return len(seen)

    a = t.tensor(2.0, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(pack, lambda number: t.tensor(10.0 * number)):
        b = a * 3
        y = a * b
        with t.autograd.graph.saved_tensors_hooks(_identity, _identity):
            z = a * a
    assert (2.0, True, False) in seen
    assert (6.0, True, False) in seen
    count = len(seen)
    (y + z).backward()
    assert a.grad.item() != 16  # what was unpacked instead
    assert len(seen) == count


def test_second_derivatives(t):
    x = t.tensor(3.0, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(_identity, _identity):
        (first,) = t.autograd.grad(x**3, x, create_graph=True)
    assert t.autograd.grad(first, x)[0].item() == 18


def test_save_on_cpu(t):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.autograd.graph.save_on_cpu():
        y = (x * x * x.exp()).sum()
    y.backward()
    t.testing.assert_close(x.grad, (2 * x + x * x).detach() * x.detach().exp())


def test_bad_hooks(t):
    x, graph = t.ones(2, requires_grad=True), t.autograd.graph
    with (
        pytest.raises(RuntimeError, match="pack hook is modifying its input in place"),
        graph.saved_tensors_hooks(lambda tensor: tensor.mul_(2), _identity),
    ):
        x * x
    with graph.saved_tensors_hooks(_identity, lambda tensor: 3):
        y = (x * x).sum()
    with pytest.raises(TypeError, match=r"expected to be a Tensor.* of type int"):
        y.backward()
    with (
        pytest.raises(RuntimeError, match=r"^not here$"),
        graph.disable_saved_tensors_hooks("not here"),
        graph.save_on_cpu(),
    ):
        pass
    with (
        pytest.raises(RuntimeError, match=r"^nor here$"),
        graph.save_on_cpu(),
        graph.disable_saved_tensors_hooks("nor here"),
    ):
        pass
    with graph.disable_saved_tensors_hooks("not here"):
        (x * x).sum().backward()


def test_changes_in_place_are_not_noticed(t):
    a, b = t.ones(2, requires_grad=True), t.ones(2)
    with t.autograd.graph.saved_tensors_hooks(lambda x: x.clone(), _identity):
        y = (a * b).sum()
    b.add_(1)
    y.backward()
    assert a.grad.tolist() == [1, 1]


def test_no_cycle():
    """What hooks returned goes away with the result, without Python's collector."""

    class Box:
        pass

    boxes = []

    def pack(tensor):
        box = Box()
        box.tensor = tensor
        boxes.append(weakref.ref(box))
        return box

    x = tinygrad_rnn.ones(2, requires_grad=True)
    gc.disable()
    try:
        with tinygrad_rnn.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
            y = x.exp()
        assert boxes[0]() is not None
        del y
        assert boxes[0]() is None
    finally:
        gc.enable()
