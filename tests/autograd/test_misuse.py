"""What must not be computed: changed values, freed graphs, integers, labels and ids that are not
there, devices that do not match. Each raises PyTorch's kind of error; none gives numbers."""

from __future__ import annotations

import pytest

import tinygrad_rnn as tg

from ..both import t as t
from ..conftest import DEVICES
from ..nn.side_by_side import refused
from .samples import SAMPLES
from .test_gradients import _inputs


def leaf(t, *shape):
    return t.ones(*(shape or (3,)), requires_grad=True)


# ----- saved values that were changed -----

# Operations whose rules read the input, the output, or a factor; each is (make, change)
CHANGED = {
    "exp": lambda t, x: (y := x.exp(), y),
    "sigmoid": lambda t, x: (y := x.sigmoid(), y),
    "softmax": lambda t, x: (y := x.softmax(0), y),
    "sqrt": lambda t, x: (y := (x * 1).sqrt(), y),
    "sin": lambda t, x: ((z := x * 1).sin(), z),
    "pow": lambda t, x: ((z := x * 1) ** 3, z),
    "mul": lambda t, x: (x * (c := t.ones(3)), c),
    "div": lambda t, x: (x / (c := t.ones(3)), c),
    "matmul": lambda t, x: (x @ (c := t.ones(3, 2)), c),
    "linear": lambda t, x: (t.nn.functional.linear(x, c := t.ones(2, 3)), c),
    "where": lambda t, x: (t.where(c := t.ones(3) > 0, x, x * 2), c),
    "gather": lambda t, x: (x.gather(0, c := t.tensor([0, 1])), c),
    "embedding": lambda t, x: (t.nn.functional.embedding(c := t.tensor([0, 1]), leaf(t, 3, 2)), c),
    "layer_norm": lambda t, x: (t.nn.functional.layer_norm(z := x * 1, (3,)), z),
    "cross_entropy": lambda t, x: (t.nn.functional.cross_entropy(x, c := t.tensor(1)), c),
    "conv1d": lambda t, x: (t.nn.functional.conv1d(x.view(1, 1, 3), c := t.ones(1, 1, 2)), c),
    "max_pool1d": lambda t, x: (t.nn.functional.max_pool1d(z := (x * 1).view(1, 3), 2), z),
    "amax": lambda t, x: ((z := x * 1).amax(), z),
    "a view of it": lambda t, x: ((z := x * 1) * z, z[:1]),
    "its base": lambda t, x: ((z := (b := x * 1)[:2]) * z, b),
    "detached": lambda t, x: ((z := x * 1) * z, z.detach()),
}  # fmt: skip
# Here rules read what the operation keeps for itself; PyTorch refuses some of these
KEPT_APART = ("where", "layer_norm", "max_pool1d", "cross_entropy")


@pytest.mark.parametrize("name", [name for name in CHANGED if name not in KEPT_APART])
def test_changed(name, t):
    y, value = CHANGED[name](t, leaf(t))
    with t.no_grad():
        value.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("name", KEPT_APART)
