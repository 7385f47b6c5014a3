"""Derivatives of functions, in this library and in PyTorch."""

from __future__ import annotations

import pytest

from ..both import t as t

# PyTorch's forward mode uses what it deprecates, and warns of itself
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node"),
]


def cubes(x):
    return (x**3).sum()


def mixed(x, y):
    return {"a": (x * y).sin(), "b": [x.sum() * y]}


def pair(t):
    return t.tensor([0.5, 2.0], dtype=t.float64), t.tensor([1.0, -1.5], dtype=t.float64)


def close(t, found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        return all(close(t, found[k], expected[k]) for k in expected)
    if isinstance(expected, list | tuple):
        assert type(found) is type(expected)
        assert len(found) == len(expected)
        return all(close(t, a, b) for a, b in zip(found, expected, strict=True))
    return t.allclose(found, expected)


def test_grad(t):
    x, _ = pair(t)
    assert close(t, t.func.grad(cubes)(x), 3 * x**2)
    assert close(t, t.func.grad_and_value(cubes)(x), (3 * x**2, cubes(x)))
    second = t.func.grad(lambda x: t.func.grad(cubes)(x).sum())(x)
    assert close(t, second, 6 * x)
    assert not second.requires_grad
    third = t.func.grad(t.func.grad(t.func.grad(lambda x: x**4)))(t.tensor(2.0))
    assert third.item() == pytest.approx(48)


def test_arguments(t):
    x, y = pair(t)
    f = t.func.grad(lambda x, y: (x * y**2).sum(), argnums=(0, 1))
    assert close(t, f(x, y), (y**2, 2 * x * y))
    f = t.func.grad(lambda x, y: (x * y**2).sum(), argnums=-1)
    assert close(t, f(x, y), 2 * x * y)
    f = t.func.grad(lambda p, *, by: (p["w"] * by + p["b"][0]).sum())
    assert close(t, f({"w": x, "b": [y]}, by=y), {"w": y, "b": [t.ones_like(y)]})
    f = t.func.grad(lambda x: (x.sum(), x * 2), has_aux=True)
    assert close(t, f(x), (t.ones_like(x), x * 2))
    f = t.func.grad_and_value(lambda x: (x.sum(), x * 2), has_aux=True)
    assert close(t, f(x), (t.ones_like(x), (x.sum(), x * 2)))
    unused = t.func.grad(lambda x, y: x.sum(), argnums=1)
    assert close(t, unused(x, y), t.zeros_like(y))


def test_within_an_ordinary_graph(t):
    """The gradient is differentiable by what it is made of, also of what is not an argument."""
    x, y = pair(t)
    x.requires_grad_()
    t.func.grad(cubes)(x).sum().backward()
    assert close(t, x.grad, 6 * x.detach())
    w = y.clone().requires_grad_()
    t.func.grad(lambda x: (x**2 * w).sum())(x.detach()).sum().backward()
    assert close(t, w.grad, 2 * x.detach())
    with t.no_grad():
        assert not t.func.grad(cubes)(x).requires_grad


def test_products(t):
    x, y = pair(t)
    output, pull = t.func.vjp(mixed, x, y)
    assert close(t, output, mixed(x, y))
    ones = {"a": t.ones_like(x), "b": [t.ones_like(x)]}
    expected = t.func.grad(lambda x, y: (x * y).sin().sum() + (x.sum() * y).sum(), (0, 1))(x, y)
    assert close(t, pull(ones), expected)
    assert close(t, pull(ones), expected)
    output, push = t.func.jvp(mixed, (x, y), (y, x))
    assert close(t, output, mixed(x, y))
    slope = {
        "a": (x * y).cos() * (y * y + x * x), "b": [y.sum() * y + x.sum() * x]
    }  # fmt: skip
    assert close(t, push, slope)
    output, pull, other = t.func.vjp(lambda x: (x.sum(), x * 2), x, has_aux=True)
    assert close(t, (output, pull(t.ones_like(output)), other), (x.sum(), (t.ones_like(x),), x * 2))
    output, push, other = t.func.jvp(lambda x: (x.sum(), x * 2), (x,), (y,), has_aux=True)
    assert close(t, (output, push, other), (x.sum(), y.sum(), x * 2))


def test_linearize(t):
    x, y = pair(t)
    output, push = t.func.linearize(lambda x: x**2, x)
    assert close(t, (output, push(y), push(x)), (x**2, 2 * x * y, 2 * x * x))


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_jacobians(t, name):
    jacobian = getattr(t.func, name)
    x, y = pair(t)
    assert close(t, jacobian(lambda x: x**2)(x), (2 * x).diag())
    both = jacobian(mixed, (0, 1))(x, y)
    one = t.ones(2, 2, dtype=t.float64)
    cos = (x * y).cos()
    expected = {
        "a": ((cos * y).diag(), (cos * x).diag()),
        "b": [(y.unsqueeze(1) * one, x.sum() * t.eye(2, dtype=t.float64))],
    }
    assert close(t, both, expected)
    matrix = jacobian(lambda m: m @ m)(t.ones(2, 3)[:, :2])
    assert matrix.shape == (2, 2, 2, 2)
    found = jacobian(lambda x: (x**2, x.sum()), has_aux=True)(x)
    assert close(t, found, ((2 * x).diag(), x.sum()))


def test_hessians(t):
    x, y = pair(t)
    assert close(t, t.func.hessian(cubes)(x), (6 * x).diag())
    blocks = t.func.hessian(lambda x, y: (x * y**2).sum(), argnums=(0, 1))(x, y)
    zero = t.zeros(2, 2, dtype=t.float64)
    cross = (2 * y).diag()
    assert close(t, blocks, ((zero, cross), (cross, (2 * x).diag())))
    product = t.func.jvp(t.func.grad(cubes), (x,), (y,))[1]
    assert close(t, product, 6 * x * y)


def test_misuse(t):
    x, y = pair(t)
    for call, message in (
        (lambda: t.func.grad(lambda x: x)(x), "scalar [tT]ensor"),
        (lambda: t.func.grad(lambda x: 1.0)(x), "Tensor"),
        (lambda: t.func.grad(cubes, has_aux=True)(x), "has_aux"),
        (lambda: t.func.grad(cubes, argnums=1)(x), "argnum"),
        (lambda: t.func.grad(cubes, argnums=(0, 0))(x), "unique"),
        (lambda: t.func.jvp(cubes, x, y), "primals"),
        (lambda: t.func.jvp(cubes, (x,), y), "tangents"),
        (lambda: t.func.vjp(mixed, x, y)[1](x), "structure"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()
