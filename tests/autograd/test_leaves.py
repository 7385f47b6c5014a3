"""A tensor's place in the graph: requires_grad, retain_grad, .grad, and the nodes behind it."""

import pytest

from ..both import t as t


def leaf(t, *values):
    return t.tensor(values or (1.5, 2.0), requires_grad=True)


# ----- requires_grad, retain_grad, .grad -----


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_integers_have_no_gradient(t, dtype):
    with pytest.raises(RuntimeError, match="nly Tensors of floating point"):
        t.ones(2, dtype=getattr(t, dtype)).requires_grad_()
    with pytest.raises(RuntimeError, match="nly Tensors of floating point"):
        t.ones(2, dtype=getattr(t, dtype), requires_grad=True)
    assert not (leaf(t) > 1).requires_grad and not leaf(t).long().requires_grad


def test_changing_requires_grad(t):
    x = t.ones(2)
    x.requires_grad = True
    assert x.requires_grad and x.requires_grad_(False) is x and not x.requires_grad
    y = leaf(t) * 2
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match="only change requires_grad flags of leaf variables"):
        y.requires_grad = True
    with pytest.raises(RuntimeError, match="only change requires_grad flags of leaf variables"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match="must be a bool"):
        x.requires_grad = 3
    with pytest.raises(TypeError, match="must be bool, not int"):
        x.requires_grad_(1)


def test_retain_grad(t):
    x = leaf(t)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    assert y.retains_grad and not x.retains_grad
    z = (y * y).sum()
    z.backward(retain_graph=True)
    assert y.grad.tolist() == [6.0, 8.0]
    z.backward()
    assert y.grad.tolist() == [12.0, 16.0]
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad"):
        t.ones(2).retain_grad()


def test_retain_grad_with_grad_and_with_hooks(t):
    x = leaf(t)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    t.autograd.grad(y.sum(), x)
    assert y.grad.tolist() == [10.0, 10.0] and x.grad is None


def test_retain_grad_moves_along_when_the_tensor_changes(t):
    y = leaf(t) * 2
    y.retain_grad()
    y.mul_(3)
    y[0].mul_(5)
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]


def test_assigning_grad(t):
    x = leaf(t)
    x.grad = t.ones(2)
    del x.grad
    assert x.grad is None
    with pytest.raises(RuntimeError, match=r"assign a gradient of size '\[3\]'"):
        x.grad = t.ones(3)
    with pytest.raises(RuntimeError, match="assign a gradient with dtype"):
        x.grad = t.ones(2, dtype=t.float64)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None"):
        x.grad = 3
    with pytest.raises(RuntimeError, match="can't assign Variable as its own grad"):
        x.grad = x


# ----- the nodes -----


def test_names_of_nodes(t):
    x, m = leaf(t), t.ones(2, 2, requires_grad=True)
    named = {
        "AddBackward0": x + x, "MulBackward0": x * 2, "TanhBackward0": x.tanh(),
        "ExpBackward0": x.exp(), "SumBackward0": x.sum(), "SumBackward1": m.sum(0),
        "MeanBackward0": x.mean(), "MeanBackward1": m.mean(1), "ViewBackward0": x.view(1, 2),
        "ExpandBackward0": x.expand(3, 2), "StackBackward0": t.stack([x, x]),
        "PowBackward0": x**2, "PermuteBackward0": m.permute(1, 0), "CatBackward0": t.cat([x, x]),
        "ToCopyBackward0": x.double(), "CloneBackward0": x.clone(),
        "SplitBackward0": m.split(1)[0], "SelectBackward0": x[0], "SliceBackward0": m[:, 1:],
        "UnsqueezeBackward0": x[None], "IndexBackward0": x[x > 0], "MmBackward0": m @ m,
        "ClampBackward1": x.clamp(0, 1), "TrilBackward0": m.tril(), "TriuBackward0": m.triu(),
    }  # fmt: skip
    assert {name: tensor.grad_fn.name() for name, tensor in named.items()} == {n: n for n in named}
    assert repr(x + x).endswith("grad_fn=<AddBackward0>)")
    assert repr((x + x).grad_fn).startswith("<AddBackward0 object at 0x")


def test_next_functions(t):
    x = leaf(t)
    y = x * 2
    z = y + 1
    ((node, number), other) = z.grad_fn.next_functions
    assert node is y.grad_fn and number == 0 and other == (None, 0)
    ((end, _), _) = node.next_functions
    assert end.variable is x and end.next_functions == ()
    assert end.name() == "torch::autograd::AccumulateGrad" and repr(end).startswith("<Accumulate")
    assert y.grad_fn is y.grad_fn and x.grad_fn is None


def test_the_old_name_variable(t):
    x = t.ones(2)
    v = t.autograd.Variable(x, requires_grad=True)
    assert type(v) is t.Tensor and v.is_leaf and v.requires_grad and not x.requires_grad
    assert v.data_ptr() == x.data_ptr() and isinstance(x, t.autograd.Variable)
    assert not t.autograd.Variable(v * 2).requires_grad and t.autograd.Variable(x, True).is_leaf
    assert t.autograd.Variable(x, True).requires_grad
    with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
        assert t.autograd.Variable(x, volatile=True).tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
        t.autograd.Variable([1.0])
    with pytest.raises(RuntimeError, match="floating point"):
        t.autograd.Variable(t.tensor([1]), requires_grad=True)
