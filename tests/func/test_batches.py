"""vmap, in this library and in PyTorch."""

from __future__ import annotations

import pytest

from ..both import t as t


def test_dimensions(t):
    a, b = t.randn(3, 2), t.randn(2, 3)
    dot = t.func.vmap(t.dot, in_dims=(0, 1))
    assert t.allclose(dot(a, b), (a * b.t()).sum(1))
    assert t.allclose(t.vmap(t.dot, (0, None))(a, a[0]), a @ a[0])
    assert t.func.vmap(lambda x: x * 2, in_dims=-1, out_dims=1)(a).shape == (3, 2)
    assert t.func.vmap(lambda x: x * 2, in_dims=1)(a).shape == (2, 3)
    nested = t.func.vmap(t.func.vmap(lambda x: x**2))(a)
    assert t.equal(nested, a**2)


def test_structures(t):
    a, b = t.randn(3, 2), t.randn(3)
    found = t.func.vmap(lambda d, y: {"s": d["x"].sum() + y, "p": (y, d["x"])})({"x": a}, b)
    assert t.allclose(found["s"], a.sum(1) + b)
    assert t.equal(found["p"][1], a)
    found = t.func.vmap(lambda d, n: d["x"] * d["y"] * n, in_dims=({"x": 0, "y": None}, None))
    assert t.allclose(found({"x": a, "y": b[:2]}, 2), a * b[:2] * 2)
    both = t.func.vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(a)
    assert both[0].shape == (2, 3)
    assert both[1].shape == (3,)


def test_gradients_of_each_example(t):
    net, x, y = t.nn.Linear(2, 1), t.randn(5, 2), t.randn(5, 1)
    params = {name: p.detach() for name, p in net.named_parameters()}

    def loss(params, x, y):
        return (t.func.functional_call(net, params, (x,)) - y).pow(2).mean()

    each = t.func.vmap(t.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    assert each["weight"].shape == (5, 1, 2)
    whole = t.func.grad(loss)(params, x, y)
    assert t.allclose(each["weight"].mean(0), whole["weight"], atol=1e-6)
    jacobians = t.func.vmap(t.func.jacrev(lambda x: net(x)))(x)
    assert t.allclose(jacobians, net.weight.expand(5, 1, 2))
    w = t.ones(2, requires_grad=True)
    t.func.vmap(lambda x: (w * x).sum())(x).sum().backward()
    assert t.allclose(w.grad, x.sum(0))


def test_randomness(t):
    x = t.zeros(3, 4)
    different = t.func.vmap(lambda x: x + t.rand(4), randomness="different")(x)
    assert not t.equal(different[0], different[1])
    same = t.func.vmap(lambda x: x + t.rand(4), randomness="same")(x)
    assert t.equal(same[0], same[1])
    with pytest.raises(RuntimeError, match="randomness"):
        t.func.vmap(lambda x: x + t.rand(4))(x)
    with pytest.raises(RuntimeError, match="Only allowed values for randomness"):
        t.func.vmap(lambda x: x, randomness="any")(x)


def test_misuse(t):
    x = t.ones(3, 2)
    for call, message in (
        (lambda: t.func.vmap(t.dot)(x, t.ones(4, 2)), "same size"),
        (lambda: t.func.vmap(t.dot, (0, 0, 0))(x, x), "not compatible"),
        (lambda: t.func.vmap(t.sin, 2)(x), "dimensionality"),
        (lambda: t.func.vmap(lambda x, n: x, 0)(x, 3), "non-Tensor"),
        (lambda: t.func.vmap(lambda x: x, (None,))(x), "at least one Tensor"),
        (lambda: t.func.vmap(lambda: 1)(), "no inputs"),
        (lambda: t.func.vmap(lambda x: 1.0)(x), "must only return"),
        (lambda: t.func.vmap(t.sin, "a")(x), "in_dims"),
        (lambda: t.func.vmap(t.sin, chunk_size=0)(x), "chunk_size"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
