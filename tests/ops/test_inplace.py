"""Changes in place, of tensors and of views into them, and what autograd makes of them."""

from __future__ import annotations

import pytest

import tinygrad_rnn as tg

from .compare import agree, integers, numbers

pytestmark = pytest.mark.usefixtures("default_device")

# Each is given y = x * 2, changes it, and returns what is to be compared
CHANGES = {
    "tensor": lambda torch, y: y.mul_(3),
    "operator": lambda torch, y: y.__imul__(3),
    "itself": lambda torch, y: y.mul_(y),
    "saved-output": lambda torch, y: y.exp_().tanh_(),
    "row": lambda torch, y: (y[0].mul_(2), y),
    "row-of-row": lambda torch, y: (y[1:][0][:2].add_(1), y),
    "element": lambda torch, y: (y[0, 1].mul_(5), y),
    "column": lambda torch, y: (y[:, 1].zero_(), y),
    "transposed": lambda torch, y: (y.t()[0].mul_(4), y),
    "flattened": lambda torch, y: (y.view(-1)[1:3].mul_(4), y),
    "unsqueezed": lambda torch, y: (y.unsqueeze(0)[0, 1].mul_(4), y),
    "narrowed": lambda torch, y: (y.narrow(1, 1, 2).mul_(4), y),
    "selected": lambda torch, y: (y.select(1, 0).mul_(4), y),
    "diagonal": lambda torch, y: (y.diagonal().mul_(4), y),
    "expanded": lambda torch, y: y[0].expand(2, 3).mul_(2),
    "expanded-by-one": lambda torch, y: (y[0].expand(1, 3).mul_(2), y),
    "split": lambda torch, y: y.split(1)[0].mul_(2),
    "chunk": lambda torch, y: y.chunk(2)[0].mul_(2),
    "unbind": lambda torch, y: y.unbind()[0].mul_(2),
    "iterate": lambda torch, y: [row.mul_(2) for row in y],
    "twice": lambda torch, y: (y[0].mul_(2), y[0].add_(1), y),
    "two-views": lambda torch, y: (y[0].mul_(2), y[:, 0].mul_(3), y),
    "view-before": lambda torch, y: _view_before(y),
    "view-before-of-view": lambda torch, y: _view_before(y[1:]),
    "base-used-before": lambda torch, y: (y.exp().sum(), y[0].mul_(2), y),
    "assign-row": lambda torch, y: _assign(y, 0, y[1] * 2),
    "assign-column": lambda torch, y: _assign(y, (slice(None), 1), 0),
    "assign-to-view": lambda torch, y: (_assign(y[0], slice(2), y[1, :2]), y),
    "swap": lambda torch, y: _assign(y, 0, y[1].clone()),
    "augment": lambda torch, y: _assign(y, 0, y[0] * 2 + 1),
    "detached": lambda torch, y: (y.detach().mul_(2), y * 1)[1],
    "data": lambda torch, y: (y.data.mul_(2), y * 1)[1],
    "no-grad": lambda torch, y: _without_grad(torch, y),
    "clamp": lambda torch, y: y.clamp_(-1, 1),
    "clamp-view": lambda torch, y: (y[0].clamp_(min=0), y),
    "fill": lambda torch, y: (y[0].fill_(3), y),
    "fill-tensor": lambda torch, y: (y[0].fill_(y[1, 1]), y),
    "copy": lambda torch, y: (y[0].copy_(y[1]), y),
    "copy-broadcast": lambda torch, y: y.copy_(y[0] * 2),
    "masked-fill": lambda torch, y: y.masked_fill_(y > 0, 7.0),
    "masked-fill-view": lambda torch, y: (y[:, :2].masked_fill_(y[:, :2] > 0, 7.0), y),
    "add-broadcast": lambda torch, y: y.add_(y[0].clone()),
    "larger": lambda torch, y: y[0].add_(y),
    "lerp": lambda torch, y: y[0].lerp_(y[1], 0.25),
    "addcmul": lambda torch, y: y.addcmul_(y, y, value=0.5),
    "index-add": lambda torch, y: y.index_add_(0, torch.tensor([1]), y[:1] * 2),
    "scatter-add": lambda torch, y: y.scatter_add_(1, torch.tensor([[0, 0]]), y[:1, :2] * 2),
    "fill-diagonal": lambda torch, y: y[:, :2].fill_diagonal_(1.0),
    "unsqueeze": lambda torch, y: (y.unsqueeze_(1), y.shape[1]),
    "squeeze": lambda torch, y: y[None].squeeze_(),
    "transpose": lambda torch, y: (y.t_(), y.transpose_(0, 1), y.t_(), y[0]),
    "unsqueeze-then-change": lambda torch, y: (y.unsqueeze_(0), y[:, 1].mul_(3), y),
    "view-before-unsqueeze": lambda torch, y: _view_before_unsqueeze(y),
    "unsqueeze-a-view": lambda torch, y: (y[0].unsqueeze_(0).mul_(2), y),
    "saved-input-changed": lambda torch, y: _saved_then_changed(y),
    "saved-view-changed": lambda torch, y: _saved_then_changed(y, lambda: y[0]),
    "unrelated-row-changed": lambda torch, y: (y[0].clone().exp(), y[1].mul_(2), y),
}


