"""User-written operations: `autograd.Function`."""

import pytest

import tinygrad_rnn as tg

from ..both import t as t
from .functions import doubled, exponential, leaf, make, squared


def test_a_function(t):
    x = leaf(t)
    y = squared(t).apply(x)
    assert y.grad_fn.name() == type(y.grad_fn).__name__ == "MadeBackward"
    assert repr(y).startswith("tensor([2.2500, 4.0000], ")
    assert repr(y).endswith("grad_fn=<MadeBackward>)")
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_higher_orders(t):
    x = leaf(t)
    (g,) = t.autograd.grad(squared(t).apply(x).pow(2).sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = t.autograd.grad(h.sum(), x)
    assert h.tolist() == [27.0, 48.0] and k.tolist() == [36.0, 48.0]


def test_a_saved_output_is_differentiated_again(t):
    x = t.zeros(2, requires_grad=True)
    (g,) = t.autograd.grad(exponential(t).apply(x).sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_several_inputs_and_outputs(t):
    seen = []

    def forward(ctx, x, y):
        ctx.save_for_backward(x, None, y)
        return x * y, x + y

    def backward(ctx, g, h):
        x, nothing, y = ctx.saved_tensors
        seen.append((nothing, g.tolist(), h.tolist()))
        return g * y + h, g * x + h

    x, y = leaf(t), leaf(t)
    a, b = make(t, forward, backward).apply(x, y)
    assert (a.output_nr, b.output_nr) == (0, 1) and a.grad_fn is b.grad_fn
    a.sum().backward()
    assert seen == [(None, [1.0, 1.0], [0.0, 0.0])] and y.grad.tolist() == [1.5, 2.0]


def test_arguments_that_are_no_tensors(t):
    seen = []

    def forward(ctx, x, factor, name):
        ctx.factor = factor
        seen.append(ctx.needs_input_grad)
        return x * factor

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g * ctx.factor, None, None

    x = leaf(t)
    make(t, forward, backward).apply(x, 3, "a").sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and seen == [(True, False, False)] * 2


def test_needs_input_grad(t):
    seen = []

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, g

    make(t, lambda ctx, x, y: x * y, backward).apply(leaf(t), t.ones(2)).sum().backward()
    assert seen == [(True, False)]


def test_outputs_that_are_no_tensors(t):
    seen = []

    def backward(ctx, *grads):
        seen.extend(grads[1:])
        return grads[0]

    y, *others = make(t, lambda ctx, x: (x * 2, None, "s"), backward).apply(leaf(t))
    y.sum().backward()
    assert others == [None, "s"] and seen == [None, None]
    (only,) = make(t, lambda ctx, x: (x * 2,), backward).apply(leaf(t))
    assert only.requires_grad


def test_outputs_without_gradients(t):
    seen = []

    def forward(ctx, x):
        flat = x * 2
        ctx.mark_non_differentiable(flat)
        return x * 2, x > 1.7, flat

    def backward(ctx, g, *others):
        seen.extend((h.dtype, h.tolist()) for h in others)
        return g

    y, mask, flat = make(t, forward, backward).apply(leaf(t))
    assert y.requires_grad and not mask.requires_grad and not flat.requires_grad
    y.sum().backward()
    assert seen == [(t.bool, [False, False]), (t.float32, [0.0, 0.0])]


def test_gradients_that_are_not_made_up(t):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def backward(ctx, g, h):
        seen.append((g is None, h is None))
        return h

    make(t, forward, backward).apply(leaf(t))[1].sum().backward()
    assert seen == [(True, False)]


def test_setup_context(t):
    seen = []

    def setup(ctx, inputs, output):
        seen.append((type(inputs), inputs[1], output.tolist()))
        ctx.save_for_backward(inputs[0], output)
        ctx.factor = inputs[1]

    def backward(ctx, g):
        _x, _y = ctx.saved_tensors
        return g * ctx.factor, None

    function = make(t, lambda x, factor=2: x * factor, backward, setup_context=setup)
    x = leaf(t)
    (function.apply(x) + function.apply(x, factor=3)).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    assert seen == [(tuple, 2, [3.0, 4.0]), (tuple, 3, [4.5, 6.0])]


def test_modes_inside(t):
    seen = []

    def forward(ctx, x):
        seen.append((t.is_grad_enabled(), x.requires_grad, (x * 2).requires_grad))
        return x * 2

    def backward(ctx, g):
        seen.append((t.is_grad_enabled(), g.requires_grad))
        return g

    x = leaf(t)
    make(t, forward, backward).apply(x).sum().backward()
    assert seen == [(False, True, False), (False, False)] and t.is_grad_enabled()
    with t.no_grad():
        assert not squared(t).apply(x).requires_grad
    assert not squared(t).apply(t.ones(2)).requires_grad


# ----- gradients that backward returns -----


def test_no_gradient(t):
    x = leaf(t)
    z = x * 1
    y = doubled(t, lambda ctx, g: None).apply(z)
    assert t.autograd.grad(y.sum(), z, allow_unused=True, retain_graph=True) == (None,)
    y.sum().backward()
    assert x.grad is None


def test_gradients_are_summed_and_converted_to_the_inputs(t):
    x = leaf(t)
    doubled(t, lambda ctx, g: t.ones(3, 2, dtype=t.float64)).apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and x.grad.dtype is t.float32


def test_more_nones_than_needed(t):
    x = leaf(t)
    doubled(t, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda t, g: (g, g, g), r"incorrect number of gradients \(expected 2, got 3\)"),
        (lambda t, g: g, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda t, g: (g, g), "a gradient different than None at position 2"),
        (lambda t, g: (3.0, None), r"expected Variable or None \(got float\)"),
        (
            lambda t, g: (t.ones(3), None),
            r"at index 0 - got \[3\] but expected shape",
        ),
    ],
)
def test_wrong_gradients(t, returned, message):
    y = doubled(t, lambda ctx, g: returned(t, g)).apply(leaf(t), 3)
    with pytest.raises(RuntimeError, match=message):
        y.sum().backward()


