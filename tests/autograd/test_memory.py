"""Graphs are freed by reference counts alone, at once, however deep; saved values once used."""

import gc
import weakref

import pytest

import tinygrad_rnn as tg

pytestmark = pytest.mark.usefixtures("default_device")


@pytest.fixture(autouse=True, scope="module")
def no_cyclic_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf():
    return tg.ones(3, requires_grad=True)


class Doubled(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


def changed(x):
    """In place, through a view."""
    y = x * 1
    y[0].mul_(2)
    return y


STEPS = {
    "sum": lambda x: x + 1,
    "product of itself": lambda x: x * x,
    "saved output": lambda x: x.tanh(),
    "view": lambda x: x.view(3, 1)[:, 0],
    "one of several": lambda x: x.unbind()[0] + x,
    "several inputs": lambda x: tg.cat([x, x])[:3],
    "function": Doubled.apply,
    "in place": lambda x: (x * 1).mul_(2),
    "in place through a view": changed,
    "detached": lambda x: x.detach() * x,
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_freed_at_once(step):
    x = leaf()
    y = step(step(x * 1))
    gone = [weakref.ref(y), weakref.ref(y._array)]
    del y
    assert [ref() for ref in gone] == [None, None]


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_freed_at_once_after_backward(step):
    x = leaf()
    y = step(step(x * 1))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    (g,) = tg.autograd.grad(step(x).pow(2).sum(), x, create_graph=True)
    gone = [weakref.ref(y._array), weakref.ref(g._array), weakref.ref(x)]
    del y, g, x
    assert [ref() for ref in gone] == [None, None, None]


def test_saved_values_are_freed_by_backward():
    x = leaf()
    h = (x * 1).exp()
    loss = (h * h).sum()
    array = weakref.ref(h._array)
    del h
    assert array() is not None
    loss.backward()
    assert array() is None


def test_only_what_the_rules_read_is_saved():
    x = leaf()
    h = (x * 1).exp()  # keeps its output alone
    loss = ((x * 1) + (h * 2)).sum()
    node = loss.grad_fn
    kept = []
    while node.next_functions:
        kept += [value for value in node.saved if value is not None and hasattr(value, "strides")]
        node = node.next_functions[0][0]
    assert not kept


def test_the_graph_keeps_values_but_not_tensors():
    x = leaf()
    y = x * 1
    z = y * y
    tensor, array = weakref.ref(y), weakref.ref(y._array)
    del y
    assert tensor() is None and array() is not None
    del z
    assert array() is None


# ----- deep graphs -----

DEEP = {  # test_graphs.py has more of them
    "nothing saved": lambda x: x + 1,
    "in place": lambda x: x.mul_(1.0),
}


@pytest.mark.parametrize("step", DEEP.values(), ids=DEEP)
def test_100_000_operations(step):
    x = leaf()
    y = x * 0
    for _ in range(100_000):
        y = step(y)
    y.sum().backward()
    assert x.grad.tolist() == [0.0] * 3
    array = weakref.ref(y._array)
    del y  # neither walking nor freeing it recurses
    assert array() is None


def test_a_deep_graph_that_is_never_walked():
    x = leaf()
    y = x
    for _ in range(100_000):
        y = y * 1.0
    del y


def test_deep_second_order():
    x = leaf()
    y = x
    for _ in range(3_000):
        y = y * 1.0
    (g,) = tg.autograd.grad((y * y).sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad.tolist() == [2.0] * 3


# ----- many steps -----


def test_no_objects_are_left_over():
    w = leaf()

    def step():
        x = tg.ones(2, 3)
        h = x * w
        h[0].mul_(2)
        (h.sum() + Doubled.apply(h).sum()).backward()
        w.grad = None

    step()
    before = len(gc.get_objects())
    for _ in range(10):
        step()
    assert len(gc.get_objects()) <= before + 5