def _view_before(y):
    first = y[0]
    y.mul_(3)
    return first, y, first * y


def _view_before_unsqueeze(y):
    row = y[1]
    y.unsqueeze_(0)
    row.mul_(2)
    return row, y


def _assign(y, index, value):
    y[index] = value
    return y


def _without_grad(torch, y):
    with torch.no_grad():
        y[0].mul_(2)
    return y * 1


def _saved_then_changed(y, read=None):
    squared = y * y
    (read() if read else y).add_(1)
    return squared


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes(change):
    agree(lambda torch, x: change(torch, x * 2), numbers(2, 3))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes_without_gradients(change):
    agree(lambda torch, x: change(torch, x.detach() * 2), numbers(2, 3))


LEAVES = {
    "leaf": lambda torch, x: x.mul_(2),
    "view-of-leaf": lambda torch, x: x[0].mul_(2),
    "assignment": lambda torch, x: x.__setitem__(0, 1.0),
    "assignment-to-view": lambda torch, x: x[0].__setitem__(0, 1.0),
    "without-grad": lambda torch, x: _without_grad(torch, x),
    "data": lambda torch, x: (x.data.mul_(2), x * 1)[1],
    "data-of-view": lambda torch, x: (x[0].data.mul_(2), x * 1)[1],
    "unsqueeze": lambda torch, x: x.unsqueeze_(0),
}


@pytest.mark.parametrize("change", LEAVES.values(), ids=LEAVES.keys())
def test_leaves(change):
    agree(change, numbers(2, 3))


def test_gradients_can_be_changed():
    p = tg.tensor([3.0, 4.0], requires_grad=True)
    (p * p).sum().backward()
    p.grad[:] *= 0.5
    p.grad[0] = -1
    assert p.grad.tolist() == [-1.0, 4.0]
    p.grad.zero_()
    assert p.grad.tolist() == [0.0, 0.0]


TYPES = {
    "int-by-float": (lambda torch, x: x.mul_(2.5), integers(3)),
    "int-true-divide": (lambda torch, x: x.div_(2), integers(3)),
    "int-floor-divide": (lambda torch, x: x.floor_divide_(2), integers(3)),
    "float-by-int": (lambda torch, x: x.add_(torch.tensor([1, 2, 3])), numbers(3)),
    "float-by-double": (lambda torch, x: x.float().add_(x), numbers(3)),
    "int-by-bool": (lambda torch, x: x.add_(x > 0), integers(3)),
    "bool-by-int": (lambda torch, x: (x > 0).add_(1), integers(3)),
    "bool-and": (lambda torch, x: (x > 0).__iand__(x > 2), integers(3)),
    "comparison": (lambda torch, x: x.copy_(x > 0), integers(3)),
    "fill-int-by-float": (lambda torch, x: x.fill_(2.7), integers(3)),
    "larger-result": (lambda torch, x: x[:1].add_(x), numbers(3)),
}


@pytest.mark.parametrize(("change", "array"), TYPES.values(), ids=TYPES.keys())
def test_types_and_shapes(change, array):
    agree(lambda torch, x: change(torch, x.detach()), array)


def test_the_result_is_the_tensor():
    x = tg.ones(3)
    assert x.add_(1) is x and x.zero_() is x and x.copy_(tg.ones(3)) is x


def test_a_numpy_array_shows_the_change():
    x = tg.zeros(2, 2, device="cpu")
    array = x.numpy()
    x[0].add_(1)
    x[1, 1] = 5
    assert array.tolist() == [[1, 1], [0, 5]]
