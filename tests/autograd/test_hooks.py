"""Hooks of tensors, of leaves after accumulation, and of nodes."""

import gc
import weakref

import pytest

import tinygrad_rnn as tg

from ..both import t as t


def leaf(t):
    return t.tensor([1.5, 2.0], requires_grad=True)


# ----- hooks of tensors -----


def test_order_and_replacement(t):
    x, seen = leaf(t), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 2).sum().backward()
    assert seen == [[2.0, 2.0], [4.0, 4.0]] and x.grad.tolist() == [4.0, 4.0]


def test_outputs_come_before_inputs_and_see_whole_gradients(t):
    seen = []
    x = leaf(t)
    y = x * 2
    z = y * 3 + y
    for name, tensor in (("x", x), ("y", y), ("z", z)):
        tensor.register_hook(lambda g, name=name: seen.append((name, g.tolist())))
    z.sum().backward()
    assert seen == [("z", [1.0, 1.0]), ("y", [4.0, 4.0]), ("x", [8.0, 8.0])]


def test_a_replaced_gradient_flows_on(t):
    x = leaf(t)
    y = x * 2
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]
    assert t.autograd.grad((x * 3).sum(), x)[0].tolist() == [3.0, 3.0]


def test_grad_runs_the_hooks_of_its_inputs(t):
    x = leaf(t)
    x.register_hook(lambda g: g * 7)
    assert t.autograd.grad((x * 2).sum(), x)[0].tolist() == [14.0, 14.0]


def test_removal(t):
    x, seen = leaf(t), []
    handle = x.register_hook(lambda g: seen.append("a"))
    with x.register_hook(lambda g: seen.append("b")):
        (x * 2).sum().backward()
    handle.remove()
    handle.remove()
    (x * 2).sum().backward()
    assert seen == ["a", "b"]


def test_removal_from_inside(t):
    x, seen = leaf(t), []

    def first(g):
        seen.append("first")
        second.remove()

    x.register_hook(first)
    second = x.register_hook(lambda g: seen.append("second"))
    for _ in range(2):
        (x * 2).sum().backward()
    assert seen == ["first", "second", "first"]


def test_each_backward_calls_them(t):
    x, seen = leaf(t), []
    y = x * x
    y.register_hook(lambda g: seen.append(1))
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    assert seen == [1, 1]


def test_hooks_stay_with_the_value_they_were_put_on(t):
    seen = []
    y = leaf(t) * 2
    y.register_hook(lambda g: seen.append(("before", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("after", g.tolist())))
    y.sum().backward()
    assert seen == [("after", [1.0, 1.0]), ("before", [3.0, 3.0])]


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
def test_with_create_graph_hooks_are_recorded(t):
    x, seen = leaf(t), []
    x.register_hook(lambda g: seen.append((t.is_grad_enabled(), g.requires_grad)))
    x.register_hook(lambda g: g * g)
    (x * x).sum().backward(create_graph=True)
    assert x.grad.tolist() == [9.0, 16.0] and x.grad.requires_grad
    x.grad = None
    (x * x).sum().backward()
    assert seen == [(True, True), (False, False)]


WRONG = [
    (lambda t, g: 3, TypeError, "expected Variable, but hook returned 'int'"),
    (lambda t, g: t.ones(3), RuntimeError, "hook 'hook' has changed the size of value"),
    (lambda t, g: g.double(), RuntimeError, "hook 'hook' has changed the type of value"),
]


@pytest.mark.parametrize(("returned", "error", "message"), WRONG)
def test_what_hooks_may_not_return(t, returned, error, message):
    x = leaf(t)

    def hook(g):
        return returned(t, g)

    x.register_hook(hook)
    with pytest.raises(error, match=message):
        (x * 2).sum().backward()


def test_hooks_need_a_gradient(t):
    with pytest.raises(RuntimeError, match="hook on a tensor that doesn't require gradient"):
        t.ones(2).register_hook(print)
    with pytest.raises(RuntimeError, match="hook on a tensor that doesn't require gradient"):
        t.ones(2).register_post_accumulate_grad_hook(print)


def test_outputs_of_one_operation_have_their_own_hooks(t):
    seen = []
    a, b = t.ones(4, requires_grad=True).split(2)
    b.register_hook(lambda g: seen.append(g.tolist()))
    (a * 2 + b * 3).sum().backward()
    assert seen == [[3.0, 3.0]]


# ----- hooks after accumulation -----


def test_after_accumulation(t):
    x, seen = leaf(t), []
    x.register_hook(lambda g: seen.append("gradient"))
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    for _ in range(2):
        (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert seen == ["gradient", (True, [2.0, 2.0]), "gradient", (True, [4.0, 4.0]), "gradient"]


def test_after_accumulation_the_gradient_may_be_dropped(t):
    x = leaf(t)

    def use(p):
        with t.no_grad():
            p.sub_(p.grad)
        p.grad = None

    x.register_post_accumulate_grad_hook(use)
    (x * 2).sum().backward()
    assert x.grad is None and x.tolist() == [-0.5, 0.0]


def test_after_accumulation_only(t):
    x, seen = leaf(t), []
    x.register_post_accumulate_grad_hook(seen.append)
    t.autograd.grad((x * 2).sum(), x)
    assert not seen
    with pytest.raises(RuntimeError, match="cannot be registered on non-leaf tensors"):
        (x * 2).register_post_accumulate_grad_hook(print)


# ----- hooks of nodes -----


def test_hooks_of_nodes(t):
    x, seen = leaf(t), []
    y = x * 2
    y.grad_fn.register_prehook(lambda outer: (outer[0] * 3,))
    y.grad_fn.register_hook(
        lambda inner, outer: seen.append((len(inner), inner[0].tolist(), outer[0].tolist()))
    )
    handle = y.grad_fn.register_hook(lambda inner, outer: (inner[0] + 1, None))
    z = y.sum()
    z.backward(retain_graph=True)
    handle.remove()
    z.backward()
    assert seen == [(2, [6.0, 6.0], [3.0, 3.0])] * 2 and x.grad.tolist() == [13.0, 13.0]


# ----- memory -----


def test_notes_on_nodes(t):
    y = t.ones(2, requires_grad=True) * 2
    y.grad_fn.metadata["place"] = "here"
    assert y.grad_fn.metadata == {"place": "here"} and (y + 1).grad_fn.metadata == {}


def test_hooks_make_no_cycles():
    gc.collect()
    gc.disable()
    try:
        x = leaf(tg)
        y = x * 2
        y.register_hook(lambda g: g)
        y.retain_grad()
        x.register_post_accumulate_grad_hook(lambda p: None)
        y.sum().backward()
        gone = [weakref.ref(x), weakref.ref(y), weakref.ref(y.grad_fn._with_extras())]
        del x, y
        assert [ref() for ref in gone] == [None] * 3
    finally:
        gc.enable()
