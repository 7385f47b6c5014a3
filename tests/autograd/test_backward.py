"""`backward` and `autograd.grad`: what arrives where, what is kept and freed, what is refused."""

import pytest

import tinygrad_rnn as tg

from ..both import t as t


def leaf(t, *values):
    return t.tensor(values or (1.5, 2.0), requires_grad=True)


# ----- where gradients arrive -----


def test_a_diamond(t):
    x = leaf(t)
    a = x * 2
    b, c = a * a, a + 3
    (b * c).sum().backward()
    assert x.grad.tolist() == [90.0, 144.0]


def test_leaves_and_others(t):
    x, c = leaf(t), t.ones(2)
    y = x * c
    assert (x.is_leaf, y.is_leaf, c.is_leaf) == (True, False, True)
    assert (x.requires_grad, y.requires_grad, c.requires_grad) == (True, True, False)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and c.grad is None
    assert not x.grad.requires_grad and x.grad.is_leaf and x.grad.grad_fn is None


@pytest.mark.filterwarnings("error")
def test_grad_of_a_tensor_that_is_no_leaf_warns(t):
    y = leaf(t) * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None


def test_several_roots(t):
    x = leaf(t)
    t.autograd.backward([(x * 2).sum(), (x * x).sum()])
    assert x.grad.tolist() == [5.0, 6.0]
    y = (x * x).sum()
    t.autograd.backward([y, y])
    assert x.grad.tolist() == [11.0, 14.0]
    t.autograd.backward([])
    assert x.grad.tolist() == [11.0, 14.0]


def test_a_root_that_leads_to_another(t):
    x = leaf(t)
    y = x * x
    z = y * y
    gx, gy = t.autograd.grad([y.sum(), z.sum()], [x, y])
    assert gx.tolist() == [16.5, 36.0] and gy.tolist() == [5.5, 9.0]


