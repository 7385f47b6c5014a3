"""The forms in which functions can be called: methods, keywords, second names, second meanings."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_rnn as tg

from ..both import t as t
from ..nn.side_by_side import pytorch
from .compare import agree, integers, numbers

pytestmark = pytest.mark.usefixtures("default_device")

X = numbers(2, 3)
FORMS = {
    # sizes and dimensions one by one, as a sequence, by keyword
    "reshape": lambda torch, x: (x.reshape(3, 2), x.reshape((3, 2)), torch.reshape(x, shape=(6,))),
    "view": lambda torch, x: (x.view(3, 2), x.view([3, -1]), x.view(size=(6,))),
    "permute": lambda torch, x: (x.permute(1, 0), x.permute((1, 0)), x.permute(dims=(1, 0))),
    "expand": lambda torch, x: (x.expand(4, 2, 3), x.expand((4, -1, -1)), x.expand(size=(2, 3))),
    "repeat": lambda torch, x: (x.repeat(2, 1), x.repeat((2, 1)), x.repeat(repeats=(2, 1))),
    "tile": lambda torch, x: (x.tile(2), x.tile((1, 2)), torch.tile(x, dims=(2, 1))),
    "flip": lambda torch, x: (x.flip(0), x.flip(0, 1), x.flip((0, 1)), x.flip(dims=[1])),
    "transpose": lambda torch, x: (x.transpose(0, 1), x.swapaxes(axis0=0, axis1=1), x.T, x.mT),
    "split": lambda torch, x: (x.split(2, 1), x.split([1, 2], dim=1), x.split(split_size=1)),
    "tensor_split": lambda torch, x: (x.tensor_split(2, 1), torch.tensor_split(x, [1], dim=1)),
    "meshgrid": lambda torch, x: (
        torch.meshgrid(x[0], x[1], indexing="ij"), torch.meshgrid([x[0], x[1]], indexing="xy")
    ),
    # NumPy's names
    "axis": lambda torch, x: (x.sum(axis=0, keepdims=True), x.mean(axis=1), x.argmax(axis=1)),
    "axis-of-joining": lambda torch, x: (
        torch.cat((x, x), axis=1), torch.stack((x, x), axis=-1), torch.concat([x, x], axis=0),
        x.unbind(axis=1), x.chunk(2, axis=1), x.tensor_split(2, axis=1),
    ),
    "axis-of-shapes": lambda torch, x: (
        x.unsqueeze(axis=1), x[None].squeeze(axis=0), torch.squeeze(x[None], axis=(0,)),
        x.clone().detach().unsqueeze_(axis=0), x.select(axis=1, index=0), x.narrow(1, 0, 2),
    ),
    "axis-of-places": lambda torch, x: (
        x.gather(axis=1, index=torch.tensor([[0], [2]])),
        x.index_select(axis=1, index=torch.tensor([2, 0])), x.repeat_interleave(2, axis=0),
        torch.scatter(x, axis=1, index=torch.tensor([[0], [1]]), value=5.0),
        x.softmax(axis=1), torch.log_softmax(x, axis=0), x.cumsum(axis=1), x.argsort(axis=0),
        torch.var_mean(x, axis=1, keepdims=True), torch.std_mean(x, axis=0),
    ),
    "both": lambda torch, x: (
        torch.add(x1=x, x2=x), torch.mul(x, x2=2), x.div(x2=x), x.clone().detach().sub_(x2=1),
        torch.exp(x=x), torch.atan2(a=x, x2=x), x.long().bitwise_and(x2=1), torch.eq(x, x2=x),
    ),
    "input": lambda torch, x: (torch.sum(input=x), torch.exp(input=x), torch.add(input=x, other=x)),
    # several meanings
    "max": lambda torch, x: (x.max(), x.max(1), x.max(dim=0, keepdim=True), torch.max(x, x * 2)),
    "min": lambda torch, x: (x.min(), x.min(1).values, torch.min(x, dim=0).indices, x.min(x * 2)),
    "median": lambda torch, x: (x.median(), x.median(1), x.median(dim=0, keepdim=True)),
    "where": lambda torch, x: (torch.where(x > 0, x, 0), x.where(x > 0, -1.0), torch.where(x > 0)),
    "nonzero": lambda torch, x: (x.relu().nonzero(), x.relu().nonzero(as_tuple=True)),
    "std": lambda torch, x: (x.std(), x.std(False), x.std(1, False, True), x.var(1, correction=0)),
    "norm": lambda torch, x: (x.norm(), x.norm(1), x.norm(p=2, dim=1), torch.norm(x, "fro")),
    "round": lambda torch, x: (x.round(), x.round(decimals=1), torch.round(x, decimals=-1)),
    "clamp": lambda torch, x: (x.clamp(0), x.clamp(max=0.5), x.clip(-1, 1), x.clamp(min=x * 2)),
    "div": lambda torch, x: (x.div(2, rounding_mode="floor"), x.div(x, rounding_mode="trunc")),
    "squeeze": lambda torch, x: (x[None].squeeze(), x[None, None].squeeze((0, 1)), x.squeeze(0)),
    "argsort": lambda torch, x: (x.argsort(), x.argsort(0, True), x.argsort(descending=True)),
    "topk": lambda torch, x: (x.topk(2), torch.topk(x, 1, dim=0, largest=False)),
    "scatter": lambda torch, x: x.scatter(1, torch.tensor([[0], [1]]), 5.0),
    "repeat_interleave": lambda torch, x: (
        x.repeat_interleave(2), x.repeat_interleave(torch.tensor([1, 2]), dim=0),
        torch.repeat_interleave(torch.tensor([0, 2, 1])),
    ),
    "unique": lambda torch, x: torch.unique(
        torch.tensor([3, 1, 3]), return_inverse=True, return_counts=True
    ),
    "unique-nan": lambda torch, x: (
        torch.tensor([math.nan, 1.0, math.nan, 1.0]).unique(return_counts=True),
        torch.tensor([[2.0, -1.0], [2.0, 0.0]]).unique(return_inverse=True),
        torch.tensor([]).unique(return_inverse=True), torch.tensor(5).unique(),
    ),
    "is": lambda torch, x: (x.is_same_size(x), x[0, :1].is_nonzero(), torch.is_tensor(x)),
    "iteration": lambda torch, x: [row * 2 for row in x],
    "unpacking": lambda torch, x: (lambda first, second: first * second)(*x),
    "chain": lambda torch, x: torch.chain_matmul(x, x.t(), x),
    "one-row": lambda torch, x: [row * 2 for row in x[:1]],
    "number-first": lambda torch, x: (1 - x, 2 / x, 2**x, x < 2, True * x),
    "shifts": lambda torch, x: (torch.tensor([1, 2]) << 2, torch.tensor([8, 9]) >> torch.tensor(1)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*chain_matmul")
@pytest.mark.parametrize("call", FORMS.values(), ids=FORMS.keys())
def test_forms(call):
    agree(call, X)


ERRORS = {
    "axis-and-dim": lambda torch, x: torch.cat((x, x), dim=0, axis=0),
    "no-axis": lambda torch, x: x.reshape(6, axis=0),
    "two-many-dims": lambda torch, x: x.sum(2),
    "the-same-dim-twice": lambda torch, x: x.sum((0, 0)),
    "no-such-shape": lambda torch, x: x.reshape(4),
    "two-unknown-sizes": lambda torch, x: x.reshape(-1, -1),
    "view-of-a-transpose": lambda torch, x: x.t().view(-1),
    "shapes": lambda torch, x: x + x.t(),
    "matmul": lambda torch, x: x @ x,
    "matmul-types": lambda torch, x: x @ x.t().float(),
    "mm-of-a-vector": lambda torch, x: torch.mm(x, x[0]),
    "cat-of-nothing": lambda torch, x: torch.cat([]),
    "cat-of-shapes": lambda torch, x: torch.cat([x, x.t()]),
    "cat-of-a-tensor": lambda torch, x: torch.cat(x),
    "stack-of-shapes": lambda torch, x: torch.stack([x, x.t()]),
    "mean-of-integers": lambda torch, x: x.long().mean(),
    "gather-out-of-range": lambda torch, x: x.gather(1, torch.tensor([[3]])),
    "gather-of-floats": lambda torch, x: x.gather(1, x),
    "select-out-of-range": lambda torch, x: x.select(0, 2),
    "split-sizes": lambda torch, x: x.split([1, 1], 1),
    "expand": lambda torch, x: x.expand(2, 4),
    "masked-fill": lambda torch, x: x.masked_fill(x, 0.0),
    "neg-of-bool": lambda torch, x: -(x > 0),
    "bool-minus": lambda torch, x: (x > 0) - (x > 0),
    "bits-of-floats": lambda torch, x: x & x,
    "truth": lambda torch, x: bool(x),
    "item": lambda torch, x: x.item(),
    "string": lambda torch, x: x + "1",
    "none": lambda torch, x: x * None,
    "topk": lambda torch, x: x.topk(4),
    "integer-division-by-zero": lambda torch, x: x.long() // 0,
    "negative-integer-power": lambda torch, x: x.long() ** -1,
}


@pytest.mark.parametrize("call", ERRORS.values(), ids=ERRORS.keys())
def test_errors(call):
    agree(call, X)


def test_fields_of_results():
    values, indices = tg.tensor([3.0, 1.0]).sort()
    assert values.tolist() == [1, 3] and indices.tolist() == [1, 0]
    assert tg.tensor([3.0, 1.0]).max(0).indices.item() == 0
    assert tg.aminmax(tg.tensor([3.0, 1.0])).max.item() == 3


def test_views_share_memory_and_copies_do_not():
    x = tg.arange(6.0).reshape(2, 3)
    views = x[0], x.t(), x.view(-1), x.expand(2, 2, 3), x.diagonal(), x.unbind()[0], x.squeeze()
    copies = x[[0]], x.clone(), x.flip(0), x.repeat(1, 1), x + 0, x.t().reshape(-1), x[x > 9]
    assert all(v.data_ptr() == x.data_ptr() for v in views)
    assert all(c.data_ptr() != x.data_ptr() for c in copies)


@pytest.mark.parametrize("steps", [0, 1, 2, 7, 60])
def test_sequences(steps):
    agree(lambda torch: torch.linspace(-1, 2, steps), rtol=1e-6)
    for start, end in ((-1, 2), (0, 1), (0.1, 0.7), (5, -5)):  # to the bit
        for dtype in ("float32", "float64"):
            ours, theirs = (
                torch.linspace(start, end, steps, dtype=getattr(torch, dtype)).numpy(force=True)
                for torch in (tg, pytorch())
            )
            np.testing.assert_array_equal(ours, theirs)
    agree(lambda torch: torch.logspace(0, 2, steps, base=2.0), rtol=1e-6)
    agree(lambda torch: torch.linspace(0, 10, steps, dtype=torch.int64))
    agree(
        lambda torch: (torch.arange(steps), torch.arange(0.5, steps + 0.5), torch.arange(end=steps))
    )
    agree(lambda torch: (torch.arange(steps, 0, -1), torch.arange(0, steps, 0.3)))


DATA = {
    "number": 1.5,
    "integer": 7,
    "bool": True,
    "list": [1, 2, 3],
    "mixed": [1, 2.5, True],
    "bools-and-integers": [True, 2],
    "nested": [[1.0, 2.0], (3.0, 4.0)],
    "nothing": [],
    "rows-of-nothing": [[], []],
    "range": range(3),
    "array": integers(2, 2),
    "array-in-a-list": [numbers(2), numbers(2)],
    "numpy-numbers": [numbers(1)[0], 2],
    "ragged": [[1, 2], [3]],
    "numbers-and-lists": [1, [2]],
    "too-large": [2**70],
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
def test_tensor(data):
    if not isinstance(data, list) or data != [2**70]:
        agree(lambda torch: torch.tensor(data))
        agree(lambda torch: torch.tensor(data, dtype=torch.float64))
    else:
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            tg.tensor(data)


def test_tensors_of_tensors():
    agree(lambda torch: torch.tensor([torch.tensor(1.5), 2]))
    agree(lambda torch: torch.tensor([torch.tensor(1, dtype=torch.int8)] * 2))
    agree(lambda torch: torch.tensor([[torch.tensor(1.0, dtype=torch.float64), 2]]))


OLDER = {  # the numbers before the last tensor, as in programs of old, beside the call of today
    "add": lambda t, v, m, b: (t.add(v, 2, v), v.add(2, v), t.add(v, v, alpha=2)),
    "add_": lambda t, v, m, b: (v.clone().add_(-0.5, v), v.clone().add_(v, alpha=-0.5)),
    "sub": lambda t, v, m, b: (t.sub(v, 2, v), v.clone().sub_(2, v), v.sub(v, alpha=2)),
    "addcmul": lambda t, v, m, b: (
        t.addcmul(v, 0.5, v, v), v.clone().addcmul_(0.5, v, v), v.addcmul(v, v, value=0.5)
    ),
    "addcdiv": lambda t, v, m, b: (
        t.addcdiv(v, 0.5, v, v + 1), v.clone().addcdiv_(0.5, v, v + 1),
        v.addcdiv(v, v + 1, value=0.5),
    ),
    "addmm": lambda t, v, m, b: (
        t.addmm(2, m, 3, m, m), m.addmm(2, 3, m, m), m.clone().addmm_(2, 3, m, m),
        m.addmm(m, m, beta=2, alpha=3),
    ),
    "addmm of one number": lambda t, v, m, b: (t.addmm(2, m, m, m), m.addmm(m, m, beta=2)),
    "addmv": lambda t, v, m, b: (t.addmv(2, v, 3, m, v), v.addmv(m, v, beta=2, alpha=3)),
    "addr": lambda t, v, m, b: (m.clone().addr_(2, v, v), m.addr(v, v, beta=2)),
    "addbmm": lambda t, v, m, b: (t.addbmm(2, m, 3, b, b), m.addbmm(b, b, beta=2, alpha=3)),
    "baddbmm": lambda t, v, m, b: (b.clone().baddbmm_(2, b, b), b.baddbmm(b, b, beta=2)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:This overload of:UserWarning")
@pytest.mark.parametrize("name", OLDER)
def test_numbers_before_tensors(t, name):
    v, m, b = t.arange(2.0), t.arange(4.0).view(2, 2), t.arange(8.0).view(2, 2, 2)
    *older, today = OLDER[name](t, v, m, b)
    assert [x.tolist() for x in older] == [today.tolist()] * len(older)


def test_numbers_before_tensors_warn_and_others_are_refused(t):
    v = t.ones(2)
    if t is tg:  # PyTorch warns once in a process
        with pytest.warns(
            UserWarning, match="overload of add is deprecated: give alpha by keyword"
        ):
            v.clone().add_(2, v)
    for call in (
        lambda: t.add(v, v, 2), lambda: v.add_(v, 2), lambda: t.add(2, v, v),
        lambda: t.addcmul(v, v, v, 2), lambda: t.mul(v, 2, v), lambda: t.add(v, 2, v, alpha=3),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            call()
