"""Edges of the graph in place of tensors, hooks of several tensors, and counted changes."""

import gc
import weakref
from typing import Any

import pytest

from tests.both import t as t


def test_edges_name_the_places_of_tensors(t: Any):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    first, second = t.stack([x, y]).unbind(0)
    edge_of = t.autograd.graph.get_gradient_edge
    assert [edge_of(a).output_nr for a in (x, y, first, second)] == [0, 0, 0, 1]
    assert edge_of(y).node is y.grad_fn and edge_of(y)._fields[:2] == ("node", "output_nr")
    assert edge_of(x).node.name() == "torch::autograd::AccumulateGrad"
    assert isinstance(edge_of(y), t.autograd.graph.GradientEdge)
    with pytest.raises(RuntimeError, match="that does not require grad"):
        edge_of(t.ones(2))


def test_gradients_by_edges_and_from_edges(t: Any):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = (y * y).sum()
    at_x, at_y, at_z = map(t.autograd.graph.get_gradient_edge, (x, y, z))
    other = t.autograd.graph.get_gradient_edge(x.exp())

    def grad(*args: Any, **options: Any) -> Any:
        return [g.tolist() for g in t.autograd.grad(*args, retain_graph=True, **options)]

    assert grad(z, at_y) == [[6.0, 12.0]]
    assert grad(z, [at_y, x, at_x]) == [[6.0, 12.0], [18.0, 36.0], [18.0, 36.0]]
    assert grad(at_z, at_x) == [[18.0, 36.0]]
    assert grad([at_y, z], x, [t.ones(2), None]) == [[21.0, 39.0]]
    by_hand = t.autograd.graph.GradientEdge(y.grad_fn, 0)
    assert grad(by_hand, [by_hand, x], t.ones(2)) == [[1.0, 1.0], [3.0, 3.0]]
    (once,) = t.autograd.grad(z, at_x, create_graph=True)
    assert grad(once.sum(), at_x) == [[18.0, 18.0]]
    assert t.autograd.grad(z, other, retain_graph=True, allow_unused=True) == (None,)
    for call, message in (
        (lambda: grad(at_y, x), "only for scalar outputs"),
        (lambda: grad(at_y, x, t.ones(3)), "Mismatch in shape"),
        (lambda: grad(z, other), "appears to not have been used"),
        (lambda: grad(z, other, materialize_grads=True), "materialize_grads cannot be used"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()


def test_backward_with_edges(t: Any):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    edge_of = t.autograd.graph.get_gradient_edge
    t.autograd.backward(edge_of(y), t.ones(2), retain_graph=True)
    assert x.grad.tolist() == [3.0, 3.0]
    y.sum().backward(inputs=edge_of(x), retain_graph=True)
    assert x.grad.tolist() == [6.0, 6.0]
    y.sum().backward(inputs=[edge_of(y)])
    assert x.grad.tolist() == [6.0, 6.0] and not y.retains_grad


def test_an_edge_keeps_the_graph_and_not_the_tensor(device: str):
    import tinygrad_rnn as torch

    x = torch.ones(1000, requires_grad=True, device=device)
    y = x + 1
    edge, values = torch.autograd.graph.get_gradient_edge(y), weakref.ref(y)
    del y
    gc.collect()
    assert values() is None and edge.ownership_token.numel() == 0
    assert torch.autograd.grad(edge, x, torch.ones(1000, device=device))[0].sum() == 1000


def test_hooks_of_all_and_of_any_of_several_tensors(t: Any):
    a = t.tensor([1.0, 2.0], requires_grad=True)
    b = t.tensor([3.0, 4.0], requires_grad=True)
    c, d = a * b, a * b
    seen: list[Any] = []
    register = t.autograd.graph.register_multi_grad_hook

    def listed(gradients: Any) -> None:
        seen.append([None if g is None else g.tolist() for g in gradients])

    handle = register((a, b, c, d), listed)
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    (c + d).sum().backward(retain_graph=True)
    t.autograd.grad(d.sum(), d, retain_graph=True)
    ones = [1.0, 1.0]
    assert seen == [
        [[3.0, 4.0], [1.0, 2.0], ones, None],
        [[3.0, 4.0], None, ones, None],
        [[6.0, 8.0], [2.0, 4.0], ones, ones],
        [None, None, None, ones],
    ]
    handle.remove()
    with register([a, a], listed):
        c.sum().backward(retain_graph=True)
    assert seen[4:] == [[[3.0, 4.0], [3.0, 4.0]]]
    with register((a, b, c, t.ones(2)), lambda g: seen.append(g.tolist()), mode="any"):
        c.sum().backward(retain_graph=True)
        d.sum().backward(retain_graph=True)
    c.sum().backward()
    assert seen[5] == ones and seen[6] in ([3.0, 4.0], ones) and len(seen) == 7
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        register((a,), print, mode="some")
    with pytest.raises((RuntimeError, AssertionError)):
        register((a, t.ones(2)), print)


def test_a_pass_inside_of_a_pass_has_hooks_of_its_own(t: Any):
    a = t.ones(2, requires_grad=True)
    b, c = a * 2, a * 3
    total = c.sum()
    seen: list[Any] = []

    def inner(gradient: Any) -> None:
        t.autograd.grad(total, c, retain_graph=True)

    with t.autograd.graph.register_multi_grad_hook([c, b], lambda g: seen.append(len(g))):
        b.register_hook(inner)
        (b + c).sum().backward()
    assert seen == [2, 2]


def test_changes_that_autograd_does_not_see_are_counted(t: Any):
    increment = t.autograd.graph.increment_version
    x = t.ones(2)
    increment(x)
    increment([x, x[:1]])
    assert x._version == 3
    y = t.ones(2, requires_grad=True).exp()
    increment(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    for bad in (3, [3]):
        with pytest.raises(RuntimeError, match="increment_version expect"):
            increment(bad)