def test_a_leaf_as_the_root(t):
    x = t.tensor(2.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1.0
    assert t.autograd.grad(x, x)[0].item() == 1.0


def test_inputs_of_backward(t):
    x, y = leaf(t), leaf(t)
    z = x * y
    (z * z).sum().backward(inputs=[x, z])
    assert x.grad.tolist() == [6.75, 16.0] and y.grad is None
    assert z.grad.tolist() == [4.5, 8.0]
    (x * y).sum().backward(inputs=y)
    assert y.grad.tolist() == [1.5, 2.0] and x.grad.tolist() == [6.75, 16.0]


def test_outputs_of_one_operation(t):
    x = leaf(t, 1.0, 2.0, 3.0, 4.0)
    a, b = x.split(2)
    assert (a.output_nr, b.output_nr) == (0, 1) and a.grad_fn is b.grad_fn
    b.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_the_graph_outlives_the_leaf(t):
    def loss():
        x = leaf(t)
        return (x * x).sum()

    loss().backward()


def test_the_grad_mode_does_not_matter_and_is_put_back(t):
    x = leaf(t)
    y = (x * x).sum()
    with t.no_grad():
        y.backward()
        assert not t.is_grad_enabled()
    assert x.grad.tolist() == [3.0, 4.0] and t.is_grad_enabled()


# ----- the first gradient -----


def test_a_gradient_of_the_users(t):
    x = leaf(t)
    (x * 2).backward(t.tensor([3.0, 4.0]))
    assert x.grad.tolist() == [6.0, 8.0]
    assert t.autograd.grad([(x * 2).sum(), x * x], x, [None, t.ones(2)])[0].tolist() == [5.0, 6.0]


def test_one_element_of_any_shape_is_a_scalar(t):
    x = t.ones(1, 1, requires_grad=True)
    (x * 2).backward()
    assert x.grad.tolist() == [[2.0]]


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_a_gradient_of_another_dtype_is_converted(t, dtype):
    x = leaf(t)
    (x * 2).backward(t.ones(2, dtype=getattr(t, dtype)))
    assert x.grad.dtype is t.float32


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
def test_a_gradient_that_requires_one(t):
    x, g = leaf(t), t.ones(2, requires_grad=True)
    (x * x).backward(g)
    assert not x.grad.requires_grad and g.grad is None
    x.grad = None
    (x * x).backward(g, create_graph=True)
    x.grad.sum().backward()
    assert g.grad.tolist() == [3.0, 4.0]


WRONG = [
    ("shape", lambda t, y: y.backward(t.ones(3)), RuntimeError, "Mismatch in shape"),
    ("one element", lambda t, y: y.backward(t.ones(1)), RuntimeError, "Mismatch in shape"),
    ("none given", lambda t, y: y.backward(), RuntimeError, "only for scalar outputs"),
    ("a list", lambda t, y: t.autograd.backward([y], [1.0]), TypeError, "Tensors or None"),
    (
        "too few",
        lambda t, y: t.autograd.backward([y, y], [y]),
        RuntimeError,
        "2 tensors and 1 grad",
    ),
    ("no graph", lambda t, y: t.ones(()).backward(), RuntimeError, "element 0 of tensors does not"),
    (
        "no inputs",
        lambda t, y: y.sum().backward(inputs=[]),
        RuntimeError,
        r"`inputs` argument to `backward\(\)` cannot be empty",
    ),
    (
        "input without a graph",
        lambda t, y: y.sum().backward(inputs=[t.ones(2)]),
        RuntimeError,
        "can't retain_grad on Tensor that has requires_grad=False",
    ),
]


@pytest.mark.parametrize(
    ("call", "error", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_backward_refuses(t, call, error, message):
    with pytest.raises(error, match=message):
        call(t, leaf(t) * 2)


# ----- autograd.grad -----


def test_grad_leaves_grad_alone(t):
    x = leaf(t)
    y = x * 2
    found = t.autograd.grad((y * y).sum(), [y, x])
    assert isinstance(found, tuple)
    assert [g.tolist() for g in found] == [[6.0, 8.0], [12.0, 16.0]] and x.grad is None


def test_unused_inputs(t):
    x, y = leaf(t), leaf(t)
    with pytest.raises(RuntimeError, match="at index 1 appears to not have been used in the graph"):
        t.autograd.grad((x * 2).sum(), [x, y])
    assert t.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None
    assert t.autograd.grad((x * 2).sum(), [x, y], None, None, False, True, True)[1] is None
    zeros = t.autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)[1]
    assert zeros.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        t.autograd.grad((x * 2).sum(), x, allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match="Tensors does not require grad"):
        t.autograd.grad((x * 2).sum(), t.ones(2), allow_unused=True)
    with pytest.raises(RuntimeError, match=r"`inputs` argument to `grad\(\)` cannot be empty"):
        t.autograd.grad((x * 2).sum(), [])


def test_an_input_twice(t):
    x = leaf(t)
    a, b = t.autograd.grad((x * 2).sum(), [x, x])
    assert a.tolist() == b.tolist() == [2.0, 2.0]


# ----- accumulation, and who owns which memory -----


def test_accumulation_is_in_place(t):
    x = leaf(t)
    (x * 2).sum().backward()
    grad = x.grad
    (x * 3).sum().backward()
    assert x.grad is grad and grad.tolist() == [5.0, 5.0] and grad._version == 1


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
def test_a_recorded_accumulation_makes_a_new_grad(t):
    x = leaf(t)
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    assert x.grad is not first and x.grad.requires_grad
    assert first.tolist() == [3.0, 4.0] and x.grad.tolist() == [6.0, 8.0]


def test_a_grad_of_the_users_is_added_to(t):
    x, g = leaf(t), t.ones(2)
    x.grad = g
    (x * 2).sum().backward()
    assert x.grad is g and g.tolist() == [3.0, 3.0]


def test_gradients_do_not_share_memory(t):
    x, y, g = leaf(t), leaf(t), t.ones(2)
    (x + y).backward(g)
    g.zero_()
    x.grad.mul_(7)
    assert x.grad.tolist() == [7.0, 7.0] and y.grad.tolist() == [1.0, 1.0]
    seen = []
    x.register_hook(seen.append)
    x.grad = None
    (x * 2).sum().backward()
    seen[0].zero_()
    assert x.grad.tolist() == [2.0, 2.0]


def test_one_gradient_for_two_inputs_becomes_two():
    """A rule for all inputs may return one array twice, as for the two biases of an RNN."""

    @tg.autograd.primitive
    def total(xp, a, b):
        return a + b

    total.gradients(joint=lambda g, _y, _a, _b, *, needs: [same := g * 1, same])
    a, b = leaf(tg), leaf(tg)
    total(a, b).sum().backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0]


def test_a_grad_is_contiguous(t):
    x = t.ones(2, 3, requires_grad=True)
    ((x.t() * t.arange(6.0).view(3, 2)) * 2).sum().backward()
    assert x.grad.stride() == (3, 1) and x.grad.view(-1).tolist() == [0.0, 4.0, 8.0, 2.0, 6.0, 10.0]


def test_a_tensor_that_no_longer_requires_a_gradient_gets_none(t):
    x, y = leaf(t), leaf(t)
    loss = (x * y).sum()
    x.requires_grad_(False)
    loss.backward()
    assert x.grad is None and y.grad.tolist() == [1.5, 2.0]
    x.requires_grad_()
    (x * y).sum().backward()
    assert x.grad.tolist() == [1.5, 2.0]


# ----- freed graphs -----

TWICE = "Trying to backward through the graph a second time"


def test_a_second_backward(t):
    x = leaf(t)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [6.0, 8.0]
    with pytest.raises(RuntimeError, match=TWICE):
        y.backward()
    with pytest.raises(RuntimeError, match=TWICE):
        t.autograd.grad(y, x)


def test_a_second_backward_where_nothing_was_saved(t):
    x = leaf(t)
    y = (x + x).view(1, 2).t().sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_a_part_that_was_freed(t):
    x = leaf(t)
    h = x * x
    first, second = h.sum(), (h + 1).sum()
    first.backward()
    with pytest.raises(RuntimeError, match=TWICE):
        second.backward()


def test_only_the_part_that_was_walked_is_freed(t):
    x, w = leaf(t), leaf(t)
    a, b = x * x, w * w
    y = (a + b).sum()
    y.backward(inputs=[x])
    y.backward(inputs=[w])
    assert w.grad.tolist() == [3.0, 4.0]
    z = x * x
    t.autograd.grad((z * z).sum(), z)
    z.sum().backward()


def test_create_graph_retains(t):
    x = leaf(t)
    y = (x * x).sum()
    for _ in range(2):
        t.autograd.grad(y, x, create_graph=True)


# ----- higher orders -----


def test_three_derivatives(t):
    x = leaf(t)
    (g,) = t.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = t.autograd.grad(h.sum(), x)
    assert [g.tolist(), h.tolist(), k.tolist()] == [[6.75, 12.0], [9.0, 12.0], [6.0, 6.0]]
    assert g.requires_grad and not k.requires_grad


def test_a_constant_gradient_has_no_graph(t):
    x = leaf(t)
    assert not t.autograd.grad((x * 2).sum(), x, create_graph=True)[0].requires_grad


def test_a_penalty_on_the_gradient(t):
    w, x = leaf(t, 0.5, -1.0), t.tensor([2.0, 3.0])
    y = (w * w * x).sum()
    (g,) = t.autograd.grad(y, w, create_graph=True)  # 2 w x
    (y + (g * g).sum()).backward()  # 2 w x + 8 w x^2
    assert w.grad.tolist() == [18.0, -78.0]
