"""`Tensor`: what it is, what Python and NumPy make of it, its copies, its constructors of old."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg

from .both import on_the_cpu, t as t


def leaf(t):
    return t.tensor([1.5, 2.0], requires_grad=True)


# ----- what it is -----


def test_shape_and_size(t):
    x = t.ones(2, 3)
    assert x.shape == x.size() == (2, 3) and isinstance(x.shape, t.Size)
    assert (x.size(-1), x.dim(), x.ndim, x.ndimension(), x.numel(), x.nelement()) == (
        3,
        2,
        2,
        2,
        6,
        6,
    )
    assert repr(x.shape) == "torch.Size([2, 3])" and x.shape.numel() == 6
    for size in (x.shape + (1,), x.shape[:1], x.shape * 2, 2 * x.shape, (1,) + x.shape):
        assert isinstance(size, t.Size)
    assert hash(x.shape) == hash((2, 3))
    with pytest.raises(
        IndexError, match=r"out of range \(expected to be in range of \[-2, 1\], but"
    ):
        x.size(2)


def test_memory(t):
    x = t.ones(2, 3)
    assert x.stride() == (3, 1) and x.stride(-1) == 1 and x.t().stride() == (1, 3)
    assert x.is_contiguous() and not x.t().is_contiguous() and x.t().contiguous().is_contiguous()
    assert (x.element_size(), x.itemsize, x.nbytes) == (4, 4, 24)
    assert x.data_ptr() == x[:1].data_ptr() == x.t().data_ptr() != x.clone().data_ptr()
    assert x[1].data_ptr() == x.data_ptr() + 12
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.stride(2)


@on_the_cpu
def test_kind(t):
    x = t.ones(2)
    assert x.dtype is t.float32 and x.device == t.device("cpu") and x.get_device() == -1
    assert (x.is_cpu, x.is_cuda, x.is_sparse) == (True, False, False)
    assert x.is_floating_point() and x.is_signed() and not x.is_complex()
    assert not t.ones(2, dtype=t.uint8).is_signed()
    for name in ("shape", "dtype", "device", "is_leaf", "grad_fn"):
        with pytest.raises(AttributeError):
            setattr(x, name, None)
    x.note = "mine"
    assert x.note == "mine"


def test_transposed(t):
    assert t.ones(2, 3).T.shape == t.ones(2, 3).H.shape == t.ones(2, 3).mH.shape == (3, 2)
    assert t.ones(2, 3, 4).mT.shape == (2, 4, 3)
    with pytest.raises(RuntimeError, match=r"only supported on matrices \(2-D tensors\). Got 3-D"):
        _ = t.ones(2, 3, 4).H
    with pytest.raises(RuntimeError, match=r"matrices or batches of matrices. Got 1-D tensor"):
        _ = t.ones(2).mT


# ----- Python's numbers and lists -----


@pytest.mark.parametrize("value", [3.5, 3, True, -2])
def test_one_number(t, value):
    x = t.tensor(value)
    assert x.item() == x.tolist() == value and type(x.item()) is type(value)
    assert float(x) == float(value) and int(x) == int(value) and bool(x) == bool(value)
    assert t.tensor([[value]]).item() == value


def test_more_than_one_number(t):
    x = t.tensor([1, 2])
    with pytest.raises(
        RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"
    ):
        x.item()
    for kind in (float, int):
        with pytest.raises(ValueError, match="only one element tensors can be converted to Python"):
            kind(x)
    with pytest.raises(
        RuntimeError, match="Boolean value of Tensor with more than one value is amb"
    ):
        bool(x)
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with no values is ambiguous"):
        bool(t.ones(0))
    assert x.tolist() == [1, 2] and t.ones(1, 2).tolist() == [[1.0, 1.0]]


def test_as_an_index(t):
    assert [1, 2, 3][t.tensor(1)] == [1, 2, 3][t.tensor([[1]])] == 2 and range(t.tensor(2))[-1] == 1
    assert [1, 2][t.tensor(True)] == 2 and t.tensor(5).__index__() == 5
    for wrong in (t.tensor(1.0), t.tensor([1, 2])):
        with pytest.raises(
            TypeError, match="only integer tensors of a single element can be conver"
        ):
            _ = [1, 2, 3][wrong]


def test_iteration(t):
    x = leaf(t)
    a, b = x
    assert (a.item(), b.item()) == (1.5, 2.0) and a.requires_grad and len(x) == 2
    assert [row.shape for row in t.ones(2, 3)] == [(3,), (3,)] and list(t.ones(0)) == []
    assert [int(v) for v in reversed(t.tensor([1, 2]))] == [2, 1]
    assert max(t.tensor([1, 3])).item() == 3 and sum(t.tensor([1, 2])).item() == 3
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(t.tensor(1))
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(t.tensor(1))


def test_contains(t):
    x = t.ones(2, 2)
    assert 1.0 in x and 3 not in x and t.tensor(1.0) in x and t.ones(2) in x
    for wrong in ("a", None, [1.0]):
        with pytest.raises(RuntimeError, match="only supports Tensor or scalar, but you passed in"):
            _ = wrong in x


@on_the_cpu
def test_format(t):
    assert f"{t.tensor(2.5):.3f} {t.tensor(3):4d} {t.tensor(2.5)}" == "2.500    3 2.5"
    assert f"{leaf(t).sum():.2f}" == "3.50"
    assert f"{t.tensor([2.5])}" == "tensor([2.5000])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{t.ones(2):.3f}"


def test_identity(t):
    a, b = t.ones(2), t.ones(2)
    assert {a: 1, b: 2}[a] == 1 and len({a, b, a}) == 2 and a in {a: 1}
    assert (a == None) is False and (a != None) is True and (a == "a") is False  # noqa: E711
    one, zero = t.ones(1), t.zeros(1)
    assert one in [zero, one] and (1 < t.tensor(2) < 3).item()


def test_items_are_not_deleted(t):
    x = t.ones(2)
    with pytest.raises(TypeError, match="does not support deleting items"):
        del x[0]


# ----- NumPy -----


def test_shared_memory(t):
    array = np.ones(3, "float32")
    x = t.from_numpy(array)
    array[0], x[1] = 5, 7
    assert x.tolist() == array.tolist() == [5.0, 7.0, 1.0]
    back = x.numpy()
    x.add_(1)
    assert back is not None and back.tolist() == [6.0, 8.0, 2.0] and np.asarray(x)[0] == 6.0
    assert np.from_dlpack(x)[0] == 6.0 and t.from_dlpack(array)[0].item() == 6.0


@on_the_cpu
def test_numpy_needs_detached_tensors(t):
    x = leaf(t)
    for convert in (lambda: x.numpy(), lambda: np.asarray(x), lambda: (x * 2).numpy()):
        with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor"):
            convert()
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        np.from_dlpack(x)
    assert x.detach().numpy().tolist() == x.numpy(force=True).tolist() == [1.5, 2.0]
    with t.no_grad():
        assert x.numpy().tolist() == np.asarray(x * 1).tolist() == [1.5, 2.0]


@on_the_cpu
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")  # torch
def test_array_protocol(t):
    assert np.asarray(t.ones(2), "int32").dtype == "int32" and np.array(t.tensor(3)) == 3
    assert np.array(t.ones(2), dtype="float64").dtype == "float64"
    assert np.stack([t.ones(2), t.ones(2)]).shape == (2, 2)
    array = np.zeros(3, "float32")
    array[0], array[1:] = t.tensor(2.0), t.ones(2)
    assert array.tolist() == [2.0, 1.0, 1.0] and np.arange(5)[t.tensor([1, 2])].tolist() == [1, 2]
    np.testing.assert_allclose(t.ones(2), [1, 1])


@on_the_cpu
@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")  # torch
def test_functions_of_numpy_give_tensors(t):
    for result in (
        np.exp(t.zeros(2)),
        np.add(t.ones(2), 0),
        np.sqrt(t.ones(2)),
        np.abs(-t.ones(2)),
    ):
        assert isinstance(result, t.Tensor) and result.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        np.exp(leaf(t))


def test_numbers_of_numpy(t):
    x, n = t.ones(2), t.ones(2, dtype=t.int64)
    two, wide = np.int64(2), np.float64(2)
    for result in (
        wide * x,
        x * wide,
        wide + x,
        4 - x - wide + x,
        wide / x,
        wide**x,
        two * x,
        x * two,
    ):
        assert result.tolist() == [result[0]] * 2 and result.dtype is t.float32
    assert (two * n).dtype is t.int64 and (wide * n).dtype is t.float32
    assert (wide > x).tolist() == [True, True] and (wide - x).dtype is t.float32


# ----- copies -----


def test_deepcopy(t):
    x = leaf(t)
    (x * 2).sum().backward()
    x.note = "mine"
    y = copy.deepcopy(x)
    assert y.tolist() == x.tolist() and y.requires_grad and y.is_leaf and y.note == "mine"
    assert y.grad.tolist() == [2.0, 2.0] and y.grad is not x.grad
    assert y.data_ptr() != x.data_ptr()
    a, b = copy.deepcopy([x, x])
    assert a is b
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)


def test_pickle(t):
    x = leaf(t)
    x.note = "mine"
    y = pickle.loads(pickle.dumps(x))
    assert y.tolist() == [1.5, 2.0] and y.requires_grad and y.is_leaf and y.note == "mine"
    assert y.grad is None and y.dtype is t.float32
    z = pickle.loads(pickle.dumps(t.arange(6).view(2, 3).t()))
    assert z.tolist() == [[0, 3], [1, 4], [2, 5]]
    p = pickle.loads(pickle.dumps(t.nn.Parameter(t.ones(2))))
    assert isinstance(p, t.nn.Parameter) and p.requires_grad


# ----- data -----


def test_data(t):
    x = leaf(t)
    assert not x.data.requires_grad and x.data.data_ptr() == x.data_ptr()
    x.data.mul_(2)
    x.data[0] = 9
    x.data -= 1
    assert x.tolist() == [8.0, 3.0] and x.requires_grad and x.is_leaf and x._version == 0


def test_assigning_data(t):
    x = leaf(t)
    x.data = t.ones(3)
    assert x.tolist() == [1.0] * 3 and x.requires_grad
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0] * 3
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got int"):
        x.data = 3
    with pytest.raises(RuntimeError, match="must be floating point or complex dtype"):
        x.data = t.ones(3, dtype=t.int64)


# ----- other types -----


@on_the_cpu
def test_to(t):
    x = t.ones(2)
    assert x.to("cpu") is x and x.to(t.float32) is x and x.to() is x and x.to(device=None) is x
    assert x.to(t.float32, copy=True) is not x and x.to(t.float32, False, True) is not x
    for wide in (x.to(t.float64), x.to("cpu", t.float64), x.to(dtype=t.float64), x.to(x.double())):
        assert wide.dtype is t.float64
    assert x.to(float).dtype is t.float64 and x.type_as(t.ones(1, dtype=t.int8)).dtype is t.int8
    assert x.type() == "torch.FloatTensor" and x.long().type() == "torch.LongTensor"
    assert x.type(t.int64).dtype is x.type("torch.LongTensor").dtype is t.int64
    with pytest.raises(TypeError):
        x.to(unknown=3)
    with pytest.raises(RuntimeError, match="device type at start of device string: abc"):
        x.to("abc")


def test_new_tensors_like_this(t):
    x, n = t.ones(2, dtype=t.float64), t.ones(2, dtype=t.int64)
    assert x.new_zeros(2, 3).shape == x.new_zeros((2, 3)).shape == x.new_empty(2, 3).shape == (2, 3)
    assert x.new_ones(2).dtype is t.float64 and n.new_full((2,), 3).tolist() == [3, 3]
    assert n.new_tensor([1.5]).tolist() == [1] and x.new_zeros(2, dtype=t.int8).dtype is t.int8
    assert x.new_zeros(2, requires_grad=True).requires_grad
    assert x.new(3, 2).shape == (3, 2) and x.new([1, 2]).tolist() == [1.0, 2.0]


# ----- the constructors of old -----


def test_tensor_as_a_constructor(t):
    assert t.Tensor(2, 3).shape == t.Tensor(t.Size([2, 3])).shape == (2, 3)
    assert t.Tensor([1, 2]).tolist() == [1.0, 2.0] and t.Tensor([1, 2]).dtype is t.float32
    assert t.Tensor().shape == (0,) and t.Tensor((2, 3)).tolist() == [2.0, 3.0]
    assert t.Tensor(np.ones(2)).dtype is t.float32
    x = t.ones(2)
    alias = t.Tensor(x)
    alias[0] = 5
    assert x.tolist() == [5.0, 1.0]
    for wrong in (2.5, None, "a"):
        with pytest.raises(TypeError, match=r"new\(\): "):
            t.Tensor(wrong)
    with pytest.raises(RuntimeError, match="Trying to create tensor with negative dimension"):
        t.Tensor(-1)


@on_the_cpu
def test_typed_constructors(t):
    assert t.LongTensor([1, 2]).dtype is t.int64 and t.FloatTensor(2, 3).shape == (2, 3)
    assert t.BoolTensor([True]).type() == "torch.BoolTensor"
    assert isinstance(t.ones(2), t.FloatTensor) and not isinstance(t.ones(2), t.LongTensor)
    assert t.ones(2).type(t.LongTensor).dtype is t.int64
    assert not isinstance(t.ones(2), t.cuda.FloatTensor)
    assert [list(row) for row in reversed(t.tensor([[1, 2], [3, 4]]))] == [[3, 4], [1, 2]]
    assert reversed(t.tensor(3)).item() == 3


@on_the_cpu
def test_subclasses(t):
    class Mine(t.Tensor):
        pass

    assert Mine([1, 2]).tolist() == [1.0, 2.0]
    p = t.nn.Parameter(t.ones(2))
    assert isinstance(p, t.Tensor) and type(p * 2) is t.Tensor
    assert repr(p).startswith("Parameter containing:\ntensor([1., 1.], requires_grad=True)")


# ----- on every device -----


def test_values_leave_the_device_only_when_asked(device):
    x = tg.tensor([[1.0, 2.0]], device=device, requires_grad=True)
    assert x.tolist() == [[1.0, 2.0]] and x[0, 1].item() == 2.0 and str(x.device).startswith(device)
    y = copy.deepcopy(x)
    assert y.device == x.device and pickle.loads(pickle.dumps(x)).device == x.device
    assert x.is_cuda == (device == "cuda") and x.data_ptr() == x.detach().data_ptr()
    assert x.new_zeros(2).device == x.device == x.new(2).device
    if device == "cuda":
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            x.detach().numpy()
    assert x.numpy(force=True).tolist() == [[1.0, 2.0]]


def test_views_changed_in_place_on_every_device(device):
    x = tg.arange(6.0, device=device).view(2, 3).requires_grad_()
    y = x * 1
    early = y[:, 1]
    y.t()[1:].mul_(3)
    (early * y[:, 1]).sum().backward()
    assert x.grad.tolist() == [[0.0, 18.0, 0.0], [0.0, 72.0, 0.0]]


def test_default_device(device):
    assert tg.get_default_device() == tg.device("cpu")
    with tg.device(device) as entered:
        assert entered == tg.get_default_device() == tg.device(device)
        made = [
            tg.zeros(2), tg.tensor([1]), tg.as_tensor(np.ones(2)), tg.randn(2), tg.arange(3),
            tg.nn.Linear(2, 2).weight, tg.randperm(3), tg.Tensor(2),
        ]  # fmt: skip
        assert {x.device.type for x in made} == {device}
        assert tg.from_numpy(np.ones(2)).is_cpu and tg.zeros(2, device="cpu").is_cpu
        with tg.device("cpu"):
            assert tg.ones(1).is_cpu
        assert tg.ones(1).device.type == device
    tg.set_default_device(device)
    assert tg.ones(1).device.type == device
    tg.set_default_device(None)
    assert tg.ones(1).is_cpu
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        tg.set_default_device("tpu")
