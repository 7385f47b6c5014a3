"""The stand-in for CuPy refuses what a GPU would refuse, and remembers what it would forget."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_rnn.backends.protocol import Backend

from ..conftest import HAS_GPU, STANDIN

if HAS_GPU:
    pytest.skip("CuPy has a GPU here, nothing stands in for it", allow_module_level=True)

import cupy
from cupy import standin

# What the backend's protocol does not name, and cupy_backend needs
BESIDE = {
    "RawKernel", "array", "asnumpy", "cuda", "get_default_memory_pool", "lib", "linalg", "ndarray",
    "standin", "ufunc",
}  # fmt: skip


@pytest.fixture
def x() -> Any:
    return cupy.array(np.arange(12, dtype="float32").reshape(3, 4))


@pytest.fixture
def host() -> np.ndarray:
    return np.ones((3, 4), "float32")


def test_it_is_the_stand_in():
    assert cupy.__file__ is not None and cupy.__file__.startswith(str(STANDIN))
    assert sys.modules["cupy"] is cupy


def test_it_has_the_functions_of_the_protocol_and_no_others():
    named = set(Backend.__annotations__) - {"ndarray", "fused_cells"}
    public = {name for name in vars(cupy) if not name.startswith("_")}
    assert named <= public
    assert public - named == BESIDE | {"asarray", "from_dlpack"}


# ----- nothing crosses silently between host and device -----


@pytest.mark.parametrize(
    "call",
    [
        lambda x, host: np.asarray(x),
        lambda x, host: np.exp(x),
        lambda x, host: np.add(host, x),
        lambda x, host: np.sum(x),
        lambda x, host: np.concatenate([x, x]),
        lambda x, host: np.where(x, 1, 0),
        lambda x, host: x + host,
        lambda x, host: host + x,
        lambda x, host: host @ x.T,
        lambda x, host: x == host,
        lambda x, host: x + [1],
        lambda x, host: operator.iadd(x, host),
        lambda x, host: operator.iadd(host, x),
        lambda x, host: cupy.exp(host),
        lambda x, host: cupy.exp([1.0]),
        lambda x, host: cupy.add(x, host),
        lambda x, host: cupy.add(x, x, out=host),
        lambda x, host: cupy.sum(host),
        lambda x, host: cupy.concatenate([x, host]),
        lambda x, host: cupy.matmul(x, host.T),
        lambda x, host: cupy.einsum("ij,ij->i", x, host),
        lambda x, host: cupy.where(x > 0, x, host),
        lambda x, host: cupy.take_along_axis(x, host.astype(int), 0),
        lambda x, host: cupy.clip(x, host, None),
        lambda x, host: x[np.array([0, 1])],
        lambda x, host: x[[0, 1]],
        lambda x, host: operator.setitem(x, 0, host[0]),
        lambda x, host: operator.setitem(host, 0, x[0]),
    ],
)
def test_mixing_with_numpy_raises(call: Callable[..., Any], x: Any, host: np.ndarray):
    with pytest.raises(TypeError):
        call(x, host)


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.get(),
        lambda x: x[0, 0].item(),
        lambda x: x.tolist(),
        lambda x: float(x[0, 0]),
        lambda x: int(x[0, 0]),
        lambda x: bool(x[0, 0]),
        lambda x: 1 if x[0, 0] > x[1, 1] else 2,
        lambda x: repr(x),
        lambda x: f"{x[0, 0]:.3f}",
        lambda x: cupy.asnumpy(x),
        lambda x: x[x > 3],
        lambda x: operator.setitem(x, x > 3, 0),
        lambda x: cupy.nonzero(x),
        lambda x: cupy.where(x > 3),
        lambda x: cupy.unique(x),
        lambda x: cupy.bincount(cupy.arange(3)),
        lambda x: cupy.argsort(x),
        lambda x: cupy.median(x),
        lambda x: cupy.cuda.get_current_stream().synchronize(),
        lambda x: cupy.cuda.Device().synchronize(),
    ],
)
def test_reads_are_counted_and_refused_where_there_must_be_none(read: Callable[[Any], Any], x: Any):
    before = standin.syncs
    read(x)
    assert standin.syncs == before + 1
    with pytest.raises(RuntimeError, match=r"waits .*, inside no_sync\(\)"), standin.no_sync():
        read(x)
    read(x)  # allowed again


def test_work_that_stays_on_the_device_does_not_wait(x: Any):
    with standin.no_sync():
        y = cupy.tanh(x @ x.T).sum(axis=0)
        y -= y.max()
        y[0] = 3.0
        y[cupy.array([0, 1])] = y[1:]
        assert y.shape == (3,) and len(y) == 3 and y.flags.c_contiguous


# ----- results -----


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(),
        lambda x: x[1, 2],
        lambda x: cupy.exp(x[0, 0]),
        lambda x: 2 * x[0, 0],
        lambda x: np.float32(2) * x[0, 0],
        lambda x: x.max() > 3,
        lambda x: cupy.argmax(x),
        lambda x: -x.min(),
    ],
)
def test_single_numbers_stay_on_the_device(call: Callable[[Any], Any], x: Any):
    result = call(x)
    assert type(result) is cupy.ndarray and result.shape == ()


def test_the_base_of_a_view_is_the_owner_of_its_memory(x: Any):
    owner = cupy.array(x)
    assert owner.base is None and owner.flags.owndata
    views = [
        owner[1:],
        owner[1:][:, 1:],
        owner[0, 0],
        owner.reshape(4, 3),
        owner.reshape(4, 3)[0],
        owner.T,
        owner.transpose(1, 0),
        owner.swapaxes(0, 1).T,
        owner.diagonal(),
        owner.ravel(),
        owner.view(),
        owner[None].squeeze(),
        cupy.broadcast_to(owner, (2, 3, 4)),
        cupy.flip(owner, 0),
        cupy.moveaxis(owner, 0, 1),
        cupy.expand_dims(owner, 0),
        cupy.array_split(owner, 2)[1],
        cupy.einsum("ij->ji", owner),
    ]
    assert all(view.base is owner and not view.flags.owndata for view in views)
    assert owner[2:].data.ptr == owner.data.ptr + 2 * owner.strides[0]
    copies = [owner + 1, owner.copy(), owner.T.reshape(12), owner[cupy.array([0])], owner.sum(0)]
    assert all(copy.base is None for copy in copies)


def test_views_share_memory_and_can_be_written(x: Any):
    x.T[0] = 7
    x.diagonal()[...] = 8
    cupy.broadcast_to(x[2], (2, 4))[0, 3] = 9
    x[1, 3] -= 10
    assert x.tolist() == [[8, 1, 2, 3], [7, 8, 6, -3], [7, 9, 8, 9]]


def test_operators_in_place_write_to_the_same_memory(x: Any):
    y, address = x, x.data.ptr
    y += 1
    y *= x
    assert y is x and x.data.ptr == address
    with pytest.raises(TypeError, match="cast"):
        z = cupy.arange(3)
        z += 0.5


def test_nothing_is_copied_without_need(x: Any):
    assert cupy.ascontiguousarray(x) is x and cupy.asarray(x) is x
    assert x.astype("float32", copy=False) is x and x.astype("float32") is not x
    assert x.squeeze() is x  # where NumPy makes a view


# ----- what CuPy does in its own way -----


def test_positions_outside_wrap_around(x: Any):
    assert x[cupy.array([3, -4])].tolist() == x[cupy.array([0, 2])].tolist()
    assert cupy.take(x, cupy.array([5]), axis=1).tolist() == x[:, 1:2].tolist()
    x[cupy.array([4])] = 0
    assert x[1].tolist() == [0, 0, 0, 0]
    with pytest.raises(IndexError):  # a number is looked at by the host
        x[3]


def test_of_values_for_one_place_it_keeps_another_one_than_numpy():
    x = cupy.zeros((2, 3))
    x[cupy.array([0, 1, 0]), 1:] = cupy.array([[1.0], [2.0], [3.0]])
    assert x.tolist() == [[0, 1, 1], [0, 2, 2]]
    x[:, cupy.array([0, 0])] = cupy.array([4.0, 5.0])
    assert x[:, 0].tolist() == [4, 4]


def test_nothing_is_added_up_in_any_order():
    x, index = cupy.zeros(2), cupy.array([0, 0])
    with pytest.raises(NotImplementedError, match="repeated places in any order"):
        cupy.add.at(x, index, x)
    with pytest.raises(NotImplementedError, match="adds weights up in any order"):
        cupy.bincount(index, x)
    with pytest.raises(NotImplementedError, match="cumsum without axis"):
        cupy.cumsum(x)
    assert cupy.cumsum(index).tolist() == [0, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: cupy.sum(x, where=x > 0),
        lambda x: x.sum(initial=3),
        lambda x: cupy.take(x, 0, mode="clip"),
        lambda x: cupy.zeros(3, like=x),
        lambda x: cupy.add(x, x, where=x > 0),
        lambda x: x.max(0, None, False, 0.0),
        lambda x: cupy.zeros((x, x)),
        lambda x: hash(x),
    ],
)
def test_numpys_other_arguments_are_refused(call: Callable[[Any], Any], x: Any):
    with pytest.raises(TypeError):
        call(x)


@pytest.mark.parametrize("name", ["ctypes", "tobytes", "byteswap", "setflags"])
def test_numpys_other_methods_are_absent(name: str, x: Any):
    assert hasattr(x.get(), name) and not hasattr(x, name)


def test_arrays_hold_numbers_only():
    for data in (["a"], [None], [{}]):
        with pytest.raises(ValueError, match="Unsupported dtype"):
            cupy.array(data)
    with pytest.raises(ValueError, match="unsupported kind"):
        cupy.argsort(cupy.arange(3), kind="quicksort")


def test_fresh_memory_is_no_result():
    assert np.isnan(cupy.empty(3).get()).all()


# ----- two devices -----


def test_arrays_live_on_the_device_that_was_current():
    with cupy.cuda.Device(1):
        far = cupy.zeros(3)
        assert (far + 1).device.id == 1
        with cupy.cuda.Device(0):
            assert cupy.zeros(3).device.id == 0
        assert cupy.zeros(3).device.id == 1
    assert far.device == cupy.cuda.Device(1) and far[1:].device.id == 1
    assert far.copy().device.id == 0  # as in CuPy: on the current device
    assert far.get().tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda near, far: near + far,
        lambda near, far: far + 1,
        lambda near, far: operator.iadd(near, far),
        lambda near, far: cupy.concatenate([near, far]),
        lambda near, far: far.sum(),
        lambda near, far: operator.setitem(near, 0, far[0]),
        lambda near, far: operator.setitem(far, 0, 1),
        lambda near, far: near[far.astype(int)],
        lambda near, far: cupy.exp(near, out=far),
    ],
)
def test_kernels_refuse_arrays_of_another_device(call: Callable[..., Any]):
    with cupy.cuda.Device(1):
        far = cupy.zeros(3)
    with pytest.raises(ValueError, match=r"resides \(1\) is different from the current device"):
        call(cupy.zeros(3), far)


def test_memory_is_counted():
    pool = cupy.get_default_memory_pool()
    before = pool.used_bytes()
    x = cupy.zeros(1000, "float32")
    view = x[10:]
    assert pool.used_bytes() == before + 4000
    del x
    assert pool.used_bytes() == before + 4000
    del view
    assert pool.used_bytes() == before