def test_changed_but_kept_apart(name):
    """Refused, or the gradient is that of the old value."""
    found = []
    for change in (False, True):
        x = leaf(tg)
        y, value = CHANGED[name](tg, x)
        if change:
            with tg.no_grad():
                value.zero_()
        try:
            y.sum().backward()
        except RuntimeError as error:
            assert "modified by an inplace operation" in str(error)
            return
        found.append(x.grad.tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("part", ["weight_hh_l0", "weight_ih_l0"])
def test_changed_weights(name, part, t):
    layer = getattr(t.nn, name)(3, 4)
    y, _ = layer(t.ones(2, 1, 3, requires_grad=True))
    with t.no_grad():
        getattr(layer, part).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# ----- graphs that are gone -----


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_twice(sample):
    """Each operation that keeps values says so; what keeps none may run again, as in PyTorch."""
    inputs = _inputs(sample)
    results = sample.call(*inputs)
    results = results if isinstance(results, tuple | list) else (results,)
    total = sum((y * y).sum() for y in results if y.requires_grad)
    total.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        total.backward()


def part_used_again(t):
    x = leaf(t)
    middle = (x * x).exp()
    middle.sum().backward()
    (middle * 2).sum().backward()


def second_order_without_graph(t):
    x = leaf(t)
    (g,) = t.autograd.grad((x**3).sum(), x)
    g.sum().backward()


def no_grad_inside(t):
    x = leaf(t)
    with t.no_grad():
        y = x * x
    y.sum().backward()


GONE = {
    "a part used again": (part_used_again, "Trying to backward through the graph a second time"),
    "no create_graph": (second_order_without_graph, "does not require grad"),
    "no_grad": (no_grad_inside, "does not require grad"),
}


# ----- integers, labels, ids -----


def f(t):
    return t.nn.functional


REFUSED = {
    **GONE,
    "an integer leaf": (lambda t: t.ones(3, dtype=t.int64).requires_grad_(),
                        "floating point"),
    "a bool leaf": (lambda t: t.ones(3, dtype=t.bool, requires_grad=True), "floating point"),
    "integers as outputs": (lambda t: leaf(t).argmax().backward(), "does not require grad"),
    "a gradient of integers": (lambda t: setattr(leaf(t), "grad", t.ones(3, dtype=t.int64)), ""),
    "a gradient of another shape": (lambda t: setattr(leaf(t), "grad", t.ones(2)), ""),
    "starting with another shape": (lambda t: (leaf(t) * 2).backward(t.ones(2)), "shape"),
    **{f"label {label} of {name}": (lambda t, label=label, call=call: call(t, label), text)
       for label in (5, -1)
       for name, call, text in [
           ("cross_entropy", lambda t, n: f(t).cross_entropy(leaf(t, 2, 5), t.tensor([0, n])),
            "is out of bounds"),
           ("nll_loss", lambda t, n: f(t).nll_loss(leaf(t, 2, 5), t.tensor([0, n])),
            "is out of bounds"),
           ("a picture", lambda t, n: f(t).cross_entropy(leaf(t, 1, 5, 2), t.tensor([[0, n]])),
            "is out of bounds"),
           ("multi_margin_loss", lambda t, n: f(t).multi_margin_loss(
               leaf(t, 2, 5), t.tensor([0, n])), "target out of range"),
           ("embedding", lambda t, n: f(t).embedding(t.tensor([0, n]), leaf(t, 5, 2)),
            "index out of range"),
           ("gather", lambda t, n: leaf(t, 5).gather(0, t.tensor([n])), "out of bounds"),
           ("scatter", lambda t, n: leaf(t, 5).scatter(0, t.tensor([n]), 1.0), "out of bounds"),
           ("index_select", lambda t, n: leaf(t, 5).index_select(0, t.tensor([n])), ""),
           ("index_add", lambda t, n: leaf(t, 5).index_add(0, t.tensor([n]), t.ones(1)), ""),
       ]},
    "an index beyond the end": (lambda t: leaf(t, 5)[t.tensor([5])], "out of bounds"),
    "an index before the beginning": (lambda t: leaf(t, 5)[t.tensor([-6])], "out of bounds"),
    "a label of int32": (lambda t: f(t).cross_entropy(
        leaf(t, 1, 5), t.tensor([0], dtype=t.int32)), "Long"),
    "an id of float": (lambda t: f(t).embedding(t.tensor([0.0]), leaf(t, 5, 2)), ""),
    "probabilities above 1": (lambda t: f(t).binary_cross_entropy(leaf(t) * 2, t.ones(3)),
                              "between 0 and 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    refused(*REFUSED[name])


# ----- devices -----

MIXED = {
    "add": lambda x, c: x + c,
    "mul_": lambda x, c: (x * 1).mul_(c),
    "matmul": lambda x, c: x @ c,
    "where": lambda x, c: tg.where(c > 0, x, x),
    "cat": lambda x, c: tg.cat([x, c]),
    "linear": lambda x, c: tg.nn.functional.linear(x, c[None]),
    "mse_loss": lambda x, c: tg.nn.functional.mse_loss(x, c),
    "cross_entropy": lambda x, c: tg.nn.functional.cross_entropy(x, c.long()[0]),
    "embedding": lambda x, c: tg.nn.functional.embedding(c.long(), x[:, None]),
    "index_put": lambda x, c: x.index_put((tg.tensor([0], device=x.device),), c[:1]),
    "copy of a gradient": lambda x, c: setattr(x, "grad", c),
    "starting gradient": lambda x, c: (x * 2).backward(c),
    "RNN": lambda x, c: tg.nn.RNN(3, 2, device=x.device)(c[None]),
    "LSTM state": lambda x, c: tg.nn.GRU(3, 2, device=x.device)(x[None], c[None, :2]),
    "layer_norm": lambda x, c: tg.nn.functional.layer_norm(x, (3,), c),
}


@pytest.mark.skipif(len(DEVICES) < 2, reason="needs two devices")
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", MIXED)
def test_devices(name, turned):
    places = ("cuda", "cpu") if turned else ("cpu", "cuda")
    x = tg.ones(3, device=places[0], requires_grad=True)
    with pytest.raises((RuntimeError, TypeError), match=r"cpu.*cuda|cuda.*cpu"):
        MIXED[name](x, tg.ones(3, device=places[1]))
