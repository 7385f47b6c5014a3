"""Options that every function for new tensors takes, and arrays that are no plain NumPy arrays."""

import numpy as np
import pytest

import tinygrad_rnn as tg

from ..both import on_the_cpu, t as t

CREATORS = {
    "zeros": (2, 3), "ones": ((2, 3),), "empty": (2,), "full": ((2,), 1.5), "rand": (2, 3),
    "randn": (2,), "randint": (0, 5, (2,)), "randperm": (4,), "arange": (4.0,),
    "linspace": (0, 1, 3), "logspace": (0, 1, 3), "eye": (3,), "normal": (0.0, 1.0, (2,)),
    "scalar_tensor": (2.0,),
}  # fmt: skip
LIKE = {
    "zeros_like": (), "ones_like": (), "empty_like": (), "full_like": (3.0,), "rand_like": (),
    "randn_like": (), "randint_like": (5,),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATORS)
def test_creators(t, name):
    plain = getattr(t, name)(*CREATORS[name])
    full = getattr(t, name)(
        *CREATORS[name], dtype=t.float64, layout=t.strided, pin_memory=False, requires_grad=True
    )
    assert (full.shape, full.dtype, full.requires_grad) == (plain.shape, t.float64, True)
    assert full.is_leaf and not plain.requires_grad and plain.layout is t.strided


@pytest.mark.parametrize("name", LIKE)
def test_like_another(t, name):
    made = getattr(t, name)(
        t.ones(2, dtype=t.int32), *LIKE[name], dtype=t.float64, layout=t.strided, pin_memory=False,
        requires_grad=True, memory_format=t.preserve_format,
    )  # fmt: skip
    assert (made.shape, made.dtype, made.requires_grad) == ((2,), t.float64, True)


def test_indices(t):
    for name in ("tril_indices", "triu_indices"):
        made = getattr(t, name)(2, 2, layout=t.strided, pin_memory=False)
        assert made.tolist() == getattr(t, name)(2, 2).tolist()


def test_another_layout():
    for call in (lambda: tg.zeros(2, layout="sparse"), lambda: tg.ones_like(tg.ones(2), layout=3)):
        with pytest.raises(RuntimeError, match=r"layout.*torch\.strided"):
            call()


def test_integers_take_no_gradient(t):
    with pytest.raises(RuntimeError, match="Only Tensors of floating point"):
        t.randperm(3, requires_grad=True)


class Own(np.ndarray):
    pass


@on_the_cpu
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_subclasses_of_arrays(t, tmp_path):
    mapped = np.memmap(tmp_path / "ids.bin", np.float32, "w+", shape=(6,))
    mapped[:] = range(6)
    for array in (mapped, np.arange(6.0).view(Own), np.matrix([[1.0, 2.0]])):
        x = t.from_numpy(array)
        assert (x * 2 + 1).sum().item() == pytest.approx(2 * array.sum() + array.size)
        x.add_(1)
        assert np.asarray(array).flat[0] == x.flatten()[0].item()  # one memory
        assert type(x.numpy()) is np.ndarray
        assert t.equal(t.as_tensor(array), x) and t.equal(t.tensor(array), x)
    batch = t.stack([t.from_numpy(mapped[i : i + 3].astype(np.int64)) for i in (0, 2)])
    assert batch.tolist() == [[1, 2, 3], [3, 4, 5]]


def test_a_dtype_without_tensors():
    assert tg.bfloat16.is_floating_point and tg.bfloat16.itemsize == 2 and tg.bfloat16.is_signed
    assert repr(tg.bfloat16) == "torch.bfloat16" and tg.bfloat16 != tg.float16
    for call in (
        lambda: tg.ones(2, dtype=tg.bfloat16), lambda: tg.nn.Linear(1, 1, dtype=tg.bfloat16),
        lambda: tg.tensor([1.0], dtype=tg.bfloat16), lambda: tg.ones(2).to(tg.bfloat16),
        lambda: tg.finfo(tg.bfloat16), lambda: tg.set_default_dtype(tg.bfloat16),
    ):  # fmt: skip
        with pytest.raises((TypeError, RuntimeError), match=r"no tensors of torch\.bfloat16"):
            call()
    with pytest.warns(UserWarning, match="no mixed precision"):
        tg.autocast("cpu", dtype=tg.bfloat16)


def test_einsum_with_numbers(t):
    a, b = t.arange(24.0).reshape(2, 3, 4), t.arange(40.0).reshape(2, 4, 5)
    for args, equation in (
        ((a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3]), "bij,bjk->bik"),
        ((a, [0, 1, 2], b, [0, 2, 3]), "bij,bjk"),
        ((a, [51, 0, 26], [26, 51]), "zAa->az"),
        ((a, [Ellipsis, 3, 1], [Ellipsis, 1, 3]), "...ij->...ji"),
    ):
        operands = [x for x in args if isinstance(x, t.Tensor)]
        assert t.equal(t.einsum(*args), t.einsum(equation, *operands))
    for args, error in (
        ((a, [52, 1, 2]), ValueError), ((a, [-1, 1, 2]), ValueError), ((a,), ValueError),
        ((a, [0, 1]), RuntimeError),
    ):  # fmt: skip
        with pytest.raises(error):
            t.einsum(*args)