def test_an_error_in_backward_comes_through(t):
    def backward(ctx, g):
        raise KeyError("mine")

    y = doubled(t, backward).apply(leaf(t)).sum()
    with pytest.raises(KeyError, match="mine"):
        y.backward()


def test_missing_methods(t):
    class Empty(t.autograd.Function):
        pass

    with pytest.raises(NotImplementedError, match="You must implement the forward function"):
        Empty.apply(leaf(t))
    Empty.forward = staticmethod(lambda ctx, x: x * 2)
    with pytest.raises(NotImplementedError, match="You must implement"):
        Empty.apply(leaf(t)).sum().backward()


# ----- saved tensors -----


def test_saved_tensors_are_freed(t):
    x = leaf(t)
    y = squared(t).apply(x)
    assert y.grad_fn.saved_tensors[0].tolist() == [1.5, 2.0]
    y.sum().backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="directly access saved tensors after"):
        _ = y.grad_fn.saved_tensors


def test_without_saved_tensors_backward_works_again(t):
    x = leaf(t)
    y = doubled(t, lambda ctx, g: g * 3).apply(x)
    y.sum().backward()
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("which", ["input", "output"])
def test_saved_tensors_must_not_change(t, which):
    z = leaf(t) * 1
    y = (squared if which == "input" else exponential)(t).apply(z)
    (z if which == "input" else y).add_(1)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0 instead"):
        y.sum().backward()


def test_only_tensors_are_saved(t):
    def forward(ctx, x):
        ctx.save_for_backward(x, 3)
        return x * 2

    with pytest.raises(TypeError, match="can only save variables, but argument 1 is of type int"):
        make(t, forward, None).apply(leaf(t))


def test_the_context_is_the_node(t):
    y = squared(t).apply(leaf(t))
    y.grad_fn.note = "mine"
    assert y.grad_fn.note == "mine" and y.grad_fn.needs_input_grad == (True,)


def test_attributes_of_the_context_may_have_any_name():
    def forward(ctx, x):
        for name in ("function", "gradients", "name", "shapes", "edges", "output", "operation"):
            setattr(ctx, name, x.shape)
        return x * 2

    x = leaf(tg)
    y = make(tg, forward, lambda ctx, g: g * ctx.shapes[0]).apply(x)
    assert "MadeBackward" in repr(y)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# ----- once_differentiable -----


def test_once_differentiable(t):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @t.autograd.function.once_differentiable
    def backward(ctx, g):
        assert not t.is_grad_enabled()
        return 2 * g * ctx.saved_tensors[0]

    x, g = leaf(t), t.ones(2, requires_grad=True)
    function = make(t, forward, backward)
    (first,) = t.autograd.grad(function.apply(x), x, g, create_graph=True)
    assert first.tolist() == [3.0, 4.0] and first.requires_grad
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        first.sum().backward()
    (constant,) = t.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    assert not constant.requires_grad
